"""A campaign by files and commands: every format goes out and comes back, ids exactly as given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from rad_core import Campaign
from rad_core.cli import cli
from rad_core.errors import RadError

IDS = ["007", "=1+1", "a,b", "ü", "x y", "1e3", "12", "-5"]
CLASSES = ["3", "good", "no"]  # a class may look like a number


def rad(*arguments: object, code: int = 0) -> str:
    """What a command says; of one that is refused, the sentence."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)
    if code:
        assert isinstance(result.exception, RadError), result.output
        assert result.exception.exit_code == code
        return str(result.exception)
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a campaign made from tables, and the student's probabilities, one of them not of the pool."""
    pool = pd.DataFrame({"id": IDS, "text": [f"text of {name}" for name in IDS], "label": ""})
    pool.loc[len(pool)] = ["known", "a text", "3"]
    pool.to_csv(tmp_path / "pool.csv", index=False)
    (tmp_path / "checked.csv").write_text("id,label,teacher\nc1,3,3\nc2,good,good\nc3,no,3\nc4,3,\n")
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], len(IDS) + 1)
    frame = pd.DataFrame(shares, columns=CLASSES).assign(id=[*IDS, "known"])
    frame[["no", "id", "3", "good"]].to_parquet(tmp_path / "student.parquet")
    made = rad(
        *("campaign", "create", "words", "--pool", tmp_path / "pool.csv", "--checked", tmp_path / "checked.csv"),
        *("--price", "0.05", "--currency", "EUR", "--max-cost", "2", "--store", tmp_path / "store"),
    )
    assert "1 rows have a label; they are labeled examples" in made
    assert "a pool of 8 (8 free), 1 labeled" in made
    assert "right on 2 of 3 checked examples" in made
    return tmp_path


def ask(place: Path, output: str, *more: object, budget: int = 8) -> Path:
    rad(
        *("ask", "words", "--probs", place / "student.parquet", "--budget", budget, "-o", place / output),
        *("--store", place / "store", *more),
    )
    return place / output


def opened(place: Path) -> Campaign:
    return Campaign.open("words", place / "store")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_tables_go_out_and_come_back(place: Path, suffix: str) -> None:
    path = ask(place, f"picks.{suffix}")
    picks = {
        "csv": lambda: pd.read_csv(path, dtype={"id": str}),
        "parquet": lambda: pd.read_parquet(path),
        "jsonl": lambda: pd.read_json(path, lines=True, dtype={"id": str}),
    }[suffix]()
    assert list(picks.columns) == ["id", "gain", "probability", "round", "text"]
    shown = dict(zip(picks["id"], picks["text"], strict=True))
    assert set(shown) == {"'=1+1" if name == "=1+1" and suffix == "csv" else name for name in IDS}
    assert shown["007"] == "text of 007"
    answers = picks[["id"]].assign(label=["3", None, "good", "3", "no", "3", "3", "3"])
    back = place / f"answers.{suffix}"
    if suffix == "csv":
        answers.to_csv(back, index=False)
    elif suffix == "parquet":
        answers.to_parquet(back)
    else:
        answers.to_json(back, lines=True, orient="records")
    assert "8 new answers, 1 abstentions; 0 questions are open." in rad(
        "tell", "words", back, "--store", place / "store"
    )
    assert "8 told before" in rad("tell", "words", back, "--store", place / "store")
    target = place / f"train.{suffix}"
    rad("campaign", "training-set", "words", "-o", target, "--store", place / "store")
    examples = opened(place).training_set()
    assert examples.ids[:1] == ["known"]
    assert sorted(examples.sources) == ["checked"] * 4 + ["labeled"] + ["teacher"] * 7
    assert set(examples.ids) - {"known", "c1", "c2", "c3", "c4"} < set(IDS)
    if suffix == "parquet":
        table = pd.read_parquet(target)
        assert list(table.columns) == ["id", *CLASSES, "source", "round", "weight"]
        np.testing.assert_array_equal(table[CLASSES], examples.targets)


