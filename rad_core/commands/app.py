"""`rad app`: start the studio."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from rad_core.commands.common import say, store_option
from rad_core.errors import InputError
from rad_core.studio import program

_PORTS = range(8501, 8601)
_STEP = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]*")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port (default: 8501, or the next one that is free).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at; 0.0.0.0 for a network.")
@click.option(
    "--allow-host",
    "others",
    multiple=True,
    metavar="NAME",
    help="Another name to answer to, such as that of a proxy before the studio; may be repeated.",
)
@click.option("--base-path", default="", metavar="/PATH", help="Path before all pages, as a proxy passes it on.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    envvar="RAD_PASSWORD_FILE",
    help="Ask everybody for the password of this file (rad password FILE makes it).",
)
@click.option("--files", is_flag=True, help="Let those who reach it from elsewhere name files of this machine as data.")
@click.option("--headless", is_flag=True, help="Do not open a browser.")
@click.option("--read-only", is_flag=True, help="Show studies; let nobody start, change or delete one.")
@store_option
def command(
    port: int | None,
    host: str,
    others: tuple[str, ...],
    base_path: str,
    password_file: Path | None,
    files: bool,
    headless: bool,
    read_only: bool,
    store: Path | None,
) -> None:
    """Start the studio: explore studies, follow those that run, start new ones, from a browser.

    It serves this machine alone unless --host says otherwise, and answers only to the names it is served at: pages of
    others cannot reach it under theirs. Ctrl-C ends it; studies in the background go on.

    \b
    Examples:
      rad app
      rad app --store ~/studies --port 8600
      rad app --host 0.0.0.0 --read-only --headless     show studies to colleagues
      rad app --host 0.0.0.0 --password-file ~/rad-password      let in who knows it
      rad app --allow-host studio.example.com --base-path /rad   behind a proxy of that name
    """
    from rad_core import passwords

    server, base = program("serve"), _checked_base(base_path)
    if password_file is not None:
        password_file = password_file.expanduser().absolute()
        passwords.read(password_file)
    others = tuple(map(_checked_name, others))
    port = _free_port(host, _PORTS if port is None else [port])
    names, private = _names(host, others), _is_loopback(host) and not others
    read_only = read_only or os.environ.get("RAD_READ_ONLY", "") not in ("", "0")
    environment = os.environ | {
        "RAD_READ_ONLY": "1" if read_only else "",
        "RAD_FILES": "1" if files or private else "0",
        "RAD_ALLOW_HOST": ",".join(others),
        "RAD_PASSWORD_FILE": str(password_file or ""),
        "RAD_OPEN": "" if headless else _url(host, port, base),
    }
    if store is not None:
        environment["RAD_STORE"] = str(store.expanduser().absolute())
    arguments = [*server, json.dumps(_options(host, port, names, base))]
    say(f"RAD Studio is at {_url(host, port, base)} (Ctrl-C ends it; studies in the background go on).")
    say(_reach(names, private=private, read_only=read_only, files=files, guarded=password_file is not None))
    sys.stdout.flush()
    if os.name == "posix":  # this process becomes the server, so that whoever ends it ends the server
        os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own script
    sys.exit(subprocess.call(arguments, env=environment))  # noqa: S603 - our own script


def _options(host: str, port: int, names: Sequence[str], base: str) -> dict[str, object]:
    """What Streamlit is told, by the names of its options."""
    return {
        "server.port": port,
        "server.address": host,
        "server.allowedHosts": names,
        "server.baseUrlPath": base,
        "server.showEmailPrompt": False,
        "runner.magicEnabled": False,  # no page shows what merely stands in it, and looking for that takes time
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
    }


def _checked_name(name: str) -> str:
    """A name or an address alone, in lower case."""
    plain = name.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    if not _NAME.fullmatch(plain) and not _is_address(plain):
        raise InputError(
            f"--allow-host is {name!r}; give a name or an address alone, without http:// and port, such as "
            "studio.example.com."
        )
    return plain


def _checked_base(path: str) -> str:
    """A path as "/rad", or nothing for none."""
    steps = path.strip("/").split("/") if path.strip("/") else []
    if not all(map(_STEP.fullmatch, steps)):
        raise InputError(
            f"--base-path is {path!r}; give a path of letters, digits, dots and hyphens alone, such as /rad."
        )
    return "".join(f"/{step}" for step in steps)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _names(host: str, others: Sequence[str]) -> tuple[str, ...]:
    """What the studio may be called in a request. A name that anybody could make lead here is never among them."""
    loopback = ("localhost", "127.0.0.1", "::1")
    machine = platform.node().lower()
    own = [name for name in (machine, f"{machine.partition('.')[0]}.local") if _NAME.fullmatch(name)]
    if _is_loopback(host):
        names = [host.lower(), *loopback]
    elif _is_address(host) and ipaddress.ip_address(host).is_unspecified:
        names = [*loopback, *own, *_own_addresses()]
    else:
        names = [host.lower(), *own]
    return tuple(dict.fromkeys([*names, *others]))


def _own_addresses() -> list[str]:
    """The addresses from which this machine talks to others, as its own tables say; nobody is asked."""
    addresses = []
    for family, far_away in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:  # no such network here
            probe.connect((far_away, 9))  # of a datagram socket: nothing is sent
            addresses.append(str(probe.getsockname()[0]))
    return addresses


def _reach(names: Sequence[str], *, private: bool, read_only: bool, files: bool, guarded: bool) -> str:
    """Who can reach the studio, and what they can do there."""
    may = "see all studies and change none" if read_only else "see and change all studies"
    if private:
        asked = ", once they give the password" if guarded else ""
        return f"Only people on this computer can reach it; they can {may}{asked}."
    opened = "they can have its files read as data (--files)" if files else "its files stay closed to them (--files)"
    opened = "" if read_only else f"; {opened}"
    asked = "and knows the password can" if guarded else "can, without a password (--password-file asks for one),"
    return (
        f"Everybody who can reach this machine at that port, or through a proxy, {asked} {may}{opened}. It answers to "
        f"{', '.join(names)} (--allow-host adds others)."
    )


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


def _url(host: str, port: int, base: str = "") -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}{base}"
    if address.is_unspecified:
        return f"http://{platform.node() or 'localhost'}:{port}{base}"
    return f"http://[{host}]:{port}{base}" if address.version == 6 else f"http://{host}:{port}{base}"
