"""Small helpers that let selection work on numpy arrays and torch tensors alike, without importing torch."""

from __future__ import annotations

from typing import Any


def is_torch(x: Any) -> bool:
    """Whether x is a torch tensor; never imports torch."""
    return type(x).__module__.split(".")[0] == "torch"
