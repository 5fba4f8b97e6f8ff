"""What the arrays of a study are: type, shape and range of each, as the program writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import numpy as np

from rad_core.config import StudyConfig
from rad_core.store.rows import Unsound, shown

_ROWS = 1 << 14  # looked at together: an array may be larger than the memory
_ROUNDING = 1e-3  # of sums of probabilities; light copies keep them in steps of 2^-12 for each class
_STEP = 2.0**-12
_MOST_ID = 1 << 40
THUMBNAIL = 48  # pixels: the longest side of the pool's stored thumbnails


@attrs.frozen
class Sizes:
    """How many of what there are. None: as many as it says itself. abstaining: whether the teacher may abstain."""

    pool: int
    classes: int
    budget: int
    labeled: int
    validation: int
    test: int | None
    private: int
    abstaining: bool = False

    @classmethod
    def of(cls, config: StudyConfig, classes: int, pool: int) -> Sizes:
        """The sizes of a seed that has so many classes and points in the pool."""
        if pool < config.rounds * config.budget or pool != (config.pool or pool):
            raise Unsound(f"its pool has {pool} points, which does not fit its settings")
        sets = (config.labeled, config.validation, config.test, config.teacher_labeled)
        return cls(pool, classes, config.budget, *sets, config.outside)


Check = Callable[[np.ndarray, Sizes], bool]


@attrs.frozen
class Kind:
    """types: names of dtypes. shape: of each axis its length, by the sizes; None where it is free. right: of some rows.

    different: no value twice. free: whether the lengths of the free axes are right.
    """

    types: tuple[str, ...]
    shape: Callable[[Sizes], tuple[int | None, ...]]
    right: Check
    different: bool = False
    free: Callable[[list[int]], bool] = lambda lengths: min(lengths, default=1) > 0


def _within(low: float, high: float, *, nan: bool = False) -> Check:
    def right(values: np.ndarray, sizes: Sizes) -> bool:
        inside = (values >= low) & (values <= high)
        return bool((inside | np.isnan(values)).all() if nan else inside.all())

    return right


def _finite(values: np.ndarray, sizes: Sizes) -> bool:
    return bool(np.isfinite(values).all())


def _anything(values: np.ndarray, sizes: Sizes) -> bool:
    return True


def _classes(values: np.ndarray, sizes: Sizes) -> bool:
    return bool((values >= 0).all() and (values < sizes.classes).all())


def _points(values: np.ndarray, sizes: Sizes) -> bool:
    return bool((values >= 0).all() and (values < sizes.pool).all())


def _verdicts(values: np.ndarray, sizes: Sizes) -> bool:
    return bool(((values <= 1) | (values == 255)).all())


def _probabilities(values: np.ndarray, sizes: Sizes) -> bool:
    sums = values.sum(1, dtype=np.float64)
    slack = _ROUNDING + _STEP * sizes.classes
    return bool((values >= 0).all() and (values <= 1 + _STEP).all() and (abs(sums - 1) <= slack).all())


def _answers(values: np.ndarray, sizes: Sizes) -> bool:
    """Probabilities, or rows of NaN where a teacher from outside abstained."""
    given = values[~np.isnan(values).all(1)] if sizes.abstaining else values
    return _probabilities(given, sizes)


def _small_images(lengths: list[int]) -> bool:
    height, width, colors = lengths
    return 1 <= height <= THUMBNAIL and 1 <= width <= THUMBNAIL and colors in (1, 3)


def _ids(length: Callable[[Sizes], int | None]) -> Kind:
    return Kind(("int64", "int32"), lambda sizes: (length(sizes),), _within(0, _MOST_ID), different=True)


def _of_the_pool(*types: str, right: Check, more: tuple[int | None, ...] = ()) -> Kind:
    return Kind(types, lambda sizes: (sizes.pool, *more), right)


def _of_the_picks(*types: str, right: Check, different: bool = False) -> Kind:
    return Kind(types, lambda sizes: (sizes.budget,), right, different)


SEED_ARRAYS = {
    "labeled_ids": _ids(lambda sizes: sizes.labeled),
    "validation_ids": _ids(lambda sizes: sizes.validation),
    "private_ids": _ids(lambda sizes: sizes.private),
    "pool_ids": _ids(lambda sizes: sizes.pool),
    "test_ids": _ids(lambda sizes: sizes.test),
    "pool_labels": _of_the_pool("int16", right=_classes),
    "validation_labels": Kind(("int16",), lambda sizes: (sizes.validation,), _classes),
    "teacher_pool_probabilities": Kind(("float32",), lambda sizes: (sizes.pool, sizes.classes), _probabilities),
    "teacher_validation_probabilities": Kind(("float32",), lambda sizes: (sizes.validation, sizes.classes), _answers),
    "teacher_right": _of_the_pool("bool", right=_anything),
    "student_features": _of_the_pool("float16", right=_finite, more=(None,)),
    "teacher_features": _of_the_pool("float16", right=_finite, more=(None,)),
    "thumbnails": Kind(("uint8",), lambda sizes: (sizes.pool, None, None, None), _anything, free=_small_images),
}
ROUND_ARRAYS = {
    "gains": _of_the_pool("uint16", right=_anything),
    "predictions": _of_the_pool("uint8", "uint16", right=_classes),
    "bought": _of_the_picks("int32", right=_points, different=True),
    "bought_gain": _of_the_picks("float32", right=_within(0, 1)),
    "bought_q": _of_the_picks("float32", right=_within(0, 1 + 1e-6, nan=True)),
    "bought_correct": _of_the_picks("uint8", right=_verdicts),
    "soft_labels": Kind(("float32", "float64"), lambda sizes: (sizes.budget, sizes.classes), _answers),
    "partners": _of_the_picks("int32", right=_points),
    "mix": _of_the_picks("float32", right=_within(0, 1)),
    "class_right": Kind(("float64",), lambda sizes: (sizes.classes,), _within(0, 1, nan=True)),
}
_MAP = Kind(("float32",), lambda sizes: (sizes.pool, 2), _finite)
_UNKNOWN = "iufb"  # kinds of dtypes of an array that a later version may add


def check_array(array: np.ndarray, kind: Kind | None, sizes: Sizes, title: str) -> None:
    """Raise Unsound unless an array is of its kind; without one it must hold plain finite numbers. title: its name."""
    if array.dtype.kind not in _UNKNOWN or not array.dtype.isnative:
        raise Unsound(f"{title} has type {shown(str(array.dtype))}, which is none of plain numbers")
    if kind is None:
        if not all(_finite(rows, sizes) for rows in _in_parts(array)):
            raise Unsound(f"{title} holds what is no finite number")
        return
    if array.dtype.name not in kind.types:
        raise Unsound(f"{title} has type {array.dtype}; it must be {' or '.join(kind.types)}")
    wanted = kind.shape(sizes)
    lengths = list(zip(array.shape, wanted, strict=False))
    fixed = len(wanted) == array.ndim and all(want in (None, have) for have, want in lengths)
    if not fixed or not kind.free([have for have, want in lengths if want is None]):
        words = ", ".join("any" if want is None else str(want) for want in wanted)
        raise Unsound(f"{title} has shape {array.shape}; it must be ({words})")
    if not all(kind.right(rows, sizes) for rows in _in_parts(array)):
        raise Unsound(f"{title} holds values out of range")
    if kind.different and len(np.unique(array)) < len(array):
        raise Unsound(f"{title} holds a value twice")


def check_map(array: np.ndarray, sizes: Sizes, title: str) -> None:
    """Raise Unsound unless an array is a map of the pool."""
    check_array(array, _MAP, sizes, title)


def _in_parts(array: np.ndarray) -> Iterator[np.ndarray]:
    if array.ndim == 0:
        yield np.asarray(array)
    for start in range(0, len(array) if array.ndim else 0, _ROWS):
        yield np.asarray(array[start : start + _ROWS])
