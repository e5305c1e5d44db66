"""Features of a network, extracted in batches, normalised, and kept on disk for the next time.

What is kept is a file for each answer: 32 bytes of SHA-256, of the answer's key and its rows, then the rows, float32
in C order. A file that is anything else, of another answer or of an older form, is made anew.
"""

import contextlib
import hashlib
import json
import tempfile
from pathlib import Path

import keras
import numpy as np

from tlbook.arguments import numbers, whole
from tlbook.backbones import fitting
from tlbook.data import digest, sweep
from tlbook.disk import cache_folder, regular, words
from tlbook.run import TlbookError, require, tell

CACHE_BYTES = 2_000_000_000  # the oldest files go when the cache grows beyond this


def normalise(z: np.ndarray) -> np.ndarray:
    """Scale each row to length 1; a row of zeros stays one.

    Takes finite numbers of shape (n, d), gives float64 for float64, else float32; `TlbookError` if they are none.

    >>> normalise(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    z = numbers("normalise(): z", z)
    z = z.astype(np.float64 if z.dtype == np.float64 else np.float32)
    good, do = z.ndim == 2 and z.shape[1] and np.isfinite(z).all(), "pass finite features, one row per image"
    require(good, "normalise(): z", "finite numbers of shape (n, d)", f"NaN, infinity or shape {z.shape}", do)
    # Squares of very large or small numbers are none; a power of two changes no digit of the others.
    z = np.ldexp(z, -np.frexp(np.abs(z).max(axis=1, keepdims=True))[1])
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(length > 0, length, 1)


def extract(network: keras.Model, images: np.ndarray, *, batch_size: int = 512, cache: bool = True) -> np.ndarray:
    """Return the features of images: float32 of shape (n, d), each row scaled to length 1.

    A second call with the same network, weights and images reads the answer from the cache. The answer of a network
    with layers or functions of your own is not kept: their code may change unseen.

    Parameters
    ----------
    network : keras.Model
        Ends at its feature layer: output of shape (n, d). `TlbookError` if it does not, or answers with NaN.
    images : ndarray of shape (n, ...)
        What the network takes; n at least 1, all finite. `TlbookError` if they have another shape, or are floats
        from -1 to 1 though the network scales pixels from 0 to 255 itself.
    batch_size, cache : int, bool
        Images at once; whether to look in the cache and to keep the answer there.

    Examples
    --------
    >>> from tlbook import backbones
    >>> net = backbones.small_cnn(weights=None)
    >>> extract(net, np.zeros((5, 28, 28), "uint8"), cache=False).shape
    (5, 128)
    """
    images, batch_size = fitting("extract()", network, images), whole("extract(): batch_size", batch_size)
    key = _key(network, images) if cache else None
    path = cache_folder() / "features" / f"{key}.f32"
    if key and (z := _kept(path, key, (len(images), network.output_shape[1] or -1))) is not None:
        return z
    z = np.asarray(network.predict(images, batch_size=batch_size, verbose=0)).astype(np.float32)
    do = "train the network anew, at a smaller rate: its weights are not finite, or too large"
    require(np.isfinite(z).all(), "extract(): network", "finite features", "NaN or infinity", do)
    z = normalise(z)
    if key:
        try:
            _keep(path, key, z)
        except OSError as error:  # no reason to stop
            tell(f"Features were not kept for the next time: {path.parent}: {words(error)}")
    return z


def _key(network: keras.Model, images: np.ndarray) -> str | None:
    """Name an answer by all that it depends on; None if code that is not Keras's or ours is part of it.

    None also if a layer keeps something where neither configuration nor weights show it: a vocabulary, bounds, a mean
    that was worked out when it learned them (all that has `adapt`), or a state from one call to the next.
    """
    parts = list(network._flatten_layers())
    if any(hasattr(part, "adapt") or getattr(part, "stateful", False) for part in parts):
        return None
    if any(isinstance(part, keras.layers.TFSMLayer) for part in parts):
        return None
    known = [each for part in parts for each in (type(part), *filter(callable, vars(part).values()))]
    if not all(getattr(each, "__module__", "").startswith(("keras.", "tlbook.")) for each in known):
        return None
    try:
        plan = _plan(network)
    except Exception:  # code of one's own that cannot even be named, which each part of Keras says in its own way
        return None
    if _foreign(plan):
        return None
    said = (
        json.dumps(plan),
        keras.__version__,
        keras.backend.backend(),
        str(keras.config.epsilon()),
        str(images.dtype),
        str(images.shape),
    )
    weights = digest(*(np.asarray(array) for array in network.get_weights()))
    return hashlib.sha256("\n".join((*said, weights, digest(images))).encode()).hexdigest()


def _foreign(node) -> bool:
    """Return whether a plan names code of somebody else's, or a function, of which it says the name and no more."""
    if isinstance(node, list):
        return any(map(_foreign, node))
    if not isinstance(node, dict):
        return False
    if node.get("class_name") in ("function", "__lambda__"):
        return True
    module = node.get("module")
    own = isinstance(module, str) and not f"{module}.".startswith(("keras.", "tlbook."))
    return own or any(map(_foreign, node.values()))


