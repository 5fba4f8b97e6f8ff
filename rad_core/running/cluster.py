"""A Ray cluster: connected to by its address, its nodes and their versions; what does not go together is refused.

An address is `auto` (the cluster that this machine is part of, or RAY_ADDRESS), `local:N` (a Ray of N processors that
is started on this machine for as long as it is needed, and listens on 127.0.0.1 alone) or `ray://HOST:10001`.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from rad_core import partials
from rad_core.errors import InputError, WorkerError

_ADDRESS = re.compile(r"auto|local:[1-9]\d{0,3}|ray://[^\s/:]+:\d{1,5}|ray://\[[0-9a-fA-F:]+\]:\d{1,5}")
_KNOCK_SECONDS = 5.0  # that a cluster may take to open its door
_ASK_SECONDS = 60.0  # that a node may take to tell its versions
_LOCALHOST = "127.0.0.1"


@attrs.frozen
class Node:
    """A machine of a cluster. memory: bytes. versions: by name of the package; empty where it could not be asked."""

    id: str
    address: str
    cpus: float
    gpus: float
    memory: int
    versions: Mapping[str, str]


@attrs.frozen
class Cluster:
    """A cluster that this process is connected to. home: the node that goes only when the cluster goes."""

    address: str
    nodes: tuple[Node, ...]
    home: str

    @property
    def gpus(self) -> float:
        """Those of all nodes."""
        return sum(node.gpus for node in self.nodes)

    @property
    def widest(self) -> float:
        """The processors of the node that has the most."""
        return max((node.cpus for node in self.nodes), default=0.0)


def check_address(address: str) -> str:
    """The address itself. Raises InputError for what is none."""
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"cluster is {address!r}; write auto, local:N (N processors of this machine) or ray://HOST:10001."
        )
    return address


def configured() -> str:
    """The address of the cluster that the studio offers: RAD_CLUSTER where it is set, else ""."""
    return os.environ.get("RAD_CLUSTER", "")


@contextmanager
def connect(address: str, *, checked: bool = True) -> Iterator[Cluster]:
    """Be connected to a Ray cluster while the block lasts; a cluster of `local:N` is started and stopped with it.

    Args:
        address: auto, local:N or ray://HOST:PORT.
        checked: refuse nodes whose versions of Python, Ray, torch or this program are others than here.

    Yields:
        The cluster, its nodes and their versions. Tasks go to it by `ray.remote`, as ever.

    Raises:
        InputError: one sentence: no such address, no cluster there, Ray not installed, versions that differ.
    """
    check_address(address)
    ray = _ray()
    with _own_folder(address) as folder, _quiet():
        try:
            with _left_alone(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _init(ray, address, folder)
            cluster = Cluster(address, _look(ray, address), ray.get_runtime_context().get_node_id())
            if checked and (words := mismatch(own_versions(), cluster.nodes)):
                raise InputError(words)
            yield cluster
        finally:
            with _left_alone():
                ray.shutdown()


def reach(address: str) -> None:
    """Raise InputError where Ray is not installed or nobody listens at an address; it takes a few seconds at most."""
    check_address(address)
    _ray()
    if not address.startswith("local:"):
        try:
            _knock(address)
        except (OSError, ValueError) as error:
            raise InputError(_no_cluster(address, error)) from error


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            "A cluster needs Ray, which is not installed here; install it with: pip install 'rad-studio[cluster]'"
        ) from error


def _own_folder(address: str) -> AbstractContextManager[Path | None]:
    """Where a Ray of our own keeps its sockets, whose paths must be short; it goes with it, and so does what is old."""
    if not address.startswith("local:"):
        return nullcontext()
    return partials.temporary_folder("rad-ray", Path("/tmp") if os.name == "posix" else None)  # noqa: S108


def _init(ray: ModuleType, address: str, folder: Path | None) -> None:
    quiet = {"configure_logging": False, "log_to_driver": False}
    try:
        if folder is not None:
            with _on_localhost():
                ray.init(
                    "local",
                    num_cpus=int(address.partition(":")[2]),
                    include_dashboard=False,
                    _node_ip_address=_LOCALHOST,
                    _temp_dir=str(folder),
                    **quiet,
                )
            return
        _knock(address)
        ray.init(address, **quiet)
    except InputError:
        raise
    except Exception as error:  # Ray raises what its parts raise, of a dozen kinds
        raise InputError(_no_cluster(address, error)) from error


def _no_cluster(address: str, error: BaseException) -> str:
    words = " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
    if re.search(r"version.*mismatch", words, re.IGNORECASE):
        return f"The cluster at {address} runs other versions than this machine ({words}); install the same on both."
    if address.startswith("local:"):
        return f"No Ray could be started on this machine ({words})."
    if address == "auto":
        return (
            f"No Ray cluster can be reached from this machine ({words}); start one with ray start --head, set "
            "RAY_ADDRESS, or take --cluster local:N or ray://HOST:10001."
        )
    return f"No Ray cluster can be reached at {address} ({words}); see that it runs and that its port is open."


def _knock(address: str) -> None:
    """See whether anybody listens: Ray itself tries for a minute and a half. Raises OSError, or ConnectionError."""
    if address == "auto":
        services = importlib.import_module("ray._private.services")
        place = services.canonicalize_bootstrap_address("auto")
    else:
        place = address.removeprefix("ray://")
    host, _, port = place.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS):
        pass


@contextmanager
def _set(module: str, name: str, value: object) -> Iterator[None]:
    """Another value for a name of a module of Ray's, which has no setting for it, while the block lasts."""
    names = vars(importlib.import_module(module))
    before = names.get(name)
    names[name] = value
    try:
        yield
    finally:
        names[name] = before


