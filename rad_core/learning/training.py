"""Training on hard and soft labels together, and applying the result: plain functions of tensors on one device."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.optim.adamw import adamw

from rad_core.errors import TrainingError
from rad_core.learning.ahead import Ahead
from rad_core.learning.examples import Examples, TrainConfig
from rad_core.learning.inputs import Inputs

if TYPE_CHECKING:
    from rad_core.learning.networks import Network

_NAN_CHECK_STEPS = 100  # each look at the loss makes a GPU wait
_MOST_ON_GPU = 64
_TINY_FLOPS = 50_000  # of one image forward
_TINY_AT_ONCE = 5
_PREDICT_BATCH = {"cpu": 128, "cuda": 4096, "mps": 1024}  # on a CPU, 512 are 2.5 times slower: out of the cache


@dataclass(frozen=True)
class FitReport:
    """How a training went: mean loss of its last steps, time, and the batch size it ended up with."""

    loss: float
    seconds: float
    batch_size: int


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
    return fit_together([network], [inputs], [targets], soft=soft, config=config, seeds=[seed])[0]


def fit_together(
    networks: Sequence[Network],
    inputs: Sequence[Inputs],
    targets: Sequence[np.ndarray],
    *,
    soft: np.ndarray,
    config: TrainConfig,
    seeds: Sequence[int],
) -> list[FitReport]:
    """Train E networks of one shape in place, each on n examples of its own, in one pass of stacked weights.

    Each ends as `fit` alone would leave it, but for the rounding of sums: its examples, their order and their
    augmentation are its own. Where a GPU's memory runs out, goes on with half of the networks at a time, then with
    half the batch, and warns. Otherwise as `fit`. Source of the stacking: torch.func.stack_module_state and vmap.
    """
    device = inputs[0].device
    batch = min(config.batch_size, len(inputs[0]))
    together = len(networks)
    starts = [{name: value.clone() for name, value in network.state_dict().items()} for network in networks]
    while True:
        try:
            reports: list[FitReport] = []
            for first in range(0, len(networks), together):
                block = slice(first, first + together)
                examples = Examples.of(inputs[block], targets[block], soft, config, seeds[block], batch)
                reports += _fit([network.to(device) for network in networks[block]], examples, config)
            return reports
        except torch.cuda.OutOfMemoryError as error:
            if together > 1:
                together = -(-together // 2)
                warnings.warn(f"The GPU's memory is full; going on with {together} networks at a time.", stacklevel=2)
                torch.cuda.empty_cache()
            else:
                batch = _smaller(batch, error)
            for network, start in zip(networks, starts, strict=True):
                network.load_state_dict(start)


def networks_at_once(network: Network, image_shape: tuple[int, int, int], device: torch.device) -> int:
    """How many networks of this kind to train together, as measured by `python -m tests.bench training`.

    A GPU waits for its next command more than it computes while one small network trains, so it gets all there are. On
    a CPU that pays only where calling an operation costs more than the operation, by 1.6 times on 8 x 8 digits; from
    28 x 28 pixels on, grouped convolutions are slower than one network after another.
    """
    if device.type == "cuda":
        return _MOST_ON_GPU
    return _TINY_AT_ONCE if device.type == "cpu" and flops(network, image_shape) <= _TINY_FLOPS else 1


def flops(network: Network, image_shape: tuple[int, int, int]) -> int:
    """Floating-point operations of the convolutions and linear layers on one image (H, W, C)."""
    height, width, channels = image_shape
    copied, counts = copy.deepcopy(network).eval(), []

    def count(layer: nn.Conv2d | nn.Linear, inputs: object, output: torch.Tensor) -> None:
        counts.append(2 * output.numel() * layer.weight[0].numel())

    # Neither by torch's FlopCounterMode nor on its device meta: they import its compiler, 1.6 s of every process.
    for layer in copied.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        copied(torch.zeros(1, channels, height, width, device=next(copied.parameters()).device))
    return sum(counts)


def _smaller(batch: int, error: torch.cuda.OutOfMemoryError) -> int:
    """Half a batch size, said aloud; or a TrainingError where halving has no point any more."""
    if batch <= 8:
        raise TrainingError(
            f"The GPU's memory does not suffice even for batches of {batch}; take a smaller network or --device cpu."
        ) from error
    warnings.warn(f"The GPU's memory is full; going on with batches of {batch // 2}.", stacklevel=3)
    torch.cuda.empty_cache()
    return batch // 2


def _fit(networks: list[Network], examples: Examples, config: TrainConfig) -> list[FitReport]:
    device = examples.mean.device
    began = time.perf_counter()
    count = len(networks)
    model = Alone(networks[0]) if count == 1 else Stack(networks)
    update = AdamW(model.parameters, config.weight_decay)
    half = torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()
    losses: list[torch.Tensor] = []
    for step in range(config.steps):
        with half:
            logits = model.logits(examples.images(step))
        loss = row_losses(logits.float(), *examples.answers(step)).view(count, -1).mean(1)
        loss.sum().backward()  # each network's own mean: the weights of one have no part in the loss of another
        update(config.learning_rate * schedule(step, config.steps, config.warmup))
        losses.append(loss.detach())
        if step == config.steps - 1 or (device.type == "cpu" and step % _NAN_CHECK_STEPS == _NAN_CHECK_STEPS - 1):
            _check_losses(losses[-1], step, config)
    model.write_back()
    last = torch.stack(losses[-_NAN_CHECK_STEPS:]).mean(0).tolist()
    seconds = time.perf_counter() - began
    batch = examples.rows.shape[1] // count
    return [FitReport(value, seconds / count, batch) for value in last]


class AdamW:
    """torch's AdamW with its usual settings, by the function behind torch.optim.AdamW: the same numbers.

    The class finds out anew in every step what never changes here, which takes 7 % of a step of a small network.
    """

    def __init__(self, parameters: Sequence[torch.Tensor], weight_decay: float) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay
        self.means = [torch.zeros_like(weight, memory_format=torch.preserve_format) for weight in parameters]
        self.squares = [torch.zeros_like(weight, memory_format=torch.preserve_format) for weight in parameters]
        self.steps = [torch.zeros((), device=weight.device) for weight in parameters]
        self.fused = parameters[0].device.type != "mps"

    @torch.no_grad()
    def __call__(self, learning_rate: float) -> None:
        """One step along the gradients, which are used up."""
        gradients = [weight.grad for weight in self.parameters if weight.grad is not None]
        adamw(
            self.parameters,
            gradients,
            self.means,
            self.squares,
            [],
            self.steps,
            fused=self.fused,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )
        for weight in self.parameters:
            weight.grad = None


class Alone:
    """One network as it is."""

    def __init__(self, network: Network) -> None:
        self.network = network.to(memory_format=torch.channels_last).train()
        self.parameters = list(network.parameters())

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(b, C, H, W) -> (b, classes)"""
        return self.network(images)[0]

    def write_back(self) -> None:
        """The network has been trained in place."""


