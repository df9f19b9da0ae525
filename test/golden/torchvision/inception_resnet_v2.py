"""Inception-ResNet-v2 of Szegedy et al. 2017 (figures 3, 7 and 16 to 20), written out for PyTorch under timm's names.

Neither timm nor TensorFlow is at hand, so the layers are spelled out, with the names and sizes that timm's
`inception_resnet_v2` states. Where these differ from the figures (valid padding in the stem, 1088 and 2080 channels,
residual scales 0.17, 0.10, 0.20 and 1) they are those of the published weights.
"""
import torch
from torch import nn


def unit(inside, outside, kernel, stride=1, padding=0):
    block = nn.Module()
    block.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
    block.bn = nn.BatchNorm2d(outside, eps=0.001)
    block.forward = lambda x: torch.relu(block.bn(block.conv(x)))
    return block


class Branches(nn.Module):
    """Several branches of one input, joined along the channels."""

    def __init__(self, *branches):
        super().__init__()
        for index, branch in enumerate(branches):
            setattr(self, f"branch{index}", branch)
        self.count = len(branches)

    def joined(self, x):
        return torch.cat([getattr(self, f"branch{index}")(x) for index in range(self.count)], 1)

    def forward(self, x):
        return self.joined(x)


class Residual(Branches):
    def __init__(self, scale, activate, inside, channels, *branches):
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(inside, channels, 1)
        self.scale, self.activate = scale, activate

    def forward(self, x):
        y = self.conv2d(self.joined(x)) * self.scale + x
        return torch.relu(y) if self.activate else y


def block35():
    return Residual(
        0.17, True, 128, 320,
        unit(320, 32, 1),
        nn.Sequential(unit(320, 32, 1), unit(32, 32, 3, padding=1)),
        nn.Sequential(unit(320, 32, 1), unit(32, 48, 3, padding=1), unit(48, 64, 3, padding=1)),
    )


def block17():
    return Residual(
        0.10, True, 384, 1088,
        unit(1088, 192, 1),
        nn.Sequential(unit(1088, 128, 1), unit(128, 160, (1, 7), padding=(0, 3)), unit(160, 192, (7, 1), padding=(3, 0))),
    )


def block8(scale=0.20, activate=True):
    return Residual(
        scale, activate, 448, 2080,
        unit(2080, 192, 1),
        nn.Sequential(unit(2080, 192, 1), unit(192, 224, (1, 3), padding=(0, 1)), unit(224, 256, (3, 1), padding=(1, 0))),
    )


class InceptionResnetV2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv2d_1a = unit(3, 32, 3, stride=2)
        self.conv2d_2a = unit(32, 32, 3)
        self.conv2d_2b = unit(32, 64, 3, padding=1)
        self.conv2d_3b = unit(64, 80, 1)
        self.conv2d_4a = unit(80, 192, 3)
        self.mixed_5b = Branches(
            unit(192, 96, 1),
            nn.Sequential(unit(192, 48, 1), unit(48, 64, 5, padding=2)),
            nn.Sequential(unit(192, 64, 1), unit(64, 96, 3, padding=1), unit(96, 96, 3, padding=1)),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), unit(192, 64, 1)),
        )
        self.repeat = nn.Sequential(*[block35() for _ in range(10)])
        self.mixed_6a = Branches(
            unit(320, 384, 3, stride=2),
            nn.Sequential(unit(320, 256, 1), unit(256, 256, 3, padding=1), unit(256, 384, 3, stride=2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_1 = nn.Sequential(*[block17() for _ in range(20)])
        self.mixed_7a = Branches(
            nn.Sequential(unit(1088, 256, 1), unit(256, 384, 3, stride=2)),
            nn.Sequential(unit(1088, 256, 1), unit(256, 288, 3, stride=2)),
            nn.Sequential(unit(1088, 256, 1), unit(256, 288, 3, padding=1), unit(288, 320, 3, stride=2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*[block8() for _ in range(9)])
        self.block8 = block8(1.0, False)
        self.conv2d_7b = unit(2080, 1536, 1)
        self.classif = nn.Linear(1536, classes)

    def forward(self, x):
        pool = nn.MaxPool2d(3, 2)
        x = pool(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = pool(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.repeat(self.mixed_5b(x))
        x = self.repeat_1(self.mixed_6a(x))
        x = self.block8(self.repeat_2(self.mixed_7a(x)))
        return self.classif(self.conv2d_7b(x).mean((2, 3)))
