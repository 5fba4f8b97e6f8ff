"""The rooms know only the rooms below them, and the light ones stay light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from tests import rooms
from tests.conftest import tiny_config

ROOT = Path(__file__).parent.parent

# What each room imports from others: no more, and no less, so that the table stays true. Rooms further down may not
# import from rooms further up; sisters that may are written down.
_PLAIN = {"findings", "palette", "results"}  # no Streamlit, no drawing
_BLOCKS = {*_PLAIN, "figures", "shell"}  # what pages are built of
APP = {
    "palette": set(),
    "results": set(),
    "findings": {"palette", "results"},
    "figures": {"findings", "palette"},
    "components": {"figures", "findings", "palette"},
    "shell": {*_PLAIN, "figures"},
    "method": {"components", "figures", "findings", "palette", "results", "shell"},
    "explore": {*_BLOCKS, "components"},
    "studies": _BLOCKS,
    "atlas": {*_BLOCKS, "components"},
    "data": {*_PLAIN, "shell", "components", "explore"},
    "campaign": {*_BLOCKS, "components", "data", "explore", "export"},
    "present": {*_PLAIN, "figures", "components", "atlas"},
    "export": {"components", "figures", "findings", "palette", "present"},
    "views": {*_BLOCKS, "components", "atlas", "campaign", "data", "explore", "export", "method", "present", "studies"},
    "main": {"campaign", "explore", "method", "results", "shell"},
    "server": {"campaign", "data", "explore", "shell"},
}
_LEAVES = {"errors", "folders", "partials", "text"}
ENGINE = {
    **{key: set() for key in _LEAVES},
    "files": {"errors", "partials"},
    "inputs": {"errors", "partials"},
    "selection": {"errors", "inputs", "partials"},
    "learning": {"errors", "inputs", "partials"},
    "config": {"errors", "folders", "learning", "selection"},
    "studio": {"errors"},
    "passwords": {"errors", "partials"},
    "store": {"config", "errors", "files", "folders", "partials", "selection", "studio"},
    "results": {"errors", "files", "partials", "selection", "store"},
    "campaign": {"errors", "files", "folders", "inputs", "learning", "partials", "results", "selection", "store"},
    "study": {"campaign", "config", "errors", "files", "folders", "learning", "selection", "store"},
    "running": {
        *("campaign", "config", "errors", "files", "folders", "inputs", "learning", "partials", "selection"),
        *("store", "study"),
    },
    "commands": {
        *("campaign", "config", "errors", "folders", "inputs", "learning", "passwords", "results", "running"),
        *("selection", "store", "studio", "study", "text"),
    },
    "cli": {"errors", "text"},
}
WITHOUT_STREAMLIT = ("export", "figures", "findings", "present", "results")


@pytest.mark.parametrize(("package", "table"), [("app", APP), ("rad_core", ENGINE)])
def test_a_room_imports_what_the_table_says(package: str, table: dict[str, set[str]]) -> None:
    found = {
        room.removeprefix(f"{package}."): {other.removeprefix(f"{package}.") for other in others}
        for room, others in rooms.arrows(package).items()
    }
    of_engine = {room: {other for other in others if other.startswith("rad_core.")} for room, others in found.items()}
    assert {room: others - of_engine[room] for room, others in found.items()} == table


def test_the_engine_knows_nothing_of_the_studio() -> None:
    for module, others in rooms.imports().items():
        if module.split(".")[0] == "rad_core":
            assert not {other for other in others if other.split(".")[0] == "app"}, module


def test_nothing_goes_in_a_circle() -> None:
    assert rooms.circles(rooms.arrows()) == []
    assert rooms.circles(rooms.imports()) == []


def test_a_circle_would_be_seen() -> None:
    assert rooms.circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]


def test_the_formatter_is_not_overruled() -> None:
    paths = [path for folder in ("app", "rad_core", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 200
    assert not [path for path in paths if "fmt: " + "skip" in path.read_text() or "fmt: " + "off" in path.read_text()]


def test_few_files_stand_beside_the_rooms_of_the_studio() -> None:
    assert len(list((ROOT / "app").glob("*.py"))) <= 4


@pytest.mark.parametrize("path", [p for p in rooms.modules() if p.is_relative_to(ROOT / "app")], ids=str)
def test_the_studio_imports_nothing_that_trains(path: Path) -> None:
    trainers = ("torch", "torchvision", "sklearn")
    assert not {name for name in rooms.imported(path) if name.split(".")[0] in trainers}


@pytest.mark.parametrize(
    "statement",
    [
        "from rad_core import solve_game, game_value, select",
        "from rad_core import Campaign, run_campaign",
        "import rad_core.selection.strategies",
        "from rad_core.config import StudyConfig; StudyConfig().resolved()",
        "import rad_core.store.catalogue",
        "import rad_core.results.summary",
        "import rad_core.running.engine",
        "import rad_core.cli",
    ],
)
def test_light_imports_leave_torch_out(statement: str) -> None:
    code = f"{statement}\nimport sys\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def promising() -> list[str]:
    """The modules that say so, and all of the rooms that promise it."""
    own = {path: "No Streamlit" in (ast.get_docstring(ast.parse(path.read_text())) or "") for path in rooms.modules()}
    within = [ROOT / "app" / room for room in WITHOUT_STREAMLIT]
    return sorted(
        rooms.name_of(path) for path, says in own.items() if says or any(path.is_relative_to(room) for room in within)
    )


def test_modules_that_promise_no_streamlit_can_do_without_it() -> None:
    code = """
import importlib, sys
sys.modules["streamlit"] = None  # importing it fails
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""
    assert {"app.atlas.facts", "app.present.steps", "app.present.picture"} <= set(promising())
    done = subprocess.run([sys.executable, "-c", code, *promising()], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.returncode) == ("", 0), done.stdout + done.stderr


@pytest.mark.parametrize("ending", ["html", "pptx", "zip"])
def test_an_export_from_the_command_line_imports_no_streamlit(finished: Path, tmp_path: Path, ending: str) -> None:
    code = """
import json, sys
import app.export.__main__
app.export.__main__.main()
print(sorted(name for name in sys.modules if name.split(".")[0] in ("streamlit", "tornado")))
"""
    target = tmp_path / f"made.{ending}"
    asked = {"id": finished.name, "to": str(target), "force": False, "store": str(finished.parent), "settings": {}}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asked)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert target.stat().st_size > 10_000


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that ran to its end."""
    study = create_study(tmp_path_factory.mktemp("store"), tiny_config())
    run_study(study, workers=1)
    return study.path


@pytest.mark.parametrize("statement", ["import rad_core", "from rad_core.cli import cli"])
def test_help_waits_for_no_numbers(statement: str) -> None:
    code = f"{statement}\nimport sys\nsys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_the_package_promises_is_there() -> None:
    import rad_core

    assert {name: callable(getattr(rad_core, name)) for name in rad_core.__all__} == dict.fromkeys(
        ("Campaign", "Equilibrium", "game_value", "run_campaign", "select", "select_stream", "solve_game"), True
    )
    assert set(rad_core.__all__) <= set(dir(rad_core))
    with pytest.raises(AttributeError, match="nothing"):
        rad_core.nothing  # noqa: B018
