"""A receipt in sentences and a table, the same for the command, the page and the file. Plain text without markup."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rad_core.campaign.money import money_text
from rad_core.campaign.receipt import Billed, Change, Measured, Receipt, RoundReceipt
from rad_core.results.words import count, listed, percent, signed

UNIT = "fully informative, right labels"
ORIGIN = (
    "Every number follows from the ledger and the gains that are kept of each round; nobody knows the pool's truth."
)
NOTHING = "\N{EN DASH}"
COLUMNS = (
    "Round",
    "Labels",
    "Worth, worst case",
    "If all are right",
    "Right among picks (estimate)",
    "Paid",
    "Student right after",
    "Change, points",
)
_LAST = 4  # measured rounds that are told one by one


def amount(number: float) -> str:
    """A number of labels as people read it: 0.32, 9.4, 120."""
    return f"{number:.2f}" if number < 1 else f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def share(mean: float, low: float | None, high: float | None) -> str:
    """A share with its interval, where there is one."""
    return percent(mean) if low is None or high is None else f"{percent(mean)} [{percent(low)}, {percent(high)}]"


def measured(value: Measured | None) -> str:
    """A measured accuracy with its interval."""
    return NOTHING if value is None else share(value.accuracy, value.low, value.high)


def change(value: Change | None, unit: str = " points") -> str:
    """A difference in points with its interval."""
    if value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return f"{signed(value.mean)}{unit}"
    return f"{signed(value.mean)}{unit} [{signed(value.low)}, {signed(value.high)}]"


@dataclass(frozen=True)
class Figure:
    """One large number: what it is, its text, and what stands beneath it."""

    name: str
    text: str
    beneath: str


def figures(receipt: Receipt) -> list[Figure]:
    """The five numbers of a receipt that has rounds."""
    status, audit, after, offer = receipt.status, receipt.right, receipt.after, receipt.next
    wall = "no limit" if status.max_cost is None else f"of {_cash(receipt, status.max_cost)} that may be spent"
    guess = "nobody knows" if status.accuracy is None else f"of all checked {percent(status.accuracy.mean)}"
    best = "if every pick is answered" if _missing(receipt) else f"{amount(receipt.gain)} if all are right"
    interval = "" if audit is None else f"estimate, {percent(audit.low)} to {percent(audit.high)}"
    return [
        Figure("Paid", _money(receipt, receipt.billed), f"{count(receipt.answered, 'label')}; {wall}"),
        Figure("Promised, worst case", amount(receipt.promised), f"{UNIT}; {best}"),
        Figure("Teacher right on the picks", "not known" if audit is None else percent(audit.share), interval or guess),
        Figure(
            "Student right",
            "not measured" if after is None else percent(after.accuracy),
            "rad score keeps what you measure" if after is None else _over(receipt.change),
        ),
        Figure(
            f"Are {offer.labels:,} more worth it?" if offer is not None and offer.labels else "Are more worth it?",
            verdict(receipt),
            f"for {_cash(receipt, offer.cost)}" if offer is not None and offer.cost else "",
        ),
    ]


def _over(moved: Change | None) -> str:
    return "never measured without a label" if moved is None else f"{change(moved)} over no label"


# --- sentences ------------------------------------------------------------------------------------------------------


def headline(receipt: Receipt) -> str:
    """All of it in a line."""
    if not receipt.rounds:
        return "Nothing was bought yet"
    money = f" for {_money(receipt, receipt.billed)}" if receipt.billed.total else ""
    bought = f"{count(receipt.answered, 'label')}{money}"
    before, after, moved = receipt.before, receipt.after, receipt.change
    if after is None:
        return f"{bought}; what they did to accuracy nobody measured"
    if before is None or moved is None:
        return f"{bought}; the student is right on {percent(after.accuracy)}, and nobody measured it before"
    early = "" if after.labels == receipt.answered else f" after {after.labels:,} of them"
    doubt = "" if moved.verdict in ("higher", "lower") else ", which may be chance"
    return (
        f"{bought}; the student went from {percent(before.accuracy)} to {percent(after.accuracy)} right{early}{doubt}"
    )


def promised(receipt: Receipt) -> str:
    """What was guaranteed, on which condition, and how much of it can have been kept."""
    if not receipt.rounds:
        return "Nothing was promised: no round was asked for."
    used = [each.status.facts for each in receipt.rounds if each.status.facts is not None]
    asked = count(sum(facts.budget for facts in used), "label")
    missing = _missing(receipt)
    return (
        f"In the worst case {asked} were worth {amount(receipt.promised)} {UNIT}, in the mean over the draws. This "
        f"holds wherever the teacher errs, as long as it is right on {accuracy_used(receipt)}. If every "
        f"answer that came is right, they are worth {amount(receipt.gain)}."
        + (f" The promise takes every pick as answered; {missing}." if missing else "")
    )


def accuracy_used(receipt: Receipt) -> str:
    """The accuracy of the teacher that the rounds were played with, and what it is."""
    used = [each.status.facts for each in receipt.rounds if each.status.facts is not None]
    least, most = (percent(choose(facts.teacher_accuracy for facts in used)) for choose in (min, max))
    of = "the one-sided 95% lower bound" if used[-1].lower_bound else "the estimate"
    m = least if least == most else f"{least} to {most}"
    return f"{m} of the pool ({of} from {count(used[-1].total, 'checked example')})"


def _missing(receipt: Receipt) -> str:
    counts = {
        "abstained from": sum(each.status.abstained for each in receipt.rounds),
        "still open": sum(each.status.open for each in receipt.rounds),
        "taken back": sum(each.withdrawn for each in receipt.rounds),
    }
    parts = [f"{number:,} {'is' if number == 1 else 'are'} {what}" for what, number in counts.items() if number]
    return listed(parts)


def right(receipt: Receipt) -> str:
    """How often the teacher was right among the picks, as far as anybody can tell."""
    audit, m = receipt.right, receipt.status.accuracy
    if audit is not None:
        numbers = [str(number) for number in receipt.audited]
        part = len(numbers) < len(receipt.rounds)
        of = f" of round{'s' * (len(numbers) > 1)} {listed(numbers)}" if part else ""
        return (
            f"The teacher is right on an estimated {share(audit.share, audit.low, audit.high)} of the picks{of}. "
            f"Behind it are {count(audit.examples, 'checked example')}, weighted to look like the picks; they count as "
            f"{amount(audit.effective)}. Of a single pick nobody knows it."
        )
    if m is None:
        return "Nobody knows how often the teacher is right: it has answered no checked example."
    return (
        f"How often the teacher is right among the picks nobody knows. Of {count(m.total, 'checked example')} it is "
        f"right on {share(m.mean, m.low, m.high)}, and picks are likelier to be hard. An estimate takes probabilities "
        "of checked examples from students that did not learn from them."
    )


def paid(receipt: Receipt) -> str:
    """Every part of the money."""
    status, billed = receipt.status, receipt.billed
    parts = [f"{_cash(receipt, billed.answers)} for answers and abstentions"]
    if receipt.checks is not None and receipt.checks.billed.answers:
        parts[0] += f" ({_cash(receipt, receipt.checks.billed.answers)} of it about checked examples)"
    if billed.malformed:
        parts.append(f"{_cash(receipt, billed.malformed)} for malformed replies")
    if billed.lost:
        parts.append(f"{_cash(receipt, billed.lost)} for requests whose outcome nobody knows, which may not be billed")
    wall = "" if status.max_cost is None else f" {_cash(receipt, status.max_cost)} may be spent."
    waiting = f" {_cash(receipt, status.reserved)} are reserved for open questions." if status.open else ""
    return f"{listed(parts)}.{wall}{waiting}"


def did(receipt: Receipt) -> str:
    """What the labels did to accuracy, where the user measured it."""
    before, after, moved = receipt.before, receipt.after, receipt.change
    if after is None:
        first = "" if before is None else f" Without a bought label it was {measured(before)}."
        return f"What the labels did to accuracy nobody measured (rad score {receipt.status.name}).{first}"
    labels = count(after.labels, "label")
    if before is None or moved is None:
        return (
            f"After {labels} the student is right on {measured(after)}. Without a bought label nobody measured it, so "
            "what they did to it nobody knows."
        )
    on = f", tested on {count(after.total, 'example')}" if after.total else ""
    shown = {
        "higher": "more than chance over the test examples",
        "lower": "worse by more than chance over the test examples",
        "not shown": "which may be chance",
        "unknown": "and nobody said on how many examples it was tested",
    }[moved.verdict]
    return (
        f"The student was right on {measured(before)} without a bought label and on {measured(after)} after "
        f"{labels}{on}: {change(moved)}, {shown}. What another draw or another training would change is not in it."
    )


def verdict(receipt: Receipt) -> str:
    """Whether as much again is worth it, in two or three words."""
    following, moved = receipt.next, _last_change(receipt)
    if following is None:
        return "Nobody knows"
    if not following.labels:
        return "No label left" if not receipt.status.pool["free"] else "No money left"
    if moved is None or moved.verdict == "unknown":
        return "Nobody knows"
    return {"higher": "The last ones helped", "lower": "The last ones hurt", "not shown": "Not shown"}[moved.verdict]


def following(receipt: Receipt) -> str:
    """Whether as much again is worth it: its cost, what it promises, what the last rounds did, what nobody knows."""
    offer = receipt.next
    if offer is None:
        return "What labels are worth here nobody knows yet: no round was bought."
    if not offer.labels:
        why = "no further label fits below the wall" if receipt.status.pool["free"] else "no point is free any more"
        return f"Nothing more can be bought: {why}. {_experience(receipt)}"
    verb = "is" if offer.labels == 1 else "are"
    cost = f" for {_cash(receipt, offer.cost)}" if offer.cost else ""
    limit = "are free" if offer.labels == receipt.status.pool["free"] else "fit below the wall"
    fewer = "" if offer.labels == offer.wanted else f" The last round had {offer.wanted:,}; no more {limit}."
    return (
        f"The next {count(offer.labels, 'label')}{cost} {verb} worth {amount(offer.value)} {UNIT} in the worst case, "
        f"by the student that chose the last round.{fewer} One more label is worth {amount(offer.worth)} now; in round "
        f"1 it was {amount(offer.first)}. {_experience(receipt)}"
    )


def _experience(receipt: Receipt) -> str:
    """What the last rounds did to accuracy, where they were measured."""
    moved = [(each.status.number, each.change) for each in receipt.rounds]
    known = [(number, value) for number, value in moved if value is not None and value.labels > 0][-_LAST:]
    if not known:
        return "What the last labels did to accuracy nobody measured, so nobody knows whether more are worth it."
    steps = [f"{signed(100 * value.mean / value.labels)} in round {number}" for number, value in known]
    number, last = known[-1]
    newest = receipt.rounds[-1].status.number
    late = "" if number == newest else f" What those of round {newest} did nobody measured."
    end = {
        "higher": "they helped; whether the next ones will nobody knows before they are bought",
        "lower": "they did harm",
        "not shown": "that more of them help is not shown",
        "unknown": "whether that is chance nobody knows without the number of test examples",
    }[last.verdict]
    return (
        f"Points of accuracy per 100 labels, as measured: {listed(steps)}. Those of round {number} brought "
        f"{change(last)}: {end}.{late}"
    )


def _last_change(receipt: Receipt) -> Change | None:
    """What the last round did, where it was measured."""
    return receipt.rounds[-1].change if receipt.rounds else None


def sentences(receipt: Receipt) -> dict[str, str]:
    """The whole of it: what each sentence is about, and the sentence."""
    return {
        "Promised": promised(receipt),
        "Right": right(receipt),
        "Paid": paid(receipt),
        "Accuracy": did(receipt),
        "The next ones": following(receipt),
    }


# --- the table ------------------------------------------------------------------------------------------------------


def rows(receipt: Receipt) -> list[tuple[str, ...]]:
    """A row for each round under COLUMNS, texts, with what came before the first and all of it at the end."""
    table = []
    if receipt.before is not None:
        table.append(("before", "0", *[NOTHING] * 4, measured(receipt.before), NOTHING))
    if receipt.checks is not None:
        money = _money(receipt, receipt.checks.billed)
        asked = f"{receipt.checks.status.answered:,}"
        table.append(("checked", asked, *[NOTHING] * 3, money, NOTHING, NOTHING))
    table += [_row(receipt, each) for each in receipt.rounds]
    if len(receipt.rounds) > 1:
        audit = receipt.right
        estimate = NOTHING if audit is None else share(audit.share, audit.low, audit.high)
        worth = (f"{receipt.answered:,}", amount(receipt.promised), amount(receipt.gain))
        end = (_money(receipt, receipt.billed), measured(receipt.after), change(receipt.change, ""))
        table.append(("all", *worth, estimate, *end))
    return table


def _row(receipt: Receipt, each: RoundReceipt) -> tuple[str, ...]:
    status, audit = each.status, each.status.right
    labels = f"{status.answered:,}" if status.answered == status.asked else f"{status.answered:,} of {status.asked:,}"
    return (
        str(status.number),
        labels,
        NOTHING if status.facts is None else amount(status.facts.value),
        amount(each.gain),
        NOTHING if audit is None else share(audit.share, audit.low, audit.high),
        _money(receipt, each.billed),
        measured(each.after),
        change(each.change, ""),
    )


def _money(receipt: Receipt, billed: Billed) -> str:
    return _cash(receipt, billed.total)


def _cash(receipt: Receipt, money: Decimal) -> str:
    return money_text(money, receipt.status.currency)
