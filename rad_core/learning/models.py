"""The networks: name -> builder of a body that turns (n, C, H, W) images into features.

Adding one is a function and a line in MODELS. The names are importable without torch, which each builder imports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rad_core.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from rad_core.learning.networks import Network

Builder = Callable[[tuple[int, int, int]], "tuple[nn.Module, int]"]


def _linear(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """No hidden layer: multinomial logistic regression on what comes in."""
    from torch import nn

    height, width, channels = shape
    return nn.Flatten(), height * width * channels


def _mlp(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """One hidden layer of 256 units, for very small images and for features."""
    from torch import nn

    height, width, channels = shape
    return nn.Sequential(nn.Flatten(), nn.Linear(height * width * channels, 256), nn.ReLU()), 256


def _cnn_tiny(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """Two convolutions of 4 and 8 channels, under 1,000 weights: a student for digits."""
    from torch import nn

    body = [nn.Conv2d(shape[2], 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(2), nn.Flatten()), 32


def _cnn(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """Four convolutions of 16 to 64 channels, about 25,000 weights."""
    from torch import nn

    from rad_core.learning.networks import conv_block

    body = [conv_block(shape[2], 16), conv_block(16, 32, 2), conv_block(32, 32), conv_block(32, 64, 2)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 64


def _cifar(*blocks: int) -> Builder:
    def build(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from rad_core.learning.networks import cifar_resnet

        return cifar_resnet(shape[2], blocks)

    build.__doc__ = f"ResNet-{2 * sum(blocks) + 2} in the CIFAR style (He et al., arXiv:1512.03385)."
    return build


def _resnet11(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """A wider ResNet for CIFAR of 11 layers, about 300,000 weights."""
    from rad_core.learning.networks import cifar_resnet

    return cifar_resnet(shape[2], (1, 2, 1), (24, 48, 96))


# torchvision's constructor, the attribute that holds its classifier, and the name of its pretrained weights.
TORCHVISION = {
    "mobilenet": ("mobilenet_v3_small", "classifier", "MobileNet_V3_Small_Weights"),
    "resnet18": ("resnet18", "fc", "ResNet18_Weights"),
    "resnet50": ("resnet50", "fc", "ResNet50_Weights"),
}


def torchvision_body(name: str, weights: str | None = None) -> tuple[nn.Module, int]:
    """A torchvision network without its classifier, and its number of features."""
    import torchvision.models
    from torch import nn

    constructor, classifier, _ = TORCHVISION[name]
    network = getattr(torchvision.models, constructor)(weights=weights)
    removed: Any = getattr(network, classifier)
    first: Any = removed[0] if isinstance(removed, nn.Sequential) else removed
    setattr(network, classifier, nn.Identity())
    return network, int(first.in_features)


def _torchvision(name: str) -> Builder:
    def build(shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        if shape[2] != 3:
            raise InputError(
                f"The network {name} needs color images (3 channels); these have {shape[2]}; take resnet20."
            )
        return torchvision_body(name)

    build.__doc__ = f"{TORCHVISION[name][0]} of torchvision, trained from scratch, for larger color images."
    return build


MODELS: dict[str, Builder] = {
    "linear": _linear,
    "mlp": _mlp,
    "cnn_tiny": _cnn_tiny,
    "cnn": _cnn,
    "resnet8": _cifar(1, 1, 1),
    "resnet11": _resnet11,
    "resnet20": _cifar(3, 3, 3),
    "resnet56": _cifar(9, 9, 9),
    "mobilenet": _torchvision("mobilenet"),
    "resnet18": _torchvision("resnet18"),
    "resnet50": _torchvision("resnet50"),
}

FOR_FEATURES = ("linear", "mlp")  # what takes a row of numbers as well as an image


def build_model(name: str, *, classes: int, image_shape: tuple[int, int, int], seed: int) -> Network:
    """A freshly initialized network; the same weights for the same seed, whatever else uses torch's generator.

    image_shape: (H, W, C). The network returns (logits (n, classes), features (n, D)) for (n, C, H, W) floats.
    """
    import torch

    from rad_core.learning.networks import Network

    if name not in MODELS:
        raise InputError(f"The network is {name!r}; choose one of {', '.join(MODELS)}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body, features = MODELS[name](image_shape)
        return Network(body, features, classes)
