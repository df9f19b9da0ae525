"""Golden values of src/data/audit from scipy, scikit-learn and numpy.

Run: python3 test/golden/audit/make_audit.py   (writes audit.json beside itself)
Tolerance of the test: quantiles 5e-4 (the approximation's bound), all else 1e-9 absolute.
"""
import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score

rng = np.random.default_rng(20)


def wilson(x, n, z):
    """Both ends as roots of the score equation (p - x/n)^2 = z^2 p (1 - p) / n."""
    f = lambda p: (p - x / n) ** 2 - z * z * p * (1 - p) / n
    low = 0.0 if x == 0 else brentq(f, 0, x / n - 1e-9, xtol=1e-15, rtol=1e-14)
    high = 1.0 if x == n else brentq(f, x / n + 1e-9, 1, xtol=1e-15, rtol=1e-14)
    return low, high


def mover_ratio_low(x, m, y, n, z):
    """Lower limit L of p/q: (p - L q)^2 = (p - l)^2 + L^2 (u - q)^2, by root finding."""
    p, q = x / m, y / n
    l, u = wilson(x, m, z)[0], wilson(y, n, z)[1]
    f = lambda ratio: (p - ratio * q) ** 2 - (p - l) ** 2 - ratio**2 * (u - q) ** 2
    top = p / q if q > 0 else 1e6
    return brentq(f, 0, top, xtol=1e-14, rtol=1e-14)


def auroc_excess(a, other, m, n):
    """Hanley and McNeil's standard error under the other area, literally."""
    q1, q2 = other / (2 - other), 2 * other**2 / (1 + other)
    v = other * (1 - other) + (m - 1) * (q1 - other**2) + (n - 1) * (q2 - other**2)
    return (a - other) / np.sqrt(v / (m * n))


tables = [(25, 55, 10, 803), (48, 55, 26, 803), (18, 55, 26, 803), (5, 55, 13, 803), (16, 18, 2, 840), (9, 10, 0, 200), (3, 3, 1, 40)]
bounds = [
    {"counts": t, "z": z, "ratio": None if t[2] == 0 else t[0] / t[1] / (t[2] / t[3]), "bound": mover_ratio_low(*t, z)}
    for t in tables
    for z in (1.0, 2.33, 3.7, 5.2)
]

size = 40
pixels = np.round(rng.random((size, size)) * 255) / 255
pixels[:, :12] = 0.0
rows = (np.arange(size) * 16) // size
cols = (np.arange(size) * 17) // size
grid = np.array([[pixels[np.ix_(rows == y, cols == x)].mean() for x in range(17)] for y in range(16)])
rises = np.diff(grid, axis=1) > 0.01

kappas = []
for _ in range(4):
    a = (rng.random(60) < 0.3).astype(int)
    b = np.where(rng.random(60) < 0.85, a, 1 - a)
    kappas.append({"a": a.tolist(), "b": b.tolist(), "kappa": cohen_kappa_score(a, b)})

golden = {
    "versions": {"scipy": scipy.__version__, "sklearn": sklearn.__version__, "numpy": np.__version__},
    "quantiles": [{"tests": t, "z": norm.isf(0.01 / t)} for t in (1, 7, 70, 1000, 100000)],
    "bounds": bounds,
    "excess": [{"in": i, "z": auroc_excess(*i)} for i in [(0.95, 0.8, 40, 300), (0.9, 0.8, 12.5, 99.25), (0.99, 0.8, 500, 500)]],
    "hash": {"size": size, "pixels": (pixels * 255).astype(int).ravel().tolist(), "rises": rises.astype(int).tolist()},
    "kappas": kappas,
}
path = pathlib.Path(__file__).with_name("audit.json")
path.write_text(json.dumps(golden) + "\n")
