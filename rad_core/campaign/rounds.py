"""One round's purchase: the game, the draw, and what is kept of both so that the promise can be checked afterwards.

Kept are the gains of every point that could be bought, in a file of the campaign, and in the ledger their digest, m,
both levels of the equilibrium, its value, and the seed of the draw. `check` makes all of it again from the gains.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.campaign.audit import chances_at
from rad_core.campaign.ledger import Entry
from rad_core.errors import DamagedError, InputError
from rad_core.selection.api import AccuracyEstimate, estimate_accuracy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import Equilibrium, attack_value, game_value, solve_game, wrong_count
from rad_core.selection.sampling import sample

_RELATIVE = 1e-9  # what the two sides of a certificate may differ by, of their size


@dataclass(frozen=True)
class Facts:
    """What is kept of a round, plain values.

    gain: one of GAINS. budget: labels asked for, of `candidates` free points with probabilities. teacher_accuracy: the
    m that the game got; wrong: the mistakes that it allows. right and total: the checked examples behind m. cap,
    waterline, value, total_q: of the equilibrium. digest: of the gains. seed: of the generator of the draw. audit:
    checked examples that the student did not learn from, by position, each with the chance of a point of its gain.
    """

    gain: str
    budget: int
    candidates: int
    teacher_accuracy: float
    lower_bound: bool
    right: int
    total: int
    wrong: int
    cap: float
    waterline: float
    value: float
    total_q: float
    digest: str
    seed: tuple[int, int]
    audit: tuple[tuple[int, float], ...] = ()

    def to_json(self) -> str:
        """As the ledger has it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Of what the ledger has. Raises DamagedError where it was changed."""
        try:
            values = json.loads(text)
            first, second = values["seed"]
            audit = tuple((int(position), float(chance)) for position, chance in values.get("audit", ()))
            return cls(**{**values, "seed": (int(first), int(second)), "audit": audit})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DamagedError(f"What a round promised cannot be read ({error}); restore the campaign.") from error


@dataclass(frozen=True, eq=False)
class Draw:
    """A purchase: rows of the pool (b,) in random order, their gains, their probabilities of being chosen, the facts.

    all_gains: (n,) of every point that could be bought.
    """

    rows: np.ndarray
    gains: np.ndarray
    q: np.ndarray
    facts: Facts
    all_gains: np.ndarray


def gains_path(folder: Path, number: int) -> Path:
    """The file of a round's gains: (N,), NaN where a point could not be bought."""
    return folder / f"round-{number}-gains.npy"


def draw(
    probabilities: np.ndarray,
    rows: np.ndarray,
    budget: int,
    estimate: AccuracyEstimate,
    *,
    lower_bound: bool,
    gain: str,
    seed: tuple[int, int],
    unseen: tuple[np.ndarray, np.ndarray] | None = None,
) -> Draw:
    """Play the game on the free points and draw from it.

    probabilities: (n, C) of the points that may be bought; rows: (n,) where they stand in the pool. estimate: of m.
    lower_bound: whether the game gets the one-sided lower bound of m. unseen: positions (V,) and probabilities (V, C)
    of checked examples that the student did not learn from. Raises InputError.
    """
    if gain not in GAINS:
        raise InputError(f"gain is {gain!r}; choose one of {', '.join(GAINS)}.")
    gains = np.asarray(GAINS[gain](probabilities))
    accuracy = estimate.lower_bound if lower_bound else estimate.mean
    wrong = wrong_count(len(rows), accuracy)
    game = solve_game(gains, budget, wrong=wrong)
    positions = _draw(game, seed)
    facts = Facts(
        gain=gain,
        budget=budget,
        candidates=len(rows),
        teacher_accuracy=accuracy,
        lower_bound=lower_bound,
        right=estimate.right,
        total=estimate.total,
        wrong=wrong,
        cap=float(game.cap),
        waterline=float(game.waterline),
        value=float(game.value),
        total_q=float(game.q.sum(dtype=np.float64)),
        digest=digest_of(gains),
        seed=seed,
        audit=() if unseen is None else _audit(*unseen, gain, gains, game),
    )
    return Draw(rows[positions], gains[positions], game.q[positions], facts, gains)


def _audit(
    positions: np.ndarray, beliefs: np.ndarray, gain: str, gains: np.ndarray, game: Equilibrium
) -> tuple[tuple[int, float], ...]:
    chances = chances_at(np.asarray(GAINS[gain](beliefs)), gains, game.q)
    return tuple(zip(positions.tolist(), chances.tolist(), strict=True))


