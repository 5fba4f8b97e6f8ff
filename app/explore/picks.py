"""The exact draw of a purchase: what is handed to whoever labels. No Streamlit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.explore.numbers import chances, set_levers, solve
from app.explore.payload import draw_seed
from app.results import reading
from rad_core.errors import InputError
from rad_core.selection.sampling import sample
from rad_core.selection.whatif import ALL_RULES, ORACLE, RULES
from rad_core.store.study import Study


def rules_of(study: Study) -> tuple[str, ...]:
    """The rules of which a purchase of any size can be drawn; the oracle must know where the teacher is right."""
    return ALL_RULES if reading.knows_pool(study) else RULES


def draw(
    study: Study, strategy: str, seed: int, round_: int, rule: str, budget: int, accuracy: float | None
) -> pd.DataFrame:
    """The b points that a rule buys, in order of the draw: pool_index, gain, q, teacher_says, teacher_right.

    The last two are empty where a teacher from outside gave no answer.

    strategy: whose student looks at the pool. rule: one of whatif.ALL_RULES. accuracy: assumed of the teacher, None for
    the estimate. The draw is the same whenever it is asked for with the same numbers.
    """
    if rule not in rules_of(study):
        raise InputError(f"{rule} is no function of the gains; choose RAD, uniform or the most informative first.")
    if rule == ORACLE and accuracy is not None:
        raise InputError("The oracle knows where this very teacher is right; leave its accuracy as estimated.")
    pool = reading.pool_before(study, strategy, seed, round_)
    levers = set_levers(pool, budget, accuracy)
    q = chances(pool, levers, solve(pool, levers))[rule]
    picks = sample(q, np.random.default_rng([draw_seed(study, seed), round_]), levers.budget)
    left = reading.remaining(study, strategy, seed, round_)
    names = np.array([*reading.classes(study, seed), ""])  # the last for no answer
    positions = left[picks]
    says = reading.teacher_says(study, seed)[positions]
    right = pd.array(says == np.asarray(reading.labels(study, seed))[positions], dtype="boolean")
    right[says < 0] = pd.NA
    return pd.DataFrame(
        {
            "pool_index": positions,
            "gain": pool.gains[picks],
            "q": q[picks],
            "teacher_says": names[says],
            "teacher_right": right,
        }
    )
