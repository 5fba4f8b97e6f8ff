"""The game with ten points, to play with: drag the gains, see the adversary answer and what each rule guarantees."""

from __future__ import annotations

import streamlit as st

from app.components.bars import STEPS, draggable_bars, moved, set_bars
from app.figures import small_game_chart
from app.palette import strategy_style, text_color
from app.shell import blocks, state
from rad_core.selection.game import Equilibrium, game_value, solve_game
from rad_core.selection.whatif import inclusion

KEY = "game_bars"
PRESETS: dict[str, tuple[int, ...]] = {
    "Reset": (95, 88, 80, 68, 60, 50, 42, 30, 22, 12),
    "One star": (95, 20, 20, 20, 20, 20, 20, 20, 20, 20),
    "All alike": (60,) * 10,
    "Long tail": (96, 62, 41, 27, 18, 12, 9, 7, 6, 5),
}
DEFAULT = PRESETS["Reset"]
POINTS = len(DEFAULT)
BUDGET, WRONG = 3, 3


def draw() -> None:
    """The whole game as one part of the page that is answered without the rest."""
    st.fragment(_play)()


def _play() -> None:
    gains = _gains()
    bars, controls = st.columns([0.7, 0.3], gap="medium")
    with controls:
        budget = st.slider("Labels you can pay for", 1, POINTS, BUDGET, key="game_b", bind="query-params")
        wrong = st.slider(
            "Teacher mistakes",
            0,
            POINTS,
            WRONG,
            key="game_k",
            bind="query-params",
            help="On how many of the ten points the teacher labels wrong. An adversary decides on which.",
        )
        with st.container(horizontal=True, gap="small"):
            for name in PRESETS:
                st.button(name, key=f"game-{name}", on_click=_preset, args=[name])
    game = solve_game([gain / STEPS for gain in gains], budget, wrong=wrong)
    values = guarantees(gains, game)
    with controls:
        _compare(values)
    sentence = interpretation(game, values)
    with bars:
        draggable_bars(gains, budget, wrong, sentence, key=KEY, on_move=_on_move)
        st.info(sentence, icon=":material/lightbulb:")
        st.caption("Striped: what the adversary shaves off. Drag the bars, or Tab to one and use the arrow keys.")
    with st.expander(
        "As a chart, with its numbers", icon=":material/table:", key="game-chart", on_change="rerun"
    ) as box:
        if box.open:
            chart = small_game_chart([gain / STEPS for gain in gains], game, theme=state.theme())
            blocks.chart(chart, "small-game", basis="estimate")


# --- the gains: in the session while the page is open, in the address for a link ------------------------------------


def _gains() -> list[int]:
    if "game_gains" not in st.session_state:
        st.session_state["game_gains"] = _from_address(st.query_params.get("game_g"))
    gains: list[int] = st.session_state["game_gains"]
    state.keep_in_address("game_g", None if tuple(gains) == DEFAULT else ".".join(map(str, gains)))
    return gains


def _from_address(text: str | None) -> list[int]:
    """The gains of a link; those of one that makes no sense fall back to the first example."""
    parts = (text or "").split(".")
    if len(parts) != POINTS or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return list(DEFAULT)
    return [min(STEPS, int(part)) for part in parts]


def _on_move() -> None:
    gains = moved(KEY, POINTS)
    if gains is not None:
        st.session_state["game_gains"] = gains


def _preset(name: str) -> None:
    st.session_state["game_gains"] = list(PRESETS[name])
    set_bars(KEY)
    if name == "Reset":
        st.session_state.update(game_b=BUDGET, game_k=WRONG)


# --- what it means --------------------------------------------------------------------------------------------------


def guarantees(gains: list[int], game: Equilibrium) -> dict[str, float]:
    """What each rule gets for certain, in the worst case for that rule: rad, uniform, greedy."""
    shares = [gain / STEPS for gain in gains]
    others = {
        rule: game_value(inclusion(shares, game.budget, game.wrong, rule), shares, game.wrong)
        for rule in ("uniform", "greedy")
    }
    return {"rad": game.value, **others}


def _compare(values: dict[str, float]) -> None:
    """Three bars with their numbers: constants, but for the numbers."""
    dark = state.theme() == "dark"
    longest = max(values.values()) or 1.0
    rows = "".join(
        f'<strong style="color:{text_color(strategy_style(style).color, dark)}">{label}</strong>'
        f'<span style="height:0.8rem;border-radius:3px;background:{strategy_style(style).color};'
        f'width:{100 * values[rule] / longest:.0f}%"></span><strong>{values[rule]:.2f}</strong>'
        for label, rule, style in (
            ("RAD", "rad", "rad"),
            ("Uniform", "uniform", "uniform"),
            ("Greedy", "greedy", "margin"),
        )
    )
    st.markdown(
        "**Guaranteed gain**",
        help="What each choice is sure to bring on average, whatever the adversary does. Uniform: every point equally "
        "likely. Greedy: the most informative points, for certain. One unit is a right label of a perfectly "
        "informative point.",
    )
    st.html(
        '<div style="display:grid;grid-template-columns:auto 1fr auto;gap:0.35rem 0.7rem;align-items:center">'
        f"{rows}</div>"
    )
    st.caption(
        f"Greedy would guarantee {values['greedy']:.2f}, uniform {values['uniform']:.2f}, RAD {values['rad']:.2f}."
    )


def interpretation(game: Equilibrium, values: dict[str, float]) -> str:
    """What the numbers say, in a sentence or two."""
    labels = f"{game.budget} label{'' if game.budget == 1 else 's'}"
    mistakes = f"{game.wrong} mistake{'' if game.wrong == 1 else 's'}"
    if game.wrong == 0:
        return f"A teacher that is never wrong leaves nothing to fear: RAD buys the {game.budget} most informative."
    if game.value <= 0:
        return f"With {mistakes} the adversary can spoil every point that is worth anything: nothing can be guaranteed."
    attacked = sum(1 for share in game.attack if share > 1e-9)
    points = "the best point" if attacked == 1 else f"the {attacked} best points"
    sure = sum(1 for share in game.q if share > 1 - 1e-9)
    certain = f", {sure} of them for certain" if sure else ""
    buys = (
        f"With {mistakes} the adversary shaves {points} down to {game.waterline:.2f}. RAD spreads {labels} over "
        f"{game.support} points{certain} and keeps {game.value:.2f}."
    )
    return f"{buys} {_against_greedy(game, values)}"


def _against_greedy(game: Equilibrium, values: dict[str, float]) -> str:
    greedy, uniform = values["greedy"], values["uniform"]
    if greedy <= 0:
        return "Buying just the best points could lose everything."
    if game.value - max(greedy, uniform) < 0.005:
        best = "greedy" if greedy >= uniform else "uniform"
        return f"Here the {best} choice guarantees as much."
    return f"Buying just the best points is only sure of {greedy:.2f}, choosing blindly of {uniform:.2f}."
