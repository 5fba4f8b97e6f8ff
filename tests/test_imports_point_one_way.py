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
from tests.conftest import tiny_config

ROOT = Path(__file__).parent.parent

# What each room may import of the project itself; a longer name stands before its prefix.
MAY_IMPORT = {
    "rad_core.errors": set(),
    "rad_core.selection": {"rad_core.errors", "rad_core.inputs", "rad_core.selection"},
    "rad_core.inputs": {"rad_core.errors", "rad_core.inputs"},
    "rad_core.partials": set(),
    "rad_core.learning": {"rad_core.errors", "rad_core.inputs", "rad_core.partials", "rad_core.learning"},
    "rad_core": {"rad_core"},
    "app": {"rad_core", "app"},
}


def modules() -> list[Path]:
    return sorted([*ROOT.glob("rad_core/**/*.py"), *ROOT.glob("app/**/*.py")])


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def under(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    module = name_of(path)
    room = next(room for room in MAY_IMPORT if under(module, room))
    own = {name for name in imported(path) if under(name, "rad_core") or under(name, "app")}
    allowed = MAY_IMPORT[room] | {"rad_core"} if room == "rad_core" else MAY_IMPORT[room]
    foreign = {name for name in own if not any(under(name, ok) for ok in allowed)}
    assert not foreign, f"{module} must not import {sorted(foreign)}"


@pytest.mark.parametrize("path", [p for p in modules() if p.is_relative_to(ROOT / "app")], ids=str)
def test_the_studio_imports_nothing_that_trains(path: Path) -> None:
    trainers = ("torch", "torchvision", "sklearn")
    assert not {name for name in imported(path) if any(under(name, trainer) for trainer in trainers)}


@pytest.mark.parametrize(
    "statement",
    [
        "from rad_core import solve_game, game_value, select",
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
    """The modules that say so, and those that draw figures and make files."""
    paths = [path for path in modules() if "No Streamlit" in (ast.get_docstring(ast.parse(path.read_text())) or "")]
    paths += [
        path for path in modules() if any(path.is_relative_to(ROOT / "app" / room) for room in ("figures", "export"))
    ]
    return sorted(map(name_of, set(paths)))


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
from app.export import __main__ as command
command.main()
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
        ("Equilibrium", "game_value", "select", "solve_game"), True
    )
    assert set(rad_core.__all__) <= set(dir(rad_core))
    with pytest.raises(AttributeError, match="nothing"):
        rad_core.nothing  # noqa: B018
