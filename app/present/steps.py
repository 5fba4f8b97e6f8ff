"""The six steps of a story, each a function from the material to a Step. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.atlas.facts import bought_layers, coloring, gather
from app.components.map import fallback_chart
from app.figures import (
    Chart,
    accuracy_by_decile,
    accuracy_curves,
    guarantee_by_accuracy,
    label_efficiency_chart,
    tradeoff_chart,
)
from app.findings import advice, calibration, claims
from app.findings.deciles import deciles_over_seeds, top_minus_bottom
from app.findings.recommend import Recommendation
from app.findings.tradeoff import story
from app.present import picture
from app.present.material import Material
from app.present.model import Live, Step
from app.present.settings import STEPS
from app.results import reading
from rad_core.results import sentences
from rad_core.results.summary import FEWEST_SEEDS, share_interval, verdict
from rad_core.results.words import capital, count, estimated_on, few, listed, money, name, percent, range_text
from rad_core.running import maps
from rad_core.selection.strategies import ORACLES

_NO_PICKS = pd.DataFrame(columns=["strategy", "seed", "gain", "right"])


def build_steps(material: Material) -> tuple[Step, ...]:
    """The steps that are not hidden, in order."""
    makers = {
        "problem": problem,
        "tradeoff": tradeoff,
        "map": pool_map,
        "curves": curves,
        "recommendation": recommendation,
        "cost": cost,
    }
    hidden = {*material.settings.hidden, *(() if material.judged else ("problem", "tradeoff"))}
    return tuple(makers[step](material) for step in STEPS if step not in hidden)


# --- the teacher is wrong here -------------------------------------------------------------------------------------


def problem(material: Material) -> Step:
    pools, known = _pools(material), reading.knows_pool(material.study)
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)
    wrong = material.teacher_wrong if known else _wrong_of_bought(pools)
    told = story(groups, gap, _NO_PICKS, "right", len(pools), material.of)
    texts = [_about_teacher(wrong) if known else _about_outside(material, wrong), _plain(told.text)]
    if material.technical:
        texts.append(told.intervals)
    first = material.scenes[0]
    sample = None
    if material.settings.thumbnails and known:
        sample = picture.mistakes(material.study, first.seed, first.gains, first.right)
    more: dict[str, Any] = {}
    if sample is not None:
        more |= {"picture": picture.draw(sample, material.theme), "picture_alt": picture.describe(sample, first.seed)}
    charts: tuple[Chart, ...] = ()
    if sample is None or material.technical:
        gains, right = (np.concatenate(part) for part in zip(*pools, strict=True))
        height = material.chart_height
        where = "whole pool" if known else material.of
        options: dict[str, Any] = {"where": where, "of": material.of, "theme": material.theme, "height": height}
        charts = (accuracy_by_decile(gains, right, groups=groups, **options),)
    if wrong:
        top = f"{1 - float(groups['share'].iloc[-1]):.0%}"
        words = "of the labels would be wrong" if known else "of the points bought were wrong"
        more |= {"number": top, "number_words": f"of the most informative tenth {words}"}
    return _step(material, "problem", _problem_title(wrong, verdict(gap)), texts, charts, **more)


def _about_teacher(wrong: float) -> str:
    """What a teacher is, and how often this one errs."""
    opening = "A large model, the teacher, labels images from which a small one, the student, learns."
    if wrong == 0:
        return f"{opening} On this pool of images its labels were right without exception."
    return f"{opening} Its labels are wrong on {percent(wrong)} of the images that could be bought (the whole pool)."


def _wrong_of_bought(pools: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    return 1.0 - float(np.mean([right.mean() for _, right in pools]))


def _about_outside(material: Material, wrong: float) -> str:
    """What a teacher from outside is, and how often it errs where that is known."""
    opening = "A large model, the teacher, labels images from which a small one, the student, learns."
    estimates = [material.read(reading.teacher_estimate, scene.seed) for scene in material.scenes]
    checked = np.mean([estimate.mean for estimate in estimates])
    return (
        f"{opening} It answers from outside and was asked about what was bought alone: its labels are wrong on "
        f"{percent(wrong)} of the points bought first, and on {percent(1.0 - float(checked))} of the examples that it "
        "was checked on."
    )


def _problem_title(wrong: float, gap: str) -> str:
    if wrong == 0:
        return "The teacher made no mistake here"
    if gap == "lower":
        return "The teacher is wrong where labels are most informative"
    return "The teacher makes mistakes" + (", though not where labels are most informative" if gap == "higher" else "")


# --- informative or right ------------------------------------------------------------------------------------------


def tradeoff(material: Material) -> Step:
    pools = _pools(material)
    groups, gap = deciles_over_seeds(pools), top_minus_bottom(pools)
    bought = calibration.for_chart(_first_picks(material), "right")
    drawn = bought[bought["strategy"].isin(material.shown)]
    chart = tradeoff_chart(
        np.concatenate([g for g, _ in pools]),
        np.concatenate([r for _, r in pools]),
        drawn,
        groups=groups,
        where="the whole pool" if reading.knows_pool(material.study) else material.of,
        of=material.of,
        theme=material.theme,
        height=material.chart_height + 60,
    )
    told = story(groups, gap, bought, "right", len(pools), material.of)
    picks = _plain(told.text.removeprefix(told.about_pool)).strip()
    texts = [
        "Buying what is informative and buying what is right pull against each other; every rule strikes a balance."
    ]
    if verdict(gap) != "lower":
        texts = ["A rule may buy the most informative labels, or those that are likeliest to be right."]
    texts += [
        picks,
        "Gain says how informative a label is taken to be, from 0 to 1. Shown is the first purchase of every seed.",
    ]
    if material.technical:
        texts.append(told.intervals)
    title, number, words = _worst_case(material)
    return _step(material, "tradeoff", title, texts, (chart,), number=number, number_words=words, live=_live(material))


def _worst_case(material: Material) -> tuple[str, str, str]:
    """The finding, its number and what that is: what RAD keeps of a purchase whichever labels are wrong."""
    safe = material.safe
    if safe is None:
        return "Informative, or right?", "", ""
    ahead = safe.rad > 1.02 * safe.other
    title = "RAD keeps the most in the worst case" if ahead else "In the worst case no rule keeps more than another"
    over = "1 repetition" if safe.seeds == 1 else f"mean of {safe.seeds} repetitions"
    words = (
        f"of the worth of {safe.budget:,} fully informative, right labels is guaranteed with RAD; "
        f"{safe.other / safe.budget:.0%} choosing {safe.rule} (an estimate, {over})"
    )
    return title, f"{safe.rad / safe.budget:.0%}", words


def _live(material: Material) -> Live:
    """The pool of the first seed before the first purchase, whose teacher the audience can change."""
    scene = material.scenes[0]
    teacher = material.read(reading.teacher_estimate, scene.seed)
    stored = np.sort(np.rint(np.asarray(scene.pool, np.float64) * reading.GAIN_STEPS).astype(np.uint16))[::-1]
    budget = min(material.study.config.budget, len(stored))
    return Live(scene.seed, stored, budget, teacher.used, teacher.low, teacher.high, teacher.checked)


def _first_picks(material: Material) -> pd.DataFrame:
    """The labels of the first round, which all strategies choose with the same student."""
    picks = material.read(calibration.picks)
    return picks[(picks["round"] == 1) & picks["strategy"].isin(material.names)]


# --- where the labels are bought -----------------------------------------------------------------------------------


def pool_map(material: Material) -> Step:
    seed = material.scenes[0].seed
    names = _on_the_map(material, seed)
    last = _rounds_on_the_map(material, names, seed)
    facts = gather(material.read, seed, names[0], last, names)
    points, method = _places(material, seed)
    colors = coloring(facts, "teacher" if reading.knows_pool(material.study) else "class", material.theme)
    picks = bought_layers(material.read, seed, names)
    chart = fallback_chart(points, colors, picks, round=last, theme=material.theme, height=material.chart_height)
    texts = [f"Each of {facts.size:,} images that could be bought is a dot; images that look alike lie close together."]
    texts += [_shared(facts.bought, names, last), _bought_mistakes(material)]
    if material.technical:
        whose = "teacher" if reading.knows_pool(material.study) else "student"
        texts.append(f"{method} of the {whose}'s features, seed {seed}.")
    title, number, words = _common(facts.bought, names)
    return _step(material, "map", title, texts, (chart,), number=number, number_words=words)


def _common(bought: Any, names: Sequence[str]) -> tuple[str, str, str]:
    """The finding of the map, its number and what that is: how much two rules buy in common."""
    if len(names) == 1:
        total = int((bought[names[0]] > 0).sum())
        return f"Where {name(names[0])} buys", f"{total:,}", f"{'label' if total == 1 else 'labels'} bought"
    one, other = (bought[each] > 0 for each in names)
    fewest = min(int(one.sum()), int(other.sum()))
    share = float((one & other).sum()) / max(1, fewest)
    both = f"{name(names[0], first=True)} and {name(names[1])}"
    title = f"{both} buy {'much the same' if share > 0.5 else 'different'} images"
    return title, f"{share:.0%}", f"of the labels that {name(names[0])} and {name(names[1])} bought are the same"


def _on_the_map(material: Material, seed: int) -> list[str]:
    """Two strategies at most: ours, and the one whose choices differ the most from it in idea."""
    measured = [each for each in material.names if reading.last_round(material.study, each, seed) > 0]
    wanted = [material.ours, material.greedy, "uniform", *measured]
    usable = [each for each in dict.fromkeys(wanted) if each in measured and each not in ORACLES]
    return (usable or measured)[:2]


def _rounds_on_the_map(material: Material, names: Sequence[str], seed: int) -> int:
    """Up to which round picks are shown: a tenth of the pool at most, or they would hide it; one round at least."""
    last = max(reading.last_round(material.study, each, seed) for each in names)
    room = len(material.scenes[0].pool) // (10 * len(names) * material.study.config.budget)
    return int(np.clip(room, 1, last))


def _places(material: Material, seed: int) -> tuple[np.ndarray, str]:
    """The points (N, 2): the UMAP that is kept with the study, else their PCA."""
    for method in maps.METHODS:
        points = maps.read_map(material.study, seed, method=method)
        if points is not None:
            fitted = maps.fitted_on(material.study, seed, method=method)
            return points, method.upper() + (f", fitted on {fitted:,} of {len(points):,} points" if fitted else "")
    features = material.study.seed_array(seed, maps.mapped_array(material.study, seed))
    return maps.compute_map(features, "pca"), "PCA"


def _shared(bought: Any, names: Sequence[str], last: int) -> str:
    """How many labels each has bought on the map, and how many are the same."""
    counts = [int((bought[each] > 0).sum()) for each in names]
    when = "In the first round" if last == 1 else f"In the first {last} rounds"
    if len(names) == 1:
        return f"{when}, {name(names[0])} has bought {count(counts[0], 'label')}."
    both = int(((bought[names[0]] > 0) & (bought[names[1]] > 0)).sum())
    if counts[0] == counts[1]:
        text = f"{name(names[0])} and {name(names[1])} have bought {count(counts[0], 'label')} each"
    else:
        text = " and ".join(f"{name(each)} {number:,}" for each, number in zip(names, counts, strict=True)) + " labels"
    return f"{when}, {text}; {f'{both:,}' if both else 'none'} of them {'are' if both > 1 else 'is'} the same."


def _bought_mistakes(material: Material) -> str:
    shares = claims.mistakes(material.table)
    measured = [each for each in material.shown if each in shares and shares[each].n and each not in ORACLES]
    if not measured:
        return ""
    parts = [f"{percent(shares[each].mean)} by {name(each)}" for each in measured]
    seeds = sorted({shares[each].n for each in measured})
    over = count(seeds[-1], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    return f"Of the labels bought, the teacher got wrong: {listed(parts)} ({over})."


# --- what the labels bring -----------------------------------------------------------------------------------------


def curves(material: Material) -> Step:
    measured, head = material.measured, material.recommended.headline
    chart = _curves(material)
    texts = [head.text, sentences.which_rule(measured)]
    ours, final = material.ours, measured.final(material.ours)
    if ours != head.rule and final.n:
        texts.append(f"{name(ours, first=True)} itself comes to {percent(final.mean)} ({range_text(final)}).")
    texts += [claims.references(material.levels), claims.upper_bound(measured)]
    if material.technical:
        texts += [sentences.verdict(measured, ours).text, head.details]
    return _step(material, "curves", head.text, texts[1:], (chart,), **_added(material))


def _added(material: Material) -> dict[str, str]:
    """What the labels added, where every repetition has been counted."""
    head = material.recommended.headline
    if head.rule not in head.worth.added:
        return {}
    difference = head.worth.added[head.rule].difference
    gained, low, high = (
        f"{100 * value:+.1f}".replace("-", "\u2212") for value in (difference.mean, difference.low, difference.high)
    )
    interval = f" (95% interval {low} to {high})" if difference.n >= FEWEST_SEEDS else ""
    return {
        "number": gained,
        "number_words": f"points{interval} by {head.worth.labels:,.0f} labels, against buying none",
    }


def _curves(material: Material, target: float | None = None) -> Chart:
    chart = accuracy_curves(
        material.table,
        strategies=material.shown,
        references=material.levels,
        target=target,
        band=[material.ours],
        theme=material.theme,
        height=material.chart_height + 80,
    )
    chart.figure.update_layout(margin_r=100)  # beside words a chart is narrow, and its names need the room
    return chart


# --- what to buy ---------------------------------------------------------------------------------------------------


def recommendation(material: Material) -> Step:
    recommended, settings = material.recommended, material.settings
    texts = [
        advice.sentence(recommended),
        advice.comparison(recommended),
        advice.worst_case(material.safe, material.measured.rules),
        advice.ceiling(recommended, material.levels),
    ]
    if material.technical:
        texts.append(
            "Useful gain: a right label that teaches all it can counts 1. Labels are read off the best line that never "
            f"falls (isotonic regression) through the mean accuracies. {recommended.headline.details}"
        )
    table = advice.table(recommended, settings.price_per_label, settings.currency) if recommended.options else None
    return _step(
        material,
        "recommendation",
        advice.title(recommended),
        texts,
        (_needed_chart(material),),
        table=table if material.technical else None,
        **({"number": f"{recommended.labels:,}", "number_words": "labels to buy"} if recommended.labels else {}),
        basis="interpolated" if recommended.rule and _asks(recommended) else "measured",
    )


def _asks(recommended: Recommendation) -> float | None:
    """The accuracy that is asked for, if any."""
    return recommended.goal.target if recommended.goal is not None else None


def _needed_chart(material: Material) -> Chart:
    """Labels needed by rule where that is the question and has an answer; else the curves, with the target."""
    recommended = material.recommended
    target = _asks(recommended)
    if target is None or recommended.rule is None:
        return _curves(material, target if recommended.pays else None)
    usable = [each for each in material.shown if each not in ORACLES]
    return label_efficiency_chart(material.measured, target, strategies=usable, theme=material.theme)


# --- what it costs, and what could go wrong ------------------------------------------------------------------------


def cost(material: Material) -> Step:
    recommended, settings, config = material.recommended, material.settings, material.study.config
    spent = advice.cost(recommended, settings.price_per_label, settings.currency, config.latency_per_label)
    price = money(recommended.labels * settings.price_per_label, settings.currency)
    priced = bool(recommended.labels and settings.price_per_label)
    title = f"It costs {price}, and this could go wrong" if priced else "What could go wrong"
    texts = [*spent, *_caveats(material)]
    table = advice.table(recommended, settings.price_per_label, settings.currency) if recommended.options else None
    return _step(
        material,
        "cost",
        title,
        texts,
        (_worse_teacher(material),),
        table=None if material.technical else table,
        **({"number": price, "number_words": f"for {count(recommended.labels, 'label')}"} if priced else {}),
        basis="estimate",
    )


def _caveats(material: Material) -> list[str]:
    config, recommended = material.study.config, material.recommended
    seeds = len({scene.seed for scene in material.scenes})
    texts = []
    if seeds == 1:
        texts.append("Everything here was measured once (1 repetition): another run may come out differently.")
    elif seeds < FEWEST_SEEDS:
        texts.append(f"{capital(few(seeds))}: another run may come out differently.")
    elif seeds < 5:
        texts.append(f"Only {count(seeds, 'repetition')} were measured: small differences may be missed.")
    texts.append(_about_worse_teachers(material))
    if recommended.labels and recommended.labels < config.budget * config.rounds:
        texts.append(
            f"Labels were bought {config.budget:,} at a time. Other images, another teacher or another student need a "
            "study of their own."
        )
    else:
        texts.append("Other images, another teacher or another student need a study of their own.")
    return texts


def _about_worse_teachers(material: Material) -> str:
    """How sure the teacher's accuracy is, and what hangs on it."""
    estimates = [material.read(reading.teacher_estimate, scene.seed) for scene in material.scenes]
    mean = share_interval([teacher.mean for teacher in estimates])
    low, high = (mean.low, mean.high) if mean.n >= FEWEST_SEEDS else (estimates[0].low, estimates[0].high)
    over = f" over {count(mean.n, 'repetition')}" if mean.n >= FEWEST_SEEDS else f" of seed {material.scenes[0].seed}"
    return (
        f"The teacher's accuracy, {estimated_on(material.study.config.validation)}, is {percent(mean.mean)} (95% "
        f"interval{over} {percent(low)} to {percent(high)}). If it is worse in use, every rule keeps less: the chart "
        f"shows seed {material.scenes[0].seed}."
    )


def _worse_teacher(material: Material) -> Chart:
    scene = material.scenes[0]
    teacher = material.read(reading.teacher_estimate, scene.seed)
    labels = material.recommended.labels or material.study.config.budget
    return guarantee_by_accuracy(
        scene.pool,
        min(labels, len(scene.pool)),
        measured=teacher.used,
        interval=(teacher.low, teacher.high),
        gain_name=material.study.config.gain,
        theme=material.theme,
        height=material.chart_height - 40,
    )


# --- parts ---------------------------------------------------------------------------------------------------------


def _pools(material: Material) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(scene.gains, scene.right) for scene in material.judged]


def _plain(text: str) -> str:
    """Without the marks of bold type."""
    return text.replace("**", "")


def _step(
    material: Material, step: str, title: str, texts: Sequence[str], charts: tuple[Chart, ...], **more: Any
) -> Step:
    note = material.settings.notes.get(step, "")
    return Step(step, title, tuple(text for text in texts if text), charts=charts, note=note, **more)
