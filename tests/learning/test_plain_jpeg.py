"""Plain JPEG files are decoded without Pillow, to the same pixels; whatever is not plain is left to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from rad_core.learning.jpeg import decode_plain
from rad_core.learning.pixels import Layout, decode
from tests.helpers.made_images import load_folder

rng = np.random.default_rng(0)


def picture(mode: str, width: int, height: int) -> Image.Image:
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    coarse = rng.integers(0, 256, (6, 5, channels), dtype=np.uint8)
    return Image.fromarray(coarse.squeeze()).convert(mode).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (17, 31), (64, 64), (200, 133)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_those_of_pillow(
    mode: str, size: tuple[int, int], subsampling: int, progressive: bool, tmp_path: Path
) -> None:
    file = tmp_path / "a.jpg"
    picture(mode, *size).save(file, quality=60, subsampling=subsampling, progressive=progressive, comment=b"by hand")
    with Image.open(file) as image:
        wanted = np.asarray(image)
    plain = decode_plain(file)
    assert plain is not None
    np.testing.assert_array_equal(plain, wanted)
    pixels, seen = decode(file, Layout(9, 12, False, True, 0))
    resized = Image.fromarray(wanted).convert("RGB").resize((12, 9), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(pixels, np.asarray(resized))
    assert (seen.height, seen.width, seen.gray) == (*wanted.shape[:2], mode == "L")


def with_exif(file: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture("RGB", 8, 8).save(file, exif=exif)


def cut_off(file: Path) -> None:
    picture("RGB", 64, 64).save(file)
    file.write_bytes(file.read_bytes()[:-300])


NOT_PLAIN: dict[str, Callable[[Path], object]] = {
    "turned": with_exif,
    "cut off": cut_off,
    "with a profile": lambda file: picture("RGB", 8, 8).save(
        file, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "for print": lambda file: picture("CMYK", 8, 8).save(file),
    "of several pictures": lambda file: picture("RGB", 8, 8).save(
        file, format="MPO", save_all=True, append_images=[picture("RGB", 8, 8)]
    ),
    "a PNG by another name": lambda file: picture("RGB", 8, 8).save(file, format="PNG"),
    "empty": lambda file: file.write_bytes(b""),
    "two bytes": lambda file: file.write_bytes(b"\xff\xd8"),
    "nothing but markers": lambda file: file.write_bytes(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000),
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_whatever_is_not_plain_is_left_to_pillow(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    NOT_PLAIN[kind](file)
    assert decode_plain(file) is None


def test_a_gray_folder_stays_gray_and_a_color_among_them_makes_all_color(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(2):
            picture("L", 8, 8).save(tmp_path / "set" / name / f"{number}.jpg")
    assert load_folder(tmp_path / "set").images.shape == (4, 8, 8, 1)
    picture("RGB", 8, 8).save(tmp_path / "set" / "dog" / "2.jpg")
    dataset = load_folder(tmp_path / "set")
    assert dataset.images.shape == (5, 8, 8, 3)
    assert dataset.notes == ("Gray images among images in color, read as color: 4.",)
