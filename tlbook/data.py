"""Data sets, each checked by the digest of its arrays and each saying where it came from.

`mnist` looks in the folder ``TLBOOK_DATA`` (a "classroom data pack"), then in Keras's cache, then
downloads. Only an absent file moves the search on; a wrong one stops it. `digits` ships with
scikit-learn, `letters` is rendered on the spot.
"""

import functools
import hashlib
import os
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tlbook import glyphs
from tlbook.run import TlbookError, log

MADE = ("digits", "letters")  # here, and so never downloaded
PARTS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Provenance:
    """Where a data set came from."""

    name: str  # its usual name
    source: str  # the file, the package or the recipe that it was read from
    licence: str  # under what terms it may be used
    digest: str  # SHA-256 of its arrays, in the order of `PARTS`


@dataclass(frozen=True)
class Dataset:
    """Images with labels, in a training and a test part. The arrays cannot be written to."""

    x_train: np.ndarray = field(repr=False)  # uint8 (n, height, width), grey: 0 (black) to 255 (white)
    y_train: np.ndarray = field(repr=False)  # uint8 (n,), positions in class_names
    x_test: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]
    provenance: Provenance


def digest(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of the arrays' bytes, one after the other, in C order.

    >>> digest(np.zeros(3, "uint8"))[:12]
    '709e80c88487'
    """
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


@functools.cache
def _entries() -> dict[str, dict]:
    """Return what ``files.toml`` says of each data set that comes as a file."""
    return tomllib.loads(Path(__file__).with_name("files.toml").read_text(encoding="utf-8"))


def _entry(name: str) -> dict:
    if name not in _entries():
        made = f" ({name} is made here and never downloaded)" if name in MADE else ""
        raise TlbookError("data set", " or ".join(_entries()), repr(name) + made, "python -m tlbook data list")
    return _entries()[name]


def all_names() -> list[str]:
    """Return the names of everything that can be asked for: data sets and pretrained weights."""
    return [*_entries(), *MADE]


def _cache(entry: dict) -> Path:
    """Return the folder in which Keras keeps such files."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / entry.get("folder", "datasets")


def _unreadable(path: Path, error: OSError) -> TlbookError:
    found = (error.strerror or type(error).__name__).lower()
    return TlbookError(str(path), "a file that can be read", found, f"chmod -R u+rX '{path.parent}'")


def locate(name: str) -> Path | None:
    """Return the file of a data set on this disk, or None where there is none.

    Raises `TlbookError` if no data set of that name lives in a file, or a folder is unreadable or not there.
    """
    entry, asked = _entry(name), os.environ.get("TLBOOK_DATA")
    file, pack = entry["file"], Path(asked).expanduser() if asked else None
    for folder in filter(None, (pack, _cache(entry))):
        path = folder / file
        try:
            path.stat()
            return path
        except (FileNotFoundError, NotADirectoryError) as error:
            if folder is pack and not pack.is_dir():
                found = "a file" if pack.exists() else "nothing there"
                mend = f"export TLBOOK_DATA=/the/folder/with/{file}   (or: unset TLBOOK_DATA)"
                raise TlbookError(f"TLBOOK_DATA={asked}", "a folder with the data pack", found, mend) from error
        except OSError as error:
            raise _unreadable(path, error) from error
    return None


def on_disk(*names: str) -> bool:
    """Return whether all these data sets can be had without a download."""
    return all(name in MADE or locate(name) is not None for name in names)


def _read(path: Path, entry: dict) -> dict[str, np.ndarray]:
    """Read and check every array of a file, or say which one is wrong."""
    again = f"rm -r '{path}' && python -m tlbook data fetch {path.stem}"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {part: file[part] for part in entry["arrays"]}
    except PermissionError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # NumPy, zipfile and zlib each have their own for a broken file
        found = f"a broken file of {path.stat().st_size} bytes ({error})"
        raise TlbookError(
            str(path), f"an .npz file with the arrays {', '.join(entry['arrays'])}", found, again
        ) from error
    for part, array in arrays.items():
        right = {"dtype": "uint8"} | entry["arrays"][part]
        wanted, sha256 = f"{right['dtype']} {tuple(right['shape'])}", right["sha256"]
        if (found := f"{array.dtype} {array.shape}") != wanted:
            raise TlbookError(f"{path}: {part}", wanted, found, again)
        if (found := digest(array)) != sha256:
            raise TlbookError(f"{path}: {part}", f"SHA-256 {sha256[:16]}…", f"{found[:16]}…", again)
    return arrays


def fetch(name: str) -> Path:
    """Return the file of a data set; if it is not on this disk yet, download it into Keras's cache.

    It is moved to its place once it is whole and its digest is right, so a download that breaks off leaves
    nothing behind. Raises `TlbookError` as `locate` does, and if the download fails.
    """
    if (path := locate(name)) is not None:
        return path
    import keras

    entry, cache = _entry(name), _cache(_entry(name))
    file, url = entry["file"], entry.get("url", "nobody offers it")
    try:
        print(f"Downloading {file} ({entry['megabytes']} MB) into {cache}")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache) as beside:
            options = {"file_hash": entry["digest"], "cache_dir": beside, "cache_subdir": ""}
            return Path(keras.utils.get_file(file, url, **options)).replace(cache / file)
    except Exception as error:
        raise TlbookError(
            f"{file} is neither in TLBOOK_DATA ({os.environ.get('TLBOOK_DATA') or 'not set'}) nor in "
            f"Keras's cache ({cache}), and its download failed: {url}",
            "a whole file from one of the three", " ".join(str(error).split())[:200] or type(error).__name__,
            f"connect to the network and run  python -m tlbook data fetch {name} , or  export TLBOOK_DATA=FOLDER  "
            f"with a copy of {file} in it",
        ) from error  # fmt: skip


