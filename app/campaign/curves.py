"""What did the money do? Measured accuracies of the student over what was spent."""

from __future__ import annotations

from app.campaign import figures, reading, words
from app.findings.words import literal
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core.results.words import count, percent, signed

_AXES = {"cost": "Money", "labels": "Labels"}


def page(standing: Standing) -> None:
    """The curve of the scores that the user gave."""
    status = standing.status
    table = reading.scores(status)
    if table.empty:
        blocks.header("Curves", literal(f"{standing.name}: {words.bought(status)}."))
        blocks.empty(
            "No accuracy was measured yet",
            "Nobody but you can measure one: test the student on examples that the campaign never buys. Each "
            f"`rad score {standing.name} --accuracy 0.83 --total 500` keeps a point after what was bought so far; or "
            "have it counted here: `--probs-test FILE --labels-test FILE`.",
            ":material/show_chart:",
        )
        return
    last = table.iloc[-1]
    tested = f" of {int(last['total']):,} test examples" if last["total"] == last["total"] and last["total"] else ""
    interval = f" [{percent(last['low'])}, {percent(last['high'])}]" if last["low"] == last["low"] else ""
    spent = words.amount(status.scores[-1].cost, status)
    blocks.header(
        "Curves",
        literal(
            f"After {count(int(last['labels']), 'label')} for {spent} the student is right on "
            f"{percent(last['accuracy'])}{interval}{tested}{_over_free(table)}."
        ),
    )
    x = blocks.choose_one("Along", _AXES, "campaign_x")
    chart = figures.measured(table, x, status.currency, state.theme())
    blocks.chart(
        chart,
        "campaign-accuracy",
        basis="measured",
        note="One student each time, on your own test examples. Bars: 95% interval over the test examples alone "
        "(Clopper and Pearson); how much another draw or another training would change is not in them.",
    )


def _over_free(table: object) -> str:
    """How much that is over the student without any bought label, where this was measured."""
    free = table[table["labels"] == 0]["accuracy"]  # type: ignore[index]
    last = table.iloc[-1]  # type: ignore[attr-defined]
    if not len(free) or not last["labels"]:
        return ""
    return f", {signed(last['accuracy'] - free.iloc[-1])} points over no bought label"
