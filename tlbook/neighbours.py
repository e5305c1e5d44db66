"""Nearest neighbours in feature space."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tlbook.run import TlbookError


def nearest(z: np.ndarray, k: int = 10) -> np.ndarray:
    """Return the row numbers of the `k` nearest other rows of each row, nearest first.

    The answer is int64 of shape (n, k). Distances are Euclidean; on rows of length 1 this is the
    order of cosine similarity too.

    Parameters
    ----------
    z : ndarray of shape (n, d), floating
        Features, all finite; `TlbookError` if not.
    k : int
        From 1 to n - 1.

    Examples
    --------
    >>> nearest(np.array([[0.0], [1.0], [5.0]]), k=1).ravel().tolist()
    [1, 0, 1]
    """
    z = np.asarray(z)
    matrix = z.ndim == 2 and z.dtype.kind == "f"
    if not matrix or not np.isfinite(z).all():
        found = "NaN or infinity" if matrix else f"{z.dtype} of shape {z.shape}"
        raise TlbookError("nearest(): z", "finite floats of shape (n, d)", found, "pass tl.features.extract(...)")
    if not 1 <= k < len(z):
        raise TlbookError("nearest(): k", f"from 1 to {len(z) - 1}", str(k), "ask for another number of neighbours")
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(z).kneighbors(return_distance=False)


def agreement(neighbours: np.ndarray, labels) -> float:
    """Return the share of (row, neighbour) pairs with equal labels, 0 to 1.

    With true labels this measures the features; with a network's own predictions it needs no
    label at all, and falls when training drifts. `TlbookError` if there is not one label a row.

    >>> agreement(np.array([[1, 2], [0, 2], [0, 1]]), [4, 4, 9])
    0.3333333333333333
    """
    labels = np.asarray(labels)
    if labels.shape != (len(neighbours),):
        raise TlbookError("agreement(): labels", f"shape ({len(neighbours)},)", f"{labels.shape}", "one label a row")
    return float(np.mean(labels[neighbours] == labels[:, None]))
