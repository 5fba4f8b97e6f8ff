"""What surrounds every page: navigation, the picker of the study, what is running, the presenting mode."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from app.findings.words import literal
from app.results import shipped
from app.shell import blocks, campaigns, purchase, state
from app.shell.doorkeeper import password_file
from rad_core.store import light_copy
from rad_core.store.study import StudyInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamlit.navigation.page import StreamlitPage

# Constant texts: nothing from a study may ever get into them.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 1.6rem; padding-bottom: 3rem; max-width: 1500px; }
@media (max-width: 768px) { [data-testid="stMainBlockContainer"] { padding-top: 3.2rem; } }
[data-testid="stSidebarUserContent"] { padding-bottom: 2rem; }
[data-testid="stSidebar"] input[role="combobox"] { text-overflow: ellipsis; }
[data-testid="stHeader"] { background: none; }
[data-testid="stHeader"], [data-testid="stHeader"] * { pointer-events: none; }
[data-testid="stHeader"] :is(a, a *, button, button *) { pointer-events: auto; }
[data-testid="stLayoutWrapper"]:has(> .st-key-foot) { position: sticky; bottom: 0; z-index: 90; }
button[data-testid^="stBaseButton-primary"] kbd { opacity: 1; }
</style>"""
# White on the primary color is too faint in the dark theme.
_DARK = """<style>
button[data-testid^="stBaseButton-primary"] { color: #0E1117; }
button[data-testid^="stBaseButton-primary"]:is(:hover, :focus, :active):enabled { background-color: #A3B3DA; }
[data-baseweb="tag"] { color: #0E1117; }
</style>"""
_PRESENTING = """<style>
html { font-size: 125%; }
[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none; }
</style>"""

_WITHOUT_STUDY = {"data", "method"}  # pages that do not look at a study
_SELDOM = 3600.0  # seconds
_EXAMPLE = "◇"  # in front of a name: behind it there is no room


def navigation(pages: Mapping[str, Sequence[StreamlitPage]]) -> StreamlitPage:
    """The pages on the left, or on top while presenting."""
    st.html(_STYLE + (_DARK if state.theme() == "dark" else ""))
    st.logo(str(shipped.assets() / "logo.svg"), size="large")
    if presenting():  # each page a click away, without menus
        st.html(_PRESENTING)
        return st.navigation([page for group in pages.values() for page in group], position="top")
    return st.navigation(pages, position="sidebar", expanded=True)


def presenting() -> bool:
    """Whether the page is shown to an audience: large, without controls on the left. In the URL as present=1."""
    if "present" not in st.session_state:
        st.session_state["present"] = st.query_params.get("present") == "1"
    return bool(st.session_state["present"])


def present(on: bool) -> None:
    """Start or end presenting."""
    st.session_state["present"] = on


def sidebar(page: StreamlitPage) -> None:
    """Everything beside the page."""
    infos = state.choices()
    study_id = state.wanted_study(infos)
    st.session_state["run"] = study_id
    with st.sidebar:
        if page.url_path not in _WITHOUT_STUDY and study_id is not None:
            _picker(infos, study_id)
            with blocks.spoken_errors():
                if campaigns.in_view() is None:
                    view = state.open_view(st.session_state["run"])
                    purchase.current(view)  # before any page asks for the seed and the round
                    _provenance(view)
        _jobs()
        _settings()
        st.button(
            "Present",
            icon=":material/slideshow:",
            width="stretch",
            on_click=present,
            args=[True],
            help="Larger type and no controls on the left, for a projector.",
        )
        if password_file() is not None:
            place = f"{st.get_option('server.baseUrlPath').rstrip('/')}/logout"
            st.html(f'<a href="{place}" target="_self" style="color: inherit; font-size: 0.875rem">Log out</a>')
    if presenting():
        st.button(
            "Leave presentation", icon=":material/close_fullscreen:", type="tertiary", on_click=present, args=[False]
        )
    state.keep_in_address("run", study_id and st.session_state["run"])
    state.keep_in_address("present", "1" if presenting() else None)


