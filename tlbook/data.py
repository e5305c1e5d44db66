"""Data sets, each checked by the digest of its arrays and each saying where it came from.

`mnist` looks in the folder ``TLBOOK_DATA`` (a "classroom data pack"), then in Keras's cache, then
downloads. Only an absent file moves the search on; a wrong one stops it. `mnist_small`, a sample of it,
ships with this package and `digits` with scikit-learn; `letters` is rendered on the spot, and `folder`
reads your own pictures.
"""

import contextlib
import errno
import functools
import hashlib
import math
import os
import shlex
import shutil
import socket
import tempfile
import time
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tlbook import folders, glyphs
from tlbook.arguments import MAX_SIZE, numbers, real, shown, whole
from tlbook.disk import home, named, probe, read_text, regular, words, write
from tlbook.run import TlbookError, log, requested_profile, require, tell

SAMPLES = Path(__file__).with_name("samples")  # what ships with the package
FILES = Path(__file__).with_name("files.toml")
MADE = ("digits", "letters")  # here, and so never downloaded
CIFAR10 = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
PARTS = ("x_train", "y_train", "x_test", "y_test")
PATIENCE = 60  # seconds that a server may be silent
LEFT_OVER = 3600  # seconds after which what is half-written was left by a process that was killed
FULL = "ENOSPC EDQUOT EFBIG EROFS EIO EACCES EISDIR".split()  # what a disk says, and no network


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
    """Return the SHA-256 of the arrays' bytes, one after the other, in C order; `TlbookError` for Python objects.

    >>> digest(np.zeros(3, "uint8"))[:12]
    '709e80c88487'
    """
    total = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(numbers("digest(): array", array, "biufcSUVMm"))
        found = f"{array.dtype}"[:80]
        require(not array.dtype.hasobject, "digest(): array", "numbers or texts", found, "pass an array of numbers")
        total.update(array.reshape(-1).view(np.uint8))  # bytes, for dtypes that Python's buffers do not know
    return total.hexdigest()


@functools.cache
def _entries() -> dict[str, dict]:
    """Return what ``files.toml`` says of each data set that comes as a file; `TlbookError` if it is spoiled."""
    try:
        entries, found = tomllib.loads(read_text(FILES)), "an entry of another kind"
        good = bool(entries) and all(map(_is_entry, entries.values()))
    except (ValueError, RecursionError) as error:
        good, found = False, " ".join(str(error).split())[:200]
    do = f"git checkout -- {shlex.quote(str(FILES))}   or install tlbook again"
    require(good, str(FILES), "the list of data sets that was shipped", found, do)
    return entries


def _is_entry(entry) -> bool:
    match entry:
        case {"file": str(), "licence": str(), "megabytes": int() | float(), **others}:
            arrays = others.pop("arrays", {})
            good = isinstance(arrays, dict) and all(isinstance(other, str) for other in others.values())
            return good and all(map(_is_part, arrays.values())) and bool(arrays or "digest" in others)
    return False


def _is_part(part) -> bool:
    match part:
        case {"shape": list(shape), "sha256": str()}:
            return all(type(side) is int for side in shape)
    return False


def _entry(name: str) -> dict:
    if not isinstance(name, str) or name not in _entries():
        made = f" ({name} is made here and never downloaded)" if str(name) in MADE else ""
        raise TlbookError("data set", " or ".join(_entries()), shown(name) + made, "python -m tlbook data list")
    return _entries()[name]


def all_names() -> list[str]:
    """Return the names of everything that can be asked for: data sets and pretrained weights."""
    return [*_entries(), *MADE]


def _cache(entry: dict) -> Path:
    """Return the folder in which Keras keeps such files."""
    return Path(os.environ.get("KERAS_HOME") or home() / ".keras") / entry.get("folder", "datasets")


def _unreadable(path: Path, error: OSError) -> TlbookError:
    another = f"export TLBOOK_DATA=/another/folder/with/{path.name}"  # which is looked at first
    do = f"chmod -R u+rX {shlex.quote(str(path.parent))}" if isinstance(error, PermissionError) else another
    return TlbookError(str(path), "a file that can be read", words(error), do)


def _replaced(name: str, path: Path) -> bool:
    """Return whether `fetch` can replace this file by a right one."""
    return path.parent == _cache(_entry(name)) and "url" in _entry(name) and not path.is_dir()


