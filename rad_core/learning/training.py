"""Training on hard and soft labels together, and applying the result: plain functions of tensors on one device."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rad_core.errors import InputError

if TYPE_CHECKING:
    from rad_core.learning.data import Dataset
    from rad_core.learning.networks import Network

_NAN_CHECK_STEPS = 100  # each look at the loss makes a GPU wait
_PREDICT_BATCH = {"cpu": 512, "cuda": 4096, "mps": 1024}
_FLOAT_AT_ONCE = 2**27  # pixels: up to here the whole training set is made float once, not batch by batch


class TrainingError(InputError):
    """Training that went wrong for a reason the user can mend."""


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
class FitReport:
    """How a training went: mean loss of its last steps, time, speed, and the batch size it ended up with."""

    loss: float
    seconds: float
    images_per_second: float
    batch_size: int


@dataclass(frozen=True, eq=False)
class Inputs:
    """Images on the device as (n, C, H, W) bytes, with what it takes to normalize them."""

    pixels: torch.Tensor
    mean: torch.Tensor  # (C, 1, 1), of the data set
    std: torch.Tensor
    augment: str = "none"

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device) -> Inputs:
        """All images of a data set, moved to the device once."""
        pixels = torch.from_numpy(np.array(dataset.images)).permute(0, 3, 1, 2).contiguous()
        sample = pixels[:: max(1, len(pixels) // 10_000)].double()
        mean, std = sample.mean((0, 2, 3)), sample.std((0, 2, 3)).clamp(min=1.0)
        mean, std = (x.float().view(-1, 1, 1).to(device) for x in (mean, std))
        return cls(pixels.to(device), mean, std, dataset.augment)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)"""
        channels, height, width = self.pixels.shape[1:]
        return height, width, channels

    def _with(self, pixels: torch.Tensor) -> Inputs:
        return Inputs(pixels, self.mean, self.std, self.augment)

    def take(self, ids: np.ndarray) -> Inputs:
        """The images of these rows."""
        return self._with(self.pixels[torch.from_numpy(np.asarray(ids, np.int64)).to(self.pixels.device)])

    def mixtures(self, ids: np.ndarray, partners: np.ndarray, mix: np.ndarray) -> Inputs:
        """(1 - mix) x + mix x_partner, rounded to bytes; mix 0 leaves an image as it is."""
        plain = self.take(ids)
        rows = np.flatnonzero(mix)
        if len(rows) == 0:
            return plain
        weight = torch.from_numpy(mix[rows].astype(np.float32)).to(self.pixels.device).view(-1, 1, 1, 1)
        where = torch.from_numpy(rows).to(self.pixels.device)
        mixed = torch.lerp(plain.pixels[where].float(), self.take(partners[rows]).pixels.float(), weight)
        plain.pixels[where] = mixed.round().to(torch.uint8)
        return plain

    def concatenate(self, parts: Sequence[Inputs]) -> Inputs:
        """Several sets of images as one."""
        return self._with(torch.cat([part.pixels for part in parts]))

    def normalized(self, pixels: torch.Tensor) -> torch.Tensor:
        """Bytes to floats of mean 0 and standard deviation 1 per channel."""
        return (pixels.float() - self.mean) / self.std


def fit(
    network: Network, inputs: Inputs, targets: np.ndarray, *, soft: np.ndarray, config: TrainConfig, seed: int
) -> FitReport:
    """Train a network in place for a fixed number of steps.

    targets: (n, C) class probabilities. soft: (n,) bool, True where the target is a teacher's soft label: there the
    loss is T^2 times the cross-entropy between the target softened to temperature T and the network's own prediction
    at T; elsewhere plain cross-entropy. AdamW, warm-up, cosine decay. The order of the examples and their
    augmentation depend on the seed and the number of examples alone. On a GPU: bfloat16 autocast. Raises TrainingError
    when the loss stops being a number; where memory runs out, halves the batch, warns, and starts over.
    """
    device = inputs.pixels.device
    batch = min(config.batch_size, len(inputs))
    start = {name: value.clone() for name, value in network.state_dict().items()}
    while True:
        try:
            return _fit(network.to(device), inputs, targets, soft, config, seed, batch)
        except torch.cuda.OutOfMemoryError as error:
            batch = _smaller(batch, error)
            network.load_state_dict(start)


def _smaller(batch: int, error: torch.cuda.OutOfMemoryError) -> int:
    """Half a batch size, said aloud; or a TrainingError where halving has no point any more."""
    if batch <= 8:
        raise TrainingError(
            f"The GPU's memory does not suffice even for batches of {batch}; take a smaller network or --device cpu."
        ) from error
    warnings.warn(f"The GPU's memory is full; going on with batches of {batch // 2}.", stacklevel=3)
    torch.cuda.empty_cache()
    return batch // 2


