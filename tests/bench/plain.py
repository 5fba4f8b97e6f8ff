"""Training as one would write it by hand in torch: the same network, examples, loss, optimizer and number of steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def train(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    steps: int,
    batch: int,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-3,
    augment: bool = True,
    half: bool = False,
    wrap: Callable[[nn.Module], nn.Module] | None = None,
) -> None:
    """AdamW with warm-up and cosine decay on (n, C, H, W) normalized floats and (n, classes) probabilities.

    augment: each image moved by up to an eighth of its height and, if it has colors, mirrored or not. half: bfloat16
    autocast. wrap: applied to the network that is called (torch.compile).
    """
    network.to(memory_format=torch.channels_last).train()
    called = wrap(network) if wrap is not None else network
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    order = torch.cat([torch.randperm(len(images)) for _ in range(-(-steps * batch // len(images)))])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * share(step, steps)
        rows = order[step * batch : (step + 1) * batch]
        x = moved(images[rows]) if augment else images[rows]
        with torch.autocast(images.device.type, torch.bfloat16) if half else nullcontext():
            logits = called(x)[0]
        loss = nn.functional.cross_entropy(logits.float(), targets[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def share(step: int, steps: int) -> float:
    """Of the learning rate: a tenth of the steps up, then half a cosine down."""
    rising = max(1, round(0.1 * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def moved(x: Tensor) -> Tensor:
    """Each image moved within a frame of zeros and cropped to its size again; half of the color images mirrored."""
    n, channels, height, width = x.shape
    by = max(1, height // 8)
    padded = nn.functional.pad(x, (by, by, by, by)).permute(0, 2, 3, 1)
    down, right = torch.randint(0, 2 * by + 1, (2, n, 1), device=x.device)
    rows = (down + torch.arange(height, device=x.device))[:, :, None]
    columns = right + torch.arange(width, device=x.device)
    if channels == 3:
        mirrored = torch.rand(n, 1, device=x.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    return padded[torch.arange(n, device=x.device)[:, None, None], rows, columns[:, None, :]].permute(0, 3, 1, 2)
