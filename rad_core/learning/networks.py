"""The torch modules behind MODELS."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Network(nn.Module):
    """A body that makes features and a linear head; returns (logits (n, C), features (n, D))."""

    def __init__(self, body: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return self.head(features), features


def conv_block(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """Convolution 3 x 3, batch normalization, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()
    )


class ResidualBlock(nn.Module):
    """Basic block of He et al., arXiv:1512.03385, for small images; the shortcut is padded with zeros (option A)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.stride, self.extra = stride, channels_out - channels_in

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.extra:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.extra))
        return F.relu(out + shortcut)


def cifar_resnet(channels: int, blocks: Sequence[int], widths: Sequence[int] = (16, 32, 64)) -> tuple[nn.Module, int]:
    """Body of a ResNet in the CIFAR style: depth = 2 * sum(blocks) + 2."""
    layers: list[nn.Module] = [conv_block(channels, widths[0])]
    width = widths[0]
    for stage, (count, wide) in enumerate(zip(blocks, widths, strict=True)):
        for block in range(count):
            layers.append(ResidualBlock(width, wide, 2 if stage > 0 and block == 0 else 1))
            width = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), width


class PretrainedBody(nn.Module):
    """A body pretrained on ImageNet, fed with this data set's images: rescaled, three channels, 224 pixels."""

    def __init__(self, body: nn.Module, mean: Tensor, std: Tensor, size: int = 224) -> None:
        super().__init__()
        self.body, self.size = body, size
        self.mean: Tensor
        self.std: Tensor
        self.imagenet_mean: Tensor
        self.imagenet_std: Tensor
        self.register_buffer("mean", mean / 255)
        self.register_buffer("std", std / 255)
        # The means and deviations that torchvision's weights were trained with.
        self.register_buffer("imagenet_mean", torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1))
        self.register_buffer("imagenet_std", torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = (x * self.std + self.mean).expand(-1, 3, -1, -1)
        x = F.interpolate(x, size=(self.size, self.size), mode="bilinear", antialias=True)
        return self.body((x - self.imagenet_mean) / self.imagenet_std)
