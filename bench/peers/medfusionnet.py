"""MedFusionNet as src/models/medfusionnet builds it, written for PyTorch: one image per row, no table, no notes.

Module names are ours, so that our weights load as they are; bench/peers/networks.py compares the logits.
"""
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import StochasticDepth

DROPOUT = 0.1
STOCHASTIC_DEPTH = 0.05

SIZES = {
    "nano": dict(growth=16, blocks=[4, 4, 4, 4], stem=32, tokens=64, depth=4, token_heads=4, width=64, layers=2, heads=4, grid=2),
    "tiny": dict(growth=24, blocks=[4, 8, 12, 8], stem=48, tokens=192, depth=8, token_heads=3, width=128, layers=2, heads=4, grid=4),
    "base": dict(growth=32, blocks=[6, 12, 24, 16], stem=64, tokens=384, depth=12, token_heads=6, width=256, layers=3, heads=8, grid=7),
}


def conv(inner, out, kernel, stride=1, padding=0, bias=False, dilation=1):
    return nn.Conv2d(inner, out, kernel, stride, padding, dilation, bias=bias)


def point(inner, out):
    return conv(inner, out, 1)


class DenseLayer(nn.Module):
    def __init__(self, inner, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inner), conv(inner, 4 * growth, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), conv(4 * growth, growth, 3, padding=1)

    def forward(self, maps):
        narrow = self.conv1(F.relu(self.norm1(torch.cat(maps, 1))))
        return self.conv2(F.relu(self.norm2(narrow)))


class DenseBlock(nn.Module):
    def __init__(self, inner, growth, layers):
        super().__init__()
        for i in range(layers):
            self.add_module(f"denselayer{i + 1}", DenseLayer(inner + i * growth, growth))

    def forward(self, x):
        maps = [x]
        for layer in self.children():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


class Transition(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(inner), conv(inner, inner // 2, 1)

    def forward(self, x):
        return self.conv(F.avg_pool2d(F.relu(self.norm(x)), 2))  # pooled first, as ours is: a quarter of the work


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5
        if mask is not None:
            scores = scores + (mask[:, None, None, :] - 1) * 1e9
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.dropout(F.gelu(self.fc1(x)), DROPOUT, self.training))


class Block(nn.Module):
    def __init__(self, width, heads, depth_rate=0.0):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, 1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, 1e-6), Mlp(width)
        self.drop, self.depth = nn.Dropout(DROPOUT), StochasticDepth(depth_rate, "row")

    def forward(self, x, mask=None):
        x = x + self.depth(self.drop(self.attn(self.norm1(x), mask)))
        return x + self.depth(self.drop(self.mlp(self.norm2(x))))


class GatedResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm, self.conv2 = point(channels, channels), nn.BatchNorm2d(channels), point(channels, channels)

    def forward(self, x):
        return x + self.conv2(torch.sigmoid(self.norm(self.conv1(x))))


def to_grid(x, size):
    if x.shape[2] >= size[0]:
        return F.adaptive_avg_pool2d(x, size)
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class MapsToTokens(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.project, self.gate, self.norm = point(channels, width), GatedResidual(width), nn.LayerNorm(width, 1e-6)

    def forward(self, maps, tokens, side):
        cells = to_grid(self.gate(self.project(maps)), (side, side)).flatten(2).transpose(1, 2)
        return torch.cat([tokens[:, :1], tokens[:, 1:] + F.gelu(self.norm(cells))], 1)


class TokensToMaps(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.project, self.norm, self.gate = point(width, channels), nn.BatchNorm2d(channels), GatedResidual(channels)

    def forward(self, tokens, maps, side):
        projected = F.relu(self.norm(self.project(token_grid(tokens, side))))
        return maps + self.gate(to_grid(projected, maps.shape[2:]))


def token_grid(tokens, side):
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side))


class Dictionary(nn.Module):
    """Named parts and parameters."""

    def __init__(self, **members):
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


def learned(*shape):
    return nn.Parameter(torch.randn(shape) * 0.02)


