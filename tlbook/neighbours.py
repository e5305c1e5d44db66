"""Nearest neighbours in feature space."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tlbook.arguments import numbers, whole
from tlbook.run import require

FAR = 100  # means of so many times the spread cost a quarter of the digits, and those of features are below 10


def nearest(z: np.ndarray, k: int = 10) -> np.ndarray:
    """Return the row numbers of the `k` nearest other rows of each row, nearest first.

    The answer is int64 of shape (n, k). Distances are Euclidean; on rows of length 1 this is the
    order of cosine similarity too.

    Parameters
    ----------
    z : ndarray of shape (n, d), floating
        Features, all finite, n at least 2; `TlbookError` if not.
    k : int
        From 1 to n - 1.

    Examples
    --------
    >>> nearest(np.array([[0.0], [1.0], [5.0]]), k=1).ravel().tolist()
    [1, 0, 1]
    """
    z, do = numbers("nearest(): z", z, "biufUSO"), "pass tl.features.extract(...)"
    good = z.ndim == 2 and z.dtype.kind == "f" and len(z) > 1 and z.shape[1]
    found = f"{z.dtype} of shape {z.shape}"
    require(good, "nearest(): z", "finite floats of shape (n, d), n at least 2", found, do)
    good = float(np.abs(z).max()) < 1e150  # squares of larger ones are infinite
    require(good, "nearest(): z", "finite floats", "NaN or infinity, or more than 1e150", do)
    k = whole("nearest(): k", k, 1, len(z) - 1, "ask for another number of neighbours")
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(_near_origin(z)).kneighbors(return_distance=False)


def _near_origin(z: np.ndarray) -> np.ndarray:
    """Move rows that lie far off and close together: of x² - 2xy + y² nothing but rounding errors would be left.

    All other rows stay as they are, to the last bit.
    """
    middle = z.mean(axis=0, dtype=np.float64)
    low, high = (each(axis=0).astype(np.float64) for each in (z.min, z.max))
    return z - middle if np.abs(middle).max() > FAR * (high - low).max() else z


def agreement(neighbours: np.ndarray, labels) -> float:
    """Return the share of (row, neighbour) pairs with equal labels, 0 to 1.

    With true labels this measures the features; with a network's own predictions it needs no label at all, and
    falls when training drifts. A negative label is none, and agrees with nothing.

    Parameters
    ----------
    neighbours : ndarray of shape (n, k), int
        Row numbers, from `nearest`; `TlbookError` if there is no such row.
    labels : array_like of int or str, shape (n,)
        `TlbookError` if there is not one per row.

    Examples
    --------
    >>> agreement(np.array([[1, 2], [0, 2], [0, 1]]), [4, 4, 9])
    0.3333333333333333
    """
    neighbours = numbers(what := "agreement(): neighbours", neighbours, "iu", do := "pass nearest(z, k)")
    require(neighbours.ndim == 2 and neighbours.size, what, "shape (n, k)", f"shape {neighbours.shape}", do)
    n, low, high = len(neighbours), neighbours.min(), neighbours.max()
    require(0 <= low and high < n, what, f"row numbers from 0 to {n - 1}", f"{low} to {high}", do)
    labels = numbers("agreement(): labels", labels, "biuUS", "pass whole numbers or names, one per row")
    require(labels.shape == (n,), "agreement(): labels", f"shape ({n},)", labels.shape, "one label per row")
    none = labels < 0 if labels.dtype.kind == "i" else np.zeros(n, bool)
    return float(np.mean((labels[neighbours] == labels[:, None]) & ~none[:, None]))
