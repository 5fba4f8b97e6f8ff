"""Your data: it picks what `rad select` picks, byte for byte; every bad file is answered in a sentence."""

from __future__ import annotations

import io
import json
import pickle
import shlex
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from app.data import answer, choice, example
from app.data.choice import Wish
from app.data.files import files_in, read_from_folder, read_upload, shown_name
from app.explore import matters, numbers, payload
from app.explore.panels import PANELS
from app.findings.foresight import atlas
from app.results import reading
from rad_core.commands.select import command
from rad_core.errors import InputError
from rad_core.inputs.writing import table_bytes
from rad_core.learning.plane import principal_plane
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value, solve_game
from rad_core.selection.strategies import USABLE
from tests.explore.test_explore_payload import unpack

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def probabilities(n: int = 60, classes: int = 4, seed: int = 0) -> np.ndarray:
    logits = 2 * np.random.default_rng(seed).normal(size=(n, classes))
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def npy(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values, **options)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()


def with_ids(values: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=[f"class {i}" for i in range(values.shape[1])])
    table.insert(0, "id", [f"img-{i}" for i in range(len(values))])
    return table


def open_page(**parameters: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.switch_page("views/data.py").run()


def upload(at: AppTest, role: str, name: str, content: bytes) -> AppTest:
    (field,) = [field for field in at.file_uploader if (field.key or "").split("-")[0] == f"scores_{role}"]
    field.upload(name, content)
    return at.run()


def use(at: AppTest) -> AppTest:
    """The exact draw of the purchase in view."""
    return at.button(key="use").click().run()


def title(at: AppTest) -> str:
    return at.title[0].value


def words(at: AppTest) -> str:
    return " ".join(text.value.replace("\\", "") for text in at.markdown)


def errors(at: AppTest) -> str:
    return " ".join(error.value.replace("\\", "") for error in at.error)


# --- the same as `rad select` -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("strategy", USABLE)
def test_the_command_shown_writes_the_picks_byte_for_byte(
    strategy: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "probabilities": ("my probs.csv", with_ids(probabilities()).to_csv(index=False).encode()),
        "flags": ("right.npy", npy(np.arange(40) % 5 > 0)),
        "features": ("f.npz", npz(features=np.random.default_rng(1).normal(size=(60, 5)))),
    }
    for name, content in files.values():
        (tmp_path / name).write_bytes(content)
    given = {role: read_upload(role, name, content) for role, (name, content) in files.items()}
    scores = choice.put_together(given)
    wish = Wish(12, strategy, "entropy", seed=3, lower_bound=True)
    expected = table_bytes(choice.choose_rows(scores, wish).columns, ending)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(choice.command_line(scores, wish).replace("picks.csv", f"picks{ending}"))
    assert words[:2] == ["rad", "select"]
    assert CliRunner().invoke(command, words[2:]).exit_code == 0
    assert (tmp_path / f"picks{ending}").read_bytes() == expected


def test_whether_choosing_matters_is_foreseen_where_the_checked_examples_have_gains() -> None:
    at = open_page(scores_from="Example", own_panel=PANELS["matters"])
    assert "Does choosing matter here? Probably not." in " ".join(text.value for text in at.subheader)
    assert "settings of ours came out as expected" in words(at)
    given = {"probabilities": ("p.npy", npy(probabilities())), "flags": ("v.csv", b"right\n" + b"1\n0\n" * 20)}
    scores = choice.put_together({role: read_upload(role, *file) for role, file in given.items()})
    told = answer.foreseen(scores, Wish(5, "rad", "margin"), choice.gains_of(scores, "margin"))
    assert told.known is None
    assert "give a column gain beside the flags" in told.why


@pytest.mark.parametrize(("wrong", "head"), [(1, "Probably."), (18, "Not clear."), (40, "Probably not.")])
def test_what_few_checked_examples_leave_open_is_not_said(wrong: int, head: str) -> None:
    gains = probabilities(400).max(axis=1).astype(np.float64)
    checked = np.linspace(0, 1, 200)
    right = np.ones(200, int)
    right[-wrong:] = 0
    matter = matters.of_checked(1 - gains, checked, right, 20, None)
    assert matters.words(matter, atlas())[0] == head
    assert "[" in matters.words(matter, atlas())[1]


@pytest.mark.parametrize("gain", GAINS)
def test_a_typed_accuracy_is_the_same_on_the_command_line(
    gain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.npy").write_bytes(npy(probabilities()))
    scores = choice.put_together({"probabilities": read_upload("probabilities", "p.npy", npy(probabilities()))})
    wish = Wish(7, "rad", gain, accuracy=0.735)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(choice.command_line(scores, wish))
    assert CliRunner().invoke(command, words[2:]).exit_code == 0
    assert (tmp_path / "picks.csv").read_bytes() == table_bytes(choice.choose_rows(scores, wish).columns, ".csv")


# --- files --------------------------------------------------------------------------------------------------------


def test_every_format_reads_the_same_numbers() -> None:
    values = probabilities()
    table = pd.DataFrame(values, columns=list("abcd"))
    contents = {
        "p.npy": npy(values),
        "p.npz": npz(probabilities=values, other=np.arange(3)),
        "p.csv": table.to_csv(index=False).encode(),
        "P.PARQUET": parquet(table),
    }
    for name, content in contents.items():
        given = read_upload("probabilities", name, content)
        np.testing.assert_allclose(given.table.values, values, rtol=1e-6)


def bomb() -> bytes:
    """An archive that claims to hold far more numbers than fit."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("probabilities.npy", npy(np.zeros((1000, 3))))
    raw = bytearray(file.getvalue())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")
    return bytes(raw)


GOOD = probabilities()
BAD_PROBABILITIES = {
    "empty": ("p.npy", b"", "p.npy is empty"),
    "empty table": ("p.csv", b"", "p.csv is empty"),
    "header alone": ("p.csv", b"a,b\n", "names its columns but has no rows"),
    "one class": ("p.npy", npy(np.ones((5, 1))), "has one number per row"),
    "flat": ("p.npy", npy(GOOD[:, 0]), "column_stack([1 - p, p])"),
    "three axes": ("p.npy", npy(np.ones((2, 2, 2))), "has shape (2, 2, 2)"),
    "NaN": ("p.npy", npy(np.where(np.arange(60)[:, None] == 7, np.nan, GOOD)), "Row 7 of p.npy holds NaN"),
    "rows off": ("p.npy", npy(GOOD * np.linspace(0.5, 1, 60)[:, None]), "sums to 0.5"),
    "logits": ("p.npy", npy(np.random.default_rng(0).normal(size=(9, 3))), "look like logits"),
    "log-probabilities": ("p.npy", npy(np.log(GOOD)), "holds logarithms of probabilities"),
    "percentages": ("p.npy", npy(100 * GOOD), "divide by 100"),
    "row numbers": ("p.csv", pd.DataFrame(GOOD).to_csv().encode(), "row numbers in its first column"),
    "words": ("p.csv", b"a,b\nx,0.5\n", "does not hold numbers"),
    "no header": ("p.csv", b"0.25,0.75\n0.5,0.5\n", "its first line must name the columns"),
    "same id twice": ("p.csv", b"id,a,b\n1,0.5,0.5\n1,0.5,0.5\n", "must be different"),
    "pickle": ("p.npy", pickle.dumps(GOOD), "pickled Python objects, which could run code"),
    "pickled objects": (
        "p.npy",
        npy(np.array([{1}, {2}]), allow_pickle=True),
        "pickled Python objects, which could run code",
    ),
    "no archive": ("p.npz", b"PK nonsense", "p.npz"),
    "several arrays": ("p.npz", npz(a=GOOD, b=GOOD), "name one of them probabilities"),
    "bomb": ("p.npz", bomb(), "unpacks to about"),
    "no table": ("p.parquet", b"PAR1", "not a readable .parquet table"),
    "cut off": ("p.npy", npy(GOOD)[:200], "p.npy"),
}


@pytest.mark.parametrize(("name", "content", "words"), BAD_PROBABILITIES.values(), ids=BAD_PROBABILITIES.keys())
def test_a_bad_file_is_answered_in_a_sentence(name: str, content: bytes, words: str) -> None:
    at = upload(open_page(), "probabilities", name, content)
    assert not at.exception
    assert len(at.error) == 1
    assert words in errors(at)
    assert "/tmp" not in errors(at), "the message names a path of the server"
    assert "What to bring" in " ".join(head.value for head in at.subheader)


BAD_OTHERS = {
    "flags of two kinds": ("flags", npy(np.array([0, 1, 2])), "holds 2; a teacher-right flag is 1"),
    "flags in two columns": ("flags", npy(np.ones((5, 2))), "has shape (5, 2)"),
    "probabilities as flags": ("flags", npy(np.array([0.3, 1.0])), "holds 0.3"),
    "features of other points": ("features", npy(np.ones((59, 3))), "has 59 rows, but p.npy has 60"),
    "features flat": ("features", npy(np.ones(60)), "features must be (N, D)"),
    "features flat and too few": ("features", npy(np.ones(59)), "has shape (59,); features must be (N, D)"),
    "features in a block": ("features", npy(np.ones((6, 10, 2))), "has shape (6, 10, 2); features must be (N, D)"),
    "features infinite": ("features", npy(np.full((60, 2), np.inf)), "holds NaN or infinity"),
    "labels of other points": ("labels", npy(np.zeros(61, int)), "has 61 labels, but p.npy has 60"),
    "labels out of range": ("labels", npy(np.full(60, 4)), "holds the class number 4, but there are 4 classes"),
    "labels between": ("labels", npy(np.full(60, 0.5)), "class numbers 0, 1, 2"),
}


@pytest.mark.parametrize(("role", "content", "words"), BAD_OTHERS.values(), ids=BAD_OTHERS.keys())
def test_a_bad_companion_is_answered_in_a_sentence(role: str, content: bytes, words: str) -> None:
    at = upload(upload(open_page(), "probabilities", "p.npy", npy(GOOD)), role, "x.npy", content)
    assert not at.exception
    assert len(at.error) == 1
    assert words in errors(at)


@pytest.mark.parametrize(("name", "words"), [("p.txt", "ends in .txt; give the flags"), ("right", "ends in nothing")])
def test_other_endings_are_refused_by_the_server_too(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("flags", "teacher-right flags")):
        read_upload("flags", name, b"right\n1\n")


def test_what_a_file_quotes_is_not_taken_for_markup() -> None:
    at = upload(open_page(), "probabilities", "![x](http:__evil)<b>.csv", b"![](http://evil/x.png),b\nx,0.5\n")
    assert "!\\[\\](" in at.error[0].value
    assert "<b>" not in at.error[0].value
    for odd in ("../../etc/passwd.csv", "C:\\Users\\me\\x.npy", "a" * 300 + ".csv", "\x00\n.csv"):
        shown = shown_name(odd)
        assert len(shown) <= 60
        assert not set(shown) & set("/\\\n\x00")


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_empty_page_teaches_and_the_example_shows_everything() -> None:
    at = open_page()
    assert not at.exception
    assert len(at.file_uploader) == 4
    assert "np.save" in at.code[0].value
    at.button(key="scores-example").click().run()
    assert not at.exception
    assert not at.error
    assert "Of 1,537 points, 153 labels are worth at least" in title(at)
    read = " ".join(caption.value for caption in at.caption)
    assert "1,537 points · 10 classes · the student is right on" in read
    assert "nothing was trained on this pool" in words(at)
    assert "estimated on 200 checked examples" in words(at)
    for panel in at.segmented_control(key="own_panel").options:
        at.segmented_control(key="own_panel").set_value({v: k for k, v in PANELS.items()}[panel]).run()
        assert not at.exception, panel
        assert not at.error, panel


@pytest.mark.parametrize("strategy", USABLE)
def test_every_strategy_and_gain_on_the_example(strategy: str) -> None:
    vs = "margin" if strategy == "uniform" else "uniform"
    at = use(open_page(scores_from="Example", b="20", a=strategy, vs=vs))
    assert not at.exception
    assert not at.error
    assert f"--strategy {strategy}" in at.code[0].value or strategy == "rad"
    for gain in GAINS:
        at.selectbox(key="scores_gain").set_value(gain).run()
        assert not at.exception
        assert not at.error


def test_the_address_holds_the_view_and_nonsense_in_it_falls_back() -> None:
    at = use(open_page(scores_from="Example", b="44", a="uniform", vs="rad", scores_seed="5"))
    assert "44 of 1,537 rows** by Uniform" in words(at)
    assert "--seed 5" in at.code[0].value
    at = use(open_page(scores_from="Example", scores_b="44", scores_m="70"))
    assert "--teacher-accuracy 0.7 --budget 44" in at.code[0].value, "a link made before"
    assert "scores_b" not in at.query_params
    at = use(open_page(scores_from="Example", b="-3", a="evil", m="x", price="inf", own_panel="../.."))
    assert not at.exception
    assert "153 of 1,537 rows** by RAD" in words(at)
    assert "Of 1,537 points, 1,537 labels" in title(open_page(scores_from="Example", b="999999"))


def test_what_is_said_is_what_the_game_guarantees() -> None:
    scores = choice.put_together({"probabilities": read_upload("probabilities", "p.npy", npy(GOOD))})
    wish = Wish(20, accuracy=0.8)
    gains = choice.gains_of(scores, "margin")
    pool = choice.pool_of(scores, gains, wish, 6)
    levers = numbers.Levers(20, 0.8, False, pool.wrong(0.8))
    found = numbers.answers(pool, levers)
    head, beside = answer.verdict(scores, wish, found)
    value = game_value(solve_game(gains.astype(float), 20, wrong=12).q, gains, 12)
    assert head == f"Of 60 points, 20 labels are worth at least {value:.2f} fully informative, right ones"
    assert "an assumed 80.0%" in beside
    assert "unknown" in beside
    assert "no guarantee is known" in answer.verdict(scores, replace(wish, strategy="mraru"), found)[0]


def test_the_instrument_gets_the_pool_sorted_and_nothing_about_mistakes() -> None:
    gains = np.random.default_rng(0).random(100).astype(np.float32)
    _, parts = unpack(payload.own_blob(gains, 1, None).data)
    assert sorted(parts) == ["gains", "positions"]
    assert (np.diff(parts["gains"].astype(int)) <= 0).all()
    np.testing.assert_allclose(parts["gains"] / 65535, gains[parts["positions"]], atol=1e-5)
    _, parts = unpack(payload.own_blob(gains, 1, np.random.default_rng(1).random((100, 2))).data)
    assert len(parts["grid"]) == 200
    json.dumps(
        payload.own_facts(reading.Pool("x", gains, reading.TeacherEstimate(0.8, np.nan, np.nan, 0.8), 9), "margin"),
        allow_nan=False,
    )


def test_without_flags_one_says_how_often_the_teacher_is_right() -> None:
    at = upload(open_page(m="65"), "probabilities", "p.npy", npy(GOOD))
    assert "an assumed 65.0%" in words(at)
    assert "--teacher-accuracy 0.65" in use(at).code[0].value
    at = upload(open_page(), "probabilities", "p.npy", npy(GOOD))
    assert "an assumed 80.0%" in words(at)
    assert "estimated" not in words(at)
    assert not at.exception
    assert not at.error


def test_the_lower_bound_is_what_the_command_line_takes() -> None:
    at = open_page(scores_from="Example")
    at.checkbox(key="scores_bound").check().run()
    assert "95% lower bound" in words(at)
    assert "--lower-bound" in use(at).code[0].value


def test_a_strategy_that_needs_features_says_so() -> None:
    at = upload(open_page(a="badge"), "probabilities", "p.npy", npy(GOOD))
    assert "needs the student's features" in at.warning[0].value
    assert not at.exception
    assert not at.error


def test_files_stay_while_another_page_is_looked_at_and_can_be_removed() -> None:
    at = upload(open_page(), "probabilities", "p.npy", npy(GOOD))
    at.switch_page("views/method.py").run()
    at.switch_page("views/data.py").run()
    assert "Of 60 points" in title(at)
    at.button(key="scores-remove-probabilities").click().run()
    assert title(at) == "What do I label next?"
    assert not at.exception


def test_a_smaller_pool_takes_the_budget_with_it() -> None:
    at = upload(open_page(b="300"), "probabilities", "p.npy", npy(probabilities(400)))
    assert "300 labels" in title(at)
    upload(at, "probabilities", "q.npy", npy(probabilities(50)))
    assert not at.exception
    assert "Of 50 points, 50 labels" in title(at)
    upload(at, "probabilities", "one.npy", npy(probabilities(1)))
    assert not at.exception
    assert not at.error


def test_what_is_worth_knowing_is_said() -> None:
    at = upload(open_page(), "probabilities", "p.npy", npy(np.eye(4)[np.arange(60) % 4]))
    upload(at, "flags", "f.npy", npy(np.ones(60, int)))
    said = " ".join(warning.value for warning in at.warning)
    assert "hard predictions" in said
    assert "as many flags as points" in said
    assert not at.exception


# --- files of the server ------------------------------------------------------------------------------------------


def test_only_files_directly_in_the_folder_can_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n0.5,0.5\n")
    folder = tmp_path / "scores"
    (folder / "deeper.npy").mkdir(parents=True)
    (folder / "link.csv").symlink_to(secret)
    (folder / "p.npy").write_bytes(npy(GOOD))
    (folder / "notes.txt").write_text("no")
    assert files_in(folder) == ["p.npy"]
    for name in ("../secret.csv", "link.csv", str(secret), "notes.txt"):
        with pytest.raises(InputError, match="There is no file"):
            read_from_folder("probabilities", folder, name)


@pytest.mark.parametrize(("files", "read_only", "there"), [("1", "", True), ("0", "", False), ("1", "1", False)])
def test_strangers_cannot_read_files_of_the_server(
    files: str, read_only: str, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.npy").write_bytes(npy(GOOD))
    monkeypatch.setenv("RAD_SCORES", str(tmp_path))
    monkeypatch.setenv("RAD_FILES", files)
    monkeypatch.setenv("RAD_READ_ONLY", read_only)
    at = open_page(scores_from="This computer", scores_probabilities_file="p.npy")
    assert ("Of 60 points" in title(at)) is there
    assert any("Upload them instead" in info.value for info in at.info) is not there


def test_a_file_of_this_computer_is_read_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAD_SCORES", str(tmp_path))
    (tmp_path / "p.npy").write_bytes(npy(GOOD))
    at = open_page(scores_from="This computer", scores_probabilities_file="p.npy")
    assert "Of 60 points" in title(at)
    (tmp_path / "p.npy").write_bytes(npy(probabilities(70)))
    assert "Of 70 points" in title(at.run())
    (tmp_path / "p.npy").write_bytes(b"nonsense")
    assert "p.npy" in errors(at.run())
    (tmp_path / "p.npy").unlink()
    at.run()
    assert not at.exception


# --- the rest -----------------------------------------------------------------------------------------------------


def test_the_plane_is_the_first_two_principal_components() -> None:
    from sklearn.decomposition import PCA

    values = np.random.default_rng(2).normal(size=(300, 6)) @ np.diag([5, 3, 1, 1, 1, 1])
    found, expected = principal_plane(values), PCA(2).fit_transform(values)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    assert principal_plane(np.ones((5, 1))).shape == (5, 2)
    assert principal_plane(np.ones((1, 3))).tolist() == [[0.0, 0.0]]
    assert np.isfinite(principal_plane(np.zeros((5, 3), np.float32))).all()


def test_the_shipped_example_is_what_its_maker_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(example.folder() / "make.py"), str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(example.FILES.values())
    for role, name in example.FILES.items():
        made = read_from_folder(role, tmp_path, name).table.values
        shipped = read_from_folder(role, example.folder(), name).table.values
        # Another release of the solver may move the last digits.
        np.testing.assert_allclose(made, shipped, atol=0.02)
    with zipfile.ZipFile(io.BytesIO(example.archive())) as archive:
        assert sorted(archive.namelist()) == sorted(example.FILES.values())


def test_fifty_thousand_points_feel_instant() -> None:
    import time

    content = npy(probabilities(50_000, 10))
    start = time.perf_counter()
    scores = choice.put_together({"probabilities": read_upload("probabilities", "p.npy", content)})
    choice.choose_rows(scores, Wish(500, accuracy=0.8))
    principal_plane(scores.values)
    assert time.perf_counter() - start < 2.0  # 0.15 s on two quiet cores
