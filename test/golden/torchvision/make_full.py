"""Writes what PyTorch computes with published architectures at full size, in evaluation mode:

  full.json          per model: parameter and buffer shapes, and the norm of every parameter's gradient; for the other
                     members of a family the number of trained values and the SHA-256 of all names and shapes
  full.safetensors   logits [2, 1000] of every model

Weights, running statistics, the input and the direction along which the logits are differentiated are not stored: each
element follows from its tensor's name, its index and the tensor's shape by the rule of `values`, which
test/models/portableValues.ts repeats.

DeiT-S is torchvision's VisionTransformer under timm's names; Inception-ResNet-v2 is inception_resnet_v2.py beside this file.

Run: /usr/bin/python3 make_full.py      (torch, torchvision)
"""
import hashlib
import json
import os
import re

import numpy as np
import torch
import torchvision
from torchvision import models

from inception_resnet_v2 import InceptionResnetV2
from make_models import write_safetensors

here = os.path.dirname(os.path.abspath(__file__))
batch, classes = 2, 1000


def uniform(name, count):
    """Numbers in [0, 1) on a grid of 2⁻²⁴: murmur3's finaliser of the name's FNV-1a hash plus a Weyl sequence."""
    start = 0x811C9DC5
    for byte in name.encode("ascii"):
        start = ((start ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(start)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return ((h ^ (h >> np.uint32(16))) >> np.uint32(8)).astype(np.float64) / 2**24


def extent(name, shape):
    """[from, to): the range of a tensor's uniform values."""
    if name.endswith("running_mean"):
        return -0.2, 0.2
    if name.endswith("running_var"):
        return 0.5, 1.5
    if len(shape) == 1:
        return (0.8, 1.2) if name.endswith("weight") else (-0.2, 0.2)
    if len(shape) == 3:  # tokens, positions, scales of residual branches
        return -0.5, 0.5
    # A variance of 2 / fan-in for kernels, which ReLU halves, and of 1 / fan-in for matrices.
    limit = ((6 if len(shape) == 4 else 3) / np.prod(shape[1:])) ** 0.5
    return -limit, limit


def values(name, shape):
    low, high = extent(name, shape)
    numbers = low + (high - low) * uniform(name, int(np.prod(shape)))
    return torch.from_numpy(numbers.astype(np.float32)).reshape(shape)


def same(name):
    return name


def timm_vit(name):
    """torchvision's name of a VisionTransformer's parameter as timm has it."""
    for pattern, replacement in (
        (r"^class_token$", "cls_token"),
        (r"^conv_proj\.", "patch_embed.proj."),
        (r"^encoder\.pos_embedding$", "pos_embed"),
        (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
        (r"^encoder\.ln\.", "norm."),
        (r"^heads\.head\.", "head."),
        (r"\.ln_([12])\.", r".norm\1."),
        (r"\.mlp\.0\.", ".mlp.fc1."),
        (r"\.mlp\.3\.", ".mlp.fc2."),
        (r"\.self_attention\.in_proj_", ".attn.qkv."),
        (r"\.self_attention\.out_proj\.", ".attn.proj."),
    ):
        name = re.sub(pattern, replacement, name)
    return name


def tensors(model, rename):
    named = {rename(name): value for name, value in model.state_dict().items()}
    return {name: value for name, value in named.items() if not name.endswith("num_batches_tracked")}


def trained(model):
    return sum(value.numel() for value in model.parameters())


def digest(model):
    lines = sorted(f"{name} {list(value.shape)}" for name, value in tensors(model, same).items())
    text = "\n".join(lines).replace(", ", ",")
    return {"count": trained(model), "sha256": hashlib.sha256(text.encode("ascii")).hexdigest()}


full = {
    "resnet18": (models.resnet18(), 64, same),
    "resnet50": (models.resnet50(), 64, same),
    "convnext_tiny": (models.convnext_tiny(), 64, same),
    "densenet121": (models.densenet121(), 64, same),
    "deit-s": (models.VisionTransformer(64, 16, 12, 6, 384, 1536), 64, timm_vit),
    "vit-b": (models.VisionTransformer(64, 16, 12, 12, 768, 3072), 64, same),
    "inception_resnet_v2": (InceptionResnetV2(classes), 107, same),
}
families = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
families += ["convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "densenet121"]

if __name__ == "__main__":
    described, logits = {}, {}
    for key, (model, side, rename) in full.items():
        model.eval()
        for name, value in tensors(model, rename).items():
            with torch.no_grad():
                value.copy_(values(name, tuple(value.shape)))
        x = 2 * values("input", (batch, 1, 3 * side * side)).reshape(batch, 3, side, side)
        y = model(x)
        direction = values("direction", (batch, 1, classes)).reshape(batch, classes)
        (y * direction).sum().backward()
        norms = {rename(name): float(value.grad.double().norm()) for name, value in model.named_parameters()}
        entries = {
            name: [list(value.shape), *([float(f"{norms[name]:.6g}")] if name in norms else [])]
            for name, value in tensors(model, rename).items()
        }
        described[key] = {"side": side, "count": trained(model), "tensors": entries}
        logits[key] = y
        spread = (y[0] - y[1]).std() / y.std()
        print(key, trained(model), f"logits ±{y.std():.3g}, between images {spread:.2g}")
    write_safetensors("full.safetensors", logits)
    lines = []
    for key, model in described.items():
        rows = ",\n".join(f"{json.dumps(n)}:{json.dumps(e, separators=(',', ':'))}" for n, e in model["tensors"].items())
        lines.append(f'"{key}":{{"side":{model["side"]},"count":{model["count"]},"tensors":{{\n{rows}}}}}')
    family = {name: digest(getattr(models, name)()) for name in families}
    with open(os.path.join(here, "full.json"), "w") as handle:
        versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
        handle.write(f'{{"made_by":"make_full.py","versions":{json.dumps(versions)},\n')
        handle.write('"models":{\n' + ",\n".join(lines) + "},\n")
        handle.write(f'"families":{json.dumps(family, indent=1)}}}\n')
