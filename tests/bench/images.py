"""Decoding a folder of small images, and opening it again; a study on more images than fit into memory.

The images are those of the folder that RAD_TEST_IMAGES names (a folder per class), else digits as JPEG files. Those of
the large folder are 96 x 96 pixels, 2,000 of them, or as many as RAD_BENCH_IMAGES says: 200,000 take 6 GB.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch

from rad_core.learning import examples, pages
from rad_core.learning.dataset import Dataset
from rad_core.learning.examples import TrainConfig
from rad_core.learning.folder_images import load_folder
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.training import fit
from tests.bench.measure import medians, python
from tests.bench.rows import Row

SIDE = 96
ENVIRONMENT = "RAD_BENCH_IMAGES"


def rows(quick: bool) -> Iterator[Row]:
    """CPU seconds for all files, read from disk included."""
    with TemporaryDirectory() as temporary:
        folder, cache = Path(temporary) / "images", Path(temporary) / "cache"
        files = _collect(folder, 60 if quick else 10_000)
        yield from _decoding(folder, cache, files, 1 if quick else 3)
        yield from _again(folder, cache)
        count = int(os.environ.get(ENVIRONMENT, 60 if quick else 2000))
        yield from _large(files, Path(temporary), count, 1 if quick else 5)


def _large(files: list[Path], place: Path, count: int, repeats: int) -> Iterator[Row]:
    """CPU seconds to decode, of a training step, and the most memory of a study of two rules and one round."""
    folder, cache = _enlarge(files, place / "large", count), place / "data" / "cache"
    what = f"{count:,} JPEG files of {SIDE} x {SIDE}"
    began = time.process_time()
    dataset = load_folder(folder, cache, SIDE)
    yield Row(f"{what}, decoded once", time.process_time() - began, "s")
    step, more = _step(dataset, 2 if repeats == 1 else 8)
    named = "in memory, all versions made before"
    yield Row("a step of cnn on 128 of these, from disk", step + more, "s", step, named, at_most=1.1)
    environment = os.environ | {"RAD_DATA": str(place / "data"), "RAD_STORE": str(place / "studies")}
    peak = float(python(_STUDY, f"folder:{folder}", str(SIDE), environment=environment))
    yield Row("a study of two rules on these, most memory", peak, "MB", 2000, "2 GB", at_most=1)


def _step(dataset: Dataset, steps: int) -> tuple[float, float]:
    """CPU seconds of a training step with images in memory, and what it takes more to read them from disk."""
    rows = np.arange(min(len(dataset.labels), 1024))
    targets = np.full((len(rows), len(dataset.classes)), 1 / len(dataset.classes), np.float32)
    soft, config = np.ones(len(rows), bool), TrainConfig(steps=steps)
    inputs = Inputs.of(dataset, torch.device("cpu")).take(rows)

    def read(kept: int) -> Callable[[], object]:
        with patch.object(examples, "_VERSION_BYTES", kept):
            made = examples.Examples.of([inputs], [targets], soft, config, [0], min(128, len(rows)))
        return lambda: [made.images(step) for step in range(steps)]

    def train() -> None:
        network = build_model("cnn", classes=len(dataset.classes), image_shape=inputs.image_shape, seed=0)
        fit(network, inputs, targets, soft=soft, config=config, seed=0)

    with patch.object(pages, "_RESIDENT", 0):
        taken = medians({"disk": read(0), "memory": read(1 << 40), "step": train}, 3)
    return taken["step"] / steps, (taken["disk"] - taken["memory"]) / steps


_STUDY = """
import re, sys
from pathlib import Path
from rad_core.config import StudyConfig
from rad_core.folders import default_store
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
config = StudyConfig(
    dataset=sys.argv[1], image_size=int(sys.argv[2]), strategies=("rad", "uniform"), seeds=1, rounds=1, device="cpu",
    student="cnn_tiny", teacher="cnn_tiny", student_steps=10, teacher_steps=10, full_pool=False,
)
run_study(create_study(default_store(), config.resolved()), workers=1)
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1000)
"""


def _enlarge(files: list[Path], folder: Path, count: int) -> Path:
    """So many files in a folder per class: images enlarged and shifted, the same ones again where they are few."""
    from PIL import Image

    made: dict[str, list[Path]] = {}
    for number, file in enumerate(files[:: max(1, len(files) // 1000)]):
        with Image.open(file) as image:
            larger = image.convert("RGB").resize((SIDE + 8, SIDE + 8), Image.Resampling.BICUBIC)
        (folder / file.parent.name).mkdir(parents=True, exist_ok=True)
        path = folder / file.parent.name / f"{number:04d}.jpg"
        across, down = number % 9, number // 9 % 9
        larger.crop((across, down, across + SIDE, down + SIDE)).save(path, quality=90)
        made.setdefault(file.parent.name, []).append(path)
    for name, paths in made.items():
        for number in range(len(paths), count // len(made)):
            os.link(paths[number % len(paths)], folder / name / f"more-{number:06d}.jpg")
    return folder


def _decoding(folder: Path, cache: Path, files: list[Path], repeats: int) -> Iterator[Row]:
    def ours() -> np.ndarray:
        shutil.rmtree(cache, ignore_errors=True)
        return np.array(load_folder(folder, cache, None).images)

    gray = ours().shape[3] == 1
    peers = {
        "a loop over Pillow": lambda: pillow(files, gray),
        "torchvision": lambda: torchvision_batch(files, gray),
        "a loop over simplejpeg": lambda: simplejpeg_loop(files, gray),
    }
    taken = medians({"ours": ours, **peers}, repeats)
    decoded = ours()
    height, width = decoded.shape[1:3]
    what = f"{len(files):,} JPEG files of {height} x {width}"
    for name in peers:
        yield Row(f"{what}, decoded", taken["ours"], "s", taken[name], name)
    wrong = float(np.count_nonzero(decoded != pillow(files, gray)))
    yield Row(f"{what}, pixels that differ from Pillow's", wrong, "", 0.0, "none", "difference", at_most=0)


def _again(folder: Path, cache: Path) -> Iterator[Row]:
    array = next(cache.glob("*.npy"))
    taken = medians(
        {"array": lambda: np.load(array, mmap_mode="r"), "folder": lambda: load_folder(folder, cache, None)},
        repeats=5,
        clock=time.perf_counter,
    )
    yield Row("the decoded array, opened again", taken["array"], "s", 0.001, "one millisecond", at_most=1)
    yield Row(
        "the same folder, named again", taken["folder"], "s", taken["array"], "the array; every file's date counts"
    )


def pillow(files: list[Path], gray: bool) -> np.ndarray:
    """Every file opened, converted and copied by Pillow."""
    from PIL import Image

    decoded = []
    for file in files:
        with Image.open(file) as image:
            decoded.append(np.asarray(image.convert("L" if gray else "RGB")))
    return _stacked(decoded, gray)


def torchvision_batch(files: list[Path], gray: bool) -> np.ndarray:
    """Lists of files handed to torchvision's decoder."""
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg

    mode, decoded = ImageReadMode.GRAY if gray else ImageReadMode.RGB, []
    for start in range(0, len(files), 512):
        read = [torch.from_numpy(np.fromfile(file, np.uint8)) for file in files[start : start + 512]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of this decoder, since torchvision 0.29
            decoded += [image.permute(1, 2, 0).numpy() for image in decode_jpeg(read, mode)]
    return np.stack(decoded)


def simplejpeg_loop(files: list[Path], gray: bool) -> np.ndarray:
    """Every file decoded by simplejpeg at full quality."""
    import simplejpeg

    space = "GRAY" if gray else "RGB"
    return np.stack(
        [simplejpeg.decode_jpeg(file.read_bytes(), space, fastdct=False, fastupsample=False) for file in files]
    )


def _stacked(decoded: list[np.ndarray], gray: bool) -> np.ndarray:
    return np.stack(decoded)[..., None] if gray else np.stack(decoded)


def _collect(folder: Path, count: int) -> list[Path]:
    """Copies of so many images in a folder per class, in the order in which they are read."""
    source = os.environ.get("RAD_TEST_IMAGES")
    if source is None:
        _write_digits(folder, count)
    else:
        root = Path(source) / "train" if (Path(source) / "train").is_dir() else Path(source)
        classes = sorted(child for child in root.iterdir() if child.is_dir())
        for child in classes:
            (folder / child.name).mkdir(parents=True)
            for file in sorted(child.glob("*.jp*g"))[: count // len(classes)]:
                shutil.copy(file, folder / child.name / file.name)
    return [file for child in sorted(folder.iterdir()) for file in sorted(child.iterdir())]


def _write_digits(folder: Path, count: int) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number in range(count):
        row = number % len(digits.target)
        pixels = Image.fromarray((digits.images[row] * 15).astype(np.uint8)).resize((32, 32), Image.Resampling.BICUBIC)
        place = folder / str(digits.target[row]) / f"{number:05d}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.merge("RGB", (pixels, pixels.rotate(90), pixels.rotate(180))).save(place, quality=95)