class VisitBranch(nn.Module):
    def __init__(self, features, width, heads):
        super().__init__()
        self.project, self.slot = nn.Linear(features, width), learned(1, 1, width)
        self.time, self.view = nn.Linear(1, width, bias=False), nn.Embedding(1, width)
        causal = lambda d: conv(width, width, (1, 3), bias=True, dilation=(1, d))
        self.tcn = nn.ModuleList([Dictionary(conv1=causal(d), conv2=causal(d)) for d in (1, 2)])
        self.attention, self.no_history = Block(width, heads), learned(1, 1, width)

    def forward(self, pooled, mask, time, view):
        x = self.project(pooled) + self.slot + (self.time(time[..., None]) + self.view(view))
        mask, x = mask.flip(1), x.flip(1) * mask.flip(1)[..., None]
        for layer, dilation in zip(self.tcn, (1, 2)):
            pad = lambda t: F.pad(t, (2 * dilation, 0))
            signal = x.transpose(1, 2)[:, :, None]  # [batch, width, 1, slot]
            update = layer.conv2(pad(F.gelu(layer.conv1(pad(signal)))))
            x = (x + update[:, :, 0].transpose(1, 2)) * mask[..., None]
        single = 1 - (mask.sum(1, keepdim=True) > 1).float()
        tokens = torch.cat([self.attention(x, mask), self.no_history.expand(len(x), -1, -1)], 1)
        return tokens, torch.cat([mask, single], 1)


class Fusion(nn.Module):
    def __init__(self, labels, width, layers, heads):
        super().__init__()
        names = ("cnn", "transformer", "visits")
        self.source = nn.ParameterDict({name: learned(1, 1, width) for name in names})
        self.queries, self.query_weight = learned(1, labels, width), learned(1, labels, width)
        self.blocks = nn.ModuleList([Block(width, heads, STOCHASTIC_DEPTH) for _ in range(layers)])
        self.norm = nn.LayerNorm(width, 1e-6)
        self.summary = nn.ModuleDict({name: nn.Linear(width, labels, bias=False) for name in names})
        self.gate = nn.ParameterDict({name: nn.Parameter(torch.zeros(1, labels)) for name in names})
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, groups):
        batch, labels = len(groups[0][1]), self.queries.shape[1]
        drop = lambda t: F.dropout(t, DROPOUT, self.training)
        x = torch.cat([self.queries.expand(batch, -1, -1)] + [t + self.source[name] for name, t, _ in groups], 1)
        mask = torch.cat([x.new_ones(batch, labels)] + [m for _, _, m in groups], 1)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        logits = (drop(x[:, :labels]) * self.query_weight).sum(2)
        start = labels
        for name, tokens, present in groups:
            part = x[:, start : start + tokens.shape[1]]
            start += tokens.shape[1]
            mean = (part * present[..., None]).sum(1) / present.sum(1, keepdim=True).clamp(min=1)
            logits = logits + self.summary[name](drop(mean)) * (2 * torch.sigmoid(self.gate[name]))
        return logits + self.bias


