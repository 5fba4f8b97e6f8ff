"""What travels to the browser: binary blobs known by their digest. the scripts in js/ read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.components.map.geometry import Quantized
from app.components.map.model import Difference, MapLayer
from app.components.sheet import Sheet


@dataclass(frozen=True)
class Blob:
    """Bytes and the name under which the browser finds them."""

    digest: str
    data: bytes


def pack(header: dict[str, Any], parts: Sequence[np.ndarray]) -> Blob:
    """Length of the header (uint32), header as JSON, then the arrays, each padded to four bytes; little-endian."""
    arrays = [np.ascontiguousarray(part, part.dtype.newbyteorder("<")) for part in parts]
    body = b"".join(array.tobytes() + b"\0" * (-array.nbytes % 4) for array in arrays)
    kinds = [[f"u{array.itemsize}", len(array)] for array in arrays]
    described = json.dumps({**header, "parts": kinds}, sort_keys=True)
    digest = hashlib.blake2b(described.encode() + body, digest_size=9).hexdigest()
    text = json.dumps({**header, "parts": kinds, "digest": digest}, sort_keys=True).encode()
    text += b" " * (-len(text) % 4)
    return Blob(digest, len(text).to_bytes(4, "little") + text + body)


def points_blob(pool: Quantized, rows: np.ndarray | None = None) -> Blob:
    """Four bytes a point, and four more if they have rows of their own."""
    header = {"kind": "points", "n": len(pool.grid), "origin": pool.origin, "scale": pool.scale}
    return pack(header, [pool.grid.ravel(), *([] if rows is None else [rows.astype(np.uint32)])])


def colors_blob(codes: np.ndarray) -> Blob:
    """One, two, four or eight bits a point, as many as the largest code needs; the first point in the lowest bits."""
    bits = next(bits for bits in (1, 2, 4, 8) if not len(codes) or codes.max() < 1 << bits)
    rows = np.zeros((-(-len(codes) * bits // 8), 8 // bits), np.uint8)
    rows.ravel()[: len(codes)] = codes
    packed = np.bitwise_or.reduce(rows << np.arange(0, 8, bits, dtype=np.uint8), axis=1, dtype=np.uint8)
    return pack({"kind": "colors", "bits": bits, "n": len(codes)}, [packed])


def layers_blob(layers: Sequence[MapLayer], n: int) -> Blob:
    """Per layer the positions, as a list or as one bit per point of the pool, and the rounds unless all are equal."""
    headers: list[dict[str, Any]] = []
    parts: list[np.ndarray] = []
    for layer in layers:
        order = np.argsort(layer.positions, kind="stable")
        positions = layer.positions[order].astype(np.uint32)
        rounds = np.zeros(len(order), np.uint16) if layer.rounds is None else layer.rounds[order]
        same = int(rounds[0]) if len(rounds) and (rounds == rounds[0]).all() else None
        mask = positions.nbytes > n // 8 and len(np.unique(positions)) == len(positions)
        if mask:
            bits = np.zeros(n, bool)
            bits[positions] = True
            parts.append(np.packbits(bits, bitorder="little"))
        else:
            parts.append(positions)
        narrow = np.uint8 if not len(rounds) or rounds.max() < 256 else np.uint16
        parts.append(rounds.astype(narrow) if same is None else np.empty(0, np.uint8))
        headers.append({"mask": mask, "round": same})
    return pack({"kind": "layers", "layers": headers}, parts)


def sprites_blob(sprites: Sheet, count: int) -> Blob:
    """The image as it is. count: points that have a tile."""
    header = {"kind": "sprites", "columns": sprites.columns, "count": count, "type": sprites.type}
    return pack(header, [np.frombuffer(sprites.image, np.uint8)])


def difference_blob(difference: Difference) -> Blob:
    """One byte a cell."""
    return pack({"kind": "density", "cells": len(difference.codes)}, [difference.codes.ravel()])
