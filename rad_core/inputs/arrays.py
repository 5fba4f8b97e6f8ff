"""Arrays as libraries hand them over, made arrays of numbers: numpy's, or torch's left where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rad_core.errors import InputError

# An array of numpy or torch, all of one kind where several are given. Any to a type checker: torch is not imported
# here, and no protocol says what both can do.
Array: TypeAlias = Any
# What people hand over as numbers: an array of any library, a data frame, a list, the name of a file.
Given: TypeAlias = Any

BLOCK_CELLS = 1 << 21  # numbers of a block of rows that is worked on in float64: 16 MB

# Relative distance of neighboring numbers in the types that are too coarse for sums of rows.
_COARSE = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float8_e4m3fn": 2.0**-3, "float8_e5m2": 2.0**-2}


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array of numbers. values: numpy float16, float32 or float64, or torch float32 or float64.

    kind: the type it came in. notes: what was converted.
    """

    values: Array
    kind: str
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> float:
        """The relative distance of neighboring numbers where the type is coarse, else 0."""
        return _COARSE.get(self.kind, 0.0)


def is_torch(x: Given) -> bool:
    """Whether x is a torch tensor; never imports torch."""
    return type(x).__module__.split(".")[0] == "torch"


def is_frame(x: Given) -> bool:
    """Whether x is a table with named columns: of pandas, polars, pyarrow, or a numpy record array."""
    if isinstance(x, np.ndarray):
        return x.dtype.names is not None
    return (hasattr(x, "__arrow_c_stream__") or hasattr(x, "iloc")) and hasattr(x, "columns")


def as_numbers(given: Given, name: str) -> Numbers:
    """Numbers out of whatever array came in: numpy, torch, nested lists, anything with __array__ or __dlpack__.

    Raises InputError that names the argument, what came and what is wanted. Frames are read by `tables.read_given`.
    """
    if is_torch(given):
        return _of_tensor(given, name)
    array = _as_numpy(given, name)
    if array.ndim == 0:
        raise InputError(f"{name} is {_described(given)}; give an array with a row per point.")
    if array.dtype == object:
        array = _unpacked(array, name)
    kind = array.dtype.name
    if array.dtype.kind in "US":
        return Numbers(_parsed(array, name), kind, (f"{name}: text was read as numbers.",))
    if array.dtype.kind == "b":
        return Numbers(array.astype(np.float64), kind, (f"{name}: true and false were read as 1 and 0.",))
    if array.dtype.kind == "V" and kind in _COARSE:  # numpy's own types do not know them
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiu":
        half = " (bfloat16, which .npy does not keep? save it as float32)" if kind == "void16" else ""
        raise InputError(f"{name} has type {array.dtype}; it must hold numbers{half}.")
    if array.dtype not in (np.float16, np.float32, np.float64):
        array = array.astype(np.float64)
    return Numbers(array, kind)


def as_number(value: Given, name: str, wanted: str) -> float:
    """A number out of Python's, numpy's or torch's own kinds. wanted: how to go on where it is something else."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} is {value!r}; {wanted}.")
    return float(value)


def _of_tensor(tensor: Array, name: str) -> Numbers:
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind.startswith(("complex", "q")) or tensor.is_quantized:
        raise InputError(f"{name} has type {kind}; it must hold numbers: convert it to float32.")
    if tensor.device.type == "meta":
        raise InputError(f"{name} is a tensor on the device meta, which holds no numbers.")
    tensor = tensor.detach()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    return Numbers(tensor if kind in ("float32", "float64") else tensor.float(), kind)


def _as_numpy(given: Given, name: str) -> np.ndarray:
    """A numpy array of any type."""
    if isinstance(given, np.ma.MaskedArray):
        if np.ma.getmaskarray(given).any():
            raise InputError(f"{name} is a masked array with masked entries; every entry must be a number.")
        return np.asarray(given.data)
    if isinstance(given, list | tuple | range):
        return _of_list(given, name)
    if hasattr(given, "toarray"):  # sparse matrices of scipy
        given = given.toarray()
    if not (isinstance(given, np.ndarray | np.generic | memoryview) or _hands_over(given)):
        raise InputError(f"{name} is {_described(given)}; give an array of numpy or torch, or nested lists.")
    try:
        array = np.asarray(given)
    except Exception as error:  # any library's own exception
        return _by_dlpack(given, name, error)
    return array if array.dtype != object or array.ndim else _by_dlpack(given, name, TypeError("it has no __array__"))


def _hands_over(given: Given) -> bool:
    return any(hasattr(given, method) for method in ("__array__", "__dlpack__", "__array_interface__"))


def _by_dlpack(given: Given, name: str, error: Exception) -> np.ndarray:
    try:
        return np.from_dlpack(given)
    except Exception:  # the first reason is the one to tell
        raise InputError(
            f"{name} is {_described(given)} that numpy cannot read ({_first_line(error)}); convert it to a numpy array."
        ) from error


def _of_list(rows: Sequence[Any], name: str) -> np.ndarray:
    """An array of nested lists; rows of unequal length are named."""
    rows = [row.detach().cpu().numpy() if is_torch(row) else row for row in rows]
    lengths = [len(row) if hasattr(row, "__len__") and not isinstance(row, str | bytes) else -1 for row in rows]
    odd = next((number for number, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise InputError(
            f"{name} is ragged: row 0 has {_counted(lengths[0])} and row {odd} has {_counted(lengths[odd])}; give "
            "every row as many numbers."
        )
    try:
        return np.asarray(rows)
    except Exception as error:  # a ragged third axis, or what an entry's own library says
        raise InputError(f"{name} cannot be made an array ({_first_line(error)}); give an array of numbers.") from error


def _counted(length: int) -> str:
    return "no list of numbers" if length < 0 else f"{length} number{'' if length == 1 else 's'}"


def _unpacked(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers that were kept as Python objects: decimals, fractions, rows as arrays of equal length."""
    if array.ndim == 1 and len(array) and isinstance(array[0], np.ndarray | list | tuple):
        array = _of_list(list(array), name)
    if array.dtype != object:
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        odd = next(entry for entry in array.ravel() if not _is_number(entry))
        raise InputError(f"{name} holds {_described(odd)} among its entries; it must hold numbers.") from error


def _parsed(array: np.ndarray, name: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except ValueError as error:
        odd = next(str(entry) for entry in array.ravel() if not _is_number(entry))
        raise InputError(f"{name} has type {array.dtype} and holds {odd[:40]!r}; it must hold numbers.") from error


def _is_number(entry: Given) -> bool:
    try:
        float(entry)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _described(given: Given) -> str:
    """What came, for a sentence: None, the text 'x', 3.5, a dict."""
    if given is None or isinstance(given, bool | int | float):
        return repr(given)
    if isinstance(given, str):
        return f"the text {given[:40]!r}"
    name = type(given).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


# --- in blocks of rows --------------------------------------------------------------------------------------------


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices that cover all rows, each of about BLOCK_CELLS numbers."""
    step = max(1, BLOCK_CELLS // max(1, columns))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def by_row_blocks(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Apply a function (N, C) -> (N,) in blocks, so that no second copy is needed; to half floats in float64."""
    from functools import wraps

    @wraps(function)
    def in_blocks(values: Array) -> Array:
        if is_torch(values) or (values.dtype != np.float16 and values.size <= BLOCK_CELLS):
            return function(values)
        kind = np.float64 if values.dtype == np.float16 else values.dtype
        result = np.empty(len(values), kind)
        for block in row_blocks(*values.shape):
            result[block] = function(values[block].astype(kind, copy=False))
        return result

    return in_blocks
