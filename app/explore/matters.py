"""Does choosing matter here? What is known before a purchase, laid among settings in which rules were played."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from app.figures import settings_chart
from app.findings import foresight
from app.findings.words import literal
from app.results import reading
from app.shell import blocks, state
from rad_core.results.words import percent, points
from rad_core.selection.foresight import Foresight, foresee, width_of_fall
from rad_core.store import light_copy
from rad_core.store.study import Study

LEAST = 30  # checked examples, half of them more informative than the others


@dataclass(frozen=True)
class Matters:
    """What is known of a pool before a purchase. why: what is missing where nothing is. came: what a study found.

    width: half of the 95 % interval of `known.fall`, 0 where it is known of the whole pool.
    """

    known: Foresight | None
    why: str = ""
    came: str = ""
    width: float = 0.0


def of_checked(
    gains: np.ndarray, checked: np.ndarray, right: np.ndarray, budget: int, more: np.ndarray | None
) -> Matters:
    """Of a pool with gains (N,), by checked examples: their gains and the teacher's correctness, (V,) each.

    more: (N, D) features of the pool, where there are any.
    """
    return Matters(foresee(gains, checked, right, budget, more), width=width_of_fall(checked, right))


def of_study(study: Study, budget: int) -> Foresight | None:
    """Of the pool that all rules of a study began with, in the mean over seeds; None where nobody knows it.

    A simulation knows the teacher's correctness on the whole pool, so all of it stands for the checked examples.
    """
    found = []
    for seed in light_copy.seeds_with_points(study):
        right = reading.teacher_right(study, seed)
        rules = [rule for rule in study.config.strategies if 0 in study.finished_rounds(rule, seed)]
        if right is not None and rules:
            gains = reading.gains_after(study, rules[0], seed, 0)
            found.append(foresee(gains, gains, np.asarray(right), min(budget, len(gains))))
    return _mean(found) if found else None


def _mean(found: list[Foresight]) -> Foresight:
    names = found[0].__dataclass_fields__
    return replace(found[0], **{name: float(np.mean([getattr(each, name) for each in found])) for name in names})


def words(matters: Matters, atlas: foresight.Atlas) -> tuple[str, str]:
    """The answer in a word or two, and what it rests on; never more than its hit rate."""
    rates = [f"{name} {told} of {of}" for name, (told, of) in atlas.by_data.items()]
    rate = (
        f"So told, {atlas.hits} of {atlas.size} settings of ours came out as expected, each told by the others alone "
        f"({', '.join(rates)}); whoever always says the same is right in {atlas.usual}."
    )
    if matters.known is None:
        return "Not known yet.", f"{matters.why} {rate}"
    answer = foresight.expected(atlas, matters.known)
    if answer is None:
        return "Not known.", f"This pool lies beyond all settings that were tried. {rate}"
    head = "Probably." if answer else "Probably not."
    limit = atlas.cut.limit
    if atlas.cut.measure == "fall":
        fall, width = matters.known.fall, matters.width
        if abs(fall - limit) <= width:
            head = "Not clear."
        interval = f" [{100 * (fall - width):+.1f}, {100 * (fall + width):+.1f}]" if width else ""
        told = (
            f"The teacher, right on {percent(matters.known.accuracy)}, is right {points(fall)} "
            f"{'less' if fall >= 0 else 'more'} often on the more informative half than on the other{interval}."
        )
        limit_in_words = points(limit)
    else:
        told = f"{foresight.title_of(atlas.cut.measure)}: {getattr(matters.known, atlas.cut.measure):.3g}."
        limit_in_words = f"{limit:.3g}"
    sides = ("less", "more") if atlas.cut.below else ("more", "less")
    where = f"Where it was {sides[0]} than {limit_in_words}, it mostly mattered which labels were bought; else seldom."
    return head, f"{told} {where} {rate}"


def draw(matters: Matters, prefix: str) -> None:
    """The panel."""
    atlas = foresight.atlas()
    row = st.container(horizontal=True, vertical_alignment="center")
    head, beside = words(matters, atlas)
    row.subheader(f"Does choosing matter here? {head}", anchor=False, width="stretch")
    blocks.badge("estimate", row)
    st.markdown(literal(beside))
    if matters.came:
        st.markdown(literal(matters.came))
    chart = settings_chart(atlas, matters.known, theme=state.theme())
    note = (
        "Filled: it mattered, that is, a difference of a point or more between uniform, margin and RAD was shown over "
        "the curve. The studies that ship, and digits and Fashion-MNIST as images and as features, with even and "
        "long-tailed pools and teachers that know as much as the student or more, five repetitions each. Made by "
        "python -m tests.studies.choosing."
    )
    blocks.chart(chart, f"{prefix}-matters", basis="measured", note=note, lazy=True)
