"""Is it worth it? The result of a study in a sentence, four numbers, a curve and a few of the labels bought."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import accuracy_curves, examples_chart
from app.findings import claims
from app.findings.words import literal
from app.results import reading
from app.shell import blocks, state
from app.shell.controls import choose_target, hold, offer_news
from rad_core.results import needed, sentences, verdicts, words
from rad_core.results.verdicts import Results

WHAT = "RAD Studio finds the labels worth buying from an expensive teacher, so that a small student learns the most."
MORE = [
    ("tradeoff", "Why not just the most informative points?", ":material/balance:"),
    ("map", "Where are the labels bought?", ":material/scatter_plot:"),
    ("budget", "What if I had another budget or teacher?", ":material/tune:"),
    ("runs", "All studies, and a new one", ":material/list_alt:"),
]


def overview() -> None:
    blocks.header("Is it worth it?", WHAT)
    if st.session_state.get("run") is None:
        blocks.empty("No study yet", "A study compares ways of choosing labels on your data.", ":material/science:")
        links(("runs", "Start a study", ":material/add:"))
        return
    newest = state.current()
    view = hold(newest, "overview", opened="overview_strategies" not in st.session_state)
    table = view.read(reading.rounds)
    if view.demo:
        st.markdown("**This is an example**, shipped with the program; start your own on Runs.")
    offer_news(newest, "overview", waiting=table.empty)
    if table.empty or "accuracy" not in table:
        blocks.empty(
            "The first results are on their way",
            "The teacher is being trained. The page fills in by itself.",
            ":material/hourglass_top:",
        )
        return
    measured = view.read(verdicts.results)
    say_result(measured)
    place = st.container()
    target, shown = controls(view, measured)
    with place:
        numbers(view, table, measured, target)
    draw_curves(view, measured, shown, target)
    draw_examples(view, measured.ours)
    st.subheader("Look closer", anchor=False)
    links(*MORE)


def say_result(measured: Results) -> None:
    """Whether it is worth it, against buying nothing; then which rule."""
    head = sentences.headline(measured)
    st.header(literal(head.text), anchor=False, help=literal(head.details) or None)
    if rule := sentences.which_rule(measured):
        st.markdown(literal(rule))


def controls(view: state.View, measured: Results) -> tuple[float | None, list[str]]:
    with st.popover("Target and strategies", icon=":material/tune:"):
        target = choose_target(measured, "overview_target")
        names = list(dict.fromkeys(measured.table["strategy"]))
        default = [name for name in (measured.ours, "margin", "uniform", view.info.best) if name]
        return target, blocks.choose_strategies("Strategies", names, default, "overview_strategies")


# --- four numbers --------------------------------------------------------------------------------------------------


def numbers(view: state.View, table: pd.DataFrame, measured: Results, target: float | None) -> None:
    columns = st.columns(4, gap="small")
    labels_needed(columns[0], measured, target)
    ours, final = measured.ours, measured.final(measured.ours)
    after = f"{words.name(ours)} after {measured.labels:,.0f} labels" if len(measured.done) else "at the end"
    card(
        columns[1],
        "Accuracy",
        words.percent(final.mean),
        f"{after}: {words.range_text(final)}",
        "measured",
        f"Share of the test set that the student of {words.name(ours)} gets right: mean and 95% interval over "
        "repetitions.",
    )
    bought_mistakes(columns[2], table, ours)
    worst_case(columns[3], view)


def card(place: DeltaGenerator, label: str, value: str, note: str, basis: blocks.Basis, help_: str) -> None:
    with place.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown(f"**{label}**")
        st.header(literal(value), anchor=False, help=help_)
        st.caption(literal(note))
        blocks.badge(basis)


def labels_needed(place: DeltaGenerator, measured: Results, target: float | None) -> None:
    """The labels that a target takes: of the rule that is advised, and beside it of the one that the study is about."""
    if target is None:
        note = needed.targets(measured).none_text if len(measured.done) else "No rule has finished yet."
        card(
            place,
            "Labels needed",
            "no target",
            note,
            "measured",
            "An accuracy can be asked for where it lies above what every repetition reaches without any bought label, "
            "and the mean of a rule reaches it.",
        )
        return
    rule = sentences.headline(measured).rule
    need = needed.need(measured, target, rule)
    note = f"{words.chosen_by(rule)}: {need.interval_text if need.known else need.text}"
    if measured.ours != rule and (other := needed.need(measured, target, measured.ours)).known:
        note += f"; {words.chosen_by(measured.ours)}: ≈ {other.shown:,}"
    card(
        place,
        f"Labels needed for {words.target_text(target)}",
        f"≈ {need.shown:,}" if need.known else "not reached",
        note,
        "interpolated",
        "Where the best curve that never falls through the mean accuracies first reaches the target, linear between "
        "measured rounds and never beyond the last.",
    )


def bought_mistakes(place: DeltaGenerator, table: pd.DataFrame, ours: str) -> None:
    shares = claims.mistakes(table)
    mine, base = shares.get(ours), shares.get("uniform")
    known = mine is not None and mine.n > 0
    value = words.percent(mine.mean) if mine is not None and known else "not known"
    note = f"of the labels that {words.name(ours)} bought"
    if base is not None and base.n and ours != "uniform":
        note += f"; uniform: {words.percent(base.mean)}"
    card(
        place,
        "Teacher mistakes",
        value,
        note if known else "no label bought yet",
        "measured",
        "How many of the labels bought are wrong. The most informative points are often those on which the teacher "
        "errs.",
    )


def worst_case(place: DeltaGenerator, view: state.View) -> None:
    safe = view.read(claims.guarantee)
    if safe is None:
        return
    card(
        place,
        "Safe in the worst case",
        safe.value,
        f"useful gain of {safe.where}: RAD {safe.rad:,.1f}, best other rule ({safe.rule}) {safe.other:,.1f}",
        "estimate",
        "The useful gain that the first purchase is sure to bring, whichever points the teacher gets wrong: RAD "
        "against the better of uniform and the most informative first. Worked out from the student's scores and the "
        "teacher's estimated accuracy, without training.",
    )


# --- charts --------------------------------------------------------------------------------------------------------


def draw_curves(view: state.View, measured: Results, shown: list[str], target: float | None) -> None:
    if not shown:
        st.info("Choose a strategy to see its curve.", icon=":material/show_chart:")
        return
    theme = state.theme()
    chart = state.remember(
        lambda: accuracy_curves(
            measured.table,
            strategies=shown,
            references=view.read(reading.references),
            target=target,
            band=[measured.ours],
            theme=theme,
            height=470,
        ),
        "overview curves",
        view.key,
        tuple(shown),
        target,
        theme,
    )
    note = claims.references(view.read(reading.references))
    bound = claims.upper_bound(measured) if "oracle" in shown else ""
    blocks.chart(chart, "overview-curves", basis="measured", note=f"{note} {bound}".strip())


def draw_examples(view: state.View, ours: str) -> None:
    seeds = view.study.seeds()
    found = view.read(reading.examples, ours, seeds[0]) if seeds else None
    if found is None:
        return
    theme, who = state.theme(), words.name(ours, first=True)
    chart = state.remember(
        lambda: examples_chart(found.images, found.truth, found.said, who=who, theme=theme),
        "overview examples",
        view.key,
        ours,
        theme,
    )
    note = (
        f"{len(found.images)} of the {found.bought:,} labels that {who} bought for seed {seeds[0]}, evenly spaced in "
        "order of purchase. Above: the true class; below: what the teacher said, with ✓ right or ✗ wrong."
    )
    blocks.chart(chart, "overview-examples", basis="measured", note=note)


def links(*pages: tuple[str, str, str]) -> None:
    there = [page for page in pages if (Path(__file__).parent / f"{page[0]}.py").exists()]
    columns = st.columns(2)
    for i, (name, label, icon) in enumerate(there):
        columns[i % 2].page_link(f"views/{name}.py", label=label, icon=icon)


overview()
