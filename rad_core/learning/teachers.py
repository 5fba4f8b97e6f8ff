"""The teachers: large, accurate, expensive, sometimes wrong; asked for soft labels, and every question counted.

A teacher is written NAME (a network of MODELS, trained here on the labeled set), pretrained:NAME (a torchvision network
with pretrained weights, fine-tuned on the labeled set), table:FILE (arrays of soft labels computed elsewhere), or, from
outside, python:FILE.py:FUNCTION, openai:MODEL[@URL] and table:FILE (answers to some rows, by id); these are asked about
as little as can be. Adding a kind is a function and a line in TEACHERS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.npy import read_arrays
from rad_core.learning.data import Dataset, Split
from rad_core.learning.models import MODELS, TORCHVISION, build_model, torchvision_body

if TYPE_CHECKING:
    from rad_core.learning.examples import TrainConfig
    from rad_core.learning.inputs import Inputs
    from rad_core.learning.networks import Network


SoftLabels: TypeAlias = tuple[np.ndarray, np.ndarray | None]  # probabilities (M, C), and features (M, D) if any


@dataclass(frozen=True, eq=False)
class TeacherTask:
    """What the teacher of one seed is made for."""

    dataset: Dataset
    split: Split  # it is trained on the labeled set and what is private to it, and on nothing else
    inputs: Inputs  # every image of the data set
    config: TrainConfig
    seed: int
    number: int = 0  # of the seed among those of the study, by which a table may hold an array for each
    labels: str = "soft"  # what it hands out, one of LABELS
    state: dict[str, np.ndarray] | None = None  # its weights by name, where it is restored and not trained
    outside: Callable[[Dataset], Teacher] | None = None  # makes the one from outside, which keeps what it has answered
    table: SoftLabels | None = None  # those of a table, where its file was read elsewhere

    @property
    def classes(self) -> int:
        """C."""
        return len(self.dataset.classes)


class Teacher(ABC):
    """Answers with class probabilities and counts the questions. queries: soft labels bought so far.

    A teacher from outside may abstain: a row of NaN.
    """

    def __init__(self) -> None:
        self.queries = 0

    def query(self, ids: np.ndarray) -> np.ndarray:
        """Buy the soft labels (b, C) float32 of these dataset ids."""
        self.queries += len(ids)
        return self.peek(ids)[0]

    @abstractmethod
    def query_images(self, images: Inputs) -> np.ndarray:
        """Buy the soft labels (b, C) float32 of images that need not be in the data set, such as mixtures."""

    @abstractmethod
    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities (n, C) and features (n, D) or None, uncounted: for display and evaluation only."""

    def state(self) -> dict[str, np.ndarray]:
        """What to store in order to have the same teacher again without training."""
        return {}


class NetworkTeacher(Teacher):
    """A network, and the images it can be asked about."""

    def __init__(self, network: Network, inputs: Inputs) -> None:
        super().__init__()
        self.network, self.inputs = network, inputs

    def query_images(self, images: Inputs) -> np.ndarray:
        """Buy the soft labels of any images of the right shape."""
        self.queries += len(images)
        return self._apply(images)[0]

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities and features, uncounted."""
        return self._apply(self.inputs.take(ids))

    def _apply(self, images: Inputs) -> tuple[np.ndarray, np.ndarray]:
        import torch

        from rad_core.learning.training import predict

        probabilities, features = predict(self.network, images, keep=torch.float16)  # as studies keep features
        return probabilities.cpu().numpy(), features.cpu().numpy()

    def state(self) -> dict[str, np.ndarray]:
        """The network's weights by name."""
        return {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}


