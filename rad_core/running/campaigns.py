"""A run of a campaign in the background: a process of its own, which outlives the one that started it.

Whoever wants to stop it asks through the campaign's folder (`watch.ask_to_stop`); what it is at and how it ended stands
there (`watch.last_run`), and so does what it wrote.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rad_core import files
from rad_core.campaign import watch
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.running import Plan, Say, run
from rad_core.campaign.settings import Manner
from rad_core.running import launch
from rad_core.running.cluster_students import scoring


def start(campaign: Campaign, plan: Plan, cluster: str = "") -> None:
    """Run a campaign by a plan. Returns once it has begun; raises RadError, one sentence, where it cannot.

    cluster: the address of a Ray cluster to train its students on.
    """
    with files.writing(campaign.path):
        log = files.inside(campaign.path, campaign.path / watch.LOG)
        arguments = [str(campaign.path.absolute()), json.dumps(asdict(plan)), cluster]
        launch.launch("rad_core.running.campaigns", arguments, log)


def main(path: str, plan: str, cluster: str = "") -> int:
    """Run one campaign until its plan is done, the money is over, or somebody stops it."""
    begun = False

    def say(words: str) -> None:
        nonlocal begun
        if not begun:  # the teacher is there, and nobody else runs it
            launch.ready()
            begun = True
        print(words, flush=True)

    return launch.ended_by(lambda: _run(path, plan, say, cluster))


def _run(path: str, plan: str, say: Say, cluster: str) -> None:
    values = json.loads(plan)
    with scoring(cluster or None) as score:
        run(Campaign(Path(path)), Plan(**values | {"manner": Manner(**values["manner"])}), say, score=score)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
