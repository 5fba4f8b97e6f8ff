"""Explore answers whether it is worth it in every state of a study, and shows the purchase that its link asks for."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.explore import numbers, picks
from app.explore.panels import PANELS
from app.results import reading
from app.results import shipped as showcase
from app.shell.purchase import Purchase
from rad_core.errors import InputError
from rad_core.results import sentences
from rad_core.results.verdicts import results
from rad_core.selection import whatif
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.study import Study
from tests.helpers.big_study import make_big_study
from tests.helpers.result_pages import make_studies, open_page, sound, study_in, words

OWN = Purchase(1000, None, "rad", "uniform", 0.02)  # of the big study, without anybody's doing


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_studies(tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of two seeds and three rounds of 1,000."""
    return make_big_study(tmp_path_factory.mktemp("big"), 6000)


def explore(monkeypatch: pytest.MonkeyPatch, study: Study, **parameters: str) -> AppTest:
    return sound(open_page(monkeypatch, study.path.parent, "explore", **parameters))


def wished(at: AppTest) -> Purchase:
    return at.session_state["purchase"][1]


def set_purchase(at: AppTest, purchase: Purchase) -> AppTest:
    """As the instrument does once a handle is let go."""
    at.session_state["purchase"] = (at.session_state["purchase"][0], purchase)
    return sound(at.run())


