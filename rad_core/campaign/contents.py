"""What an answer says, as the ledger keeps it: a class, class probabilities, or nothing (an abstention)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rad_core.errors import DamagedError

SAME = 1e-6  # answers that differ by no more in any class are one answer, told twice


class Content(NamedTuple):
    """One answer. label: number of its class, for a hard answer. soft: C float64 as bytes, for a soft one.

    An abstention has neither.
    """

    label: int | None
    soft: bytes | None

    @property
    def abstains(self) -> bool:
        """Whether it says nothing."""
        return self.label is None and self.soft is None


ABSTENTION = Content(None, None)


def hard(label: int) -> Content:
    """The answer that is one class, by its number."""
    return Content(int(label), None)


def soft(probabilities: np.ndarray) -> Content:
    """The answer that is class probabilities (C,)."""
    return Content(None, np.ascontiguousarray(probabilities, "<f8").tobytes())


def vector(content: Content, classes: int) -> np.ndarray:
    """(C,) float64: an answer as class probabilities. Raises DamagedError where the ledger was changed."""
    if content.label is not None:
        if not 0 <= content.label < classes:
            raise DamagedError(f"An answer in the ledger is none of {classes} classes; restore the campaign.")
        one_hot = np.zeros(classes)
        one_hot[content.label] = 1.0
        return one_hot
    if content.soft is None:
        raise ValueError("an abstention has no probabilities")
    if not isinstance(content.soft, bytes) or len(content.soft) != 8 * classes:
        raise DamagedError(f"An answer in the ledger is none of {classes} classes; restore the campaign.")
    return np.frombuffer(content.soft, "<f8")


def same(one: Content, other: Content, classes: int) -> bool:
    """Whether two answers say the same, to within SAME in every class."""
    if one == other:
        return True
    if one.abstains or other.abstains:
        return False
    return bool(np.abs(vector(one, classes) - vector(other, classes)).max() <= SAME)


def likeliest(content: Content, classes: int) -> int | None:
    """The number of the class that an answer names, the first of several that are equally likely."""
    if content.abstains:
        return None
    return content.label if content.label is not None else int(vector(content, classes).argmax())
