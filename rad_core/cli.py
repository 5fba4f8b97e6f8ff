"""The command line: `rad`. Commands are loaded when they are used, so that help appears at once."""

from __future__ import annotations

import importlib
import io
import sys

import click

from rad_core.errors import RadError
from rad_core.text import one_line

COMMANDS = {
    "app": "Start the studio.",
    "password": "Make the file of a password for the studio.",
    "run": "Run a study: distill with every strategy and compare them.",
    "resume": "Go on with an interrupted study.",
    "runs": "List the studies.",
    "show": "Show the results of a study.",
    "map": "Compute the map of a pool in advance.",
    "export": "Write a study as a report, slides, a PDF or data.",
    "pack": "Pack a study into one file.",
    "unpack": "Unpack a study from such a file.",
    "delete": "Delete a study.",
    "select": "Choose which rows of your own pool to have labeled.",
    "campaign": "Buy labels in rounds: create, rehearse, run, list, show, training-set, ledger, demo.",
    "ask": "Choose what a campaign has answered next.",
    "tell": "Enter answers in a campaign.",
    "score": "Keep an accuracy that a campaign's student reached.",
    "verify": "Make again what a campaign or study promised.",
    "doctor": "Show device, versions and folders.",
}


class LazyGroup(click.Group):
    """A group that imports a command only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import rad_core.commands.<name> and return its command."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"rad_core.commands.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rad-studio", prog_name="rad")
def cli() -> None:
    """Spend a limited budget of expensive teacher labels well.

    \b
    Examples:
      rad app                                   the studio, in a browser
      rad run                                   all strategies on handwritten digits, about a minute
      rad run --dataset cifar10 --seeds 5       a real benchmark (downloads the data on first use)
      rad show latest                           what came out
      rad select --probs p.npy --budget 500 --teacher-accuracy 0.7 -o picks.csv
      rad campaign demo                         labels bought in rounds, with a money counter
    """


def main() -> None:
    """Entry point of the command line."""
    try:
        cli(standalone_mode=False)
    except RadError as error:
        click.echo(f"Error: {one_line(error)}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        written = io.StringIO()
        error.show(written)
        click.echo("\n".join(map(one_line, written.getvalue().splitlines())), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
