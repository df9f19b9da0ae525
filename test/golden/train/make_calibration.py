"""Writes calibration.json: temperature (scipy, bounded scalar minimisation of the cross-entropy), Platt scaling
(scipy minimisation on Platt's targets and on the raw ones; scikit-learn's own fit beside it) and isotonic
regression (scikit-learn).  Run: python3 make_calibration.py"""
import json
import os

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize, minimize_scalar
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(7)


def cross_entropy(u, t):
    return np.sum(np.logaddexp(0, u) - t * u)


def platt(z, y, smoothing):
    n1, n0 = y.sum(), (1 - y).sum()
    t = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2)) if smoothing else y
    fun = lambda w: cross_entropy(w[0] * z + w[1], t)

    def jac(w):
        r = 1 / (1 + np.exp(-(w[0] * z + w[1]))) - t
        return np.array([np.sum(r * z), np.sum(r)])

    return minimize(fun, np.array([1.0, 0.0]), jac=jac, method="BFGS", options={"gtol": 1e-10}).x.tolist()


cases = []
for name, n, slope, intercept, ties in [
    ("overconfident", 120, 0.4, -1.0, False),
    ("underconfident, rare", 200, 2.5, -3.0, False),
    ("tied logits", 90, 1.0, 0.5, True),
    ("few rows", 9, 0.8, 0.0, False),
]:
    z = rng.normal(0, 2, n).astype("<f4").astype(float)
    if ties:
        z = np.round(z)
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-(slope * z + intercept)))).astype(float)
    assert 0 < y.sum() < n
    t = minimize_scalar(
        lambda a: cross_entropy(a * z, y), bounds=(1 / 20, 20), method="bounded", options={"xatol": 1e-12}
    )
    iso = IsotonicRegression(out_of_bounds="clip").fit(z, y)
    grid = np.linspace(z.min() - 1, z.max() + 1, 41)
    a, b = _sigmoid_calibration(z, y)  # scikit-learn's p = 1 / (1 + exp(a z + b)), looser tolerance
    cases.append(
        {
            "name": name,
            "logits": z.tolist(),
            "targets": y.astype(int).tolist(),
            "temperature": 1 / t.x,
            "platt": platt(z, y, True),
            "plattRaw": platt(z, y, False),
            "sklearnPlatt": [-float(a), -float(b)],
            "grid": grid.tolist(),
            "isotonic": iso.predict(grid).tolist(),
        }
    )
out = {
    "made_by": "make_calibration.py",
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__},
    "cases": cases,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "calibration.json"), "w") as handle:
    json.dump(out, handle)
