"""Studies whose every text was written by somebody who means harm, and what no page or terminal may make of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.database import DATABASE
from rad_core.store.study import Study
from tests.conftest import tiny_config

HOST = "evil.example"  # whoever asks it for something obeyed a text
BAIT = (
    f"![x](http://{HOST}/b.png)",
    f"<img src=http://{HOST}/i.png onerror=alert(1)>",
    f"[l](http://{HOST})",
    f"http://{HOST}/a",
    f"www.{HOST}",
    f"me@{HOST}",
    f"<a href='http://{HOST}'>a</a>",
    "<b>bold</b>",
    "**strong** _em_",
    ":red[red] :material/home: :material_home: :smile: :streamlit:",
    "a -> b -- c",
    "$x^2$ `code` ~~gone~~",
    "&lt;i&gt; &#60;u&#62;",
    "%{customdata}",
    "[/b] [v2] [bold]",
)
ESCAPES = "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \u202egnp.exe \x9b2J"
TEXT = " ".join(BAIT)


def make_hostile(root: Path) -> dict[str, Study]:
    """Put four studies into a store: one finished, one failed, one that cannot be read, one with a hostile strategy."""
    finished = create_study(root, tiny_config(strategies=("rad", "uniform", "margin"), seeds=2), "hostile-finished")
    run_study(finished, workers=1)
    for id in ("hostile-failed", "hostile-unreadable", "hostile-strategy"):
        shutil.copytree(finished.path, root / id)
    poison(finished.path)
    poison(root / "hostile-failed", status="failed")
    poison(root / "hostile-strategy")
    with closing(sqlite3.connect(root / "hostile-strategy" / DATABASE)) as database:
        database.execute("update rounds set strategy = ? where strategy = 'margin'", [TEXT])
        database.commit()
    poison(root / "hostile-unreadable", seeds=TEXT)
    return {path.name: Study(path) for path in root.iterdir() if path.is_dir()}


def poison(path: Path, *, status: str = "finished", **settings: object) -> None:
    """Put the bait into every text of a study, behind the program's back; settings: of its configuration."""
    with closing(sqlite3.connect(path / DATABASE)) as database:
        meta = dict(database.execute("select key, value from meta"))
        config = json.loads(meta["config"])
        config |= {
            "name": f"{BAIT[-1]} {BAIT[0]} {BAIT[4]} {BAIT[7]}",
            "dataset": f"folder:/tmp/{TEXT}",
            "teacher": f"table:/tmp/{TEXT}.npy",
            "currency": f"{BAIT[0]} {BAIT[3]} {BAIT[7]}",
            "price_per_label": 0.5,
            "latency_per_label": 1.0,
            **settings,
        }
        presentation = {
            "title": f"{BAIT[0]} {BAIT[4]} {BAIT[7]} {BAIT[8]}",
            "currency": BAIT[7][:12],
            "price_per_label": 0.5,
            "audience": "technical",
            "notes": dict.fromkeys(
                ("problem", "tradeoff", "map", "curves", "recommendation", "cost"), f"# {TEXT}\n\n{TEXT}"
            ),
        }
        changed = {
            "name": f"{config['name']} {ESCAPES}",
            "config": json.dumps(config),
            "message": f"{TEXT}\nhostile-finished: {TEXT} {ESCAPES}",
            "status": status,
            "presentation": json.dumps(presentation),
        }
        for key, value in changed.items():
            database.execute("insert or replace into meta values (?, ?)", [key, value])
        for seed, text in database.execute("select seed, metrics from seeds").fetchall():
            metrics = json.loads(text)
            metrics["classes"] = [f"{BAIT[i % len(BAIT)]} {i} {ESCAPES}" for i in range(len(metrics["classes"]))]
            database.execute("update seeds set metrics = ? where seed = ?", [json.dumps(metrics), seed])
        database.execute("insert into log (time, text) values (?, ?)", [time.time(), f"{TEXT} {ESCAPES}"])
        database.commit()