class Stack:
    """E networks of one shape as one: each parameter and buffer is (E, ...), each convolution a grouped one."""

    def __init__(self, networks: list[Network]) -> None:
        self.networks = [network.train() for network in networks]
        self.weights, self.buffers = torch.func.stack_module_state(self.networks)
        self.parameters = list(self.weights.values())
        skeleton = copy.deepcopy(networks[0]).to("meta")

        def one(weights: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
            return torch.func.functional_call(skeleton, (weights, buffers), (x,))[0]

        self._each = torch.vmap(one, randomness="different")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(E b, C, H, W) -> (E b, classes); running means in the buffers are written in place."""
        x = images.unflatten(0, (len(self.networks), -1))
        return self._each(self.weights, self.buffers, x).flatten(0, 1)

    def write_back(self) -> None:
        """Give each network its own weights and buffers."""
        stacked = {**self.weights, **self.buffers}
        for number, network in enumerate(self.networks):
            network.load_state_dict({name: value[number].detach() for name, value in stacked.items()})


def row_losses(logits: torch.Tensor, targets: torch.Tensor, temperature: torch.Tensor | None) -> torch.Tensor:
    """Of each row T^2 * cross-entropy(target, softmax(logits / T)); targets are already softened to T.

    logits, targets: (n, C). temperature: (n, 1), None for 1 everywhere. Returns (n,). Source: Hinton et al.,
    arXiv:1503.02531, section 2.
    """
    if temperature is None:
        return -(targets * torch.log_softmax(logits, 1)).sum(1)
    return -(temperature.square() * targets * torch.log_softmax(logits / temperature, 1)).sum(1)


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear warm-up, then a half cosine down to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _check_losses(losses: torch.Tensor, step: int, config: TrainConfig) -> None:
    for loss in losses.tolist():
        if math.isfinite(loss):
            continue
        raise TrainingError(
            f"Training diverged: the loss is {loss} at step {step + 1} with a learning rate of "
            f"{config.learning_rate:g}; lower it, for instance --learning-rate {config.learning_rate / 10:g}."
        )


# --- applying --------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def predict(
    network: Network, inputs: Inputs, batch_size: int | None = None, keep: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Class probabilities (n, C), float32, and features (n, D), on the device.

    keep: the type that features are kept in. Where the GPU's memory runs out, halves the batch, warns, and starts over.
    """
    device = inputs.device
    network.to(device).to(memory_format=torch.channels_last).eval()
    batch = batch_size or _PREDICT_BATCH[device.type]
    while True:
        try:
            return _predict(network, inputs, batch, keep)
        except torch.cuda.OutOfMemoryError as error:
            batch = _smaller(batch, error)


def _predict(network: Network, inputs: Inputs, batch: int, keep: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    device, n = inputs.device, len(inputs)
    blocks = [slice(start, start + batch) for start in range(0, max(1, n), batch)]
    images = Ahead(lambda number: inputs.gather(blocks[number]), len(blocks), device, inputs.stays)
    probabilities = features = torch.empty(0)
    for number, rows in enumerate(blocks):
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            x = inputs.normalized(images(number)).contiguous(memory_format=torch.channels_last)
            logits, hidden = network(x)
        if number == 0:  # all rows at once: pieces would be copied into one at the end
            probabilities = torch.empty((n, logits.shape[1]), device=device)
            features = torch.empty((n, hidden.shape[1]), dtype=keep, device=device)
        probabilities[rows] = torch.softmax(logits.float(), 1)
        features[rows] = hidden.to(keep)
    return probabilities, features


def accuracy(probabilities: Any, labels: np.ndarray) -> float:
    """Share of rows whose likeliest class is the label."""
    predicted = probabilities.argmax(1)
    if isinstance(predicted, torch.Tensor):
        predicted = predicted.cpu().numpy()
    return float((predicted == labels).mean())
