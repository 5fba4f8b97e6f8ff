"""What the trade-off figures show beside `rad_core.results.summary`: deciles of gain, picks as points, the frontier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from rad_core.errors import InputError
from rad_core.results.summary import Interval, interval


def clopper_pearson(successes: ArrayLike, trials: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Exact two-sided 95 % interval of a share, low and high; 0 to 1 where there are no trials. Arrays broadcast."""
    s, n = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    with np.errstate(invalid="ignore"):
        low = stats.beta.ppf(0.025, s, n - s + 1)
        high = stats.beta.ppf(0.975, s + 1, n - s)
    return np.where(s == 0, 0.0, low), np.where(s == n, 1.0, high)


def deciles(gains: ArrayLike, right: ArrayLike) -> pd.DataFrame:
    """The teacher's accuracy in ten groups of equal size from the least to the most informative points.

    gains: (N,). right: (N,) bool, or a level between 0 and 1. Columns: group (1 = least informative), low_gain,
    high_gain, mean_gain, count, right, share (the mean of right), low, high (95 % interval: Clopper-Pearson, or t for
    a level). Ties are split by position; groups that stay empty are left out.
    """
    g, r = np.asarray(gains, np.float64), np.asarray(right)
    if g.shape != r.shape or g.ndim != 1:
        raise InputError(f"gains has shape {g.shape} and right {r.shape}; both must be (N,).")
    parts = [part for part in np.array_split(np.argsort(g, kind="stable"), 10) if len(part)]
    counts = np.array([len(part) for part in parts])
    hits = np.array([r[part].sum() for part in parts])
    if r.dtype.kind == "f":
        intervals = [interval(r[part]) for part in parts]
        low, high = np.array([each.low for each in intervals]), np.array([each.high for each in intervals])
    else:
        low, high = clopper_pearson(hits, counts)
    return pd.DataFrame(
        {
            "group": np.arange(1, len(parts) + 1),
            "low_gain": [g[part[0]] for part in parts],
            "high_gain": [g[part[-1]] for part in parts],
            "mean_gain": [g[part].mean() for part in parts],
            "count": counts,
            "right": hits,
            "share": hits / counts,
            "low": low,
            "high": high,
        }
    )


def deciles_over_seeds(pools: Sequence[tuple[ArrayLike, ArrayLike]]) -> pd.DataFrame:
    """`deciles` of several seeds' pools (gains and right each): means over seeds, with t intervals over seeds.

    A single pool keeps the interval over its points. count and right are sums over the seeds.
    """
    tables = [deciles(gains, right) for gains, right in pools]
    if len(tables) == 1:
        return tables[0]
    together = pd.concat(tables).groupby("group", as_index=False)
    means = together.agg(
        {"low_gain": "mean", "high_gain": "mean", "mean_gain": "mean", "count": "sum", "right": "sum", "share": "mean"}
    )
    limits = [interval(rows["share"]) for _, rows in together]
    return means.assign(
        low=np.clip([each.low for each in limits], 0, 1), high=np.clip([each.high for each in limits], 0, 1)
    )


def top_minus_bottom(pools: Sequence[tuple[ArrayLike, ArrayLike]]) -> Interval:
    """The teacher's accuracy on the most informative tenth of a pool minus that on the least informative one.

    Several seeds: paired by seed, t interval. One: `difference_of_shares` of the two tenths.
    """
    tables = [deciles(gains, right) for gains, right in pools]
    if len(tables) > 1:
        return interval([table["share"].iloc[-1] - table["share"].iloc[0] for table in tables])
    ends = [tables[0].iloc[i] for i in (-1, 0)]
    return difference_of_shares(*[(row["share"], row["low"], row["high"]) for row in ends])


def difference_of_shares(one: tuple[float, float, float], other: tuple[float, float, float]) -> Interval:
    """One independent estimate minus another, each with its limits: (value, low, high); n is 1.

    The limits are recovered from those of the two (Newcombe 1998, method 10, with the limits given).
    """
    (p, p_low, p_high), (q, q_low, q_high) = one, other
    down, up = np.hypot(p - p_low, q_high - q), np.hypot(p_high - p, q - q_low)
    return Interval(float(p - q), float(p - q - down), float(p - q + up), 1)


def summarize_picks(picks: pd.DataFrame) -> pd.DataFrame:
    """Every strategy's picks as one point: mean gain and share that the teacher got right, with 95 % intervals.

    picks: one row per bought point with columns strategy, seed, gain and right (1, 0, or NaN where it is undefined; or
    a level between 0 and 1). Several seeds: mean of the seeds' means and its t interval. One seed: t interval of the
    mean gain over the picks, and Clopper-Pearson interval of the share or t interval of the level; column over says
    which ("seeds" or "picks").
    """
    rows = []
    for strategy, group in picks.groupby("strategy", sort=False):
        by_seed = group.groupby("seed")[["gain", "right"]].mean()
        if len(by_seed) > 1:
            gain, right, over = interval(by_seed["gain"]), interval(by_seed["right"].dropna()), "seeds"
        else:
            gain, right, over = interval(group["gain"]), _share(group["right"].dropna()), "picks"
        row: dict[str, object] = {"strategy": strategy, "seeds": len(by_seed), "picks": len(group), "over": over}
        for name, found in (("gain", gain), ("right", right)):
            row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
        rows.append(row)
    columns = [name + end for name in ("gain", "right") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["strategy", "seeds", "picks", "over", *columns])


def _share(right: pd.Series) -> Interval:
    if right.empty or not right.isin((0, 1)).all():
        return interval(right)
    low, high = clopper_pearson(right.sum(), len(right))
    return Interval(float(right.mean()), float(low), float(high), len(right))


def pareto(gain: object, right: ArrayLike) -> np.ndarray:
    """Positions of the points that no other beats on both axes, from the lowest gain up; NaN is never on it."""
    g, r = np.asarray(gain, np.float64), np.asarray(right, np.float64)
    order = [i for i in np.lexsort((-r, -g)) if np.isfinite(g[i]) and np.isfinite(r[i])]
    best, kept = -np.inf, []
    for i in order:
        if r[i] > best:
            best = r[i]
            kept.append(int(i))
    return np.array(kept[::-1], np.int64)
