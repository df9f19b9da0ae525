"""Golden training steps from PyTorch in float64: python3 make_network.py > network.json   (weights to 1e-9)"""
import json
import sys

import torch

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
n, inputs, units, rate, decay = 24, 3, 4, 0.05, 0.02
x = (torch.randn(n, inputs) * 1000).round() / 1000
y = (x[:, 0] * x[:, 1] + 0.3 * torch.randn(n) > 0).double()
weight = torch.where(y == 1, 1.7, 0.6)
first, second = torch.nn.Linear(inputs, units), torch.nn.Linear(units, 1)


def weights():
    return {
        "hidden": first.weight.tolist(),
        "hiddenBias": first.bias.tolist(),
        "output": second.weight[0].tolist(),
        "outputBias": second.bias.item(),
    }


start = weights()
batches = [torch.randperm(n)[: 7 + step % 3].tolist() for step in range(40)]
optimizer = torch.optim.Adam(
    [
        {"params": [first.weight, second.weight], "weight_decay": decay},
        {"params": [first.bias, second.bias], "weight_decay": 0},
    ],
    lr=rate,
)
for batch in batches:
    optimizer.zero_grad()
    logits = second(torch.relu(first(x[batch])))[:, 0]
    torch.nn.functional.binary_cross_entropy_with_logits(logits, y[batch], weight[batch]).backward()
    optimizer.step()

json.dump(
    {
        "versions": {"torch": torch.__version__},
        "columns": x.T.tolist(),
        "target": y.int().tolist(),
        "weight": weight.tolist(),
        "learningRate": rate,
        "weightDecay": decay,
        "batches": batches,
        "start": start,
        "end": weights(),
        "logits": second(torch.relu(first(x)))[:, 0].tolist(),
    },
    sys.stdout,
    separators=(",", ":"),
)
