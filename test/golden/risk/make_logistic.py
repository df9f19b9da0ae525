"""Golden logistic regressions from scikit-learn: python3 make_logistic.py > logistic.json   (coefficients to 1e-6)

The tolerance lets newton-cg run down to rounding, which is why it warns.
"""
import json
import sys

import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = numpy.random.default_rng(20260301)
n = 120
cases = []


def case(name, x, y, C, class_weight=None, sample_weight=None):
    z = StandardScaler().fit_transform(x)
    model = LogisticRegression(C=C, class_weight=class_weight, solver="newton-cg", tol=1e-13, max_iter=10000)
    model.fit(z, y, sample_weight=sample_weight)
    cases.append(
        {
            "name": name,
            "columns": x.T.tolist(),
            "target": y.tolist(),
            "C": C,
            "balanced": class_weight == "balanced",
            "sampleWeight": None if sample_weight is None else sample_weight.tolist(),
            "coefficients": model.coef_[0].tolist(),
            "intercept": float(model.intercept_[0]),
        }
    )


x = numpy.round(rng.normal(size=(n, 3)), 3)
y = (x[:, 0] - 0.7 * x[:, 1] + rng.logistic(size=n) > 0.5).astype(int)
rare = (x[:, 0] + rng.logistic(size=n) > 3.2).astype(int)
tied = numpy.column_stack([rng.integers(15, 60, n), rng.integers(0, 2, n)]).astype(float)
outcome = (rng.uniform(size=n) < 0.1 + 0.4 * tied[:, 1]).astype(int)
case("strong penalty", x, y, 0.01)
case("weak penalty", x, y, 100.0)
case("rare, balanced", x, rare, 0.01, "balanced")
case("rare, not balanced", x, rare, 1.0)
case("sample weights", x, y, 0.5, None, rng.integers(0, 4, n).astype(float))
case("tied, one column", tied[:, :1], outcome, 0.01, "balanced")
case("tied and binary", tied, outcome, 10.0, "balanced")
case("separable", x[:, :1], (x[:, 0] > 0.2).astype(int), 1000.0)
case("collinear", numpy.column_stack([x[:, 0], 2 * x[:, 0] + 1]), y, 1.0)

json.dump(
    {"versions": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__}, "cases": cases},
    sys.stdout,
    separators=(",", ":"),
)
