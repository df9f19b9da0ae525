"""Golden eigenvectors, ridge maps and principal components: python3 make_affine_maps.py > affine_maps.json   (to 1e-9)

Eigenvalues from numpy, the ridge map and the components from scikit-learn.
"""
import json
import sys

import numpy
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

rng = numpy.random.default_rng(20261125)


def eigen(name, a):
    values = numpy.linalg.eigvalsh(a)[::-1]
    return {"name": name, "n": len(a), "matrix": a.ravel().tolist(), "values": values.tolist()}


def ridge(name, x, y):
    # fitRidgeMap: n λ with λ = 0.01 × the mean variance of the columns
    alpha = 0.01 * len(x) * x.var(axis=0).mean()
    model = Ridge(alpha=alpha, solver="cholesky").fit(x, y)
    unseen = rng.normal(size=(3, x.shape[1]))
    return {
        "name": name,
        "d": x.shape[1],
        "m": y.shape[1],
        "from": x.ravel().tolist(),
        "to": y.ravel().tolist(),
        "unseen": unseen.ravel().tolist(),
        "mapped": model.predict(unseen).ravel().tolist(),
    }


def components(name, x, count):
    model = PCA(n_components=count, svd_solver="full").fit(x)
    directions = model.components_
    largest = numpy.abs(directions).argmax(axis=1)
    signs = numpy.sign(directions[numpy.arange(count), largest])
    unseen = rng.normal(size=(3, x.shape[1]))
    return {
        "name": name,
        "d": x.shape[1],
        "count": count,
        "values": x.ravel().tolist(),
        "unseen": unseen.ravel().tolist(),
        "scores": (model.transform(unseen) * signs).ravel().tolist(),
    }


def symmetric(n):
    a = numpy.round(rng.normal(size=(n, n)), 3)
    return a + a.T


low_rank = numpy.round(rng.normal(size=(6, 2)), 3)
x = numpy.round(rng.normal(size=(20, 5)) * [3, 2, 1, 0.5, 0.1] + [10, 0, -3, 0, 1], 4)
mixing = rng.normal(size=(5, 4))
json.dump(
    {
        "versions": {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__},
        "eigen": [
            eigen("one", numpy.array([[-2.5]])),
            eigen("random", symmetric(7)),
            eigen("indefinite, repeated", numpy.diag([3.0, -1.0, 3.0, 0.0])),
            eigen("low rank", low_rank @ low_rank.T),
            eigen("all ones", numpy.ones((5, 5))),
        ],
        "ridge": [
            ridge("nearly linear", x, x @ mixing + 0.01 * rng.normal(size=(20, 4))),
            ridge("fewer rows than columns", x[:3], rng.normal(size=(3, 2))),
            ridge("a constant column", numpy.hstack([x, numpy.full((20, 1), 7.0)]), rng.normal(size=(20, 1))),
        ],
        "components": [
            components("all", x, 5),
            components("two of five", x, 2),
            components("fewer rows than columns", x[:4], 3),
        ],
    },
    sys.stdout,
    separators=(",", ":"),
)
