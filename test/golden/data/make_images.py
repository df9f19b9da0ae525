"""Golden values for src/data/resize.ts and decode.ts.

Run with Debian's python3 (python3-torch, python3-pil, python3-numpy):
    python3 test/golden/data/make_images.py > test/golden/data/images.json
"""
import base64
import io
import json
import struct
import sys
import zlib

import numpy as np
import PIL
import torch
from PIL import Image

rng = np.random.default_rng(7)


def png_by_hand(pixels, colour_type):
    """16-bit PNGs, which PIL cannot write in colour."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def case(name, data, expected, bits):
    """`expected`: [height, width] or [height, width, 3] stored values, read by PIL or by construction."""
    array = np.asarray(expected)
    return {
        "name": name,
        "file": base64.b64encode(data).decode(),
        "shape": list(array.shape),
        "bits": bits,
        "values": array.ravel().tolist(),
    }


smooth = np.add.outer(np.arange(16), np.arange(16)) * 8
grey = rng.integers(0, 256, (16, 16), dtype=np.uint8)
colour = np.stack([smooth, 255 - smooth, grey], -1).astype(np.uint8)
deep = rng.integers(0, 4096, (16, 16), dtype=np.uint16)
deep_colour = rng.integers(0, 65536, (16, 16, 3), dtype=np.uint16)
alpha = np.full((16, 16), 255, dtype=np.uint8)
alpha[:, 8:] = 0

files = []
files.append(case("grey 8-bit PNG", encode(Image.fromarray(grey), "PNG"), grey, 8))
files.append(case("colour 8-bit PNG", encode(Image.fromarray(colour), "PNG"), colour, 8))
files.append(case("12-bit radiograph in a 16-bit grey PNG", png_by_hand(deep, 0), deep, 16))
files.append(case("colour 16-bit PNG", png_by_hand(deep_colour, 2), deep_colour, 16))
bilevel = Image.fromarray(grey).point(lambda v: 255 if v > 127 else 0, "1")
files.append(case("1-bit PNG", encode(bilevel, "PNG"), np.asarray(bilevel.convert("L")), 8))
palette = Image.fromarray(colour).quantize(16)
files.append(case("palette PNG", encode(palette, "PNG"), np.asarray(palette.convert("RGB")), 8))
layered = Image.fromarray(np.stack([grey, alpha], -1), "LA")
files.append(case("grey PNG, transparent right half", encode(layered, "PNG"), np.where(alpha == 255, grey, 0), 8))
for mode, image in (("grey", Image.fromarray(smooth.astype(np.uint8))), ("colour", Image.fromarray(colour))):
    data = encode(image, "JPEG", quality=95, subsampling=0)
    files.append(case(f"{mode} JPEG", data, np.asarray(Image.open(io.BytesIO(data))), 8))
exif = Image.Exif()
exif[0x0112] = 6
data = encode(Image.fromarray(smooth.astype(np.uint8)[:, :8]), "JPEG", quality=95, exif=exif)
turned = np.asarray(Image.open(io.BytesIO(data)).transpose(Image.Transpose.ROTATE_270))
files.append(case("JPEG with orientation 6", data, turned, 8))

resized = []
for height, width, to_height, to_width, channels in [
    (16, 16, 8, 8, 1), (17, 23, 5, 8, 3), (9, 8, 16, 21, 1), (31, 8, 7, 13, 3), (12, 12, 12, 12, 1), (40, 3, 1, 1, 1),
]:
    pixels = rng.random((height, width, channels), dtype=np.float32)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].double()
    out = torch.nn.functional.interpolate(tensor, size=(to_height, to_width), mode="bilinear", antialias=True, align_corners=False)
    resized.append({
        "from": [height, width, channels],
        "to": [to_height, to_width],
        "pixels": [round(float(v), 7) for v in pixels.ravel()],
        "values": [round(v, 8) for v in out[0].permute(1, 2, 0).ravel().tolist()],
    })

json.dump(
    {
        "made": "test/golden/data/make_images.py",
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "pillow": PIL.__version__, "torch": torch.__version__},
        "files": files,
        "resized": resized,
    },
    sys.stdout,
)
