"""The program behind `rad app`: the studio as a server, behind its doorkeeper.

Its one argument is a JSON object of Streamlit's options, by name. RAD_OPEN is an address to open in a browser,
RAD_ALLOW_HOST the names of proxies before the studio, separated by commas, and RAD_PASSWORD_FILE what guards it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import streamlit as st
from starlette.middleware import Middleware
from streamlit import file_util

from app.data import kept, visitors
from app.shell.assets import AssetsFromMemory
from app.shell.doorkeeper import own_names_only, password_file, read_only
from app.shell.login import PasswordOnly
from rad_core import passwords
from rad_core.errors import RadError
from rad_core.text import one_line


def studio(options: dict[str, Any]) -> st.App:
    """The studio as an ASGI application. options: Streamlit's."""
    behind = tuple(filter(None, os.environ.get("RAD_ALLOW_HOST", "").split(",")))
    doors = [Middleware(own_names_only, names=partial(st.get_option, "server.allowedHosts"), behind=behind)]
    base = options.get("server.baseUrlPath", "")
    if file := password_file():
        cookie = f"rad-session-{options['server.port']}"
        doors.append(Middleware(PasswordOnly, password=passwords.read(file), base=base, cookie=cookie))
    doors.append(Middleware(AssetsFromMemory, folder=Path(file_util.get_static_dir()) / "static", base=base))
    return st.App(str(Path(__file__).with_name("main.py")), middleware=doors, lifespan=opened)


@asynccontextmanager
async def opened(_: st.App) -> AsyncIterator[None]:
    """While the studio answers; a browser is shown it once it does."""
    if not read_only():
        kept.sweep()
    sweeping = asyncio.create_task(visitors.sweep())
    warming = asyncio.create_task(asyncio.to_thread(warm))
    if address := os.environ.get("RAD_OPEN"):
        click.launch(address)
    yield
    await warming
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping


def warm() -> None:
    """Load what pages need before anybody waits for it, and have the collector pass over all that from then on.

    Streamlit runs the collector after every rerun; without, that takes half of its time.
    """
    from app.campaign import pages as pages
    from app.explore import panels as panels

    gc.collect()
    gc.freeze()


def main() -> None:
    """Entry point."""
    options = json.loads(sys.argv[1])
    try:
        studio(options).run(config=options)
    except RadError as error:  # the file of the password has changed since the command looked at it
        click.echo(f"Error: {one_line(error)}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:  # how a person ends it
        sys.exit(130)


if __name__ == "__main__":
    main()
