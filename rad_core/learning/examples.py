"""What a training run takes in: examples in random order, moved and mirrored; drawn in advance, gathered in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rad_core.learning.inputs import Inputs

_NORMALIZED_BYTES = 64_000_000  # images without versions are normalized once where they take no more


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. steps: optimizer steps. temperature: of soft labels (Hinton et al., 2015)."""

    steps: int
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    temperature: float = 1.0
    warmup: float = 0.1  # share of the steps
    augment: bool = True


@dataclass(frozen=True)
class Augmentation:
    """How training images are varied. shift: by which share of the height they move at most; mirror: left to right."""

    shift: float = 0.0
    mirror: bool = False


AUGMENTATIONS = {"none": Augmentation(), "shift": Augmentation(1 / 8), "crop_flip": Augmentation(1 / 8, mirror=True)}


def all_versions(pixels: torch.Tensor, mean: torch.Tensor, augmentation: Augmentation) -> torch.Tensor:
    """Every version of (n, C, H, W) bytes that an augmentation allows, as a view (n, M, K, K, H, W C) of one array.

    M is 2 where images are mirrored, else 1; K is the number of places in each direction, the middle one the image as
    it is. What moves in from outside has the mean color, rounded to bytes.
    """
    n, channels, height, width = pixels.shape
    by = max(1, int(height * augmentation.shift)) if augmentation.shift else 0
    padded = pixels.new_empty((n, 1 + augmentation.mirror, height + 2 * by, width + 2 * by, channels))
    padded[:] = mean.round().to(pixels.dtype)
    padded[:, 0, by : by + height, by : by + width] = pixels.permute(0, 2, 3, 1)
    if augmentation.mirror:
        padded[:, 1] = padded[:, 0].flip(2)
    image, version, row, column, _ = padded.stride()
    shape = (n, padded.shape[1], 2 * by + 1, 2 * by + 1, height, width * channels)
    return padded.as_strided(shape, (image, version, row, column, row, 1))


def draw_versions(windows: torch.Tensor, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Which version of each example to take, (steps, 3, b) bytes: mirrored or not, row and column of the window."""
    steps, batch = size
    _, mirrors, places, _, _, _ = windows.shape
    drawn = torch.empty((steps, 3, batch), dtype=torch.uint8)
    drawn[:, 0] = torch.randint(0, mirrors, (steps, batch), generator=generator)
    drawn[:, 1:] = torch.randint(0, places, (steps, 2, batch), generator=generator)
    return drawn


def draw_rows(n: int, batch: int, steps: int, generator: torch.Generator) -> torch.Tensor:
    """Row numbers of each step's batch, (steps, b): one random order of all rows after another, every batch full."""
    needed = steps * batch
    rounds = -(-needed // n)
    return torch.cat([torch.randperm(n, generator=generator) for _ in range(rounds)])[:needed].view(steps, batch)


def soften(probabilities: torch.Tensor, temperature: torch.Tensor | float) -> torch.Tensor:
    """Class probabilities at a temperature: p^(1/T), normalized; the softmax of logits / T."""
    powered = probabilities ** (1.0 / torch.as_tensor(temperature, dtype=probabilities.dtype))
    return powered / powered.sum(1, keepdim=True)


@dataclass(frozen=True, eq=False)
class Examples:
    """The training sets of E networks on the device, and which rows of them each step takes, drawn in advance.

    A batch is one gather, and no step waits for the host.
    """

    networks: int  # E
    # (E n, ..., H, W C) every version of every image, see `all_versions`; one alone: (E n, H, W C), few are normalized
    windows: torch.Tensor
    mean: torch.Tensor  # (W C,) of the pixels, as they lie in memory
    std: torch.Tensor
    channels: int
    wanted: torch.Tensor  # (E n, C) targets, softened
    temperature: torch.Tensor | None  # (E n, 1); None where all are 1
    rows: torch.Tensor  # (steps, E b) numbers of examples
    versions: torch.Tensor  # (steps, 3, E b) mirrored, row and column of the window

    @classmethod
    def of(
        cls,
        inputs: Sequence[Inputs],
        targets: Sequence[np.ndarray],
        soft: np.ndarray,
        config: TrainConfig,
        seeds: Sequence[int],
        batch: int,
    ) -> Examples:
        """Draw order and augmentation of each network from a generator of its own."""
        first = inputs[0]
        n, width, device = len(first), first.pixels.shape[3], first.pixels.device
        augmentation = AUGMENTATIONS[first.augment if config.augment else "none"]
        windows = all_versions(torch.cat([part.pixels for part in inputs]), first.mean.flatten(), augmentation)
        rows, versions = [], []
        for number, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            rows.append(draw_rows(n, batch, config.steps, generator) + number * n)
            versions.append(draw_versions(windows, (config.steps, batch), generator))
        temperature = torch.from_numpy(np.where(soft, config.temperature, 1.0).astype(np.float32)).to(device)[:, None]
        temperature = temperature.repeat(len(inputs), 1)
        mean, std = first.mean.flatten().repeat(width), first.std.flatten().repeat(width)
        if windows.shape[1:4] == (1, 1, 1):
            windows = windows[:, 0, 0, 0]
            if windows.is_floating_point() or 4 * windows.numel() <= _NORMALIZED_BYTES:
                windows = windows.float().sub_(mean).div_(std)
        probabilities = torch.from_numpy(np.concatenate(targets).astype(np.float32, copy=False)).to(device)
        return cls(
            networks=len(inputs),
            windows=windows,
            mean=mean,
            std=std,
            channels=first.pixels.shape[1],
            wanted=soften(probabilities, temperature),
            temperature=temperature if config.temperature != 1 else None,
            rows=torch.cat(rows, 1).to(device),
            versions=torch.cat(versions, 2).to(device),
        )

    def images(self, step: int) -> torch.Tensor:
        """The normalized images of a step's batches, (E b, C, H, W) float32, channels last in memory."""
        rows = self.rows[step]
        if self.windows.ndim == 3:  # nothing to choose
            x = self.windows.index_select(0, rows)
        else:
            mirrored, down, right = self.versions[step].long()
            x = self.windows[rows, mirrored, down, right]
        if not x.is_floating_point():
            x = x.float().sub_(self.mean).div_(self.std)
        return x.unflatten(2, (-1, self.channels)).permute(0, 3, 1, 2)

    def answers(self, step: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the images of a step are to be answered with, (E b, C), and at which temperatures, (E b, 1)."""
        rows = self.rows[step]
        return self.wanted[rows], None if self.temperature is None else self.temperature[rows]
