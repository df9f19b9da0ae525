"""Golden values of the tests, curves and segmentation scores in src/metrics, from scipy, scikit-image and numpy.

Run: python3 test/golden/metrics/make_comparisons.py   (writes comparisons.json beside itself; null = undefined)
Tolerance of the test: statistics 1e-9, p-values 1e-6 absolute and, for tails, 1e-9 relative.
"""
import json
import pathlib
import warnings

import numpy as np
import scipy
import skimage
from scipy import stats
from skimage.metrics import adapted_rand_error, variation_of_information

warnings.filterwarnings("error")


def tails():
    out = {
        "normal": [[z, stats.norm.sf(z)] for z in (-9.0, -1.5, 0.0, 0.3, 1.0, 1.96, 5.0, 12.0, 37.0)],
        "chiSquared": [
            [x, df, stats.chi2.sf(x, df)]
            for df in (1, 2, 3, 7, 40)
            for x in (1e-8, 0.1, 1.0, 5.0, 40.0, 41.0, 300.0)
        ],
        "f": [
            [x, d1, d2, stats.f.sf(x, d1, d2)]
            for d1, d2 in ((1, 1), (2, 10), (4, 36), (9, 1000), (30, 3))
            for x in (1e-6, 0.5, 1.0, 3.0, 25.0, 4000.0)
        ],
        "fairBinomial": [
            [k, n, stats.binom.cdf(k, n, 0.5)] for k, n in ((0, 0), (0, 1), (2, 9), (5, 10), (10, 10), (3, 200), (480, 1000))
        ],
        "range": [
            [q, k, stats.studentized_range.sf(q, k, np.inf)]
            for k in (2, 3, 5, 10, 20)
            for q in (0.0, 0.5, 2.0, 3.5, 5.0)
        ],
    }
    out["rangeQuantile"] = [
        [alpha, k, stats.studentized_range.isf(alpha, k, np.inf)] for k in (2, 4, 10) for alpha in (0.1, 0.05, 0.01)
    ]
    return out


def friedman(name, scores):
    scores = np.asarray(scores, float)
    n, k = scores.shape
    ranks = stats.rankdata(-scores, axis=1)
    out = {"name": name, "scores": scores.tolist(), "meanRanks": ranks.mean(axis=0)}
    if (scores == scores[:, :1]).all():
        return {**out, "chiSquared": None, "f": None}
    chi, p = stats.friedmanchisquare(*scores.T)
    out["chiSquared"] = [chi, p]
    rest = n * (k - 1) - chi
    if rest < 1e-9:
        out["f"] = None
    else:
        f = (n - 1) * chi / rest
        out["f"] = [f, stats.f.sf(f, k - 1, (k - 1) * (n - 1))]
    unit = np.sqrt(k * (k + 1) / (6 * n)) / np.sqrt(2)
    out["criticalDifference"] = stats.studentized_range.isf(0.05, k, np.inf) * unit
    gaps = np.abs(out["meanRanks"][:, None] - out["meanRanks"][None, :])
    out["nemenyi"] = np.vectorize(lambda gap: stats.studentized_range.sf(gap / unit, k, np.inf))(gaps)
    return out


def friedmans():
    rng = np.random.default_rng(11)
    yield friedman("random", rng.random((12, 4)))
    yield friedman("one better", rng.random((30, 5)) + [0.4, 0, 0, 0, 0.1])
    yield friedman("tied", np.round(rng.random((15, 4)), 1))
    yield friedman("two blocks", rng.random((2, 3)))
    yield friedman("unanimous", np.tile([0.9, 0.8, 0.7], (6, 1)))
    yield friedman("all tied", np.full((5, 3), 0.5))


def wilcoxon(name, a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    d = a - b
    pairs = int((d != 0).sum())
    exact = pairs == len(d) <= 50 and len(np.unique(np.abs(d))) == len(d)
    out = {"name": name, "a": a, "b": b, "pairs": pairs, "method": "exact" if exact else "normal", "test": None}
    if pairs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a small sample under the normal approximation
            result = stats.wilcoxon(a, b, method="exact" if exact else "approx")
        out["test"] = [result.statistic, result.pvalue]
    return out


def wilcoxons():
    rng = np.random.default_rng(12)
    yield wilcoxon("exact", rng.normal(size=14), rng.normal(size=14) + 0.6)
    yield wilcoxon("exact, fifty pairs", rng.normal(size=50), rng.normal(size=50) + 0.3)
    yield wilcoxon("large", rng.normal(size=51), rng.normal(size=51) + 0.3)
    # Eighths are exact in binary, so that equal differences are equal.
    yield wilcoxon("tied", rng.integers(0, 9, 20) / 8, rng.integers(0, 7, 20) / 8)
    yield wilcoxon("zeros", [1, 2, 3, 4, 5.5, 7], [1, 2, 2, 6, 5, 3])
    yield wilcoxon("one sign", np.arange(1, 9) ** 2, np.zeros(8))
    yield wilcoxon("centre", [1, -2, -4, 3], [0, 0, 0, 0])
    yield wilcoxon("one pair", [0.3], [0.1])
    yield wilcoxon("no pair differs", [0.5, 0.5], [0.5, 0.5])


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.asarray(p)[order]))
    return {"p": p, "adjusted": adjusted}


