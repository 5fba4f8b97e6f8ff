"""What the instrument of Explore is given: a pool sorted once, its map, its images, the measured curves. No Streamlit.

The pool travels as one binary blob per study, seed and round, known by its digest; what may change without it (curves,
price, words) travels beside it as JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.components.map.geometry import peaks, quantize
from app.components.map.wire import Blob, pack
from app.components.sheet import make_sheet
from app.explore.numbers import as_strategy
from app.palette import strategy_style
from app.results import reading
from rad_core.errors import InputError
from rad_core.results import needed
from rad_core.results.verdicts import Results, results
from rad_core.results.words import name
from rad_core.running import maps
from rad_core.selection.game import solve_game, wrong_count
from rad_core.selection.whatif import RULES
from rad_core.store.study import Study

SPRITES = 600  # thumbnails that travel
MOST_BYTES = 800_000  # of a blob of 50,000 points with its thumbnails
_SPRITE_BYTES = 170_000
_SPRITE_COLUMNS = 25
_LARGEST_TILE = 48  # px: thumbnails are drawn no larger


# --- the pool ------------------------------------------------------------------------------------------------------


def permanent_numbers(positions: np.ndarray, seed: int) -> np.ndarray:
    """(n,) a random number in (0, 1) that each pool position keeps: fmix32 of MurmurHash3, as in draw.js."""
    x = (np.asarray(positions).astype(np.uint32) * np.uint32(0x9E3779B1)) ^ np.uint32(seed)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return (np.asarray(x ^ (x >> np.uint32(16)), np.float64) + 0.5) / 2.0**32


def draw_seed(study: Study, seed: int) -> int:
    """The number that the permanent random numbers of a seed start from; the same in all of its rounds."""
    return zlib.crc32(f"{study.id} {seed}".encode())


def pool_blob(study: Study, strategy: str, seed: int, round_: int, places: np.ndarray | None) -> Blob:
    """What is left of the pool before a purchase, the most informative point first.

    places: (N, 2) the map of the whole pool, or None where it has not been computed. Gains as stored (uint16), pool
    positions, map coordinates, one bit per wrong label of the teacher and its classes (both only where they are known
    on the whole pool), the true classes, and the thumbnails of some points that the draw on the screen buys, by their
    places in the order.
    """
    left = reading.remaining(study, strategy, seed, round_)
    if not len(left):
        raise InputError("Nothing is left to buy in this round.")
    stored = np.asarray(study.round_array(strategy, seed, round_ - 1, "gains"))[left]
    order = np.argsort(-stored.astype(np.int32), kind="stable")
    positions = left[order]
    gains = np.ascontiguousarray(stored[order])
    truth = np.asarray(reading.labels(study, seed))[positions]
    classes = reading.classes(study, seed)
    narrow = np.uint8 if len(classes) <= 256 else np.uint16
    start = draw_seed(study, seed)
    budget = min(study.config.budget, len(left))
    parts = [gains, positions.astype(np.uint32)]
    names = ["gains", "positions"]
    if (right := reading.teacher_right(study, seed)) is not None:
        says = reading.teacher_says(study, seed)[positions]
        parts += [np.packbits(~np.asarray(right)[positions], bitorder="little"), says.astype(narrow)]
        names += ["wrong", "said"]
    parts.append(truth.astype(narrow))
    names.append("truth")
    header: dict[str, Any] = {"kind": "explore", "n": len(left), "seed": start}
    if places is not None:
        grid = quantize(places).grid[positions]
        parts.append(grid.ravel())
        names.append("grid")
        header["peaks"] = peaks(grid, truth, classes)
    if (images := reading.thumbnails(study, seed)) is not None:
        wrong = wrong_count(len(left), reading.teacher_estimate(study, seed).used)
        shown = first_to_enter(gains, permanent_numbers(positions, start), budget, wrong)
        sheet = make_sheet(np.asarray(images[positions[shown]]), _SPRITE_COLUMNS, _SPRITE_BYTES, _LARGEST_TILE)
        parts += [shown.astype(np.uint32), np.frombuffer(sheet.image, np.uint8)]
        names += ["shown", "sheet"]
        header["sheet"] = {"type": sheet.type, "tile": sheet.tile, "columns": sheet.columns}
    return pack({**header, "names": names}, parts)


def own_blob(gains: np.ndarray, start: int, places: np.ndarray | None, rows: np.ndarray | None = None) -> Blob:
    """The same of somebody's own pool, of which nobody knows where the teacher is wrong.

    gains: (N,) in [0, 1]. start: of the permanent random numbers. places: (N, 2) a map, or None. rows: (N,) of the pool
    that these are; None for all of it.
    """
    stored = np.round(np.asarray(gains, np.float64) * reading.GAIN_STEPS).astype(np.uint16)
    order = np.argsort(-stored.astype(np.int32), kind="stable")
    parts: list[np.ndarray] = [stored[order], (order if rows is None else rows[order]).astype(np.uint32)]
    names = ["gains", "positions"]
    if places is not None:
        parts.append(quantize(places).grid[order].ravel())
        names.append("grid")
    return pack({"kind": "explore", "n": len(order), "seed": start, "names": names}, parts)


def first_to_enter(gains: np.ndarray, u: np.ndarray, budget: int, wrong: int) -> np.ndarray:
    """Places (n,) of at most SPRITES points, in the order in which a growing budget of RAD brings them in.

    gains: (N,) uint16, descending. With small budgets q is cap / g on the support, so the smallest u g come first. Two
    thirds are the very first ones; the rest is spread evenly over the order as far as four of the study's budgets, so
    that there are images under the handle there, too.
    """
    game = solve_game(gains / np.float64(reading.GAIN_STEPS), budget, wrong=wrong)
    support = max(1, min(game.support, int(np.count_nonzero(gains)) or len(gains)))
    order = np.argsort(gains[:support] * (u[:support] / (1 - u[:support])), kind="stable")
    early = 2 * SPRITES // 3
    later = order[early : max(SPRITES, min(len(order), 4 * budget))]
    steps = np.linspace(0, max(0, len(later) - 1), min(len(later), SPRITES - early)).round().astype(np.int64)
    return np.concatenate([order[:early], later[np.unique(steps)]])


def umap(study: Study, seed: int) -> np.ndarray | None:
    """(N, 2) the UMAP of the pool where it is computed, of the teacher's features before the student's."""
    for source in maps.SOURCES:
        if (places := maps.read_map(study, seed, source)) is not None:
            return places
    return None


def pca(study: Study, seed: int) -> np.ndarray | None:
    """(N, 2) the PCA of the pool; None of a light copy that came without any map."""
    source = next((source for source, method in maps.layouts(study, seed) if method == "pca"), None)
    return None if source is None else reading.pca(study, seed, source)


# --- what stands beside it -----------------------------------------------------------------------------------------


def facts(study: Study, strategy: str, seed: int, round_: int) -> dict[str, Any]:
    """The JSON beside the pool: the purchase, the teacher, the measured curves, names and colors."""
    config = study.config
    left = len(reading.remaining(study, strategy, seed, round_))
    measured = results(study)
    return {
        **_terms(left, reading.teacher_estimate(study, seed), config.price_per_label, config.currency),
        "classes": list(reading.classes(study, seed)),
        "gain": config.gain,
        "bought": (round_ - 1) * config.budget,
        "budget": min(config.budget, left),
        "round": round_,
        "rounds": config.rounds,
        "noun": "images" if reading.thumbnails(study, seed) is not None else "points",
        "curves": curves(measured),
        "free": measured.free.mean if np.isfinite(measured.free.mean) else None,
        "rules": _looks(config.gain, (*RULES, "oracle")),
    }


def own_facts(pool: reading.Pool, gain: str) -> dict[str, Any]:
    """The JSON beside somebody's own pool: nothing was trained on it, and the purchase is the next."""
    return {
        **_terms(pool.size, pool.teacher, pool.price, pool.currency),
        "untrained": True,
        "classes": [],
        "gain": gain,
        "bought": 0,
        "budget": pool.budget,
        "round": "next",
        "rounds": None,
        "noun": "points",
        "curves": [],
        "free": None,
        "rules": _looks(gain, RULES),
    }