def fetch_checked(name: str) -> Path:
    """Return the file of `fetch`, but only if it is the listed one to the last bit: for weights, which are not arrays.

    Raises `TlbookError` as `fetch` does, and if the file on this disk is another one.
    """
    path, wanted = fetch(name), _entry(name)["digest"]
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "md5" if len(wanted) == 32 else "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != wanted:
        again = f"rm -r '{path}' && python -m tlbook data fetch {name}"
        raise TlbookError(str(path), f"digest {wanted[:16]}…", f"{found[:16]}…", again)
    return path


def verify(name: str) -> str:
    """Read and check a data set or a file of weights; say what it is. Raises `TlbookError` if it is wrong or absent."""
    if name not in MADE and "arrays" not in _entry(name):
        return f"right, {fetch_checked(name)}, {_entry(name)['licence']}"
    found = globals()[name]().provenance
    return f"right, SHA-256 {found.digest[:16]}…, {found.source}, {found.licence}"


def mnist() -> Dataset:
    """Load MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels.

    Looks in the folder ``TLBOOK_DATA``, then in Keras's cache, then downloads (11.5 MB). It never
    answers with other data: `TlbookError` if the file is nowhere to be had, or is not MNIST.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A.

    >>> mnist().x_train.shape                              # doctest: +SKIP
    (60000, 28, 28)
    """
    path, entry = fetch("mnist"), _entry("mnist")
    return _dataset(_read(path, entry).values(), "0123456789", "MNIST", str(path), entry["licence"])


def cifar10() -> Dataset:
    """Load a subset of CIFAR-10: 10,000 + 2,000 photographs of 32 x 32 pixels in ten classes.

    It was decoded from a JPEG copy, so it is not the canonical data set: say so beside every number.
    It comes with a data pack only: `TlbookError` if the file is in neither the folder ``TLBOOK_DATA`` nor
    Keras's cache. Images: uint8 of shape (n, 32, 32, 3), red, green and blue from 0 to 255.

    Source: Krizhevsky (2009), section 3.1.

    >>> cifar10().x_train.shape                            # doctest: +SKIP
    (10000, 32, 32, 3)
    """
    path, entry = fetch("cifar10"), _entry("cifar10")
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()
    return _dataset(_read(path, entry).values(), names, "CIFAR-10 subset (JPEG)", str(path), entry["licence"])


