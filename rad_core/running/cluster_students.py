"""Students of ours in a campaign, trained as tasks of a Ray cluster; its own process alone writes into it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rad_core.campaign.students import Scorer, scores_of_pool
from rad_core.campaign.training import TrainingSet
from rad_core.errors import WorkerError
from rad_core.running.cluster import connect

if TYPE_CHECKING:
    from rad_core.campaign.reading import Scores

_TRIES = 3  # times that a task is begun again elsewhere


@contextmanager
def scoring(address: str | None) -> Iterator[Scorer]:
    """How students score a pool while the block lasts: in this process, or on the cluster at an address.

    Raises InputError where no cluster can be reached.
    """
    if address is None:
        yield scores_of_pool
        return
    with connect(address):
        yield _OnCluster()


class _OnCluster:
    """Scores pools on a cluster; features are placed there once for as long as their file stays as it is."""

    def __init__(self) -> None:
        self.ray = importlib.import_module("ray")
        self.task = self.ray.remote(num_cpus=1, max_retries=_TRIES)(_score)
        self.placed: tuple[object, Any] = (None, None)  # which features, and where

    def __call__(
        self, name: str, features: np.ndarray, examples: TrainingSet, pool: int, checked: np.ndarray, seed: int
    ) -> Scores:
        """As `students.scores_of_pool`."""
        import torch

        which = _identity(features)
        if self.placed[0] != which:
            self.placed = which, self.ray.put(np.asarray(features))
        told = (name, self.placed[1], examples, pool, checked, seed)
        try:
            return self.ray.get(self.task.remote(torch.get_num_threads(), *told))
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from error
        except self.ray.exceptions.RayError as error:
            raise WorkerError(
                f"The student could not be trained on the cluster ({str(error).splitlines()[0]}); nothing was asked: "
                "run it again."
            ) from error


def _identity(features: np.ndarray) -> object:
    """Equal for the same features: of a mapped file, its place, its size and when it was written."""
    place = getattr(features, "filename", None)
    if place is None:
        return id(features)
    about = Path(place).stat()
    return str(place), about.st_mtime_ns, about.st_size, about.st_ino


def _score(threads: int, *told: Any) -> Scores:
    """On a node, with as many threads as the campaign's own process has: sums depend on their number."""
    import torch

    torch.set_num_threads(threads)
    return scores_of_pool(*told)
