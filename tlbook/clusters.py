"""What a clustering is worth: cluster ids matched to classes, then scored.

Cluster ids are arbitrary names: nothing here changes when clusters are renumbered. Classes and ids
are array_likes of int, of shape (n,). Every function raises `TlbookError`, naming the argument at
fault, if one is empty, not a vector of whole numbers, or not as long as the other.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from tlbook.run import TlbookError


def _ids(name: str, values) -> np.ndarray:
    """Return labels as an int64 vector, or say why they cannot be labels."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise TlbookError(name, "a vector with at least one id", f"shape {array.shape}", "pass one id a sample")
    if array.dtype.kind not in "iub":
        missing = array.dtype.kind == "f" and np.isnan(array).any()
        mend = f"{name}.argmax(axis=1) for scores, numpy.unique({name}, return_inverse=True)[1] for names"
        raise TlbookError(name, "whole numbers", "NaN" if missing else f"{array.dtype} values", mend)
    return array.astype(np.int64)


def _pair(y_true, y_cluster) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_cluster = _ids("y_true", y_true), _ids("y_cluster", y_cluster)
    if len(y_true) != len(y_cluster):
        found = f"{len(y_true)} and {len(y_cluster)} entries"
        raise TlbookError("y_true and y_cluster", "equal lengths", found, "score the same samples")
    return y_true, y_cluster


def match(y_true, y_cluster, how: str = "one-to-one") -> dict[int, int]:
    """Find which class each cluster stands for.

    Source: Kuhn (1955); its use for clustering accuracy: Xie, Girshick and Farhadi (2016), section 4.2.

    Parameters
    ----------
    y_true, y_cluster : array_like of int, shape (n,)
        Classes and cluster ids of the same samples.
    how : {"one-to-one", "majority"}
        ``"one-to-one"``: each class is given to at most one cluster, so that the most samples agree
        (the Hungarian algorithm). With more clusters than classes some clusters get no class, and
        their samples count as wrong; with fewer, some classes are never named.
        ``"majority"``: each cluster takes its most frequent class, so several may share one. It
        tends to rise as clusters are added: compare it between equal numbers of clusters.

    Returns
    -------
    dict of int to int
        Class of each cluster; clusters without one are left out.

    Examples
    --------
    >>> match([0, 0, 1, 1], [7, 7, 3, 3])
    {7: 0, 3: 1}
    """
    if how not in ("one-to-one", "majority"):
        raise TlbookError("match(): how", "'one-to-one' or 'majority'", repr(how), "how='one-to-one'")
    y_true, y_cluster = _pair(y_true, y_cluster)
    if y_true.min() < 0:
        raise TlbookError("y_true", "classes from 0 on (-1 is no class)", str(y_true.min()), "number them 0, 1, 2, …")
    classes, (ids, first) = np.unique(y_true), np.unique(y_cluster, return_index=True)
    order = np.argsort(first)  # by first appearance: renumbering must not change how ties are broken
    table = metrics.cluster.contingency_matrix(y_cluster, y_true)[order]
    if how == "majority":
        rows, columns = np.arange(len(ids)), table.argmax(axis=1)
    else:
        rows, columns = linear_sum_assignment(table, maximize=True)
    return dict(zip(ids[order[rows]].tolist(), classes[columns].tolist(), strict=True))


def rename(y_cluster, matching: dict[int, int]) -> np.ndarray:
    """Replace each cluster id by its class, and ids without a class by -1; int64, shape (n,).

    `matching` comes from `match` and may be made on other samples: match on the training set,
    score on the test set.

    >>> rename([7, 3, 5], {7: 0, 3: 1}).tolist()
    [0, 1, -1]
    """
    return np.array([matching.get(cluster, -1) for cluster in _ids("y_cluster", y_cluster).tolist()], np.int64)


def accuracy(y_true, y_cluster, how: str = "one-to-one") -> float:
    """Return the share of samples whose cluster stands for their class (ACC), 0 to 1.

    Matching (`how`: see `match`) and scoring use the same samples, as papers do. To match on one
    set and score on another, use `match` and `rename`.

    >>> accuracy([0, 0, 1, 1], [7, 7, 3, 7])
    0.75
    """
    renamed = rename(y_cluster, match(y_true, y_cluster, how))
    return float(np.mean(renamed == np.asarray(y_true)))


def nmi(y_true, y_cluster) -> float:
    """Return normalised mutual information (arithmetic mean), 0 to 1; needs no matching.

    Source: Strehl and Ghosh (2002), section 3; the mean: Vinh, Epps and Bailey (2010), table 2.

    >>> nmi([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(metrics.normalized_mutual_info_score(*_pair(y_true, y_cluster)))


def ari(y_true, y_cluster) -> float:
    """Return the adjusted Rand index: 1 for equal partitions, about 0 for random ones.

    Source: Hubert and Arabie (1985), equation 5.

    >>> ari([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(metrics.adjusted_rand_score(*_pair(y_true, y_cluster)))


def sizes(y_cluster) -> dict[int, int]:
    """Return how many samples each cluster holds.

    >>> sizes([7, 7, 3])
    {3: 1, 7: 2}
    """
    ids, counts = np.unique(_ids("y_cluster", y_cluster), return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def purity(y_true, y_cluster) -> dict[int, float]:
    """Return, for each cluster, the share of its most frequent class, 0 to 1.

    >>> purity([0, 0, 1, 1], [7, 7, 7, 3])
    {3: 1.0, 7: 0.6666666666666666}
    """
    y_true, y_cluster = _pair(y_true, y_cluster)
    table = metrics.cluster.contingency_matrix(y_cluster, y_true)
    share = table.max(axis=1) / table.sum(axis=1)
    return dict(zip(np.unique(y_cluster).tolist(), share.tolist(), strict=True))
