"""The recipe of chapter 4, step by step, for the pages that build on it.

Chapter 4 writes each step in the open. Here they are once more, as functions that take what they need: features of
two depths, clusters, labels that spread over neighbours, a small network that learns them. tests/unit holds both
alike. Not one step is told a label of the target.
"""

import keras
import numpy as np
from keras import layers
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from tlbook.arguments import numbers, real, whole
from tlbook.augment import RandomAffine
from tlbook.backbones import fitting
from tlbook.features import normalise
from tlbook.run import jit, require

SHIFTS = (0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)  # pixels down and right: an image's five views
FEW = 10_000  # images that PCA and the starts of K-means see
STARTS, COMPONENTS = 30, 64


def two_depths(network: keras.Model, images: np.ndarray, *, seed: int, views: int = 1) -> np.ndarray:
    """Return features from the maps after a network's second batch normalisation, and from its last layer.

    The maps are summed up by PCA. Each feature of the last layer gets mean 0 and standard deviation 1, the one scale
    of chapter 4. Rows of both parts get length 1, and stand side by side.

    Parameters
    ----------
    network : keras.Model
        `backbones.small_cnn`, or another with two batch normalisations at least that ends at its features;
        `TlbookError` if it has fewer.
    images : ndarray of shape (n, height, width), uint8
        At least 65 of them, as PCA asks for more rows than components; `TlbookError` if fewer.
    seed : int
        Of PCA.
    views : int
        How many of the five one-pixel shifts are shown, from 1, the image as it is, to 5; their answers are averaged.

    Returns
    -------
    ndarray of shape (n, 64 + d), float32
        d: the width of the last layer.

    Examples
    --------
    >>> from tlbook import backbones
    >>> images = np.random.default_rng(0).integers(256, size=(80, 28, 28), dtype="uint8")
    >>> two_depths(backbones.small_cnn(weights=None), images, seed=0).shape
    (80, 192)
    """
    images, views = fitting("two_depths()", network, images), whole("two_depths(): views", views, 1, len(SHIFTS))
    many = f"more than {COMPONENTS} images"
    require(len(images) > COMPONENTS, "two_depths(): images", many, len(images), "pass more images")
    norms = [layer for layer in network.layers if isinstance(layer, layers.BatchNormalization)]
    do = "pass tl.backbones.small_cnn(...)"
    require(len(norms) > 1, "two_depths(): network", "two batch normalisations", len(norms), do)
    both = keras.Model(network.inputs, [layers.Flatten()(norms[1].output), network.outputs[0]])
    early = last = 0
    for shift in SHIFTS[:views]:
        answers = both.predict(np.roll(images, shift, axis=(1, 2)), batch_size=500, verbose=0)
        early, last = early + answers[0], last + answers[1]
    early, last = early / views, last / views
    early = PCA(COMPONENTS, random_state=seed).fit(early[:FEW]).transform(early)
    last = (last - last.mean(axis=0)) / (last.std(axis=0) + 1e-6)
    return np.hstack([normalise(early), normalise(last)]).astype("float32")


def group(z: np.ndarray, k: int = 10, *, seed: int) -> np.ndarray:
    """Return the cluster id of each row: K-means, begun from the best of thirty starts on the first 10,000 rows.

    Parameters
    ----------
    z : ndarray of shape (n, d), floating
        Features.
    k : int
        How many clusters.
    seed : int
        Of the starts.

    Returns
    -------
    ndarray of shape (n,), int32
        From 0 to k - 1.

    Examples
    --------
    >>> ids = group(np.array([[0.0], [0.1], [5.0], [5.1]]), 2, seed=0)
    >>> bool(ids[0] == ids[1] != ids[2] == ids[3])
    True
    """
    few = KMeans(k, n_init=STARTS, random_state=seed).fit(z[:FEW])
    return KMeans(k, init=few.cluster_centers_, n_init=1).fit_predict(z)


