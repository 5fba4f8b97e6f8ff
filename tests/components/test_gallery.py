"""Cards of pool points: which are shown in which order, what stands on them, that every one gets its own thumbnail."""

from __future__ import annotations

import io
import json
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from app.atlas.cards import (
    MOST_BYTES,
    MOST_SHOWN,
    ORDERS,
    PER_PAGE,
    REPRESENTATIVE,
    enlarge,
    make_cards,
    pack,
    pick_shown,
)
from app.atlas.facts import Facts
from app.components.sheet import Sheet, make_sheet

CLASSES = ("cat", "<b>dog</b>", "ship")


def make_facts(n: int, seed: int = 0) -> Facts:
    rng = np.random.default_rng(seed)
    q = rng.random(n).astype(np.float32)
    q[::3] = np.nan
    return Facts(
        classes=CLASSES,
        strategy="rad",
        round=2,
        decided_after=1,
        trained_after=2,
        ids=np.arange(n) + 1000,
        labels=rng.integers(3, size=n).astype(np.int16),
        teacher_says=rng.integers(3, size=n).astype(np.int16),
        truth_probability=rng.random(n).astype(np.float32),
        student_says=rng.integers(3, size=n).astype(np.uint8),
        gains=rng.random(n).astype(np.float32),
        q=q,
        bought=MappingProxyType({"rad": np.where(np.isnan(q), 1, 0), "oracle": np.arange(n) % 2 * 2}),
    )


def tiles_of(sheet: Sheet, n: int) -> np.ndarray:
    """The thumbnails cut out of a sheet again, as the browser shows them."""
    picture = np.asarray(Image.open(io.BytesIO(sheet.image)))
    picture = picture[..., None] if picture.ndim == 2 else picture
    width, height = sheet.tile
    assert picture.shape[:2] == (sheet.rows * height, sheet.columns * width)
    places = [divmod(i, sheet.columns) for i in range(n)]
    return np.stack([picture[r * height : (r + 1) * height, c * width : (c + 1) * width] for r, c in places])


@pytest.mark.parametrize("by", ORDERS)
def test_the_order_is_the_one_asked_for_and_points_without_q_come_last(by: str) -> None:
    facts = make_facts(150)
    positions = np.arange(0, 150, 2)
    shown = pick_shown(facts, positions, by)
    assert sorted(shown) == list(positions)
    values = {"gain": facts.gains, "q": facts.q, "truth": facts.truth_probability}[by.removesuffix("_up")][shown]
    known = values[np.isfinite(values)]
    assert np.isnan(values[len(known) :]).all()
    assert (np.diff(known) >= 0).all() if by.endswith("_up") else (np.diff(known) <= 0).all()


def test_of_many_the_first_are_shown_and_of_very_many_some_that_stand_for_all() -> None:
    facts = make_facts(REPRESENTATIVE + 1)
    many = np.arange(REPRESENTATIVE)
    shown = pick_shown(facts, many, "gain")
    assert list(shown) == list(many[np.argsort(-facts.gains[many], kind="stable")][:MOST_SHOWN])

    all_of_them = np.arange(REPRESENTATIVE + 1)
    shown = pick_shown(facts, all_of_them, "gain")
    assert len(set(shown)) == MOST_SHOWN
    assert abs(np.median(facts.gains[shown]) - np.median(facts.gains)) < 0.01
    assert facts.gains[shown[0]] == facts.gains.max()
    assert facts.gains[shown[-1]] == facts.gains.min()


@pytest.mark.parametrize("n", [1, 9, 10, 23])
@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 8, 3)])
def test_every_card_gets_its_own_thumbnail_pixel_by_pixel(n: int, shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(n).integers(0, 256, (n, *shape), dtype=np.uint8)
    sheet = make_sheet(images, 10, MOST_BYTES)
    assert sheet.type == "image/png"
    assert np.array_equal(tiles_of(sheet, n), images)


def test_a_page_of_large_noisy_thumbnails_stays_light() -> None:
    images = np.random.default_rng(0).integers(0, 256, (PER_PAGE, 48, 48, 3), dtype=np.uint8)
    sheet = make_sheet(images, 10, MOST_BYTES)
    assert sheet.type == "image/webp"
    assert len(sheet.image) < 2 * MOST_BYTES
    assert make_sheet(images, 10).type == "image/png"


def test_what_is_sent_with_loss_still_looks_the_same() -> None:
    across = np.linspace(0, 255, 32)[None, :, None]
    shades = np.random.default_rng(0).uniform(0.2, 1, (PER_PAGE, 1, 1, 3))
    noise = np.random.default_rng(1).normal(0, 4, (PER_PAGE, 32, 32, 3))
    images = np.clip(across * shades + noise, 0, 255).astype(np.uint8)
    sheet = make_sheet(images, 10, MOST_BYTES)
    assert sheet.type == "image/webp"
    assert len(sheet.image) <= MOST_BYTES
    seen = tiles_of(sheet, PER_PAGE).astype(float)
    assert np.abs(seen - images).mean() < 8


def test_small_images_are_enlarged_in_whole_squares() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    large = np.asarray(Image.open(io.BytesIO(enlarge(image, 100))))
    assert np.array_equal(large, image[..., 0].repeat(12, 0).repeat(12, 1))
    photo = np.zeros((48, 36, 3), np.uint8)
    assert Image.open(io.BytesIO(enlarge(photo, 240))).size == (180, 240)


def test_cards_say_who_is_right_in_words_not_in_color_alone() -> None:
    facts = make_facts(40)
    for i, card in zip(range(40), make_cards(facts, np.arange(40)), strict=True):
        assert card["position"] == i
        assert card["title"] == CLASSES[facts.labels[i]]
        teacher, student, gain, *rest = card["lines"]
        right = bool(facts.teacher_says[i] == facts.labels[i])
        assert teacher == [f"teacher: {CLASSES[facts.teacher_says[i]]}", right]
        assert student[1] == (facts.student_says[i] == facts.labels[i])
        assert f"gain {facts.gains[i]:.2f}" in gain[0]
        assert ("q " in gain[0]) == bool(np.isfinite(facts.q[i]))
        buyers = [("RAD", facts.bought["rad"][i]), ("Oracle", facts.bought["oracle"][i])]
        said = ", ".join(f"{name} ({round})" for name, round in buyers if round)
        assert rest == ([[f"bought by {said}"]] if said else [])


def test_what_is_sent_is_a_header_and_one_image_and_the_same_bytes_for_the_same_points() -> None:
    facts = make_facts(30)
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
    cards = make_cards(facts, np.arange(24))
    sheet = make_sheet(images[:24], 10, MOST_BYTES)
    data = pack("cards", cards, sheet, "light")
    assert data == pack("cards", cards, make_sheet(images[:24], 10, MOST_BYTES), "light")
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    assert header["cards"] == cards
    assert header["sheet"] == {"type": "image/png", "tile": [8, 8], "columns": 10}
    assert data[4 + length :].rstrip(b"\0") == sheet.image.rstrip(b"\0")
    words = pack("cards", cards, None, "dark")
    assert json.loads(words[4:])["sheet"] is None
