"""Images that do not fit into memory: decoded shard by shard, read where they lie, and the same results."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rad_core.commands import running  # noqa: E402
from rad_core.learning import ahead, examples, folder_images, inputs, pages  # noqa: E402
from rad_core.learning.data import Dataset  # noqa: E402
from rad_core.learning.inputs import Inputs  # noqa: E402
from rad_core.learning.models import build_model  # noqa: E402
from rad_core.learning.training import fit, predict  # noqa: E402
from rad_core.running.engine import run_study  # noqa: E402
from rad_core.store.catalogue import create_study  # noqa: E402
from rad_core.study import data  # noqa: E402
from tests.conftest import tiny_config  # noqa: E402
from tests.helpers.made_images import load_folder, write_classes  # noqa: E402

SLOWLY = """
import sys, time
from pathlib import Path
from rad_core.learning import folder_images, growing
really = folder_images.decode
def decode(*arguments):
    time.sleep(0.004)
    return really(*arguments)
folder_images.decode, growing.SHARD_BYTES = decode, 1
folder_images.load_folder(Path(sys.argv[1]), Path(sys.argv[2]), None)
"""
PEAK = """
import re, sys
from pathlib import Path
import numpy as np, torch
from rad_core.learning import pages
from rad_core.learning.data import Dataset
from rad_core.learning.inputs import Inputs
from rad_core.learning.training import predict
from rad_core.learning.pixels import shrink
class Means(torch.nn.Module):
    def forward(self, x):
        means = x.mean((2, 3))
        return means, means
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text()).group(1)) << 10
pages._RESIDENT = 1 << 23
torch.set_num_threads(1)
few = Dataset("set", np.zeros((1024, 96, 96, 3), np.uint8), np.zeros(1024, np.int64), ("a", "b"))
predict(Means(), Inputs.of(few, torch.device("cpu")).take(np.arange(1024)))  # what a few images take, many may
images = np.load(sys.argv[1], mmap_mode="r")
before = peak()
inputs = Inputs.of(Dataset("set", images, np.zeros(len(images), np.int64), ("a", "b")), torch.device("cpu"))
predict(Means(), inputs.take(np.arange(0, len(images) - 1)))
for block in shrink(images, np.arange(len(images)), 48)[1]:
    pass
