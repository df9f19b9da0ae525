"""The peer of bench/densenet-training.ts: the same DenseNet of torchvision trained with PyTorch, in one memory layout.

Reads a JSON line of settings from stdin, answers with its versions and parameter count, then for every further line
trains that many steps and answers with their seconds and the peak memory of this process so far (MB).
Exits with 3 when torch or torchvision is not installed.
"""
import json
import resource
import sys
import time

try:
    import torch
    import torchvision
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

given = json.loads(sys.stdin.readline())
torch.set_num_threads(given["threads"])
torch.manual_seed(1)
model = torchvision.models.DenseNet(
    given["growth"], tuple(given["blocks"]), given["stemChannels"], num_classes=given["classes"]
)
images = torch.randn(given["batch"], 3, given["side"], given["side"])
targets = (torch.rand(given["batch"], given["classes"]) < 0.3).float()
if given["layout"] == "channels-last":
    model = model.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)


def answer(**values):
    print(json.dumps(values), flush=True)


versions = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"
answer(versions=versions, parameters=sum(p.numel() for p in model.parameters()))
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    answer(seconds=seconds, megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