def _draw(game: Equilibrium, seed: tuple[int, int]) -> np.ndarray:
    """(b,) positions in random order, so that an answered beginning is a random part of them."""
    rng = np.random.default_rng(list(seed))
    positions: np.ndarray = rng.permutation(sample(game.q, rng, game.budget))
    return positions


def digest_of(gains: np.ndarray) -> str:
    """A digest of gains, their type among it."""
    state = hashlib.blake2b(gains.dtype.str.encode(), digest_size=16)
    state.update(np.ascontiguousarray(gains).tobytes())
    return state.hexdigest()


def save_gains(folder: Path, number: int, pool: int, rows: np.ndarray, gains: np.ndarray) -> None:
    """Keep the gains (n,) of the points `rows` of a pool; on disk when this returns."""
    kept = np.full(pool, np.nan, gains.dtype)
    kept[rows] = gains
    files.save_arrays({gains_path(folder, number): kept})


def check(folder: Path, number: int, facts: Facts, questions: Sequence[Entry]) -> list[str]:
    """What does not hold of a round, a sentence each; [] where everything does.

    questions: the entries that asked, in order.
    """
    kept = np.asarray(files.load_array(folder, gains_path(folder, number)))
    rows = np.flatnonzero(~np.isnan(kept))
    gains = kept[rows]
    if digest_of(gains) != facts.digest:
        return [f"Round {number}: the gains that are kept are not those that were played on (other digest)."]
    game = solve_game(gains, facts.budget, wrong=facts.wrong)
    again: Mapping[str, float] = {
        "cap": game.cap,
        "waterline": game.waterline,
        "value": game.value,
        "total_q": float(game.q.sum(dtype=np.float64)),
        "worst case of q": game_value(game.q, gains, facts.wrong),
        "best answer to the adversary": attack_value(game.attack, gains, facts.budget),
    }
    tolerance = _RELATIVE if gains.dtype == np.float64 else 1e-4  # q is kept in the type of the gains
    faults = [
        f"Round {number}: {name} is {value:.9g}, but {promised:.9g} was promised."
        for name, value in again.items()
        if not math.isclose(
            value, promised := float(getattr(facts, name, facts.value)), rel_tol=tolerance, abs_tol=tolerance
        )
    ]
    faults += _check_accuracy(number, facts, len(rows))
    positions = _draw(game, facts.seed)
    if not np.array_equal(rows[positions], np.array([entry.position for entry in questions], np.int64)):
        return [*faults, f"Round {number}: its seed draws other points than were asked for."]
    for name, values in (("gain", gains[positions]), ("probability", game.q[positions])):
        written = np.array([getattr(entry, name) for entry in questions], np.float64)
        if not np.allclose(written, values, rtol=tolerance, atol=tolerance):
            faults.append(f"Round {number}: the ledger has another {name} for a pick than the gains that are kept.")
    chances = np.array([chance for _, chance in facts.audit], np.float64)
    nearest = chances_at(chances, np.asarray(game.q, np.float64), np.asarray(game.q, np.float64))
    if not np.allclose(chances, nearest, rtol=tolerance, atol=tolerance):
        faults.append(f"Round {number}: a checked example has the chance of no point of the pool.")
    return faults


def _check_accuracy(number: int, facts: Facts, candidates: int) -> list[str]:
    """That m follows of the checked examples behind it, and of m the mistakes that it allows."""
    faults = []
    if candidates != facts.candidates:
        faults.append(f"Round {number}: {candidates:,} points have a gain, but there were {facts.candidates:,}.")
    estimate = estimate_accuracy(np.arange(facts.total) < facts.right)
    m = estimate.lower_bound if facts.lower_bound else estimate.mean
    if not math.isclose(m, facts.teacher_accuracy, rel_tol=_RELATIVE):
        faults.append(
            f"Round {number}: {facts.right} of {facts.total} checked examples give an m of {m:.9g}, but the game was "
            f"played with {facts.teacher_accuracy:.9g}."
        )
    if wrong_count(candidates, facts.teacher_accuracy) != facts.wrong:
        faults.append(f"Round {number}: m {facts.teacher_accuracy} does not allow {facts.wrong} mistakes.")
    return faults
