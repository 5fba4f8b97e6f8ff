"""What a campaign was created with, and never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from rad_core.campaign.money import plain

_BETWEEN = "\x1f"  # names of classes may hold any other sign


@dataclass(frozen=True)
class Settings:
    """price: of one answer. max_cost: the wall, None where there is none. created: seconds since 1970.

    ids: digest of the ids of all points. columns: digest of the file of the pool's further columns, "" without one.
    features: digest of the file of features, "" without one. student: one of FOR_FEATURES, teacher: one that is called,
    as KIND:ARGUMENT, "" where these are outside. rounds and votes: what `rad campaign run` does unless told otherwise.
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
    votes: int = 1
    learn_from_checked: bool = True

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
            votes=int(meta.get("votes", "1")),
            learn_from_checked=meta.get("learn_from_checked", "1") == "1",
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
            "votes": str(self.votes),
            "learn_from_checked": str(int(self.learn_from_checked)),
        }
