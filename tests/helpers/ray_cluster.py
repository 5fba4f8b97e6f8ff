"""A real Ray cluster on 127.0.0.1, of as many nodes as a test adds, started by `ray start` and gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

# `ray start`, but for one thing: told 127.0.0.1 it takes the address that other machines see, and opens ports there.
_START = """
import ray._private.ray_constants as constants, ray._private.services as services
constants.ENABLE_RAY_CLUSTER = True
services.get_node_ip_address = lambda address=None: "127.0.0.1"
from ray.scripts.scripts import main
main()
"""
_COMMON = ("--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats")
_PORTS = ("--min-worker-port=0", "--max-worker-port=0", "--block")
_READY = "Ray runtime started."


@dataclass
class Ray:
    """Where a cluster is to be reached: by RAY_ADDRESS as auto, and as a client."""

    port: int
    client: str
    folder: Path
    nodes: list[subprocess.Popen[str]]

    def add_node(self) -> subprocess.Popen[str]:
        """Add a node of one processor."""
        return self._start(f"--address=127.0.0.1:{self.port}")

    def kill(self, node: subprocess.Popen[str]) -> None:
        """Kill all processes of a node at once, as losing its machine does."""
        doomed = descendants(node.pid)
        for process in (node.pid, *doomed):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        node.wait()
        assert node.stdout is not None
        node.stdout.close()
        self.nodes.remove(node)

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        node = subprocess.Popen(
            [sys.executable, "-u", "-c", _START, "start", *arguments, *_COMMON, *_PORTS],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.nodes.append(node)
        assert node.stdout is not None
        said = []
        for line in node.stdout:
            said.append(line)
            if _READY in line:
                return node
        raise AssertionError("".join(said))


@contextmanager
def ray_cluster() -> Iterator[Ray]:
    """A cluster of one node of one processor, which this process finds as `auto`."""
    with pytest.MonkeyPatch.context() as patch, _folder() as folder:
        # So that everybody speaks of 127.0.0.1, as those do whom `_START` starts.
        for name, value in (("ENABLE_WINDOWS_OR_OSX_CLUSTER", "0"), ("USAGE_STATS_ENABLED", "0")):
            patch.setenv(f"RAY_{name}", value)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "120")  # a busy machine takes more than its 30
        from ray._private import ray_constants

        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        port, client = free_port(), free_port()
        patch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        ray = Ray(port, f"ray://127.0.0.1:{client}", folder, [])
        head = ("--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false")
        try:
            ray._start(*head, f"--temp-dir={folder}")
            yield ray
        finally:
            for node in list(ray.nodes):
                ray.kill(node)


@contextmanager
def _folder() -> Iterator[Path]:
    """Short, since the paths of sockets in it are."""
    folder = Path(tempfile.mkdtemp(prefix="rt-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(place.read_text().rpartition(")")[2].split()[1]), []).append(int(place.parent.name))
    found, new = [], [pid]
    while new:
        new = [child for each in new for child in parents.get(each, [])]
        found += new
    return found
