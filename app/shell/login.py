"""The login of a studio that a password guards: pages of its own, before anything that Streamlit serves.

One password for all. Who gave it gets a random name in a cookie, which this process alone knows and forgets after half
a day, at the logout and with its end. No Streamlit in here.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, quote, unquote

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from app.results import shipped
from app.shell.doorkeeper import POLICY, Message, Receive, Send, Served, refuse
from rad_core.passwords import Password

LASTS = 12 * 3600.0  # seconds that a login holds
TRIES, TRIES_OF_ALL = 5, 30  # wrong passwords in a minute: of one address, of all together
_MINUTE = 60.0
_MOST = 4096  # bytes of a form
_PATIENCE = 10.0  # seconds for a form to come
_UNKNOWN, _TOO_MANY, _SEE = 401, 429, 303
_PAGE = Template(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


@dataclass(eq=False)
class Session:
    """Somebody who gave the password. until: by time.monotonic(). lines: their open websockets."""

    until: float
    lines: set[asyncio.Timeout] = field(default_factory=set)


class Sessions:
    """Who is in. Of their names only digests are kept."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Session] = {}

    def begin(self) -> str:
        """A new session; returns its name."""
        now = time.monotonic()
        self._by_digest = {name: session for name, session in self._by_digest.items() if session.until > now}
        name = secrets.token_urlsafe(32)
        self._by_digest[_digest(name)] = Session(now + LASTS)
        return name

    def of(self, name: str) -> Session | None:
        """The session of a name, unless there is none or it is over."""
        session = self._by_digest.get(_digest(name))
        return session if session is not None and session.until > time.monotonic() else None

    def end(self, name: str) -> None:
        """End a session and close its websockets."""
        session = self._by_digest.pop(_digest(name), None)
        for line in session.lines if session is not None else ():
            line.reschedule(0.0)


class Tries:
    """The wrong passwords of the last minute, and those that are being looked at."""

    def __init__(self) -> None:
        self._tries: deque[tuple[float, str]] = deque()

    def wait(self, client: str) -> float:
        """Seconds until an address may try again; 0 if it may now."""
        now = time.monotonic()
        while self._tries and self._tries[0][0] <= now - _MINUTE:
            self._tries.popleft()
        own = [began for began, who in self._tries if who == client]
        waits = [0.0]
        if len(own) >= TRIES:
            waits.append(own[-TRIES] + _MINUTE - now)
        if len(self._tries) >= TRIES_OF_ALL:
            waits.append(self._tries[-TRIES_OF_ALL][0] + _MINUTE - now)
        return max(waits)

    def begin(self, client: str) -> tuple[float, str]:
        """Count a try."""
        self._tries.append((time.monotonic(), client))
        return self._tries[-1]

    def forgive(self, entry: tuple[float, str]) -> None:
        """Count it no more: it was right."""
        if entry in self._tries:  # else it was long ago
            self._tries.remove(entry)


