"""Blocks of what stays in the memory of the host, each brought to the device while the one before is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch


class Ahead:
    """The blocks of a number of steps, on the device.

    On a GPU the next block is gathered into pinned memory by a thread, and copied without anybody waiting for it. On a
    CPU, or where the blocks lie on the device, a block is read when it is asked for.
    """

    def __init__(self, read: Callable[[int], torch.Tensor], steps: int, device: torch.device, stays: bool) -> None:
        """read: the block of a step, where it lies. stays: whether that is not on the device."""
        self._read, self._steps, self._device, self._stays = read, steps, device, stays
        self._thread = ThreadPoolExecutor(1) if stays and device.type == "cuda" else None
        self._coming: tuple[int, Future[torch.Tensor]] | None = None

    def __call__(self, step: int) -> torch.Tensor:
        """The block of a step; asked for one after another."""
        if self._thread is None:
            block = self._read(step)
            return block.to(self._device) if self._stays else block
        number, coming = self._coming or (-1, None)
        if coming is None or number != step:
            coming = self._thread.submit(self._pinned, step)
        block = coming.result()
        self._coming = (step + 1, self._thread.submit(self._pinned, step + 1)) if step + 1 < self._steps else None
        return self._there(block)

    def _pinned(self, step: int) -> torch.Tensor:
        return self._read(step).pin_memory()

    def _there(self, block: torch.Tensor) -> torch.Tensor:
        return block.to(self._device, non_blocking=True)

    def __del__(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