def _fit(
    network: Network,
    inputs: Inputs,
    targets: np.ndarray,
    soft: np.ndarray,
    config: TrainConfig,
    seed: int,
    batch: int,
) -> FitReport:
    device = inputs.pixels.device
    began = time.perf_counter()
    temperature = torch.from_numpy(np.where(soft, config.temperature, 1.0).astype(np.float32)).to(device)[:, None]
    wanted = soften(torch.from_numpy(np.asarray(targets, np.float32)).to(device), temperature)
    at_once = inputs.pixels.numel() <= _FLOAT_AT_ONCE
    images = _layout(inputs.normalized(inputs.pixels)) if at_once else inputs.pixels
    augment = inputs.augment if config.augment else "none"

    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=device.type != "mps"
    )
    generator = torch.Generator().manual_seed(seed)
    losses: list[torch.Tensor] = []
    for step, rows in enumerate(batches(len(images), batch, config.steps, generator, device)):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, config.steps, config.warmup)
        x = images[rows] if at_once else _layout(inputs.normalized(images[rows]))
        x = AUGMENTATIONS[augment](x, generator)
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            logits, _ = network(x)
        loss = distillation_loss(logits.float(), wanted[rows], temperature[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step % _NAN_CHECK_STEPS == _NAN_CHECK_STEPS - 1 or step == config.steps - 1:
            _check_loss(losses[-1], step, config)
    seconds = time.perf_counter() - began
    last = torch.stack(losses[-_NAN_CHECK_STEPS:]).mean().item()
    return FitReport(last, seconds, config.steps * batch / seconds, batch)


def soften(probabilities: torch.Tensor, temperature: torch.Tensor | float) -> torch.Tensor:
    """Class probabilities at a temperature: p^(1/T), normalized; the softmax of logits / T."""
    powered = probabilities ** (1.0 / torch.as_tensor(temperature, dtype=probabilities.dtype))
    return powered / powered.sum(1, keepdim=True)


def distillation_loss(logits: torch.Tensor, targets: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
    """Mean over rows of T^2 * cross-entropy(target, softmax(logits / T)); targets are already softened to T.

    logits, targets: (n, C). temperature: (n, 1). Source: Hinton et al., arXiv:1503.02531, section 2.
    """
    log_probabilities = torch.log_softmax(logits / temperature, 1)
    return -(temperature.square() * targets * log_probabilities).sum(1).mean()


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear warm-up, then a half cosine down to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def batches(n: int, batch: int, steps: int, generator: torch.Generator, device: torch.device) -> Iterator[torch.Tensor]:
    """Row numbers of each step's batch: one random order of all rows after another, every batch full."""
    needed = steps * batch
    rounds = -(-needed // n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(rounds)])[:needed].to(device)
    yield from order.view(steps, batch)


def _check_loss(loss: torch.Tensor, step: int, config: TrainConfig) -> None:
    if not math.isfinite(loss.item()):
        raise TrainingError(
            f"Training diverged: the loss is {loss.item()} at step {step + 1} with a learning rate of "
            f"{config.learning_rate:g}; lower it, for instance --learning-rate {config.learning_rate / 10:g}."
        )


def _layout(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last)


# --- augmentation ----------------------------------------------------------------------------------------------------


def _no_augmentation(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The images as they are."""
    return x


def shift(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move every image by up to an eighth of its size in each direction, filling with zeros (the mean)."""
    n, _, height, width = x.shape
    by = max(1, height // 8)
    offsets = torch.randint(0, 2 * by + 1, (2, n), generator=generator).to(x.device)
    padded = torch.nn.functional.pad(x, (by, by, by, by)).permute(0, 2, 3, 1)
    rows = offsets[0][:, None] + torch.arange(height, device=x.device)
    columns = offsets[1][:, None] + torch.arange(width, device=x.device)
    moved = padded[torch.arange(n, device=x.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def crop_flip(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift, and mirror half of the images left to right."""
    flip = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)
    moved = shift(x, generator)
    return torch.where(flip[:, None, None, None], moved.flip(3), moved)


AUGMENTATIONS = {"none": _no_augmentation, "shift": shift, "crop_flip": crop_flip}


# --- applying --------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def predict(network: Network, inputs: Inputs, batch_size: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Class probabilities (n, C) and features (n, D), float32, on the device of the images.

    Where the GPU's memory runs out, halves the batch, warns, and starts over.
    """
    device = inputs.pixels.device
    network.to(device).to(memory_format=torch.channels_last).eval()
    batch = batch_size or _PREDICT_BATCH[device.type]
    while True:
        try:
            return _predict(network, inputs, batch)
        except torch.cuda.OutOfMemoryError as error:
            batch = _smaller(batch, error)


def _predict(network: Network, inputs: Inputs, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    device = inputs.pixels.device
    probabilities, features = [], []
    for block in inputs.pixels.split(batch):
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            logits, found = network(_layout(inputs.normalized(block)))
        probabilities.append(torch.softmax(logits.float(), 1))
        features.append(found.float())
    return torch.cat(probabilities), torch.cat(features)


def accuracy(probabilities: Any, labels: np.ndarray) -> float:
    """Share of rows whose likeliest class is the label."""
    predicted = probabilities.argmax(1)
    if isinstance(predicted, torch.Tensor):
        predicted = predicted.cpu().numpy()
    return float((predicted == labels).mean())
