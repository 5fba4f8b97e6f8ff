"""Where the points of the map lie: UMAP or PCA of the teacher's or the student's features."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.findings.words import literal
from app.results import reading
from app.shell import blocks, state
from rad_core.results.words import about
from rad_core.running import maps
from rad_core.store.study import Study

SOURCES = {"teacher": "teacher_features", "student": "student_features"}
METHODS = {"umap": "UMAP", "pca": "PCA"}


def choose(view: state.View, seed: int) -> tuple[str, str]:
    """Whose features and which method the points are placed by, chosen among what there is (a light copy has less)."""
    ready = view.read(maps.layouts, seed) or [("teacher_features", "umap")]
    source = _among(
        "Alike in the eyes of",
        {name: name.capitalize() for name, array in SOURCES.items() if array in dict(ready)},
        "map_features",
        "The map is made of the features of the teacher, or of the student trained on the labeled images alone.",
    )
    method = _among(
        "Layout",
        {name: words for name, words in METHODS.items() if (SOURCES[source], name) in ready},
        "map_layout",
        "UMAP keeps neighbors together. PCA is the flattest view of the features, there at once.",
    )
    return source, method


def _among(label: str, words: dict[str, str], key: str, help_: str) -> str:
    """One of several; kept in the URL where there is a choice."""
    if len(words) == 1:
        st.session_state.pop(key, None)
        return next(iter(words))
    return blocks.choose_one(label, words, key, help=help_)


def place(view: state.View, seed: int, source: str, method: str) -> tuple[np.ndarray, str]:
    """The points (N, 2) and the method that placed them: PCA as long as the UMAP that was asked for is not there."""
    umap = maps.read_map(view.study, seed, SOURCES[source]) if method == "umap" else None
    if umap is not None:
        return umap, "umap"
    return view.read(reading.pca, seed, SOURCES[source]), "pca"


def wait_for_umap(view: state.View, seed: int, source: str) -> None:
    """Why this is a PCA, looked at again every second until the UMAP is there."""
    if state.read_only():
        st.caption(
            "This is a PCA. The UMAP of this pool is not computed yet, and here nothing can be "
            "started; open the study in a studio that is not read-only."
        )
    else:
        st.fragment(_watch, run_every=1.0, key="map-watch")(view.study, seed, SOURCES[source])


def _watch(study: Study, seed: int, source: str) -> None:
    with blocks.spoken_errors():
        started = st.session_state.setdefault("map-started", set())
        status = maps.map_state(study, seed, source)
        wanted = (study.id, study.info().created, seed, source)
        seconds = maps.map_seconds(study, seed, source)
        if status == "absent" and wanted not in started:
            if seconds > maps.LONG_SECONDS:
                st.caption("This is a PCA. A UMAP keeps neighbors together.")
                label = f"Compute the UMAP (about {about(seconds)})"
                st.button(
                    label,
                    icon=":material/scatter_plot:",
                    on_click=_start,
                    args=[study, seed, source],
                    key="map-compute",
                )
                return
            started.add(wanted)  # first: what fails to start is not started again every second
            maps.start_map(study, seed, source)
            status = maps.map_state(study, seed, source)
        if status == "ready":
            st.session_state["map-news"] = "UMAP is ready."
            st.rerun()
        if status == "computing":
            count = len(reading.labels(study, seed))
            st.caption(
                f"PCA for now. The UMAP of {count:,} points is being computed "
                f"(about {about(seconds)}); the map changes over by itself. Studies lists it, with a button to stop it."
            )
            return
        why = status.removeprefix("failed: ") if status != "absent" else "its process ended early."
        st.warning(f"This is a PCA; the UMAP could not be computed: {literal(why)}", icon=":material/warning:")
        st.button("Try again", on_click=_start, args=[study, seed, source], key="map-again")


def _start(study: Study, seed: int, source: str) -> None:
    with blocks.spoken_errors():
        st.session_state.setdefault("map-started", set()).add((study.id, study.info().created, seed, source))
        maps.start_map(study, seed, source)


def name(layout: str) -> str:
    """A layout of a link in words; also of one that never was."""
    method, _, source = layout.partition("-")
    return f"{METHODS[method]} of the {source}" if method in METHODS and source in SOURCES else "another layout"


def provenance(view: state.View, seed: int, layout: str, rounds: int) -> str:
    """Which features and method made the map, and how far the study has come."""
    method, source = layout.split("-")
    array = maps.mapped_array(view.study, seed, SOURCES[source])
    of = "probabilities (it has no features)" if array == maps.WITHOUT_FEATURES else "features"
    network = view.config.teacher if source == "teacher" else view.config.student
    fitted = maps.fitted_on(view.study, seed, SOURCES[source], method)
    sample = "" if fitted is None else f" (fitted on {fitted:,}, the others placed among them)"
    parts = [
        f"{METHODS[method]} of the {source}'s {of}",
        literal(network),
        f"{len(reading.labels(view.study, seed)):,} points{sample}",
        f"seed {seed}",
    ]
    planned = view.config.rounds
    if rounds < planned:
        parts.append(f"{rounds} of {planned} rounds finished so far")
    return " · ".join(parts)