def test_probabilities_come_back_by_the_names_of_their_columns(place: Path) -> None:
    ask(place, "picks.csv", budget=3)
    asked = opened(place).open_questions().ids
    frame = pd.DataFrame({"good": [0.5, None, 0.1], "id": asked, "3": [0.2, None, 0.1], "no": [0.3, None, 0.8]})
    frame.to_parquet(place / "soft.parquet")
    assert "3 new answers, 1 abstentions" in rad("tell", "words", place / "soft.parquet", "--store", place / "store")
    np.testing.assert_allclose(opened(place).training_set().targets[-2:], [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])


def test_label_studio_takes_tasks_and_gives_an_export(place: Path) -> None:
    tasks = json.loads(ask(place, "tasks.json", "--format", "label-studio", budget=4).read_text())
    assert set(tasks[0]) == {"data", "predictions"}
    assert tasks[0]["data"]["text"] == f"text of {tasks[0]['data']['rad_id']}"
    (result,) = tasks[0]["predictions"][0]["result"]
    assert (result["type"], result["from_name"], result["to_name"]) == ("choices", "label", "text")
    assert result["value"]["choices"][0] in CLASSES
    assert 0 <= tasks[0]["predictions"][0]["score"] <= 1

    def annotation(*choices: str, cancelled: bool = False) -> dict:
        made = {"id": "k3", "type": "choices", "from_name": "label", "to_name": "text", "origin": "manual"}
        results = [{**made, "value": {"choices": list(choices)}}] if choices else []
        return {"id": 9, "completed_by": 1, "was_cancelled": cancelled, "ground_truth": False, "result": results}

    given = [[annotation("good")], [annotation("3"), annotation("no")], [annotation(cancelled=True)], []]
    export = [
        {"id": at + 70, "data": task["data"], "annotations": annotations, "predictions": [], "project": 4}
        for at, (task, annotations) in enumerate(zip(tasks, given, strict=True))
    ]
    (place / "export.json").write_text(json.dumps(export))
    said = rad("tell", "words", place / "export.json", "--store", place / "store")
    assert "3 new answers, 1 abstentions; 1 questions are open." in said
    np.testing.assert_array_equal(opened(place).training_set().targets[-2:], [[0, 1, 0], [0.5, 0, 0.5]])
    short = [{"id": 73, **tasks[3]["data"], "label": "no", "annotator": 1, "annotation_id": 5, "lead_time": 3.1}]
    (place / "short.json").write_text(json.dumps(short))
    assert "1 new answers; 0 questions" in rad("tell", "words", place / "short.json", "--store", place / "store")


def test_argilla_takes_records_and_gives_them_back(place: Path) -> None:
    records = json.loads(ask(place, "records.json", "--format", "argilla", budget=3).read_text())
    assert set(records[0]) == {"id", "fields", "metadata", "suggestions", "responses", "vectors"}
    assert records[0]["fields"] == {"text": f"text of {records[0]['id']}"}
    assert set(records[0]["suggestions"]["label"]) == {"value", "score", "agent"}
    user = "6b1a1ff0-0000-0000-0000-000000000001"
    records[0]["responses"] = {"label": [{"value": "no", "user_id": user}]}
    records[1]["responses"] = {"label": [{"value": None, "user_id": user}]}  # discarded
    (place / "back.json").write_text(json.dumps([{**record, "_server_id": "5"} for record in records]))
    said = rad("tell", "words", place / "back.json", "--store", place / "store")
    assert "2 new answers, 1 abstentions; 1 questions are open." in said


def test_the_checked_are_the_first_purchase(place: Path) -> None:
    said = rad("ask", "words", "--checked", "-o", place / "first.csv", "--store", place / "store")
    assert "Checked examples: 1 questions, which may cost 0.05 EUR." in said
    assert pd.read_csv(place / "first.csv")["id"].tolist() == ["c4"]
    (place / "c.csv").write_text("id,label\nc4,3\n")
    rad("tell", "words", place / "c.csv", "--store", place / "store")
    assert "right on 3 of 4" in rad("campaign", "show", "words", "--store", place / "store")


