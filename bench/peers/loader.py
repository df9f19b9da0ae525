"""The peer of bench/loader.ts: the same files decoded, augmented and made into float batches with Pillow, numpy and torch.

Reads a JSON line of settings from stdin (files, side, batch, workers, colour), answers with its versions, then for every
further line (an epoch) makes all batches and answers with seconds and CPU seconds. Two forms of the same work:

- `pillow`: one affine resampling from the file's size to the target's (rotation, zoom, mirror; no resize before it), then
  brightness and contrast through one table of 256 entries, all on bytes; numpy turns the result into floats.
- `torch`: the file as a tensor, resampled by affine_grid and grid_sample, brightness and contrast in floats.

Workers are those of torch's DataLoader, one thread each. Exits with 3 when Pillow or torch is not installed.
"""
import json
import math
import os
import resource
import sys
import time

try:
    import numpy
    import PIL
    import torch
    import torch.utils.data
    from PIL import Image
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

given = json.loads(sys.stdin.readline())
side, mode = given["side"], "RGB" if given["colour"] else "L"
generator = numpy.random.default_rng(1)


def draw(random):
    angle = math.radians(random.uniform(-10, 10))
    zoom = 1 + random.uniform(-0.1, 0.1)
    return angle, zoom, random.random() < 0.5, random.uniform(-0.1, 0.1), 1 + random.uniform(-0.1, 0.1)


def pillow(path, random):
    angle, zoom, mirror, brightness, contrast = draw(random)
    image = Image.open(path).convert(mode)
    scale = image.width / side / zoom
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    sign = -1 if mirror else 1
    centre, middle = image.width / 2, side / 2
    matrix = (
        sign * cos, sign * sin, centre - sign * (cos + sin) * middle,
        -sin, cos, centre - (cos - sin) * middle,
    )
    image = image.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    counts = numpy.array(image.histogram()).reshape(-1, 256).sum(0)
    mean = (counts * numpy.arange(256)).sum() / counts.sum()
    table = (contrast * (numpy.arange(256) - mean) + mean + 255 * brightness).clip(0, 255).round()
    image = image.point(table.astype(int).tolist() * len(mode))
    pixels = numpy.asarray(image).reshape(side, side, -1).transpose(2, 0, 1)
    return numpy.multiply(pixels, numpy.float32(1 / 255), dtype=numpy.float32, order="C")


def torched(path, random):
    angle, zoom, mirror, brightness, contrast = draw(random)
    pixels = numpy.asarray(Image.open(path).convert(mode)).reshape(1, given["fileSide"], given["fileSide"], -1)
    image = torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(numpy.float32) / 255)
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    sign = -1 if mirror else 1
    matrix = torch.tensor([[[sign * cos, sign * sin, 0], [-sin, cos, 0]]], dtype=torch.float32)
    grid = torch.nn.functional.affine_grid(matrix, (1, image.shape[1], side, side), align_corners=False)
    image = torch.nn.functional.grid_sample(image, grid, padding_mode="border", align_corners=False)[0]
    mean = image.mean()
    return ((image - mean) * contrast + mean + brightness).clamp_(0, 1).numpy()


class Files(torch.utils.data.Dataset):
    def __init__(self, form):
        self.form = {"pillow": pillow, "torch": torched}[form]

    def __len__(self):
        return len(given["files"])

    def __getitem__(self, index):
        return self.form(given["files"][index], numpy.random.default_rng(index))


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


torch.set_num_threads(1)
print(json.dumps({"versions": f"Pillow {PIL.__version__}, torch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    start, used = time.perf_counter(), processor_seconds()
    # Workers start anew for every epoch, as they do in a loop over a DataLoader, and count as children once they ended.
    loader = torch.utils.data.DataLoader(
        Files(line.strip()), given["batch"], num_workers=given["workers"], worker_init_fn=lambda _: torch.set_num_threads(1)
    )
    total = 0.0
    for batch in loader:
        assert batch.dtype == torch.float32 and batch.shape[2:] == (side, side)
        total += float(batch[0, 0, 0, 0])
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu": processor_seconds() - used}), flush=True)
