"""The ledger as a state machine: in whatever order people act, nothing is asked twice and money is exact."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rad_core import Campaign
from rad_core.errors import InputError
from tests.campaign.examples import CHECKED, make, probabilities

POOL, PRICE, WALL = 12, Decimal("0.1"), Decimal("1.5")
ANSWERS = {
    "bad": [1, 0, 0],
    "good": [0, 0, 1],
    "unsure": [0.25, 0.25, 0.5],
    "nothing": [np.nan] * 3,
}
COUNT = int(os.environ.get("RAD_LEDGER_RUNS", "10"))


class Ledger(RuleBasedStateMachine):
    """Beside the campaign a model of it: dicts, in memory."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rad-ledger-"))
        self.campaign = make(self.folder, pool=POOL, price=PRICE, max_cost=WALL)
        self.open: list[str] = []  # asked and not answered
        self.order: list[str] = []  # of asking
        self.spent = Decimal(0)
        self.answers: dict[str, dict[str, str]] = {"teacher": {}, "person": {}}
        self.asks = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def settled(self) -> list[str]:
        return [key for key in self.order if key not in self.open]

    @rule(budget=st.integers(1, 6), seed=st.integers(0, 3))
    def ask(self, budget: int, seed: int) -> None:
        room = int((WALL - self.spent - len(self.open) * PRICE) // PRICE)
        if budget > min(POOL - len(self.order), room):
            refused(lambda: self.campaign.ask(probabilities(POOL, seed), budget))
            return
        picks = self.campaign.ask(probabilities(POOL, seed), budget)
        assert len(set(picks.ids)) == budget
        assert not set(picks.ids) & set(self.order)
        self.order += picks.ids
        self.open += picks.ids
        self.asks += 1

    @precondition(lambda self: self.order)
    @rule(data=st.data(), source=st.sampled_from(["teacher", "person"]), correct=st.booleans())
    def tell(self, data: st.DataObject, source: str, correct: bool) -> None:
        ids = data.draw(st.lists(st.sampled_from(self.order), min_size=1, max_size=5, unique=True))
        said = {key: data.draw(st.sampled_from(sorted(ANSWERS))) for key in ids}
        before = self.answers[source]
        if not correct and any(before.get(key, answer) != answer for key, answer in said.items()):
            refused(lambda: self.campaign.tell(ids, [ANSWERS[said[key]] for key in ids], source=source))
            return
        told = self.campaign.tell(ids, [ANSWERS[said[key]] for key in ids], source=source, correct=correct)
        assert told.new == sum(key not in before for key in ids)
        assert told.again == sum(before.get(key) == answer for key, answer in said.items())
        assert told.new + told.again + told.corrected == len(ids)
        self.spent += PRICE * len(set(ids) & set(self.open))
        self.open = [key for key in self.open if key not in said]
        before.update(said)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from(self.open), min_size=1, max_size=3, unique=True))
        assert self.campaign.withdraw(ids) == len(ids)
        self.open = [key for key in self.open if key not in ids]
        self.order = [key for key in self.order if key not in ids]

    @rule(data=st.data())
    def answer_what_was_never_asked(self, data: st.DataObject) -> None:
        free = sorted({f"p{at}" for at in range(POOL)} - set(self.order))
        strays = [data.draw(st.sampled_from(free))] if free else ["stranger"]
        refused(lambda: self.campaign.tell([*self.order[:2], *strays], ["bad"] * (len(self.order[:2]) + 1)))
        refused(lambda: self.campaign.withdraw([*self.open[:1], *strays]))
        if self.settled:
            refused(lambda: self.campaign.withdraw(self.settled[:1]))

    @rule()
    def reopen(self) -> None:
        self.campaign = Campaign.open("reviews", self.folder)

    @invariant()
    def money_is_exact(self) -> None:
        status = self.campaign.status()
        assert status.spent == self.spent
        assert status.reserved == PRICE * len(self.open)
        assert status.spent + status.reserved <= WALL
        assert status.pool["free"] == POOL - len(self.order)
        assert status.pool["asked"] == len(self.open)
        assert status.accuracy is not None
        assert status.accuracy.total == len(CHECKED)

    @invariant()
    def training_follows_from_the_answers(self) -> None:
        wanted = []
        for key in self.order:
            for source in ("person", "teacher"):
                answer = self.answers[source].get(key, "nothing")
                if answer != "nothing":
                    wanted.append((key, source, ANSWERS[answer]))
                    break
        examples = self.campaign.training_set(learn_from_checked=False)
        assert examples.ids[2:] == [key for key, *_ in wanted]
        assert examples.sources[2:] == [source for _, source, _ in wanted]
        np.testing.assert_array_equal(examples.targets[2:], np.array([row for *_, row in wanted]).reshape(-1, 3))

    @invariant()
    def what_is_open_can_be_written_again(self) -> None:
        if self.open:
            assert self.campaign.open_questions().ids == self.open
        else:
            refused(self.campaign.open_questions)

    @invariant()
    def everything_is_as_promised(self) -> None:
        assert self.campaign.verify() == []


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        act()


Ledger.TestCase.settings = settings(max_examples=COUNT, stateful_step_count=20, deadline=None)
TestLedger = Ledger.TestCase
