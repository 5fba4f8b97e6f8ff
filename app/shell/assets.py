"""Streamlit's scripts, styles and fonts, packed once and answered from memory: five megabytes for every new browser.

Streamlit itself reads them from the disk for everyone, and packs none of them. No Streamlit in here.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from app.shell.doorkeeper import Message, Receive, Send, Served, header

_PACKED = (".js", ".css", ".svg", ".json", ".html")  # fonts and pictures are packed already
_LASTS = b"public, immutable, max-age=31536000"  # every name holds a digest of its contents


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class AssetsFromMemory:
    """The same ASGI application, but for files under /static.

    folder: where they lie; those that lie there now are known, so that no path leads anywhere else. base: the path
    before all pages, "" or as "/rad". Whoever asks for a part, for news of a file or unpacked is sent on.
    """

    def __init__(self, served: Served, folder: Path, base: str) -> None:
        self._served = served
        files = (path for path in folder.rglob("*") if path.is_file())
        self._paths = {f"{base}/static/{path.relative_to(folder).as_posix()}": path for path in files}
        self._assets: dict[str, asyncio.Task[Asset]] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET" or path not in self._paths or not _plain(scope):
            return await self._served(scope, receive, send)
        if path not in self._assets:
            self._assets[path] = asyncio.create_task(asyncio.to_thread(read, self._paths[path]))
        asset = await asyncio.shield(self._assets[path])  # for others, too
        await send({"type": "http.response.start", "status": 200, "headers": asset.headers})
        await send({"type": "http.response.body", "body": asset.body})
        return None


def _plain(scope: Message) -> bool:
    packed = "gzip" in (header(scope, b"accept-encoding") or "")
    return packed and not any(
        name in (b"range", b"if-none-match", b"if-modified-since") for name, _ in scope["headers"]
    )


def read(path: Path) -> Asset:
    """A file as it is sent."""
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind += "; charset=utf-8" if kind.startswith("text/") else ""
    headers = [(b"content-type", kind.encode()), (b"cache-control", _LASTS), (b"vary", b"Accept-Encoding")]
    if path.suffix in _PACKED:
        body = gzip.compress(body, 6)
        headers.append((b"content-encoding", b"gzip"))
    return Asset([*headers, (b"content-length", str(len(body)).encode())], body)
