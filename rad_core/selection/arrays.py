"""Small helpers that let selection work on numpy arrays and torch tensors alike, without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from rad_core.inputs.arrays import is_torch

__all__ = ["is_torch", "to_like", "to_numpy"]


def to_numpy(x: Any) -> np.ndarray:
    """A numpy array of x; shares memory with a CPU tensor."""
    return x.detach().cpu().numpy() if is_torch(x) else np.asarray(x)


def to_like(x: np.ndarray, like: Any) -> Any:
    """x as the kind of array that `like` is, on its device."""
    if not is_torch(like):
        return x
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)).to(like.device)