class MedFusionNet(nn.Module):
    def __init__(self, size, side, labels):
        super().__init__()
        s = SIZES[size]
        self.side, self.grid = side // 16, s["grid"]
        tokens, width, stages = s["tokens"], s["width"], len(s["blocks"])
        self.per_stage = s["depth"] // stages

        features = Dictionary(conv0=conv(3, s["stem"], 7, 2, 3), norm0=nn.BatchNorm2d(s["stem"]))
        channels, levels, interaction = s["stem"], [], nn.ModuleDict()
        for i, layers in enumerate(s["blocks"], 1):
            setattr(features, f"denseblock{i}", DenseBlock(channels, s["growth"], layers))
            channels += layers * s["growth"]
            levels.append(channels)
            interaction[str(i)] = Dictionary(c2t=MapsToTokens(channels, tokens), t2c=TokensToMaps(tokens, channels))
            if i < stages:
                setattr(features, f"transition{i}", Transition(channels))
                channels //= 2
        features.norm5 = nn.BatchNorm2d(channels)
        self.cnn, self.interaction = Dictionary(features=features), interaction

        rate = lambda i: STOCHASTIC_DEPTH * i / (s["depth"] - 1)
        self.transformer = Dictionary(
            patch_embed=Dictionary(proj=conv(3, tokens, 16, 16, bias=True)),
            cls_token=learned(1, 1, tokens),
            pos_embed=learned(1, 1 + self.side**2, tokens),
            blocks=nn.ModuleList([Block(tokens, s["token_heads"], rate(i)) for i in range(s["depth"])]),
            norm=nn.LayerNorm(tokens, 1e-6),
        )
        self.pyramid = Dictionary(
            cnn=Dictionary(
                inner_blocks=nn.ModuleList([conv(c, width, 1, bias=True) for c in levels[1:]]),
                layer_blocks=nn.ModuleList([conv(width, width, 3, padding=1, bias=True) for _ in levels[1:]]),
            ),
            transformer=Dictionary(
                up=nn.ConvTranspose2d(tokens, width, 2, 2, bias=False),
                same=conv(tokens, width, 1, bias=True),
                down=conv(tokens, width, 1, bias=True),
            ),
        )
        scales = {"cnn": [side // 8, side // 16, side // 32], "transformer": [2 * self.side, self.side, self.side // 2]}
        cells = lambda extent: min(self.grid, extent) ** 2
        self.regions = nn.ModuleDict({
            name: Dictionary(slot=learned(1, 1, 1, width), **{f"place{i}": learned(1, cells(e), width) for i, e in enumerate(extents)})
            for name, extents in scales.items()
        })
        self.temporal = VisitBranch(channels + tokens, width, s["heads"])
        self.fusion = Fusion(labels, width, s["layers"], s["heads"])

    def region_tokens(self, name, levels):
        region, parts = self.regions[name], []
        for i, level in enumerate(levels):
            cells = min(self.grid, level.shape[2])
            pooled = F.adaptive_avg_pool2d(level, (cells, cells)).flatten(2).transpose(1, 2)
            parts.append(pooled + getattr(region, f"place{i}"))
        return torch.cat(parts, 1) + region.slot[:, 0]

    def forward(self, images):
        cnn, vit, batch = self.cnn.features, self.transformer, len(images)
        maps = F.max_pool2d(F.relu(cnn.norm0(cnn.conv0(images))), 3, 2, 1)
        patches = vit.patch_embed.proj(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([vit.cls_token.expand(batch, -1, -1), patches], 1) + vit.pos_embed
        tokens = F.dropout(tokens, DROPOUT, self.training)
        levels, stages = [], len(self.interaction)
        for stage in range(1, stages + 1):
            maps = getattr(cnn, f"denseblock{stage}")(maps)
            exchange = self.interaction[str(stage)]
            tokens = exchange.c2t(maps, tokens, self.side)
            for block in vit.blocks[(stage - 1) * self.per_stage : stage * self.per_stage]:
                tokens = block(tokens)
            maps = exchange.t2c(tokens, maps, self.side)
            if stage == stages:
                maps = F.relu(cnn.norm5(maps))
            if stage > 1:
                levels.append(maps)
            if stage < stages:
                maps = getattr(cnn, f"transition{stage}")(maps)
        tokens = vit.norm(tokens)
        pooled = torch.cat([maps.mean((2, 3)), tokens[:, 0]], 1)[:, None]

        pyramid, coarser, dense = self.pyramid.cnn, None, []
        for i in reversed(range(len(levels))):
            here = pyramid.inner_blocks[i](levels[i])
            coarser = here if coarser is None else here + F.interpolate(coarser, scale_factor=2, mode="nearest")
            dense.insert(0, pyramid.layer_blocks[i](coarser))
        grid, scales = token_grid(tokens, self.side), self.pyramid.transformer
        plain = [scales.up(grid), scales.same(grid), scales.down(F.avg_pool2d(grid, 2))]

        visit = images.new_ones(batch, 1)
        view = torch.zeros(batch, 1, dtype=torch.long)
        groups = []
        for name, maps_of in (("cnn", dense), ("transformer", plain)):
            regions = self.region_tokens(name, maps_of)
            groups.append((name, regions, visit.expand(-1, regions.shape[1])))
        groups.append(("visits", *self.temporal(pooled, visit, visit * 0, view)))
        return self.fusion(groups)
