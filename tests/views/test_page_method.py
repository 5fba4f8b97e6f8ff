"""The page Method: the small game answers what the engine answers, in words that are true, and survives any address."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.method import tried
from app.method.game import DEFAULT, PRESETS, WRONG, guarantees, interpretation
from app.method.words import described, strategy_label
from rad_core.selection.game import game_value, solve_game
from rad_core.selection.strategies import STRATEGIES

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def open_page(**parameters: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30)
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.switch_page("views/method.py").run()


def words(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.html]
    return " ".join(str(getattr(part, "value", None) or part.proto.body) for part in parts)


def test_the_page_opens_without_any_study_and_names_everything() -> None:
    at = open_page()
    assert not at.exception
    assert not at.error
    text = words(at)
    for name in STRATEGIES:
        assert strategy_label(name) in text
    assert "eprint = {2210.01213}" in at.code[0].value
    assert "does not promise" in " ".join(header.value for header in at.subheader)


def test_what_was_tried_is_what_was_measured() -> None:
    table, rows = tried.table(), tried.measured()
    assert list(table["Change"]) == list(tried.CHANGES.values())
    for name, words_ in tried.CHANGES.items():
        cells = table.set_index("Change").loc[words_]
        found = rows[(rows["variation"] == name) & (rows["measure"] == "area")]
        assert found["seeds"].min() >= 8
        assert len(found) == 3
        for cell, row in zip(cells.iloc[:3], found.to_dict("records"), strict=True):
            assert cell.strip("*") == f"{row['mean']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]"
            assert cell.startswith("**") == (row["low"] > 0 or row["high"] < 0)
        assert (cells["So"] == "better in every setting") == (found["low"] > 0).all()


def test_the_comparison_is_what_the_engine_says() -> None:
    at = open_page(game_b="4", game_k="2", game_g="90.10.50.50.20.70.30.40.60.80")
    gains = [0.9, 0.1, 0.5, 0.5, 0.2, 0.7, 0.3, 0.4, 0.6, 0.8]
    rad = solve_game(gains, 4, wrong=2).value
    uniform = game_value([0.4] * 10, gains, 2)
    assert f"Greedy would guarantee {0.7 + 0.6:.2f}, uniform {uniform:.2f}, RAD {rad:.2f}." in words(at)
    assert at.session_state["game_gains"] == [90, 10, 50, 50, 20, 70, 30, 40, 60, 80]


@pytest.mark.parametrize(
    "address", ["evil", "1.2", "1.2.3.4.5.6.7.8.9.-1", "1.2.3.4.5.6.7.8.9.1e3", "..........", "²." * 9 + "1"]
)
def test_an_address_that_makes_no_sense_falls_back(address: str) -> None:
    at = open_page(game_g=address, game_b="99", game_k="x")
    assert not at.exception
    assert not at.error
    assert at.session_state["game_gains"] == list(DEFAULT)
    assert "game_g" not in at.query_params


def test_presets_and_reset() -> None:
    at = open_page()
    at.button(key="game-One star").click().run()
    assert at.query_params["game_g"] == "95.20.20.20.20.20.20.20.20.20"
    at.slider(key="game_k").set_value(10).run()
    assert "nothing can be guaranteed" in words(at)
    at.button(key="game-Reset").click().run()
    assert not at.exception
    assert at.slider(key="game_k").value == WRONG
    assert at.session_state["game_gains"] == list(DEFAULT)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_sentence_is_true_for_every_setting(preset: str) -> None:
    gains = list(PRESETS[preset])
    for budget in range(1, 11):
        for wrong in range(11):
            game = solve_game([gain / 100 for gain in gains], budget, wrong=wrong)
            values = guarantees(gains, game)
            sentence = interpretation(game, values)
            assert values["rad"] >= max(values["uniform"], values["greedy"]) - 1e-9
            if wrong and game.value > 0:
                assert f"keeps {game.value:.2f}" in sentence
                assert ("lose everything" in sentence) == (values["greedy"] <= 0)
                assert ("guarantees as much" in sentence) == (
                    values["greedy"] > 0 and max(values["uniform"], values["greedy"]) > game.value - 0.005
                )


def test_gains_of_zero_leave_the_game_standing() -> None:
    at = open_page(game_g="0.0.0.0.0.0.0.0.0.0", game_k="0")
    assert not at.exception
    assert not at.error


def test_what_the_bars_send_is_checked() -> None:
    def script() -> None:
        import streamlit as st

        from app.components import bars

        st.session_state["b"] = st.session_state["sent"]
        bars.moved("b", 3)

    for sent in ([1, 2], [1, 2, 300], [1, 2, "3"], [1, 2, True + 0.5], None):
        at = AppTest.from_function(script)
        at.session_state["sent"] = {"move": {"gains": sent, "revision": 0}}
        assert "Reload the page" in at.run().exception[0].message


def test_every_strategy_has_one_sentence() -> None:
    for strategy in STRATEGIES.values():
        sentence, _ = described(strategy.function)
        assert 20 < len(sentence) < 160
        assert sentence.endswith(".")
        assert "arXiv" not in sentence