def _cure(name: str, path: Path) -> str:
    """Say how a wrong file is replaced; never by removing it first, since there may be no other."""
    if path.parent == SAMPLES:
        return f"git checkout -- {shlex.quote(str(path))}   or install tlbook again"
    if path.is_dir():
        offered = path.parent == _cache(_entry(name)) and "url" in _entry(name)
        then = f"run  python -m tlbook data fetch {name}" if offered else f"copy {path.name} there"
        return f"move the folder {shlex.quote(str(path))} away, and then {then}"
    if _replaced(name, path):
        return f"python -m tlbook data fetch {name}   (it replaces the file once the new one is there and right)"
    unset = "" if path.parent == _cache(_entry(name)) else "   (or: unset TLBOOK_DATA)"
    return f"copy {path.name} again from where the pack came from{unset}"


def locate(name: str) -> Path | None:
    """Return the file of a data set on this disk, or None where there is none.

    Raises `TlbookError` if no data set of that name lives in a file, or a folder is unreadable or not there.
    """
    entry, asked = _entry(name), os.environ.get("TLBOOK_DATA")
    file, pack = entry["file"], named("TLBOOK_DATA", asked) if asked else None
    if (SAMPLES / file).is_file():
        return SAMPLES / file
    for folder in filter(None, (pack, _cache(entry))):
        path = folder / file
        try:
            path.stat()
            return path
        except (FileNotFoundError, NotADirectoryError):
            if folder is pack and not pack.is_dir():
                found = "a file" if pack.exists() else "nothing there"
                mend = f"export TLBOOK_DATA=/the/folder/with/{file}   (or: unset TLBOOK_DATA)"
                raise TlbookError(f"TLBOOK_DATA={asked}", "a folder with the data pack", found, mend) from None
        except OSError as error:
            raise _unreadable(path, error) from None
    return None


def on_disk(*names: str) -> bool:
    """Return whether all these data sets can be had without a download."""
    return all(str(name) in MADE or locate(name) is not None for name in names)


def _check(name: str, path: Path) -> list[np.ndarray]:
    """Return the arrays of a file (of weights none); `TlbookError` unless it is right to the last bit."""
    known, arrays = _entry(name).get("arrays", {}), []
    expected = f"an .npz file with the arrays {', '.join(known)}" if known else "a file of weights"
    try:
        regular(path, expected)
        with open(path, "rb") as file:
            if not known:
                wanted = _entry(name)["digest"]
                found = hashlib.file_digest(file, "md5" if len(wanted) == 32 else "sha256").hexdigest()
                require(found == wanted, str(path), f"digest {wanted[:16]}…", f"{found[:16]}…", "")
                return []
            with zipfile.ZipFile(file) as parts:
                for part, right in known.items():
                    arrays.append(_member(parts, part, f"{path}: {part}", right))
        return arrays
    except TlbookError as error:
        raise TlbookError(error.what, error.expected, error.found, _cure(name, path)) from None
    except PermissionError as error:
        raise _unreadable(path, error) from None
    except MemoryError:  # which says nothing of the file
        raise
    except Exception as error:  # NumPy, zipfile and zlib each have their own for a broken file
        found = f"a broken file ({' '.join(str(error).split())[:100] or type(error).__name__})"
        raise TlbookError(str(path), expected, found, _cure(name, path)) from None


def _member(file: zipfile.ZipFile, part: str, what: str, right: dict) -> np.ndarray:
    """Return an array, read only if its header says what it should: a small file may unpack to gigabytes."""
    shape, about = tuple(right["shape"]), file.getinfo(f"{part}.npy")
    if about.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("compressed in a way that cannot be read bit by bit")
    with file.open(about) as content:
        if (version := np.lib.format.read_magic(content)) != (1, 0):  # others may have headers of gigabytes
            raise ValueError(f"an array of format {version}")
        own, fortran, dtype = np.lib.format.read_array_header_1_0(content)
        require((dtype, own) == (np.uint8, shape), what, f"uint8 {shape}", f"{dtype} {own}", "")
        array = np.frombuffer(content.read(math.prod(shape)), np.uint8).reshape(shape, order="F" if fortran else "C")
    require((found := digest(array)) == right["sha256"], what, f"SHA-256 {right['sha256'][:16]}…", f"{found[:16]}…", "")
    return array


def sweep(folder: Path, pattern: str) -> None:
    """Remove folders that match a pattern and in which nothing was written for an hour: others are still in use."""
    for left in folder.glob(pattern):
        with contextlib.suppress(OSError):  # no folder, or somebody else was faster
            newest = max(each.stat().st_mtime for each in (left, *left.iterdir()))
            if time.time() - newest > LEFT_OVER:
                shutil.rmtree(left)


