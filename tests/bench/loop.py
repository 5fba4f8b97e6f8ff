"""A whole digits loop with margin sampling, against plain torch, scikit-activeml and baal at equal steps."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from rad_core.config import StudyConfig
from rad_core.learning.data import Dataset, Split, load_dataset, make_split
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.networks import Network
from rad_core.learning.teachers import TableTeacher
from rad_core.learning.training import networks_at_once
from rad_core.store.catalogue import create_study
from rad_core.study.loop import Cell, run_cells
from rad_core.study.seeds import derive_seed
from rad_core.study.students import SeedSetting
from tests.bench import plain
from tests.bench.measure import Clock, gpu_clock, medians
from tests.bench.rows import Row, missing

BATCH = 50
STEPS, SHORT = 420, 42  # whole epochs of 100, 150, ..., 350 examples; of 100 and 150
STRAY = 3.0  # standard errors that two equally good loops may be apart


@dataclass(frozen=True, eq=False)
class Task:
    """What every loop gets: images, labels, which rows are labeled, which may be bought, and how to train."""

    config: StudyConfig
    seed: int
    dataset: Dataset
    inputs: Inputs  # on the device to compute on
    split: Split

    @property
    def images(self) -> torch.Tensor:
        """(M, 1, 8, 8) normalized floats of the whole data set."""
        return self.inputs.normalized(self.inputs.pixels)

    @property
    def labels(self) -> np.ndarray:
        """(M,) true classes; every loop buys these."""
        return self.dataset.labels

    def network(self) -> Network:
        """The same weights for every loop."""
        return build_model(
            self.config.student, classes=10, image_shape=(8, 8, 1), seed=derive_seed("student", self.seed)
        ).to(self.inputs.pixels.device)


Loop = Callable[[Task], float]  # returns the accuracy on the test set after the last round


def rows(quick: bool) -> Iterator[Row]:
    """Digits, a CNN of 33,338 weights, 100 labels + 5 x 50 queries by margin, 420 steps of 50 from scratch each time.

    Seconds are CPU time per training, with all that belongs to it: scoring the pool, choosing, training, and the test
    set at the end (ours: pool and test set after every training, and every round written to disk). The estimator given
    to scikit-activeml trains by the loop that is called plain torch here.
    """
    torch.set_num_threads(1)
    loops: dict[str, Loop] = {"plain torch": by_hand, "ours": ours}
    absent = []
    for name, package in (("scikit-activeml", "skactiveml"), ("baal", "baal")):
        gap = missing(f"the loop of {name}", package)
        if gap is None:
            loops[name] = _peer(package)
        else:
            absent.append(gap)
    trainings, seeds = (2, 2) if quick else (6, 3)
    tasks = [_task(seed, rounds=trainings - 1, steps=SHORT if quick else STEPS) for seed in range(seeds)]
    taken, accuracy = _in_turns(loops, tasks)
    seconds = {name: statistics.median(values) / trainings for name, values in taken.items()}
    yield Row("one cell, per training", seconds["ours"], "s", seconds["plain torch"], "plain torch", at_most=1.05)
    for name in loops:
        if name not in ("ours", "plain torch"):
            yield Row("one cell, per training", seconds["ours"], "s", seconds[name], name)
            yield Row(f"{name}, per training", seconds[name], "s", seconds["plain torch"], "plain torch")
    for name in loops:
        if name != "ours":
            yield _accuracies(accuracy["ours"], accuracy[name], name)
    yield from absent
    yield _grid(quick, "cpu", "cnn_tiny", time.process_time)
    if torch.cuda.is_available():
        yield _grid(quick, "cuda", "cnn", gpu_clock)


def _grid(quick: bool, device: str, student: str, clock: Clock) -> Row:
    """Several cells of a study, trained together as the engine would, against plain torch one after another."""
    count, rounds, steps = (2, 1, SHORT) if quick else (8, 2, STEPS)
    tasks = [_task(seed, rounds, steps, device, student) for seed in range(count)]
    taken = medians(
        {"ours": lambda: cells_together(tasks), "plain": lambda: [by_hand(task) for task in tasks]}, 1, clock
    )
    what = f"{count} cells of {student} on {device.upper()}, all trainings"
    limit = 3.0 if device == "cuda" else None
    return Row(what, taken["ours"], "s", taken["plain"], "plain torch, in turn", "times", at_least=limit)


def _in_turns(loops: dict[str, Loop], tasks: list[Task]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """CPU seconds and accuracy of each loop on each task; a first pass over a short task warms up."""
    warm = _task(0, rounds=1, steps=SHORT)
    taken: dict[str, list[float]] = {name: [] for name in loops}
    accuracy: dict[str, list[float]] = {name: [] for name in loops}
    for task in (warm, *tasks):
        for name, run in loops.items():
            began = time.process_time()
            found = run(task)
            if task is not warm:
                taken[name].append(time.process_time() - began)
                accuracy[name].append(found)
    return taken, accuracy


def _accuracies(ours: list[float], theirs: list[float], name: str) -> Row:
    """Equal within the noise that the seeds show."""
    differences = np.subtract(ours, theirs)
    noise = STRAY * max(float(differences.std(ddof=1)) / math.sqrt(len(differences)), 1e-3)
    return Row(
        f"accuracy after the last round, {len(ours)} seeds",
        float(np.mean(ours)),
        "",
        float(np.mean(theirs)),
        name,
        "difference",
        at_most=noise,
        at_least=-noise,
    )


def _task(seed: int, rounds: int, steps: int, device: str = "cpu", student: str = "cnn") -> Task:
    config = StudyConfig.from_mapping(
        {
            "dataset": "digits",
            "strategies": ("margin",),
            "seeds": 1,
            "rounds": rounds,
            "budget": 50,
            "labeled": 100,
            "student": student,
            "student_steps": steps,
            "batch_size": BATCH,
            "augment": False,
            "device": device,
            "learning_rate": 3e-3,
            "weight_decay": 1e-3,
            "temperature": 1.0,
            "gain": "margin",
        }
    ).resolved()
    dataset = load_dataset("digits", data_dir=Path("unused"))
    split = make_split(dataset, labeled=100, validation=10, test=360, seed=seed)
    return Task(config, seed, dataset, Inputs.of(dataset, torch.device(device)), split)


def ours(task: Task) -> float:
    """One cell as the engine runs it, each round written to a store on disk."""
    return cells_together([task])[0]


def cells_together(tasks: list[Task]) -> list[float]:
    """A cell for each task, so many at a time as a study would train together; the accuracy of each."""
    cells, found = [Cell(_setting(task), "margin") for task in tasks], []
    inputs = tasks[0].inputs
    size = networks_at_once(tasks[0].network(), inputs.image_shape, inputs.pixels.device)
    with TemporaryDirectory() as folder:
        study = create_study(Path(folder), tasks[0].config)
        for first in range(0, len(cells), size):
            group = cells[first : first + size]
            for rounds in run_cells(group):
                study.put_rounds(rounds)
            found += [done.metrics["accuracy"] for done in rounds]
    return found


def _setting(task: Task) -> SeedSetting:
    """A teacher that is always right, because the others buy true labels."""
    teacher, right = TableTeacher(np.eye(10, dtype=np.float32)[task.labels]), np.ones(len(task.split.pool), bool)
    return SeedSetting(task.config, task.seed, task.inputs, task.labels, 10, task.split, teacher, 1.0, right)


def by_hand(task: Task) -> float:
    """The loop as one would write it in torch."""
    images = task.images
    truth = torch.eye(10, device=images.device)[torch.from_numpy(task.labels)]
    known, pool = task.split.labeled, task.split.pool
    network = _trained_by_hand(task, images[known], truth[known])
    for _ in range(task.config.rounds):
        top = probabilities(network, images[pool]).topk(2).values
        picks = (top[:, 0] - top[:, 1]).argsort()[: task.config.budget].cpu().numpy()
        known, pool = np.append(known, pool[picks]), np.delete(pool, picks)
        network = _trained_by_hand(task, images[known], truth[known])
    return accuracy_of(probabilities(network, images[task.split.test]).cpu().numpy(), task)


def _trained_by_hand(task: Task, images: torch.Tensor, targets: torch.Tensor) -> Network:
    network = task.network()
    torch.manual_seed(task.seed)
    plain.train(network, images, targets, steps=task.config.student_steps, batch=BATCH, augment=False)
    return network


@torch.inference_mode()
def probabilities(network: Network, images: torch.Tensor) -> torch.Tensor:
    """(n, 10), 512 images at a time."""
    network.eval()
    return torch.cat([network(part)[0].softmax(1) for part in images.split(512)])


def accuracy_of(predicted: np.ndarray, task: Task) -> float:
    """Share of right answers on the test set."""
    return float((predicted.argmax(1) == task.labels[task.split.test]).mean())


def _peer(package: str) -> Loop:
    """The loop written for a package, which its module imports."""
    found: Loop = import_module(f"tests.bench.loop_{package}").loop
    return found
