"""Teachers that a campaign calls: every request is written down before, none is paid for twice, the wall holds."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rad_core.campaign import chat, function
from rad_core.campaign.attempts import LedgerCalls, WallError
from rad_core.campaign.called import Question, TeacherError
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.pictures import data_url
from rad_core.campaign.running import plan_of, run
from rad_core.campaign.settings import USUAL, Manner, Settings
from rad_core.errors import InputError
from tests.helpers.chat_server import Behavior, ChatServer, chat_server

N = 120
TRUTH = {f"p{at}": at % 2 for at in range(N)}
CLASSES = ("bad", "good")
KILLS = int(os.environ.get("RAD_CALL_KILLS", "5"))


def create(store: Path, **changes: Any) -> Campaign:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N + 20, 3)) + np.array([at % 2 for at in range(N + 20)])[:, None]
    pool = {"id": list(TRUTH), "text": [f"what #{key}# says" for key in TRUTH], "features": features[:N]}
    checked = {
        "id": [f"c{at}" for at in range(20)],
        "label": [CLASSES[at % 2] for at in range(20)],
        "teacher": [CLASSES[at % 2 if at else 1] for at in range(20)],
        "features": features[N:],
    }
    values = {"classes": CLASSES, "checked": checked, "price": "0.02", "student": "linear", "store": store, **changes}
    return Campaign.create("reviews", pool, **values)


def go(campaign: Campaign, server: ChatServer, budget: int = 20, rounds: int = 1, **options: Any) -> Any:
    return run(campaign, plan_of(campaign, rounds, budget, f"openai:m@{server.url}", **options), lambda text: None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_WAITS", (0.02,) * 5)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-written")


def steady(*what: str) -> Behavior:
    """The first, second, ... request about a point is answered so; later ones as the last."""
    return lambda key, number: what[min(number, len(what)) - 1]


# --- endpoints -------------------------------------------------------------------------------------------------------


def test_token_probabilities_become_soft_labels(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady("well"), seconds=0.05) as server:
        status = go(campaign, server, 40)
    assert (status.pool["answered"], status.open, status.spent) == (40, 0, Decimal("0.80"))
    assert server.requests.total() == 40
    assert 2 <= server.most_at_once <= chat.AT_ONCE
    examples = campaign.training_set(learn_from_checked=False)
    for key, target in zip(examples.ids, examples.targets, strict=True):
        expected = np.array([0.9, 0.08])[[TRUTH[key], 1 - TRUTH[key]]] / 0.98
        np.testing.assert_allclose(target, expected, atol=1e-6)
    assert campaign.verify() == []
    first = server.bodies[0]["messages"]
    assert first[0]["content"] == chat.prompt(CLASSES)
    assert "1: bad" in first[0]["content"]


@pytest.mark.parametrize(
    ("behavior", "answered", "abstained", "requests", "unanswered"),
    [
        (("hard",), 20, 0, 20, "0"),
        (("unknown",), 0, 20, 20, "0"),  # billed, and no answer
        (("429", "well"), 20, 0, 40, "0"),
        (("500", "429", "well"), 20, 0, 60, "0"),
        (("cut", "well"), 20, 0, 40, "0.4"),  # nobody knows whether it was billed
        (("half", "well"), 20, 0, 40, "0.4"),
        (("broken", "slow"), 20, 0, 40, "0.4"),
    ],
)
def test_what_goes_wrong_is_asked_again_and_counted(
    tmp_path: Path, behavior: tuple[str, ...], answered: int, abstained: int, requests: int, unanswered: str
) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady(*behavior)) as server:
        status = go(campaign, server)
    assert (status.pool["answered"], status.pool["abstained"], status.open) == (answered, abstained, 0)
    assert server.requests.total() == requests
    assert status.attempts.sent == requests
    assert status.attempts.cost == Decimal(unanswered)
    assert status.spent == Decimal("0.4") + Decimal(unanswered)
    assert status.spent >= Decimal("0.02") * server.billed.total()
    assert campaign.verify() == []


def test_a_request_that_takes_too_long_may_have_been_billed(tmp_path: Path) -> None:
    campaign = create(tmp_path, timeout=1)
    with chat_server(TRUTH, steady("hang", "well")) as server:
        status = go(campaign, server, 8)
    assert (status.pool["answered"], status.attempts.lost) == (8, 8)
    assert status.spent == Decimal("0.32")


def test_what_cannot_succeed_ends_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady("401")) as server:
        with pytest.raises(TeacherError, match="told to say 401"):
            go(campaign, server)
        assert server.requests.total() <= 2 * chat.AT_ONCE
        assert campaign.status().open == 20
        assert campaign.status().spent == 0
        server.behave = steady("well")
        assert go(campaign, server).pool["answered"] == 20
    nowhere = f"openai:m@http://127.0.0.1:{server.server_address[1]}/v1"
    with pytest.raises(TeacherError, match="cannot be asked"):
        run(campaign, plan_of(campaign, 2, 20, nowhere), lambda text: None)
    assert campaign.status().spent == Decimal("0.40")  # nobody was there to bill


def test_no_request_goes_out_that_could_cross_the_wall(tmp_path: Path) -> None:
    campaign = create(tmp_path, max_cost="0.50")
    with chat_server(TRUTH, steady("cut", "cut", "well")) as server:
        with pytest.raises(WallError, match="No further request fits under"):
            go(campaign, server, 20)
        status = campaign.status()
        assert server.requests.total() == 25
        assert status.spent <= Decimal("0.50")
        assert status.spent + status.attempts.in_flight * status.price <= Decimal("0.50")
    assert campaign.verify() == []


def test_votes_become_a_soft_label(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady("well")) as server:
        go(campaign, server, 10, votes=5)
        assert server.requests.total() == 10
        assert {body["n"] for body in server.bodies} == {5}
    for key, target in zip(*campaign.training_set(learn_from_checked=False), strict=True):
        np.testing.assert_allclose(sorted(target), [0.2, 0.8])
        assert target.argmax() == TRUTH[key]


def test_requests_go_out_no_faster_than_the_rate(tmp_path: Path) -> None:
    campaign = create(tmp_path, rate=600)
    said: list[str] = []
    with chat_server(TRUTH, steady("429", "well"), seconds=0.2) as server:
        spec = f"openai:m@{server.url}"
        status = run(campaign, plan_of(campaign, 1, 6, spec), said.append)
        slow = list(server.times)
        run(campaign, plan_of(campaign, 2, 6, spec, rate=0), lambda text: None)
        fast = server.times[len(slow) :]
    assert status.pool["answered"] == 6
    assert len(slow) == len(fast) == 12  # tries again among them
    assert any("at most 600 requests a minute, 1 min or longer" in line for line in said)
    assert slow[-1] - slow[0] >= 11 * 0.1 - 0.25  # the first may be longer on its way than the last
    assert fast[5] - fast[0] < 5 * 0.1
    assert server.most_at_once > 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": -1}, "rate is -1; it must be a number of requests a minute"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"timeout": 0}, "timeout is 0; it must be a number of seconds above 0"),
        ({"rate": 30, "teacher": "table:x.csv"}, "rate is 30; no requests are sent to a table: take 0"),
        ({"timeout": 5, "teacher": "python:x.py:f"}, "timeout is 5; no requests are sent to a python: take 60"),
    ],
)
def test_a_pace_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        create(tmp_path, **changes)


def test_a_campaign_of_before_there_was_a_rate_has_none(tmp_path: Path) -> None:
    settings = create(tmp_path, rate=30, timeout=90, votes=2, teacher="openai:m").settings
    assert Settings.of(settings.to_meta()) == settings
    assert (settings.manner.rate, settings.manner.timeout) == (30, 90)
    older = {name: value for name, value in settings.to_meta().items() if name not in ("rate", "timeout")}
    assert Settings.of(older).manner == Manner(2)


def test_images_travel_as_data(tmp_path: Path) -> None:
    from rad_core.campaign.called import Question

    (tmp_path / "a.png").write_bytes(b"pixels")
    teacher = chat.ChatTeacher("m@http://127.0.0.1:1/v1", CLASSES, Manner())
    sent = teacher.request_of(Question("a", {"image": str(tmp_path / "a.png"), "text": "look"}))["messages"][1][
        "content"
    ]
    assert sent[0] == {"type": "text", "text": "look"}
    assert sent[1]["image_url"]["url"] == "data:image/png;base64,cGl4ZWxz"


def test_the_key_is_written_nowhere(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady("500", "well")) as server:
        go(campaign, server)
        assert server.keys == {"Bearer sk-not-to-be-written"}
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert held
    assert not any(b"not-to-be-written" in content for content in held)


@pytest.mark.parametrize("spec", ["openai:", "openai:m@somewhere", "openai:@http://127.0.0.1/v1"])
def test_a_teacher_that_is_none_is_refused(spec: str, tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with pytest.raises(InputError, match="teacher is"):
        run(campaign, plan_of(campaign, 1, 5, spec), lambda text: None)
    assert campaign.status().open == 0


def test_without_a_key_only_an_endpoint_of_ones_own_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InputError, match="set OPENAI_API_KEY"):
        chat.ChatTeacher("m", CLASSES, Manner())
    chat.ChatTeacher("m@http://127.0.0.1:1/v1", CLASSES, Manner()).close()


# --- functions -------------------------------------------------------------------------------------------------------


def teacher_file(folder: Path, body: str) -> str:
    path = folder / "teacher.py"
    path.write_text("import os, numpy as np\n" + textwrap.dedent(body))
    return f"python:{path}:label"


def test_a_function_labels_texts(tmp_path: Path) -> None:
    spec = teacher_file(
        tmp_path,
        """
        def label(items):
            print("what it prints is for people")
            numbers = [int(text.split("#p")[1].split("#")[0]) for text in items]
            return ["bad" if n % 2 == 0 else [0.25, 0.75] if n % 3 else None for n in numbers]
        """,
    )
    campaign = create(tmp_path / "store")
    status = run(campaign, plan_of(campaign, 2, 40, spec), lambda text: None)
    assert (status.pool["answered"] + status.pool["abstained"], status.open) == (80, 0)
    assert status.pool["abstained"] > 0
    assert status.spent == Decimal("1.60")
    for key, target in zip(*campaign.training_set(learn_from_checked=False), strict=True):
        assert list(target) == ([1.0, 0.0] if TRUTH[key] == 0 else [0.25, 0.75])
    assert campaign.verify() == []


def test_checked_examples_are_shown_like_the_pool(tmp_path: Path) -> None:
    checked = {
        "id": [f"c{at}" for at in range(20)],
        "label": [CLASSES[at % 2] for at in range(20)],
        "text": [f"a {CLASSES[at % 2]} one" for at in range(20)],
        "features": np.random.default_rng(0).normal(size=(20, 3)),
    }
    spec = teacher_file(tmp_path, "def label(texts): return ['good' if 'good' in text else 'bad' for text in texts]")
    campaign = create(tmp_path / "store", checked=checked)
    status = run(campaign, plan_of(campaign, 1, 5, spec), lambda text: None)
    assert (status.accuracy.right, status.accuracy.total, status.spent) == (20, 20, Decimal("0.50"))
    assert campaign.shown(["p3", "c1", "nobody"]) == {"text": ["what #p3# says", "a good one", None]}
    assert campaign.verify() == []
    (campaign.path / "checked.parquet").write_bytes(b"")
    assert any("checked.parquet was changed" in fault for fault in campaign.verify())


def test_an_exception_is_a_failed_call_and_three_in_a_row_end_the_run(tmp_path: Path) -> None:
    spec = teacher_file(
        tmp_path,
        f"""
        def label(items):
            with open({str(tmp_path / "calls")!r}, "a") as file:
                print(len(items), file=file)
            if any("#p7#" in text for text in items):
                raise ValueError("seven is  odd")
            return np.full((len(items), 2), 0.5)
        """,
    )
    campaign = create(tmp_path / "store", price="0")
    status = run(campaign, plan_of(campaign, 1, N, spec), lambda text: None)
    assert 0 < status.open <= function.BATCH
    assert status.pool["answered"] == N - status.open
    assert status.attempts.lost == status.open
    worse = teacher_file(tmp_path, "def label(items): os._exit(3)")
    other = create(tmp_path / "other")
    with pytest.raises(TeacherError, match="failed 3 times in a row, the last time with: its process ended"):
        run(other, plan_of(other, 1, N, worse), lambda text: None)
    assert other.status().spent == Decimal("0.02") * 3 * function.BATCH
    assert other.verify() == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("label = 3", "label is no function"),
        ("def other(items): ...", "has no attribute 'label'"),
        ("import nothing_of_this_name", "No module named"),
    ],
)
def test_a_function_that_cannot_be_had_is_refused_before_anything_is_asked(
    tmp_path: Path, body: str, words: str
) -> None:
    campaign = create(tmp_path / "store")
    with pytest.raises(InputError, match=words):
        run(campaign, plan_of(campaign, 1, 5, teacher_file(tmp_path, body)), lambda text: None)
    assert campaign.status().open == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [("['worse'] * len(items)", "none of bad, good"), ("[[0.9, 0.9]] * len(items)", "sum"), ("[]", "0 answers to")],
)
def test_answers_that_are_none_fail_the_call(tmp_path: Path, answer: str, words: str) -> None:
    spec = teacher_file(tmp_path, f"def label(items): return {answer}")
    campaign = create(tmp_path / "store")
    status = run(campaign, plan_of(campaign, 1, 5, spec), lambda text: None)
    assert (status.open, status.attempts.lost) == (5, 5)
    import sqlite3

    with sqlite3.connect(campaign.path / "campaign.sqlite") as database:
        said = database.execute("select words from attempts where kind = 'lost'").fetchone()[0]
    assert words in said


# --- kills -----------------------------------------------------------------------------------------------------------


def test_what_a_kill_left_in_flight_is_named_lost(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    picks = campaign.ask(budget=5)
    LedgerCalls(campaign.path, campaign.settings).send(picks.ids[:2])
    assert campaign.status().attempts.in_flight == 2
    assert campaign.status().spent == 0
    again = LedgerCalls(campaign.path, campaign.settings)
    assert again.found_lost == 2
    assert campaign.status().spent == Decimal("0.04")
    assert campaign.status().open == 5
    assert LedgerCalls(campaign.path, campaign.settings).found_lost == 0
    assert campaign.verify() == []


def test_a_stop_waits_for_what_is_under_way(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    with chat_server(TRUTH, steady("well"), seconds=0.2) as server:
        command = [sys.executable, "-m", "rad_core.cli", "campaign", "run", "reviews", "--budget", "80"]
        command += ["--store", str(tmp_path), "--teacher", f"openai:m@{server.url}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while server.requests.total() < 10:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopping once" in said
    status = campaign.status()
    assert status.attempts.sent == status.attempts.answered == server.requests.total()
    assert status.spent == Decimal("0.02") * server.billed.total()
    assert 10 <= status.pool["answered"] < 80


@pytest.mark.slow
@pytest.mark.long
def test_kills_pay_for_nothing_twice(tmp_path: Path) -> None:
    """Killed at random while an endpoint answers badly: only what was in flight is asked again, and money is exact."""

    def behave(key: str, number: int) -> str:
        first = ("well", "429", "slow", "500", "well", "unknown")[int(key[1:]) % 6]
        return first if number == 1 else "unknown" if first == "unknown" else "well"

    calm = create(tmp_path / "calm")
    killed = create(tmp_path / "killed")
    with chat_server(TRUTH, behave, seconds=0.05) as server:
        go(calm, server, 30, rounds=3)
    rng = random.Random(0)
    with chat_server(TRUTH, behave, seconds=0.05) as server:
        command = [
            sys.executable,
            "-m",
            "rad_core.cli",
            "campaign",
            "run",
            "reviews",
            "--budget",
            "30",
            "--rounds",
            "3",
        ]
        command += ["--store", str(tmp_path / "killed"), "--teacher", f"openai:m@{server.url}"]
        kills = 0
        for _ in range(KILLS):
            wanted = server.requests.total() + rng.randint(1, 12)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and server.requests.total() < wanted:
                time.sleep(0.002)
            kills += process.poll() is None
            process.kill()
            process.wait()
            assert killed.verify() == []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    status = killed.status()
    assert kills > KILLS // 8
    assert status.open == 0
    assert status.attempts.in_flight == 0
    lost = status.attempts.lost
    assert lost <= kills * chat.AT_ONCE
    # Every request that the server got stands in the ledger; a kill may come between writing down and sending.
    assert server.requests.total() <= status.attempts.sent <= server.requests.total() + kills * chat.AT_ONCE
    assert status.spent == Decimal("0.02") * (90 + lost)
    assert Decimal("0.02") * server.billed.total() <= status.spent
    asked_again = Counter({key: count for key, count in server.billed.items() if count > 1})
    assert asked_again.total() - len(asked_again) <= lost
    assert killed.training_set().ids == calm.training_set().ids
    np.testing.assert_array_equal(killed.training_set().targets, calm.training_set().targets)
    print(json.dumps({"kills": kills, "requests": server.requests.total(), "lost": lost, "spent": str(status.spent)}))


# --- images ----------------------------------------------------------------------------------------------------------


def pictures(folder: Path, kind: str) -> dict[str, list[object]]:
    """Sixteen images by id, bright ones of class 1, as a table has them."""
    from PIL import Image

    held: dict[str, list[object]] = {"id": [f"i{at}" for at in range(16)], "image": []}
    (folder / "images").mkdir()
    for at in range(16):
        path = folder / "images" / f"{at}.png"
        Image.new("RGB", (4, 4), (200 + at if at % 2 else at,) * 3).save(path)
        content, beside = path.read_bytes(), f"images/{at}.png"
        held["image"].append(
            {"path": beside, "bytes": content, "both": {"bytes": content, "path": beside}, "name": {"path": beside}}[
                kind
            ]
        )
    return held


@pytest.mark.parametrize("kind", ["path", "bytes", "both", "name"])
def test_images_reach_the_teacher_however_the_table_has_them(tmp_path: Path, kind: str) -> None:
    pd.DataFrame(pictures(tmp_path, kind)).to_parquet(tmp_path / "pool.parquet")
    (tmp_path / "teacher.py").write_text(
        "import numpy as np\nfrom PIL import Image\n\n\ndef label(rows):\n"
        "    return ['good' if np.asarray(Image.open(each) if isinstance(each, str) else each).mean() > 99 else 'bad'\n"
        "            for each in rows]\n"
    )
    checked = [(f"c{at}", CLASSES[at % 2], CLASSES[at % 2]) for at in range(20)]
    campaign = Campaign.create(
        "photos", str(tmp_path / "pool.parquet"), classes=CLASSES, checked=checked, store=tmp_path / "store"
    )
    campaign.ask(np.random.default_rng(0).dirichlet([1, 1], 16), 16)
    picks = campaign.open_questions()
    shown = campaign.shown(picks.ids, everything=True)["image"]
    questions = [Question(key, {"image": image}) for key, image in zip(picks.ids, shown, strict=True)]
    calls = LedgerCalls(campaign.path, campaign.settings)
    with closing(function.FunctionTeacher(f"{tmp_path / 'teacher.py'}:label", CLASSES, USUAL)) as teacher:
        (part,) = teacher.ask(questions, calls)
    assert {key: content.label for key, content in part} == {f"i{at}": at % 2 for at in range(16)}
    url = data_url(shown[0])
    assert url.startswith("data:image/png;base64,")
    number = int(picks.ids[0][1:])
    assert base64.b64decode(url.partition(",")[2]) == (tmp_path / "images" / f"{number}.png").read_bytes()


def test_an_image_that_is_not_there_fails_and_costs_nothing(tmp_path: Path) -> None:
    campaign = create(tmp_path)
    picks = campaign.ask(np.full((N, 2), 0.5), 8)
    gone = [Question(key, {"text": f"#{key}#", "image": str(tmp_path / "gone.png")}) for key in picks.ids]
    calls = LedgerCalls(campaign.path, campaign.settings)
    with chat_server(TRUTH, steady("well")) as server:
        teacher = chat.ChatTeacher(f"m@{server.url}", CLASSES, USUAL)
        with closing(teacher), pytest.raises(TeacherError, match=r"gone\.png"):
            list(teacher.ask(gone, calls))
        assert server.requests.total() == 0
    status = campaign.status()
    assert (status.spent, status.attempts.lost, status.open) == (0, 0, 8)