def _download(name: str) -> Path:
    """Download a file into Keras's cache; it is moved to its place once it is whole and its digest is right."""
    entry, cache = _entry(name), _cache(_entry(name))
    file, url = entry["file"], entry.get("url")
    pack = os.environ.get("TLBOOK_DATA") or "not set"
    what = f"{file} is neither in TLBOOK_DATA ({pack}) nor in Keras's cache ({cache})"
    do = f"export TLBOOK_DATA=FOLDER  with a copy of {file} in it"
    if requested_profile() == "full":
        do += " , or, for small data,  export TLBOOK_PROFILE=quick"
    require(url, what, "a copy in one of the two", "none, and nobody offers it", do)
    import keras

    probe(cache)
    tell(f"Downloading {file} ({entry['megabytes']} MB) into {cache}")
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache) as beside:
            options = {"file_hash": entry["digest"], "cache_dir": beside, "cache_subdir": ""}
            return Path(keras.utils.get_file(file, url, **options)).replace(cache / file)
    except Exception as error:
        if isinstance(error, OSError) and errno.errorcode.get(error.errno) in FULL:
            found, do = words(error), "free some space there, or take another disk:  export KERAS_HOME=FOLDER"
            raise TlbookError(str(cache), f"room for {file}, {entry['megabytes']} MB", found, do) from None
        found = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, TimeoutError):
            found = f"a server that says nothing for {PATIENCE} seconds"
        do = f"connect to the network and run  python -m tlbook data fetch {name} , or  {do}"
        what = f"{what}, and its download failed: {url}"
        raise TlbookError(what, "a whole file from one of the three", found, do) from None
    finally:
        socket.setdefaulttimeout(patience)


def _file(name: str) -> Path:
    """Return the file of a data set, unchecked; if it is not on this disk yet, download it."""
    return locate(name) or _download(name)


def fetch(name: str) -> Path:
    """Return the file of a data set or of weights, and have it right; if need be, download it into Keras's cache.

    A wrong file in Keras's cache is replaced, but only once the new one is whole and its digest is right; a download
    that breaks off leaves nothing behind. Raises `TlbookError` as `locate` does, if the download fails, and if a
    wrong file cannot be replaced: in a data pack, or because nobody offers it.
    """
    sweep(_cache(_entry(name)), f".{name}-????????")
    if (path := locate(name)) is None:
        return _download(name)
    try:
        _check(name, path)
    except TlbookError as wrong:
        if not _replaced(name, path):
            raise
        tell(f"{wrong.what}: not the right one, {wrong.found}")
        try:
            return _download(name)
        except TlbookError as failed:
            found = f"{wrong.found}, and no new one: {failed.found}"
            raise TlbookError(wrong.what, wrong.expected, found, failed.do) from None
    return path


def fetch_checked(name: str) -> Path:
    """Return the file of a data set or of weights, downloaded if it is absent, but only if it is the right one.

    Raises `TlbookError` as `locate` does, if the download fails, and if the file on this disk is another one.
    """
    _check(name, path := _file(name))
    return path


def verify(name: str) -> str:
    """Read and check a data set or a file of weights; say what it is. Raises `TlbookError` if it is wrong or absent."""
    if str(name) not in MADE and "arrays" not in _entry(name):
        return f"right, {fetch_checked(name)}, {_entry(name)['licence']}"
    found = globals()[name]().provenance
    return f"right, SHA-256 {found.digest[:16]}…, {found.source}, {found.licence}"


def pack(folder) -> str:
    """Copy every data set and file of weights on this disk into a folder, each checked; say what lies there now.

    With ``TLBOOK_DATA`` set to the copy, whoever has no network reads from it. A file that is there already and right
    is left alone. `TlbookError` if a file on this disk is not the right one, or the folder cannot be written.
    """
    folder, copied = named("pack(): folder", folder), []
    for name, entry in _entries().items():
        path = locate(name)
        if path is None or path.parent == SAMPLES:  # what ships with the package is on every machine
            continue
        _check(name, path)
        target = folder / entry["file"]
        if not target.exists() or not path.samefile(target):
            write({target: path.read_bytes()})
        _check(name, target)
        copied.append(f"{target}: {entry['megabytes']} MB, right; {entry['licence']}")
    do = "python -m tlbook data fetch mnist"
    require(copied, "data pack", "a file on this disk to copy", "none", do)
    return "\n".join([*copied, f"To use it:  export TLBOOK_DATA={shlex.quote(str(folder.absolute()))}"])


def mnist() -> Dataset:
    """Load MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels.

    Looks in the folder ``TLBOOK_DATA``, then in Keras's cache, then downloads (11.5 MB). It never
    answers with other data: `TlbookError` if the file is nowhere to be had, or is not MNIST.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A.

    >>> mnist().x_train.shape                              # doctest: +SKIP
    (60000, 28, 28)
    """
    path, entry = _file("mnist"), _entry("mnist")
    return _dataset(_check("mnist", path), "0123456789", "MNIST", str(path), entry["licence"])


