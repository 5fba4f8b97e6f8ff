"""What several commands share: options, tables on the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rad_core.text import one_line

store_option = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the studies (default: RAD_STORE, else the user's data directory).",
)


def _address(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from rad_core.running.cluster import check_address

    return None if value is None else check_address(value)


cluster_option = click.option(
    "--cluster",
    metavar="ADDRESS",
    callback=_address,
    help="Ray cluster to compute on: auto, local:N (N processors here) or ray://HOST:10001 (default: without one).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def store_root(store: Path | None) -> Path:
    """The store a command works on, rid of what killed commands left in it."""
    from rad_core.folders import default_store
    from rad_core.store.catalogue import sweep_store

    root = store if store is not None else default_store()
    sweep_store(root)
    return root


def say(text: object = "", *, err: bool = False) -> None:
    """Print one line, whatever is in it: everything that a command says goes through here or through `print_table`."""
    click.echo(one_line(text), err=err)


@contextmanager
def notes_said() -> Iterator[list[str]]:
    """Say on stderr, a line each, what the library does to the data meanwhile; the list holds the same lines."""
    import warnings

    from rad_core.errors import InputNote

    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputNote)
        yield notes
    for warning in caught:
        if issubclass(warning.category, InputNote):
            notes.append(str(warning.message))
            say(notes[-1], err=True)


def print_json(value: object) -> None:
    """Print a value as JSON; numbers that are not numbers become null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> None:
    """Print a table; columns from number `numbers_from` on are aligned to the right. Every cell is plain text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[one_line(cell) for cell in row] for row in (columns, *rows)]
    console = Console(highlight=False)
    if not console.is_terminal:
        _print_whole(one_line(title), cells, numbers_from)
        return
    plain = Text  # a string would be read for markup and emoji
    table = Table(
        title=plain(one_line(title)),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for number, name in enumerate(cells[0]):
        table.add_column(plain(name), justify="right" if number >= numbers_from else "left", no_wrap=True)
    for row in cells[1:]:
        table.add_row(*map(plain, row))
    console.print(table)
    say()


def _print_whole(title: str, cells: Sequence[Sequence[str]], numbers_from: int) -> None:
    """A table for a pipe or a file: whole, whatever the width of the terminal, and a thousand rows at once."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = [title]
    for row in cells:
        padded = []
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if number >= numbers_from else cell + space)
        lines.append("  ".join(padded).rstrip())
    click.echo("\n".join([*lines, ""]))


def with_interval(values: dict[str, Any], digits: int = 3, signed: bool = False) -> str:
    """A mean and its interval, as "0.702 [0.671, 0.733]"; the mean alone where seeds are too few for one."""
    mean, low, high = (values[name] for name in ("mean", "low", "high"))
    if mean is None or mean != mean:
        return "-"
    form = f"{'+' if signed else ''}z.{digits}f"  # z: what rounds to zero has no minus
    text = f"{mean:{form}}"
    return text if low is None or low != low else f"{text} [{low:{form}}, {high:{form}}]"


def comma_floats(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[float] | None:
    """Numbers separated by commas."""
    if value is None:
        return None
    try:
        return [float(part) for part in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 0.7,0.8.") from error


def add_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Add several options to a command, in order."""

    def decorate(function: object) -> object:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate
