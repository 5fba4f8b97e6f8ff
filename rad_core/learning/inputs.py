"""The images, or features, of a data set: where they lie, and how some of them come to the device."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from rad_core.learning.pages import Pages, pages_of

if TYPE_CHECKING:
    from rad_core.learning.data import Dataset

_CONSTANT = 1e-12  # standard deviation of a feature that is the same everywhere
_SAMPLE = 10_000  # rows, or up to twice as many, that tell mean and standard deviation
_BLOCK = 128  # images looked at, or moved to the device, at a time
_MOST_OF_GPU = 0.5  # share of a GPU's memory that a data set may take; a larger one stays where it is


@dataclass(frozen=True, eq=False)
class Inputs:
    """Rows of a data set, with what it takes to normalize them. Nothing is copied before it is needed.

    Features are (n, D, 1, 1) float32: each is normalized as a channel is.
    """

    pixels: torch.Tensor  # (M, C, H, W) bytes of all images: on the device, or in memory or mapped where they are more
    mean: torch.Tensor  # (C, 1, 1), of the data set, on the device
    std: torch.Tensor
    augment: str = "none"
    ids: torch.Tensor | None = None  # (n,) rows of `pixels`, M and more of `mixed`; None for all of `pixels`
    mixed: torch.Tensor | None = None  # (k, C, H, W) images that are not in the data set
    pages: Pages | None = None  # where `pixels` are mapped

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device) -> Inputs:
        """All images of a data set: moved to a GPU where they fit, elsewhere as they are, in memory or mapped."""
        images, pages = dataset.images, pages_of(dataset.images)
        if images.strides[0] != 0:  # else one image stands for all
            images = np.ascontiguousarray(images)
        mean, std = _spread_of_images(images, pages) if dataset.has_images else _spread_of_features(images)
        mean, std = (x.float().view(-1, 1, 1).to(device) for x in (mean, std))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a map that cannot be written: nobody writes into it
            pixels = torch.from_numpy(images)
        if device.type != "cpu" and fits(images.nbytes, device):
            pixels, pages = _moved(pixels, device, pages), None
        return cls(pixels.permute(0, 3, 1, 2), mean, std, dataset.augment, pages=pages)

    def __len__(self) -> int:
        return len(self.pixels if self.ids is None else self.ids)

    @property
    def device(self) -> torch.device:
        """Where they are computed with."""
        return self.mean.device

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)"""
        channels, height, width = self.pixels.shape[1:]
        return height, width, channels

    def take(self, ids: np.ndarray) -> Inputs:
        """The images of these rows."""
        rows = torch.from_numpy(np.asarray(ids, np.int64)).to(self.pixels.device)
        return replace(self, ids=rows if self.ids is None else self.ids[rows])

    def mixtures(self, ids: np.ndarray, partners: np.ndarray, mix: np.ndarray) -> Inputs:
        """(1 - mix) x + mix x_partner, of images rounded to bytes; mix 0 leaves an image as it is."""
        plain = self.take(ids)
        rows = np.flatnonzero(mix)
        if len(rows) == 0:
            return plain
        weight = torch.from_numpy(mix[rows].astype(np.float32)).to(self.pixels.device).view(-1, 1, 1, 1)
        ours, theirs = (self.take(chosen[rows]).gather().contiguous().float() for chosen in (ids, partners))
        made = torch.lerp(ours, theirs, weight)
        made = made if self.pixels.is_floating_point() else made.round().to(torch.uint8)
        mixed = made if self.mixed is None else torch.cat([self.mixed, made])
        assert plain.ids is not None
        numbers = plain.ids.clone()
        numbers[torch.from_numpy(rows).to(numbers.device)] = torch.arange(
            len(self.pixels) + len(mixed) - len(made), len(self.pixels) + len(mixed), device=numbers.device
        )
        return replace(plain, ids=numbers, mixed=mixed)

    def read(self, rows: slice | torch.Tensor = slice(None)) -> torch.Tensor:
        """These rows as they are, (b, C, H, W) on the device. rows: among ours; a tensor lies where `pixels` do."""
        return self.gather(rows).to(self.device)

    def gather(self, rows: slice | torch.Tensor = slice(None)) -> torch.Tensor:
        """As `read`, where `pixels` lie. The channels of images in color are last in memory."""
        if self.ids is None and isinstance(rows, slice):
            block = self.pixels[rows]
        else:
            ids = rows if self.ids is None else self.ids[rows]
            assert isinstance(ids, torch.Tensor)
            block = self._copy(ids)
        if self.pages is not None:
            self.pages.touched(len(block), block.nbytes)
        channels, height, width = block.shape[1:]
        if channels == 1 or height * width == 1:  # one order in memory, two ways to say so, of which kernels take one
            strides = (channels * height * width, height * width, width, 1)
            return block.contiguous().as_strided(block.shape, strides)
        return block

    def _copy(self, ids: torch.Tensor) -> torch.Tensor:
        last = len(self.pixels)
        if self.mixed is None:
            return _rows(self.pixels, ids)
        ours, made = _rows(self.pixels, ids.clamp(max=last - 1)), _rows(self.mixed, (ids - last).clamp(min=0))
        return torch.where((ids >= last).view(-1, 1, 1, 1), made, ours)

    @property
    def stays(self) -> bool:
        """Whether the images stay where they are, and only what is needed at a time comes to the device."""
        return self.pixels.device != self.device

    def normalized(self, pixels: torch.Tensor) -> torch.Tensor:
        """Numbers to floats of mean 0 and standard deviation 1 per channel."""
        return (pixels.float() - self.mean) / self.std


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes may lie on a device as long as a study runs."""
    if device.type != "cuda":
        return True
    return size <= _MOST_OF_GPU * torch.cuda.get_device_properties(device).total_memory


def _rows(pixels: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """(b, C, H, W), copied row by row, channels last in memory."""
    return pixels.permute(0, 2, 3, 1).index_select(0, ids).permute(0, 3, 1, 2)


def _moved(pixels: torch.Tensor, device: torch.device, pages: Pages | None) -> torch.Tensor:
    moved = torch.empty(pixels.shape, dtype=pixels.dtype, device=device)
    for start in range(0, len(pixels), _BLOCK):
        block = pixels[start : start + _BLOCK]
        moved[start : start + _BLOCK] = block.to(device)
        if pages is not None:
            pages.touched(1, block.nbytes)
    return moved


def _spread_of_features(features: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each of (M, 1, 1, D) features, (D,) float64."""
    sample = torch.from_numpy(features[:: max(1, len(features) // _SAMPLE)]).permute(0, 3, 1, 2).double()
    mean, std = sample.mean((0, 2, 3)), sample.std((0, 2, 3))
    return mean, torch.where(std < _CONSTANT, 1.0, std)


def _spread_of_images(images: np.ndarray, pages: Pages | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel of (M, H, W, C) bytes, (C,) float64: counted, so without rounding."""
    channels, values = images.shape[3], np.arange(256)
    counts = np.zeros((channels, 256), np.int64)
    step = max(1, len(images) // _SAMPLE)
    for start in range(0, len(images), step * _BLOCK):
        block = images[start : start + step * _BLOCK : step]
        for channel in range(channels):
            counts[channel] += np.bincount(block[..., channel].ravel(), minlength=256)
        if pages is not None:
            pages.touched(len(block), block.nbytes)
    means, spreads = [], []
    for count in counts:
        n, total, squares = (int((count * powers).sum()) for powers in (1, values, values**2))
        means.append(total / n)
        spreads.append(math.sqrt((n * squares - total**2) / max(1, n * (n - 1))))
    return torch.tensor(means, dtype=torch.float64), torch.tensor(spreads, dtype=torch.float64).clamp(min=1.0)
