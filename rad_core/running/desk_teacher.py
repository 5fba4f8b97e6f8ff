"""A teacher from outside as the nodes of a cluster see it: they ask the desk, and one process asks for all."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.learning.inputs import Inputs
from rad_core.learning.teachers import Teacher


class DeskTeacher(Teacher):
    """Has the process that runs the study ask; a row of NaN stands for an abstention."""

    def __init__(self, desk: Any) -> None:
        super().__init__()
        self.desk = desk

    def query(self, ids: np.ndarray) -> np.ndarray:
        """Buy the soft labels (b, C) float32 of these rows."""
        self.queries += len(ids)
        return self._ask(ids, buy=True)

    def query_images(self, images: Inputs) -> np.ndarray:
        """Nobody outside knows them: answers belong to rows of the data set."""
        raise InputError("A teacher from outside cannot label mixed images; leave out the strategies that mix.")

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What it has answered so far, NaN elsewhere; nothing is asked."""
        return self._ask(ids, buy=False), None

    def _ask(self, ids: np.ndarray, *, buy: bool) -> np.ndarray:
        ray = importlib.import_module("ray")
        return np.array(ray.get(self.desk.ask.remote(ids, buy)))
