"""Images are read as people see them: upright, transparency on white, deep gray by its range; what was done is told."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from rad_core.errors import InputError
from tests.helpers.made_images import load_folder, write_classes

ORIENTATION = 0x0112


def places(folder: Path, ending: str) -> list[Path]:
    """Where four images of two classes go."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return [folder / name / f"{number}.{ending}" for name in ("cat", "dog") for number in range(2)]


def save_turned(path: Path, orientation: int, size: tuple[int, int]) -> np.ndarray:
    """A picture with a white corner, stored as a camera held otherwise stores it; returns how it should be seen."""
    image = Image.new("RGB", size)
    image.paste((255, 255, 255), (0, 0, size[0] // 2, size[1] // 3))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    more = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}.get(path.suffix, {})
    image.save(path, exif=exif, **more)  # type: ignore[arg-type]
    turned = Image.new("RGB", size)
    turned.paste(image)
    turned.getexif()[ORIENTATION] = orientation
    return np.asarray(ImageOps.exif_transpose(turned))


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(ending: str, orientation: int, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, ending):
        seen = save_turned(place, orientation, (16, 24))
    dataset = load_folder(folder)
    assert dataset.images.shape[1:3] == seen.shape[:2], "all agree on a size, as they are seen"
    assert np.abs(dataset.images[0].astype(int) - seen).max() <= 2
    wanted = () if orientation == 1 else ("Turned upright as their EXIF data say: 4 images.",)
    assert dataset.notes == wanted


def test_one_image_held_sideways_has_another_size_than_the_others(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", size=(16, 24))
    save_turned(folder / "dog" / "z.png", 6, (16, 24))
    dataset = load_folder(folder)
    assert dataset.images.shape[1:] == (64, 64, 3)
    assert "Turned upright as their EXIF data say: 1 image." in dataset.notes
    assert "Resized to 64 x 64 pixels: 9 images." in dataset.notes


def test_exif_data_that_cannot_be_read_do_not_cost_the_image(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, "png"):
        Image.new("RGB", (8, 8), "red").save(place, exif=b"Exif\0\0no TIFF at all")
    dataset = load_folder(folder)
    assert dataset.images.shape == (4, 8, 8, 3)
    assert dataset.notes == ("EXIF data that cannot be read, taken as upright: 4 images.",)


def half_transparent(mode: str) -> Image.Image:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., :3] = (0, 0, 0) if mode == "LA" else (200, 0, 0)
    pixels[:4, :, 3] = 255
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_put_on_white(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, "png"):
        if mode == "P":
            image = Image.new("P", (8, 8), 1)
            image.putpalette([200, 0, 0, 10, 20, 30])
            image.paste(0, (0, 0, 8, 4))
            image.save(place, transparency=1)
        else:
            half_transparent(mode).save(place)
    dataset = load_folder(folder)
    assert dataset.images.shape[3] == (1 if mode == "LA" else 3)
    assert (dataset.images[:, 4:] == 255).all()
    assert (dataset.images[:, :4, :, 0] == (0 if mode == "LA" else 200)).all()
    assert dataset.notes == ("Transparency put on white: 4 images.",)


def test_half_transparency_is_half_white(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, "png"):
        Image.new("RGBA", (8, 8), (0, 100, 200, 128)).save(place)
    np.testing.assert_allclose(load_folder(folder).images[0, 0, 0], [127, 177, 227], atol=1)


def test_an_alpha_channel_that_hides_nothing_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, "png"):
        Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(place)
    dataset = load_folder(folder)
    assert (dataset.images == [1, 2, 3]).all()
    assert dataset.notes == ()


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(
    ("highest", "bits"), [(200, 8), (1000, 10), (4095, 12), (4096, 14), (16_384, 16), (65_535, 16)]
)
def test_deep_gray_is_read_by_its_range(ending: str, highest: int, bits: int, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shades = np.linspace(0, highest, 64).astype(np.uint16).reshape(8, 8)
    for place in places(folder, ending):
        Image.fromarray(shades).save(place)
    dataset = load_folder(folder)
    np.testing.assert_array_equal(dataset.images[0, ..., 0], np.round(shades * (255 / (2**bits - 1))))
    assert f"4 images with values up to {highest:,}, read as {bits} bits" in dataset.notes[0]


def test_all_deep_gray_of_a_folder_has_one_range(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    highest = (1000, 900, 60_000, 800)
    for place, value in zip(places(folder, "png"), highest, strict=True):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(place)
    values = load_folder(folder).images[..., 0].max((1, 2))
    np.testing.assert_array_equal(values, np.round(np.array(highest) / 257))


def save_color_of_16_bits(path: Path, pixels: np.ndarray) -> None:
    """A PNG of three channels of 16 bits, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def test_color_of_16_bits_is_told(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    save_color_of_16_bits(folder / "cat" / "deep.png", np.full((8, 8, 3), 0x3A7F))
    dataset = load_folder(folder)
    assert (dataset.images[4] == 0x3A).all()
    assert dataset.notes == ("Color of 16 bits, read by the upper 8; dark where fewer are in use: 1 image.",)


def test_the_first_of_several_pictures_is_read_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    for place in places(folder, "gif"):
        frames[0].save(place, save_all=True, append_images=frames[1:])
    dataset = load_folder(folder)
    assert (dataset.images == [255, 0, 0]).all()
    assert dataset.notes == ("Of several pictures in a file the first is read: 4 images.",)


def test_gray_among_color_and_other_sizes_are_told(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    Image.new("L", (8, 8)).save(folder / "cat" / "gray.png")
    assert load_folder(folder).notes == ("Gray images among images in color, read as color: 1.",)
    Image.new("RGB", (80, 40)).save(folder / "cat" / "large.jpg")
    assert "Resized to 64 x 64 pixels: 10 images." in load_folder(folder).notes


def test_what_was_done_is_told_again_when_the_decoded_images_are_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for place in places(folder, "png"):
        half_transparent("RGBA").save(place)
    first, again = load_folder(folder), load_folder(folder)
    assert isinstance(again.images, np.memmap)
    assert first.notes == again.notes != ()


@pytest.mark.parametrize("mode", ["CMYK", "1", "YCbCr"])
def test_other_kinds_of_color_are_read_as_pillow_does(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    ending = {"CMYK": "jpg", "1": "png", "YCbCr": "tif"}[mode]
    for place in places(folder, ending):
        Image.new("RGB", (8, 8), (250, 5, 5)).convert(mode).save(place)
    with Image.open(folder / "cat" / f"0.{ending}") as image:
        expected = np.asarray(image.convert("L" if mode == "1" else "RGB")).reshape(8, 8, -1)
    np.testing.assert_array_equal(load_folder(folder).images[0], expected)


def test_floating_pixels_are_refused_by_name_even_as_the_first_image(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", mode="L")
    Image.fromarray(np.ones((8, 8), np.float32)).save(folder / "cat" / "00.tif")
    with pytest.raises(InputError, match=r"cat/00\.tif is damaged \(its pixels are floating"):
        load_folder(folder)
    assert load_folder(folder, skip_bad=True).images.shape == (8, 8, 8, 1), "it has no say in what the others become"
