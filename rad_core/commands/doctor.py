"""`rad doctor`: is everything in place?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path

import attrs
import click

from rad_core.commands.common import cluster_option, json_option, print_json, print_table, say, store_option, store_root
from rad_core.errors import InputError

_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "streamlit", "plotly", "umap-learn")


@click.command()
@store_option
@cluster_option
@json_option
def command(store: Path | None, cluster: str | None, as_json: bool) -> None:
    """Show device, versions, and the folders of studies and data with their free space; or the nodes of a cluster.

    Of a cluster, ends with exit code 2 where the versions of a node are others than here: no study runs there.

    \b
    Examples:
      rad doctor --json
      rad doctor --cluster auto
    """
    if cluster is not None:
        _examine(cluster, as_json)
        return
    from rad_core.folders import data_folder
    from rad_core.learning.device import describe_device, pick_device
    from rad_core.store.catalogue import study_ids

    root, data = store_root(store), data_folder()
    device = pick_device("auto")
    packages = {name: _version(name) for name in _PACKAGES}
    folders = {"store": {**_folder(root), "studies": len(study_ids(root))}, "data": _folder(data)}
    facts = {
        "rad-studio": _version("rad-studio"),
        "python": platform.python_version(),
        "device": f"{device.type}: {describe_device(device)}",
        "packages": packages,
        **folders,
    }
    if as_json:
        print_json(facts)
        return
    lines = [(name, str(facts[name])) for name in ("rad-studio", "python", "device")]
    lines += [(name, version or "not installed") for name, version in packages.items()]
    for name, about in folders.items():
        state = "writable" if about["writable"] else "NOT WRITABLE"
        lines.append((name, f"{about['path']} ({state}, {about['free_gib']:.1f} GiB free)"))
    for name, value in lines:
        say(f"{name:<14}{value}")


def _examine(address: str, as_json: bool) -> None:
    """The nodes of a cluster, and whether studies can run there."""
    from rad_core.running.cluster import connect, mismatch, own_versions

    own = own_versions()
    with connect(address, checked=False) as cluster:
        nodes = cluster.nodes
    words = mismatch(own, nodes)
    if as_json:
        listed = [{**attrs.asdict(node), "versions": dict(node.versions)} for node in nodes]
        print_json({"address": address, "nodes": listed, "versions_here": own, "refused": words or None})
    else:
        columns = ["Node", "CPUs", "GPUs", "Memory", *own]
        rows = [
            [
                *(node.address, f"{node.cpus:g}", f"{node.gpus:g}", f"{node.memory / 2**30:.1f} GiB"),
                *(node.versions.get(name, "none") for name in own),
            ]
            for node in nodes
        ]
        here = ["this machine", "", "", "", *own.values()]
        print_table(f"The cluster at {address}", columns, [*rows, here])
    if words:
        raise InputError(words)
    if not as_json:
        say(f"Studies can run there: rad run --cluster {address}")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _folder(path: Path) -> dict[str, object]:
    nearest = next(place for place in (path, *path.parents) if place.exists())
    return {
        "path": str(path),
        "exists": path.is_dir(),
        "writable": os.access(nearest, os.W_OK),
        "free_gib": shutil.disk_usage(nearest).free / 2**30,
    }
