"""Writes half.json: logits, loss and derivatives of a small network in float32 and as mixed precision computes them.

PyTorch 1.13 has no float16 on the processor, so its rules are written out here: `half` marks where a tensor of a network
under autocast is float16. It rounds on the way forward, and rounds the derivative on the way back, which is float16 there
too. Normalisations and softmax compute in float32 and give float16, products of matrices and convolutions round operands
and result.  Run: python3 make_half.py"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(24)
SCALE = 1024.0


# Contiguous, as this PyTorch differentiates GELU wrongly where the derivative comes in another layout.


class Half(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.half().float()

    @staticmethod
    def backward(context, gradient):
        return gradient.half().float().contiguous()


class Single(torch.autograd.Function):
    """Rounds nothing."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient.contiguous()


def network(half, x, p):
    x = half(F.conv2d(half(x), half(p["conv1"]), padding=1))
    x = half(F.batch_norm(x, None, None, p["scale1"], p["bias1"], training=True))
    x = F.max_pool2d(F.relu(x), 2)
    x = half(F.conv2d(x, half(p["conv2"]), padding=1))
    x = half(F.gelu(x))
    x = x.flatten(2).transpose(1, 2)
    x = half(x + half(p["position"]))
    y = half(F.layer_norm(x, (8,), p["scale2"], p["bias2"]))
    y = half(half(y @ half(p["qkv"]).T) + half(p["qkv_bias"]))
    q, k, v = y.split(8, dim=2)
    scores = half(half(q @ k.transpose(1, 2)) * 8**-0.5)
    x = half(x + half(half(scores.softmax(-1)) @ v))
    pooled = x.mean(1)
    return half(half(half(pooled) @ half(p["head"]).T) + half(p["head_bias"]))


def normal(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).requires_grad_(True)


parameters = {
    "conv1": normal(6, 3, 3, 3, scale=0.3),
    "scale1": (1 + 0.2 * torch.randn(6)).requires_grad_(True),
    "bias1": normal(6, scale=0.2),
    "conv2": normal(8, 6, 3, 3, scale=0.2),
    "position": normal(1, 16, 8, scale=0.2),
    "scale2": (1 + 0.2 * torch.randn(8)).requires_grad_(True),
    "bias2": normal(8, scale=0.2),
    "qkv": normal(24, 8, scale=0.4),
    "qkv_bias": normal(24, scale=0.2),
    "head": normal(3, 8, scale=0.5),
    "head_bias": normal(3, scale=0.2),
}
images = torch.randn(4, 3, 8, 8)
targets = (torch.rand(4, 3) < 0.4).float()


def run(half, scale):
    logits = network(half, images, parameters)
    loss = F.binary_cross_entropy_with_logits(logits, targets)
    gradients = torch.autograd.grad(loss * scale, list(parameters.values()))
    return {
        "logits": flat(logits),
        "loss": float(loss),
        "gradients": {name: flat(g / scale) for name, g in zip(parameters, gradients)},
    }


def flat(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().double().flatten().tolist()]


golden = {
    "versions": {"torch": torch.__version__},
    "scale": SCALE,
    "images": flat(images),
    "targets": flat(targets),
    "parameters": {
        name: {"shape": list(p.shape), "values": flat(p)} for name, p in parameters.items()
    },
    "float32": run(Single.apply, 1.0),
    "float16": run(Half.apply, SCALE),
}
with open(os.path.join(os.path.dirname(__file__), "half.json"), "w") as file:
    json.dump(golden, file)
for name in golden["float16"]["gradients"]:
    a, b = (torch.tensor(golden[kind]["gradients"][name]) for kind in ("float32", "float16"))
    print(name, float((a - b).abs().max() / a.abs().max()))
a, b = (torch.tensor(golden[kind]["logits"]) for kind in ("float32", "float16"))
print("logits", float((a - b).abs().max() / a.abs().max()))
