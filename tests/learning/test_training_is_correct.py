"""The loss equals a float64 reference, training repeats bit for bit, and it fails in words."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rad_core.errors import InputError, TrainingError  # noqa: E402
from rad_core.learning.data import Dataset, load_dataset, make_split  # noqa: E402
from rad_core.learning.device import pick_device  # noqa: E402
from rad_core.learning.examples import (  # noqa: E402
    AUGMENTATIONS,
    Examples,
    all_versions,
    draw_rows,
    draw_versions,
    soften,
)
from rad_core.learning.inputs import Inputs  # noqa: E402
from rad_core.learning.models import MODELS, TORCHVISION, build_model  # noqa: E402
from rad_core.learning.teachers import TeacherTask, make_teacher, parse_teacher, read_soft_labels  # noqa: E402
from rad_core.learning.training import (  # noqa: E402
    TrainConfig,
    accuracy,
    fit,
    fit_together,
    flops,
    networks_at_once,
    predict,
    row_losses,
    schedule,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", data_dir=Path("unused"))


def test_loss_on_soft_labels_equals_the_definition_in_float64() -> None:
    rng = np.random.default_rng(0)
    logits, teacher = rng.normal(size=(6, 4)), rng.dirichlet(np.ones(4), 6)
    temperature = np.array([1, 1, 2, 4, 0.5, 3.0])[:, None]
    scaled = logits / temperature
    log_student = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
    softened = teacher ** (1 / temperature)
    softened /= softened.sum(1, keepdims=True)
    expected = -(temperature**2 * softened * log_student).sum(1).mean()
    t = torch.from_numpy(temperature)
    found = row_losses(torch.from_numpy(logits), soften(torch.from_numpy(teacher), t), t).mean()
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_softening_is_the_softmax_at_a_temperature() -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(soften(logits.softmax(1), 3.0), (logits / 3.0).softmax(1), rtol=1e-10)


def test_one_hot_soft_labels_at_temperature_one_are_hard_labels() -> None:
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(8) % 3
    one_hot = torch.nn.functional.one_hot(labels, 3).float()
    expected = torch.nn.functional.cross_entropy(logits, labels)
    assert row_losses(logits, one_hot, torch.ones(8, 1)).mean().item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_gradient_does_not_shrink_with_the_temperature() -> None:
    """The T^2 of Hinton et al.: near agreement the gradient with respect to the logits is of the same size."""
    teacher = torch.tensor([[0.2, 0.3, 0.5]])
    sizes = []
    for temperature in (5.0, 20.0):
        logits = torch.zeros(1, 3, requires_grad=True)
        t = torch.tensor([[temperature]])
        row_losses(logits, soften(teacher, t), t).mean().backward()
        sizes.append(logits.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_learning_rate_rises_then_falls_to_zero() -> None:
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[9] == 1.0
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_batches_visit_every_row_equally_often() -> None:
    rows = draw_rows(10, 4, 25, torch.Generator().manual_seed(0))
    assert rows.shape == (25, 4)
    np.testing.assert_array_equal(np.bincount(rows.flatten().numpy()), np.full(10, 10))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_versions_of_an_image_are_its_shifted_and_mirrored_copies(name: str) -> None:
    pixels = torch.randint(0, 256, (3, 2, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([7.0, 200.4])
    windows = all_versions(pixels, mean, AUGMENTATIONS[name])
    _, mirrors, places, _, _, _ = windows.shape
    assert (mirrors, places) == {"none": (1, 1), "shift": (1, 5), "crop_flip": (2, 5)}[name]
    by = places // 2
    for mirrored in range(mirrors):
        for down in range(places):
            for right in range(places):
                found = windows[1, mirrored, down, right].view(16, 16, 2).permute(2, 0, 1)
                expected = torch.empty(2, 16 + 2 * by, 16 + 2 * by, dtype=torch.uint8)
                expected[0], expected[1] = 7, 200
                expected[:, by : by + 16, by : by + 16] = pixels[1].flip(2) if mirrored else pixels[1]
                assert torch.equal(found, expected[:, down : down + 16, right : right + 16])


def test_every_version_is_drawn_equally_often() -> None:
    windows = all_versions(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(3), AUGMENTATIONS["crop_flip"])
    drawn = draw_versions(windows, (100, 90), torch.Generator().manual_seed(0))
    counts = np.unique(drawn.transpose(1, 2).reshape(-1, 3).numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 2 * 3 * 3
    assert np.abs(counts - 500).max() < 5 * np.sqrt(500)
    again = draw_versions(windows, (100, 90), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
    assert not torch.equal(drawn, draw_versions(windows, (100, 90), torch.Generator().manual_seed(1)))


def test_mixtures_are_weighted_means(digits: Dataset) -> None:
    inputs = Inputs.of(digits, CPU)
    mixed = inputs.mixtures(np.array([3, 4]), np.array([10, 4]), np.array([0.25, 0.0], np.float32))
    expected = 0.75 * digits.images[3] + 0.25 * digits.images[10].astype(float)
    np.testing.assert_allclose(mixed.read()[0, 0].numpy(), expected[..., 0], atol=0.51)
    np.testing.assert_array_equal(mixed.read()[1, 0].numpy(), digits.images[4, ..., 0])


def members(digits: Dataset, name: str, count: int) -> tuple[list, list[Inputs], list[np.ndarray], np.ndarray]:
    """Networks with different weights and different training sets, some of their labels soft."""
    shape = (*digits.images.shape[1:3], 3 if name in TORCHVISION else 1)
    everything = Inputs.of(digits, CPU)
    if shape[2] == 3:
        mean, std = (x.repeat(3, 1, 1) for x in (everything.mean, everything.std))
        everything = Inputs(everything.pixels.repeat(1, 3, 1, 1), mean, std)
    sets = [np.random.default_rng(number).permutation(1000)[:60] for number in range(count)]
    targets = [np.random.default_rng(number).dirichlet(np.ones(10), 60).astype(np.float32) for number in range(count)]
    networks = [build_model(name, classes=10, image_shape=shape, seed=number) for number in range(count)]
    inputs = [replace(everything.take(ids), augment="crop_flip") for ids in sets]
    return networks, inputs, targets, np.arange(60) >= 20


@pytest.mark.parametrize("name", ["mlp", "cnn_tiny", "cnn", "resnet8", "mobilenet"])
def test_training_together_is_training_each_alone(digits: Dataset, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64, where rounding cannot hide a difference."""
    in_float32 = Examples.images
    monkeypatch.setattr(Examples, "images", lambda self, step: in_float32(self, step).double())
    config = TrainConfig(steps=6, batch_size=16, temperature=2.0)
    together, inputs, targets, soft = members(digits, name, 3)
    alone = copy.deepcopy(together)
    seeds = [5, 6, 7]
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)  # the loss, too
        reports = fit_together(
            [network.double() for network in together], inputs, targets, soft=soft, config=config, seeds=seeds
        )
        for network, images, wanted, seed, report in zip(alone, inputs, targets, seeds, reports, strict=True):
            expected = fit(network.double(), images, wanted, soft=soft, config=config, seed=seed)
            assert report.loss == pytest.approx(expected.loss, rel=1e-6)
    for one, other in zip(together, alone, strict=True):
        for key, value in one.state_dict().items():
            np.testing.assert_allclose(value.numpy(), other.state_dict()[key].numpy(), atol=2e-6, err_msg=key)


