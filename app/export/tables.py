"""Tables as people read them: numbers with the digits that matter."""

from __future__ import annotations

import numpy as np
import pandas as pd

NOTHING = "\N{EN DASH}"


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The same table in texts: shares and small numbers with up to four digits, counts with thousands separated."""
    columns = [[_cell(value, table[name]) for value in table[name]] for name in table.columns]
    data = dict(enumerate(columns))
    text = pd.DataFrame(data, dtype=object)
    text.columns = pd.Index([str(name) for name in table.columns])
    return text


def numeric(table: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers."""
    return [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in table.dtypes]


def _cell(value: object, column: pd.Series) -> str:
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
    if value == 0:
        return "0"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")
    if abs(value) < 1e-4:
        return f"{value:.1e}".replace("-", "\N{MINUS SIGN}")
    text = f"{value:.{3 - int(np.floor(np.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
