"""Visitors of a studio who compute nothing themselves, as browsers on machines of their own look to the server.

`python -m tests.bench.visitors URL STUDY COUNT MOMENT` has COUNT of them come at once, at a moment in seconds since
1970, each for the page, its scripts and a session of Explore, and prints the seconds after which each had it all.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

_STAY = 10.0  # seconds that a visitor keeps the page open


def _page(url: str) -> None:
    page = _read(url).decode()
    for name in re.findall(r'(?:src|href)="\./?(static/[^"]+)"', page):
        _read(f"{url}/{name}")


def _read(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        body: bytes = reply.read()
    return body


async def _session(url: str, study: str, pool: ThreadPoolExecutor) -> float:
    began = time.perf_counter()
    await asyncio.get_running_loop().run_in_executor(pool, _page, url)
    ask = BackMsg()
    ask.rerun_script.query_string = f"run={study}"
    ask.rerun_script.context_info.timezone = "UTC"
    ask.rerun_script.context_info.color_scheme = "light"
    place = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    told = {"subprotocols": [Subprotocol("streamlit")], "max_size": None, "proxy": None, "open_timeout": 300}
    async with connect(place, **told) as socket:
        await socket.send(ask.SerializeToString())
        async for raw in socket:
            message = ForwardMsg()
            message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
            if message.WhichOneof("type") == "script_finished":
                break
        seconds = time.perf_counter() - began
        await asyncio.sleep(_STAY)
    return seconds


async def _all(url: str, study: str, count: int) -> list[float]:
    with ThreadPoolExecutor(count) as pool:
        return await asyncio.gather(*[_session(url, study, pool) for _ in range(count)])


if __name__ == "__main__":
    time.sleep(max(0.0, float(sys.argv[4]) - time.time()))
    print(json.dumps(asyncio.run(_all(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
