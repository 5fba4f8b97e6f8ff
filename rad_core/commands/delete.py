"""`rad delete`: delete a study."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import say, store_option, store_root
from rad_core.text import one_line


@click.command()
@click.argument("study_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def command(study_id: str, yes: bool, store: Path | None) -> None:
    """Delete a study and everything measured in it, for good.

    \b
    Example:
      rad delete digits-20260102-153000-ab12 --yes
    """
    from rad_core.store.catalogue import delete_study, find_id, list_studies

    root = store_root(store)
    full_id = find_id(root, study_id)
    if not yes:
        info = next(info for info in list_studies(root) if info.id == full_id)
        about = info.message if info.status == "unreadable" else f"{info.dataset}, {info.rounds_done} finished rounds"
        click.confirm(one_line(f"Delete {full_id} ({about})?"), abort=True)
    delete_study(root, full_id)
    say(f"Deleted {full_id}.")
