"""Which device to compute on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rad_core.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def likely_devices() -> tuple[str, ...]:
    """Those of DEVICES that this machine may have, by its drivers: torch, which knows, takes seconds to import."""
    import sys
    from ctypes.util import find_library

    driver = {"win32": "nvcuda"}.get(sys.platform, "cuda")
    cuda = find_library(driver) is not None or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()
    there = {"cuda": cuda, "mps": sys.platform == "darwin"}
    return tuple(name for name in DEVICES if there.get(name, True))


def pick_device(name: str = "auto") -> torch.device:
    """The torch device of this name; "auto" takes a CUDA device where there is one, else the CPU."""
    import torch

    if name not in DEVICES:
        raise InputError(f"device is {name!r}; choose one of {', '.join(DEVICES)}.")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', and torch finds no CUDA device here; use --device cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise InputError("device is 'mps', and torch finds no Apple GPU here; use --device cpu.")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """A device in words, for people."""
    import os
    import platform

    import torch

    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU, {os.cpu_count()} cores ({platform.machine()})"
