"""Writes losses.json: losses per row and label and their derivatives, in float64, from PyTorch's binary cross-entropy,
torchvision's sigmoid_focal_loss, and the asymmetric loss written out from its paper's equation 7.

Run: /usr/bin/python3 make_losses.py      (torch, torchvision)
"""
import json
import os

import torch
import torchvision
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import sigmoid_focal_loss

torch.manual_seed(1)
logits = torch.cat([torch.linspace(-12, 12, 13), 3 * torch.randn(11)]).double().reshape(8, 3)
targets = (torch.rand(8, 3) < 0.5).double()
weights = torch.tensor([1.0, 2.5, 0.5]).double()


def asymmetric(x, gamma_positive, gamma_negative, margin):
    p = torch.sigmoid(x)
    p_m = (p - margin).clamp(min=0)
    positive = (1 - p) ** gamma_positive * torch.log(p)
    negative = p_m**gamma_negative * torch.log(1 - p_m)
    return -targets * positive - (1 - targets) * negative


def focal(x, gamma):
    return sigmoid_focal_loss(x, targets, alpha=-1, gamma=gamma)


def balanced_focal(x):
    # alpha = 1/3 weighs positives by 1/3 and negatives by 2/3: a weight of 1/2 for positives, all times 2/3.
    return sigmoid_focal_loss(x, targets, alpha=1 / 3, gamma=2) * 1.5


def bce(x, pos_weight=None):
    return binary_cross_entropy_with_logits(x, targets, reduction="none", pos_weight=pos_weight)


cases = [
    ({"name": "bce"}, None, bce),
    ({"name": "bce"}, weights, lambda x: bce(x, weights)),
    ({"name": "focal", "gamma": 2}, None, lambda x: focal(x, 2)),
    ({"name": "focal", "gamma": 0.5}, None, lambda x: focal(x, 0.5)),
    ({"name": "focal", "gamma": 2}, torch.full((3,), 0.5), balanced_focal),
]
for positive, negative, margin in [(0, 4, 0.05), (1, 2, 0.2), (2, 3, 0)]:
    options = {"name": "asymmetric", "gammaPositive": positive, "gammaNegative": negative, "margin": margin}
    cases.append((options, None, lambda x, o=(positive, negative, margin): asymmetric(x, *o)))

out = []
for options, positive_weights, loss in cases:
    x = logits.clone().requires_grad_()
    values = loss(x)
    values.sum().backward()
    out.append(
        {
            "options": options,
            "positiveWeights": None if positive_weights is None else positive_weights.tolist(),
            "losses": values.flatten().tolist(),
            "gradients": x.grad.flatten().tolist(),
        }
    )
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses.json")
with open(path, "w") as handle:
    json.dump(
        {
            "made_by": "make_losses.py",
            "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__},
            "shape": list(logits.shape),
            "logits": logits.flatten().tolist(),
            "targets": targets.flatten().tolist(),
            "cases": out,
        },
        handle,
    )
