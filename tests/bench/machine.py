"""What a measurement was taken on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import datetime
from pathlib import Path

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "umap-learn", "scikit-activeml", "baal")


def head() -> str:
    """Processor, system, versions, commit and date, a line each."""
    lines = [
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}, commit {commit()}",
        f"{processor()}, {os.cpu_count()} cores, {load()}; {gpu()}",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {versions()}",
        "CPU seconds of one thread, medians; both sides of a comparison take turns in one process.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def commit() -> str:
    """The commit of the checkout, and whether files differ from it."""
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = len(git("status", "--porcelain").splitlines())
        return git("rev-parse", "--short=12", "HEAD") + (f" with {changed} changed files" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor() -> str:
    """The processor's own name for itself."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        facts = dict(
            line.split(":", 1) for line in information.read_text().split("\n\n")[0].splitlines() if ":" in line
        )
        named = {key.strip(): value.strip() for key, value in facts.items()}
        if "model name" in named:
            return f"{named['model name']} (family {named.get('cpu family', '?')}, model {named.get('model', '?')})"
    return platform.processor() or platform.machine()


def load() -> str:
    """How busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def gpu() -> str:
    """The CUDA device."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"


def versions() -> str:
    """Versions of the packages that matter, of those that are here."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
