"""The plane in which rows of numbers differ most: one principal component analysis for every map."""

from __future__ import annotations

import numpy as np

from rad_core.inputs.arrays import row_blocks

SAMPLE = 60_000  # rows that it is fitted on at most


def principal_plane(values: np.ndarray, sample: int = SAMPLE) -> np.ndarray:
    """(N, 2) float32: rows (N, D) along the two directions of largest variance; 0 where there is no second one.

    Fitted on at most `sample` rows, evenly spread. The largest entry of a direction points up, so that a map is the
    same every time.
    """
    from sklearn.decomposition import PCA  # takes half a second

    projected = np.zeros((len(values), 2), np.float32)
    sampled = np.asarray(values[:: max(1, -(-len(values) // sample))], np.float64)
    if len(sampled) < 2:
        return projected
    tall = len(sampled) >= sampled.shape[1]
    model = PCA(min(2, *sampled.shape), svd_solver="covariance_eigh" if tall else "full")
    with np.errstate(invalid="ignore"):  # shares of the variance, of rows that are all the same
        model.fit(sampled - sampled.mean(0))
    axes = model.components_ * np.sign([row[np.abs(row).argmax()] for row in model.components_])[:, None]
    middle, axes = sampled.mean(0).astype(np.float32), axes.T.astype(np.float32)
    for block in row_blocks(*values.shape):
        # Half floats are too coarse to subtract in.
        projected[block, : axes.shape[1]] = (values[block].astype(np.float32, copy=False) - middle) @ axes
    return projected
