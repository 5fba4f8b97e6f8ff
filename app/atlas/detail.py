"""Beside the map: one point in detail, a selection in numbers, its images as a gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from app.atlas import cards
from app.atlas.facts import Bought, Facts
from app.figures.base import Theme
from app.findings.words import literal
from app.shell import blocks
from rad_core.results.words import percent

CARDS = "pool-cards"
_NONE = "\u2013"  # in place of a number
_LIKELIEST = 4  # classes of the teacher's answer that are shown


# --- one point -----------------------------------------------------------------------------------------------------


def invitation(*, images: bool) -> None:
    """What to do while no point is in view. images: whether the study keeps any."""
    first = "its image, and " if images else ""
    st.caption(f"Click a point or a card: {first}what teacher and student say of it.")


def point(
    facts: Facts, i: int, images: np.ndarray | None, teacher: np.ndarray, *, on_close: Callable[[], None]
) -> None:
    """One pool point: its image, what teacher ((C,) probabilities) and student say of it, who bought it."""
    truth = facts.classes[facts.labels[i]]
    with st.container(border=True, key="map-point", gap="xsmall"):
        top = st.container(horizontal=True, vertical_alignment="center")
        top.markdown(f"**Point {i:,}** · truly **{literal(truth)}**", width="stretch")
        top.button("Close", icon=":material/close:", type="tertiary", on_click=on_close, key="map-close")
        if images is not None:
            st.image(cards.enlarge(np.asarray(images[i]), 112), alt=f"Point {i}, true class {truth}")
        known = bool(facts.teacher_known[i])
        if known:
            st.markdown(_verdict("Teacher", facts.classes[facts.teacher_says[i]], bool(facts.teacher_right[i])))
        else:
            st.markdown("The teacher was not asked, or gave no answer.")
        st.markdown(_verdict("Student", facts.classes[facts.student_says[i]], bool(facts.student_right[i])))
        if known:
            _soft_label(facts, i, teacher)
        st.caption(_purchase(facts, i))


def _verdict(who: str, label: str, right: bool) -> str:
    mark = ":green[right]" if right else ":red[**wrong**]"
    return f"{who} says **{literal(label)}** {mark}"


def _soft_label(facts: Facts, i: int, teacher: np.ndarray) -> None:
    """The teacher's probabilities as bars, the true class and what the student says marked on them."""
    truth, student = int(facts.labels[i]), int(facts.student_says[i])
    shown = [int(c) for c in np.argsort(-teacher, kind="stable")[:_LIKELIEST]]
    shown += [c for c in dict.fromkeys((truth, student)) if c not in shown]
    st.caption("The teacher's soft label")
    for c in shown:
        marks = [word for word, place in (("truth", truth), ("student", student)) if place == c]
        text = f"{literal(facts.classes[c])}: {percent(float(teacher[c]))}"
        st.progress(float(np.clip(teacher[c], 0.0, 1.0)), text + (f" · **{' + '.join(marks)}**" if marks else ""))


def _purchase(facts: Facts, i: int) -> str:
    buyer = blocks.short_label(facts.strategy)
    parts = [f"Informativeness (gain) {facts.gains[i]:.3f} for the {buyer} student after round {facts.decided_after}."]
    if np.isfinite(facts.q[i]):
        parts.append(f"RAD would buy it with a chance of {percent(float(facts.q[i]))}.")
    buyers = cards.bought_by(facts, i)
    bought = ", ".join(f"{blocks.short_label(name)} in round {round_}" for name, round_ in buyers)
    parts.append(f"Bought by {bought}." if buyers else "Bought by nobody so far.")
    return " ".join(parts)


# --- many points ---------------------------------------------------------------------------------------------------


def numbers(facts: Facts, found: Mapping[str, Bought], positions: np.ndarray | None) -> None:
    """What the rules bought, side by side: in the whole pool, or among the chosen points (n,)."""
    if positions is None:
        title = f"Bought up to round {facts.round}"
    else:
        title = f"{len(positions):,} of {facts.size:,} selected{_right_on(facts, positions)}"
    rows = [
        ("Labels bought", lambda each: f"{each.labels:,}"),
        ("of them wrong", lambda each: _share(each.wrong, each.labels)),
        *([("without an answer", lambda each: f"{each.abstained:,}")] if _abstained(found) else []),
        ("Mean gain", lambda each: _NONE if np.isnan(each.gain) else f"{each.gain:.3f}"),
        ("Worth (full, right labels)", lambda each: _share(each.worth, each.labels)),
    ]
    names = [blocks.short_label(name) for name in found]
    lines = [["", *names], ["---", *["---:"] * len(names)]]
    lines += [[what, *(f"**{write(each)}**" for each in found.values())] for what, write in rows]
    with st.container(key="map-numbers"):
        st.markdown(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))


def _abstained(found: Mapping[str, Bought]) -> bool:
    return any(each.abstained for each in found.values())


def _right_on(facts: Facts, positions: np.ndarray) -> str:
    """On how many of the chosen points (n,) the teacher is right, of those whose answer is known."""
    known = positions[facts.teacher_known[positions]]
    if not len(known):
        return "" if not len(positions) else "; teacher asked about none of them"
    of = "" if len(known) == len(positions) else f" of the {len(known):,} that it answered"
    return f"; teacher right on {percent(float(facts.teacher_right[known].mean()))}{of}"


def _share(value: float, count: int) -> str:
    return _NONE if np.isnan(value) else f"{value:,.0f} ({percent(value / count)})"


def gallery(
    facts: Facts,
    positions: np.ndarray,
    images: np.ndarray | None,
    theme: Theme,
    *,
    primary: int | None,
    on_pick: Callable[[], None],
) -> None:
    """The images of the points, page by page, in an order of choice; the primary point's is marked."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    by = blocks.choose_from("Order", cards.ORDERS, "map_order", place=row, width=240)
    shown = cards.pick_shown(facts, positions, by)
    pages = -(-len(shown) // cards.PER_PAGE)
    page = row.pagination(pages, key="map-page", width="stretch", max_visible_pages=4) if pages > 1 else 1
    part = shown[(page - 1) * cards.PER_PAGE : page * cards.PER_PAGE]
    st.caption(_which(len(positions), len(shown)))
    if images is None:
        st.caption("This study keeps no thumbnails, so the points are shown in words.")
    cards.show(facts, part, images, primary=primary, key=CARDS, theme=theme, on_pick=on_pick)


def _which(count: int, shown: int) -> str:
    if count <= shown:
        return f"All {count:,} images."
    if count > cards.REPRESENTATIVE:
        return f"{shown} of {count:,} images, spread evenly over this order so that they stand for all."
    return f"The first {shown} of {count:,} images in this order."
