"""What all pages are built of: headings, charts with their data, badges, empty states, sentences for errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NoReturn, TypeVar

import pandas as pd
import streamlit as st

from app.figures import Chart, plotly_config
from app.findings.words import literal
from app.palette import strategy_label, strategy_order
from app.shell.state import View
from rad_core.errors import RadError
from rad_core.results.summary import teacher_asked
from rad_core.results.words import asked_briefly
from rad_core.store.study import StudyInfo

Key = TypeVar("Key", bound=str)
Basis = Literal["measured", "interpolated", "estimate"]

# Badges have no icons: in Streamlit those are part of the text, and their names are read aloud.
STATUS_COLORS = {
    "planned": "gray",
    "queued": "violet",
    "running": "blue",
    "paused": "orange",
    "cancelled": "gray",
    "failed": "red",
    "finished": "green",
    "lost": "red",
    "unreadable": "red",
}
_ORNAMENT = "font: 2rem 'Material Symbols Rounded'; text-align: center; user-select: none; opacity: 0.7"


def header(title: str, lead: str = "") -> None:
    """The title of a page and the question it answers, in plain words."""
    with st.container(gap="xxsmall"):
        st.title(title, anchor=False)
        if lead:
            st.markdown(f":gray[{lead}]")


def chart(
    chart: Chart,
    key: str,
    *,
    basis: Basis | None = None,
    heading: bool = True,
    note: str = "",
    lazy: bool = False,
) -> None:
    """A chart under the question it answers, with its numbers as a table and CSV, its image by the camera button.

    key: unique on the page, also the name of downloaded files. basis: whether it shows something measured or an
    estimate without training. lazy: send the numbers only once somebody opens them, for charts that follow a slider.
    """
    with st.container(key=f"chart-{key}"):
        top = st.container(horizontal=True, vertical_alignment="center")
        if heading:
            top.subheader(chart.title, anchor=False, width="stretch")
        if basis:
            badge(basis, top)
        image = st.session_state.get("image_format", "svg")
        st.plotly_chart(
            chart.figure, theme=None, key=key, alt=chart.alt, config=plotly_config(image, f"rad-studio-{key}")
        )
        if note:
            st.caption(note)
        when: Literal["ignore", "rerun"] = "rerun" if lazy else "ignore"
        with st.expander(
            "Numbers behind this chart", icon=":material/table:", key=f"{key}-numbers", on_change=when
        ) as numbers:
            if not lazy or numbers.open:
                table(chart.table, f"{key}-data")


def table(
    data: pd.DataFrame,
    key: str,
    *,
    height: int | Literal["auto", "content"] = "auto",
    most: int | None = None,
    **options: Any,
) -> None:
    """A table with its download as CSV. most: rows to show on the page; the download has all."""
    st.dataframe(data.head(most) if most else data, hide_index=True, key=f"{key}-table", height=height, **options)
    if most and len(data) > most:
        st.caption(f"The first {most:,} of {len(data):,} rows; the download has all of them.")
    st.download_button(
        "Download CSV",
        data=lambda: data.to_csv(index=False).encode(),
        file_name=f"rad-studio-{key}.csv",
        mime="text/csv",
        key=f"{key}-csv",
        icon=":material/download:",
        on_click="ignore",
    )


def badge(basis: Basis, place: Any = st) -> None:
    """Says where numbers come from: trained students, between two of their rounds, or scores without training."""
    looks: dict[Basis, tuple[str, str]] = {
        "measured": ("green", "Measured on trained students."),
        "interpolated": ("blue", "Between two measured rounds, and never beyond the last."),
        "estimate": ("violet", "Worked out from scores, no training."),
    }
    color, meaning = looks[basis]
    place.badge(basis.upper(), color=color, help=meaning)


def status_badge(info: StudyInfo, place: Any = st) -> None:
    """The status of a study as a colored word."""
    place.badge(info.status, color=STATUS_COLORS[info.status])


def empty(title: str, text: str, icon: str = ":material/inbox:") -> None:
    """A designed emptiness: what is not here and what to do about it."""
    with st.container(border=True, horizontal_alignment="center"):
        name = icon.removeprefix(":material/").removesuffix(":")
        st.html(f'<div aria-hidden="true" translate="no" style="{_ORNAMENT}">{name}</div>')
        st.subheader(title, anchor=False, text_alignment="center")
        st.markdown(text, text_alignment="center")


def stop(title: str, text: str, icon: str = ":material/inbox:") -> NoReturn:
    """An empty state, and nothing more on this page."""
    empty(title, text, icon)
    st.stop()


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Say what went wrong in one sentence; a defect of the program goes to the server's log, never to the visitor."""
    try:
        yield
    except RadError as error:
        st.error(literal(str(error)), icon=":material/error:")
    except Exception:
        logging.getLogger("rad").exception("A page failed")
        st.error(
            "This page stopped over a defect of the studio; your studies are untouched. Reload the page; if it happens "
            "again, the terminal that runs the studio shows the details.",
            icon=":material/error:",
        )


