"""Golden values of src/metrics from scikit-learn, scipy and numpy.

Run: python3 test/golden/metrics/make_metrics.py   (writes metrics.json beside itself; null = undefined)
Tolerance of the test: 1e-9 absolute.
"""
import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq, root
from scipy.special import expit
from scipy.stats import binomtest, rankdata
from sklearn import metrics as skm

EPS = 2.0**-52
warnings.filterwarnings("error")


def recalibration(p, y):
    """Logistic regression of y on logit p: roots of its score equations."""
    z = np.log(np.clip(p, EPS, 1 - EPS) / (1 - np.clip(p, EPS, 1 - EPS)))
    if y.min() == y.max():
        return None, None, None
    residual = lambda eta: np.where(y == 1, expit(-eta), -expit(eta))  # y - p without cancellation
    large = brentq(lambda a: residual(a + z).sum(), -80, 80, xtol=1e-14, rtol=1e-14)
    overlap = z[y == 0].max() > z[y == 1].min() and z[y == 1].max() > z[y == 0].min()
    if not overlap:
        return None, None, large

    def score(c):
        r = residual(c[0] + c[1] * z)
        return [r.sum(), (r * z).sum()]

    def jacobian(c):
        w = expit(c[0] + c[1] * z) * expit(-c[0] - c[1] * z)
        return -np.array([[w.sum(), (w * z).sum()], [(w * z).sum(), (w * z * z).sum()]])

    c = root(score, [0.0, 0.1], jac=jacobian, tol=1e-14).x
    for _ in range(3):  # polish to full precision
        c = c - np.linalg.solve(jacobian(c), score(c))
    assert np.abs(score(c)).max() < 1e-9, score(c)
    return c[1], c[0], large


def calibration_error(p, y, bins):
    """Equal-mass bins by mid-rank, literally."""
    own = np.floor(bins * (rankdata(p) - 0.5) / len(p)).astype(int)
    members = [own == b for b in range(bins) if (own == b).any()]
    table = [[p[m].min(), p[m].max(), int(m.sum()), int(y[m].sum()), p[m].mean()] for m in members]
    return sum(m.mean() * abs(p[m].mean() - y[m].mean()) for m in members), table


