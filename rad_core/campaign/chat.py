"""A teacher behind a chat endpoint of the kind that OpenAI has: asked by several requests at a time, by its client.

The transport and its time limits are the client's; retries are ours (the client's are off), since every attempt is
written down before it goes out. The key comes from OPENAI_API_KEY and is written nowhere.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from rad_core.campaign.attempts import Calls, WallError
from rad_core.campaign.called import Part, Question, TeacherError
from rad_core.campaign.contents import ABSTENTION, Content, hard, soft
from rad_core.campaign.pictures import data_url
from rad_core.campaign.settings import Manner
from rad_core.errors import InputError, RadError

AT_ONCE = 8  # requests under way
TRIES = 5  # of one question in one run
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before another try, where the endpoint names none
_LONGEST_WAIT = 60.0
_POLL = 0.05  # seconds between two looks at what goes on
_FAILURES = 5  # questions in a row that are given up before the whole run is
_TOP = 20  # token probabilities asked for
_TRUSTED = 0.5  # of the first token's probability must lie on the classes


@dataclass(frozen=True)
class Outcome:
    """What became of one request. content: its answer, None without one. billed: None where nobody knows.

    again: whether another try may help, after `wait` seconds; final: whether no request can succeed.
    """

    content: Content | None
    words: str = ""
    billed: bool | None = False
    again: bool = False
    wait: float | None = None
    final: bool = False


@dataclass(frozen=True, eq=False)
class _Try:
    """One question that is to be sent. not_before: by the monotonic clock. number: 1 for the first try."""

    question: Question
    not_before: float = 0.0
    number: int = 1

    def after(self, pause: float | None) -> _Try:
        """The next one. pause: seconds as the endpoint wishes, else longer with every try."""
        if pause is None:
            pause = _WAITS[self.number - 1] * random.uniform(0.8, 1.2)  # noqa: S311
        return _Try(self.question, time.monotonic() + min(pause, _LONGEST_WAIT), self.number + 1)


def _send(due: list[_Try], calls: Calls) -> list[_Try]:
    """Those of them that fit under the wall, written down. Raises WallError where none does."""
    while due:
        try:
            calls.send([each.question.id for each in due])
            return due
        except WallError:
            if len(due) == 1:
                raise
            due = due[: len(due) // 2]
    return []


class _Pace:
    """When a request may go out: with a rate (a minute) no sooner after the one before than it allows."""

    def __init__(self, rate: float) -> None:
        self._gap = 60 / rate if rate else 0.0
        self._next = 0.0

    def free(self, most: int) -> int:
        """How many of so many may go out now."""
        return most if not self._gap else min(most, int(time.monotonic() >= self._next))

    def went(self) -> None:
        """One goes out."""
        self._next = time.monotonic() + self._gap

    def pause(self) -> float:
        """Seconds until it is worth while to look again."""
        return min(_POLL, max(0.0, self._next - time.monotonic())) or _POLL


class ChatTeacher:
    """MODEL[@URL]: one request a question. votes: answers drawn for each, in that one request, made a soft label."""

    counted = True

    def __init__(self, argument: str, classes: Sequence[str], manner: Manner) -> None:
        try:
            import openai
        except ImportError as error:
            raise InputError("The teacher openai needs the openai client; pip install 'rad-studio[llm]'.") from error
        self._model, at, url = argument.partition("@")
        key = os.environ.get("OPENAI_API_KEY")
        if not self._model or (at and not url.startswith(("http://", "https://"))):
            raise InputError(f"teacher is 'openai:{argument}'; write openai:MODEL, or openai:MODEL@http://HOST/v1.")
        if not key and not url:
            raise InputError("The teacher openai needs a key; set OPENAI_API_KEY, or name your own endpoint (@URL).")
        self._openai = openai
        self._most_tokens = "max_tokens" if url else "max_completion_tokens"  # its newer name, which others do not know
        self._client = openai.OpenAI(api_key=key or "none", base_url=url or None, max_retries=0, timeout=manner.timeout)
        self._classes, self._votes, self._pace = list(classes), manner.votes, _Pace(manner.rate)
        self.introduction = prompt(self._classes)
        self._given_up = 0

    # --- asking ---

    def ask(self, batch: Sequence[Question], calls: Calls) -> Iterator[Part]:
        """Answers as they come, several requests under way. Raises TeacherError where none can succeed."""
        waiting = [_Try(question) for question in batch]
        under_way: dict[Future[Outcome], _Try] = {}
        ended: RadError | None = None
        with ThreadPoolExecutor(AT_ONCE) as workers:
            while under_way or (waiting and not ended and not calls.stop.is_set()):
                now = time.monotonic()
                if not ended and not calls.stop.is_set():
                    most = self._pace.free(AT_ONCE - len(under_way))
                    due = [each for each in waiting if each.not_before <= now][:most]
                    try:
                        going = _send(due, calls)
                    except WallError as error:
                        going, ended = [], error
                    for each in going:
                        waiting.remove(each)
                        self._pace.went()
                        under_way[workers.submit(self._request, each.question)] = each
                if not under_way:
                    time.sleep(self._pace.pause())
                    continue
                done, _ = wait(under_way, self._pace.pause() if waiting else None, FIRST_COMPLETED)
                part: Part = []
                for future in done:
                    each, outcome = under_way.pop(future), future.result()
                    if outcome.content is not None:
                        part.append((each.question.id, outcome.content))
                        self._given_up = 0
                        continue
                    calls.fail([each.question.id], outcome.words, billed=outcome.billed)
                    if outcome.again and each.number < TRIES:
                        waiting.append(each.after(outcome.wait))
                        continue
                    self._given_up += 1
                    if outcome.final or self._given_up >= _FAILURES:
                        words = outcome.words.rstrip(".")
                        ended = TeacherError(f"The teacher {self._model} cannot be asked: {words}.")
                if part:
                    yield part
        if ended is not None:
            raise ended

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    # --- one request ---

    def _request(self, question: Question) -> Outcome:
        openai = self._openai
        try:
            reply = self._client.chat.completions.create(**self.request_of(question))
        except openai.RateLimitError as error:
            return Outcome(None, _words(error), again=True, wait=_retry_after(error))
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            return Outcome(None, _words(error), final=True)
        except openai.InternalServerError as error:
            return Outcome(None, _words(error), again=True, wait=_retry_after(error))
        except openai.APIStatusError as error:
            return Outcome(None, _words(error))
        except openai.APIConnectionError as error:  # a time limit is one
            refused = isinstance(error.__cause__, OSError) or "ConnectError" in type(error.__cause__).__name__
            return Outcome(None, _words(error), billed=False if refused else None, again=True)
        except OSError as error:  # the image, which was not sent
            return Outcome(None, _words(error))
        except (openai.OpenAIError, ValueError) as error:  # what came is no reply
            return Outcome(None, _words(error), billed=None, again=True)
        return Outcome(self.content_of(reply), billed=True)

    def request_of(self, question: Question) -> dict[str, Any]:
        """The request about one question, as it is sent."""
        values: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt(self._classes)},
                {"role": "user", "content": _shown(question)},
            ],
            self._most_tokens: 8,
        }
        if self._votes > 1:
            return values | {"n": self._votes, "temperature": 1.0}
        return values | {"temperature": 0.0, "logprobs": True, "top_logprobs": _TOP}

    def content_of(self, reply: object) -> Content:
        """The answer that a reply is; an abstention where it names no class."""
        choices = getattr(reply, "choices", None) or []
        if self._votes > 1:
            named = Counter(number for choice in choices if (number := self._named(_text(choice))) is not None)
            if not named:
                return ABSTENTION
            return soft(np.array([named[at] for at in range(len(self._classes))], np.float64) / named.total())
        if not choices:
            return ABSTENTION
        number = self._named(_text(choices[0]))
        shares = self._shares(choices[0])
        if shares is not None:
            return soft(shares)
        return ABSTENTION if number is None else hard(number)

    def _named(self, text: str) -> int | None:
        """The class that a text names, by number or by name."""
        plain = text.strip().strip(".\"'`*").strip()
        head = plain.split(":")[0].split(".")[0].strip()
        if head.isascii() and head.isdecimal():
            return int(head) - 1 if 1 <= int(head) <= len(self._classes) else None
        lower = [name.casefold() for name in self._classes]
        return lower.index(plain.casefold()) if plain.casefold() in lower else None

    def _shares(self, choice: object) -> np.ndarray | None:
        """Class probabilities by those of the first token, where each class is a token of its own; None without."""
        tokens = getattr(getattr(choice, "logprobs", None), "content", None) or []
        if not tokens:
            return None
        shares = np.zeros(len(self._classes))
        for candidate in getattr(tokens[0], "top_logprobs", None) or []:
            text = str(candidate.token).strip()
            if text.isascii() and text.isdecimal() and 1 <= int(text) <= len(self._classes):
                shares[int(text) - 1] += math.exp(min(0.0, float(candidate.logprob)))
        total = shares.sum()
        # Of more than nine classes 1 may be the beginning of 12.
        return shares / total if total >= _TRUSTED and len(self._classes) <= 9 else None


def prompt(classes: Sequence[str]) -> str:
    """What every request begins with."""
    listed = "\n".join(f"{number}: {name}" for number, name in enumerate(classes, 1))
    return f"Which of these classes is it?\n{listed}\nAnswer with the number of the class alone."


def _shown(question: Question) -> str | list[dict[str, Any]]:
    shown: Mapping[str, object] = question.shown
    rest = {name: value for name, value in shown.items() if name != "image" and value is not None}
    text = str(rest["text"]) if set(rest) == {"text"} else "\n".join(f"{name}: {value}" for name, value in rest.items())
    image = shown.get("image")
    if image is None:
        return text or question.id
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": data_url(image)}}]
    return [{"type": "text", "text": text}, *parts] if text else parts


def _text(choice: object) -> str:
    return str(getattr(getattr(choice, "message", None), "content", None) or "")


def _retry_after(error: object) -> float | None:
    text = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
