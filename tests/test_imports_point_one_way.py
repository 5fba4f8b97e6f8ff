"""The rooms know only the rooms below them, and the light ones stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each room may import of the project itself; a longer name stands before its prefix.
MAY_IMPORT = {
    "rad_core.errors": set(),
    "rad_core.selection": {"rad_core.errors", "rad_core.selection"},
    "rad_core.npy": {"rad_core.errors"},
    "rad_core.partials": set(),
    "rad_core.learning": {"rad_core.errors", "rad_core.npy", "rad_core.partials", "rad_core.learning"},
    "rad_core": {"rad_core"},
    "app": {"rad_core", "app"},
}


def modules() -> list[Path]:
    return sorted([*ROOT.glob("rad_core/**/*.py"), *ROOT.glob("app/**/*.py")])


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
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    room = next(room for room in MAY_IMPORT if under(module, room))
    own = {name for name in imported(path) if under(name, "rad_core") or under(name, "app")}
    allowed = MAY_IMPORT[room] | {"rad_core"} if room == "rad_core" else MAY_IMPORT[room]
    foreign = {name for name in own if not any(under(name, ok) for ok in allowed)}
    assert not foreign, f"{module} must not import {sorted(foreign)}"


@pytest.mark.parametrize("path", [p for p in modules() if p.is_relative_to(ROOT / "app")], ids=str)
def test_the_studio_never_imports_torch(path: Path) -> None:
    assert not {name for name in imported(path) if under(name, "torch") or under(name, "torchvision")}


@pytest.mark.parametrize(
    "statement",
    [
        "from rad_core import solve_game, game_value, select",
        "import rad_core.selection.strategies",
        "from rad_core.study.config import StudyConfig; StudyConfig().resolved()",
        "import rad_core.study.store",
        "import rad_core.study.summary",
        "import rad_core.study.engine",
        "import rad_core.cli",
    ],
)
def test_light_imports_leave_torch_out(statement: str) -> None:
    code = f"{statement}\nimport sys\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


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
