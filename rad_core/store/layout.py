"""Where the files of a study lie, as names relative to its folder: no other module spells them.

study.sqlite                        state, metrics, and which arrays there are (database.py)
seed-0/pool_ids.npy                 an array of a seed
seed-0/teacher_state.npz            the weights of its teacher
seed-0/round-0-gains.npy            an array of the round 0 that all strategies of the seed share
rad-0/round-3-bought.npy            an array of round 3 of a cell: strategy rad, seed 0
maps/teacher_features-umap-seed0-<digest>.npy
maps/teacher_features-umap-seed0-fit50000-<digest>.npy   a map fitted on a sample of 50,000 points
"""

from __future__ import annotations

import operator
import re

from rad_core.store.rows import Unsound, shown

SHARED = ""  # strategy of the round 0 that all strategies of a seed share
MAPS = "maps"  # the folder of a study's maps

_STRATEGY = re.compile(r"[a-z][a-z0-9_]{0,60}")
_ARRAY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,80}")
_MAP = re.compile(MAPS + r"/[a-z_]{1,40}-[a-z]{1,10}-seed\d{1,6}-(?:fit(\d{1,9})-)?[0-9a-f]{16}\.npy")
_STEM = re.compile(r"([a-z_]{1,40})-([a-z]{1,10})-seed(\d{1,6})")
_OTHER = re.compile(
    r"[a-z][a-z0-9_]{0,60}-\d{1,6}/(round-\d{1,6}-)?[A-Za-z0-9_][A-Za-z0-9_-]{0,80}\.npy|seed-\d{1,6}/teacher_state\.npz"
)


def seed_file(seed: int, array: str) -> str:
    """An array of a seed."""
    return f"seed-{_whole(seed)}/{_safe(_ARRAY, array)}.npy"


def weights_file(seed: int) -> str:
    """The weights of a seed's teacher."""
    return f"seed-{_whole(seed)}/teacher_state.npz"


def round_file(strategy: str, seed: int, number: int, array: str) -> str:
    """An array of a round; strategy SHARED for the round 0 of a seed."""
    place = "seed" if strategy == SHARED else _safe(_STRATEGY, strategy)
    return f"{place}-{_whole(seed)}/round-{_whole(number)}-{_safe(_ARRAY, array)}.npy"


def map_stem(array: str, method: str, seed: int) -> str:
    """What the files of a map begin with: its lock, log and failure, and the map itself, whose digest follows."""
    return f"{MAPS}/{_safe(_ARRAY, array)}-{method}-seed{_whole(seed)}"


def map_file(array: str, method: str, seed: int, digest: str, sample: int | None = None) -> str:
    """A map of the pool. digest: of what it was made of, in 16 hexadecimal digits; or a pattern.

    sample: how many points it was fitted on, where those are not all.
    """
    return f"{map_stem(array, method, seed)}-{'' if sample is None else f'fit{sample}-'}{digest}.npy"


def map_sample(name: str) -> int | None:
    """How many points a map was fitted on, by its file's name; None if on all."""
    match = _MAP.fullmatch(f"{MAPS}/{name}")
    return int(match[1]) if match and match[1] else None


def read_stem(name: str) -> tuple[str, str, int] | None:
    """The array, method and seed in the name that `map_stem` gives; None if it is none."""
    match = _STEM.fullmatch(name)
    return (match[1], match[2], int(match[3])) if match else None


def is_map(name: str) -> bool:
    """Whether a file is called as a map is."""
    return _MAP.fullmatch(name) is not None


def is_array_or_weights(name: str) -> bool:
    """Whether a file is called as an array of a seed or round is, or as a teacher's weights."""
    return _OTHER.fullmatch(name) is not None


def _safe(pattern: re.Pattern[str], name: str) -> str:
    """A name that leads nowhere else. Raises Unsound, which is a ValueError."""
    if not pattern.fullmatch(name):
        raise Unsound(f"it has the unsafe name {shown(name)}")
    return name


def _whole(number: int) -> int:
    """The number of a seed or round; a hostile database may hold anything. Raises Unsound."""
    try:
        return operator.index(number)
    except TypeError as error:
        raise Unsound(f"it has a seed or round {shown(number)}, which is none") from error