def test_one_network_that_diverges_is_named_even_among_others(digits: Dataset) -> None:
    networks, inputs, targets, soft = members(digits, "mlp", 2)
    with torch.no_grad():
        networks[1].head.weight.fill_(1e38)
    with pytest.raises(TrainingError, match="diverged"):
        fit_together(networks, inputs, targets, soft=soft, config=TrainConfig(steps=2), seeds=[0, 1])


def test_only_very_small_networks_train_together_on_a_cpu() -> None:
    def at_once(name: str, shape: tuple[int, int, int], device: str = "cpu") -> int:
        network = build_model(name, classes=10, image_shape=shape, seed=0)
        return networks_at_once(network, shape, torch.device(device))

    assert at_once("cnn_tiny", (8, 8, 1)) == at_once("mlp", (8, 8, 1)) == 5
    assert at_once("cnn_tiny", (28, 28, 1)) == at_once("cnn", (8, 8, 1)) == at_once("resnet8", (32, 32, 3)) == 1
    assert at_once("resnet8", (32, 32, 3), "cuda") == 64


@pytest.mark.parametrize(("name", "size"), [("cnn_tiny", 8), ("mlp", 8), ("cnn", 28), ("resnet8", 32)])
def test_operations_are_counted_as_torch_counts_them(name: str, size: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    network = build_model(name, classes=10, image_shape=(size, size, 3), seed=0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    assert flops(network.train(), (size, size, 3)) == counter.get_total_flops()
    assert network.training


class Greedy(torch.nn.Module):
    """A network that asks for more memory than there is once a batch exceeds what it bears."""

    def __init__(self, network: torch.nn.Module, bears: int) -> None:
        super().__init__()
        self.network, self.bears = network, bears

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if len(x) > self.bears:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.network(x)


def test_when_memory_runs_out_batches_shrink_aloud(digits: Dataset) -> None:
    inputs = Inputs.of(digits, CPU).take(np.arange(100))
    targets, soft = np.eye(10, dtype=np.float32)[digits.labels[:100]], np.zeros(100, bool)

    def network() -> torch.nn.Module:
        return build_model("mlp", classes=10, image_shape=(8, 8, 1), seed=0)

    small, greedy = network(), Greedy(network(), bears=20)
    fit(small, inputs, targets, soft=soft, config=TrainConfig(steps=5, batch_size=16), seed=1)
    with pytest.warns(UserWarning, match="going on with batches of 16"):
        report = fit(greedy, inputs, targets, soft=soft, config=TrainConfig(steps=5, batch_size=64), seed=1)
    assert report.batch_size == 16
    expected = predict(small, inputs)
    with pytest.warns(UserWarning, match="going on with batches of 12"):
        found = predict(greedy, inputs, batch_size=50)
    assert torch.allclose(found[0], expected[0], atol=1e-6)
    with pytest.raises(TrainingError, match="even for batches of 6"), pytest.warns(UserWarning, match="full"):
        predict(Greedy(network(), bears=1), inputs, batch_size=50)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [8, 32])
def test_every_network_returns_logits_and_features(name: str, size: int) -> None:
    if size == 8 and name in ("mobilenet", "resnet18", "resnet50"):
        size = 64  # made for larger images
    state = torch.random.get_rng_state()
    network = build_model(name, classes=7, image_shape=(size, size, 3), seed=5).eval()
    assert torch.equal(state, torch.random.get_rng_state()), "the caller's random numbers must not move"
    logits, features = network(torch.zeros(2, 3, size, size))
    assert logits.shape == (2, 7)
    assert features.shape[0] == 2
    again = build_model(name, classes=7, image_shape=(size, size, 3), seed=5)
    for one, two in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def fit_digits(digits: Dataset, **changes: object) -> tuple[torch.Tensor, float]:
    inputs = Inputs.of(digits, CPU)
    split = make_split(digits, labeled=200, validation=100, seed=0)
    network = build_model("cnn_tiny", classes=10, image_shape=(8, 8, 1), seed=1)
    targets = np.eye(10, dtype=np.float32)[digits.labels[split.labeled]]
    config = TrainConfig(**{"steps": 150, "learning_rate": 0.01, **changes})  # type: ignore[arg-type]
    fit(network, inputs.take(split.labeled), targets, soft=np.arange(200) >= 100, config=config, seed=2)
    probabilities, _ = predict(network, inputs.take(split.test))
    return probabilities, accuracy(probabilities, digits.labels[split.test])


def test_training_learns_and_repeats_bit_for_bit(digits: Dataset) -> None:
    one, learned = fit_digits(digits)
    two, _ = fit_digits(digits)
    assert torch.equal(one, two)
    assert learned > 0.8
    np.testing.assert_allclose(one.sum(1), 1, atol=1e-5)


def test_a_diverging_training_says_what_to_do(digits: Dataset) -> None:
    with pytest.raises(TrainingError, match="lower it, for instance --learning-rate"):
        fit_digits(digits, learning_rate=1e30, weight_decay=0.0)


def test_tiny_sets_train_with_batch_normalization(digits: Dataset) -> None:
    inputs = Inputs.of(digits, CPU)
    network = build_model("cnn", classes=10, image_shape=(8, 8, 1), seed=1)
    config = TrainConfig(steps=3, batch_size=128)
    report = fit(network, inputs.take(np.arange(3)), np.eye(10)[:3], soft=np.zeros(3, bool), config=config, seed=0)
    assert report.batch_size == 3
    assert np.isfinite(report.loss)


@pytest.mark.parametrize("seed", range(3))
def test_the_default_digits_teacher_is_visibly_imperfect(digits: Dataset, seed: int) -> None:
    from rad_core.config import StudyConfig
    from rad_core.study.prepare import teacher_training

    config = StudyConfig().resolved()
    split = make_split(digits, labeled=config.labeled, validation=100, test=360, seed=seed)
    task = TeacherTask(digits, split, Inputs.of(digits, CPU), teacher_training(config), seed)
    teacher = make_teacher(config.teacher, task)
    right = teacher.peek(split.pool)[0].argmax(1) == digits.labels[split.pool]
    assert 0.55 < right.mean() < 0.85
    assert teacher.queries == 0


def test_a_teacher_is_restored_bit_for_bit_and_counts_its_queries(digits: Dataset) -> None:
    split = make_split(digits, labeled=50, validation=50, seed=0)
    config = TrainConfig(steps=30)
    task = TeacherTask(digits, split, Inputs.of(digits, CPU), config, seed=3)
    teacher = make_teacher("cnn", task)
    again = make_teacher("cnn", replace(task, seed=4, state=teacher.state()))
    ids = split.pool[:40]
    np.testing.assert_array_equal(teacher.query(ids), again.peek(ids)[0])
    assert (teacher.queries, again.queries) == (40, 0)
    teacher.query_images(Inputs.of(digits, CPU).take(ids[:5]))
    assert teacher.queries == 45


def test_a_table_teacher_answers_from_the_file(digits: Dataset, tmp_path: Path) -> None:
    table = np.random.default_rng(0).dirichlet(np.ones(10), len(digits.labels)).astype(np.float32)
    np.savez(tmp_path / "soft.npz", probabilities=table)
    split = make_split(digits, labeled=50, validation=50, seed=0)
    spec = f"table:{tmp_path / 'soft.npz'}"
    teacher = make_teacher(spec, TeacherTask(digits, split, Inputs.of(digits, CPU), TrainConfig(steps=1), seed=0))
    np.testing.assert_array_equal(teacher.query(split.pool[:7]), table[split.pool[:7]])
    assert teacher.peek(split.pool)[1] is None
    with pytest.raises(InputError, match="cannot label mixed images"):
        teacher.query_images(Inputs.of(digits, CPU).take(split.pool[:1]))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.full((4, 2), 0.5)[:3], "shape"),
        (np.array([[0.5, 0.5]] * 3 + [[np.nan, 1.0]]), "NaN"),
        (np.array([[0.5, 0.5]] * 3 + [[0.6, 0.6]]), "Row 3 .* 1.2"),
        (np.array([[0.5, 0.5]] * 3 + [[1.5, -0.5]]), "0 or more"),
        (np.array([["a", "b"]] * 4), "floating"),
    ],
)
def test_bad_tables_are_refused_in_words(table: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", table)
    with pytest.raises(InputError, match=words):
        read_soft_labels(tmp_path / "t.npy", 0, (4, 2))


def test_pretrained_weights_that_cannot_be_had_are_said_to_be(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("TORCH_HOME", "/nonexistent-weights")
    split = make_split(digits, labeled=50, validation=50, seed=0)
    inputs = Inputs.of(digits, CPU)
    with pytest.raises(InputError, match=r"could not be downloaded.*--teacher resnet18"):
        make_teacher("pretrained:resnet18", TeacherTask(digits, split, inputs, TrainConfig(steps=1), seed=0))


def test_a_fine_tuned_network_learns_and_is_restored(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchvision's own loading code, given a weights file made here in place of the downloaded one."""
    import torchvision.models

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = torchvision.models.MobileNet_V3_Small_Weights.DEFAULT
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    made = torchvision.models.mobilenet_v3_small().state_dict()
    torch.save(made, tmp_path / "hub" / "checkpoints" / weights.url.rsplit("/", 1)[1])
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", _from_cache)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", _from_cache)
    split = make_split(digits, labeled=10, validation=10, seed=0)
    config = TrainConfig(steps=2, batch_size=4)
    task = TeacherTask(digits, split, Inputs.of(digits, CPU), config, seed=0)
    teacher = make_teacher("pretrained:mobilenet", task)
    again = make_teacher("pretrained:mobilenet", replace(task, state=teacher.state()))
    np.testing.assert_array_equal(teacher.query(split.pool[:3]), again.query(split.pool[:3]))


def _from_cache(url: str, **rest: object) -> dict:
    import os

    name = url.rsplit("/", 1)[1]
    return torch.load(Path(os.environ["TORCH_HOME"]) / "hub" / "checkpoints" / name, weights_only=True)


@pytest.mark.parametrize("spec", ["resnet1000", "pretrained:cnn", "table:", "magic:x"])
def test_unknown_teachers_are_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(InputError, match="pretrained:NAME"):
        parse_teacher(spec)


def test_a_missing_device_is_named() -> None:
    with pytest.raises(InputError, match="auto, cpu, cuda"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="--device cpu"):
            pick_device("cuda")
