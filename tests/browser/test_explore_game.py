"""The game as the browser solves it is the one that the engine solves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad_core.selection.game import game_value, solve_game, wrong_count
from rad_core.selection.whatif import expected_wrong, guarantees, inclusion

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parents[2] / "app" / "components" / "explore" / "js"
STEPS = 65_535  # gains are stored as 16-bit fractions
SEED = 20261128
INSTANCES = 500

_SOLVE = """(instances) => instances.map(({gains, wrong, b, k}) => {
  const game = new Game(Float64Array.from(gains, (gain) => gain / 65535), Uint8Array.from(wrong));
  const found = game.solve(b, k);
  return {
    value: found.value, cap: found.cap, waterline: found.waterline, support: found.support,
    q: gains.map((_, i) => game.q(found, i)), attack: gains.map((_, i) => game.attack(found, i)),
    wrong: game.wrongOf(found),
    uniform: [game.uniformValue(b, k), game.uniformWrong(b)], greedy: [game.greedyValue(b, k), game.greedyWrong(b)],
  };
})"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page with the script of the game."""
    page = browser.new_page()
    page.evaluate(f"() => {{ {(SCRIPTS / 'game.js').read_text()}; Object.assign(window, {{ Game, wrongCount }}); }}")
    yield page
    page.close()


def instances() -> list[dict[str, Any]]:
    """Pools of all kinds: smooth, with ties, with zero gains, all alike; budgets and mistakes up to all of the pool."""
    rng = np.random.default_rng(SEED)
    made = []
    for number in range(INSTANCES):
        n = int(rng.integers(1, 12 if number % 4 == 0 else 600))
        kinds = [
            rng.beta(0.7, 1.6, n),
            rng.integers(0, 6, n) / 5,
            np.where(rng.random(n) < 0.5, 0.0, rng.random(n) ** 4),
            np.full(n, rng.random()),
            np.exp(-rng.exponential(3, n)),
        ]
        gains = np.sort(np.rint(STEPS * kinds[number % 5]).astype(int))[::-1]
        b = n if rng.random() < 0.1 else int(rng.integers(1, n + 1)) if rng.random() < 0.6 else 1 + n // 20
        k = int(rng.choice([0, n, n + 3, *rng.integers(0, n + 1, 5)]))
        made.append({"gains": gains.tolist(), "wrong": (rng.random(n) < 0.3).astype(int).tolist(), "b": b, "k": k})
    made[0] = {"gains": [0, 0, 0], "wrong": [1, 0, 1], "b": 2, "k": 0}  # nothing to win
    return made


def test_five_hundred_games_come_out_as_in_the_engine(page: Any) -> None:
    print(f"seed {SEED}")
    asked = instances()
    answers = page.evaluate(_SOLVE, asked)
    assert len(answers) == INSTANCES
    for number, (instance, found) in enumerate(zip(asked, answers, strict=True)):
        where = f"instance {number} of seed {SEED}: N={len(instance['gains'])} b={instance['b']} k={instance['k']}"
        gains, right = np.array(instance["gains"]) / STEPS, 1 - np.array(instance["wrong"])
        b, k = instance["b"], instance["k"]
        game = solve_game(gains, b, wrong=k)
        # Nothing but rounding can be left of a value that is 0.
        assert found["value"] == pytest.approx(game.value, rel=1e-9, abs=1e-12), where
        assert found["waterline"] == pytest.approx(game.waterline, rel=1e-9, abs=1e-12), where
        assert found["cap"] == pytest.approx(game.cap, rel=1e-9, abs=1e-12), where
        assert found["support"] == game.support, where
        np.testing.assert_allclose(found["q"], game.q, rtol=0, atol=1e-9, err_msg=where)
        np.testing.assert_allclose(found["attack"], game.attack, rtol=0, atol=1e-9, err_msg=where)
        assert found["wrong"] == pytest.approx(expected_wrong(game.q, right), abs=1e-7), where
        for rule in ("uniform", "greedy"):
            q = inclusion(gains, b, k, rule)
            value = float(guarantees(gains, b, k, rule))
            assert found[rule] == pytest.approx([value, expected_wrong(q, right)], rel=1e-9, abs=1e-9), where
            assert value == pytest.approx(game_value(q, gains, min(k, len(gains))), abs=1e-9), where


def test_a_large_pool_comes_out_as_in_the_engine(page: Any) -> None:
    rng = np.random.default_rng(SEED)
    gains = np.sort(np.rint(STEPS * rng.beta(0.7, 1.6, 200_000)).astype(int))[::-1]
    page.evaluate(
        "(gains) => { window.large = new Game(Float64Array.from(gains, (gain) => gain / 65535)) }", gains.tolist()
    )
    for b, k in ((1, 0), (1000, 12_000), (90_000, 40_000), (150_000, 20_000), (200_000, 5)):
        found = page.evaluate(
            "([b, k]) => { const a = large.solve(b, k); return [a.value, a.cap, a.waterline] }", [b, k]
        )
        game = solve_game(gains / STEPS, b, wrong=k)
        assert found == pytest.approx([game.value, game.cap, game.waterline], rel=1e-9), (b, k)


def test_mistakes_are_counted_as_in_the_engine(page: Any) -> None:
    asked = [(n, m) for n in (1, 10, 1000, 49_500, 1_000_000) for m in (0.0, 0.1, 0.57, 0.9, 0.906, 0.999, 1.0)]
    found = json.loads(page.evaluate("(asked) => JSON.stringify(asked.map(([n, m]) => wrongCount(n, m)))", asked))
    assert found == [wrong_count(n, m) for n, m in asked]
