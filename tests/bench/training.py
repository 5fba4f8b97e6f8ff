"""Training: against the same steps written by hand, as a share of what the processor can do, and several at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.networks import Network
from rad_core.learning.training import fit, fit_together, networks_at_once
from tests.bench import plain
from tests.bench.measure import at_once, gpu_clock, medians
from tests.bench.rows import Row

COLOR, DIGITS = (32, 32, 3), (8, 8, 1)
STEPS = {"cnn": (15, COLOR), "resnet8": (8, COLOR), "cnn_tiny": (150, DIGITS)}
BATCH = 128
CPU = torch.device("cpu")

# In a process with a number of threads: images per second of wall time, training alone.
_ALONE = (
    "import sys; from tests.bench.training import speed; print(speed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))"
)


def rows(quick: bool) -> Iterator[Row]:
    """Images per second of `fit`, batches of 128 where none is named; cnn and resnet8: 32 x 32 x 3, cnn_tiny: 8 x 8."""
    torch.set_num_threads(1)
    yield from _against_plain(quick)
    yield from _batches(quick)
    yield from _halves(quick)
    yield from _compiled(quick)
    yield from _threads(quick)
    yield from together(quick)
    if torch.cuda.is_available():
        yield from _on_gpu()


def make(name: str, shape: tuple[int, int, int], device: torch.device = CPU, seed: int = 0) -> Network:
    """A new network for ten classes."""
    return build_model(name, classes=10, image_shape=shape, seed=seed).to(device)


@cache
def examples(shape: tuple[int, int, int], device: torch.device = CPU, n: int = 2000) -> tuple[Inputs, np.ndarray]:
    """Random images and soft labels."""
    rng = np.random.default_rng(0)
    height, width, channels = shape
    pixels = torch.from_numpy(rng.integers(0, 256, (n, channels, height, width), dtype=np.uint8)).to(device)
    middle = torch.full((channels, 1, 1), 127.5, device=device)
    inputs = Inputs(pixels, middle, middle / 1.7, "crop_flip" if channels == 3 else "shift")
    return inputs, rng.dirichlet(np.ones(10), n).astype(np.float32)


def train(name: str, steps: int, batch: int = BATCH, augment: bool = True, device: torch.device = CPU) -> None:
    """`fit` on random images."""
    shape = STEPS[name][1]
    inputs, targets = examples(shape, device)
    config = TrainConfig(steps, batch, augment=augment)
    fit(make(name, shape, device), inputs, targets, soft=np.ones(len(targets), bool), config=config, seed=0)


def train_plainly(name: str, steps: int, batch: int = BATCH, augment: bool = True, **options: object) -> None:
    """The same by hand."""
    shape = STEPS[name][1]
    inputs, targets = examples(shape)
    images = inputs.normalized(inputs.pixels)
    given = {"steps": steps, "batch": batch, "augment": augment, **options}
    plain.train(make(name, shape), images, torch.from_numpy(targets), **given)  # type: ignore[arg-type]


def _against_plain(quick: bool) -> Iterator[Row]:
    peak = matmul_peak(256 if quick else 2048)
    for name, (steps, shape) in STEPS.items():
        steps = 2 if quick else steps
        for augment in (True,) if quick else (True, False):
            taken = medians(
                {
                    "ours": partial(train, name, steps, augment=augment),
                    "plain": partial(train_plainly, name, steps, augment=augment),
                },
                repeats=1 if quick else 4,
            )
            ours, by_hand = (steps * BATCH / taken[key] for key in ("ours", "plain"))
            what = name if augment else f"{name} without augmentation"
            yield Row(what, ours, "images/s", by_hand, "plain torch", at_least=1 / 1.05)
            if augment:
                rate = ours * flops(name, shape) / 1e9
                yield Row(f"{name}, arithmetic", rate, "GFLOP/s", peak, "matrix product, here")


def flops(name: str, shape: tuple[int, int, int]) -> float:
    """Floating-point operations of a training step per image, forward and backward."""
    height, width, channels = shape
    network, counter = make(name, shape), FlopCounterMode(display=False)
    with counter:
        network(torch.zeros(8, channels, height, width))[0].sum().backward()
    return counter.get_total_flops() / 8


def matmul_peak(size: int) -> float:
    """GFLOP/s of a product of square float32 matrices on one thread, the best of several."""
    a = torch.randn(size, size)
    return max(2 * size**3 / medians({"matmul": lambda: a @ a}, repeats=1)["matmul"] / 1e9 for _ in range(3))


def _batches(quick: bool) -> Iterator[Row]:
    images, sizes = (256, (64, 256)) if quick else (2048, (64, 256, 512))
    taken = medians(
        {str(batch): partial(train, "cnn", images // batch, batch) for batch in (*sizes, BATCH)}, 1 if quick else 3
    )
    for batch in sizes:
        speeds = images / taken[str(batch)], images / taken[str(BATCH)]
        yield Row(f"cnn, batches of {batch}", speeds[0], "images/s", speeds[1], f"batches of {BATCH}")


def _halves(quick: bool) -> Iterator[Row]:
    what = "cnn by hand in bfloat16"
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        yield Row(what, note="this processor has no bfloat16 instructions")
        return
    steps = 2 if quick else 20
    run = partial(train_plainly, "cnn", steps)
    taken = medians({"half": partial(run, half=True), "single": run}, 1 if quick else 3)
    half, single = steps * BATCH / taken["half"], steps * BATCH / taken["single"]
    note = "not used: results would depend on the processor"
    yield Row(what, half, "images/s", single, "float32", note=note)


def _compiled(quick: bool) -> Iterator[Row]:
    """torch.compile needs a C++ compiler, and its first step takes as long as thousands of others."""
    what = "cnn by hand, compiled"
    if quick:
        yield Row(what, note="left out of a quick run")
        return
    compiled = partial(torch.compile, dynamic=False)
    began = time.perf_counter()
    try:
        train_plainly("cnn", 1, wrap=compiled)
    except Exception as error:
        yield Row(what, note=f"torch.compile does not work here ({type(error).__name__})")
        return
    waited = time.perf_counter() - began
    network, (inputs, targets) = make("cnn", COLOR), examples(COLOR)
    images, wanted = inputs.normalized(inputs.pixels), torch.from_numpy(targets)
    kept = torch.compile(network, dynamic=False)
    run = partial(plain.train, network, images, wanted, steps=20, batch=BATCH)
    taken = medians({"compiled": partial(run, wrap=lambda _: kept), "plain": run}, repeats=3)
    fast, usual = 20 * BATCH / taken["compiled"], 20 * BATCH / taken["plain"]
    yield Row(what, fast, "images/s", usual, "not compiled", note=f"the first step waits {waited:.0f} s")


def speed(name: str, steps: int, threads: int) -> float:
    """Images per second of wall time with so many threads."""
    torch.set_num_threads(threads)
    taken = medians({"train": partial(train, name, steps)}, repeats=3, clock=time.perf_counter)
    return steps * BATCH / taken["train"]


def _threads(quick: bool) -> Iterator[Row]:
    """Two cores: two processes of a thread each, or one of two threads."""
    if quick:
        yield Row("two processes of one thread", note="left out of a quick run")
        return
    for name in ("cnn", "cnn_tiny"):
        steps, rates = 2 * STEPS[name][0], {}
        for processes, threads in ((2, 1), (1, 2)):
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            command = [sys.executable, "-c", _ALONE, name, str(steps), str(threads)]
            rates[processes] = sum(map(float, at_once([command] * processes, environment)))
        named = "one of two threads"
        yield Row(f"{name}, two processes of one thread (wall)", rates[2], "images/s", rates[1], named)


def together(quick: bool) -> Iterator[Row]:
    """Several students in one pass of stacked weights, against one after another."""
    for name in ("cnn_tiny", "cnn"):
        steps, shape = STEPS[name]
        yield _stacked(name, 5 if name == "cnn_tiny" else 2, 2 if quick else steps, 1 if quick else 3)
        chosen = float(networks_at_once(make(name, shape), shape, CPU))
        yield Row(f"{name} students that a study on a CPU trains together", chosen)


def _stacked(name: str, count: int, steps: int, repeats: int) -> Row:
    def in_turn() -> None:
        for _ in range(count):
            _train_together(name, 1, steps)

    taken = medians({"stacked": partial(_train_together, name, count, steps), "in turn": in_turn}, repeats)
    speeds = [count * steps * BATCH / taken[key] for key in ("stacked", "in turn")]
    return Row(f"{count} {name} students together", speeds[0], "images/s", speeds[1], "one after another")


def _train_together(name: str, count: int, steps: int, device: torch.device = CPU) -> None:
    shape = STEPS[name][1]
    inputs, targets = examples(shape, device)
    networks = [make(name, shape, device, seed) for seed in range(count)]
    soft, config = np.ones(len(targets), bool), TrainConfig(steps, BATCH)
    fit_together(networks, [inputs] * count, [targets] * count, soft=soft, config=config, seeds=range(count))


def _on_gpu() -> Iterator[Row]:
    """On a GPU the target is set: eight students in twice the time of one."""
    steps, device = 300, torch.device("cuda")
    for name in ("cnn", "resnet8"):
        taken = medians(
            {str(count): partial(_train_together, name, count, steps, device) for count in (1, 8)}, 3, gpu_clock
        )
        what = f"8 {name} students together on CUDA"
        yield Row(what, taken["8"], "s", taken["1"], "one of them", at_most=2)
        yield Row(what, 8 * steps * BATCH / taken["8"], "images/s", steps * BATCH / taken["1"], "one of them")
