"""The purchase in view: budget, teacher, pair of rules, price. One state for all pages of a study, in the address.

Somebody's own pool has one of the same kind (Own), without seed and round.

Short names that never change: b (labels), m (the teacher's accuracy in percent, absent while it is the estimate), a and
vs (strategies), price, seed, round; beside them the study (run).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from app.results import reading
from app.shell import state
from app.shell.state import View
from rad_core.selection.strategies import STRATEGIES
from rad_core.store import light_copy

NAMES = ("b", "m", "a", "vs", "price")
WHERE = ("seed", "round")  # whole numbers that every page reads from the session under these names
# Of links made before.
_OLD_NAMES = {
    "b": ("budget_b", "scores_b", "lab_b"),
    "m": ("budget_m", "scores_m", "lab_m"),
    "price": ("budget_price", "lab_price"),
    "round": ("map_round",),
}
_KEPT, _KEPT_OWN = "purchase", "own purchase"
_MOST_PRICE = 1e9


@dataclass(frozen=True)
class Purchase:
    """b: labels to buy. m: the teacher's accuracy (0 to 1) assumed, None for the estimate. price: of a label."""

    b: int
    m: float | None
    a: str
    vs: str
    price: float

    @property
    def address(self) -> dict[str, str]:
        """As it stands in an address."""
        texts = {"b": str(self.b), "a": self.a, "vs": self.vs, "price": _plain(self.price)}
        return texts if self.m is None else texts | {"m": _plain(round(100 * self.m, 1))}


@dataclass(frozen=True)
class Own:
    """Somebody's own pool: another id for other contents, and the purchase that it opens with.

    campaign: whether it is that of a campaign, which is picked like a study.
    """

    id: str
    usual: Purchase
    campaign: bool = False


Subject = View | Own


def default(view: Subject) -> Purchase:
    """The study's own budget and price, RAD against uniform or what there is."""
    if isinstance(view, Own):
        return view.usual
    a, vs = reading.first_pair(view.config.strategies)
    return Purchase(view.config.budget, None, a, vs, view.config.price_per_label)


def _identity(view: Subject) -> tuple[str, str | Own]:
    """Under which name a purchase is kept, and whose it is."""
    if isinstance(view, Own):
        return (_KEPT if view.campaign else _KEPT_OWN), view
    return _KEPT, view.study.id


def current(view: Subject) -> Purchase:
    """The purchase in view: what was last set for this study, else what the address asks for, else the study's own."""
    place, whose = _identity(view)
    kept = st.session_state.get(place)
    if kept is not None and kept[0] == whose:
        return kept[1]
    asked: dict[str, Any] = {}
    if kept is None:
        asked = {name: _asked(name) for name in NAMES}
        for name in () if isinstance(view, Own) else WHERE:
            if (text := str(_asked(name) or "")).isdecimal() and len(text) < 9:
                st.session_state.setdefault(name, int(text))
    elif isinstance(view, Own) and not view.campaign:  # another file of the same person: what they set stays
        before = asdict(kept[0].usual)
        asked = {name: value for name, value in asdict(kept[1]).items() if value != before[name]}
    else:  # another study: what was looked at in the last one means nothing here
        for name in WHERE:
            st.session_state.pop(name, None)
    return keep(view, changed(default(view), asked))


def keep(view: Subject, purchase: Purchase) -> Purchase:
    """Make this the purchase in view."""
    place, whose = _identity(view)
    st.session_state[place] = (whose, purchase)
    return purchase


def _asked(name: str) -> str | float | None:
    spellings = (name, *_OLD_NAMES.get(name, ()))
    text = next((st.query_params[each] for each in spellings if each in st.query_params), None)
    if name != "m" or text is None:
        return text
    percent = _number(text)
    return None if percent is None else percent / 100


def changed(purchase: Purchase, wishes: Mapping[str, Any]) -> Purchase:
    """With what was wished for, by name; what makes no sense is left as it was."""
    b, m, price = (_number(wishes.get(name)) for name in ("b", "m", "price"))
    if b is not None and b >= 1:
        purchase = replace(purchase, b=int(min(b, 2**53)))
    if m is not None and 0 <= m <= 1:
        purchase = replace(purchase, m=round(m, 3))
    if price is not None and 0 <= price <= _MOST_PRICE:
        purchase = replace(purchase, price=price)
    a, vs = wishes.get("a"), wishes.get("vs")
    a, vs = (a if a in STRATEGIES else purchase.a), (vs if vs in STRATEGIES else purchase.vs)
    return replace(purchase, a=a, vs=vs) if a != vs else purchase


def _number(value: object) -> float | None:
    """A finite number, also written as text."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    """As JavaScript writes it: 2 and not 2.0."""
    return str(int(number)) if number == int(number) else repr(number)


def keep_in_address(view: Subject) -> None:
    """Write what is not the study's own into the address, under its short names."""
    texts, usual = current(view).address, default(view).address
    if not isinstance(view, Own):
        usual |= {"round": "1", "seed": str(next(iter(view.read(light_copy.seeds_with_points)), 0))}
        texts |= {"round": str(state.current_round(view)), "seed": str(state.current_seed(view))}
    names, now = (*NAMES, *WHERE), st.query_params.to_dict()
    old = {name for spellings in _OLD_NAMES.values() for name in spellings}
    wanted = {name: text for name, text in now.items() if name not in old}
    for name in names:
        if texts.get(name) != usual.get(name):
            wanted[name] = texts[name]
        else:
            wanted.pop(name, None)
    if wanted == now:
        return
    try:
        st.query_params.from_dict(wanted)  # at once: each writing is a message of its own
    except StreamlitAPIException:  # a widget has written there, too, and whose is its own
        for name in now.keys() - wanted.keys():
            del st.query_params[name]
        if fresh := {name: wanted[name] for name in names if name in wanted and wanted[name] != now.get(name)}:
            st.query_params.update(fresh)


def take(view: Subject, event: Mapping[str, Any]) -> None:
    """Set what a person did with the instrument or the bar."""
    purchase = current(view)
    if "m" in event and event["m"] is None:
        purchase = replace(purchase, m=None)
    keep(view, changed(purchase, event))
    for name in WHERE:
        if isinstance(event.get(name), int):
            st.session_state[name] = event[name]


def for_browser(view: Subject) -> dict[str, Any]:
    """The state and what it is without anybody's doing, as the browser gets them."""
    usual = default(view)
    return {"state": asdict(current(view)), "defaults": {k: v for k, v in asdict(usual).items() if k != "m"}}


def listener(key: str, view: Subject, happened: Callable[[str], dict[str, Any]]) -> Callable[[], None]:
    """What to do once a person has let go of a handle of this key."""

    def listen() -> None:
        take(view, happened(key))

    return listen
