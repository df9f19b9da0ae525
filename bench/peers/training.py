"""The peer of bench/training.ts: trains a network with PyTorch, in one memory layout.

Reads a JSON line of settings, { model, side, batch, classes, threads, layout }, from stdin and answers with versions and
parameter count; then for every further line, a count, trains that many steps and answers with their seconds and the peak
memory of this process so far (MB). Answers { "refused": why } when torch or torchvision is not installed.
"""
import json
import sys

from networks import build, describe, torch
from timing import serve

given = json.loads(sys.stdin.readline())
model, images = build(given)
targets = (torch.rand(given["batch"], given["classes"]) < 0.3).float()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(model(images), targets)
    loss.backward()
    optimizer.step()
    loss.item()


serve(describe(model), step)
