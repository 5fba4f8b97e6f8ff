"""What a training run takes in: examples in random order, moved and mirrored; drawn in advance, gathered in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rad_core.learning.ahead import Ahead
from rad_core.learning.inputs import Inputs

_NORMALIZED_BYTES = 64_000_000  # images without versions are normalized once where they take no more
_VERSION_BYTES = 1 << 27  # all versions of all examples are kept where they take no more; else made for each step
_SHARE_OF_GPU = 8  # on a GPU: this part of its memory


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
    """The training sets of E networks, and which rows of them each step takes, drawn in advance.

    A batch is one gather on the device, and no step waits for the host; of a training set too large for that, it is
    read from where the images lie.
    """

    networks: int  # E
    # (E n, ..., H, W C) every version of every image, see `all_versions`; one alone: (E n, H, W C), few are normalized.
    # A function gives those of a step's batches, (E b, ..., H, W C).
    windows: torch.Tensor | Callable[[int], torch.Tensor]
    normalized: bool
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
        n, width, device = len(first), first.pixels.shape[3], first.device
        augmentation = AUGMENTATIONS[first.augment if config.augment else "none"]
        sample = all_versions(first.read(slice(0, 1)), first.mean.flatten(), augmentation)
        rows, versions = [], []
        for number, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            rows.append(draw_rows(n, batch, config.steps, generator) + number * n)
            versions.append(draw_versions(sample, (config.steps, batch), generator))
        temperature = torch.from_numpy(np.where(soft, config.temperature, 1.0).astype(np.float32)).to(device)[:, None]
        temperature = temperature.repeat(len(inputs), 1)
        mean, std = first.mean.flatten().repeat(width), first.std.flatten().repeat(width)
        normalized, windows = False, None
        if len(inputs) * n * sample.untyped_storage().nbytes() <= _room(device):
            windows = all_versions(_all_images(inputs), first.mean.flatten(), augmentation)
            if windows.shape[1:4] == (1, 1, 1):
                windows = windows[:, 0, 0, 0]
                normalized = windows.is_floating_point() or 4 * windows.numel() <= _NORMALIZED_BYTES
                windows = windows.float().sub_(mean).div_(std) if normalized else windows
        probabilities = torch.from_numpy(np.concatenate(targets).astype(np.float32, copy=False)).to(device)
        return cls(
            networks=len(inputs),
            windows=_step_by_step(inputs, torch.cat(rows, 1), augmentation) if windows is None else windows,
            normalized=normalized,
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
        rows, windows = self.rows[step], self.windows
        if not isinstance(windows, torch.Tensor):
            windows = windows(step)
            rows = torch.arange(len(windows), device=windows.device)
        if windows.ndim == 3:  # nothing to choose
            x = windows.index_select(0, rows)
        else:
            mirrored, down, right = self.versions[step].long()
            x = windows[rows, mirrored, down, right]
        if not self.normalized:
            x = x.float().sub_(self.mean).div_(self.std)
        return x.unflatten(2, (-1, self.channels)).permute(0, 3, 1, 2)

    def answers(self, step: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the images of a step are to be answered with, (E b, C), and at which temperatures, (E b, 1)."""
        rows = self.rows[step]
        return self.wanted[rows], None if self.temperature is None else self.temperature[rows]


def _room(device: torch.device) -> int:
    """Bytes that all versions of the examples may take."""
    if device.type != "cuda":
        return _VERSION_BYTES
    return max(_VERSION_BYTES, torch.cuda.get_device_properties(device).total_memory // _SHARE_OF_GPU)


def _all_images(inputs: Sequence[Inputs]) -> torch.Tensor:
    """(E n, C, H, W) numbers of the training sets, one after another."""
    return inputs[0].read() if len(inputs) == 1 else torch.cat([part.read() for part in inputs])


def _step_by_step(
    inputs: Sequence[Inputs], rows: torch.Tensor, augmentation: Augmentation
) -> Callable[[int], torch.Tensor]:
    """What gives every version of each step's images. rows: (steps, E b) numbers of examples over all networks."""
    first, batch = inputs[0], rows.shape[1] // len(inputs)
    rows = rows.to(first.pixels.device)

    def gather(step: int) -> torch.Tensor:
        parts = [
            part.gather(rows[step, number * batch : (number + 1) * batch] - number * len(part))
            for number, part in enumerate(inputs)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    images = Ahead(gather, len(rows), first.device, first.stays)
    return lambda step: all_versions(images(step), first.mean.flatten(), augmentation)
