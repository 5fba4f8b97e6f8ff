"""`rad app`: start the studio."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from rad_core.commands.common import say, store_option
from rad_core.errors import InputError

_PORTS = range(8501, 8601)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port (default: 8501, or the next one that is free).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at; 0.0.0.0 for a network.")
@click.option("--headless", is_flag=True, help="Do not open a browser.")
@click.option("--read-only", is_flag=True, help="Show studies; let nobody start, change or delete one.")
@store_option
def command(port: int | None, host: str, headless: bool, read_only: bool, store: Path | None) -> None:
    """Start the studio: explore studies, follow those that run, start new ones, from a browser.

    It serves this machine alone unless --host says otherwise. Ctrl-C ends it; studies in the background go on.

    \b
    Examples:
      rad app
      rad app --store ~/studies --port 8600
      rad app --host 0.0.0.0 --read-only --headless     show studies to colleagues
    """
    script = _script()
    port = _free_port(host, _PORTS if port is None else [port])
    environment = os.environ | {"RAD_READ_ONLY": "1" if read_only else os.environ.get("RAD_READ_ONLY", "")}
    if store is not None:
        environment["RAD_STORE"] = str(store.expanduser().absolute())
    options = {
        "server.port": port,
        "server.address": host,
        "server.headless": str(headless).lower(),
        "server.showEmailPrompt": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
    }
    arguments = [sys.executable, "-m", "streamlit", "run", str(script)]
    arguments += [f"--{name}={value}" for name, value in options.items()]
    say(f"RAD Studio is at {_url(host, port)} (Ctrl-C ends it; studies in the background go on).")
    sys.stdout.flush()
    if os.name == "posix":  # this process becomes the server, so that whoever ends it ends the server
        os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own script
    sys.exit(subprocess.call(arguments, env=environment))  # noqa: S603 - our own script


def _script() -> Path:
    """The studio's entry script. Looks where its package lies and runs none of its code."""
    spec = importlib.util.find_spec("app")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        script = Path(folder) / "main.py"
        if script.exists():
            return script
    raise InputError("The studio is not installed beside the engine; install both with pip install rad-studio.")


def _free_port(host: str, ports: Iterable[int]) -> int:
    """The first port that can be served at."""
    tried = []
    for port in ports:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as candidate:
                if os.name == "posix":  # as the server does: one that has just ended is in nobody's way
                    candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                candidate.bind(address)
                return port
        except socket.gaierror as error:
            raise InputError(f"host is {host!r}, which is no address of this machine; use 127.0.0.1.") from error
        except PermissionError as error:
            raise InputError(
                f"Port {port} is not open to ordinary users; choose one above 1023 with --port."
            ) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InputError(
                    f"host is {host!r}, which cannot be served at ({error.strerror}); use 127.0.0.1."
                ) from error
            tried.append(port)
    if len(tried) == 1:
        raise InputError(f"Port {tried[0]} is in use; choose another with --port, or leave it out to have one chosen.")
    raise InputError(f"The ports {tried[0]} to {tried[-1]} are all in use; choose another with --port.")


def _url(host: str, port: int) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        return f"http://{platform.node() or 'localhost'}:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"
