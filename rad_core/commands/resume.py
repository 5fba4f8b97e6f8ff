"""`rad resume`: go on with an interrupted study."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import cluster_option, json_option, store_option, store_root


@click.command()
@click.argument("study_id", metavar="ID")
@store_option
@click.option("--workers", type=int, help="Processes to use (default: one per core on a CPU, one on a GPU).")
@cluster_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="No progress, only the result.")
def command(
    study_id: str, store: Path | None, workers: int | None, cluster: str | None, as_json: bool, quiet: bool
) -> None:
    """Go on with a study that was paused, cancelled, killed or failed; finished rounds are not run again.

    ID may be the beginning of an id, or "latest". On a CPU the result is the same, bit for bit, as without the
    interruption, also where it goes on with or without a cluster.

    \b
    Examples:
      rad resume latest
      rad resume latest --cluster auto
    """
    from rad_core.commands.running import check_place, run_and_report
    from rad_core.store.catalogue import open_study
    from rad_core.store.light_copy import refuse_to_go_on

    check_place(workers, cluster)
    study = open_study(store_root(store), study_id)
    refuse_to_go_on(study)
    run_and_report(study, workers, as_json, quiet, cluster=cluster)
