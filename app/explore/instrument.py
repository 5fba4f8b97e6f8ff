"""The instrument of the page Explore, and its bar on the other pages: which pool, which rules, which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.components.explore import component
from app.components.map.wire import Blob
from app.explore import payload
from app.palette import WRONG_COLOR, strategy_order, strategy_style
from app.results import reading
from app.shell import blocks, purchase, state
from app.shell.purchase import Purchase, Subject
from app.shell.state import View
from rad_core.selection.strategies import ORACLES
from rad_core.store import light_copy
from rad_core.store.study import Study

KEY = "explore"
_BAR = "bar"
# Constant texts: nothing from a study may ever get into them. The verdict and the instrument fit one screen together.
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 0.7rem 1.2rem 2rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.5rem; }
.st-key-verdict h1 { font-size: 1.3rem; line-height: 1.3; padding: 0 0 1rem; }
.st-key-verdict p { font-size: 0.85rem; line-height: 1.35; }
.st-key-verdict { padding-right: 2.6rem; min-height: 4.6rem; }
.st-key-verdict-text { min-width: min(20rem, 90vw); }
@media (max-width: 768px) {
  [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; }
  .st-key-verdict { padding-right: 0; flex-wrap: wrap; }
  .st-key-verdict > [data-testid="stLayoutWrapper"]:first-child { flex: 1 0 100%; }
}
</style>"""
_LIVE = ("rad", "uniform")  # and the gain's own strategy and the oracle: functions of the gains alone


@dataclass(frozen=True)
class Stand:
    """Where a study is looked at: whose pool (strategy), which seed, before which round's purchase."""

    strategy: str
    seed: int
    round: int
    rounds: tuple[int, ...]  # whose purchases can be looked at
    wished: Purchase


def stand(view: View) -> Stand | None:
    """The pool in view, or None where nothing has been trained yet."""
    seeds = view.read(light_copy.seeds_with_points)
    if not seeds:
        return None
    seed, wished = state.current_seed(view), purchase.current(view)
    finished = {name: view.read(reading.last_round, name, seed) for name in state.with_results(view, seed, 0)}
    if not finished:
        return None
    a = wished.a if wished.a in finished else max(finished, key=lambda name: (finished[name], name == "rad"))
    last = min(view.config.rounds, finished[a] + 1)
    return Stand(a, seed, min(state.current_round(view), last), tuple(range(1, last + 1)), wished)


def verdict(head: str, beside: str, details: str | None = None) -> DeltaGenerator:
    """The title of the page, and gray words under it; returns the place for buttons beside them.

    head, beside, details: Markdown; the details are the help of the title.
    """
    with st.container(key="verdict", horizontal=True, vertical_alignment="top"):
        with st.container(gap=None, width="stretch", key="verdict-text"):
            st.title(head, anchor=False, help=details)
            if beside:
                st.markdown(f":gray[{beside}]")
        return st.container(horizontal=True, width="content", vertical_alignment="center")


def draw(view: View, here: Stand) -> None:
    """The instrument."""
    component.instrument(
        _pool(view, here), _beside(view, here, KEY), key=KEY, on_change=purchase.listener(KEY, view, component.happened)
    )


def bar(view: View) -> None:
    """The bar alone, at the foot of a page."""
    here = stand(view)
    if here is None:
        return
    purchase.keep_in_address(view)
    component.bar(_beside(view, here, _BAR), key=_BAR, on_change=purchase.listener(_BAR, view, component.happened))


def _pool(view: View, here: Stand) -> Blob:
    umap = payload.umap(view.study, here.seed)
    places = view.read(payload.pca, here.seed) if umap is None else umap
    return state.remember(
        lambda: payload.pool_blob(view.study, here.strategy, here.seed, here.round, places),
        *("explore pool", view.key, here.strategy, here.seed, here.round, umap is None),
    )


def _beside(view: View, here: Stand, key: str) -> dict[str, Any]:
    """What travels beside the pool."""
    facts = view.read(payload.facts, here.strategy, here.seed, here.round)
    rules = offered(view, here)
    bought = {
        rule: view.read(picks_of, rule, here.seed, here.round)
        for rule in (here.wished.a, here.wished.vs)
        if rule in rules and not live(view, rule)
    }
    where = {"rounds": list(here.rounds), "seeds": list(view.read(light_copy.seeds_with_points)), "seed": here.seed}
    data = beside(view, key, facts, rules, bought, where)
    data["state"]["b"] = min(here.wished.b, facts["size"])
    return data


def beside(
    subject: Subject,
    key: str,
    facts: dict[str, Any],
    rules: list[str],
    bought: dict[str, list[int]],
    where: dict[str, Any],
) -> dict[str, Any]:
    """What travels beside a pool, a study's or somebody's own.

    rules: offered. bought: of rules that look at more than the gains, pool positions. where: the seeds and rounds that
    can be looked at, and the seed in view.
    """
    return {
        **purchase.for_browser(subject),
        "facts": facts,
        "options": {
            "rules": [[rule, blocks.short_label(rule)] for rule in rules],
            "colors": {rule: strategy_style(rule).color for rule in rules},
            "wrong": WRONG_COLOR,
            **where,
        },
        "bought": bought,
        "sequence": component.happened(key).get("sequence", 0),
        "dark": state.theme() == "dark",
    }


def live(view: View, rule: str) -> bool:
    """Whether a rule is a function of the gains alone, and so answers any budget."""
    return rule in (*_LIVE, *ORACLES, view.config.gain)


def offered(view: View, here: Stand) -> list[str]:
    """Rules to look at: those that answer any budget, and those that have bought in this round, as they did."""
    have = state.with_results(view, here.seed, here.round)
    wished = (here.wished.a, here.wished.vs)
    oracles = ORACLES if reading.knows_pool(view.study) else ()
    named = [*_LIVE, view.config.gain, *oracles, *have, *(rule for rule in wished if rule in view.config.strategies)]
    return strategy_order(list(dict.fromkeys(named)))


def picks_of(study: Study, strategy: str, seed: int, round_: int) -> list[int]:
    """Pool positions that a rule bought in a round; none where it has not come so far."""
    if round_ not in study.finished_rounds(strategy, seed):
        return []
    return np.asarray(reading.bought(study, strategy, seed, round_)).tolist()
