"""The draw on the screen: exactly b points, about as likely as the game says, and steady while the budget moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.explore.payload import permanent_numbers
from rad_core.selection.game import solve_game

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parents[2] / "app" / "components" / "explore" / "js"
SEED, N, K = 20261128, 2000, 150

_DRAW = """([gains, seeds, budgets, k]) => {
  const game = new Game(Float64Array.from(gains, (g) => g / 65535), new Uint8Array(gains.length));
  const positions = gains.map((_, i) => i);
  return seeds.map((seed) => {
    const draws = new Draws(game, positions, seed);
    return budgets.map((b) => [...draws.rad(game.solve(b, k))]);
  });
}"""


def test_draws_are_exact_likely_and_steady(browser: Any) -> None:
    rng = np.random.default_rng(SEED)
    gains = np.sort(np.rint(65_535 * rng.beta(0.7, 1.6, N)).astype(int))[::-1]
    page = browser.new_page()
    scripts = "".join((SCRIPTS / name).read_text() for name in ("game.js", "draw.js"))
    page.evaluate(f"() => {{ {scripts}; Object.assign(window, {{ Game, Draws, permanentNumber }}); }}")
    asked = [[i, 0xFEDCBA98] for i in range(200)]
    told = page.evaluate("(asked) => asked.map(([i, seed]) => permanentNumber(i, seed))", asked)
    np.testing.assert_array_equal(told, permanent_numbers(np.arange(200), 0xFEDCBA98))

    budgets = [100, 101, 900, 2000]
    drawn = page.evaluate(_DRAW, [gains.tolist(), list(range(400)), budgets, K])
    page.close()
    for picks in drawn:
        assert [len(set(each)) for each in picks] == budgets
        assert len(set(picks[0]) - set(picks[1])) <= 3
    for place in (0, 2):
        q = solve_game(gains / 65_535, budgets[place], wrong=K).q
        seen = np.bincount(np.concatenate([picks[place] for picks in drawn]), minlength=N) / len(drawn)
        blocks = np.add.reduceat(seen - q, np.arange(0, N, 100)) / 100
        assert np.abs(blocks).max() < 0.02
        assert not seen[q == 0].any()


_OTHERS = """([gains, wrong, b]) => {
  const game = new Game(Float64Array.from(gains, (g) => g / 65535), Uint8Array.from(wrong));
  const draws = new Draws(game, gains.map((_, i) => i), 11);
  return [[...draws.uniform(b)], [...draws.greedy(b)], [...draws.oracle(b)]];
}"""


def test_the_other_rules_buy_what_their_names_say(browser: Any) -> None:
    rng = np.random.default_rng(SEED)
    gains = np.sort(rng.integers(0, 40, 300) * 1000)[::-1]  # with many ties
    wrong = (rng.random(300) < 0.4).astype(int)
    page = browser.new_page()
    scripts = "".join((SCRIPTS / name).read_text() for name in ("game.js", "draw.js"))
    page.evaluate(f"() => {{ {scripts}; Object.assign(window, {{ Game, Draws }}); }}")
    for b in (1, 60, 290, 300):
        uniform, greedy, oracle = page.evaluate(_OTHERS, [gains.tolist(), wrong.tolist(), b])
        u = permanent_numbers(np.arange(300), 11)
        assert set(uniform) == set(np.argsort(u)[:b].tolist())
        assert len(set(greedy)) == len(set(oracle)) == b
        assert gains[greedy].sum() == gains[:b].sum()
        right = np.flatnonzero(wrong == 0)
        assert set(oracle[: len(right)]) == set(right[:b].tolist()), "wrong ones come in last"
    page.close()
