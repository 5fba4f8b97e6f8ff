"""The images, or features, of a data set on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from rad_core.learning.data import Dataset

_CONSTANT = 1e-12  # standard deviation of a feature that is the same everywhere


@dataclass(frozen=True, eq=False)
class Inputs:
    """Images on the device as (n, C, H, W) bytes, with what it takes to normalize them.

    Features are (n, D, 1, 1) float32: each is normalized as a channel is.
    """

    pixels: torch.Tensor
    mean: torch.Tensor  # (C, 1, 1), of the data set
    std: torch.Tensor
    augment: str = "none"

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device) -> Inputs:
        """All images of a data set, moved to the device once."""
        pixels = torch.from_numpy(np.array(dataset.images)).permute(0, 3, 1, 2).contiguous()
        sample = pixels[:: max(1, len(pixels) // 10_000)].double()
        mean, std = sample.mean((0, 2, 3)), sample.std((0, 2, 3))
        std = std.clamp(min=1.0) if dataset.has_images else torch.where(std < _CONSTANT, 1.0, std)
        mean, std = (x.float().view(-1, 1, 1).to(device) for x in (mean, std))
        return cls(pixels.to(device), mean, std, dataset.augment)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)"""
        channels, height, width = self.pixels.shape[1:]
        return height, width, channels

    def _with(self, pixels: torch.Tensor) -> Inputs:
        return Inputs(pixels, self.mean, self.std, self.augment)

    def take(self, ids: np.ndarray) -> Inputs:
        """The images of these rows."""
        return self._with(self.pixels[torch.from_numpy(np.asarray(ids, np.int64)).to(self.pixels.device)])

    def mixtures(self, ids: np.ndarray, partners: np.ndarray, mix: np.ndarray) -> Inputs:
        """(1 - mix) x + mix x_partner, of images rounded to bytes; mix 0 leaves an image as it is."""
        plain = self.take(ids)
        rows = np.flatnonzero(mix)
        if len(rows) == 0:
            return plain
        weight = torch.from_numpy(mix[rows].astype(np.float32)).to(self.pixels.device).view(-1, 1, 1, 1)
        where = torch.from_numpy(rows).to(self.pixels.device)
        mixed = torch.lerp(plain.pixels[where].float(), self.take(partners[rows]).pixels.float(), weight)
        plain.pixels[where] = mixed if plain.pixels.is_floating_point() else mixed.round().to(torch.uint8)
        return plain

    def concatenate(self, parts: Sequence[Inputs]) -> Inputs:
        """Several sets of images as one."""
        return self._with(torch.cat([part.pixels for part in parts]))

    def normalized(self, pixels: torch.Tensor) -> torch.Tensor:
        """Numbers to floats of mean 0 and standard deviation 1 per channel."""
        return (pixels.float() - self.mean) / self.std