def _terms(size: int, teacher: reading.TeacherEstimate, price: float, currency: str) -> dict[str, Any]:
    """What is for sale, at which price, and what is known of the teacher; null for the ends of no interval."""
    low, high = (end if np.isfinite(end) else None for end in (teacher.low, teacher.high))
    known = {"used": teacher.used, "low": low, "high": high, "checked": teacher.checked}
    return {"size": size, "teacher": known, "price": price, "currency": currency}


def curves(measured: Results) -> list[dict[str, Any]]:
    """Of every rule that has finished: labels, mean accuracy and the ends of its interval by round, its look.

    low and high are missing where there are too few seeds for an interval; then `each` has the single seeds.
    """
    found = []
    for rule in measured.finished:
        own = needed.curve(measured, rule)
        if own is None:
            continue
        intervals = [own.at(labels) for labels in own.labels]
        known = all(np.isfinite([each.low, each.high]).all() for each in intervals)
        style = strategy_style(rule)
        found.append(
            {
                "rule": rule,
                "label": name(rule, first=True),
                "color": style.color,
                "labels": own.labels.tolist(),
                "mean": own.mean.tolist(),
                "low": [each.low for each in intervals] if known else None,
                "high": [each.high for each in intervals] if known else None,
                "each": None if known else own.accuracy.tolist(),
                "seeds": len(own.seeds),
            }
        )
    return found


def _looks(gain: str, rules: Sequence[str]) -> dict[str, dict[str, str]]:
    """Name and color of rules; the most informative first is what the strategy named after the gain does."""
    strategies = {rule: as_strategy(rule, gain) for rule in rules}
    return {
        rule: {"short": name(strategy, first=True), "color": strategy_style(strategy).color, "strategy": strategy}
        for rule, strategy in strategies.items()
    }
