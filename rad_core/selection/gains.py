"""How informative a label would be, from the student's class probabilities: (N, C) -> (N,) in [0, 1].

Adding one is a function and an entry in GAINS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rad_core.errors import tell
from rad_core.inputs import diagnosis
from rad_core.inputs.arrays import Numbers, by_row_blocks
from rad_core.inputs.tables import read_given
from rad_core.selection.arrays import Array, is_torch


@by_row_blocks
def margin(probabilities: Array) -> Array:
    """1 - (largest - second largest probability): high where two classes compete."""
    if is_torch(probabilities):
        top = probabilities.topk(2, dim=1).values
        return (1 - (top[:, 0] - top[:, 1])).clamp(0, 1)
    top = np.partition(probabilities, -2, axis=1)
    return np.clip(1 - (top[:, -1] - top[:, -2]), 0, 1)


@by_row_blocks
def entropy(probabilities: Array) -> Array:
    """Entropy of the probabilities divided by its maximum, log C: high where many classes compete."""
    classes = probabilities.shape[1]
    if is_torch(probabilities):
        import torch

        return (-torch.special.xlogy(probabilities, probabilities).sum(1) / math.log(classes)).clamp(0, 1)
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return np.clip(-np.einsum("nc,nc->n", probabilities, logs) / math.log(classes), 0, 1)


@by_row_blocks
def least_confidence(probabilities: Array) -> Array:
    """(1 - largest probability) C / (C - 1): high where even the favorite class is unlikely."""
    classes = probabilities.shape[1]
    largest = probabilities.amax(1) if is_torch(probabilities) else probabilities.max(1)
    gains = (1 - largest) * (classes / (classes - 1))
    return gains.clamp(0, 1) if is_torch(gains) else np.clip(gains, 0, 1)


@dataclass(frozen=True)
class Gain:
    """A measure of informativeness, called as its function is: (N, C) -> (N,).

    label: its name for people. phrase: what a paper calls it; the label by default.
    """

    function: Callable[[Array], Array]
    label: str
    phrase: str = ""

    def __call__(self, probabilities: Array) -> Array:
        return self.function(probabilities)


GAINS: dict[str, Gain] = {
    "margin": Gain(margin, "Margin", "one minus the difference of the student's two largest class probabilities"),
    "entropy": Gain(
        entropy, "Entropy", "the entropy of the student's class probabilities divided by its largest possible value"
    ),
    "least_confidence": Gain(
        least_confidence,
        "Least confidence",
        "one minus the student's largest class probability, scaled to lie between 0 and 1",
    ),
}


def check_probabilities(probabilities: Array, name: str = "probabilities") -> Array:
    """Return (N, C) class probabilities as a floating array, or raise InputError that says what is wrong with them.

    Any array, tensor or frame may come. What rounding explains is mended with a warning, an `InputNote`.
    """
    given = read_given(probabilities, "probabilities", name)
    if isinstance(given, Numbers):
        checked = diagnosis.check(given, name)
        values, notes = checked.values, checked.notes
    else:
        values, notes = given.values, given.notes
    tell(notes)
    return values
