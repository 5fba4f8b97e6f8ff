"""Two or more studies side by side: where their settings differ, what came out, the curves on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.palette import strategy_label, strategy_order
from app.results import reading
from app.shell import blocks, state
from app.studies import compare_charts
from app.studies.list import Entry
from rad_core.results import summary
from rad_core.results.words import count

_URL = "compare"


def ticked(entries: Sequence[Entry]) -> list[Entry]:
    """The studies to compare: those ticked, at first those that the link names. Kept in the URL."""
    readable = {entry.info.id: entry for entry in entries if entry.info.status != "unreadable"}
    if not st.session_state.get("compare_linked"):
        st.session_state["compare_linked"] = True
        for study_id in st.query_params.get(_URL, "").split(","):
            if study_id in readable:
                st.session_state[f"compare_{study_id}"] = True
    chosen = [study_id for study_id in readable if st.session_state.get(f"compare_{study_id}")]
    state.keep_in_address(_URL, ",".join(chosen) or None)
    return [readable[study_id] for study_id in chosen]


def clear(entries: Sequence[Entry]) -> None:
    """Untick all."""
    for entry in entries:
        st.session_state[f"compare_{entry.info.id}"] = False


def show(chosen: Sequence[Entry]) -> None:
    """The comparison of the ticked studies; one that cannot be compared says why and takes no part."""
    with st.container(border=True, key="compare"):
        top = st.container(horizontal=True, vertical_alignment="center")
        top.subheader(f"Comparing {len(chosen)} studies", anchor=False, width="stretch")
        top.button("Clear", icon=":material/close:", key="compare_clear", on_click=clear, args=[chosen])
        chosen = [entry for entry in chosen if _can_be_compared(entry)]
        if len(chosen) < 2:
            return
        names = titles(chosen)
        configs = {name: entry.study.config.to_dict() for name, entry in zip(names, chosen, strict=True)}
        differing = differences(configs)
        st.markdown("**Settings that differ**")
        if differing.empty:
            st.caption("None: equal settings give equal results, on the same kind of machine.")
        else:
            blocks.table(differing, "compare-settings", height="content")
        _results(names, chosen)


def _can_be_compared(entry: Entry) -> bool:
    """Whether the results of a study can be read."""
    with blocks.study_errors(entry.info):
        view = state.view_of(entry.study, demo=entry.demo)
        for read in (reading.rounds, reading.references):
            view.read(read)
        return True
    return False


def titles(chosen: Sequence[Entry]) -> list[str]:
    """A heading for each study; the id is added where names repeat."""
    plain = [entry.title for entry in chosen]
    return [
        title if plain.count(title) == 1 else f"{title} ({entry.info.id})"
        for title, entry in zip(plain, chosen, strict=True)
    ]


def differences(configs: dict[str, dict]) -> pd.DataFrame:
    """One row per setting that is not the same in all studies, a column per study."""
    keys = [key for key in next(iter(configs.values())) if key != "name"]
    rows = [
        {"Setting": key.replace("_", " "), **{name: _plain(config[key]) for name, config in configs.items()}}
        for key in keys
        if len({_plain(config[key]) for config in configs.values()}) > 1
    ]
    return pd.DataFrame(rows)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "all there is" if value is None else str(value)


def _results(names: list[str], chosen: Sequence[Entry]) -> None:
    views = {name: state.view_of(entry.study, demo=entry.demo) for name, entry in zip(names, chosen, strict=True)}
    tables = {
        name: (view.read(reading.rounds), view.read(reading.references), view.config.rounds)
        for name, view in views.items()
    }
    started = [name for name, (table, _, _) in tables.items() if len(table) and views[name].study.seeds()]
    if not started:
        st.caption("No round is finished yet: there are no results to compare.")
        return
    st.markdown("**Accuracy on the test set after the last round**, mean over seeds and its 95% interval")
    blocks.table(results(tables), "compare-results", height="content")
    st.caption("Different studies are not paired by seed: the verdict whether strategies differ is on the page Curves.")
    compare_charts.show({name: views[name] for name in started})


def results(tables: dict[str, tuple[pd.DataFrame, dict[str, float], int]]) -> pd.DataFrame:
    """One row per strategy, a column per study: final accuracies of the cells that finished."""
    finals = {name: summary.complete(table, rounds) for name, (table, _, rounds) in tables.items()}
    order = strategy_order([strategy for table in finals.values() for strategy in set(table["strategy"])])
    rows = [
        {"Strategy": strategy_label(strategy), **{name: _final(table, strategy) for name, table in finals.items()}}
        for strategy in order
    ]
    teacher = {name: references.get("teacher") for name, (_, references, _) in tables.items()}
    rows.append(
        {"Strategy": "(the teacher itself)"} | {n: "-" if v is None else f"{v:.1%}" for n, v in teacher.items()}
    )
    return pd.DataFrame(rows)


def _final(table: pd.DataFrame, strategy: str) -> str:
    rows = table[table["strategy"] == strategy]
    if rows.empty:
        return "-"
    accuracy = summary.share_interval(rows[rows["round"] == rows["round"].max()]["accuracy"])
    if accuracy.n < summary.FEWEST_SEEDS:
        return f"{accuracy.mean:.1%} ({count(accuracy.n, 'seed')})"
    return f"{accuracy.mean:.1%} [{100 * accuracy.low:.1f}, {100 * accuracy.high:.1f}] ({accuracy.n} seeds)"
