"""`rad password`: make the file that guards a studio on a network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rad_core.commands.common import say


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Write the file for rad app --password-file: the hash of a password that is typed twice.

    Where no terminal is, the password is the first line of what comes in. The file is for its owner alone; one that is
    there is replaced, and a studio that runs takes the new one when it is started again.

    \b
    Examples:
      rad password ~/rad-password
      pass show rad-studio | rad password ~/rad-password
    """
    from rad_core import passwords

    if sys.stdin.isatty():
        text = click.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    passwords.write(file.expanduser(), passwords.made_of(text))
    say(f"{file} holds the hash of the password; rad app --password-file {file} asks for it.")
