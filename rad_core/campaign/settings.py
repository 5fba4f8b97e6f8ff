"""What a campaign was created with, and never changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from rad_core.campaign.money import plain
from rad_core.errors import InputError

_BETWEEN = "\x1f"  # names of classes may hold any other sign


@dataclass(frozen=True)
class Manner:
    """How a teacher is called. votes: answers to each question. rate: requests a minute, at most; 0: as they come.

    timeout: seconds that a request may take. Raises InputError where they are none.
    """

    votes: int = 1
    rate: float = 0.0
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if isinstance(self.votes, bool) or not isinstance(self.votes, int) or self.votes < 1:
            raise InputError(f"votes is {self.votes!r}; it must be a whole number, 1 or more.")
        if not _is_number(self.rate) or self.rate < 0:
            raise InputError(f"rate is {self.rate!r}; it must be a number of requests a minute, or 0 for no limit.")
        if not _is_number(self.timeout) or self.timeout <= 0:
            raise InputError(f"timeout is {self.timeout!r}; it must be a number of seconds above 0.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


USUAL = Manner()


@dataclass(frozen=True)
class Settings:
    """price: of one answer. max_cost: the wall, None where there is none. created: seconds since 1970.

    ids: digest of the ids of all points. columns: digest of the file of the pool's further columns, "" without one;
    checked_columns: of that of the checked examples.
    features: digest of the file of features, "" without one. student: one of FOR_FEATURES, teacher: one that is called,
    as KIND:ARGUMENT, "" where these are outside. rounds and manner: what `rad campaign run` does unless told otherwise.
    learn_from_checked: whether students learn from the checked examples, too.
    """

    name: str
    classes: tuple[str, ...]
    price: Decimal
    currency: str
    max_cost: Decimal | None
    seed: int
    created: float
    ids: str
    columns: str
    features: str = ""
    student: str = ""
    teacher: str = ""
    rounds: int = 1
    manner: Manner = USUAL
    learn_from_checked: bool = True
    checked_columns: str = ""

    @classmethod
    def of(cls, meta: Mapping[str, str]) -> Settings:
        """Of what the ledger has. Raises KeyError, ValueError or ArithmeticError where it was changed."""
        return cls(
            name=meta["name"],
            classes=tuple(meta["classes"].split(_BETWEEN)),
            price=Decimal(meta["price"]),
            currency=meta["currency"],
            max_cost=Decimal(meta["max_cost"]) if meta["max_cost"] else None,
            seed=int(meta["seed"]),
            created=float(meta["created"]),
            ids=meta["ids"],
            columns=meta["columns"],
            # Campaigns of before there were any have none of these.
            features=meta.get("features", ""),
            student=meta.get("student", ""),
            teacher=meta.get("teacher", ""),
            rounds=int(meta.get("rounds", "1")),
            manner=Manner(
                int(meta.get("votes", "1")), float(meta.get("rate", "0")), float(meta.get("timeout", USUAL.timeout))
            ),
            learn_from_checked=meta.get("learn_from_checked", "1") == "1",
            checked_columns=meta.get("checked_columns", ""),
        )

    def to_meta(self) -> dict[str, str]:
        """As the ledger has it."""
        return {
            "name": self.name,
            "classes": _BETWEEN.join(self.classes),
            "price": plain(self.price),
            "currency": self.currency,
            "max_cost": "" if self.max_cost is None else plain(self.max_cost),
            "seed": str(self.seed),
            "created": repr(self.created),
            "ids": self.ids,
            "columns": self.columns,
            "features": self.features,
            "student": self.student,
            "teacher": self.teacher,
            "rounds": str(self.rounds),
            "votes": str(self.manner.votes),
            "rate": repr(float(self.manner.rate)),
            "timeout": repr(float(self.manner.timeout)),
            "learn_from_checked": str(int(self.learn_from_checked)),
            "checked_columns": self.checked_columns,
        }
