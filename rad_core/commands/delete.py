"""`rad delete`: delete a study."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import store_option, store_root


@click.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def command(id: str, yes: bool, store: Path | None) -> None:
    """Delete a study and everything measured in it, for good.

    \b
    Example:
      rad delete digits-20260102-153000-ab12 --yes
    """
    from rad_core.study.store import delete_study, open_study

    root = store_root(store)
    study = open_study(root, id)
    info = study.info()
    if not yes:
        click.confirm(f"Delete {info.id} ({info.dataset}, {info.rounds_done} finished rounds)?", abort=True)
    delete_study(root, study.id)
    click.echo(f"Deleted {study.id}.")