print(peak() - before)
"""


def test_decoding_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = write_classes(tmp_path / "set", count=300), tmp_path / "data" / "cache"
    killed = subprocess.Popen([sys.executable, "-c", SLOWLY, str(folder), str(cache)])
    end, entered = time.monotonic() + 60, 0
    while entered < 150 and killed.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
        entered = sum(len(record.read_bytes().splitlines()) - 1 for record in cache.glob("read-*"))
    assert killed.poll() is None, "it was killed while it decoded"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    record = next(cache.glob("read-*"))
    record.write_bytes(record.read_bytes() + b'[599, "cat/9')  # as a kill in the middle of a line leaves it
    really, names = folder_images.decode, []
    monkeypatch.setattr(folder_images, "decode", lambda *rest: names.append(rest[0].name) or really(*rest))
    [rows] = cache.glob("rows-*")
    kept = rows.stat().st_ino
    dataset = load_folder(folder)
    assert 0 < len(names) <= 600 - entered
    [array] = cache.glob("folder-*")
    assert array.stat().st_ino == kept, "in the same file, nothing copied"
    assert len(list(cache.glob("r*"))) == 1, "nothing is left behind but the record"
    monkeypatch.undo()
    np.testing.assert_array_equal(dataset.images, load_folder(shutil.copytree(folder, tmp_path / "o" / "set")).images)


def test_images_on_disk_give_the_students_of_images_in_memory(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_classes(tmp_path / "set", count=60)
    config = tiny_config(
        **{"dataset": f"folder:{folder}", "strategies": ("rad", "unixkd", "badge"), "rounds": 1, "budget": 8},
        **{"labeled": 20, "validation": 20, "pool": 50, "test": 20, "student": "cnn_tiny", "teacher": "cnn_tiny"},
        **{"student_steps": 4, "teacher_steps": 4, "batch_size": 16, "full_pool": True},
    )
    digests = []
    for on_disk in (False, True):
        with monkeypatch.context() as patch:
            if on_disk:
                patch.setattr(examples, "_VERSION_BYTES", 0)
                patch.setattr(pages, "_RESIDENT", 0)
            else:
                really = data.load_dataset

                def in_memory(*arguments: Any, really: Any = really, **options: Any) -> Dataset:
                    dataset = really(*arguments, **options)
                    return replace(dataset, images=np.array(dataset.images))

                patch.setattr(data, "load_dataset", in_memory)
            study = create_study(store, config, f"on-disk-{on_disk}".lower())
            run_study(study, workers=1)
            digests.append(study.content_digest())
    assert digests[0] == digests[1]


@pytest.mark.skipif(sys.platform != "linux", reason="where the system tells the peak")
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(4000, 96, 96, 3))
    # Large pieces go back to the system at once: what the heap keeps of them has nothing to do with the images.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
    ran = subprocess.run([sys.executable, "-c", PEAK, str(path)], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 0.5 * path.stat().st_size


def test_spread_is_counted_as_it_was_summed() -> None:
    rng = np.random.default_rng(0)
    for size in ((50, 8, 8, 1), (300, 5, 7, 3), (10_050, 2, 2, 3)):
        images = rng.integers(0, 1 + int(rng.integers(256)), size, np.uint8)
        made = Inputs.of(Dataset("set", images, np.zeros(len(images), np.int64), ("a", "b")), torch.device("cpu"))
        sample = torch.from_numpy(images)[:: max(1, len(images) // 10_000)].permute(0, 3, 1, 2).double()
        assert torch.equal(made.mean.flatten(), sample.mean((0, 2, 3)).float())
        assert torch.equal(made.std.flatten(), sample.std((0, 2, 3)).clamp(min=1.0).float())


def test_a_plan_tells_what_decoding_takes_and_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classes(tmp_path / "set", count=60)
    monkeypatch.setenv("RAD_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(running, "_SOON", 0.0)
    config = tiny_config(
        **{"dataset": f"folder:{folder}", "labeled": 20, "validation": 20, "pool": 50, "test": 20, "rounds": 1},
        **{"student": "cnn_tiny", "teacher": "cnn_tiny"},
    )
    planned, _ = running.plan_with_data(config, 1, quiet=True)
    assert (planned.decoded_images, planned.decoded_bytes) == (120, 120 * 8 * 8 * 3)
    assert planned.decoding_seconds is not None
    assert 0 < planned.decoding_seconds < 10
    assert planned.memory_bytes is not None
    assert planned.memory_bytes > 10**8
    assert planned.estimated_seconds is not None
    assert not list((tmp_path / "data").rglob("*.npy"))
    load_folder(folder)
    again, _ = running.plan_with_data(config, 1, quiet=True)
    assert (again.decoded_bytes, again.decoding_seconds) == (planned.decoded_bytes, 0.0)
    json.dumps(vars(again))


@pytest.mark.gpu
def test_a_gpu_gets_in_time_what_it_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    device, rng = torch.device("cuda"), np.random.default_rng(0)
    images = rng.integers(0, 256, (400, 16, 16, 3), np.uint8)
    dataset = Dataset("set", images, rng.integers(0, 10, 400), tuple("0123456789"), augment="crop_flip")
    targets, soft = np.eye(10, dtype=np.float32)[dataset.labels], np.zeros(400, bool)
    config = examples.TrainConfig(steps=20, batch_size=32)
    answers = []
    for held in (True, False):
        monkeypatch.setattr(inputs, "fits", lambda *_, held=held: held)
        monkeypatch.setattr(examples, "_room", lambda *_, held=held: 1 << 30 if held else 0)
        made = Inputs.of(dataset, device)
        assert made.stays is not held
        network = build_model("cnn", classes=10, image_shape=(16, 16, 3), seed=0)
        fit(network, made, targets, soft=soft, config=config, seed=1)
        answers.append(predict(network, made, batch_size=64)[0].cpu())
    assert torch.allclose(answers[0], answers[1], atol=1e-3)


def test_blocks_are_read_ahead_in_order_and_the_next_one_alone() -> None:
    """The thread that reads ahead, without the GPU that it reads for."""
    asked: list[int] = []

    def read(step: int) -> torch.Tensor:
        asked.append(step)
        return torch.tensor([step])

    class Here(ahead.Ahead):
        def _pinned(self, step: int) -> torch.Tensor:
            return self._read(step)

        def _there(self, block: torch.Tensor) -> torch.Tensor:
            return block

    blocks = Here(read, 5, torch.device("cuda"), stays=True)
    assert [int(blocks(step)) for step in (0, 1, 2)] == [0, 1, 2]
    assert int(blocks(0)) == 0, "a training that begins again begins at the first"
    assert [int(blocks(step)) for step in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert asked.count(5) == 0
