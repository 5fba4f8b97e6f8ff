"""The program as rooms and arrows: `python -m tests.rooms` counts them and names every circle.

A room is a folder of `app` or `rad_core`, or a file that stands beside the folders. An arrow leads from a room to one
that it imports from.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "rad_core")


def modules() -> list[Path]:
    """Every Python file of both packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """The room that a module of either package stands in."""
    return ".".join(module.split(".")[:2])


def imported(path: Path, known: frozenset[str] | set[str] = frozenset()) -> set[str]:
    """The modules that a file imports, wherever in it. known: the project's own; of a package those asked for alone."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inner if inner <= known else {node.module, *inner & known}
    return names


def imports() -> dict[str, set[str]]:
    """Every module of the project, and those that it imports."""
    known = {name_of(path) for path in modules()}
    return {name_of(path): (imported(path, known) & known) - {name_of(path)} for path in modules()}


def arrows(package: str | None = None) -> dict[str, set[str]]:
    """Every room and the rooms that it imports from. package: of this one alone."""
    rooms: dict[str, set[str]] = {}
    for module, others in imports().items():
        if package is None or module.split(".")[0] == package:
            room = room_of(module)
            rooms.setdefault(room, set()).update(room_of(other) for other in others)
    return {room: others - {room} - set(PACKAGES) for room, others in rooms.items() if room not in PACKAGES}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts of more than one member (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    parts: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while not part or part[-1] != node:
                part.append(stack.pop())
            parts.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [part for part in parts if len(part) > 1]


def _lines() -> Iterator[str]:
    for package in PACKAGES:
        graph = arrows(package)
        inside = sum(other.startswith(f"{package}.") for others in graph.values() for other in others)
        yield f"{package}: {len(graph)} rooms, {inside} arrows between them, {sum(map(len, graph.values()))} in all"
        for room, others in sorted(graph.items()):
            yield f"  {room} -> {', '.join(sorted(others)) or 'nothing'}"
    for what, graph in (("rooms", arrows()), ("modules", imports())):
        parts = circles(graph)
        yield f"circles of {what}: {len(parts)}"
        yield from (f"  {' <-> '.join(part)}" for part in parts)


if __name__ == "__main__":
    print("\n".join(_lines()))