def mnist_small() -> Dataset:
    """Load a tenth of MNIST that ships with this package: 6,000 + 2,000 digits, the target of the quick profile.

    A random sample without replacement, `numpy.random.default_rng(0).choice` of the 60,000 training and then of
    the 10,000 test images, in their own order. Arrays as of `mnist`. `TlbookError` if the file was changed.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A.

    >>> d = mnist_small()
    >>> d.x_train.shape, d.x_test.shape
    ((6000, 28, 28), (2000, 28, 28))
    """
    path, entry = _file("mnist_small"), _entry("mnist_small")
    return _dataset(_check("mnist_small", path), "0123456789", "MNIST, a tenth", str(path), entry["licence"])


def cifar10() -> Dataset:
    """Load a subset of CIFAR-10: 10,000 + 2,000 photographs of 32 x 32 pixels in ten classes.

    It was decoded from a JPEG copy, so it is not the canonical data set: say so beside every number.
    It comes with a data pack only: `TlbookError` if the file is in neither the folder ``TLBOOK_DATA`` nor
    Keras's cache. Images: uint8 of shape (n, 32, 32, 3), red, green and blue from 0 to 255.

    Source: Krizhevsky (2009), section 3.1.

    >>> cifar10().x_train.shape                            # doctest: +SKIP
    (10000, 32, 32, 3)
    """
    path, entry = _file("cifar10"), _entry("cifar10")
    return _dataset(_check("cifar10", path), CIFAR10, "CIFAR-10 subset (JPEG)", str(path), entry["licence"])


def cifar10_whole() -> Dataset:
    """Load all of CIFAR-10 through Keras: 50,000 + 10,000 photographs of 32 x 32 pixels in ten classes.

    Keras looks in its cache, then downloads (170 MB), and checks the digest. Arrays as of `cifar10`.
    `TlbookError` if that fails.

    Source: Krizhevsky (2009), section 3.1.

    >>> cifar10_whole().x_train.shape                      # doctest: +SKIP
    (50000, 32, 32, 3)
    """
    import keras

    tell(f"CIFAR-10 comes from Keras's cache ({_cache({})}) or, once, over the network (170 MB)")
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    except Exception as error:
        found = " ".join(str(error).split())[:200] or type(error).__name__
        do = "connect to the network and call it again, or take the subset of a data pack: cifar10()"
        raise TlbookError("cifar10_whole()", "the whole data set from Keras", found, do) from None
    finally:
        socket.setdefaulttimeout(patience)
    arrays = x_train, y_train.ravel(), x_test, y_test.ravel()
    return _dataset(arrays, CIFAR10, "CIFAR-10", "keras.datasets.cifar10", _entry("cifar10")["licence"])


def as_rgb(images: np.ndarray, size: int = 32) -> np.ndarray:
    """Set grey images in the middle of a black square and give them three equal channels.

    Takes (n, height, width) of any dtype, gives (n, size, size, 3) of the same; `TlbookError` if the images
    have another shape, or do not fit in.

    >>> as_rgb(np.ones((2, 28, 28), "uint8")).shape
    (2, 32, 32, 3)
    """
    images, size = numbers(what := "as_rgb(): images", images), whole("as_rgb(): size", size, 1, MAX_SIZE)
    good = images.ndim == 3 and 1 <= min(images.shape[1:]) and max(images.shape[1:]) <= size
    expected = f"shape (n, height, width), at most {size} pixels a side"
    require(good, what, expected, f"shape {images.shape}", "take grey images, or a larger size")
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
    n, n_test = (whole(f"letters(): {name}", value) for name, value in {"n": n, "n_test": n_test}.items())
    x, y, names = glyphs.render(n + n_test, without=without, seed=seed, **options)
    said = {"without": without, **options}
    recipe = ", ".join([f"tlbook.glyphs, seed {seed}", *(f"{key} {value}" for key, value in said.items() if value)])
    licence = "made here from the fonts of matplotlib (free licences)"
    return _dataset((x[:n], y[:n], x[n:], y[n:]), names, "rendered letters", recipe, licence)