def _plan(network: keras.Model) -> dict:
    """Return what a network is made of, the names of its layers replaced by numbers: Keras counts names on."""
    layers = network._flatten_layers()
    steps = {step for layer in layers for step in (layer, *getattr(layer, "operations", ()))}
    named, numbered = {(type(step).__name__, step.name) for step in steps}, {}

    def number(name):
        return numbered.setdefault(name, len(numbered))

    def ends(node):  # [name, 0, 0], or a list or a dict of such
        if isinstance(node, dict):
            return {key: ends(value) for key, value in node.items()}
        return [number(node[0]), *node[1:]] if isinstance(node[0], str) else [ends(each) for each in node]

    def bare(node):
        if isinstance(node, list):
            return [bare(each) for each in node]
        if not isinstance(node, dict):
            return node
        node = {key: bare(value) for key, value in node.items() if key != "compile_config"}  # how it was trained
        config = node.get("config")
        if isinstance(config, dict):
            if (node.get("class_name"), config.get("name")) in named:
                config["name"] = node["name"] = number(config["name"])
            if node.get("class_name") == "__keras_tensor__":
                config["keras_history"] = ends(config["keras_history"])
            if "input_layers" in config:
                config |= {key: ends(config[key]) for key in ("input_layers", "output_layers")}
        return node

    return bare(json.loads(network.to_json()))


def _seal(key: str, rows: np.ndarray) -> bytes:
    return bytes.fromhex(digest(np.frombuffer(key.encode(), np.uint8), rows))


def _kept(path: Path, key: str, shape: tuple[int, int]) -> np.ndarray | None:
    """Return the answer that was kept, or None if there is none that is whole, of this key and shape, and finite."""
    n, d = shape
    with contextlib.suppress(OSError, TlbookError, ValueError, MemoryError):
        size = regular(path).st_size  # first: a file of another size may be larger than the memory
        if size != 32 + 4 * n * d and (d > 0 or (size - 32) % (4 * n) or size > CACHE_BYTES):
            return None
        content = np.fromfile(path, np.uint8, size)
        z = content[32:].view(np.float32).reshape(shape)
        if content[:32].tobytes() == _seal(key, z) and np.isfinite(z).all():
            return z
    return None


def _keep(path: Path, key: str, z: np.ndarray) -> None:
    """Write beside the place, then rename; drop the oldest files of a cache that is full, and what was left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        part = Path(beside) / path.name
        part.write_bytes(_seal(key, z) + z.tobytes())
        part.replace(path)
    sweep(path.parent, "tmp????????")
    about = []
    for file in path.parent.glob("*.*"):  # those of an older form too
        with contextlib.suppress(OSError):  # another process may have dropped it just now
            about.append((file.stat().st_mtime, file.stat().st_size, file))
    total = 0
    for _, size, file in sorted(about, reverse=True):
        total += size
        if total > CACHE_BYTES and file != path:
            with contextlib.suppress(OSError):
                file.unlink()
