"""The words of the page Method: the setting, what is not promised, and the reference."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app.findings.references import bibtex
from app.method import tried
from app.palette import WRONG_COLOR, strategy_label, strategy_order, strategy_style, text_color
from app.shell.state import theme
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import STRATEGIES

SENTENCES = (
    "You have a **teacher**: a large model, accurate but expensive, and sometimes wrong.",
    "You want a **student**: a small model, cheap to run, as accurate as possible.",
    "The student learns from the teacher's answers on a large **pool** of points without labels, and you can pay for "
    "only some of those answers: the **budget**.",
    "A label is taken to be most informative where the student is unsure; there the teacher, too, tends to be wrong, "
    "and a wrong label may do harm.",
    "RAD knows how often the teacher errs but not where; so it chooses as if an **adversary** placed the mistakes, and "
    "buys what is worth most even then.",
)

GLOSSARY = {
    "Labels bought": "Points of the pool that the teacher was asked to label, and paid for.",
    "Teacher mistakes (k)": "How many points of the pool the teacher may label wrong: (1 - its accuracy) x pool size.",
    "Gain (g)": "How informative a point's label is taken to be, from 0 to 1: how unsure the student is about it.",
    "Budget (b)": "How many labels one round may buy.",
    "Waterline": "The level down to which the adversary shaves the best points. It is the price of a label: what one "
    "more label is worth in the worst case.",
    "Cap": "No point's chance of being bought, times its gain, exceeds it: no single mistake can cost more.",
    "Guarantee (V)": "The gain of rightly labeled points that a purchase brings on average, even if the mistakes fall "
    "where they hurt most.",
    "Student": "The small model that is trained, from scratch in every round, on the labeled set and what was bought.",
    "Teacher": "The large model that is asked for soft labels: a probability for every class.",
    "Labeled set": "A few points with true labels. The teacher was trained on them, and the student starts from them.",
    "Validation set": "Points with true labels that nobody trains on: they tell how often the teacher is right.",
    "Pool": "The many points without labels, from which we buy.",
    "Round": "Score the pool with the student, choose, buy, train the student again, test it.",
    "Oracle": "A rule that knows where the teacher is right. Nobody does: it shows what could be reached at best.",
}

LIMITS = (
    "**The teacher's accuracy is estimated** on the validation set and carries its uncertainty; where it matters, use "
    "its lower bound. If the teacher is worse on the pool than on the validation set, the guarantee does not hold.",
    "**It speaks of gain, not of accuracy.** What is guaranteed is the expected gain of rightly labeled points. That "
    "such points make a better student is plausible and has to be measured: that is what a study is for.",
    "**It is an average over the draw.** RAD draws at random; one single draw may bring less than the guarantee.",
    "**Real teachers are no adversaries.** Where their mistakes are spread at random or the teacher is nearly perfect, "
    "caution costs a little, and plain active learning may win. The curves show it where it happens.",
    "**Right or wrong is all it looks at.** A soft label that is right but vague, or wrong but nearly right, counts "
    "as fully right or fully wrong.",
    "**Few seeds show only large differences.** With three to five seeds the intervals are wide. “No difference "
    "shown” does not mean “no difference”.",
)

MEASURES = {
    "Accuracy": "Share of the test set that the student gets right after a round. The test set is used for nothing "
    "else.",
    "Worth it": "For each rule, accuracy after the last round minus that of the same seed without any bought label. "
    "Yes where a rule's interval, corrected for all rules of the study (Holm), lies above 0; no where all lie below; "
    "else not shown.",
    "95 % interval over seeds": "Each seed has its own split, teacher and student. Student's t distribution over the "
    "seeds' values: mean ± t(n - 1) · s / √n; of shares kept within 0 and 1. Fewer than three seeds have none.",
    "95 % interval of a share": "For shares of right answers (the teacher's accuracy, picks labeled right): exact "
    "binomial interval of Clopper and Pearson.",
    "Paired difference": "One rule minus another within each seed, after the last round, then mean and interval, "
    "corrected for the comparisons of that rule with all others (Holm). A winner is named only where the interval "
    "excludes zero.",
    "Labels needed for an accuracy": "Where the best curve that never falls (isotonic regression) through the mean "
    "accuracies, round 0 included, first reaches it, linear between rounds; “not reached” where it does not. Nothing "
    "is extrapolated. Interval: bootstrap over seeds, widened for few of them.",
    "Teacher's accuracy": "Estimated on the checked examples of the validation set: the only one that a user has and "
    "that the game gets. On the whole pool, and on what is left of it to buy, it is known in a simulation only.",
    "Picks labeled right": "Share of the labels bought on which the teacher's likeliest class is the true one. For "
    "mixed images it is undefined.",
    "Guarantee of a rule": "Chance of buying times gain for every point, without the k largest products. It can be "
    "checked: what the rule is sure of never exceeds what the adversary's attack leaves, and for RAD both agree.",
}


def setting() -> None:
    """What the whole thing is about, in five sentences and a picture."""
    st.subheader("The setting", anchor=False, divider="gray")
    st.markdown("\n".join(f"{number}. {sentence}" for number, sentence in enumerate(SENTENCES, 1)))
    _diagram()(key="method-round")


def limits() -> None:
    """What RAD does not promise."""
    st.subheader("What it assumes and does not promise", anchor=False, divider="gray")
    left, right = st.columns(2, gap="large")
    half = (len(LIMITS) + 1) // 2
    left.markdown("\n".join(f"- {limit}" for limit in LIMITS[:half]))
    right.markdown("\n".join(f"- {limit}" for limit in LIMITS[half:]))


def reference() -> None:
    """Words, formulas, strategies, measures and the citation, one tab each."""
    st.subheader("Look it up", anchor=False, divider="gray")
    parts = {
        "Words": _words,
        "Strategies": _strategies,
        "How it is measured": _measures,
        "What was tried": tried.draw,
        "Formulas": _formulas,
        "Cite": _cite,
    }
    for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab:
            draw()


def _words() -> None:
    st.table(pd.DataFrame(GLOSSARY.items(), columns=["Word", "Meaning"]), hide_index=True, border="horizontal")


def _measures() -> None:
    st.table(pd.DataFrame(MEASURES.items(), columns=["Number", "How"]), hide_index=True, border="horizontal")


# --- strategies -----------------------------------------------------------------------------------------------------


def described(function: Callable[..., Any]) -> tuple[str, str]:
    """The first sentence of a docstring, and the arXiv number it names, or nothing."""
    text = inspect.getdoc(function) or ""
    first = " ".join(text.split("\n\n")[0].split())
    sentence = re.match(r".+?[.](?= [A-Z]|$)", first)
    source = re.search(r"arXiv:(\d{4}\.\d{5})", text)
    return sentence[0] if sentence else first, source[1] if source else ""


def _strategies() -> None:
    st.html(
        '<div style="display:grid;grid-template-columns:auto auto 1fr auto;gap:0.6rem 1rem;align-items:baseline">'
        + "".join(_strategy_row(name, STRATEGIES[name].function) for name in strategy_order(list(STRATEGIES)))
        + "</div>"
    )
    st.caption(
        "All run on the same splits, with the same seeds, teacher, first weights and training steps. The gain may be "
        + "; ".join(f"**{gain.label.lower()}**: {described(gain.function)[0].rstrip('.')}" for gain in GAINS.values())
        + ". Margin is the default."
    )


def _strategy_row(name: str, function: Callable[..., Any]) -> str:
    sentence, source = described(function)
    color = strategy_style(name).color
    place = f'href="https://arxiv.org/abs/{source}" target="_blank" rel="noreferrer" style="color:inherit"'
    link = f"<a {place}>arXiv:{source}</a>" if source else ""
    return (
        f'<span aria-hidden="true" style="width:0.8rem;height:0.8rem;border-radius:50%;background:{color}"></span>'
        f'<strong style="color:{text_color(color, theme() == "dark")}">{escape(strategy_label(name))}</strong>'
        f"<span>{escape(sentence)}</span><span>{link}</span>"
    )


# --- formulas -------------------------------------------------------------------------------------------------------


def _formulas() -> None:
    st.markdown(
        "Points $i = 1, …, N$ with gains $g_i$. The teacher is right on at least a share $m$ of the pool, so it may be "
        "wrong on $k = \\lfloor (1 - m) N \\rfloor$ points. We choose $q_i$, the probability of buying point $i$; an "
        "adversary then chooses the set $S$ of mistakes:"
    )
    st.latex(
        r"\max_{q}\; V(q) \quad\text{with}\quad V(q) = \min_{|S| \le k} \sum_{i \notin S} q_i\, g_i, \qquad "
        r"0 \le q_i \le 1, \quad \sum_i q_i = b"
    )
    st.markdown(
        "Any rule can be judged by $V(q)$: sort the products $q_i g_i$ and drop the $k$ largest. For uniform "
        "sampling, with $g_1 \\ge g_2 \\ge …$, and for the greedy choice of the $b$ largest:"
    )
    st.latex(
        r"V_\text{uniform} = \frac{b}{N} \sum_{i > k} g_i, \qquad V_\text{greedy} = \sum_{k < i \le b} g_i "
        r"\quad (0 \text{ as soon as } k \ge b)"
    )
    st.markdown(
        "With $H_j = \\sum_{i \\le j} 1 / g_i$ and while no $q_i$ would exceed 1, the best choice and the "
        "adversary's answer are"
    )
    st.latex(
        r"q_i = \frac{b}{g_i\, H_K}, \quad a_i = 1 - \frac{\mu}{g_i} \quad (i \le K), \quad "
        r"K = \arg\max_j \frac{j - k}{H_j}"
    )
    st.latex(r"\mu = \frac{K - k}{H_K}, \qquad V^* = b\, \mu")
    st.markdown(
        "with $q_i = a_i = 0$ behind $K$. In general we choose a **cap** $\\lambda$, $q_i = \\min(1, \\lambda / g_i)$ "
        "from the most informative point down until the budget is spent, and the adversary a **waterline** $\\mu$, "
        "$a_i = \\max(0, 1 - \\mu / g_i)$ until its mistakes are spent, which leaves $w_i = g_i (1 - a_i)$:"
    )
    st.latex(
        r"V^* = \max_\lambda \Big( \sum_i \min(q_i g_i, \lambda) - k \lambda \Big) "
        r"= \min_\mu \Big( b\, \mu + \sum_i \max(0, w_i - \mu) \Big)"
    )
    st.markdown(
        "Both sides are piecewise linear, one concave and one convex, solved exactly by a sort, prefix sums and a "
        "bisection. Then exactly $b$ different points are drawn with exactly these probabilities, by dependent "
        "rounding: the gain bought keeps as close to its mean as if every point were drawn on its own."
    )


def _cite() -> None:
    st.markdown(
        "Baykal, Trinh, Iliopoulos, Menghani, Vee: *Robust Active Distillation*, ICLR 2023, "
        "[arXiv:2210.01213](https://arxiv.org/abs/2210.01213)."
    )
    st.code(bibtex(["baykal2023robust"]), language=None)


# --- the picture ----------------------------------------------------------------------------------------------------

_HEAD = (
    '<marker id="head" orient="auto" markerUnits="userSpaceOnUse" markerWidth="7" markerHeight="9" refX="2" refY="4.5">'
    '<path d="M 0 0 L 7 4.5 L 0 9 Z"/></marker>'
)
_BOX = 'rx="8" fill="none" stroke-width="1.8"'


@cache
def _diagram() -> Any:
    """One round as a loop of boxes, a constant that takes its ink from the theme."""
    soft, rad = "currentColor", strategy_style("rad").color
    boxes = (
        _box(10, 14, "Labeled set", "few points, true labels", soft),
        _box(288, 14, "Teacher", "large, costly, sometimes wrong", WRONG_COLOR),
        _box(566, 14, "Labels bought", "soft: a share per class", soft),
        _box(10, 164, "Pool", "many points, no labels", soft),
        _box(288, 164, "The game", "chooses what to buy", rad),
        _box(566, 164, "Student", "small, cheap to run", soft),
    )
    arrows = (
        _arrow("M 216 48 H 280", 248, 38, "trains"),
        _arrow("M 494 48 H 558", 526, 38, "answers"),
        _arrow("M 216 198 H 280", 248, 188, "gains"),
        _arrow("M 390 162 V 90", 400, 130, "asks for b labels", "start"),
        _arrow("M 668 84 V 156", 678, 124, "train it", "start"),
        _arrow("M 668 234 V 262 H 112 V 240", 390, 282, "scores the pool anew: the next round"),
    )
    return st.components.v2.component(
        "rad_studio_round",
        html='<div class="round"><svg viewBox="0 0 790 292" role="img" fill="currentColor" aria-label="The labeled set '
        "trains the teacher; the student scores the pool; the game chooses points; the teacher labels them; they train "
        f'the student; the next round begins.">{"".join((_HEAD, *boxes, *arrows))}</svg></div>',
        css=".round { overflow-x: auto; color: var(--st-text-color); font-family: var(--st-font); } "
        "svg { display: block; width: 100%; min-width: 500px; max-width: 860px; margin: 0 auto; }",
    )


def _box(x: int, y: int, title: str, text: str, color: str) -> str:
    middle = x + 102
    return (
        f'<rect x="{x}" y="{y}" width="204" height="68" {_BOX} stroke="{color}"/>'
        f'<text x="{middle}" y="{y + 29}" text-anchor="middle" font-weight="600" font-size="18">{title}</text>'
        f'<text x="{middle}" y="{y + 52}" text-anchor="middle" font-size="14" opacity="0.8">{text}</text>'
    )


def _arrow(path: str, x: int, y: int, text: str, anchor: str = "middle") -> str:
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.8" marker-end="url(#head)"/>'
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="14" opacity="0.8">{text}</text>'
    )
