"""Teachers that a campaign calls itself, as opposed to people and programs whose answers are told.

A teacher is written KIND:ARGUMENT. Adding a kind is a class with `ask` and a line in TEACHERS. Whatever a teacher is
asked stands in the ledger before, and what it yields is on disk before it is asked for more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rad_core.campaign.answers import answers_of
from rad_core.campaign.attempts import Calls
from rad_core.campaign.called import Part, Question, Teacher
from rad_core.campaign.chat import ChatTeacher
from rad_core.campaign.contents import ABSTENTION, Content, same
from rad_core.campaign.function import FunctionTeacher
from rad_core.campaign.settings import USUAL, Manner
from rad_core.errors import InputError
from rad_core.inputs.ids import shortened


class TableTeacher:
    """Answers computed elsewhere, in a table of answers by id; ids that are missing are abstentions."""

    counted = False
    introduction = ""

    def __init__(self, argument: str, classes: Sequence[str], manner: Manner) -> None:
        path = Path(argument).expanduser()
        table = answers_of(str(path), None, classes)
        self._escaped = table.escaped
        self._answers: dict[str, Content] = {}
        for key, content in zip(table.ids, table.contents, strict=True):
            if not same(self._answers.setdefault(key, content), content, len(classes)):
                raise InputError(f"{path} answers {shortened(key)} twice, differently; give one answer.")

    def ask(self, batch: Sequence[Question], calls: Calls) -> Iterator[Part]:
        """All at once; nothing is sent anywhere."""
        yield [(question.id, self._answer(question.id)) for question in batch]

    def _answer(self, key: str) -> Content:
        held = self._answers.get(key)
        if held is None and self._escaped:  # a .csv puts an apostrophe before what a spreadsheet would run
            held = self._answers.get(f"'{key}")
        return ABSTENTION if held is None else held

    def close(self) -> None:
        """Nothing is held."""


TEACHERS: dict[str, tuple[str, Callable[[str, Sequence[str], Manner], Teacher]]] = {
    "table": ("FILE", TableTeacher),
    "python": ("FILE.py:FUNCTION", FunctionTeacher),
    "openai": ("MODEL[@URL]", ChatTeacher),
}
SENDING = ("openai",)  # what sends requests, and may answer otherwise when it is asked again


def check_teacher(spec: str, manner: Manner = USUAL) -> str:
    """A teacher's name, checked as far as names go. Raises InputError, too where it cannot be called in that manner."""
    kind, colon, argument = spec.partition(":")
    if kind not in TEACHERS or not colon or not argument:
        offered = ", ".join(f"{name}:{wanted}" for name, (wanted, _) in TEACHERS.items())
        raise InputError(
            f"teacher is {spec!r}; a campaign can call {offered}, and the answers of any other are told (rad tell)."
        )
    if kind not in SENDING:
        if manner.votes > 1:
            raise InputError(f"votes is {manner.votes}; a {kind} says the same whenever it is asked: take 1.")
        for name, value, usual in (("rate", manner.rate, USUAL.rate), ("timeout", manner.timeout, USUAL.timeout)):
            if value != usual:
                raise InputError(f"{name} is {value:g}; no requests are sent to a {kind}: take {usual:g}.")
    return spec


def make_teacher(spec: str, classes: Sequence[str], manner: Manner = USUAL) -> Teacher:
    """The teacher of a name, ready to be asked. Raises InputError."""
    kind, _, argument = check_teacher(spec, manner).partition(":")
    return TEACHERS[kind][1](argument, classes, manner)