def test_what_is_open_is_written_again_and_can_be_withdrawn(place: Path) -> None:
    first = pd.read_csv(ask(place, "picks.csv"), dtype=str)
    said = rad("ask", "words", "--again", "-o", place / "again.csv", "--store", place / "store")
    assert "8 questions are open; they may cost 0.40 EUR. Nothing new was asked." in said
    assert pd.read_csv(place / "again.csv", dtype=str)["id"].tolist() == first["id"].tolist()
    first.iloc[:2].to_csv(place / "back.csv", index=False)
    rad("campaign", "withdraw", "words", place / "back.csv", "--store", place / "store")
    assert opened(place).status().open == 6


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    (tmp_path / "set" / "data").mkdir(parents=True)
    for part in range(2):
        frame = pd.DataFrame({"id": [f"{part}{at}" for at in range(3)], "text": "word"})
        frame.to_parquet(tmp_path / "set" / "data" / f"train-0000{part}-of-00002.parquet")
    (tmp_path / "pool.jsonl").write_text('{"id": "1"}\n{"id": 2, "label": null}\n')
    for name, pool, points in (("folder", tmp_path / "set", 6), ("lines", tmp_path / "pool.jsonl", 2)):
        rad("campaign", "create", name, "--pool", pool, "--classes", "a,b", "--store", tmp_path / "store")
        assert Campaign.open(name, tmp_path / "store").status().pool["free"] == points
    assert "folder" in rad("campaign", "list", "--store", tmp_path / "store")
    rad("campaign", "delete", "folder", "--yes", "--store", tmp_path / "store")
    assert [info["name"] for info in json.loads(rad("campaign", "list", "--json", "--store", tmp_path / "store"))] == [
        "lines"
    ]


def test_show_ledger_score_and_verify(place: Path) -> None:
    ask(place, "picks.csv", budget=2)
    opened(place).tell(opened(place).open_questions().ids, ["3", "no"])
    assert "Accuracy 0.830 on 100 test examples after 2 answers for 0.10 EUR." in rad(
        "score", "words", "--accuracy", "0.83", "--total", "100", "--store", place / "store"
    )
    values = json.loads(rad("campaign", "show", "words", "--json", "--store", place / "store"))
    assert (values["spent"], values["reserved"], values["max_cost"], values["open"]) == ("0.1", "0", "2", 0)
    shown = rad("campaign", "show", "words", "--store", place / "store")
    assert "Spent 0.10 EUR, reserved 0.00 EUR for 0 open questions; at most 2.00 EUR; 0.05 EUR an answer." in shown
    rad("campaign", "ledger", "words", "-o", place / "ledger.csv", "--store", place / "store")
    kinds = pd.read_csv(place / "ledger.csv")["kind"].tolist()
    assert kinds == ["given"] * 3 + ["asked"] * 2 + ["told"] * 2
    assert "1 rounds and 7 entries of the ledger, all as promised" in rad("verify", "words", "--store", place / "store")


def test_refusals_name_the_option(place: Path) -> None:
    rad(
        *("campaign", "create", "dear", "--pool", place / "pool.csv", "--checked", place / "checked.csv"),
        *("--max-cost", "2", "--price", "1", "--currency", "EUR", "--store", place / "store"),
    )
    arguments = ["--probs", place / "student.parquet", "--budget", 3, "-o", place / "p.csv", "--store", place / "store"]
    assert "would cross --max-cost 2.00 EUR" in rad("ask", "dear", *arguments, code=2)
    for arguments, words in (
        (["--probs", place / "student.parquet", "-o", place / "p.csv"], "--probs and --budget go together"),
        (["--again", "--checked", "-o", place / "p.csv"], "exactly one of"),
        (["--again", "-o", place / "p.txt"], "the output is .csv, .parquet, .jsonl"),
        (["--again", "-o", place / "p.json"], "--format"),
        (["--again", "--format", "argilla", "-o", place / "p.csv"], "a file for argilla ends in .json"),
        (["--again", "--format", "xml", "-o", place / "p.csv"], "choose one of"),
        (["--again", "-o", place / "p.csv"], "has no open question"),
    ):
        assert words in rad("ask", "words", *arguments, "--store", place / "store", code=2)


@pytest.mark.slow
def test_the_demo_runs_from_end_to_end(tmp_path: Path) -> None:
    said = rad("campaign", "demo", "--store", tmp_path / "store")
    assert "Round 4: 60 asked" in said
    assert "The wall: " in said
    assert "holds" in said
