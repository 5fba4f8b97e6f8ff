"""A password that many share: kept as a hash in a file that only its owner can read.

The file is one line, `scrypt-16384-8-5$SALT$HASH` in Base64: 16 MB and a tenth of a second for every try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from rad_core import partials
from rad_core.errors import InputError

SHORTEST, LONGEST = 8, 200  # characters
_N, _R, _P = 2**14, 8, 5  # as costly as OWASP's first choice, with an eighth of its memory
_KIND = f"scrypt-{_N}-{_R}-{_P}"
_SALT, _HASH = 16, 32  # bytes
_MOST = 1000  # bytes of the file


@dataclass(frozen=True, repr=False)
class Password:
    """What a file holds of a password."""

    salt: bytes
    hash: bytes

    def is_it(self, text: str) -> bool:
        """Whether a text is the password; takes as long for every text, and works without Python's lock."""
        return hmac.compare_digest(_hash(text, self.salt), self.hash)


def made_of(text: str) -> Password:
    """A password, hashed with a new salt. Raises InputError if it is too short or too long."""
    if not SHORTEST <= len(text) <= LONGEST:
        raise InputError(f"The password has {len(text)} characters; give {SHORTEST} to {LONGEST}.")
    salt = secrets.token_bytes(_SALT)
    return Password(salt, _hash(text, salt))


def write(path: Path, password: Password) -> None:
    """Keep a password in a file for its owner alone, in one step."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file for the password.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for the password; make it or name another file.")
    try:
        with partials.beside(path) as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), 0o600)  # before anything stands in it
            file.write(f"{_KIND}${_text(password.salt)}${_text(password.hash)}\n".encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); name a file in a folder of yours.") from error


def read(path: Path) -> Password:
    """The password of a file. Raises InputError if it is not there, open to others, or no such file."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}; make it with rad password {path}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it with rad password FILE.") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o027:  # a group may read: so systemd lets a service's user
        raise InputError(f"{path} is open to other users of this machine; close it with chmod 600 {path}.")
    if not content.strip():
        raise InputError(f"{path} is empty; make it with rad password {path}.")
    try:
        kind, salt, hashed = content.decode("ascii").strip().split("$")
        password = Password(base64.b64decode(salt, validate=True), base64.b64decode(hashed, validate=True))
    except (UnicodeDecodeError, ValueError, binascii.Error):
        kind, password = "", Password(b"", b"")
    if (kind, len(password.salt), len(password.hash)) != (_KIND, _SALT, _HASH):
        raise InputError(f"{path} does not hold a password as rad password writes it; make it anew with that.")
    return password


def _hash(text: str, salt: bytes) -> bytes:
    plain = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")  # as other keyboards type it
    return hashlib.scrypt(plain, salt=salt, n=_N, r=_R, p=_P, maxmem=2**26, dklen=_HASH)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