def _picker(infos: list[StudyInfo], study_id: str) -> None:
    examples = {info.id for info in state.demos()}
    names = picker_names(infos, examples)
    if missing := st.session_state.get("missing"):
        st.warning(literal(f"There is no study “{missing}” here; showing this one instead."))
    # Not by index: a select box whose default changes is another one, and forgets what was chosen in it.
    st.session_state["picker"] = study_id
    st.selectbox(
        "Study",
        list(names),
        format_func=names.__getitem__,
        key="picker",
        on_change=_pick,
        help=f"{_EXAMPLE} marks examples shipped with RAD Studio." if examples & set(names) else None,
    )


def picker_names(infos: list[StudyInfo], examples: set[str]) -> dict[str, str]:
    """How the studies are called in the picker, by id: name and day, with the time of day where both are another's."""
    own = [info for info in infos if info.id not in examples]
    days = Counter((state.study_title(info), blocks.day(info.created)) for info in own)
    names = {}
    for info in infos:
        title = state.study_title(info)
        alone = days[title, blocks.day(info.created)] == 1
        when = f"{title}, {blocks.day(info.created, minute=not alone)}"
        running = "" if info.status == "finished" else f" · {info.status}"
        if info.status == campaigns.STATUS:
            names[info.id] = f"{title} · {campaigns.STATUS}"
        else:
            names[info.id] = (f"{_EXAMPLE} {title}" if info.id in examples else when) + running
    return names


def _pick() -> None:
    st.session_state["run"] = st.session_state["picker"]
    st.session_state.pop("missing", None)


def _missing_seed(view: state.View) -> str:
    """The seed that a link asked for and a light copy came without, until another study is picked; empty for none."""
    there, asked, session = view.read(light_copy.seeds_with_points), st.query_params.get("seed", ""), st.session_state
    if asked in {str(seed) for seed in view.study.seeds() if seed not in there}:
        session["missing_seed"] = (view.study.id, asked)
    elif session.get("missing_seed", ("",))[0] != view.study.id:
        session.pop("missing_seed", None)
    return session["missing_seed"][1] if "missing_seed" in session else ""


def _provenance(view: state.View) -> None:
    with st.container(border=True, gap="xsmall"):
        row = st.container(horizontal=True)
        blocks.status_badge(view.info, row)
        if view.demo:
            row.badge("example", color="gray", help="Shipped with RAD Studio.")
        st.caption(blocks.provenance(view))
        if missing := view.read(light_copy.missing_points):
            st.caption(missing)
            if seed := _missing_seed(view):
                st.caption(f"The points of seed {seed} did not come with this copy; showing another seed.")
        if view.info.message:
            st.caption(literal(view.info.message))


def _jobs() -> None:
    """What is running now, read again every second while something is."""
    busy = any(info.status in state.BUSY for info in state.studies()) or bool(campaigns.running())
    # Never None: a tab asks a restarted server for its page again only if something on it runs by itself. Without, no
    # control inside a fragment would do anything there.
    st.fragment(_job_chips, run_every=1.0 if busy else _SELDOM)(busy)


def _job_chips(were_busy: bool) -> None:
    busy = [info for info in state.studies() if info.status in state.BUSY]
    for info in busy:
        counted = f"{info.rounds_done} of {info.rounds_total} rounds" if info.status == "running" else "waits its turn"
        st.progress(info.rounds_done / max(1, info.rounds_total), text=f"{literal(state.study_title(info))}: {counted}")
    runs = campaigns.running()
    for name in runs:
        st.badge(literal(f"{name} runs by itself"), color="blue")
    if were_busy and not busy and not runs:  # the last one has just ended: the page has new results to show
        st.rerun()


def _settings() -> None:
    with st.popover("View", icon=":material/visibility:", width="stretch"):
        st.segmented_control(
            "Chart images download as",
            ["svg", "png"],
            default="svg",
            key="image_format",
            persist_state="session",
            format_func=str.upper,
            required=True,
            help="The camera button over a chart saves it: SVG to edit and to print, PNG to paste.",
        )
