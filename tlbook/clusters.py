"""What a clustering is worth: cluster ids matched to classes, then scored.

Cluster ids are arbitrary names: nothing here changes when clusters are renumbered. A negative id is none: the sample
is in no cluster, as HDBSCAN says of noise. Classes and ids are array_likes of int, of shape (n,). Every function
raises `TlbookError`, naming the argument at fault, if one is empty, not a vector of whole numbers, or not as long as
the other, and where classes are needed, if one is negative.
"""

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from tlbook.arguments import numbers, shown
from tlbook.run import TlbookError, require

PAIRS = 10_000_000  # of classes and clusters: more are row numbers taken for ids, and would fill the memory


def _ids(name: str, values) -> np.ndarray:
    """Return labels as an int64 vector, or say why they cannot be labels."""
    array = numbers(name, values, kinds="biufcUSOTMm")  # what is no number is told how to become one
    require(
        array.ndim == 1 and array.size, name, "a vector with at least one id", f"shape {array.shape}", "one id each"
    )
    missing = array.dtype.kind == "f" and np.isnan(array).any()
    found = "NaN" if missing else f"{array.dtype} values"
    mend = f"{name}.argmax(axis=1) for scores, numpy.unique({name}, return_inverse=True)[1] for names"
    require(array.dtype.kind in "iub", name, "whole numbers", found, mend)
    require(array.max() < 2**63, name, "ids below 2**63", array.max(), f"numpy.unique({name}, return_inverse=True)[1]")
    return array.astype(np.int64)


def _pair(y_true, y_cluster) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_cluster = _ids("y_true", y_true), _ids("y_cluster", y_cluster)
    if len(y_true) != len(y_cluster):
        found = f"{len(y_true)} and {len(y_cluster)} entries"
        raise TlbookError("y_true and y_cluster", "equal lengths", found, "score the same samples")
    return y_true, y_cluster


def _table(y_true, y_cluster) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, classes, and how many samples each pair of them has; samples without a cluster are left out."""
    y_true, y_cluster = _pair(y_true, y_cluster)
    low, do = y_true.min(), "number them 0, 1, 2, …"
    require(low >= 0, "y_true", "classes from 0 on (-1 is no class)", low, do)
    y_true, y_cluster = y_true[y_cluster >= 0], y_cluster[y_cluster >= 0]
    classes, (ids, first) = np.unique(y_true), np.unique(y_cluster, return_index=True)
    found, do = f"{len(classes)} classes, {len(ids)} clusters", "pass classes and ids, not row numbers"
    require(len(classes) * len(ids) <= PAIRS, "y_true and y_cluster", f"at most {PAIRS:,} pairs", found, do)
    order = np.argsort(first)  # by first appearance: renumbering must not change how ties are broken
    table = metrics.cluster.contingency_matrix(y_cluster, y_true)[order] if len(ids) else np.zeros((0, 0), int)
    return ids[order], classes, table


def _groups(ids: np.ndarray) -> np.ndarray:
    """Return group numbers, a sample without a cluster in a group of its own."""
    return np.where(ids < 0, len(ids) + np.arange(len(ids)), np.unique(ids, return_inverse=True)[1])


def match(y_true, y_cluster, how: str = "one-to-one") -> dict[int, int]:
    """Find which class each cluster stands for.

    Source: Kuhn (1955); its use for clustering accuracy: Xie, Girshick and Farhadi (2016), section 4.2.

    Parameters
    ----------
    y_true, y_cluster : array_like of int, shape (n,)
        Classes and cluster ids of the same samples; those without a cluster are left out.
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
    known = isinstance(how, str) and how in ("one-to-one", "majority")
    require(known, "match(): how", "'one-to-one' or 'majority'", shown(how), "how='one-to-one'")
    ids, classes, table = _table(y_true, y_cluster)
    if how == "majority" and len(ids):
        rows, columns = np.arange(len(ids)), table.argmax(axis=1)
    else:
        rows, columns = linear_sum_assignment(table, maximize=True)
    return dict(zip(ids[rows].tolist(), classes[columns].tolist(), strict=True))


def rename(y_cluster, matching: dict[int, int]) -> np.ndarray:
    """Replace each cluster id by its class, negative ids and those without a class by -1; int64, shape (n,).

    `matching` comes from `match` and may be made on other samples: match on the training set,
    score on the test set.

    >>> rename([7, 3, 5], {7: 0, 3: 1}).tolist()
    [0, 1, -1]
    """
    whole = isinstance(matching, dict) and all(
        isinstance(each, int | np.integer) and not isinstance(each, np.timedelta64) and -(2**63) <= each < 2**63
        for each in itertools.chain(matching, matching.values())
    )
    do = "pass match(y_true, y_cluster)"
    require(whole, "rename(): matching", "whole numbers for ids and classes", shown(matching), do)
    ids = _ids("y_cluster", y_cluster).tolist()
    return np.array([matching.get(each, -1) if each >= 0 else -1 for each in ids], np.int64)


def accuracy(y_true, y_cluster, how: str = "one-to-one") -> float:
    """Return the share of samples whose cluster stands for their class (ACC), 0 to 1.

    A sample without a cluster counts as wrong.

    Matching (`how`: see `match`) and scoring use the same samples, as papers do. To match on one
    set and score on another, use `match` and `rename`.

    >>> accuracy([0, 0, 1, 1], [7, 7, 3, 7])
    0.75
    """
    return float(np.mean(rename(y_cluster, match(y_true, y_cluster, how)) == np.asarray(y_true)))


def nmi(y_true, y_cluster) -> float:
    """Return normalised mutual information (arithmetic mean), 0 to 1; needs no matching.

    A sample without a cluster is a group of its own: read this score beside `ari`, since it is kind to many small
    groups. Source: Strehl and Ghosh (2002), section 3; the mean: Vinh, Epps and Bailey (2010), table 2.

    >>> nmi([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(metrics.normalized_mutual_info_score(*map(_groups, _pair(y_true, y_cluster))))


def ari(y_true, y_cluster) -> float:
    """Return the adjusted Rand index: 1 for equal partitions, about 0 for random ones.

    A sample without a cluster is a group of its own, so leaving it out earns nothing: a pair with it is never together.
    Source: Hubert and Arabie (1985), equation 5.

    >>> ari([0, 0, 1, 1], [7, 7, 3, 3])
    1.0
    """
    return float(metrics.adjusted_rand_score(*map(_groups, _pair(y_true, y_cluster))))


def sizes(y_cluster) -> dict[int, int]:
    """Return how many samples each cluster holds; negative ids are left out.

    >>> sizes([7, 7, 3])
    {3: 1, 7: 2}
    """
    ids = _ids("y_cluster", y_cluster)
    ids, counts = np.unique(ids[ids >= 0], return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def purity(y_true, y_cluster) -> dict[int, float]:
    """Return, for each cluster, the share of its most frequent class, 0 to 1; negative ids are left out.

    >>> purity([0, 0, 1, 1], [7, 7, 7, 3])
    {3: 1.0, 7: 0.6666666666666666}
    """
    ids, _, table = _table(y_true, y_cluster)
    return {int(cluster): float(row.max() / row.sum()) for cluster, row in sorted(zip(ids, table, strict=True))}
