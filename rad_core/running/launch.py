"""Processes of our own in the background, which go on when the one that started them ends."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from rad_core import files
from rad_core.errors import RadError, retold

_READY = b"ready\n"
_START_SECONDS = 60.0
_LOG_BYTES = 1 << 20
_LOOK_SECONDS = 1.0


def launch(module: str, arguments: Sequence[str], log: Path) -> None:
    """Run `python -m module arguments` detached, its output added to a log, and return once it calls `ready`.

    Raises the error that it ends with before that; a WorkerError, with the last line that it wrote, if it stays silent.
    """
    trim(log)
    began = files.size_of(log)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own modules only
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    threading.Thread(target=child.wait, daemon=True).start()  # takes its exit status, so that it stays no zombie
    heard: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(child, heard), daemon=True)
    listener.start()
    listener.join(_START_SECONDS)
    if heard == [_READY]:
        return
    if heard:  # it has closed its output: it is ending
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
    child.kill()
    with log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    raise retold(
        child.wait(),
        lines[-1].removeprefix("Error: ") if lines else f"The background process did not start; {log} may tell why.",
    )


def _listen(child: subprocess.Popen[bytes], heard: list[bytes]) -> None:
    if child.stdout is not None:
        with child.stdout as pipe:
            heard.append(pipe.readline())


def ready() -> None:
    """In a process that `launch` started: say that all is well. From here on what it prints goes to the log, too."""
    if sys.stdout is not None:
        sys.stdout.flush()
    with suppress(BrokenPipeError):  # the one that asked has gone; that is what this process is for
        os.write(1, _READY)
    os.dup2(2, 1)


def ended_by(work: Callable[[], None], defect: str = "") -> int:
    """Do the work of a process that `launch` started; its exit status. The reason of an error is its last line.

    defect: what could not be done, before the reason of an error that nobody foresaw.
    """
    try:
        work()
    except RadError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        if defect:
            print(f"{defect}: {type(error).__name__}: {error}.".splitlines()[0], file=sys.stderr)
        return 1
    return 0


_AGAIN_SECONDS = 10.0
_heard = threading.Event()


@contextmanager
def interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Take these signals as Ctrl-C, the first of them: what is done about it is not to be interrupted by another.

    An interrupt may get lost: one that arrives in a callback or while a library is imported is at times ignored there.
    So it comes again after ten seconds, until `hear` is called or the block is left.
    """
    global _heard
    heard = _heard = threading.Event()
    asked = again = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal asked, again
        if heard.is_set() or (asked and not again):
            return
        if not asked:
            threading.Thread(target=insist, daemon=True).start()
        asked, again = True, False
        raise KeyboardInterrupt

    def insist() -> None:
        nonlocal again
        while not heard.wait(_AGAIN_SECONDS):
            again = True
            _thread.interrupt_main(signals[0])

    before = {number: signal.signal(number, leave) for number in signals}
    try:
        yield
    finally:
        heard.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted(*signals: signal.Signals) -> Iterator[None]:
    """Hold these signals back while processes start, in which an interrupt would leave one that nobody knows of.

    The processes do not get them either, until they deal with them.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals do not arrive
        yield
        return
    held: list[int] = []
    # Blocking alone is not enough, since any other thread may take a signal on behalf of this one.
    before = {number: signal.signal(number, lambda number, frame: held.append(number)) for number in signals}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught in held:
            signal.raise_signal(caught)


def hear() -> None:
    """Say that an interrupt has arrived where it is dealt with."""
    _heard.set()
    # Where it came through code that a library runs from text while it is imported, CPython notes it as unhandled and
    # ends the process by SIGINT whatever it exits with. Running a text of our own clears that note.
    exec("")  # noqa: S102


def end_with(folder: Path, stopped: Callable[[], bool] = lambda: False) -> threading.Event:
    """End this process, within a second or two, once a folder that it works for is gone or moved away, or on request.

    stopped: whether somebody wants it to end. Returns what is set where the work is done and the process may go on.
    """
    done = threading.Event()
    # While it is held open, no other folder is given its number.
    held = os.open(folder, os.O_RDONLY) if os.name == "posix" else None

    def watch() -> None:
        while not done.wait(_LOOK_SECONDS):
            try:
                status = folder.stat()
                in_place = held is None or os.path.samestat(status, os.fstat(held))
            except FileNotFoundError:
                in_place = False
            except OSError:  # it cannot be seen for a moment, on a network drive
                continue
            if (not in_place or stopped()) and not done.is_set():
                os._exit(1)
        if held is not None:
            os.close(held)

    threading.Thread(target=watch, daemon=True).start()
    return done


def trim(log: Path) -> None:
    """Empty a log that has grown beyond a mebibyte; whoever adds to it goes on at its new end."""
    if files.size_of(log) > _LOG_BYTES:
        with suppress(FileNotFoundError):  # deleted this moment, study and all
            os.truncate(log, 0)
