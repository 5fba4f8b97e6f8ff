"""`rad export`: a study as something to hand over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from rad_core.commands.common import say, store_option, store_root
from rad_core.errors import InputError
from rad_core.studio import program

ENDINGS = {
    ".html": "report",
    ".pptx": "slides",
    ".pdf": "printed report",
    ".zip": "data",
    ".md": "methods paragraph",
    ".bib": "references",
}
# The options of a presentation: what the setting is called, and the option.
_SETTINGS = {
    "title": "--title",
    "price_per_label": "--price",
    "currency": "--currency",
    "target": "--target",
    "budget": "--budget",
    "audience": "--audience",
    "thumbnails": "--no-images",
}


@click.command()
@click.argument("study_id", metavar="ID")
@click.option("--to", "to", type=click.Path(path_type=Path), help=f"File to write: {', '.join(ENDINGS)}.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write all tables into.")
@click.option("--title", help="Title of the report or the slides.")
@click.option("--price", "price_per_label", type=float, help="Price of one label.")
@click.option("--currency", help="Currency of the price, such as USD.")
@click.option("--target", type=float, help="Accuracy to reach, between 0 and 1.")
@click.option("--budget", type=float, help="Money to spend, instead of a target.")
@click.option("--audience", type=click.Choice(["executive", "technical"]), help="Whom the report speaks to.")
@click.option("--no-images", is_flag=True, help="Show no image of the pool.")
@click.option("--force", is_flag=True, help="Replace files of an earlier export.")
@store_option
def command(
    study_id: str,
    to: Path | None,
    output: Path | None,
    force: bool,
    store: Path | None,
    no_images: bool,
    **settings: Any,
) -> None:
    """Write a study as a report, slides, a PDF, data or a methods paragraph (--to), or all its tables (-o).

    The ending of FILE decides: .html a report in one file that opens without a network; .pptx slides with charts that
    can be edited; .pdf the report printed by the browser of this machine; .zip the data as CSV and Parquet; .md and
    .bib what a paper says of the study. Title, price and the rest are by default those stored with the study.

    \b
    Examples:
      rad export latest --to report.html --price 0.5 --currency EUR --target 0.7
      rad export latest --to slides.pptx --title "Which labels to buy"
      rad export latest -o results
    """
    changes = {name: value for name, value in settings.items() if value is not None}
    if no_images:
        changes["thumbnails"] = False
    if (to is None) == (output is None):
        raise InputError("Say where to write: either --to FILE, such as report.html, or -o DIR for all tables.")
    if output is not None:
        if changes:
            raise InputError(f"{_SETTINGS[next(iter(changes))]} goes with --to FILE; -o DIR writes tables alone.")
        _tables(study_id, output, force, store)
    elif to is not None:
        _story(study_id, _checked(to.expanduser(), force), force, store, changes)


def _tables(study_id: str, output: Path, force: bool, store: Path | None) -> None:
    from rad_core.results.tables import export_tables
    from rad_core.store.catalogue import open_study

    for path in export_tables(open_study(store_root(store), study_id), output, force=force):
        say(path)


def _checked(target: Path, force: bool) -> Path:
    """The file to write, once what can be known of it beforehand is in order."""
    if target.name.endswith(".rad.zip"):
        raise InputError(f"{target.name} is the name of a packed study; make one with rad pack, or leave out the .rad.")
    if target.suffix.lower() not in ENDINGS:
        endings = ", ".join(f"{ending} ({what})" for ending, what in ENDINGS.items())
        raise InputError(f"--to is {str(target)!r}; its ending must be one of {endings}.")
    if not target.parent.is_dir():
        raise InputError(f"There is no folder {target.parent}; make it first, or choose another file with --to.")
    if target.is_dir():
        raise InputError(f"{target} is a folder; give a file with --to.")
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give another file with --to, or replace it with --force.")
    return target


def _story(study_id: str, target: Path, force: bool, store: Path | None, changes: dict[str, Any]) -> None:
    """Run the studio's exporter as a program: what it draws with is not the engine's."""
    asked = {"id": study_id, "to": str(target), "force": force, "store": str(store_root(store)), "settings": changes}
    sys.stdout.flush()
    code = subprocess.call([*program("export"), json.dumps(asked)])  # noqa: S603 - our own program
    if code:
        sys.exit(code)
