"""Golden bin edges: python3 make_bins.py > bins.json   (numpy quantiles, scikit-learn uniform bins)"""
import json
import sys

import numpy
import sklearn
from sklearn.preprocessing import KBinsDiscretizer

rng = numpy.random.default_rng(7)
cases = []
for name, values in [
    ("skewed", rng.exponential(size=60)),
    ("ages", rng.integers(15, 85, 75).astype(float)),
    ("many zeros", numpy.where(rng.uniform(size=50) < 0.6, 0, rng.uniform(1, 9, 50))),
]:
    for bins in (2, 4, 7):
        quantile = numpy.unique(numpy.quantile(values, numpy.arange(1, bins) / bins))
        uniform = KBinsDiscretizer(bins, encode="ordinal", strategy="uniform").fit(values[:, None])
        cases.append(
            {
                "name": name,
                "bins": bins,
                "values": values.tolist(),
                "quantile": quantile[quantile > values.min()].tolist(),
                "uniform": uniform.bin_edges_[0][1:-1].tolist(),
                "uniformCodes": uniform.transform(values[:, None])[:, 0].astype(int).tolist(),
            }
        )
json.dump(
    {"versions": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__}, "cases": cases},
    sys.stdout,
    separators=(",", ":"),
)
