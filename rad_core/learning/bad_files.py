"""Files that are no readable images: what each really is, all of them in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rad_core.learning.parts import shown_name

_NAMED = 20  # bad files named in the sentence
_HEAD = 1024  # bytes of a file that are looked at

_MAGIC = (
    (b"version https://git-lfs", "it is a pointer of Git LFS; git lfs pull gets the image itself"),
    (b"%PDF", "it is a PDF document"),
    (b"PK\x03\x04", "it is a ZIP archive"),
    (b"\x1f\x8b", "it is a gzip archive"),
    (b"Rar!", "it is a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive"),
    (b"\x00\x05\x16\x07", "it holds what macOS keeps beside a file, not the file"),
    (b"\x93NUMPY", "it is an array of numpy"),
    (b"\x89HDF", "it is an HDF5 file"),
    (b"8BPS", "it is a Photoshop document"),
    (b"\x80\x02", "it is a pickle of Python"),
    (b"\x80\x04", "it is a pickle of Python"),
    (b"\x7fELF", "it is a program"),
    (b"MZ", "it is a program"),
    (b"\x1aE\xdf\xa3", "it is a video"),
)
_IMAGES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP", "JPEG 2000"),
)
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF", b"avis": "AVIF"}


def describe(file: Path, error: BaseException) -> tuple[str, bool]:
    """What is the matter with a file that did not decode, as the end of a sentence, and whether it lies in its content.

    error: what the decoder said; a file that cannot be opened may be whole tomorrow.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror})", False
    try:
        with file.open("rb") as content:
            head = content.read(_HEAD)
    except OSError as failed:
        return f"cannot be read ({failed.strerror})", False
    words = " ".join(str(error).split()) or type(error).__name__
    kind = next((name for magic, name in _IMAGES if head.startswith(magic)), _riff_or_brand(head))
    if kind:
        return (
            f"is damaged ({words if isinstance(error, ValueError) else f'{kind}: {_without_path(words, file)}'})",
            True,
        )
    return f"is not a readable image ({content_of(head)})", True


def _riff_or_brand(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return "AVIF" if head[4:12] in (b"ftypavif", b"ftypavis") else None


def content_of(head: bytes) -> str:
    """What a file with this beginning is, when it is no image."""
    for magic, words in _MAGIC:
        if head.startswith(magic):
            return words
    if head[4:8] == b"ftyp":
        brand = _BRANDS.get(head[8:12])
        return f"it is {brand}; convert it to JPEG or PNG" if brand else "it is a video"
    if head[128:132] == b"DICM":
        return "it is a DICOM image; convert it to PNG"
    if not head:
        return "it is empty"
    if not head.strip(b"\x00"):
        return "it holds nothing but zeros"
    return _text(head)


def _text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = start.lower()
    if b"<svg" in lower:
        return "it is an SVG drawing; convert it to PNG"
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in lower:
        return "it is a page of HTML, as a failed download leaves it"
    if lower.startswith(b"<?xml"):
        return "it is XML"
    if b"\x00" in head:
        return "its content is of no known kind"
    try:
        text = start.decode("utf-8", "strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return "its content is of no known kind"
    if text[:1] in ("{", "["):
        return "it is JSON text"
    return f"it is text: {shown_name(text[:40].splitlines()[0])!r}" if text else "it holds nothing but spaces"


def _without_path(words: str, file: Path) -> str:
    """What Pillow says, without the path, which stands in the sentence already."""
    return words.replace(f" {str(file)!r}", "").replace(str(file), "the file").rstrip(".")


def tell_all(bad: Mapping[str, str], total: int, root: Path, record: Path | None) -> str:
    """All bad files in one sentence, the first of them by name. record: the file that lists them all."""
    named = "; ".join(f"{shown_name(name)} {words}" for name, words in list(bad.items())[:_NAMED])
    rest = len(bad) - _NAMED
    more = f"; and {rest:,} more{f', all listed in {record}' if record else ''}" if rest > 0 else ""
    return f"{len(bad):,} of {total:,} files in {shown_name(str(root))}: {named}{more}"


def needs_record(bad: Mapping[str, str]) -> bool:
    """Whether there are more bad files than one sentence names."""
    return len(bad) > _NAMED
