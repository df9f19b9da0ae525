"""Golden image statistics: python3 make_image_statistics.py > image_statistics.json   (numpy, scipy, scikit-image; to 1e-9)"""
import json
import sys

import numpy
import scipy.stats
import skimage
from skimage.color import rgb2gray
from skimage.feature import graycomatrix, graycoprops

rng = numpy.random.default_rng(11)
cases = []
for name, image in [
    ("noise", rng.uniform(size=(9, 7))),
    ("ramp", numpy.linspace(0, 1, 40).reshape(5, 8)),
    ("smooth", numpy.outer(numpy.hanning(12), numpy.hanning(10))),
    ("constant", numpy.full((4, 4), 0.5)),
    ("colour", rng.uniform(size=(6, 8, 3))),
]:
    image = numpy.round(image, 4).astype(numpy.float32)
    grey = rgb2gray(image.astype(float)) if image.ndim == 3 else image.astype(float)
    levels = numpy.minimum(31, numpy.floor(grey * 32)).astype(numpy.uint8)
    matrix = graycomatrix(
        levels, [1], [0, numpy.pi / 4, numpy.pi / 2, 3 * numpy.pi / 4], levels=32, symmetric=True, normed=True
    )
    channels = numpy.moveaxis(image, -1, 0) if image.ndim == 3 else image[None]
    cases.append(
        {
            "name": name,
            "shape": list(channels.shape),
            "pixels": channels.ravel().astype(float).round(4).tolist(),
            "statistics": {
                "mean": grey.mean(),
                "sd": grey.std(),
                **{f"p{q}": numpy.percentile(grey, q) for q in (5, 50, 95)},
                "entropy": float(scipy.stats.entropy(numpy.bincount(levels.ravel()), base=2)),
                "contrast": graycoprops(matrix, "contrast").mean(),
                "homogeneity": graycoprops(matrix, "homogeneity").mean(),
            },
        }
    )
json.dump(
    {"versions": {"scikit-image": skimage.__version__, "numpy": numpy.__version__}, "cases": cases},
    sys.stdout,
    separators=(",", ":"),
)