class NamingTeacher(Teacher):
    """A teacher that names one class and no more: its likeliest, or one drawn for each image by its probabilities."""

    def __init__(self, teacher: Teacher, images: int, seed: int | None = None) -> None:
        """images: of the data set. seed: of the draw; None names the likeliest."""
        super().__init__()
        self.teacher = teacher
        self.draws = None if seed is None else np.random.default_rng(seed).random(images)  # whoever asks gets the same

    def query_images(self, images: Inputs) -> np.ndarray:
        """One-hot labels of any images; there is no draw for those that are not in the data set."""
        if self.draws is not None:
            raise InputError("A teacher that draws its labels cannot label mixed images; choose other labels.")
        self.queries += len(images)
        return self._named(self.teacher.query_images(images), None)

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """One-hot labels and the teacher's features, uncounted."""
        probabilities, features = self.teacher.peek(ids)
        return self._named(probabilities, None if self.draws is None else self.draws[ids]), features

    def state(self) -> dict[str, np.ndarray]:
        """That of the teacher behind it."""
        return self.teacher.state()

    @staticmethod
    def _named(probabilities: np.ndarray, draws: np.ndarray | None) -> np.ndarray:
        """One-hot (n, C) float32. draws: (n,) in [0, 1)."""
        if draws is None:
            classes = probabilities.argmax(1)
        else:
            up_to = probabilities.cumsum(1, dtype=np.float64)
            classes = (up_to <= draws[:, None] * up_to[:, -1:]).sum(1)
        return np.eye(probabilities.shape[1], dtype=np.float32)[classes]


class TableTeacher(Teacher):
    """Soft labels computed elsewhere, a row for every dataset id."""

    def __init__(self, probabilities: np.ndarray, features: np.ndarray | None = None) -> None:
        super().__init__()
        self.probabilities, self.features = probabilities, features

    def query_images(self, images: Inputs) -> np.ndarray:
        """A table knows no other images."""
        raise InputError(
            "A table of soft labels cannot label mixed images; leave out the strategies that mix, or choose another "
            "teacher."
        )

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The rows of the table."""
        features = None if self.features is None else np.asarray(self.features[ids], np.float32)
        return np.asarray(self.probabilities[ids], np.float32), features


def _trained(argument: str, task: TeacherTask) -> Teacher:
    """A network trained here on the labeled set."""
    shape = task.inputs.image_shape
    return _fitted(build_model(argument, classes=task.classes, image_shape=shape, seed=task.seed % 2**63), task)


def _pretrained(argument: str, task: TeacherTask) -> Teacher:
    """A torchvision network with weights pretrained on ImageNet, fine-tuned on the labeled set."""
    if argument not in TORCHVISION:
        raise InputError(f"teacher is 'pretrained:{argument}'; choose pretrained: with {', '.join(TORCHVISION)}.")
    import torch

    from rad_core.learning.networks import Network, PretrainedBody

    try:
        body, features = torchvision_body(argument, "DEFAULT" if task.state is None else None)
    except OSError as error:  # urllib's URLError is one
        raise InputError(
            f"The pretrained weights of {argument} could not be downloaded ({error}); connect to the internet once, or "
            f"train a teacher here with --teacher {argument}."
        ) from error
    inputs = task.inputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed % 2**63)
        network = Network(PretrainedBody(body, inputs.mean.cpu(), inputs.std.cpu()), features, task.classes)
    return _fitted(network, task)


def _table(argument: str, task: TeacherTask) -> Teacher:
    """Soft labels computed elsewhere: arrays with a row for every image of the data set, or a table of some by id."""
    if is_outside(f"table:{argument}"):
        return _outside(argument, task)
    return TableTeacher(*(task.table or read_table(argument, task.number, task.dataset)))


def read_table(argument: str, seed: int, dataset: Dataset) -> SoftLabels:
    """The soft labels of `table:ARGUMENT` for a seed of a data set. Raises InputError."""
    return read_soft_labels(Path(argument).expanduser(), seed, (len(dataset.labels), len(dataset.classes)))


def read_soft_labels(path: Path, seed: int, shape: tuple[int, int]) -> SoftLabels:
    """Class probabilities (M, C) and features (M, D) or None, from an .npy or .npz file.

    path: an .npy file, an .npz file with one array, or one with arrays of these names: probabilities, or
    probabilities-0, probabilities-1, ... with those of a teacher for each seed; features, or features-0, ..., as well
    where there are any. seed: which of them is wanted. shape: (M, C). Raises InputError.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}; teacher table:FILE needs an .npy or .npz file of soft labels.")
    arrays = read_arrays(path)
    names = [f"probabilities-{seed}", "probabilities"]
    if len(arrays) == 1 and not any(name.startswith("probabilities-") for name in arrays):
        names += arrays
    name = next((name for name in names if name in arrays), None)
    if name is None:
        raise InputError(
            f"{path} holds the arrays {', '.join(arrays) or 'nothing'}; name one of them probabilities, or give one "
            f"for each seed, of which probabilities-{seed} is missing."
        )
    table = arrays[name]
    if table.shape != shape:
        raise InputError(
            f"{path} has shape {table.shape}; it must be {shape}: a row for every image of the data set, test images "
            "included, and a column for every class."
        )
    if table.dtype.kind != "f" or not (np.isfinite(table).all() and table.min() >= 0):
        raise InputError(f"{path} must hold probabilities: floating numbers of 0 or more, without NaN.")
    sums = table.sum(1, dtype=np.float64)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > 1e-3:
        raise InputError(f"Row {worst} of {path} sums to {sums[worst]:.4g}; each row must sum to 1.")
    features = arrays.get(f"features-{seed}", arrays.get("features"))
    if features is not None and (
        features.ndim != 2 or len(features) != shape[0] or features.dtype.kind != "f" or not np.isfinite(features).all()
    ):
        raise InputError(
            f"The features in {path} have shape {features.shape} and type {features.dtype}; they must be finite "
            f"floating numbers, a row for each of the {shape[0]:,} images."
        )
    return table, features


