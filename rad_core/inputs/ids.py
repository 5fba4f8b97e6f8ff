"""The names of rows: as text, exactly as given; missing and repeated ones refused; matched with earlier purchases.

In a .csv a spreadsheet takes a cell that begins with = + - @, a tab or a line break for a formula and runs it. Such an
id is written with an apostrophe before it, and so is one that begins with apostrophes and then such a sign, so that
taking one apostrophe away gives back exactly the id. Negative numbers are no formulas and stay as they are. Parquet
files are never changed in this way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from rad_core.errors import InputError

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # the last four are the wide signs of East Asia
_NEGATIVE = re.compile(r"-\d+(\.\d+)?")
PICK_COLUMNS = ("id", "gain", "probability")  # what a file that `rad select` wrote begins with


@dataclass(frozen=True, eq=False)
class Ids:
    """Names of N rows. values: (N,) text, or whole numbers where the source held them. source: "column id"."""

    values: np.ndarray
    source: str

    @cached_property
    def text(self) -> np.ndarray:
        """(N,) the ids as text, which is how they are compared."""
        return self.values if self.values.dtype == object else np.array([str(value) for value in self.values], object)

    def told(self) -> str:
        """Where the ids come from, for people."""
        return f"ids from {self.source}, first {shortened(self.text[0])}"


ROW_NUMBERS = "rows numbered from 0"


def is_id_name(name: str) -> bool:
    """Whether a column or an array of this name holds ids."""
    return name.strip().casefold() in ("id", "ids")


def make_ids(
    values: np.ndarray, source: str, rows: int, name: str, *, different: bool = True
) -> tuple[Ids, tuple[str, ...]]:
    """Ids of a file's rows out of what a column, an index or an array holds; what was converted.

    values: (rows,) of any type. Raises InputError that names the row where an id is missing or, unless they need not be
    different, repeated.
    """
    if values.shape[:1] != (rows,):
        raise InputError(
            f"{name} has {len(np.atleast_1d(values)):,} ids in {source}, but {rows:,} rows; give one each."
        )
    named, notes = _as_text(values, source, name)
    ids = Ids(named, source)
    if different:
        _check_different(ids, name)
    return ids, notes


def row_names(ids: Ids | None, rows: int) -> np.ndarray:
    """(rows,) what to call the rows: their ids, or their numbers from 0."""
    return np.arange(rows) if ids is None else ids.values


def _as_text(values: np.ndarray, source: str, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    if values.ndim == 2 and values.shape[1] == 1:
        named, notes = _as_text(values[:, 0], source, name)
        return named, (*notes, f"{name}: {source} holds lists of one id each, which were unpacked.")
    if values.ndim != 1:
        raise InputError(f"{name}: {source} holds several values per row; an id is one text or one number.")
    if values.dtype.kind in "iu":
        return values, ()
    if values.dtype.kind == "f":
        return _of_floats(values, source, name)
    entries = [_unwrapped(entry) for entry in values.tolist()]
    missing = next((row for row, entry in enumerate(entries) if is_missing(entry)), None)
    if missing is not None:
        raise InputError(f"Row {missing} of {name} has no id in {source}; every row needs one.")
    if all(isinstance(entry, float) for entry in entries):
        return _of_floats(np.array(entries), source, name)
    if any(isinstance(entry, bytes) for entry in entries):
        return _of_bytes(entries, source, name)
    odd = next((entry for entry in entries if isinstance(entry, list | dict | np.ndarray)), None)
    if odd is not None:
        raise InputError(f"{name}: {source} holds {type(odd).__name__}s; an id is one text or one number.")
    unpacked = any(isinstance(entry, list | np.ndarray) for entry in values.tolist())
    notes = (f"{name}: {source} holds lists of one id each, which were unpacked.",) if unpacked else ()
    return np.array([str(entry) for entry in entries], object), notes


def _unwrapped(entry: object) -> object:
    """The only entry of a list of one."""
    if isinstance(entry, list | np.ndarray) and len(entry) == 1:
        return entry[0]
    return entry


def is_missing(entry: object) -> bool:
    """Whether an entry is none: no text, no number."""
    if isinstance(entry, str | bytes):
        return not entry.strip()
    return entry is None or entry is np.ma.masked or type(entry).__name__ in ("NAType", "NaTType") or entry != entry


def _of_floats(values: np.ndarray, source: str, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Whole numbers as such; others as their shortest exact text."""
    if np.isnan(values).any():
        raise InputError(f"Row {int(np.isnan(values).argmax())} of {name} has no id in {source}; every row needs one.")
    if not (np.isfinite(values).all() and np.abs(values).max(initial=0) < 2**53):
        raise InputError(
            f"{name}: {source} holds floating numbers that are too large to be exact; save the ids as text."
        )
    if (values == np.floor(values)).all():
        whole = values.astype(np.int64)
        first = f"{values[0]} is written {whole[0]}" if len(values) else "none"
        return whole, (f"{name}: {source} holds whole numbers stored as floating ones; {first}.",)
    return np.array([repr(float(value)) for value in values], object), ()


