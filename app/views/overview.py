"""Is it worth it? The result of a study in a sentence, four numbers, a curve and a few of the labels bought."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import claims, reading, result_controls, state, ui, wording
from app.figures import accuracy_curves, examples_chart
from rad_core.study import summary
from rad_core.study.record import Study

WHAT = "RAD Studio finds the labels worth buying from an expensive teacher, so that a small student learns the most."
LOOKS = {
    "ahead": ":green[:material/trending_up:]", "behind": ":orange[:material/trending_down:]",
    "mixed": ":orange[:material/swap_vert:]", "tie": ":gray[:material/drag_handle:]",
    "unknown": ":gray[:material/hourglass_empty:]",
}  # fmt: skip
MORE = [
    ("tradeoff", "Why not just the most informative points?", ":material/balance:"),
    ("map", "Where are the labels bought?", ":material/scatter_plot:"),
    ("budget", "What if I had another budget or teacher?", ":material/tune:"),
    ("runs", "All studies, and a new one", ":material/list_alt:"),
]


def overview() -> None:
    ui.header("Is it worth it?", WHAT)
    if st.session_state.get("run") is None:
        ui.empty("No study yet", "A study compares ways of choosing labels on your data.", ":material/science:")
        links(("runs", "Start a study", ":material/add:"))
        return
    newest = state.current()
    view = result_controls.hold(newest, "overview", opened="overview_strategies" not in st.session_state)
    table, rounds = view.read(reading.rounds), view.config.rounds
    if view.demo:
        st.markdown(":material/package_2: **This is an example**, shipped with the program; start your own on Runs.")
    result_controls.offer_news(newest, "overview", waiting=table.empty)
    if table.empty or "accuracy" not in table:
        ui.empty("The first results are on their way", "The teacher is being trained. The page fills in by itself.",
                 ":material/hourglass_top:")  # fmt: skip
        return
    done, ours = summary.complete(table, rounds), leading(table)
    say_result(table, done, rounds, ours)
    place = st.container()
    target, shown = controls(view, table, ours)
    with place:
        numbers(view, table, done, target, ours)
    draw_curves(view, table, shown, target, ours)
    draw_examples(view, ours)
    st.subheader("Look closer", anchor=False)
    links(*MORE)


def leading(table: pd.DataFrame) -> str:
    """The strategy that the page is about: RAD where it ran."""
    names = list(dict.fromkeys(claims.competitors(table)["strategy"])) or [str(table["strategy"].iloc[0])]
    return claims.OURS if claims.OURS in names else names[0]


def say_result(table: pd.DataFrame, done: pd.DataFrame, rounds: int, ours: str) -> None:
    claim, found = claims.headline(table, rounds, ours), claims.comparisons(done, ours)
    details = claims.verdict(found, float(done["labels"].max())).text + " " if found else ""
    st.header(
        f"{LOOKS[claim.outcome]} {claim.text}", anchor=False, help=details + wording.per_comparison(len(found))
    )  # fmt: skip


def controls(view: state.View, table: pd.DataFrame, ours: str) -> tuple[float, list[str]]:
    with st.popover("Target and strategies", icon=":material/tune:"):
        target = result_controls.choose_target(table, "overview_target")
        names = list(dict.fromkeys(table["strategy"]))
        default = [name for name in (ours, "margin", "uniform", view.info.best) if name]
        return target, ui.choose_strategies("Strategies", names, default, "overview_strategies")


# --- four numbers --------------------------------------------------------------------------------------------------


def numbers(view: state.View, table: pd.DataFrame, done: pd.DataFrame, target: float, ours: str) -> None:
    columns = st.columns(4, gap="small")
    saved(columns[0], done, target, ours)
    mine = claims.final(done, ours)
    after = f"after {done['labels'].max():,.0f} labels" if len(done) else "at the end"
    card(columns[1], "Accuracy", wording.percent(mine.mean), f"{after}: {wording.range_text(mine)}", "measured",
         f"Share of the test set that the student of {wording.name(ours)} gets right: mean and 95% interval over "
         "seeds.")  # fmt: skip
    bought_mistakes(columns[2], table, ours)
    worst_case(columns[3], view, ours)


def card(place: Any, label: str, value: str, note: str, basis: ui.Basis, help: str) -> None:
    with place.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown(f"**{label}**")
        st.header(value, anchor=False, help=help)
        st.caption(note)
        ui.badge(basis)


def saved(place: Any, done: pd.DataFrame, target: float, ours: str) -> None:
    names = [name for name in dict.fromkeys(claims.competitors(done)["strategy"]) if name != ours]
    other = "uniform" if "uniform" in names or not names else names[0]
    found = claims.saving(done, target, other, ours)
    who, whom = wording.name(ours), wording.name(other)
    value = "none shown" if found.claim.outcome == "tie" else "not known"
    note = f"{who} {found.ours.text}, {whom} {found.other.text}"
    if found.claim.outcome in ("ahead", "behind"):
        value = f"{wording.percent(abs(found.share), 0)} {'fewer' if found.share > 0 else 'more'}"
    elif found.ours.seeds and not found.ours.complete:
        value = "not reached"
        note = f"by every seed within {found.ours.most:,.0f} labels (best {wording.percent(found.ours.best)})"
    elif found.other.seeds and not found.other.complete:
        note = f"{who} {found.ours.text}; {whom} not reached by every seed"
    card(place, f"Labels saved at {wording.target_text(target)}", value, note, "measured",
         f"{found.claim.text} Read off the measured curves, never beyond them.")  # fmt: skip


def bought_mistakes(place: Any, table: pd.DataFrame, ours: str) -> None:
    found = claims.mistakes(table)
    mine, base = found.get(ours), found.get("uniform")
    known = mine is not None and mine.n > 0
    value = wording.percent(mine.mean) if mine is not None and known else "not known"
    note = f"of the labels that {wording.name(ours)} bought"
    if base is not None and base.n and ours != "uniform":
        note += f"; uniform: {wording.percent(base.mean)}"
    card(place, "Teacher mistakes", value, note if known else "no label bought yet", "measured",
         "How many of the labels bought are wrong. The points that teach the most are often those on which the teacher "
         "errs.")  # fmt: skip


def worst_case(place: Any, view: state.View, ours: str) -> None:
    seeds = view.study.seeds()
    if not seeds:
        return
    seed = seeds[0]
    round = min(state.current_round(view), reading.last_round(view.study, ours, seed) + 1)
    found = view.read(safe_gain, ours, seed, round)
    card(place, "Safe in the worst case", found.value,
         f"useful gain: RAD {found.rad:,.1f}, best other rule ({found.rule}) {found.other:,.1f}", "estimate",
         "The useful gain that a purchase is sure to bring, whichever points the teacher gets wrong: RAD against the "
         f"better of uniform and the most informative first. Worked out for round {round} of seed {seed} from the "
         "student's scores and the teacher's measured accuracy, without training.")  # fmt: skip


def safe_gain(study: Study, strategy: str, seed: int, round: int) -> claims.Guarantee:
    pool = reading.pool_before(study, strategy, seed, round)
    return claims.guarantee(pool.gains, pool.budget, pool.wrong())


# --- charts --------------------------------------------------------------------------------------------------------


def draw_curves(view: state.View, table: pd.DataFrame, shown: list[str], target: float, ours: str) -> None:
    if not shown:
        st.info("Choose a strategy to see its curve.", icon=":material/show_chart:")
        return
    theme, key = state.theme(), str(view.study.path)
    chart = state.remember(
        lambda: accuracy_curves(
            table, strategies=shown, references=view.read(reading.references), target=target, band=[ours], theme=theme,
            height=470,
        ),
        "overview curves", key, view.version, tuple(shown), target, theme,
    )  # fmt: skip
    note = claims.references(view.read(reading.references))
    bound = claims.upper_bound(summary.complete(table, view.config.rounds)) if "oracle" in shown else ""
    ui.chart(chart, "overview-curves", basis="measured", note=f"{note} {bound}".strip())


def draw_examples(view: state.View, ours: str) -> None:
    seeds = view.study.seeds()
    found = view.read(reading.examples, ours, seeds[0]) if seeds else None
    if found is None:
        return
    theme, who = state.theme(), wording.name(ours, first=True)
    chart = state.remember(
        lambda: examples_chart(found.images, found.truth, found.said, who=who, theme=theme),
        "overview examples", str(view.study.path), view.version, ours, theme,
    )  # fmt: skip
    note = (
        f"{len(found.images)} of the {found.bought:,} labels that {who} bought for seed {seeds[0]}, evenly spaced in "
        "order of purchase. Above: the true class; below: what the teacher said, with ✓ right or ✗ wrong."
    )
    ui.chart(chart, "overview-examples", basis="measured", note=note)


def links(*pages: tuple[str, str, str]) -> None:
    there = [page for page in pages if (Path(__file__).parent / f"{page[0]}.py").exists()]
    columns = st.columns(2)
    for i, (name, label, icon) in enumerate(there):
        columns[i % 2].page_link(f"views/{name}.py", label=label, icon=icon)


overview()