@contextmanager
def study_errors(info: StudyInfo) -> Iterator[None]:
    """Around what is shown of one study among others: what is wrong with it is said in gray, and the others go on."""
    try:
        yield
    except RadError as error:
        st.markdown(f":gray[{literal(str(error))}]")
    except Exception:
        logging.getLogger("rad").exception("Study %s cannot be shown", info.id)
        st.markdown(f":gray[{literal(info.id)} cannot be shown; the terminal that runs the studio says why.]")


def choose_one(
    label: str, words: Mapping[Key, str], key: str, *, place: Any = st, hidden: bool = False, **options: Any
) -> Key:
    """One of several things by the words for them, at first the first; kept in the URL under the key.

    hidden: the label is only read aloud. options: as st.segmented_control has them.
    """
    chosen: Key = place.segmented_control(
        label,
        list(words),
        default=next(iter(words)),
        format_func=words.__getitem__,
        key=key,
        bind="query-params",
        required=True,
        label_visibility="collapsed" if hidden else "visible",
        **options,
    )
    return chosen


def choose_from(
    label: str, words: Mapping[Key, str], key: str, *, first: str | None = None, place: Any = st, **options: Any
) -> Key:
    """The same from a list that opens. first: what is chosen at first, where it is among them."""
    names = list(words)
    chosen: Key = place.selectbox(
        label,
        names,
        index=next((i for i, name in enumerate(names) if name == first), 0),
        format_func=words.__getitem__,
        key=key,
        bind="query-params",
        **options,
    )
    return chosen


def choose_strategy(label: str, names: Sequence[str], first: str, key: str, **options: Any) -> str:
    """One strategy from a list that opens."""
    return choose_from(label, {name: short_label(name) for name in names}, key, first=first, **options)


def choose_strategies(label: str, names: Sequence[str], default: Sequence[str], key: str) -> list[str]:
    """Strategies to show, kept in the URL under the key, in the palette's order."""
    options = strategy_order(list(names))
    wanted = [name for name in default if name in options]
    chosen = st.pills(
        label,
        options,
        selection_mode="multi",
        default=wanted,
        format_func=short_label,
        key=key,
        bind="query-params",
        wrap=True,
    )
    return strategy_order(list(chosen))


def short_label(strategy: str) -> str:
    """A strategy's name without what stands in brackets behind it."""
    return strategy_label(strategy).split(" (")[0]


def day(seconds: float, *, minute: bool = False) -> str:
    """A moment (seconds since 1970) as a day at the server, with its year where that is not this one.

    minute: with the time of day.
    """
    then, now = time.localtime(seconds), time.localtime()
    year = "" if then.tm_year == now.tm_year else " %Y"
    return time.strftime(f"%-d %b{year}{' %H:%M' if minute else ''}", then)


def provenance(view: View) -> str:
    """Where the numbers come from, in one line of Markdown: data set, teacher, student, seeds."""
    config, asked = view.config, view.read(teacher_asked)
    told = f" ({asked_briefly(asked)})" if asked else ""
    return literal(
        f"{config.dataset} · teacher {config.teacher}{told} · student {config.student} · {config.seeds} "
        f"seed{'' if config.seeds == 1 else 's'} · {config.rounds} rounds of {config.budget:,} labels"
    )
