"""`rad export`: the results of a study as files."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import store_option, store_root


@click.command()
@click.argument("id")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write into.")
@click.option("--force", is_flag=True, help="Replace files of an earlier export in that folder.")
@store_option
def command(id: str, output: Path, force: bool, store: Path | None) -> None:
    """Write the tables of a study as CSV and Parquet, and its settings as TOML.

    rounds: every metric of every round; purchases: every pick with its gain, probability and whether the teacher was
    right; seeds; curves; differences; seconds: wall-clock times, the only table that differs from run to run.

    \b
    Example:
      rad export latest -o results
    """
    from rad_core.study.export import export_tables
    from rad_core.study.store import open_study

    for path in export_tables(open_study(store_root(store), id), output, force=force):
        click.echo(path)
