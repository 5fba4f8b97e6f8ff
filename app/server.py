"""The program behind `rad app`: the studio as a server, behind its doorkeeper.

Its one argument is a JSON object of Streamlit's options, by name. RAD_OPEN is an address to open in a browser, and
RAD_ALLOW_HOST the names of proxies before the studio, separated by commas.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import click
import streamlit as st
from starlette.middleware import Middleware

from app.data import kept, visitors
from app.shell.doorkeeper import own_names_only, read_only


def studio() -> st.App:
    """The studio as an ASGI application."""
    behind = tuple(filter(None, os.environ.get("RAD_ALLOW_HOST", "").split(",")))
    door = Middleware(own_names_only, names=partial(st.get_option, "server.allowedHosts"), behind=behind)
    return st.App(str(Path(__file__).with_name("main.py")), middleware=[door], lifespan=opened)


@asynccontextmanager
async def opened(_: st.App) -> AsyncIterator[None]:
    """While the studio answers; a browser is shown it once it does."""
    if not read_only():
        kept.sweep()
    sweeping = asyncio.create_task(visitors.sweep())
    if address := os.environ.get("RAD_OPEN"):
        click.launch(address)
    yield
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping


def main() -> None:
    """Entry point."""
    options = json.loads(sys.argv[1])
    try:
        studio().run(config=options)
    except KeyboardInterrupt:  # how a person ends it
        sys.exit(130)


if __name__ == "__main__":
    main()
