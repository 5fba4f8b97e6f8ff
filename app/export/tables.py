"""Tables as people read them: numbers with the digits that matter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.findings.words import number

NOTHING = "\N{EN DASH}"


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The same table in texts: shares and small numbers with up to four digits, counts with thousands separated."""
    columns = [[_cell(value) for value in table[name]] for name in table.columns]
    text = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    text.columns = pd.Index([str(name) for name in table.columns])
    return text


def numeric(table: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers."""
    return [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in table.dtypes]


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return readable(float(value))
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return str(value)


def readable(value: float) -> str:
    """A number with up to four significant digits, no exponent where that is readable."""
    text = number(value, 4)
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}")