def folder(path, *, size=28, colour=False, invert=None, test=0.25, seed=0) -> Dataset:
    """Read a folder of your own pictures: one subfolder a class, or pictures alone, which then have no class.

    Each picture is read as `tlbook.photos.read_photo` reads it: the square in its middle, at `size` x `size` pixels.
    Nothing is left out without a word: whatever is no picture stops the reading, hidden files aside.

    Parameters
    ----------
    path : str or path
        The folder. Class names are those of the subfolders, in alphabetical order.
    size : int
        Side of the pictures returned, from 8 to 4096 pixels.
    colour : bool
        False: grey, (n, size, size). True: red, green and blue, (n, size, size, 3).
    invert : bool, optional
        True turns dark strokes on light paper into light ones on black, as in MNIST; False leaves grey pictures as
        they are. If it is not said, most pictures must have dark edges. Colours are never inverted.
    test : float
        Share of each class that goes to the test part, above 0 and below 1; at least one picture.
    seed : int
        Decides which ones.

    Returns
    -------
    Dataset
        Images as uint8, 0 to 255. Without classes ``class_names`` is empty and each label is -1, as int8.

    Raises
    ------
    TlbookError
        If an argument cannot be used, the folder cannot be read, holds one class alone, fewer than two pictures of a
        class, pictures beside subfolders, a picture twice, one that shows nothing, or dark strokes on light paper.

    Examples
    --------
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as home:
    ...     for name, column in {"left": 4, "right": 20}.items():
    ...         os.mkdir(f"{home}/{name}")
    ...         for n in range(4):
    ...             picture = np.zeros((32, 32), "uint8")
    ...             picture[4:28, column + n] = 255
    ...             Image.fromarray(picture).save(f"{home}/{name}/{n}.png")
    ...     own = folder(home)
    >>> own.x_train.shape, own.x_test.shape, own.class_names
    ((6, 28, 28), (2, 28, 28), ('left', 'right'))
    """
    size = whole("folder(): size", size, 8, MAX_SIZE)
    for name, value in {"colour": colour, "invert": invert}.items():
        good = isinstance(value, bool) or (name == "invert" and value is None)
        require(good, f"folder(): {name}", "True or False", shown(value), f"{name}=True")
    test, seed = real("folder(): test", test, 1e-9, 1, "test=0.25"), whole("folder(): seed", seed, 0)
    files = folders.pictures(named("folder(): path", path))
    images = folders.read([file for own in files.values() for file in own], size, colour)
    if not colour:
        images = folders.light_on_dark(images, path, invert)
    kind = np.uint8 if len(files) <= 256 else np.uint16
    labels = np.repeat(np.arange(len(files), dtype=kind), [len(own) for own in files.values()])
    held_out, rng = np.zeros(len(images), bool), np.random.default_rng(seed)
    for which in range(len(files)):
        rows = rng.permutation(np.flatnonzero(labels == which))
        held_out[rows[: min(max(round(test * len(rows)), 1), len(rows) - 1)]] = True
    classes = tuple(name for name in files if name)
    labels = labels if classes else np.full(len(images), -1, np.int8)
    arrays = images[~held_out], labels[~held_out], images[held_out], labels[held_out]
    return _dataset(arrays, classes, "own pictures", str(path), "as their owner says")


def few_of_each(labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Choose `n` random images of each class, so that more labels are always the same and some more.

    Takes (images,) class numbers, gives (classes * n,) int64 places among them, class by class, the classes in
    order; a negative number means no class, and is never chosen. `TlbookError` if the labels are no such vector, if a
    class has fewer than `n` images, or `n` is below 1.

    >>> few_of_each(np.array([1, 0, 1, 0, 1]), n=1, seed=0)
    array([3, 2])
    """
    labels = numbers(what := "few_of_each(): labels", labels, "iub", do := "pass class numbers, one per image")
    found = f"shape {labels.shape}" if labels.ndim != 1 or not labels.size else "none"
    require(labels.ndim == 1 and (labels >= 0).any(), what, "a vector with a class number from 0 on", found, do)
    order = np.random.default_rng(whole("few_of_each(): seed", seed, 0)).permutation(len(labels))
    by_class = {which: order[labels[order] == which] for which in np.unique(labels[labels >= 0])}
    which, size = min(((which, len(rows)) for which, rows in by_class.items()), key=lambda each: each[1])
    do = f"ask for fewer labels per class, or take a larger data set: class {which} has {size} images"
    n = whole("few_of_each(): n", n, 1, size, do)
    return np.concatenate([rows[:n] for rows in by_class.values()])


def _dataset(arrays, class_names, name: str, source: str, licence: str) -> Dataset:
    """Make a `Dataset` of four arrays in the order of `PARTS`, and tell the recorder."""
    arrays = tuple(arrays)
    for array in arrays:
        array.setflags(write=False)
    total = digest(*arrays)
    log(kind="data", name=name, digest=total)
    return Dataset(*arrays, tuple(class_names), Provenance(name, source, licence, total))
