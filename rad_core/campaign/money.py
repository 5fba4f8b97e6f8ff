"""Amounts of money, exact to the last digit: `Decimal` throughout, never a float in between."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from rad_core.errors import InputError

_MOST = Decimal(10) ** 15
_LEAST_STEP = -12  # an exponent: no price has more decimals


def amount_of(given: Decimal | float | str, name: str) -> Decimal:
    """An amount as given: the text 0.002 and the float 0.002 both mean two thousandths.

    name: what it is, for the message. Raises InputError where it is none, below 0, or beyond what anybody pays.
    """
    try:
        amount = Decimal(str(given).strip())
    except InvalidOperation as error:
        raise InputError(f"{name} is {given!r}; give an amount of money such as 0.002.") from error
    if not amount.is_finite() or amount < 0 or amount > _MOST:
        raise InputError(f"{name} is {given}; an amount of money lies between 0 and {_MOST:,}.")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _LEAST_STEP:
        raise InputError(f"{name} is {given}; give at most {-_LEAST_STEP} decimals.")
    return amount


def plain(amount: Decimal) -> str:
    """An amount without an exponent and without zeros that say nothing: 0.002, 12, 1000."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money_text(amount: Decimal, currency: str) -> str:
    """An amount for people: two decimals at least, all that it has, and the currency where there is one."""
    text = plain(amount)
    decimals = len(text.partition(".")[2])
    return f"{amount:,.{max(2, decimals)}f} {currency}".strip()
