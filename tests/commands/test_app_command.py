"""`rad app`: the studio starts with one command, says where it is, and refuses in one sentence what cannot be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rad_core.commands.app import _checked_name, _free_port, _is_loopback, _names, _reach, _url
from rad_core.errors import InputError
from rad_core.studio import program

RAD_APP = [sys.executable, "-m", "rad_core.cli", "app"]


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def free_port() -> int:
    with taken_port() as port:
        return port


def refused(*arguments: str) -> str:
    ran = subprocess.run([*RAD_APP, "--headless", *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert ran.stderr.count("Error:") == 1
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.mark.slow
def test_the_studio_starts_serves_and_ends(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--headless", "--port", str(port), "--store", str(tmp_path / "store"), "--read-only"]
    server = subprocess.Popen([*RAD_APP, *arguments], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert server.stdout is not None
    with server.stdout:
        try:
            assert f"http://127.0.0.1:{port} " in server.stdout.readline()
            end = time.monotonic() + 90
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                        assert answer.status == 200
                        break
                except OSError:
                    assert server.poll() is None
                    assert time.monotonic() < end
                    time.sleep(0.2)
            environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
            assert f"RAD_STORE={tmp_path / 'store'}".encode() in environment
            assert b"RAD_READ_ONLY=1" in environment
            assert "in use" in refused("--port", str(port))
            server.send_signal(signal.SIGINT)
            assert server.wait(30) in (0, 130)
        finally:
            if server.poll() is None:
                os.kill(server.pid, signal.SIGKILL)
                server.wait()


def test_a_port_that_is_in_use_is_refused_or_passed_over() -> None:
    with taken_port() as taken:
        assert f"Port {taken} is in use" in refused("--port", str(taken))
        free = free_port()
        assert _free_port("127.0.0.1", [taken, free]) == free
        with pytest.raises(InputError, match="all in use"):
            _free_port("127.0.0.1", [taken, taken])


def test_an_address_of_another_machine_is_refused() -> None:
    assert "192.0.2.1" in refused("--host", "192.0.2.1")
    assert "no address of this machine" in refused("--host", "nowhere.invalid")
    refused_by_click = subprocess.run([*RAD_APP, "--port", "99999"], capture_output=True, text=True)
    assert refused_by_click.returncode == 2


@pytest.mark.parametrize("name", ["serve", "export"])
def test_a_program_of_the_studio_is_found_without_running_any_of_it(name: str) -> None:
    code = f"from rad_core.studio import program; import sys; program('{name}'); sys.exit('app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert program(name)[-1].startswith("app.")


def test_a_studio_that_is_not_installed_is_said_to_be() -> None:
    with pytest.raises(InputError, match="install both with pip install rad-studio"):
        program("dance")


def test_urls_can_be_opened() -> None:
    assert _url("127.0.0.1", 8501) == "http://127.0.0.1:8501"
    assert _url("::1", 8501) == "http://[::1]:8501"
    assert "0.0.0.0" not in _url("0.0.0.0", 8501)


# --- who may talk to it ----------------------------------------------------------------------------------------------


class Studio:
    """A studio started by the command itself, and what it said, and whom it asked on the internet."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port, self.asked = free_port(), list[bytes]()
        self.base = arguments[arguments.index("--base-path") + 1] if "--base-path" in arguments else ""
        self._outside = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()
        proxy = f"http://127.0.0.1:{self._outside.getsockname()[1]}"
        variables = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
        self._log = folder / "app.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*RAD_APP, "--headless", "--port", str(self.port), "--store", str(folder / "store"), *arguments],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=os.environ | variables | {"no_proxy": "", "NO_PROXY": ""},
            )
        end = time.monotonic() + 90
        while self.get(f"{self.base}/_stcore/health")[0] != 200:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end
            time.sleep(0.2)

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._outside.accept()
            except OSError:
                return
            with line:
                self.asked.append(line.recv(1000))

    def said(self) -> str:
        return self._log.read_text()

    def get(self, path: str, host: str | None = None, **headers: str) -> tuple[int, str]:
        """Status and text of a plain page, asked for under a name (by default an own one)."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, headers={"Host": host or f"127.0.0.1:{self.port}", **headers})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def takes(self, host: str, origin: str | None) -> bool:
        """Whether a websocket under this Host and from this Origin gets a session."""
        address = f"ws://{host.format(port=self.port)}{self.base}/_stcore/stream"
        from_page = origin and origin.format(port=self.port)
        try:
            with connect(
                address,
                origin=from_page,
                subprotocols=["streamlit"],
                proxy=None,
                sock=socket.create_connection(("127.0.0.1", self.port)),
            ):
                return True
        except InvalidStatus:
            return False

    def variables(self) -> list[bytes]:
        return Path(f"/proc/{self.process.pid}/environ").read_bytes().split(b"\0")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._outside.close()


@contextmanager
def studio(folder: Path, *arguments: str) -> Iterator[Studio]:
    server = Studio(folder, *arguments)
    try:
        yield server
    finally:
        server.close()


OWN = [
    ("127.0.0.1:{port}", "http://127.0.0.1:{port}"),
    ("localhost:{port}", "http://localhost:{port}"),
    ("LOCALHOST:{port}", "http://localhost:{port}"),
    ("[::1]:{port}", "http://[::1]:{port}"),
    ("127.0.0.1:{port}", None),
]
FOREIGN = [
    ("evil.example:{port}", "http://evil.example:{port}"),  # a name that somebody made lead here
    ("evil.example", None),
    ("127.0.0.1:{port}", "http://evil.example"),  # a page of somebody's on the internet
    ("127.0.0.1:{port}", "https://127.0.0.1.evil.example:{port}"),
    ("127.0.0.1:{port}", "http://localhost:3000"),  # a page that another program serves on this machine
    ("127.0.0.1:{port}", "http://127.0.0.1:3000"),
    ("127.0.0.1:{port}", "null"),
    ("127.0.0.1:{port}", "file://"),
    ("127.0.0.1:{port}", "http://user@127.0.0.1:{port}"),
    ("10.11.12.13:{port}", "http://10.11.12.13:{port}"),
    ("studio.example.com", "https://studio.example.com"),
]


@pytest.mark.slow
def test_foreign_pages_and_names_get_no_session_and_nobody_outside_is_asked(tmp_path: Path) -> None:
    with studio(tmp_path) as server:
        assert [server.takes(*case) for case in OWN] == [True] * len(OWN)
        assert [case for case in FOREIGN if server.takes(*case)] == []
        assert server.get("/")[0] == 200
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1:99999", "a@127.0.0.1"):
            status, words = server.get("/", host=host)
            assert status == 421
            assert "rad app" in words
        assert "evil.example" in server.get("/media/x", host="evil.example")[1]
        assert server.get("/_stcore/metrics", host="evil.example")[0] == 421
        assert server.asked == [], "no server on the internet was asked for anything"
        assert b"RAD_FILES=1" in server.variables()
        assert server.said().splitlines()[1:] == [
            "Only people on this computer can reach it; they can see and change all studies."
        ]


@pytest.mark.slow
def test_a_studio_behind_a_proxy_answers_to_the_name_that_it_was_given(tmp_path: Path) -> None:
    with studio(tmp_path, "--allow-host", "Studio.example.com", "--allow-host", "10.11.12.13", "--read-only") as server:
        assert server.takes("studio.example.com", "https://studio.example.com")
        assert server.takes("127.0.0.1:{port}", "https://studio.example.com"), "where the proxy passes on its own name"
        assert server.takes("10.11.12.13:{port}", "http://10.11.12.13:{port}")
        assert server.takes(*OWN[0])
        assert [case for case in FOREIGN[:9] if server.takes(*case)] == []
        assert server.asked == []
        assert b"RAD_FILES=0" in server.variables(), "a proxy lets others in"
        assert "see all studies and change none" in server.said()


@pytest.mark.slow
def test_a_studio_for_a_network_says_who_can_reach_it_and_keeps_the_files_of_its_machine(tmp_path: Path) -> None:
    with studio(tmp_path, "--host", "0.0.0.0") as server:
        assert [case for case in FOREIGN if server.takes(*case)] == []
        assert server.takes(*OWN[0])
        assert b"RAD_FILES=0" in server.variables()
        line = server.said().splitlines()[1]
        assert "Everybody who can reach this machine" in line
        assert "see and change all studies" in line
        assert "--files" in line
        assert "--allow-host" in line
        for name in _names("0.0.0.0", ()):
            assert name in line
            assert server.takes(f"[{name}]:{{port}}" if ":" in name else f"{name}:{{port}}", None)


def test_the_start_says_what_visitors_may_do() -> None:
    assert _reach(["localhost"], private=True, read_only=True, files=False, guarded=False) == (
        "Only people on this computer can reach it; they can see all studies and change none."
    )
    line = _reach(["box"], private=False, read_only=False, files=True, guarded=False)
    assert "can have its files read as data (--files)" in line
    assert "files" not in _reach(["box"], private=False, read_only=True, files=False, guarded=False)


def test_names_are_those_that_nobody_else_can_have() -> None:
    assert set(_names("127.0.0.1", ())) == {"127.0.0.1", "localhost", "::1"}
    assert "192.0.2.7" in _names("192.0.2.7", ())
    assert "localhost" not in _names("192.0.2.7", ())
    assert _names("127.0.0.1", ("studio.example.com",))[-1] == "studio.example.com"
    assert "*" not in "".join(_names("0.0.0.0", ()))
    assert all(map(_is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "LOCALHOST")))
    assert not any(map(_is_loopback, ("0.0.0.0", "::", "192.0.2.7", "box")))


def test_an_allowed_name_is_a_name_alone() -> None:
    good = {
        "Studio.Example.com": "studio.example.com",
        "box": "box",
        "10.0.0.7": "10.0.0.7",
        "[::1]": "::1",
        "a_b.c": "a_b.c",
    }
    assert {name: _checked_name(name) for name in good} == good
    for bad in ("https://x", "x:8501", "*", "*.example.com", "", "a b", "x/y", "-x", "a..b", "x,y", "\x1b[31m"):
        with pytest.raises(InputError, match="give a name or an address alone"):
            _checked_name(bad)
    assert "--allow-host is 'https://x/'" in refused("--allow-host", "https://x/")
