"""A chat endpoint on this machine that answers well or badly, on purpose, and counts every request."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behavior = Callable[[str, int], str]  # (id, which request about it, from 1) -> one of the answers below


class ChatServer(ThreadingHTTPServer):
    """Questions hold the id of a point as #ID#, or an image, whose address is its id; `truth` names their classes.

    Behaviors: well, slow, hard (no token probabilities), unknown (no class), 429, 500, 400, 401, cut (no reply), half
    (of a body), broken (no JSON), hang (seconds without a byte).
    """

    daemon_threads = True

    def __init__(self, truth: dict[str, int], behave: Behavior, seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.truth, self.behave, self.seconds = truth, behave, seconds
        self.requests: Counter[str] = Counter()
        self.billed: Counter[str] = Counter()  # replies that were made, whether or not they arrived
        self.keys: set[str] = set()
        self.bodies: list[dict] = []
        self.times: list[float] = []  # of every request, by the monotonic clock
        self.most_at_once = self._now = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def enter(self, key: str) -> int:
        with self.lock:
            self.times.append(time.monotonic())
            self.requests[key] += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return self.requests[key]

    def leave(self) -> None:
        with self.lock:
            self._now -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is nothing to write about."""


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = json.dumps(body["messages"][-1]["content"])
        key = (re.search(r"#(.+?)#", question) or re.search(r'"(data:image/png;base64,.+?)"', question)).group(1)
        server = self.server
        server.keys.add(self.headers.get("Authorization", ""))
        server.bodies.append(body)
        try:
            self.act(server.behave(key, server.enter(key)), key, body)
        finally:
            server.leave()

    def act(self, what: str, key: str, body: dict) -> None:
        server = self.server
        if server.seconds:
            time.sleep(server.seconds)
        if what in ("429", "500", "400", "401"):
            extra = {"Retry-After": "0.2"} if what == "429" else {}
            self.reply(int(what), json.dumps({"error": {"message": f"told to say {what}"}}).encode(), extra)
            return
        with server.lock:
            server.billed[key] += 1
        if what == "cut":
            self.close_connection = True
            self.connection.close()
            return
        if what == "hang":
            time.sleep(3)
        if what == "slow":
            time.sleep(0.3)
        answer = json.dumps(reply_to(body, server.truth[key], what)).encode()
        if what == "broken":
            answer = b"{no json"
        self.reply(200, answer, {}, len(answer) // 2 if what == "half" else None)

    def reply(self, status: int, body: bytes, extra: dict[str, str], sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:sent])
        if sent is not None:
            self.close_connection = True

    def log_message(self, *arguments: object) -> None: ...


def reply_to(body: dict, truth: int, what: str) -> dict:
    """A reply as such endpoints give it: the number of the class, from 1, with the probabilities of first tokens."""
    text = "none of these" if what == "unknown" else str(truth + 1)
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    if body.get("logprobs") and what not in ("hard", "unknown"):
        top = [
            {"token": str(truth + 1), "logprob": math.log(0.9)},
            {"token": str(2 - truth), "logprob": math.log(0.08)},
        ]
        for each in top:
            each["bytes"] = None
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    choices = [{**choice, "index": at} for at in range(body.get("n", 1))]
    if len(choices) > 3:
        choices[3] = {**choices[3], "message": {"role": "assistant", "content": str(2 - truth)}}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"], "choices": choices}


@contextmanager
def chat_server(truth: dict[str, int], behave: Behavior, seconds: float = 0.0) -> Iterator[ChatServer]:
    """Serve on 127.0.0.1 for as long as the block runs."""
    server = ChatServer(truth, behave, seconds)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
