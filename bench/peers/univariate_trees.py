"""The peer of bench/univariate-trees.ts: scikit-learn's depth-1 tree for given pairs of label and column.

Reads a JSON line and raw little-endian arrays from stdin, writes one JSON object to stdout. Only the fits are
timed, in seconds of CPU.
"""
import json
import sys
import time

import numpy
import sklearn
from sklearn.tree import DecisionTreeClassifier

stdin = sys.stdin.buffer
shape = json.loads(stdin.readline())
n, columns, labels = (shape[key] for key in ("rows", "columns", "labels"))
# float32 is what the trees work in; converting is not timed.
table = numpy.frombuffer(stdin.read(8 * n * columns), "<f8").reshape(columns, n).astype(numpy.float32)
targets = numpy.frombuffer(stdin.read(n * labels), "u1").reshape(labels, n)

thresholds = []
start = time.process_time()
for label, column in shape["pairs"]:
    tree = DecisionTreeClassifier(max_depth=1, class_weight="balanced")
    tree.fit(table[column][:, None], targets[label])
    thresholds.append(float(tree.tree_.threshold[0]))
seconds = time.process_time() - start
json.dump(
    {"versions": f"scikit-learn {sklearn.__version__}", "seconds": seconds, "thresholds": thresholds}, sys.stdout
)