# --- the verdict ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["three", "one", "without rad", "half"])
def test_the_measured_result_is_the_title_of_the_page(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at = sound(open_page(monkeypatch, stores[name], "explore"))
    measured = results(study_in(stores[name]))
    (title,) = at.title
    assert title.value.replace("\\", "") == sentences.headline(measured).text
    assert (title.help or "").replace("\\", "") == sentences.headline(measured).details
    text = words(at).replace("\\", "")
    assert sentences.which_rule(measured) in text
    assert "example" not in text


def test_one_seed_shows_no_uncertainty_and_no_winner(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, stores["one"], "explore", explore_panel=PANELS["next"]))
    text = words(at).replace("\\", "")
    assert "Too few repetitions to tell (1)" in text
    assert "1 repetition: too few for an interval, so no rule is said to be ahead" in text
    assert "1 repetition: too few for an interval." in text, "below the table of the next labels"
    assert "beats" not in text
    assert "<b>One</b>" not in text, "no name from a study gets into the page's own text"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("new", "The first results are on their way"),
        ("begun", "Not known yet. No rule has finished all 2 rounds"),
        ("half", "Not known yet. No rule has finished all 2 rounds"),
        ("no thumbnails", "(3 repetitions)"),
        ("without rad", "Too few repetitions to tell (2). 20 labels, chosen by margin"),
    ],
)
def test_every_state_of_a_study_has_its_words(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    text = words(sound(open_page(monkeypatch, stores[name], "explore"))).replace("\\", "")
    assert said in text
    assert "nan" not in text.lower().split()
    assert ":gray[]" not in text


def test_a_first_visitor_without_any_study_learns_what_this_is(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = words(sound(open_page(monkeypatch, stores["empty"], "explore")))
    assert "RAD Studio finds the labels" in text
    assert "No study yet" in text


def test_an_example_is_called_one(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    pack(study_in(stores["three"]), tmp_path / "example.rad.zip")
    at = open_page(monkeypatch, tmp_path / "own", "explore")
    monkeypatch.setattr(showcase, "archives", lambda: [tmp_path / "example.rad.zip"])
    assert "An example that ships with the program" in words(sound(at.run()))


# --- the purchase in view ------------------------------------------------------------------------------------------


def test_a_link_sets_the_purchase_the_seed_and_the_round(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"b": "77", "m": "62.5", "a": "margin", "vs": "rad", "price": "0.5", "seed": "1", "round": "2"}
    at = explore(monkeypatch, big, **link)
    assert wished(at) == Purchase(77, 0.625, "margin", "rad", 0.5)
    assert (at.session_state["seed"], at.session_state["round"]) == (1, 2)
    assert "What the study bought: round 2, seed 1" in words(at), "at the first run, too"
    assert {name: at.query_params[name] for name in link} == link


def test_the_address_holds_only_what_differs_from_the_study_s_own(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(monkeypatch, big, b="1000", a="rad", vs="uniform", price="0.02", seed="0", round="1")
    assert wished(at) == OWN
    assert dict(at.query_params) == {"run": big.id}
    set_purchase(at, Purchase(250, 0.6, "rad", "margin", 0.02))
    assert dict(at.query_params) == {"run": big.id, "b": "250", "m": "60", "vs": "margin"}


def test_names_of_links_made_before_are_understood(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(monkeypatch, big, budget_b="250", budget_m="70", budget_price="0.5")
    assert wished(at) == Purchase(250, 0.7, "rad", "uniform", 0.5)
    assert dict(at.query_params) == {"run": big.id, "b": "250", "m": "70", "price": "0.5"}


@pytest.mark.parametrize(
    "link",
    [
        {"b": "-3"},
        {"b": "many"},
        {"b": "inf"},
        {"m": "evil"},
        {"m": "250"},
        {"m": "nan"},
        {"a": "../.."},
        {"vs": "<script>"},
        {"a": "uniform"},  # the other one
        {"price": "nan"},
        {"price": "-1"},
        {"price": "1e99"},
        {"seed": "99"},
        {"seed": "-1"},
        {"seed": "9" * 400},
        {"round": "0"},
        {"round": "99"},
        {"round": "²"},
        {"explore_panel": "none"},
        {"budget_view": "<script>"},
    ],
    ids=str,
)
def test_nonsense_in_a_link_is_left_out(big: Study, monkeypatch: pytest.MonkeyPatch, link: dict[str, str]) -> None:
    at = explore(monkeypatch, big, **link)
    assert wished(at) == OWN
    last = link == {"round": "99"}
    assert f"round {3 if last else 1}, seed 0" in words(at)
    assert {name: at.query_params[name] for name in at.query_params if name not in ("run", *link)} == {}
    assert [at.query_params.get(name) for name in link if not name.startswith(("budget", "explore"))] in (
        [],
        [None],
        ["3"] if last else [None],
    )
    assert "nan" not in words(at).lower().split()


def test_a_purchase_of_more_than_is_left_is_of_all_that_is_left(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(monkeypatch, big, b="99999999", round="3")
    table = at.dataframe[0].value.set_index("How we choose")
    assert table.loc["RAD", "Gain bought"] == pytest.approx(table.loc["Uniform", "Gain bought"])
    assert table["Gain bought"].max() < 4000


def test_a_bad_link_to_a_study_falls_back_with_a_word(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(monkeypatch, stores["three"], "explore", run="../x", a="evil", b="x")
    plain = open_page(monkeypatch, stores["three"], "explore")
    (warning,) = sound(at).warning
    assert "showing this one instead" in warning.value
    assert words(at).replace(f" {warning.value}", "") == words(plain)


def test_studies_can_be_switched_and_what_was_asked_of_one_is_not_asked_of_the_next(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(stores["three"] / "study-of-tests", tmp_path / "first-study")
    shutil.copytree(stores["without rad"] / "study-of-tests", tmp_path / "second-study")
    at = open_page(monkeypatch, tmp_path, "explore", run="first-study", b="7", m="55", vs="oracle", seed="1", round="2")
    assert wished(at) == Purchase(7, 0.55, "rad", "oracle", 0.0)
    for id, pair, about in (
        ("second-study", ("margin", "uniform"), "chosen by margin"),
        ("first-study", ("rad", "uniform"), "RAD"),
        ("second-study", ("margin", "uniform"), "by margin"),
    ):
        sound(at.selectbox(key="picker").set_value(id).run())
        assert at.query_params["run"] in (id, [id])
        assert about in words(at)
        assert at.session_state["purchase"] == (id, Purchase(10, None, *pair, 0.0))
        assert "round 1, seed 0" in words(at)
        assert "b" not in at.query_params


def test_the_address_can_be_written_where_widgets_write_theirs(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for page, own in (
        ("explore", {"explore_panel": PANELS["cost"]}),
        ("tradeoff", {"tradeoff_axis": "Its calibrated confidence", "tradeoff_all": "false"}),
        ("map", {"map_layout": "PCA"}),
        ("curves", {"curves_panel": "Who is ahead"}),
    ):
        at = sound(open_page(monkeypatch, big.path.parent, page, **own, b="5", vs="margin"))
        sound(at.run())
        set_purchase(at, Purchase(250, 0.6, "rad", "uniform", 0.02))
        found = dict(at.query_params)
        assert (found["b"], found["m"], "vs" in found) == ("250", "60", False)
        assert own.items() <= found.items(), page


def test_the_purchase_goes_along_to_the_other_pages(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"b": "77", "vs": "margin", "seed": "1", "round": "2"}
    at = explore(monkeypatch, big, **link)
    for page in ("tradeoff", "map", "curves", "present", "explore"):
        sound(at.switch_page(f"views/{page}.py").run())
        assert wished(at) == Purchase(77, None, "rad", "margin", 0.02)
        assert {name: at.query_params.get(name) for name in link} == link, page


# --- the tables below ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("panel", ["rules", "classes", "overlap", "cost"])
def test_the_game_is_solved_once_for_a_purchase(big: Study, monkeypatch: pytest.MonkeyPatch, panel: str) -> None:
    at = explore(monkeypatch, big, explore_panel=PANELS[panel])
    solved = []
    for module in (numbers, whatif):
        solve = module.solve_game
        monkeypatch.setattr(
            module, "solve_game", lambda *given, solve=solve, **more: solved.append(1) or solve(*given, **more)
        )
    set_purchase(at, Purchase(250, None, "rad", "uniform", 0.02))
    assert len(solved) == 1
    set_purchase(at, Purchase(250, 0.6, "rad", "uniform", 0.02))
    assert len(solved) == 2


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
@pytest.mark.parametrize("budget", [1, 4000])
def test_the_ends_of_both_levers_have_an_answer(
    big: Study, monkeypatch: pytest.MonkeyPatch, accuracy: float, budget: int
) -> None:
    at = explore(monkeypatch, big, round="3", b=str(budget), m=f"{100 * accuracy:g}")
    if accuracy == 0.0:
        assert (at.dataframe[0].value["Guaranteed useful gain"] == 0).all()
    for panel in PANELS:
        at.segmented_control(key="explore_panel").set_value(panel)
        sound(at.run())


def test_a_worse_teacher_guarantees_less(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def guaranteed(**link: str) -> float:
        table = explore(monkeypatch, big, **link).dataframe[0].value.set_index("How we choose")
        return float(table.loc["RAD", "Guaranteed useful gain"])

    assert guaranteed(m="60") < guaranteed() < guaranteed(m="99")


def test_what_the_next_labels_bought_is_measured_and_ends_where_the_study_ends(
    big: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = explore(monkeypatch, big, round="3", explore_panel=PANELS["next"])
    table = at.dataframe[0].value
    assert set(table["Strategy"]) == {"RAD", "Margin", "Uniform"}
    assert table[["low (points)", "high (points)"]].isna().all(axis=None), "two seeds give no interval"
    assert "2 repetitions: too few for an interval" in words(at)
    assert not at.info
    set_purchase(at, Purchase(3000, None, "rad", "uniform", 0.02))
    assert "Nothing is extrapolated" in at.info[0].value
    assert "up to 3,000 bought labels" in at.info[0].value


def test_mixtures_have_no_mistakes_to_count(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_in(stores["one"])
    round_ = next(r for r in (1, 2) if (study.round_array("unixkd", 0, r, "bought_correct") > 1).any())
    at = sound(open_page(monkeypatch, stores["one"], "explore", round=str(round_)))
    bought = at.dataframe[1].value.set_index("Strategy")
    assert bought.loc["UNIXKD", ["Teacher mistakes", "Useful gain"]].isna().all()
    wrong = (study.round_array("rad", 0, round_, "bought_correct") == 0).sum()
    assert bought.loc["RAD", "Teacher mistakes"] == wrong
    assert bought["Gain bought"].notna().all()


def test_money_is_the_price_times_the_labels(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(monkeypatch, big, b="100", price="0.25", explore_panel=PANELS["cost"])
    assert at.dataframe[0].value["Money"].iloc[0].replace("\\", "") == "25.00 USD"


def without(big: Study, tmp_path: Path, *statements: str) -> Path:
    """A copy of the store whose study lacks some rounds."""
    store = Path(shutil.copytree(big.path.parent, tmp_path / "store"))
    with closing(sqlite3.connect(store / big.id / DATABASE)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return store


def test_a_strategy_whose_round_is_missing_is_left_out(
    big: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = without(big, tmp_path, "delete from rounds where strategy = 'margin' and round > 1")
    at = sound(open_page(monkeypatch, store, "explore", round="3"))
    assert set(at.dataframe[1].value["Strategy"]) == {"RAD", "Uniform"}


def test_a_study_that_has_just_begun_shows_what_its_first_purchase_may_be(
    big: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ("strategy != ''", "seed > 0")
    store = without(big, tmp_path, "delete from seeds where seed > 0", *(f"delete from rounds where {x}" for x in gone))
    at = sound(open_page(monkeypatch, store, "explore", round="3"))
    assert len(at.dataframe) == 1
    at.segmented_control(key="explore_panel").set_value("next").run()
    assert "Not measured yet" in words(sound(at))


# --- the exact draw ------------------------------------------------------------------------------------------------


def test_a_purchase_can_be_drawn_and_taken_along(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(monkeypatch, big, b="77", m="60", seed="1", round="2")
    drawn = picks.draw(big, "rad", 1, 2, "rad", 77, 0.6)
    text = words(sound(at.button(key="use").click().run())).replace("\\", "")
    assert "**77 labels** chosen by **RAD** for 1.54 USD" in text
    assert "before round 2 of seed 1; the teacher assumed right on 60.0%" in text
    assert f"{(~drawn['teacher_right']).sum()} of them are wrong" in text
    assert any(each.value.equals(drawn) for each in at.dataframe)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"a": "unixkd"}, "UNIXKD chooses by more than the gains: what it bought in this round, 10 labels"),
        ({"a": "oracle", "m": "60"}, "The oracle knows where this very teacher is right"),
    ],
)
def test_what_cannot_be_drawn_says_why(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, link: dict[str, str], said: str
) -> None:
    store = stores["three" if link["a"] == "oracle" else "one"]
    at = sound(open_page(monkeypatch, store, "explore", **link))
    assert said in words(sound(at.button(key="use").click().run()))


@pytest.mark.parametrize(("rule", "accuracy"), [("rad", None), ("rad", 0.6), ("uniform", None), ("greedy", None)])
def test_a_draw_has_as_many_rows_as_asked_for_and_is_the_same_twice(
    big: Study, rule: str, accuracy: float | None
) -> None:
    one, two = (picks.draw(big, "rad", 0, 2, rule, 300, accuracy) for _ in range(2))
    assert one.equals(two)
    assert (len(one), one["pool_index"].nunique()) == (300, 300)
    assert set(one["pool_index"]) <= set(reading.remaining(big, "rad", 0, 2).tolist())
    right = np.asarray(reading.teacher_right(big, 0))
    assert (one["teacher_right"] == right[one["pool_index"]]).all()
    others = [picks.draw(big, "rad", *where, rule, 300, accuracy) for where in ((0, 1), (1, 2))]
    assert not any(set(each["pool_index"]) == set(one["pool_index"]) for each in others)
    assert len(picks.draw(big, "rad", 0, 3, rule, 10**6, accuracy)) == 4000


def test_points_are_drawn_as_often_as_their_probability_says(big: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, times = reading.pool_before(big, "rad", 0, 1), 300
    monkeypatch.setattr(picks.reading, "pool_before", lambda *_: pool)
    often, q = np.zeros(pool.size), np.zeros(pool.size)
    for i in range(times):
        monkeypatch.setattr(picks, "draw_seed", lambda *_, i=i: i)
        table = picks.draw(big, "rad", 0, 1, "rad", 50, None)
        often[table["pool_index"]] += 1
        q[table["pool_index"]] = table["q"]
    levers = numbers.Levers(50, pool.teacher.used, False, pool.wrong())
    wanted = numbers.chances(pool, levers, numbers.solve(pool, levers))["rad"]
    assert q[often > 0] == pytest.approx(wanted[often > 0])
    assert (often[wanted == 0] == 0).all()
    likely = wanted > 0.02
    surprise = (often - times * wanted)[likely] / np.sqrt(times * wanted * (1 - wanted) + 1e-9)[likely]
    assert likely.sum() > 10
    assert np.abs(surprise[wanted[likely] < 1]).max() < 5
    halves = np.argsort(pool.gains)[: pool.size // 2]
    assert often[halves].sum() == pytest.approx(times * wanted[halves].sum(), abs=5 * np.sqrt(times * 50))


def test_a_rule_that_is_no_function_of_the_gains_is_not_drawn(big: Study) -> None:
    for rule in ("badge", "coreset", "margin"):
        with pytest.raises(InputError, match=f"{rule} is no function of the gains"):
            picks.draw(big, "rad", 0, 1, rule, 10, None)
    with pytest.raises(InputError, match="leave its accuracy as estimated"):
        picks.draw(big, "rad", 0, 1, "oracle", 10, 0.6)
