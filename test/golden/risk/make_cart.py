"""Golden trees from scikit-learn: python3 make_cart.py > cart.json

Every case is grown with twenty random states; only cases whose tree never changes are kept, since
scikit-learn settles equal improvements of two columns at random.
"""
import json
import sys

import numpy
import sklearn
from sklearn.tree import DecisionTreeClassifier


def tree_of(model):
    t = model.tree_
    return {
        "feature": [int(f) if f >= 0 else -1 for f in t.feature],
        "threshold": [float(v) if f >= 0 else 0.0 for f, v in zip(t.feature, t.threshold)],
        "left": [int(v) for v in t.children_left],
        "right": [int(v) for v in t.children_right],
    }


def tables():
    rng = numpy.random.default_rng(20260101)
    n = 180
    continuous = rng.normal(size=(n, 4)).astype(numpy.float32)
    noisy = (continuous[:, 0] + 0.8 * continuous[:, 1] ** 2 + rng.normal(size=n) > 0.9).astype(int)
    yield "continuous", continuous, noisy
    yield "imbalanced", continuous, (continuous[:, 2] + rng.normal(size=n) > 2.2).astype(int)
    tied = numpy.column_stack(
        [rng.integers(15, 60, n), rng.integers(0, 9, n), rng.integers(0, 2, n), rng.integers(0, 40, n) / 4]
    ).astype(numpy.float32)
    yield "tied", tied, (tied[:, 0] / 20 + tied[:, 1] / 4 + tied[:, 2] + rng.normal(size=n) > 4.4).astype(int)
    x = rng.integers(-6, 7, (n, 2)).astype(numpy.float32)
    yield "xor", x, ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(int)
    yield "one column", tied[:, :1], (rng.uniform(size=n) < tied[:, 0] / 80).astype(int)
    yield "one class", continuous[:20], numpy.zeros(20, int)
    yield "constant", numpy.ones((20, 2), numpy.float32), (numpy.arange(20) % 3 == 0).astype(int)


settings = [
    {"max_depth": 1},
    {"max_depth": 3, "min_samples_leaf": 5},
    {"max_depth": 3, "min_samples_leaf": 5, "class_weight": "balanced"},
    {"max_depth": 5, "min_samples_leaf": 8, "min_samples_split": 30},
    {"min_samples_leaf": 7, "ccp_alpha": 0.004},
    {"min_samples_leaf": 7, "ccp_alpha": 0.01, "class_weight": "balanced"},
    {"min_samples_leaf": 10, "class_weight": "balanced"},
]

cases, dropped = [], 0
for name, x, y in tables():
    trees = []
    for options in settings:
        found = [tree_of(DecisionTreeClassifier(random_state=s, **options).fit(x, y)) for s in range(20)]
        if any(tree != found[0] for tree in found):
            dropped += 1
            continue
        trees.append({"options": options, "tree": found[0]})
    cases.append({"name": name, "columns": x.T.astype(float).tolist(), "target": y.tolist(), "trees": trees})

print(sum(len(c["trees"]) for c in cases), "trees,", dropped, "dropped for random ties", file=sys.stderr)
json.dump(
    {"versions": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__}, "cases": cases},
    sys.stdout,
    separators=(",", ":"),
)