def _outside(argument: str, task: TeacherTask) -> Teacher:
    """A teacher from outside, who keeps what it has answered with the study."""
    assert task.outside is not None, "whoever has such a study asked brings its answers along"
    return task.outside(task.dataset)


LABELS = ("soft", "hard", "sampled")  # what a teacher may hand out
TEACHERS: dict[str, Callable[[str, TeacherTask], Teacher]] = {
    "trained": _trained,
    "pretrained": _pretrained,
    "table": _table,
    "python": _outside,
    "openai": _outside,
}


ARRAYS = (".npy", ".npz")  # of soft labels, a row for every image
OUTSIDE = tuple(kind for kind, make in TEACHERS.items() if make is _outside)


def parse_teacher(spec: str) -> tuple[str, str]:
    """Split a teacher's name into its kind and argument, and check both as far as names go."""
    kind, colon, argument = spec.partition(":")
    if not colon:
        kind, argument = "trained", spec
    place, _, function = argument.rpartition(":")
    valid = {
        "trained": argument in MODELS,
        "pretrained": argument in TORCHVISION,
        "table": bool(argument),
        "python": bool(place) and function.isidentifier(),
        "openai": bool(argument.partition("@")[0]),
    }
    if not valid.get(kind, False):
        raise InputError(
            f"teacher is {spec!r}; write a network to train here ({', '.join(MODELS)}), pretrained:NAME "
            f"({', '.join(TORCHVISION)}), table:FILE (soft labels), python:FILE.py:FUNCTION or "
            "openai:MODEL[@URL]."
        )
    return kind, argument


def is_outside(spec: str) -> bool:
    """Whether a teacher answers from outside, so that it is asked about what is bought and the validation set alone.

    A table by id is one: it may hold answers to some rows alone.
    """
    kind, argument = parse_teacher(spec)
    return kind in OUTSIDE or (kind == "table" and Path(argument).suffix.lower() not in ARRAYS)


def make_teacher(spec: str, task: TeacherTask) -> Teacher:
    """Make the teacher of one seed: trained on the labeled set, and only on it; or restored from its state."""
    kind, argument = parse_teacher(spec)
    teacher = TEACHERS[kind](argument, task)
    if task.labels == "soft":
        return teacher
    return NamingTeacher(teacher, len(task.dataset.labels), task.seed if task.labels == "sampled" else None)


def _fitted(network: Network, task: TeacherTask) -> Teacher:
    import torch

    from rad_core.learning.training import fit

    if task.state is not None:
        network.load_state_dict({name: torch.from_numpy(value) for name, value in task.state.items()})
    else:
        labeled = np.concatenate([task.split.labeled, task.split.private])
        targets = np.eye(task.classes, dtype=np.float32)[task.dataset.labels[labeled]]
        hard = np.zeros(len(targets), bool)
        fit(network, task.inputs.take(labeled), targets, soft=hard, config=task.config, seed=task.seed)
    return NetworkTeacher(network, task.inputs)
