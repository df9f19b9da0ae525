"""The peer of bench/inference.ts: predicts with a network in PyTorch, in one memory layout.

Settings and answers as in bench/peers/training.py.
"""
import json
import sys

from networks import build, describe, torch
from timing import serve

given = json.loads(sys.stdin.readline())
model, images = build(given)
model.eval()


def predict():
    with torch.inference_mode():
        model(images).numpy()


serve(describe(model), predict)
