"""A teacher that is a Python function: called in a process of its own, with lists of items."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from rad_core.campaign.attempts import Calls
from rad_core.campaign.called import Part, Question, TeacherError, content_of
from rad_core.campaign.pictures import IMAGE, as_item
from rad_core.campaign.settings import Manner
from rad_core.errors import InputError

BATCH = 32  # items of one call
_ARRAY = "__array__"  # in place of an array: its bytes
_FAILURES = 3  # calls in a row that fail before it is given up


class FunctionTeacher:
    """FILE.py:FUNCTION or module:function, called with b items; returns b answers.

    An item is the text or the path of the image where the pool has nothing else to show, else a row as a dictionary; of
    data in memory it is the image (H, W, C) or the features (D,) as an array. An answer is a class, C probabilities, or
    None for an abstention. An exception is a failed call with its message.
    """

    counted = True
    introduction = ""

    def __init__(self, argument: str, classes: Sequence[str], manner: Manner) -> None:
        place, colon, name = argument.rpartition(":")
        if not colon or not name.isidentifier() or not place:
            raise InputError(
                f"teacher is 'python:{argument}'; write python:FILE.py:FUNCTION, or python:module:function."
            )
        if place.endswith(".py") and not Path(place).expanduser().is_file():
            raise InputError(f"There is no file {place}; python:FILE.py:FUNCTION needs one with a function {name}.")
        self._target, self._classes, self._failures = argument, list(classes), 0
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "rad_core.campaign.function", self._target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        first = self._read()
        if "error" in first:
            self.close()
            raise InputError(f"The teacher python:{self._target} cannot be used: {first['error']}.")

    def ask(self, batch: Sequence[Question], calls: Calls) -> Iterator[Part]:
        """One call after another, each a part. Raises TeacherError after three failures in a row."""
        for start in range(0, len(batch), BATCH):
            if calls.stop.is_set():
                return
            part = batch[start : start + BATCH]
            ids = [question.id for question in part]
            calls.send(ids)
            called = False
            try:
                items = [item_of(question) for question in part]
                called = True
                answers = self._call(items)
            except (InputError, OSError) as error:
                calls.fail(ids, str(error), billed=None if called else False)
                self._failures += 1
                if self._failures == _FAILURES:
                    raise TeacherError(
                        f"The teacher python:{self._target} failed {_FAILURES} times in a row, the last time with: "
                        f"{error}."
                    ) from error
                continue
            self._failures = 0
            yield list(zip(ids, answers, strict=True))

    def _call(self, items: list[object]) -> list[Any]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"items": items, "classes": self._classes}, default=_sent).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise InputError(f"its process ended ({error.strerror})") from error
        reply = self._read()
        if "error" in reply:
            raise InputError(reply["error"])
        answers = reply["answers"]
        if len(answers) != len(items):
            raise InputError(f"it gave {len(answers)} answers to {len(items)} items")
        return [content_of(answer, self._classes) for answer in answers]

    def _read(self) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            return {"error": f"its process ended with status {process.wait()}"}
        reply = json.loads(line)
        return reply if isinstance(reply, dict) else {"error": "its process said something else"}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def item_of(question: Question) -> object:
    """What a function gets: a text, an image, features, or, where there is more, a row by names of columns."""
    named = {
        name: as_item(value) if name == IMAGE else value for name, value in question.shown.items() if value is not None
    }
    only = next(iter(named), "") if len(named) == 1 else ""
    return named[only] if only in ("text", "image", "features") else {"id": question.id, **named}


def _sent(value: object) -> object:
    """What JSON does not know, on its way to the other process."""
    if isinstance(value, np.ndarray):
        content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_ARRAY: content, "type": value.dtype.str, "shape": value.shape}
    return _plain(value)


def _received(values: dict[str, Any]) -> object:
    if _ARRAY not in values:
        return values
    content = np.frombuffer(base64.b64decode(values[_ARRAY]), np.dtype(values["type"]))
    return content.reshape(values["shape"]).copy()


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


# --- the other process ----------------------------------------------------------------------------------------------


def load(target: str) -> Callable[[list[object]], Sequence[object]]:
    """The function of FILE.py:FUNCTION or module:function."""
    place, _, name = target.rpartition(":")
    if place.endswith(".py"):
        path = Path(place).expanduser().resolve()
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        sys.path.insert(0, str(Path.cwd()))
        module = importlib.import_module(place)
    function = getattr(module, name)
    if not callable(function):
        raise TypeError(f"{name} is no function")
    return function


def serve(target: str, questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one line after another until there is none."""

    def say(**values: object) -> None:
        answers.write(json.dumps(values, default=_plain).encode() + b"\n")
        answers.flush()

    try:
        function = load(target)
    except Exception as error:  # whatever the user's file does
        traceback.print_exc()
        return say(error=_words(error))
    say(ready=True)
    for line in questions:
        try:
            given = function(json.loads(line, object_hook=_received)["items"])
            say(answers=[_answer(each) for each in given])
        except Exception as error:
            traceback.print_exc()
            say(error=_words(error))
    return None


def _answer(given: object) -> object:
    if given is None or isinstance(given, str):
        return given
    return [float(value) for value in np.asarray(given, np.float64).ravel()]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


if __name__ == "__main__":
    # What the function prints is for people; the pipe carries answers alone.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.stdin.buffer, out)
