"""Features of a network, extracted in batches, normalised, and kept on disk for the next time."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import keras
import numpy as np

from tlbook.data import digest
from tlbook.run import TlbookError

CACHE_BYTES = 2_000_000_000  # the oldest files go when the cache grows beyond this


def cache_folder() -> Path:
    """Return the folder of the cache: ``TLBOOK_CACHE``, or ``~/.cache/tlbook``."""
    return Path(os.environ.get("TLBOOK_CACHE") or Path.home() / ".cache" / "tlbook")


def normalise(z: np.ndarray) -> np.ndarray:
    """Scale each row to length 1; a row of zeros stays one.

    >>> normalise(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(length > 0, length, 1)


def extract(network: keras.Model, images: np.ndarray, *, batch_size: int = 512, cache: bool = True) -> np.ndarray:
    """Return the features of images: float32 of shape (n, d), each row scaled to length 1.

    A second call with the same network, weights and images reads the answer from the cache. Raises
    `TlbookError` if the images are empty, hold NaN, or have another shape than the network takes.

    Parameters
    ----------
    network : keras.Model
        Ends at its feature layer: output of shape (n, d).
    images : ndarray of shape (n, ...)
        What the network takes; n at least 1, no NaN.
    batch_size, cache : int, bool
        Images at once; whether to look in the cache and to keep the answer there.

    Examples
    --------
    >>> from tlbook import backbones
    >>> net = backbones.small_cnn(weights=None)
    >>> extract(net, np.zeros((5, 28, 28), "uint8"), cache=False).shape
    (5, 128)
    """
    images, wanted = np.asarray(images), (None, *network.input_shape[1:])
    if images.size == 0 or (None, *images.shape[1:]) != wanted:
        expected = f"shape {wanted} with at least one image"
        raise TlbookError("extract(): images", expected, f"shape {images.shape}", "reshape or resize the images")
    if images.dtype.kind == "f" and np.isnan(images).any():
        raise TlbookError("extract(): images", "numbers", "NaN", "images = numpy.nan_to_num(images)")
    if len(network.output_shape) != 2:
        found, mend = str(network.output_shape), "end it at its feature layer"
        raise TlbookError("extract(): network", "an output of shape (None, d)", found, mend)

    path = cache_folder() / "features" / f"{_key(network, images)}.npy" if cache else None
    if cache:
        with contextlib.suppress(Exception):  # absent, cut short or unreadable: made anew
            return np.load(path, allow_pickle=False)
    z = normalise(network.predict(images, batch_size=batch_size, verbose=0)).astype(np.float32)
    if cache:
        try:
            _keep(path, z)
        except OSError as error:  # no reason to stop
            print(f"Features were not kept for the next time: {path.parent}: {error.strerror or error}")
    return z


def _key(network: keras.Model, images: np.ndarray) -> str:
    """Name an answer by all that it depends on."""
    parts = (network.to_json(), keras.__version__, keras.backend.backend(), str(images.dtype), str(images.shape))
    weights = digest(*(np.asarray(array) for array in network.get_weights()))
    return hashlib.sha256("\n".join((*parts, weights, digest(images))).encode()).hexdigest()


def _keep(path: Path, z: np.ndarray) -> None:
    """Write beside the place, then rename; drop the oldest files of a cache that is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        np.save(Path(beside) / path.name, z)
        (Path(beside) / path.name).replace(path)
    total = 0
    for file in sorted(path.parent.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True):
        total += file.stat().st_size
        if total > CACHE_BYTES and file != path:
            file.unlink(missing_ok=True)
