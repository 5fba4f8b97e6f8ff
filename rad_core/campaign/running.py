"""A campaign that goes by itself: score, ask, have it answered, tell, train, and again, until rounds or money are over.

Every step begins from the ledger alone. A run that was killed or stopped is started again by the same call: it first
has the questions answered that are open, and asks for a new round only then; so nothing is asked or paid for twice.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from rad_core import partials
from rad_core.campaign.answers import Answers
from rad_core.campaign.asking import Picks
from rad_core.campaign.attempts import Calls, LedgerCalls
from rad_core.campaign.called import Question, Teacher
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.money import money_text
from rad_core.campaign.settings import USUAL, Manner
from rad_core.campaign.status import Status
from rad_core.campaign.students import Scorer, scores_of_pool
from rad_core.campaign.teachers import check_teacher, make_teacher
from rad_core.campaign.watch import Run, recorded
from rad_core.errors import InputError, StoreError

Say = Callable[[str], None]
_BATCH = 200  # questions that a teacher is handed at once


@dataclass(frozen=True)
class Plan:
    """What a run does. rounds: finished in all, those before it among them. budget: labels of a round, at most."""

    rounds: int
    budget: int
    teacher: str
    manner: Manner = USUAL
    gain: str = "margin"
    lower_bound: bool = True


def plan_of(
    campaign: Campaign,
    rounds: int | None,
    budget: int,
    teacher: str | None = None,
    votes: int | None = None,
    rate: float | None = None,
    timeout: float | None = None,
) -> Plan:
    """What a run does: as told, else as the campaign was created. Raises InputError: one sentence."""
    settings = campaign.settings
    if not settings.student:
        raise InputError(
            f"Campaign {campaign.name} has no student of ours, and nobody else can be asked for probabilities in each "
            "round; create it with --student, or use rad ask and rad tell."
        )
    called = teacher or settings.teacher
    if not called:
        raise InputError(f"Campaign {campaign.name} has no teacher to call; give --teacher table:FILE.")
    wanted = settings.rounds if rounds is None else rounds
    for name, value in (("rounds", wanted), ("budget", budget)):
        if value < 1:
            raise InputError(f"{name} is {value}; it must be a whole number, 1 or more.")
    usual = settings.manner
    manner = Manner(
        usual.votes if votes is None else votes,
        usual.rate if rate is None else rate,
        usual.timeout if timeout is None else timeout,
    )
    return Plan(wanted, budget, check_teacher(called, manner), manner)


def run_campaign(
    campaign: Campaign,
    budget: int,
    *,
    rounds: int | None = None,
    teacher: str | None = None,
    votes: int | None = None,
    rate: float | None = None,
    timeout: float | None = None,
    say: Say = print,
    stop: threading.Event | None = None,
) -> Status:
    """Run a campaign by itself, as `rad campaign run` does: train, score, ask, have it answered, tell, and again.

    Interrupted or killed, the same call goes on, and nothing is paid for twice.

    Args:
        campaign: one with a student of ours.
        budget: labels of a round, at most.
        rounds: finished in all, those before it among them; None, like all that follow: as the campaign was created.
        teacher: KIND:ARGUMENT with a kind of `rad_core.campaign.teachers.TEACHERS`.
        votes: answers to each question. rate: requests a minute, at most. timeout: seconds that a request may take.
        say: told in a sentence each what happens.
        stop: set from elsewhere, it ends the run once the requests under way are answered.

    Returns:
        The campaign's status; questions may be open in it.

    Raises:
        InputError: on bad input; nothing is asked then.
        TeacherError: where the teacher cannot go on. StoreError: where another run of the campaign goes on.
    """
    return run(campaign, plan_of(campaign, rounds, budget, teacher, votes, rate, timeout), say, stop)


def run(
    campaign: Campaign, plan: Plan, say: Say, stop: threading.Event | None = None, score: Scorer = scores_of_pool
) -> Status:
    """Go on until the rounds are finished, the money is over or the teacher leaves questions open.

    stop: set from elsewhere, it ends the run once the requests under way are answered. score: trains the students, on
    a cluster where there is one. Raises InputError, TeacherError
    where the teacher cannot go on, and StoreError where another run of the campaign goes on; what was told counts.
    """
    stop = stop or threading.Event()
    with partials.holding(campaign.path) as held:
        if held is False:
            raise StoreError(f"Another process runs campaign {campaign.name}; nothing was asked: wait for it.")
        with (
            closing(make_teacher(plan.teacher, campaign.classes, plan.manner)) as teacher,
            recorded(campaign.path, Run(plan.rounds, plan.budget, plan.teacher, time.time()), stop) as record,
        ):

            def tell(words: str) -> None:
                record.say(words)
                say(words)

            calls = LedgerCalls(campaign.path, campaign.settings, stop)
            if calls.found_lost:
                cost = money_text(calls.found_lost * campaign.settings.price, campaign.settings.currency)
                tell(f"{calls.found_lost:,} requests were cut off last time; {cost} may have been billed for nothing.")
            if teacher.introduction:
                tell(f"Every request begins with:\n{teacher.introduction}")
            return _go_on(campaign, plan, teacher, calls, tell, score)


def _go_on(campaign: Campaign, plan: Plan, teacher: Teacher, calls: Calls, say: Say, score: Scorer) -> Status:
    status = campaign.status()
    tell_the_price(status, plan, say)
    while not calls.stop.is_set():
        if status.open:
            say(f"{status.open:,} questions are open; {plan.teacher.partition(':')[0]} is asked about them.")
            status = _have_answered(campaign, teacher, campaign.open_questions(), calls, say)
        if status.open or calls.stop.is_set() or _ask_next(campaign, plan, status, calls.stop, say, score) is None:
            return status
        status = campaign.status()
    return status


def tell_the_price(status: Status, plan: Plan, say: Say) -> None:
    """What a run may ask for and what that may cost."""
    done = sum(each.number > 0 for each in status.rounds)
    labels = max(0, plan.rounds - done) * plan.budget + status.open + _unasked_checked(status)
    most = "" if status.max_cost is None else f", never more than {money_text(status.max_cost, status.currency)} in all"
    if rate := plan.manner.rate:
        most += f"; at most {rate:g} requests a minute, {math.ceil(labels / rate):,} min or longer"
    say(
        f"Campaign {status.name}: {done} of {plan.rounds} rounds are asked; at most {labels:,} answers to come at "
        f"{money_text(status.price, status.currency)}, {money_text(labels * status.price, status.currency)}{most}."
    )


def _unasked_checked(status: Status) -> int:
    """Checked examples that have no answer, where none of them was asked about yet."""
    return 0 if any(each.number == 0 for each in status.rounds) else status.checked - status.checked_answered


def _ask_next(
    campaign: Campaign, plan: Plan, status: Status, stop: threading.Event, say: Say, score: Scorer
) -> Picks | None:
    """Enter the next questions; None where there are none to ask, said why, or it is to stop."""
    if _unasked_checked(status):
        picks = campaign.ask_checked()
        say(f"Checked examples: {len(picks.ids):,} asked, which tell how often the teacher is right.")
        return picks
    done = sum(each.number > 0 for each in status.rounds)
    if done >= plan.rounds:
        say(f"{done} rounds are finished.")
        return None
    budget = min(plan.budget, status.pool["free"])
    if budget == 0:
        say("The whole pool is asked about.")
        return None
    if status.fits is not None and status.max_cost is not None:
        budget = min(budget, status.fits)
        if budget < 1:
            say(f"The money is over: no answer fits under {money_text(status.max_cost, status.currency)} any more.")
            return None
    say(f"Round {done + 1}: the {campaign.settings.student} student is trained on what is known, and scores the pool.")
    scores = campaign.own_scores(score=score)
    if stop.is_set():
        return None
    picks = campaign.ask(scores, budget, gain=plan.gain, lower_bound=plan.lower_bound)
    facts = picks.facts
    assert facts is not None, "a round has facts"
    say(
        f"Round {picks.round}: {len(picks.ids):,} asked; guaranteed informative-and-correct gain {facts.value:.4g} "
        f"(m {facts.teacher_accuracy:.3f}), one more label is worth {facts.waterline:.3g}."
    )
    return picks


def _have_answered(campaign: Campaign, teacher: Teacher, picks: Picks, calls: Calls, say: Say) -> Status:
    """Have open questions answered; each part is on disk before more is asked for."""
    shown = campaign.shown(picks.ids, everything=True)
    questions = [
        Question(key, {name: values[at] for name, values in shown.items()}) for at, key in enumerate(picks.ids)
    ]
    abstained = 0
    for start in range(0, len(questions), _BATCH):
        if calls.stop.is_set():
            break
        for part in teacher.ask(questions[start : start + _BATCH], calls):
            given = Answers("the teacher", [key for key, _ in part], [content for _, content in part])
            abstained += campaign.enter(given, called=teacher.counted).abstained
    status = campaign.status()
    spent = money_text(status.spent, status.currency)
    say(f"{len(picks.ids) - status.open:,} answers told, {abstained:,} of them abstentions; spent {spent}.")
    return status
