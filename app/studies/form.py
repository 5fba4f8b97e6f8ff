"""The form of a new study: presets, settings checked while they are typed, a plan with price and time, the start.

`st.session_state["new_study"] = {setting: value}` before a switch to the page Studies opens the form filled in; so does
a link such as `/studies?new=1&budget=500`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.findings.words import literal
from app.palette import strategy_order
from app.shell import blocks, state
from app.studies import actions, plan, settings
from app.studies.settings import PRESETS, SETTINGS, Setting, Suited, files_named, with_unit
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.learning.data import DATASETS
from rad_core.learning.device import likely_devices
from rad_core.results.words import about
from rad_core.running.cluster import configured
from rad_core.text import one_line

PREFILL = "new_study"  # values for the form, set by another page
OPEN = "new_open"
_REFUSED = "new_refused"
_CLUSTER = "cluster"  # a device of the form alone: of the configuration it is no part
_ARGUMENT = "new_dataset_argument"
_ASKED = "new_files_asked"  # names of files that somebody typed or chose here, or asked to look at

_DATA = ("labeled", "validation", "pool")
_MODELS = ("teacher", "student", "device")
_PURCHASE = ("budget", "rounds", "seeds")
_PRICE = ("price_per_label", "currency", "latency_per_label")
_ELSEWHERE = {"name", "dataset", "strategies", "gain", *_DATA, *_MODELS, *_PURCHASE, *_PRICE}

# The plan stays in sight while the form is scrolled, and its numbers are never cut. A constant: nothing from a study
# gets into it.
_STYLE = """<style>
.st-key-new-plan { position: sticky; top: 4.5rem; }
.st-key-new-plan [data-testid="stMetricValue"],
.st-key-new-plan [data-testid="stMetricValue"] * { white-space: normal; }
</style>"""


def is_open() -> bool:
    """Whether the form is shown: asked for by a page, by a link or by its button. Kept in the URL as new=1."""
    session = st.session_state
    if PREFILL in session:
        open_form(session.pop(PREFILL))
    elif OPEN not in session:
        session[OPEN] = False
        if st.query_params.get("new") == "1":
            open_form({name: value for name, value in st.query_params.items() if name in SETTINGS}, asked=False)
    for name in SETTINGS:  # they are in the form now; what the user changes there must not disagree with the link
        st.query_params.pop(name, None)
    shown = session[OPEN] and not state.read_only()
    state.keep_in_address("new", "1" if shown else None)
    return shown


def open_form(values: Mapping[str, Any] | None = None, *, asked: bool = True) -> None:
    """Show the form with these values and everything else at its default; without values, as a quick look.

    asked: whether a person here chose them; files that only a link names are not looked at before somebody asks.
    """
    session = st.session_state
    taken, session[_REFUSED] = settings.accept(values or PRESETS["quick"].values)
    try:
        actions.refuse_files(taken)
    except InputError as error:
        session[_REFUSED].append(str(error))
        taken = {name: value for name, value in taken.items() if not files_named({name: value})}
    _fill(taken)
    if asked:
        _asked().update(files_named(taken))
    session[OPEN] = True


def close_form() -> None:
    """Back to the list of studies."""
    st.session_state[OPEN] = False


def _fill(values: Mapping[str, Any]) -> None:
    spec = values.get("dataset", SETTINGS["dataset"].default)
    name, _, st.session_state[_ARGUMENT] = spec.partition(":")
    for setting in SETTINGS.values():
        st.session_state[_key(setting.name)] = name if setting.name == "dataset" else _initial(setting, values)


def _initial(setting: Setting, values: Mapping[str, Any]) -> Any:
    value = values.get(setting.name, setting.default)
    return strategy_order(list(value)) if setting.kind == "choices" else value


def _key(name: str) -> str:
    return f"new_{name}"


def _of_preset(name: str) -> dict[str, Any]:
    return {"dataset": _dataset(), **PRESETS[name].values}


def _offer(name: str) -> None:
    """The button of a preset, what it sets, and how long it takes where that is known."""
    preset, values = PRESETS[name], _of_preset(name)
    st.button(preset.label, key=f"new_preset_{name}", help=preset.help, on_click=_preset, args=[name], width="stretch")
    config = None if _unasked() else _checked(values)[0]
    if config is not None:
        seconds = plan.seconds_like(config)
        took = "" if seconds is None else f"; about {about(seconds)} here"
        st.caption(f"{settings.what_it_sets(config)}{took}.")


def _preset(name: str) -> None:
    values = _of_preset(name)
    st.session_state[_REFUSED] = []
    _fill(values)


def _dataset() -> str:
    name = st.session_state[_key("dataset")]
    return f"{name}:{(st.session_state.get(_ARGUMENT) or '').strip()}" if DATASETS[name].argument else name


def show() -> None:
    """The whole form."""
    st.html(_STYLE)
    top = st.container(horizontal=True, vertical_alignment="bottom")
    with top.container():
        blocks.header(
            "New study", "Which strategy makes the most of a label budget? Choose the terms, see the price, start."
        )
    top.button("All studies", icon=":material/arrow_back:", on_click=close_form)
    for words in st.session_state.get(_REFUSED, []):
        st.warning(literal(words), icon=":material/link:")
    for place, name in zip(st.columns(len(PRESETS)), PRESETS, strict=True):
        with place:
            _offer(name)
    left, right = st.columns([5, 3], gap="large")
    with left:
        _fields(settings.suited(_values(), look=state.files_allowed() and not _unasked()))
    with right, st.container(border=True, key="new-plan"):
        if unasked := _unasked():
            _ask(unasked)
        else:
            plan.show(*_checked(_values()), _start, cluster=_cluster())


def _values() -> dict[str, Any]:
    values = {name: st.session_state.get(_key(name)) for name in SETTINGS} | {"dataset": _dataset()}
    return values | ({"device": "auto"} if _cluster() else {})


def _cluster() -> str:
    """The address of the cluster, where that is the device chosen; else ""."""
    return configured() if st.session_state.get(_key("device")) == _CLUSTER else ""


def _start(config: StudyConfig) -> None:
    if st.session_state[OPEN]:  # a second click on the button comes when the study has started already
        actions.start_new(config, _cluster())
        close_form()


def _checked(values: Mapping[str, Any]) -> tuple[StudyConfig | None, str]:
    try:
        actions.refuse_files(values)
        return settings.to_config(values), ""
    except InputError as error:
        return None, str(error)


# --- files of this machine: what a link names is not looked at before somebody asks ---------------------------------


def _asked() -> set[str]:
    asked: set[str] = st.session_state.setdefault(_ASKED, set())
    return asked


def _unasked() -> list[str]:
    """Files that the form names and nobody wants looked at yet."""
    return [name for name in files_named(_values()) if name not in _asked()]


def _wanted(*settings: str) -> None:
    """Somebody typed what stands in these settings, or wants it looked at."""
    values = _values()
    _asked().update(files_named({name: values[name] for name in settings}))


def _ask(names: list[str]) -> None:
    st.subheader("Look at these files?", anchor=False)
    st.markdown("A link named them. Nothing there is looked at, run or asked before you say so.")
    st.code("\n".join(map(one_line, names)), language=None, wrap_lines=True)
    st.button(
        "Look at them",
        icon=":material/visibility:",
        key="new_look",
        on_click=_wanted,
        args=["dataset", "teacher"],
        width="stretch",
    )


def _fields(suits: Suited) -> None:
    st.subheader("Data", anchor=False)
    beside = _dataset_fields(suits)
    _row(_DATA, suits)
    st.subheader("Models", anchor=False)
    _row(_MODELS, suits)
    st.subheader("Comparison", anchor=False)
    setting = SETTINGS["strategies"]
    st.pills(
        "Strategies to compare",
        strategy_order(list(setting.choices)),
        selection_mode="multi",
        format_func=blocks.short_label,
        key=_key("strategies"),
        persist_state="session",
        wrap=True,
        help="How the points to label are chosen. The oracle knows where the teacher is right: an upper bound.",
    )
    _row(_PURCHASE, suits)
    st.subheader("Price", anchor=False)
    _row(_PRICE, suits)
    with st.expander("More settings", icon=":material/tune:"):
        more = [name for name in SETTINGS if name not in (*_ELSEWHERE, *beside)]
        more.insert(0, "gain")
        for start in range(0, len(more), 2):
            _row(more[start : start + 2], suits)


def _dataset_fields(suits: Suited) -> tuple[str, ...]:
    """The data set and the name of the study; for one's own data where they are, and how much of them there is.

    Returns the settings that stand here for some data sets only.
    """
    left, right = st.columns(2)
    offered = [name for name, about in DATASETS.items() if state.files_allowed() or not about.argument]
    name = left.selectbox(
        "Data set",
        offered,
        key=_key("dataset"),
        persist_state="session",
        format_func=_dataset_words,
        help="Your own images: a folder with a folder for each class, or an .npz file of arrays.",
    )
    _field(SETTINGS["name"], suits, right)
    wanted = DATASETS[name].argument
    if wanted:
        st.text_input(
            f"Path of the {'folder' if name == 'folder' else 'file'}",
            key=_ARGUMENT,
            persist_state="session",
            on_change=_wanted,
            args=["dataset"],
            placeholder=f"{wanted} on the machine that runs the studio",
            help=DATASETS[name].description,
        )
        if suits.words:
            st.caption(literal(suits.words))
        if name == "folder":
            _field(SETTINGS["skip_bad"], suits, st)
            return ("skip_bad",)
    else:
        st.caption(f"{DATASETS[name].description}. Values in gray suit this data set; type over them to change them.")
    return ()


def _dataset_words(name: str) -> str:
    return {"folder": "folder of your images", "arrays": "file of your arrays"}.get(name, name)


def _row(names: tuple[str, ...] | list[str], suits: Suited) -> None:
    places = st.columns(len(names))
    for place, name in zip(places, names, strict=False):
        _field(SETTINGS[name], suits, place)


def _field(setting: Setting, suits: Suited, place: Any) -> None:
    """The widget that suits a setting; left empty it takes what its placeholder says."""
    key, label = _key(setting.name), with_unit(setting)
    common: dict[str, Any] = {"key": key, "help": setting.help, "persist_state": "session"}
    empty = settings.when_empty(setting, suits.values)
    if setting.kind in ("whole", "number"):
        # A field with a default of its own is never empty; one without can be cleared, and then the data set decides.
        blank: Any = "min" if setting.default is not None else None
        steps: dict[str, Any] = {"step": 1} if setting.kind == "whole" else {"step": _step(setting), "format": "%g"}
        place.number_input(label, value=blank, placeholder=empty, **steps, **common)
    elif setting.kind == "flag":
        place.toggle(label, **common)
    elif setting.kind == "choice" and setting.default is not None:
        place.segmented_control(
            label,
            _offered(setting),
            format_func=lambda word: word.replace("_", " "),
            required=True,
            wrap=True,
            **common,
        )
    elif setting.kind == "choice":
        place.selectbox(
            label,
            setting.choices,
            index=None,
            placeholder=empty,
            accept_new_options=setting.open,
            on_change=_wanted,
            args=[setting.name],
            **common,
        )
    else:
        place.text_input(label, placeholder=empty, **common)


def _offered(setting: Setting) -> list[str]:
    """The choices of a setting; of the devices those of this machine, and one that the form was filled with.

    Where a cluster is configured (RAD_CLUSTER) it is a device as well.
    """
    if setting.name != "device":
        return list(setting.choices)
    here, chosen = likely_devices(), st.session_state.get(_key(setting.name))
    offered = [name for name in setting.choices if name in here or name == chosen]
    return [*offered, _CLUSTER] if configured() else offered


def _step(setting: Setting) -> float:
    """A step of a number field that changes a small number by little."""
    return 0.01 if not setting.default or setting.default > 0.1 else setting.default / 3
