"""A studio with a password shows nothing to those who did not give it, and lets nobody guess fast."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.shell import login
from app.shell.assets import AssetsFromMemory
from app.shell.doorkeeper import Message, own_names_only
from app.shell.login import PasswordOnly, Tries, own_place
from rad_core import passwords
from rad_core.commands.app import _checked_base, _reach, _url
from rad_core.errors import InputError

WORDS = "correct horse"
PASSWORD = passwords.made_of(WORDS)


def told(story: Coroutine[Any, Any, Any]) -> Any:
    """What a story ends with: in a thread of its own, since a browser of another test may have a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, story).result()


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str


async def inner(scope: Message, receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
    """What lies behind the login: a websocket that stays open, and pages that say where they are."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"secret {scope['path']}".encode()})


def guarded(base: str = "") -> Any:
    """As the server builds it: names and origins first, then the password."""
    return own_names_only(PasswordOnly(inner, PASSWORD, base, "who"), lambda: ("box",))


def scope_of(kind: str, path: str, headers: dict[str, str], client: str = "192.0.2.7") -> Message:
    where, _, query = path.partition("?")
    pairs = [(name.encode(), value.encode()) for name, value in {"host": "box", **headers}.items()]
    return {
        **{"type": kind, "path": where, "raw_path": where.encode(), "query_string": query.encode()},
        **{"headers": pairs, "client": (client, 1), "scheme": "http", "server": ("box", 80), "root_path": ""},
    }


async def ask(
    app: Any, path: str, typed: str | None = None, client: str = "192.0.2.7", method: str = "", **headers: str
) -> Reply:
    """One request. typed: a password that is sent with the form."""
    body = b"" if typed is None else f"password={quote(typed)}".encode()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_of("http", path, headers, client) | {"method": method or ("GET" if typed is None else "POST")}
    await app(scope, receive, send)
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], names, b"".join(part["body"] for part in sent[1:]).decode(errors="replace"))


def cookie_of(reply: Reply) -> str:
    return reply.headers["set-cookie"].partition(";")[0]


async def inside(app: Any, base: str = "") -> str:
    """The cookie of somebody who logged in."""
    return cookie_of(await ask(app, f"{base}/login", WORDS))


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_its_hash_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    made = subprocess.run(
        [sys.executable, "-m", "rad_core.cli", "password", str(file)], input=f"{WORDS}\n", text=True, timeout=60
    )
    assert made.returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert WORDS not in file.read_text()
    assert passwords.read(file).is_it(WORDS)
    assert not passwords.read(file).is_it(f"{WORDS} ")
    assert passwords.made_of("Zo\u00eb zo\u00eb zo").is_it("Zoe\u0308 zoe\u0308 zo"), "as another keyboard types it"
    with pytest.raises(InputError, match="has 5 characters; give 8 to 200"):
        passwords.made_of("short")


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (None, 0o600, "rad password"),
        ("", 0o600, "is empty"),
        ("hunter2\n", 0o600, "does not hold a password"),
        ("scrypt-2-8-1$AAAA$AAAA\n", 0o600, "does not hold a password"),
        ("x" * 5000, 0o600, "does not hold a password"),
        ("hunter2\n", 0o644, "chmod 600"),
    ],
)
def test_a_file_that_guards_nothing_is_refused(tmp_path: Path, content: str | None, mode: int, says: str) -> None:
    file = tmp_path / "pw"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(InputError, match=says) as raised:
        passwords.read(file)
    assert raised.value.exit_code == 2
    assert "hunter2" not in str(raised.value)


# --- the door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["", "/rad"])
def test_nothing_is_shown_without_the_password(base: str) -> None:
    async def story() -> None:
        app = guarded(base)
        for path in ("/", "/explore", "/media/x.png", "/component/x", "/_stcore/upload_file/a/b", "/_stcore/metrics"):
            assert (await ask(app, f"{base}{path}")).status == 401
            assert "secret" not in (await ask(app, f"{base}{path}", accept="text/html")).text
        assert (await ask(app, f"{base}/_stcore/upload_file/a/b", method="PUT")).status == 401
        assert (await ask(app, f"{base}/_stcore/health")).status == 200
        assert (await ask(app, f"{base}/explore/_stcore/health")).status == 401
        page = await ask(app, f"{base}/explore?run=a&seed=1", accept="text/html")
        asked = quote(f"{base}/explore?run=a&seed=1", safe="")
        assert f"url={base}/login?next={asked}" in page.text
        entered = await ask(app, f"{base}/login?next={asked}", WORDS)
        assert (entered.status, entered.headers["location"]) == (303, f"{base}/explore?run=a&seed=1")
        assert (await ask(app, f"{base}/explore", cookie=cookie_of(entered))).text == f"secret {base}/explore"
        assert (await ask(app, f"{base}/explore", cookie="who=")).status == 401
        assert (await ask(app, f"{base}/explore", cookie="who=guess")).status == 401

    told(story())


def test_the_cookie_is_new_strict_and_out_of_reach_of_scripts() -> None:
    async def story() -> None:
        app = guarded("/rad")
        plain = await ask(app, "/rad/login", WORDS, cookie="who=chosen-by-somebody-else")
        parts = plain.headers["set-cookie"].split("; ")
        assert {"HttpOnly", "SameSite=strict", "Path=/rad", f"Max-Age={login.LASTS:.0f}"} <= set(parts)
        assert "Secure" not in parts
        assert "chosen" not in parts[0]
        assert len(parts[0]) > 40
        by_proxy = await ask(app, "/rad/login", WORDS, origin="https://box")
        assert "Secure" in by_proxy.headers["set-cookie"].split("; ")
        assert (await ask(app, "/rad/login", WORDS, origin="https://evil.example")).status == 403

    told(story())


def test_a_websocket_opens_with_the_cookie_alone_and_ends_with_the_logout() -> None:
    async def story() -> None:
        app, sent = guarded(), list[str]()

        async def nothing_comes() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message["type"])

        await app(scope_of("websocket", "/_stcore/stream", {}), nothing_comes, send)
        assert sent == ["websocket.close"]
        cookie = await inside(app)
        line = asyncio.create_task(
            app(scope_of("websocket", "/_stcore/stream", {"cookie": cookie}), nothing_comes, send)
        )
        await asyncio.sleep(0.01)
        assert sent == ["websocket.close", "websocket.accept"]
        assert (await ask(app, "/logout", cookie=cookie)).status == 200, "a link alone ends nothing"
        assert not line.done()
        gone = await ask(app, "/logout", "", cookie=cookie)
        assert gone.headers["location"] == "/login"
        await asyncio.wait_for(line, 5)
        assert sent[-1] == "websocket.close"
        assert (await ask(app, "/explore", cookie=cookie)).status == 401

    told(story())


def test_guessing_is_slowed_down_for_each_address_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        app = guarded()
        for _ in range(login.TRIES):
            assert (await ask(app, "/login", "wrong")).status == 401
        late = await ask(app, "/login", WORDS)
        assert late.status == 429
        assert 0 < int(late.headers["retry-after"]) <= 61
        assert "Too many wrong passwords; try again in" in late.text
        assert (await ask(app, "/login", WORDS, client="192.0.2.8")).status == 303

    told(story())
    tries = Tries()
    for _ in range(login.TRIES_OF_ALL + 1):  # who knows it is never slowed down
        assert tries.wait("them") == 0
        tries.forgive(tries.begin("them"))
    for number in range(login.TRIES_OF_ALL):
        assert tries.wait(f"client {number}") == 0
        tries.begin(f"client {number}")
    assert tries.wait("another") > 0
    now = login.time.monotonic()
    monkeypatch.setattr(login.time, "monotonic", lambda: now + 61)
    assert tries.wait("another") == 0


@pytest.mark.parametrize(
    "asked",
    [
        *("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)"),
        *(
            "/rad/..//evil.example",
            "/rad/%2e%2e/other",
            "/rad//evil",
            "/rad/%2f/evil",
            "/rad/%5cevil",
            "/radx",
            "/other",
        ),
        *("", "explore", "/rad/login", "/rad/logout", "/rad/\r\nset-cookie: a=b", "/rad/\u00e9"),
    ],
)
def test_the_login_leads_to_our_own_pages_alone(asked: str) -> None:
    assert own_place(asked, "/rad") == "/rad/"
    assert own_place("/rad/map?run=a&b=%2F..%2F", "/rad") == "/rad/map?run=a&b=%2F..%2F"
    assert own_place("//evil.example", "") == own_place("/", "") == "/"


def test_what_somebody_wrote_into_the_address_is_no_markup() -> None:
    reply = told(ask(guarded(), "/login?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E"))
    assert reply.status == 200
    assert "<script" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


# --- what everybody is sent ------------------------------------------------------------------------------------------


def test_scripts_come_packed_from_memory_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "js" / "a.js").write_text("let a = 1;" * 100)
    (tmp_path / "secret.js").write_text("secret")

    async def story() -> None:
        app = AssetsFromMemory(inner, tmp_path / "static", "/rad")
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        packed = {"accept-encoding": "br, gzip"}
        for _ in range(2):
            sent.clear()
            await app(scope_of("http", "/rad/static/js/a.js", packed) | {"method": "GET"}, None, send)
            assert gzip.decompress(sent[1]["body"]).decode() == "let a = 1;" * 100
            assert (b"content-type", b"text/javascript; charset=utf-8") in sent[0]["headers"]
        (tmp_path / "static" / "js" / "a.js").unlink()
        assert (await ask(app, "/rad/static/js/a.js", **packed)).status == 200
        for path in ("/static/js/a.js", "/rad/static/../secret.js", "/rad/static/js", "/rad/static/secret.js"):
            assert (await ask(app, path, **packed)).text == f"secret {path}", "Streamlit decides"
        assert "secret" in (await ask(app, "/rad/static/js/a.js")).text, "who cannot unpack it"
        assert "secret" in (await ask(app, "/rad/static/js/a.js", range="bytes=0-1", **packed)).text

    told(story())


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_path_is_a_path_alone() -> None:
    assert [_checked_base(path) for path in ("", "/", "rad", "/rad/", "/a/b.c")] == ["", "", "/rad", "/rad", "/a/b.c"]
    for bad in ("/../x", "/a b", "/a?b", "https://x/rad", "/a/./b", "/a%2fb", "/\u00e9"):
        with pytest.raises(InputError, match="--base-path is"):
            _checked_base(bad)
    assert _url("127.0.0.1", 8501, "/rad") == "http://127.0.0.1:8501/rad"


def test_the_start_says_whether_a_password_guards_it() -> None:
    line = _reach(["box"], private=False, read_only=True, files=False, guarded=True)
    assert "and knows the password can see all studies and change none" in line
    line = _reach(["box"], private=False, read_only=True, files=False, guarded=False)
    assert "without a password" in line
