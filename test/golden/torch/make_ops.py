"""Writes ops.json: outputs and derivatives of ops in PyTorch, in float64 from inputs that float32 holds exactly.
The derivatives are of sum(output * seed) with respect to every floating input.  Run: python3 make_ops.py"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(20)
cases = []


def flat(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().double().flatten().tolist()]


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float32)


def ties(*shape):
    """Few distinct values, so that windows and rows hold equal maxima."""
    return torch.randint(-2, 2, shape).float()


def case(op, inputs, function, **attributes):
    leaves = [t.double().requires_grad_(True) if t.is_floating_point() else t for t in inputs]
    outputs = function(*leaves)
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    seeds = [normal(*y.shape) for y in outputs]
    objective = sum((y * seed.double()).sum() for y, seed in zip(outputs, seeds))
    wrt = [leaf for leaf in leaves if leaf.is_floating_point()]
    cases.append(
        {
            "op": op,
            "attributes": attributes,
            "inputs": [
                {
                    "shape": list(t.shape),
                    "dtype": "float32" if t.is_floating_point() else "int32",
                    "values": [round(v, 9) for v in t.flatten().tolist()],
                }
                for t in inputs
            ],
            "seeds": [flat(seed) for seed in seeds],
            "outputs": [flat(y) for y in outputs],
            "gradients": [flat(d) for d in torch.autograd.grad(objective, wrt)],
        }
    )


def conv(x, w, b, stride, padding, dilation, groups):
    top, left, bottom, right = padding
    function = lambda x, w, b: F.conv2d(
        F.pad(x, (left, right, top, bottom)), w, b, stride=stride, dilation=dilation, groups=groups
    )
    options = {"strides": stride, "padding": padding, "dilations": dilation, "groups": groups}
    case("conv2d", [x, w, b], function, **options)


conv(normal(2, 3, 5, 4), normal(4, 3, 3, 3), normal(4), [1, 1], [1, 1, 1, 1], [1, 1], 1)
conv(normal(1, 6, 5, 5), normal(4, 6, 3, 3), normal(4), [2, 2], [1, 1, 1, 1], [1, 1], 1)
conv(normal(1, 6, 7, 4), normal(3, 6, 3, 1), normal(3), [1, 1], [0, 1, 2, 0], [2, 1], 1)
conv(normal(2, 4, 4, 5), normal(6, 2, 2, 3), normal(6), [1, 2], [1, 1, 0, 2], [1, 1], 2)
conv(normal(1, 4, 6, 6), normal(4, 1, 3, 3), normal(4), [2, 2], [1, 1, 1, 1], [1, 1], 4)
conv(normal(2, 3, 1, 8), normal(3, 3, 1, 3), normal(3), [1, 1], [0, 4, 0, 0], [1, 2], 1)


def conv_transpose(x, w, stride, padding, output_padding, dilation, groups):
    function = lambda x, w: F.conv_transpose2d(
        x, w, None, stride, padding, output_padding, groups, dilation
    )
    options = {
        "strides": stride,
        "padding": padding + padding,
        "outputPadding": output_padding,
        "dilations": dilation,
        "groups": groups,
    }
    case("convTranspose2d", [x, w], function, **options)


conv_transpose(normal(1, 3, 3, 4), normal(3, 2, 3, 3), [2, 2], [1, 1], [1, 0], [1, 1], 1)
conv_transpose(normal(2, 4, 2, 3), normal(4, 1, 2, 3), [1, 3], [0, 1], [0, 2], [2, 1], 2)


def max_pool(x, kernel, stride, padding):
    options = {"kernel": kernel, "strides": stride, "padding": padding + padding}
    case("maxPool2d", [x], lambda x: F.max_pool2d(x, kernel, stride, padding), **options)


max_pool(normal(2, 2, 6, 5), [3, 3], [2, 2], [1, 1])
max_pool(ties(2, 2, 6, 5), [3, 3], [2, 2], [1, 1])
max_pool(ties(1, 3, 5, 7), [2, 3], [1, 2], [0, 1])
max_pool(torch.zeros(1, 1, 4, 4), [2, 2], [2, 2], [0, 0])

for x, kernel, stride, padding in [
    (normal(1, 2, 6, 4), [2, 2], [2, 2], [0, 0]),
    (normal(2, 1, 5, 7), [3, 2], [2, 1], [1, 1]),
]:
    for counted in [True, False]:
        case(
            "averagePool2d",
            [x],
            lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=counted),
            kernel=kernel,
            strides=stride,
            padding=padding + padding,
            countPadding=counted,
        )


def batch_norm(x, scale, bias, epsilon):
    axes = [axis for axis in range(x.dim()) if axis != 1]
    function = lambda x, s, b: (
        F.batch_norm(x, None, None, s, b, True, 0.0, epsilon),
        x.mean(axes),
        x.var(axes, unbiased=False),
    )
    case("batchNormTraining", [x, scale, bias], function, epsilon=epsilon)


batch_norm(normal(3, 2, 3, 4), normal(2), normal(2), 1e-5)
batch_norm(normal(7, 3), normal(3), normal(3), 0.1)
case(
    "batchNormInference",
    [normal(2, 3, 2, 2), normal(3), normal(3), normal(3), normal(3).abs() + 0.1],
    lambda x, s, b, m, v: (x - m[:, None, None]) / torch.sqrt(v[:, None, None] + 1e-5) * s[:, None, None]
    + b[:, None, None],
    epsilon=1e-5,
)
case(
    "layerNorm",
    [normal(2, 3, 5), normal(5), normal(5)],
    lambda x, s, b: F.layer_norm(x, [5], s, b, 1e-6),
    epsilon=1e-6,
)

far = torch.tensor([-1000.0, -90, -10, -1, -0.1, 0, 0.1, 1, 10, 90, 1000])
for op, function in {
    "gelu": F.gelu,
    "softplus": F.softplus,
    "logSigmoid": F.logsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "abs": torch.abs,
    "erf": torch.erf,
}.items():
    case(op, [torch.cat([far, normal(10)])], function)
case("clip", [torch.tensor([-2.0, -1, -0.5, 0, 1, 3])], lambda x: torch.clamp(x, -1, 1), low=-1, high=1)
case("maximum", [ties(3, 4), ties(3, 4)], torch.maximum)
case("minimum", [ties(3, 4), ties(3, 4)], torch.minimum)
case("max", [ties(3, 2, 5)], lambda x: torch.amax(x, (0, 2)), axes=[0, 2])

for rows, columns, x in [(7, 5, normal(1, 2, 3, 4)), (3, 2, normal(2, 1, 7, 5)), (8, 8, normal(1, 1, 4, 4))]:
    size = {"rows": rows, "columns": columns}
    case(
        "resizeBilinear",
        [x],
        lambda x: F.interpolate(x, (rows, columns), mode="bilinear", align_corners=False),
        **size,
    )
    case("adaptiveAveragePool", [x], lambda x: F.adaptive_avg_pool2d(x, (rows, columns)), **size)

case("softmax", [normal(2, 3, 4) * 5], lambda x: F.softmax(x, 1), axis=1)
case("logSoftmax", [normal(3, 5) * 20 + 500], lambda x: F.log_softmax(x, -1), axis=-1)
case("logSumExp", [normal(3, 5) * 20], lambda x: torch.logsumexp(x, 1), axes=[1])
case("gather", [normal(6, 3), torch.randint(0, 6, (2, 4)).int()], lambda t, i: F.embedding(i.long(), t))
case(
    "crossEntropy",
    [normal(4, 5) * 3, torch.randint(0, 5, (4,)).int()],
    lambda x, i: F.cross_entropy(x, i.long(), reduction="none"),
)
case(
    "binaryCrossEntropy",
    [normal(4, 3) * 8, torch.rand(4, 3)],
    lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
)
case(
    "attention",
    [normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 3)],
    lambda q, k, v: torch.softmax(q @ k.transpose(1, 2) / 2, -1) @ v,
)

out = {"made_by": "make_ops.py", "versions": {"torch": torch.__version__}, "cases": cases}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json"), "w") as handle:
    json.dump(out, handle, allow_nan=False)
