"""Who may talk to the studio: whoever calls it by a name it serves, from a page that it served. No Streamlit in here.

A page of somebody else's can make its own name lead to this machine (DNS rebinding), or simply open a connection to it;
browsers then send that name as Host, or as Origin. Streamlit alone takes any page of this machine for one of its own,
and asks a server on the internet for the outside address of this machine before it refuses another.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rad_core.text import one_line

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Served = Callable[[Message, Receive, Send], Awaitable[None]]

_READING = ("GET", "HEAD", "OPTIONS")
_MISDIRECTED, _FORBIDDEN = 421, 403
POLICY = 1008  # why a websocket is closed


def own_names_only(served: Served, names: Callable[[], Collection[str]], behind: Collection[str] = ()) -> Served:
    """The same ASGI application for those who may talk to it; others get one sentence.

    names: the hosts it answers to, all of them if empty. behind: names of a proxy before it, which may pass on requests
    under another name; pages from there are its own.
    """

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await served(scope, receive, send)
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if not answers_to(host, names()):
            return await refuse(scope, send, _MISDIRECTED, _not_mine(host))
        if origin is None or scope.get("method") in _READING:
            return await served(scope, receive, send)
        if not same_site(origin, host, behind):
            return await refuse(scope, send, _FORBIDDEN, "This studio talks to its own pages alone.")
        # It is one of ours, and nothing behind has to find that out again.
        kept = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        return await served({**scope, "headers": kept, "origin": origin}, receive, send)

    return answer


def header(scope: Message, name: bytes) -> str | None:
    """The value of a header that may stand there once; twice it counts as none."""
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def answers_to(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header, with or without a port, is one of the names."""
    return not names or hostname(f"//{host}") in {name.lower().rstrip(".") for name in names}


def same_site(origin: str, host: str | None, behind: Collection[str]) -> bool:
    """Whether a page of an origin is one that was asked for under this Host, or through a proxy of one of the names."""
    return (host is not None and urlsplit(origin).netloc.lower() == host.lower()) or hostname(origin) in behind


def hostname(address: str) -> str | None:
    """The name in an address, in lower case; None where there is none or somebody plays tricks."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - a port that is none raises
    except ValueError:
        return None
    plain = parts.hostname and "@" not in parts.netloc and not (parts.path or parts.query or parts.fragment)
    return parts.hostname.lower().rstrip(".") if plain and parts.hostname else None


def _not_mine(host: str | None) -> str:
    name = hostname(f"//{host}")
    if name is None:
        return "The request names no host; open the address that rad app printed."
    return (
        f"This studio does not answer to the name {one_line(name)[:100]}; whoever runs it can let it with "
        f"rad app --allow-host NAME."
    )


async def refuse(scope: Message, send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence, or close a websocket before it opens."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY, "reason": ""})
        return
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": f"{sentence}\n".encode()})


def read_only() -> bool:
    """Whether the studio only shows: no control changes or starts anything."""
    return os.environ.get("RAD_READ_ONLY", "") not in ("", "0")


def password_file() -> Path | None:
    """The file of the password that guards the studio; None without one."""
    name = os.environ.get("RAD_PASSWORD_FILE", "")
    return Path(name) if name else None