class PasswordOnly:
    """The same ASGI application for those who gave the password; others get a page that asks for it.

    base: the path before all pages, "" or as "/rad". cookie: what it is called. Whether the server is up is told to
    everybody.
    """

    def __init__(self, served: Served, password: Password, base: str, cookie: str) -> None:
        self._served, self._password, self._base, self._cookie = served, password, base, cookie
        self._sessions, self._tries, self._turn = Sessions(), Tries(), asyncio.Semaphore(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._served(scope, receive, send)
        session = self._sessions.of(HTTPConnection(scope).cookies.get(self._cookie, ""))
        if scope["type"] == "websocket":
            return await _line(session, self._served, scope, receive, send)
        request, reply = Request(scope, receive), None
        if scope["path"] == f"{self._base}/login":
            reply = await self._login(request, session is not None)
        elif scope["path"] == f"{self._base}/logout":
            reply = self._logout(request, session is not None)
        elif session is None and scope["path"] != f"{self._base}/_stcore/health":
            reply = _stranger(request, self._base)
        return await (self._served if reply is None else reply)(scope, receive, send)

    async def _login(self, request: Request, inside: bool) -> Response:
        place = own_place(request.query_params.get("next", ""), self._base)
        if request.method != "POST":
            return _see(place) if inside else _form(place)
        client = _client(request)
        if wait := self._tries.wait(client):
            return _wait(place, wait)
        entry = self._tries.begin(client)
        text = await _typed(request)
        async with self._turn:  # one at a time: tries never take all of the machine
            right = await asyncio.to_thread(self._password.is_it, text)
        if not right:
            return _form(place, "That is not the password.", _UNKNOWN)
        self._tries.forgive(entry)
        reply = _see(place)
        reply.set_cookie(
            self._cookie,
            self._sessions.begin(),
            max_age=int(LASTS),
            path=self._base or "/",
            secure=_is_https(request),
            httponly=True,
            samesite="strict",
        )
        return reply

    def _logout(self, request: Request, inside: bool) -> Response:
        if not inside:
            return _see(f"{self._base}/login")
        if request.method != "POST":
            return _page('<h1>RAD Studio</h1>\n<form method="post"><button>Log out</button></form>')
        self._sessions.end(request.cookies[self._cookie])
        reply = _see(f"{self._base}/login")
        reply.delete_cookie(self._cookie, path=self._base or "/")
        return reply


async def _line(session: Session | None, served: Served, scope: Message, receive: Receive, send: Send) -> None:
    """A websocket, which ends with its session."""
    if session is None:
        return await refuse(scope, send, _UNKNOWN, "")
    try:
        async with asyncio.timeout(session.until - time.monotonic()) as limit:
            session.lines.add(limit)
            await served(scope, receive, send)
    except TimeoutError:
        if not limit.expired():
            raise
        await send({"type": "websocket.close", "code": POLICY, "reason": ""})
    finally:
        session.lines.discard(limit)
    return None


def _stranger(request: Request, base: str) -> Response:
    """For somebody without a session.

    A browser that follows a link from elsewhere sends no strict cookie: so the login is asked for by a page of ours,
    with the cookie, and leads those who are in on to where they were going.
    """
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Log in first.\n", _UNKNOWN, _HEADERS)
    query = request.scope["query_string"].decode("latin-1")
    asked = quote(request.scope["path"]) + (f"?{query}" if query else "")
    login = escape(f"{base}/login?next={quote(own_place(asked, base), safe='')}")
    refresh = f'<meta http-equiv="refresh" content="0; url={login}">\n'
    return _page(f'<p><a href="{login}">Log in</a></p>', head=refresh)


def own_place(asked: str, base: str) -> str:
    """An address that was asked for as path and query, if it is one of our pages; else the first page."""
    path = unquote(asked.partition("?")[0].partition("#")[0])
    plain = asked.isascii() and asked.isprintable() and "\\" not in asked + path
    ours = path.startswith(f"{base}/") and "//" not in path and ".." not in path
    return asked if plain and ours and path not in (f"{base}/login", f"{base}/logout") else f"{base}/"


def _form(place: str, wrong: str = "", status: int = 200) -> HTMLResponse:
    alert = f'<p role="alert" id="wrong">{escape(wrong)}</p>\n' if wrong else ""
    described = ' aria-describedby="wrong" aria-invalid="true"' if wrong else ""
    return _page(
        f'<h1>RAD Studio</h1>\n<form method="post" action="?next={escape(quote(place, safe=""))}">\n'
        '<label for="password">Password</label>\n<input id="password" name="password" type="password" required '
        f'autofocus autocomplete="current-password"{described}>\n{alert}<button>Log in</button>\n</form>',
        status,
    )


def _wait(place: str, seconds: float) -> HTMLResponse:
    whole = int(seconds) + 1
    unit = "second" if whole == 1 else "seconds"
    reply = _form(place, f"Too many wrong passwords; try again in {whole} {unit}.", _TOO_MANY)
    reply.headers["retry-after"] = str(whole)
    return reply


def _page(content: str, status: int = 200, head: str = "") -> HTMLResponse:
    logo = (shipped.assets() / "logo.svg").read_text(encoding="utf-8").replace("<svg", '<svg aria-hidden="true"', 1)
    return HTMLResponse(_PAGE.substitute(head=head, logo=logo, content=content), status, _HEADERS)


def _see(place: str) -> RedirectResponse:
    return RedirectResponse(place, _SEE, _HEADERS)


async def _typed(request: Request) -> str:
    """The password of a form; empty where none came in time, or too much did."""
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > _MOST:
                    return ""
    except (TimeoutError, ClientDisconnect):
        return ""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("password", [""])[0]
    except (UnicodeDecodeError, ValueError):
        return ""


def _client(request: Request) -> str:
    """The address that tries are counted by. The server has it from a proxy if that is on this machine."""
    return request.client.host[:64] if request.client is not None else ""


def _is_https(request: Request) -> bool:
    """Whether the browser speaks HTTPS, be it to a proxy."""
    return request.url.scheme == "https" or str(request.scope.get("origin")).startswith("https://")


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
