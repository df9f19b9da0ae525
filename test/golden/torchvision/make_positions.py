"""Writes positions.json: position embeddings of one square grid of patches resampled to another by torch's bicubic interpolation
(align_corners false, no antialiasing), the class token kept. The embeddings are make_full.py's `values`.

Run: /usr/bin/python3 make_positions.py      (torch)
"""
import json
import os

import torch
from torch.nn.functional import interpolate

from make_full import values

here = os.path.dirname(os.path.abspath(__file__))
width = 2
cases = []
for before, after in ((7, 4), (4, 7), (14, 8), (2, 5), (1, 3)):
    given = values(f"positions.{before}", (1, 1 + before**2, width))
    grid = given[:, 1:].reshape(1, before, before, width).permute(0, 3, 1, 2)
    resized = interpolate(grid, size=(after, after), mode="bicubic", align_corners=False)
    result = torch.cat([given[:, :1], resized.permute(0, 2, 3, 1).reshape(1, after**2, width)], 1)
    cases.append({"from": before, "to": after, "values": [float(f"{v:.7g}") for v in result.flatten().tolist()]})
with open(os.path.join(here, "positions.json"), "w") as handle:
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    handle.write(f'{{"made_by":"make_positions.py","torch":"{torch.__version__}","width":{width},"cases":[\n{rows}]}}\n')