def as_rgb(images: np.ndarray, size: int = 32) -> np.ndarray:
    """Set grey images in the middle of a black square and give them three equal channels.

    Takes (n, height, width) of any dtype, gives (n, size, size, 3) of the same; `TlbookError` if the images
    have another shape, or do not fit in.

    >>> as_rgb(np.ones((2, 28, 28), "uint8")).shape
    (2, 32, 32, 3)
    """
    if images.ndim != 3 or max(images.shape[1:]) > size:
        expected = f"shape (n, height, width), at most {size} pixels a side"
        raise TlbookError("as_rgb(): images", expected, f"shape {images.shape}", "take grey images, or a larger size")
    edges = [((size - side) // 2, size - side - (size - side) // 2) for side in images.shape[1:]]
    return np.repeat(np.pad(images, ((0, 0), *edges))[..., None], 3, axis=-1)


def digits() -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits, drawn to 28 x 28 pixels.

    The 8 x 8 originals are enlarged to 24 x 24 and set in the middle. The last 497 images are the
    test part; the order is the original one, so writers differ between the parts.

    Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository.

    >>> digits().x_train.shape, digits().x_test.shape
    ((1300, 28, 28), (497, 28, 28))
    """
    from sklearn.datasets import load_digits

    raw = load_digits()
    x = np.round(255 * glyphs.enlarge(raw.images / 16)).astype(np.uint8)
    y = raw.target.astype(np.uint8)
    arrays, licence = (x[:1300], y[:1300], x[1300:], y[1300:]), "CC BY 4.0 (E. Alpaydin, C. Kaynak)"
    return _dataset(arrays, "0123456789", "scikit-learn digits", "scikit-learn", licence)


def letters(n=40_000, n_test=4_000, *, without="", seed=0, **options) -> Dataset:
    """Render letters a-z and A-Z: a labelled source data set that needs no download.

    `n` training and `n_test` test images; the rest (`size`, `fonts`, `through`) as for
    `tlbook.glyphs.render`, its errors too.

    >>> d = letters(n=200, n_test=50, without="Oo")
    >>> d.x_train.shape, len(d.class_names)
    ((200, 28, 28), 50)
    """
    if min(n, n_test) < 1:
        raise TlbookError("letters(): n, n_test", "at least 1 image each", f"{n}, {n_test}", "ask for more")
    x, y, names = glyphs.render(n + n_test, without=without, seed=seed, **options)
    said = {"without": without, **options}
    recipe = ", ".join([f"tlbook.glyphs, seed {seed}", *(f"{key} {value}" for key, value in said.items() if value)])
    licence = "made here from the fonts of matplotlib (free licences)"
    return _dataset((x[:n], y[:n], x[n:], y[n:]), names, "rendered letters", recipe, licence)


def few_of_each(labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Choose `n` random images of each class, so that more labels are always the same and some more.

    Takes (images,) class numbers, gives (classes * n,) int64 places among them, class by class, the classes in
    order; `TlbookError` if a class has fewer than `n` images, or `n` is below 1.

    >>> few_of_each(np.array([1, 0, 1, 0, 1]), n=1, seed=0)
    array([3, 2])
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = {which: order[labels[order] == which] for which in np.unique(labels)}
    which, size = min(((which, len(rows)) for which, rows in by_class.items()), key=lambda each: each[1])
    if not 1 <= n <= size:
        expected = f"1 to {size}, the number of images of class {which}"
        raise TlbookError(
            "few_of_each(): n", expected, str(n), "ask for fewer labels a class, or take a larger data set"
        )
    return np.concatenate([rows[:n] for rows in by_class.values()])


def _dataset(arrays, class_names, name: str, source: str, licence: str) -> Dataset:
    """Make a `Dataset` of four arrays in the order of `PARTS`, and tell the recorder."""
    arrays = tuple(arrays)
    for array in arrays:
        array.setflags(write=False)
    total = digest(*arrays)
    log(kind="data", name=name, digest=total)
    return Dataset(*arrays, tuple(class_names), Provenance(name, source, licence, total))
