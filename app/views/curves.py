"""Which strategy, and how sure are we? Curves, labels needed, paired differences, classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pandas as pd
import streamlit as st

from app.components.highlight import highlight
from app.figures import (
    Chart,
    class_heatmap,
    label_efficiency_chart,
    paired_difference_chart,
    round_delta_chart,
)
from app.findings import claims
from app.findings.words import literal
from app.present.charts import curves_chart
from app.results import reading
from app.shell import blocks, controls, purchase, state
from rad_core.results import words
from rad_core.results.needed import savings
from rad_core.results.sentences import headline, saved, verdict
from rad_core.results.verdicts import Results, Value, difference_table, results

AXES = {"labels": "Labels", "round": "Rounds", "seconds": "Time"}
MEASURES = {"accuracy": "Right", "agreement": "Agrees with the teacher"}
PANELS = {"needed": "Labels needed", "ahead": "Who is ahead", "rounds": "Round by round", "classes": "Classes"}
CLASSES = {"accuracy": "How accurate the student is", "picks": "Labels bought"}
ENDS = {"final": "After the last round", "area": "Mean over the curve"}


def curves() -> None:
    blocks.header("Curves", "Which strategy is best, and how sure are we?")
    newest = state.current()
    view = controls.hold(newest, "curves", opened="curves_x" not in st.session_state)
    table = view.read(reading.rounds_with_seconds)
    controls.offer_news(newest, "curves", waiting=table.empty)
    if table.empty or "accuracy" not in table:
        st.session_state.pop("curves_x", None)
        blocks.empty(
            "The first results are on their way",
            "The teacher is being trained. The page fills in by itself.",
            ":material/hourglass_top:",
        )
        return
    names = list(dict.fromkeys(table["strategy"]))
    shown = draw_curves(view, names)
    if not shown:
        return
    panel = blocks.choose_one("Look at", PANELS, "curves_panel", hidden=True, width="stretch")
    measured = view.read(results)
    panels: dict[str, Callable[[], None]] = {
        "needed": lambda: needed(view, measured, shown),
        "ahead": lambda: ahead(view, measured, shown),
        "rounds": lambda: round_by_round(view, table, shown),
        "classes": lambda: per_class(view, shown),
    }
    panels[panel]()


def figure(make: Callable[[], Chart], view: state.View, *key: Any) -> Chart:
    """A chart, made once for this view and these choices."""
    return state.remember(make, "curves page", view.key, state.theme(), *key)


# --- the curves ----------------------------------------------------------------------------------------------------


def draw_curves(view: state.View, names: list[str]) -> list[str]:
    shown = blocks.choose_strategies("Strategies", names, pair(view, names), "curves_strategies")
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    x = blocks.choose_one("Along", AXES, "curves_x", place=row)
    measure = "accuracy"  # agreement is with a teacher whose answers are known on the whole pool
    if reading.knows_pool(view.study):
        measure = blocks.choose_one(
            "How often the student is…",
            MEASURES,
            "curves_y",
            place=row,
            help="Right: on test images that no student has seen. Agreement: on the pool, with the teacher's likeliest "
            "class, mistakes included.",
        )
    seeds = row.toggle("Single seeds", key="curves_seeds", bind="query-params", help="Every seed as a thin line.")
    if not shown:
        st.info("Choose a strategy to see its curve.", icon=":material/show_chart:")
        return shown
    truth = measure == "accuracy"
    levels = view.read(reading.references) if truth else {}
    chart = figure(
        lambda: curves_chart(
            view.read, shown, along=cast("Any", x), measure=cast("Any", measure), seeds=seeds, theme=state.theme()
        ),
        view,
        "curves",
        x,
        measure,
        seeds,
        tuple(shown),
    )
    note = curves_note(view, levels, shown, x) if truth else "On the whole pool; also where the teacher is wrong."
    blocks.chart(chart, "curves-main", basis="measured", note=note)
    highlight(key="curves-highlight")
    return names


def pair(view: state.View, names: list[str]) -> list[str]:
    """The rules that stand out at first: the two in view and the one that is advised."""
    wished, advised = purchase.current(view), headline(view.read(results)).rule
    first = [name for name in (wished.a, wished.vs, advised) if name in names]
    return first or names[:2]


def curves_note(view: state.View, levels: dict[str, float], shown: list[str], x: str) -> str:
    parts = [
        claims.references(levels),
        claims.upper_bound(view.read(results)) if "oracle" in shown else "",
        "Bands show how much results vary between repetitions; strategies are compared within each of them, below.",
        "Time: training, scoring and selection on the machine that ran the study." if x == "seconds" else "",
    ]
    return " ".join(part for part in parts if part)


# --- panels --------------------------------------------------------------------------------------------------------


def needed(view: state.View, measured: Results, shown: list[str]) -> None:
    others = [rule for rule in measured.finished if rule != measured.ours and rule in shown]
    left, right = st.columns(2, gap="medium")
    with left:
        target = controls.choose_target(measured, "curves_target")
    with right:
        other = blocks.choose_strategy("Compared with", others, "uniform", "curves_other") if others else None
    if measured.done.empty:
        wait_for_rounds(view)
        return
    if target is None:
        return
    chart = figure(
        lambda: label_efficiency_chart(measured, target, strategies=shown, theme=state.theme()),
        view,
        "needed",
        target,
        tuple(shown),
    )
    if other is not None and measured.ours in measured.finished:
        say(saved(savings(measured, target, measured.ours)[other], len(measured.rules) - 1).text)
    blocks.chart(
        chart,
        "curves-needed",
        basis="interpolated",
        note="Where the best curve that never falls through the mean accuracies first reaches the target, never beyond "
        "the last round. Bars: 95% interval by bootstrap over repetitions; ticks: single repetitions.",
    )


def ahead(view: state.View, measured: Results, shown: list[str]) -> None:
    if measured.done.empty:
        wait_for_rounds(view)
        return
    rules = [rule for rule in measured.finished if rule in shown]
    if len(rules) < 2:
        st.info("Choose two strategies that have finished, to compare them.", icon=":material/compare_arrows:")
        return
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    ours = blocks.choose_strategy("Compare", rules, measured.ours, "curves_ours", place=left)
    value = blocks.choose_one("Measured", ENDS, "curves_value", place=right)
    say(verdict(measured, ours, cast("Value", value)).text)
    what = "final accuracy" if value == "final" else "mean accuracy over the curve"
    rows = difference_table(measured, ours, cast("Value", value))
    chart = figure(
        lambda: paired_difference_chart(rows[rows["baseline"].isin(rules)], ours, what=what, theme=state.theme()),
        view,
        "ahead",
        ours,
        value,
        tuple(rules),
    )
    bound = claims.upper_bound(measured) if "oracle" in shown else ""
    note = f"{words.corrected(len(measured.rules) - 1)} {bound}".strip()
    blocks.chart(chart, "curves-ahead", basis="measured", note=note)


def round_by_round(view: state.View, table: pd.DataFrame, shown: list[str]) -> None:
    base = blocks.choose_strategy("Compared with", shown, "uniform", "curves_base")
    if len(shown) < 2:
        st.info("Choose two strategies, to see how far they are apart.", icon=":material/compare_arrows:")
        return
    chart = figure(
        lambda: round_delta_chart(table, base, strategies=shown, theme=state.theme()),
        view,
        "rounds",
        base,
        tuple(shown),
    )
    blocks.chart(
        chart,
        "curves-rounds",
        basis="measured",
        note="Each 95% interval is for its own round; they are not corrected for the number of rounds and rules.",
    )


def per_class(view: state.View, shown: list[str]) -> None:
    kind = blocks.choose_one("Per class", CLASSES, "curves_class")
    values = view.read(reading.class_accuracy if kind == "accuracy" else reading.class_picks)
    values = values[values.index.isin(shown)]
    if values.empty:
        wait_for_rounds(view)
        return
    chart = figure(
        lambda: class_heatmap(
            values.to_numpy(), list(values.index), list(values.columns), kind=cast("Any", kind), theme=state.theme()
        ),
        view,
        "classes",
        kind,
        tuple(shown),
    )
    what = {
        "accuracy": "Share of each class of the whole pool that the student of the last finished round gets right",
        "picks": "Labels bought up to the last finished round; a mixture counts where its first image belongs",
    }[kind]
    blocks.chart(chart, "curves-classes", basis="measured", note=f"{what}. Mean over seeds.")


def say(sentence: str) -> None:
    """A sentence that the numbers allow, before the chart that shows them."""
    st.markdown(f"#### {literal(sentence)}")


def wait_for_rounds(view: state.View) -> None:
    st.info(
        f"No strategy has finished all {view.config.rounds} rounds yet; this appears with the first one that has.",
        icon=":material/hourglass_top:",
    )


curves()
