"""Writes schedule.json: the learning rates of PyTorch's LinearLR warm-up followed by CosineAnnealingLR, with a
peak of 1.  Run: python3 make_schedule.py"""
import json
import os

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

cases = []
for total, warmup, floor in [(50, 10, 0.01), (7, 2, 0.0), (30, 1, 0.2)]:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    rising = LinearLR(optimizer, start_factor=1 / warmup, total_iters=max(warmup - 1, 1))
    falling = CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=floor)
    schedule = SequentialLR(optimizer, [rising, falling], milestones=[warmup])
    factors = []
    for _ in range(total):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    cases.append({"totalSteps": total, "warmup": warmup / total, "floor": floor, "factors": factors})
out = {"made_by": "make_schedule.py", "versions": {"torch": torch.__version__}, "cases": cases}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule.json"), "w") as handle:
    json.dump(out, handle)
