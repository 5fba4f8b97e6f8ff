"""`rad app`: the studio starts with one command, says where it is, and refuses in one sentence what cannot be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rad_core.commands.app import _free_port, _script, _url
from rad_core.errors import InputError

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


def test_the_entry_script_is_found_without_running_the_studio() -> None:
    code = "from rad_core.commands.app import _script; import sys; _script(); sys.exit('app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert _script().name == "main.py"


def test_urls_can_be_opened() -> None:
    assert _url("127.0.0.1", 8501) == "http://127.0.0.1:8501"
    assert _url("::1", 8501) == "http://[::1]:8501"
    assert "0.0.0.0" not in _url("0.0.0.0", 8501)
