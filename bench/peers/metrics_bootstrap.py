"""The peer of bench/metrics-bootstrap.ts: AUROC and AUPRC over given patient resamples, numpy + scikit-learn.

Reads a JSON line and raw little-endian arrays from stdin, writes one JSON object to stdout. Only the loop is timed.
"""
import json
import sys
import time

import numpy
import sklearn
from sklearn.metrics import average_precision_score, roc_auc_score

stdin = sys.stdin.buffer
shape = json.loads(stdin.readline())
n, labels, patients, resamples = (shape[key] for key in ("rows", "labels", "patients", "resamples"))


def read(dtype, *dims):
    size = int(numpy.prod(dims)) * numpy.dtype(dtype).itemsize
    return numpy.frombuffer(stdin.read(size), dtype).reshape(dims)


# One contiguous array per label, the layout that suits the loop below.
probabilities = numpy.ascontiguousarray(read("<f8", n, labels).T)
targets = numpy.ascontiguousarray(read("u1", n, labels).T)
patient = read("<i4", n)
drawn = read("<i4", resamples, patients)

draws = numpy.empty((labels, 2, resamples))
start = time.perf_counter()
for resample in range(resamples):
    rows = numpy.repeat(numpy.arange(n), drawn[resample][patient])
    for label in range(labels):
        y, p = targets[label][rows], probabilities[label][rows]
        draws[label, 0, resample] = roc_auc_score(y, p)
        draws[label, 1, resample] = average_precision_score(y, p)
seconds = time.perf_counter() - start
versions = f"numpy {numpy.__version__} + scikit-learn {sklearn.__version__}"
json.dump({"versions": versions, "seconds": seconds, "draws": draws.tolist()}, sys.stdout)