def _on_localhost() -> AbstractContextManager[None]:
    """Have Ray listen on 127.0.0.1 alone: told that address only, it takes the one that others see instead."""
    return _set("ray._private.ray_constants", "ENABLE_RAY_CLUSTER", False)


@contextmanager
def _left_alone() -> Iterator[None]:
    """Give signals back their meaning: Ray has SIGTERM end the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """What Ray has to say about itself is no matter of ours; what goes wrong it raises.

    A process that dies it tells on standard output as well, where results of ours are.
    """
    loggers = [logging.getLogger("ray"), logging.getLogger("ray.util.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with _set("ray._private.worker", "print_to_stdstream", lambda *told, **how: None):
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


# --- versions -----------------------------------------------------------------------------------------------------


def _asker() -> Callable[[], dict[str, str]]:
    """What a node is asked; made here, so that it goes there as text and needs nothing of ours to be installed."""

    def versions() -> dict[str, str]:
        import importlib.metadata
        import platform

        versions = {"python": platform.python_version()}
        for name in ("ray", "torch", "rad-studio"):
            try:
                versions[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
        return versions

    return versions


def own_versions() -> dict[str, str]:
    """Those of this process, by name: python, ray, torch, rad-studio."""
    return _asker()()


def mismatch(own: Mapping[str, str], nodes: Sequence[Node]) -> str:
    """Why nodes cannot work for a process of these versions, in one sentence; "" where they can."""
    for node in nodes:
        if not node.versions:
            return (
                f"The node {node.address} did not tell its versions within {_ASK_SECONDS:.0f} seconds; take it out of "
                "the cluster, or mend it."
            )
        for name, version in own.items():
            other = node.versions.get(name)
            if other != version:
                has = f"has {name} {other}" if other else f"has no {name}"
                return (
                    f"The node {node.address} {has}, and this machine {version}; install the same version on both, "
                    "or their results would differ."
                )
    return ""


def _look(ray: ModuleType, address: str) -> tuple[Node, ...]:
    """The nodes that live, each asked for its versions; those of this machine are not asked."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if address.startswith("local:"):
        return tuple(_node(node, own_versions()) for node in nodes)
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    task = ray.remote(num_cpus=0, max_retries=0)(_asker())
    asked = [
        task.options(scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote()
        for node in nodes
    ]
    ray.wait(asked, num_returns=len(asked), timeout=_ASK_SECONDS)
    still = {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # that one died Ray knows a while later
    looked = []
    for node, answer in zip(nodes, asked, strict=True):
        if node["NodeID"] not in still:
            continue
        versions: dict[str, str] = {}
        with suppress(ray.exceptions.RayError):  # it is too busy: said of it by `mismatch`
            versions = ray.get(answer, timeout=0.1)
        looked.append(_node(node, versions))
    if not looked:
        raise WorkerError(f"The cluster at {address} has no node; start one with ray start.")
    return tuple(looked)


def _node(about: Mapping[str, Any], versions: Mapping[str, str]) -> Node:
    resources = about["Resources"]
    return Node(
        id=about["NodeID"],
        address=about["NodeManagerAddress"],
        cpus=resources.get("CPU", 0.0),
        gpus=resources.get("GPU", 0.0),
        memory=int(resources.get("memory", 0)),
        versions=versions,
    )
