"""The pieces of a pool read on a Ray cluster, for a selection that one process makes of their gains."""

from __future__ import annotations

import importlib
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

from rad_core.errors import InputError, WorkerError
from rad_core.inputs.pool import Piece
from rad_core.running.cluster import connect
from rad_core.selection.stream_read import Answer, Spread

_AHEAD = 2  # pieces for each processor that are being read or wait to be taken: 4 MB each
_RETRIES = 3  # of a piece whose node was lost


@contextmanager
def spread_over(address: str) -> Iterator[Spread]:
    """What has the pieces of a pool read on a cluster, as long as the block lasts.

    address: as `rad_core.running.cluster.connect` takes it. The files lie at the same path on every node.
    """
    with connect(address) as cluster:
        ray = importlib.import_module("ray")
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_read)
        ahead = max(2, int(_AHEAD * sum(node.cpus for node in cluster.nodes)))

        def spread(read: Callable[[Piece], Answer], pieces: Sequence[Piece]) -> Generator[Answer]:
            waiting: deque[Any] = deque()
            try:
                for piece in pieces:
                    waiting.append(task.remote(read, replace(piece, file=piece.file.absolute())))
                    if len(waiting) == ahead:
                        yield _answer(ray, waiting)
                while waiting:
                    yield _answer(ray, waiting)
            finally:
                for other in waiting:
                    ray.cancel(other, force=True)

        yield spread


def _answer(ray: ModuleType, waiting: deque[Any]) -> Answer:
    """What the first of those that wait has come to."""
    try:
        answer: Answer = ray.get(waiting.popleft())
    except ray.exceptions.RayError as error:
        words = str(error).strip().partition("\n")[0]
        raise WorkerError(
            f"The cluster lost a part of the pool {_RETRIES + 1} times ({words}); see that its nodes stay up and have "
            "memory, or choose without --cluster."
        ) from error
    return answer


def _read(read: Callable[[Piece], Answer], piece: Piece) -> Answer:
    """On a node: the answer to a piece."""
    if not piece.file.exists():
        return InputError(
            f"{piece.file} is not on the node {socket.gethostname()}; the files of a pool lie at the same path on "
            "every node of a cluster."
        )
    return read(piece)