def case(name, p, y):
    p, y = np.asarray(p, float), np.asarray(y, int)
    decided = (p >= 0.5).astype(int)
    tn, fp, fn, tp = skm.confusion_matrix(y, decided, labels=[0, 1]).ravel()
    both = 0 < y.sum() < len(y)
    anypos = y.sum() > 0
    out = {
        "auroc": skm.roc_auc_score(y, p) if both else None,
        "auprc": skm.average_precision_score(y, p) if anypos else None,
        "brier": skm.brier_score_loss(y, p, pos_label=1) if both else np.mean((p - y) ** 2),
        "logLoss": skm.log_loss(y, p, labels=[0, 1], eps=EPS),
        "accuracy": skm.accuracy_score(y, decided),
        "allNegativeAccuracy": skm.accuracy_score(y, np.zeros_like(y)),
        "sensitivity": skm.recall_score(y, decided) if anypos else None,
        "specificity": skm.recall_score(y, decided, pos_label=0) if tn + fp else None,
        "ppv": skm.precision_score(y, decided) if tp + fp else None,
        "npv": skm.precision_score(y, decided, pos_label=0) if tn + fn else None,
        "f1": skm.f1_score(y, decided) if anypos else None,
    }
    out["gmean"] = np.sqrt(out["sensitivity"] * out["specificity"]) if both else None
    out["calibrationSlope"], out["calibrationIntercept"], out["calibrationInTheLarge"] = recalibration(p, y)
    out["ece"], out["bins"] = calibration_error(p, y, 10)
    out["ece4"], _ = calibration_error(p, y, 4)
    if both:
        fpr, tpr, thresholds = skm.roc_curve(y, p)
        out["roc"] = {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": thresholds[1:].tolist()}
        fpr, tpr, _ = skm.roc_curve(y, p, drop_intermediate=False)
        out["youden"] = (tpr - fpr)[1:].max()
        out["bestGmean"] = np.sqrt(tpr * (1 - fpr)).max()
        out["bestF1"] = max(skm.f1_score(y, (p >= t).astype(int)) for t in np.unique(p))
    if anypos:
        precision, recall, thresholds = (a[::-1] for a in skm.precision_recall_curve(y, p))
        n = len(thresholds)  # drop the interior of runs of constant recall, as scikit-learn >= 1.3 can
        last = {r: i for i, r in enumerate(recall[1:])}
        first = {}
        for i, r in enumerate(recall[1:]):
            first.setdefault(r, i)
        keep = [i for i in range(n) if i in (0, n - 1) or i in (first[recall[i + 1]], last[recall[i + 1]])]
        out["pr"] = {
            "recall": [recall[i + 1] for i in keep],
            "precision": [precision[i + 1] for i in keep],
            "thresholds": [thresholds[i] for i in keep],
        }
    return {"name": name, "p": p.tolist(), "y": y.tolist(), "expected": out}


def tables():
    rng = np.random.default_rng(20240607)
    z = rng.normal(size=300)
    y = (rng.random(300) < expit(0.7 * z - 0.3)).astype(int)
    yield case("random", expit(z), y)
    yield case("overconfident", expit(4 * z + 1), y)
    yield case("tied", np.round(expit(z), 1), y)
    yield case("two values", (z > 0) * 0.5 + 0.25, y)
    z = rng.normal(size=400)
    yield case("imbalanced", expit(z - 4), (rng.random(400) < expit(1.5 * z - 4.5)).astype(int))
    yield case("worse than chance", expit(-z), (rng.random(400) < expit(z)).astype(int))
    p = rng.random(60)
    p[:6] = [0, 0, 1, 1, 0, 1]
    yield case("zeros and ones", p, np.r_[[0, 1, 1, 0, 0, 1], (rng.random(54) < p[6:]).astype(int)])
    yield case("near one", 1 - 1e-9 * rng.random(40), rng.integers(0, 2, 40))
    yield case("constant", np.full(20, 0.3), [1, 0, 0, 1] * 5)
    yield case("separated", [0.1, 0.2, 0.3, 0.7, 0.8], [0, 0, 0, 1, 1])
    yield case("touching", [0.1, 0.2, 0.3, 0.3, 0.8], [0, 0, 0, 1, 1])
    yield case("reversed", [0.9, 0.8, 0.1, 0.2], [0, 0, 1, 1])
    yield case("no positives", [0.1, 0.6, 0.4], [0, 0, 0])
    yield case("no negatives", [0.1, 0.6, 0.4], [1, 1, 1])
    yield case("one positive row", [0.7], [1])
    yield case("one positive of many", np.linspace(0, 1, 101), np.arange(101) == 66)


def multilabel():
    rng = np.random.default_rng(7)
    n, labels = 80, 3
    z = rng.normal(size=(n, labels))
    y = (rng.random((n, labels)) < expit(z - [0, 1, 2])).astype(int)
    p = np.round(expit(z - 0.5), 2)
    d = (p >= [0.5, 0.4, 0.3]).astype(int)
    out = {}
    for kind in ("macro", "micro"):
        out[kind] = {
            "auroc": skm.roc_auc_score(y, p, average=kind),
            "auprc": skm.average_precision_score(y, p, average=kind),
            "f1": skm.f1_score(y, d, average=kind),
            "sensitivity": skm.recall_score(y, d, average=kind),
            "ppv": skm.precision_score(y, d, average=kind),
        }
    return {"p": p.ravel().tolist(), "d": d.ravel().tolist(), "y": y.ravel().tolist(), "labels": labels, **out}


def intervals():
    rng = np.random.default_rng(3)
    wilson = []
    warnings.simplefilter("ignore", RuntimeWarning)  # of the exact p-value, which is not used
    for k, n in [(0, 1), (1, 1), (0, 30), (41, 60), (60, 60), (3, 25596)]:
        ci = binomtest(k, n).proportion_ci(method="wilson")
        wilson.append([k, n, ci.low, ci.high])
    draws = rng.normal(size=137)
    return {"wilson": wilson, "draws": draws.tolist(), "percentiles": np.percentile(draws, [2.5, 97.5]).tolist()}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


golden = {
    "versions": {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
    "tables": list(tables()),
    "multilabel": multilabel(),
    "intervals": intervals(),
}
out = pathlib.Path(__file__).with_name("metrics.json")
out.write_text(json.dumps(plain(golden), allow_nan=False) + "\n")
print(out, out.stat().st_size, "bytes")
