"""Small helpers that let selection work on numpy arrays and torch tensors alike, without importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rad_core.inputs.arrays import Array, Given, is_torch

if TYPE_CHECKING:
    import torch

__all__ = ["Array", "Given", "as_numpy_on_cpu", "is_torch", "stack", "to_like", "to_numpy"]


def to_numpy(x: Array) -> np.ndarray:
    """A numpy array of x; shares memory with a CPU tensor."""
    return x.detach().cpu().numpy() if is_torch(x) else np.asarray(x)


def to_like(x: np.ndarray, like: Array) -> Array:
    """x as the kind of array that `like` is, on its device."""
    if not is_torch(like):
        return x
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)).to(like.device)


def as_numpy_on_cpu(x: torch.Tensor) -> Array:
    """On a CPU a numpy view of a tensor (selection is faster on it); on a GPU the tensor stays there."""
    return x if x.is_cuda else to_numpy(x)


def stack(a: Array, b: Array) -> Array:
    """The rows of a, then those of b; both numpy or both torch."""
    if isinstance(a, np.ndarray):
        return np.concatenate([a, b])
    import torch

    return torch.cat([a, b])
