"""The networks of src/models/imageClassifiers.ts in PyTorch, and the proof that they are the same.

As a program: reads a JSON line { model, side, classes, reference } from stdin, loads the weights of the safetensors file
`reference` and compares the logits of the images in it with those in it; answers with the largest difference over the
largest logit, and the versions. Answers { "refused": why } when torch or torchvision is not installed.
"""
import json
import struct
import sys

try:
    import torch
    import torchvision
except ImportError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit(0)

from medfusionnet import MedFusionNet

models = torchvision.models


def vit(side, classes, width, heads):
    return models.VisionTransformer(side, 16, 12, heads, width, 4 * width, num_classes=classes)


NETWORKS = {
    "densenet121": lambda side, classes: models.DenseNet(32, (6, 12, 24, 16), 64, num_classes=classes),
    "densenet-small": lambda side, classes: models.DenseNet(16, (4, 4, 4, 4), 32, num_classes=classes),
    "deit-s": lambda side, classes: vit(side, classes, 384, 6),
    "vit-b": lambda side, classes: vit(side, classes, 768, 12),
    "resnet50": lambda side, classes: models.resnet50(num_classes=classes),
    "convnext-tiny": lambda side, classes: models.convnext_tiny(num_classes=classes),
    "medfusionnet-nano": lambda side, classes: MedFusionNet("nano", side, classes),
    "medfusionnet-tiny": lambda side, classes: MedFusionNet("tiny", side, classes),
    "medfusionnet-base": lambda side, classes: MedFusionNet("base", side, classes),
}


def build(given):
    """The network, and random images for it, in the memory layout that is asked for."""
    torch.set_num_threads(given["threads"])
    torch.manual_seed(1)
    if given["model"] not in NETWORKS:
        print(json.dumps({"refused": f"no peer of {given['model']} is written"}))
        sys.exit(0)
    model = NETWORKS[given["model"]](given["side"], given["classes"])
    images = torch.randn(given["batch"], 3, given["side"], given["side"])
    if given["layout"] == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    return model, images


def describe(model):
    versions = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"
    return {"versions": versions, "parameters": sum(p.numel() for p in model.parameters())}


def read_safetensors(path):
    """float32 tensors of a safetensors file, by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", name
        tensors[name] = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4).reshape(entry["shape"])
    return tensors


# timm's names of a ViT to torchvision's, which its class has.
TIMM = [
    ("patch_embed.proj.", "conv_proj."), ("cls_token", "class_token"), ("pos_embed", "encoder.pos_embedding"),
    ("blocks.", "encoder.layers.encoder_layer_"), (".norm1.", ".ln_1."), (".norm2.", ".ln_2."),
    (".attn.qkv.", ".self_attention.in_proj_"), (".attn.proj.", ".self_attention.out_proj."),
    (".mlp.fc1.", ".mlp.0."), (".mlp.fc2.", ".mlp.3."), ("head.", "heads.head."),
]


def torchvision_name(name):
    if name.startswith("norm."):
        return "encoder.ln." + name[len("norm."):]
    for timm, own in TIMM:
        name = name.replace(timm, own)
    return name


def main():
    given = json.loads(sys.stdin.readline())
    model, _ = build({**given, "batch": 1, "threads": 1, "layout": "nchw"})
    tensors = read_safetensors(given["reference"])
    images, expected = tensors.pop("#images"), tensors.pop("#logits")
    if isinstance(model, models.VisionTransformer):
        tensors = {torchvision_name(name): tensor for name, tensor in tensors.items()}
    buffers = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    model.load_state_dict({**buffers, **tensors})  # strict: every name on both sides, with its shape
    with torch.inference_mode():
        logits = model.eval()(images)
    difference = ((logits - expected).abs().max() / expected.abs().max()).item()
    print(json.dumps({"difference": difference, **describe(model)}), flush=True)


if __name__ == "__main__":
    main()