def segmentation(name, truth, test):
    truth, test = np.asarray(truth), np.asarray(test)
    out = {"name": name, "truth": truth.ravel(), "test": test.ravel(), "rand": [], "information": []}
    for ignore in ((0,), (), (0, 2)):
        # The code of 0.19.3 swaps what its documentation calls precision and recall.
        error, recall, precision = adapted_rand_error(truth, test, ignore_labels=ignore)
        out["rand"].append([list(ignore), error, precision, recall])
        splits, merges = variation_of_information(truth, test, ignore_labels=ignore)
        out["information"].append([list(ignore), splits, merges])
    return out


def segmentations():
    rng = np.random.default_rng(13)
    blocks = np.kron(np.arange(9).reshape(3, 3), np.ones((4, 4), int))
    yield segmentation("equal", blocks, blocks)
    yield segmentation("renumbered", blocks, 40 - 3 * blocks)
    yield segmentation("split", blocks, np.arange(144).reshape(12, 12) // 2)
    yield segmentation("merged", blocks, blocks // 3)
    yield segmentation("noise", blocks, np.where(rng.random((12, 12)) < 0.3, rng.integers(0, 9, (12, 12)), blocks))
    yield segmentation("random", rng.integers(0, 5, (10, 10)), rng.integers(0, 4, (10, 10)))
    yield segmentation("few segments", rng.integers(0, 4, (6, 6)), np.ones((6, 6), int))


def net_benefits():
    rng = np.random.default_rng(14)
    thresholds = [0.0, 0.05, 0.1, 0.25, 0.5, 0.9]
    for name, p, y in (
        ("random", rng.random(40), rng.integers(0, 2, 40)),
        ("tied", np.round(rng.random(40), 1), rng.integers(0, 2, 40)),
        ("imbalanced", rng.random(60) ** 3, rng.random(60) < 0.05),
        ("no positives", rng.random(10), np.zeros(10)),
        ("on the threshold", [0.1, 0.25, 0.25, 0.5], [1, 0, 1, 0]),
    ):
        p, y = np.asarray(p), np.asarray(y, int)
        curve = lambda acted, t: (acted & (y == 1)).mean() - (acted & (y == 0)).mean() * t / (1 - t)
        points = [[t, curve(p >= t, t), curve(np.full(len(y), True), t)] for t in thresholds]
        yield {"name": name, "p": p, "y": y, "points": points}


def mcnemar():
    rng = np.random.default_rng(15)
    for n, share in ((30, 0.5), (200, 0.7), (12, 1.0)):
        y = rng.integers(0, 2, n)
        a = np.where(rng.random(n) < share, y, 1 - y)
        b = rng.integers(0, 2, n)
        only_a, only_b = int(((a == y) & (b != y)).sum()), int(((a != y) & (b == y)).sum())
        p = stats.binomtest(only_a, only_a + only_b).pvalue
        yield {"a": a, "b": b, "y": y, "onlyARight": only_a, "onlyBRight": only_b, "pValue": p}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


golden = {
    "versions": {"scipy": scipy.__version__, "scikit-image": skimage.__version__, "numpy": np.__version__},
    "tails": tails(),
    "friedman": list(friedmans()),
    "wilcoxon": list(wilcoxons()),
    "holm": [holm([0.01, 0.04, 0.03, 0.005]), holm([0.5, 0.5, 0.9]), holm([0.2]), holm([0.02, 0.02, 0.0, 1.0])],
    "segmentation": list(segmentations()),
    "netBenefit": list(net_benefits()),
    "mcnemar": list(mcnemar()),
}
out = pathlib.Path(__file__).with_name("comparisons.json")
out.write_text(json.dumps(plain(golden), allow_nan=False) + "\n")
print(out, out.stat().st_size, "bytes")
