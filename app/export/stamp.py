"""The moment that an export carries, and archives in which nothing else depends on when they were made."""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from datetime import UTC, datetime

from rad_core.errors import InputError

_CORE_DATES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_EARLIEST, _LATEST = 315532800, 4354819198  # zip files know the years 1980 to 2107


def moment() -> datetime:
    """Now, or the time that SOURCE_DATE_EPOCH sets (seconds since 1970): then exports are reproducible to the byte."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not text:
        return datetime.fromtimestamp(int(time.time()), UTC)
    if not text.isdigit() or not _EARLIEST <= int(text) <= _LATEST:
        raise InputError(
            f"SOURCE_DATE_EPOCH is {text!r}; it must be whole seconds since 1970, from the year 1980 on, or be unset."
        )
    return datetime.fromtimestamp(int(text), UTC)


def require_clock() -> None:
    """Raise InputError where the clock says what no Office file can: its parts are written with the time of day."""
    now = time.time()
    if not _EARLIEST <= now <= _LATEST:
        raise InputError(
            f"The clock of this machine says {time.strftime('%Y-%m-%d', time.gmtime(now))}, and slides can be made "
            "from 1980 to 2107; set the clock, or export something else."
        )


def words(at: datetime) -> str:
    """A moment for people."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def archive(entries: dict[str, bytes], at: datetime) -> bytes:
    """A zip file whose bytes depend on its entries and the moment alone, entries in the order given."""
    buffer = io.BytesIO()
    kept = datetime.fromtimestamp(min(max(at.timestamp(), _EARLIEST), _LATEST), UTC)  # what a zip file can say
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, date_time=kept.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()


def restamped(office: bytes, at: datetime) -> bytes:
    """An Office file, with the workbooks inside it, as if made at that moment."""
    entries = {}
    with zipfile.ZipFile(io.BytesIO(office)) as source:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(".xlsx"):
                content = restamped(content, at)
            elif name == "docProps/core.xml":
                content = _CORE_DATES.sub(rb"\g<1>" + at.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + rb"\g<3>", content)
            entries[name] = content
    return archive(entries, at)