def _of_bytes(entries: list[Any], source: str, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Bytes as UTF-8 text where they are all of them that, else as hexadecimal digits."""
    raw = [entry if isinstance(entry, bytes) else str(entry).encode() for entry in entries]
    try:
        text = [entry.decode("utf-8") for entry in raw]
        if all(word.isprintable() for word in text):
            return np.array(text, object), (f"{name}: {source} holds bytes, read as UTF-8 text.",)
    except UnicodeDecodeError:
        pass  # keys such as hashes or UUIDs
    digits = np.array([entry.hex() for entry in raw], object)
    return digits, (f"{name}: {source} holds bytes that are no text, written as hexadecimal digits.",)


def _check_different(ids: Ids, name: str) -> None:
    if len(set(ids.values.tolist())) == len(ids.values):
        return
    remedy = " Give a column id, or save without the index (pandas: index=False)." if "index" in ids.source else ""
    first: dict[str, int] = {}
    for row, text in enumerate(ids.text):
        if text in first:
            raise InputError(
                f"The ids in {name} must be different, one for each of its {len(ids.values):,} rows: rows "
                f"{first[text]} and {row} are both called {shortened(text)} ({ids.source}).{remedy}"
            )
        first[text] = row


def shortened(text: object) -> str:
    """An id for a sentence: whole where it is short, line breaks and other control characters spelled out."""
    plain = str(text)
    plain = plain if plain.isprintable() else repr(plain)[1:-1]
    return plain if len(plain) <= 40 else f"{plain[:25]}...{plain[-10:]}"


# --- earlier purchases --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Purchases:
    """Ids of a file of rows already bought.

    escaped: whether formulas have an apostrophe before them: always in a .csv that `rad select` wrote, perhaps in other
    text, which may be a copy of one, never in other files. heading: the first line, where it may be the heading of a
    single column or one more id.
    """

    ids: Sequence[str]
    name: str
    escaped: Literal["always", "perhaps", "never"] = "perhaps"
    heading: str | None = None
    notes: tuple[str, ...] = ()


def bought_rows(purchases: Purchases, pool: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The rows (k,) int64, sorted, of a pool that were bought, matched as text exactly; what was done to the file.

    pool: (N,) ids as text. Raises InputError where an id is none of the pool.
    """
    return matched_rows(purchases, {text: row for row, text in enumerate(pool)}, pool[0])


def names_of(purchases: Purchases) -> set[str]:
    """All that a pool may call the rows that were bought."""
    given = [*purchases.ids, *([] if purchases.heading is None else [purchases.heading])]
    return {*given, *map(unescaped, given)}


def matched_rows(purchases: Purchases, rows: dict[str, int], example: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """As `bought_rows`. rows: those of the pool's ids that are among `names_of`. example: any id of the pool."""
    matched = [row_of(text, rows, purchases) for text in purchases.ids]
    unknown = [text for text, row in zip(purchases.ids, matched, strict=True) if row is None]
    if unknown:
        raise InputError(
            f"{len(unknown):,} of the {len(matched):,} ids in {purchases.name} are not in the pool, for instance "
            f"{shortened(unknown[0])}, where the pool has {shortened(example)}; ids are compared as text, exactly."
        )
    notes = purchases.notes
    if purchases.heading is not None:
        row = row_of(purchases.heading, rows, purchases)
        matched.append(row)
        kind = "the heading of its column" if row is None else "an id: it is one of the pool"
        notes += (f"{purchases.name}: the first line, {shortened(purchases.heading)}, was read as {kind}.",)
    return np.unique(np.array([row for row in matched if row is not None], np.int64)), notes


def row_of(text: str, rows: dict[str, int], purchases: Purchases) -> int | None:
    """The row of an id as a file has it: with the apostrophe before a formula taken away where that is ours."""
    plain = rows.get(unescaped(text))
    if purchases.escaped == "always" or unescaped(text) == text:
        return plain
    exact = rows.get(text)
    if purchases.escaped == "perhaps" and exact is not None and plain is not None:
        raise InputError(
            f"{purchases.name} holds {shortened(text)}, but the pool has both {shortened(text)} and "
            f"{shortened(unescaped(text))}; give the bought ids as .parquet."
        )
    return exact if exact is not None else plain


def escaped(text: str) -> str:
    """An id as a .csv has it: with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NEGATIVE.fullmatch(text) else text


def unescaped(text: str) -> str:
    """An id of a .csv as it was before `escaped`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