def spread(ids, neighbours: np.ndarray, rounds: int = 30, *, equal_mass: bool = True) -> np.ndarray:
    """Average labels over a graph of neighbours: diffusion, P ← ½ (I + W) P (chapter 4, section 2).

    Each row of P has a probability for each class, at first all on its id. After each round every column is scaled to
    the same sum, then every row to sum 1: one sweep of Sinkhorn's algorithm (Sinkhorn 1967).

    Parameters
    ----------
    ids : array_like of int, shape (n,)
        From 0 on, one for each image; `TlbookError` if not.
    neighbours : ndarray of shape (n, k), int
        Row numbers, from `neighbours.nearest`; `TlbookError` if there is no such row.
    rounds : int
        How often, from 0 on.
    equal_mass : bool
        Whether the columns are scaled. Right only where classes are about equally frequent.

    Returns
    -------
    ndarray of shape (n,), int64
        The id with the highest probability.

    Examples
    --------
    The third image began with the wrong id; both that it asks know better.

    >>> spread([0, 0, 1], np.array([[1, 2], [0, 2], [0, 1]]), 2, equal_mass=False).tolist()
    [0, 0, 0]
    """
    ids, rounds = numbers("spread(): ids", ids, "iu"), whole("spread(): rounds", rounds, 0)
    neighbours, do = numbers("spread(): neighbours", neighbours, "iu"), "pass tl.neighbours.nearest(z, k)"
    good = ids.ndim == 1 and ids.size and ids.min() >= 0
    require(good, "spread(): ids", "ids from 0 on, one per image", f"shape {ids.shape}", "pass ids of clusters")
    good = neighbours.ndim == 2 and len(neighbours) == len(ids) and neighbours.shape[1]
    require(good, "spread(): neighbours", f"shape ({len(ids)}, k)", f"shape {neighbours.shape}", do)
    good = 0 <= neighbours.min() and neighbours.max() < len(ids)
    found = f"{neighbours.min()} to {neighbours.max()}"
    require(good, "spread(): neighbours", f"row numbers from 0 to {len(ids) - 1}", found, do)
    n, k = neighbours.shape
    arrows = csr_matrix((np.full(n * k, 1 / k, "float32"), neighbours.ravel(), np.arange(0, n * k + 1, k)), (n, n))
    p = np.eye(ids.max() + 1, dtype="float32")[ids]
    for _ in range(rounds):
        p = (p + arrows @ p) / 2
        if equal_mass:
            p /= np.maximum(p.sum(axis=0), 1e-9)
            p /= p.sum(axis=1, keepdims=True)
    return p.argmax(axis=1)


def learn(images: np.ndarray, labels, *, epochs: int = 6, batch_size: int = 256, strength: float = 0.5):
    """Train a fresh small network on labels, whoever gave them, under augmentation.

    Adam, its learning rate falling from 2e-3 to 0 along a cosine; cross-entropy.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), uint8
        What it learns from.
    labels : array_like of int, shape (n,)
        From 0 to 9; `TlbookError` if not, or if there is not one per image.
    epochs, batch_size : int
        How often each image is seen, and how many at once.
    strength : float
        Of the augmentation, as a share of `RandomAffine`'s own limits.

    Returns
    -------
    keras.Sequential
        Gives ten logits for each image.

    Examples
    --------
    >>> images = np.zeros((4, 28, 28), "uint8")
    >>> learn(images, [0, 1, 2, 3], epochs=1).output_shape
    (None, 10)
    """
    strength, epochs = real("learn(): strength", strength, 0, 5), whole("learn(): epochs", epochs)
    labels, batch_size = numbers("learn(): labels", labels, "iu"), whole("learn(): batch_size", batch_size)
    good = labels.shape == (len(images),) and labels.size and 0 <= labels.min() and labels.max() <= 9
    found = f"shape {labels.shape}, {labels.min()} to {labels.max()}" if labels.size else "none"
    require(good, "learn(): labels", f"one per image, {len(images)}, from 0 to 9", found, "pass ids from 0 to 9")
    limits = {"rotation": 0.3, "zoom": 0.15, "shear": 0.2, "shift": 2.5}
    parts = [keras.Input((28, 28)), RandomAffine(**{what: strength * limit for what, limit in limits.items()})]
    parts += [layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    for filters in (16, 32):
        parts.append(layers.Conv2D(filters, 5, padding="same", activation="relu"))
        parts += [layers.MaxPooling2D(), layers.BatchNormalization(momentum=0.9)]
    network = keras.Sequential([*parts, layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)])
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(images) // batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=jit())
    network.fit(images, labels, batch_size=batch_size, epochs=epochs, verbose=0)
    return network


def predict(network: keras.Model, images: np.ndarray, *, views: int = len(SHIFTS)) -> np.ndarray:
    """Return probabilities, float32 of shape (n, classes): the mean over an image's views, shifted by one pixel.

    >>> network = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
    >>> predict(network, np.zeros((3, 28, 28), "uint8"), views=1).shape
    (3, 10)
    """
    views = whole("predict(): views", views, 1, len(SHIFTS))
    moved = (np.roll(images, shift, axis=(1, 2)) for shift in SHIFTS[:views])
    return sum(softmax(network.predict(x, batch_size=1_000, verbose=0), axis=1) for x in moved) / views
