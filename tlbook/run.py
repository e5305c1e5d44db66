"""One run of a chapter: which profile, which seed, which machine.

Every chapter begins with ``run = tl.start(...)``. Nothing here imports Keras before it is needed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import logging
import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

PROFILES = ("quick", "full")
BACKENDS = ("tensorflow", "jax", "torch")
COST = re.compile(r"[\d.]+ to [\d.]+ min a seed · peak memory [\d.]+ GB")  # in a chapter's line of provenance
INSTALL = "make lab   in the book's folder, or, where that was done,  source .venv/bin/activate"


class TlbookError(Exception):
    """What went wrong, in one line that says how to mend it.

    Parameters
    ----------
    what : str
        The thing at fault: a file, a variable, an argument.
    expected, found : str
        What was needed and what was there instead.
    do : str
        The command or change that mends it.

    >>> print(TlbookError("TLBOOK_PROFILE", "'quick' or 'full'", "'fast'", "export TLBOOK_PROFILE=quick"))
    TLBOOK_PROFILE: expected 'quick' or 'full'; found 'fast'. To mend it: export TLBOOK_PROFILE=quick
    """

    __module__ = "tlbook"

    def __init__(self, what: str, expected: str, found: str, do: str):
        self.what, self.expected, self.found, self.do = what, expected, found, do
        super().__init__(f"{what}: expected {expected}; found {found}. To mend it: {do}")

    def __reduce__(self):
        """Have pickle and copy make it of its parts: by themselves they would call it with the one line."""
        return type(self), (self.what, self.expected, self.found, self.do), self.__dict__


def require(good, what: str, expected: str, found, do: str) -> None:
    """Raise the `TlbookError` of these words unless `good`."""
    if not good:
        raise TlbookError(what, expected, str(found), do)


def say(text: str) -> None:
    """Print a line; what a terminal of another age cannot write (✓, ·) is replaced instead of ending the run."""
    try:
        print(text, flush=True)
    except UnicodeEncodeError:
        print(text.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding), flush=True)


def tell(text: str) -> None:
    """Tell whoever is there a thing of this machine; a recorder by its log: what is printed stands on the page."""
    log(kind="note", text=text) if os.environ.get("TLBOOK_LOG") else say(text)


def requested_profile() -> str | None:
    """Return the profile that ``TLBOOK_PROFILE`` asks for, or None where it is unset; `TlbookError` if it is neither.

    >>> import os; os.environ["TLBOOK_PROFILE"] = "quick"
    >>> requested_profile()
    'quick'
    """
    name = os.environ.get("TLBOOK_PROFILE", "").strip()
    if name and name not in PROFILES:
        raise TlbookError("TLBOOK_PROFILE", "'quick' or 'full'", repr(name), "export TLBOOK_PROFILE=quick")
    return name or None


def requested_seed() -> int:
    """Return the seed of ``TLBOOK_SEED``, 0 where it is unset; `TlbookError` if not from 0 to 2**32 - 1."""
    text = os.environ.get("TLBOOK_SEED", "0")
    good = re.fullmatch("[0-9]{1,10}", text) and int(text) < 2**32
    require(good, "TLBOOK_SEED", "a whole number from 0 to 4294967295", repr(text)[:40], "export TLBOOK_SEED=0")
    return int(text)


def quiet_keras(seed: int | None = None):
    """Import Keras, seed everything if there is a seed, and return Keras.

    What TensorFlow logs of the machine meanwhile, past Python, goes nowhere.
    `TlbookError` if Keras or its backend cannot be imported, or its settings are not those of this book.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)  # this is 2 itself, perhaps, where standard error is closed
    try:
        kept = os.dup(2)
    except OSError:
        kept = os.dup(nowhere)
    os.dup2(nowhere, 2)
    try:
        import keras

        device()  # the devices are looked for, and remarked on, when they are first listed
        if seed is not None:
            keras.utils.set_random_seed(seed)  # Python's and NumPy's too; it imports TensorFlow whatever the backend
    except Exception as error:  # a missing library, and whatever a broken or misspelt setting leads to
        raise _no_keras(error) from error
    finally:
        os.dup2(kept, 2)
        for handle in {kept, nowhere} - {2}:
            os.close(handle)
    logging.getLogger("tensorflow").setLevel("ERROR")
    backend = keras.backend.backend()
    if backend not in BACKENDS:  # Keras has some that cannot train
        raise _no_keras(ValueError(f"the backend {backend}"))
    for setting, right in (("image_data_format", "channels_last"), ("floatx", "float32")):
        do = f'write "{setting}": "{right}" in {_keras_settings()}, or  keras.config.set_{setting}("{right}")'
        found = getattr(keras.config, setting)()
        require(found == right, setting, right, found, do)
    return keras


def _keras_settings() -> str:
    return os.path.join(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "keras.json")


def _no_keras(error: Exception) -> TlbookError:
    """Say why Keras cannot be used, by what its import ended in."""
    asked, missing = os.environ.get("KERAS_BACKEND"), getattr(error, "name", None)
    if missing == "keras":
        return TlbookError("Keras", "a Python with the book's packages", f"no Keras in {sys.executable}", INSTALL)
    if (asked or "tensorflow") in BACKENDS and not isinstance(error, ImportError):
        do = f"mend or remove {_keras_settings()}"
    elif (asked or "tensorflow") == "tensorflow" and missing not in BACKENDS[1:]:
        do = INSTALL
    else:
        install = f"python -m pip install {missing}, or  " * (missing in BACKENDS and (asked or missing) == missing)
        do = f"{install}export KERAS_BACKEND=tensorflow"
    what = f"KERAS_BACKEND={asked}" if asked else f"Keras, with the settings in {_keras_settings()}"
    found = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return TlbookError(what, f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}, installed", found, do)


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_mb() -> float:
    """Return the most memory this process has held so far, in megabytes (1e6 bytes)."""
    try:
        import resource
    except ImportError:  # Windows, whose answer begins with two 32-bit numbers: its own length, and page faults
        import ctypes

        sizes = (ctypes.c_size_t * 9)(72)
        ctypes.windll.kernel32.K32GetProcessMemoryInfo(ctypes.c_void_p(-1), sizes, 72)
        return sizes[1] / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide the numbers."""
    names = ("keras", "tensorflow", "jax", "torch", "numpy", "scikit-learn", "scipy")
    found = {"python": platform.python_version()}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def device() -> str:
    """Return the kind of device that Keras computes on: ``"gpu"``, ``"tpu"`` or ``"cpu"``."""
    import keras

    try:
        kinds = {str(name).split(":")[0].lower() for name in keras.distribution.list_devices()}
    except Exception:  # a backend that cannot list its devices
        kinds = set()
    kinds = {"gpu" if kind == "cuda" else kind for kind in kinds}
    return next((kind for kind in ("gpu", "tpu") if kind in kinds), "cpu")


def jit() -> bool | str:
    """Return what to hand to ``compile``: on a CPU, TensorFlow's compiler slows these small networks down."""
    import keras

    return False if (keras.backend.backend(), device()) == ("tensorflow", "cpu") else "auto"


@dataclass(frozen=True)
class Run:
    """One run of one chapter.

    Attributes
    ----------
    chapter : str
        File name of the chapter, without its ending.
    profile : {"quick", "full"}
        Small data that ship with the packages, or the data of the printed results.
    seed : int
        What every random choice of the run starts from.
    backend, device : str
        Keras's backend, and ``"cpu"``, ``"gpu"`` or ``"tpu"``.
    jit : bool or str
        What to hand to ``compile(jit_compile=...)``.
    """

    chapter: str
    profile: str
    seed: int
    backend: str
    device: str
    jit: bool | str

    def pick(self, *, quick, full):
        """Return `quick` or `full`, whichever this run's profile is.

        >>> Run("01_demo", "quick", 0, "tensorflow", "cpu", False).pick(quick=500, full=60_000)
        500
        """
        return full if self.profile == "full" else quick

    @property
    def full(self) -> bool:
        """Whether this is the full profile."""
        return self.profile == "full"


_current: Run | None = None


def current() -> Run:
    """Return the run that `start` began in this process; `TlbookError` if it was not called yet."""
    if _current is None:
        raise TlbookError("this notebook", "tl.start(...) in its first code cell", "no run begun", "run the first cell")
    return _current


def log(**event) -> None:
    """Append an event to the file that ``TLBOOK_LOG`` names, if a recorder has set it; `TlbookError` if it cannot."""
    path = os.environ.get("TLBOOK_LOG")
    if path:
        wrong = (f"TLBOOK_LOG={path}", "a file that can be written to")
        good = os.path.isfile(path) or not os.path.exists(path)  # a pipe would be waited for without end
        require(good, *wrong, "a folder, a pipe or a device", "unset TLBOOK_LOG")
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except OSError as error:
            raise TlbookError(*wrong, (error.strerror or str(error)).lower(), "unset TLBOOK_LOG") from error


def cost(chapter: str) -> str:
    """Return what the full profile took when a chapter was recorded; empty where its notebook is not at hand.

    >>> cost("no_such_chapter")
    ''
    """
    file = f"{chapter}.ipynb"
    for path in (Path(__file__).parents[1] / "book" / "chapters" / file, Path(file)):
        with contextlib.suppress(OSError):
            if path.is_file() and (found := COST.search(path.read_text(encoding="utf-8", errors="replace"))):
                return found[0]
    return ""


def start(chapter: str, *, data_on_disk: bool = False) -> Run:
    """Choose the profile, seed everything and say what this run is.

    The profile is the one that ``TLBOOK_PROFILE`` names, and quick where it is unset, whatever lies on the disk.

    Parameters
    ----------
    chapter : str
        File name of the chapter, without its ending.
    data_on_disk : bool
        Whether all data of the full profile are on this disk: if not, a quick run says how to get them.

    Raises
    ------
    TlbookError
        If an argument, ``TLBOOK_PROFILE`` or ``TLBOOK_SEED`` holds something else than it should, or Keras
        cannot be used (see `quiet_keras`).
    """
    good = isinstance(chapter, str) and re.fullmatch(r"\w[\w .-]*", chapter)
    require(good, "start(): chapter", "the file name of a chapter, without its ending", repr(chapter), "name this file")
    good, do = isinstance(data_on_disk, bool), "data_on_disk=tl.data.on_disk('mnist')"
    require(good, "start(): data_on_disk", "True or False", repr(data_on_disk), do)
    asked, seed = requested_profile(), requested_seed()
    profile = asked or "quick"

    keras = quiet_keras(seed)  # here, so that `import tlbook` stays fast
    backend, kind = keras.backend.backend(), device()
    if os.environ.get("TLBOOK_STORE"):  # set by the recorder alone, which needs not compute again what it knows
        importlib.import_module("tlbook.record.calls").install()
    global _current
    _current = run = Run(chapter, profile, seed, backend, kind, jit())
    log(kind="run", chapter=chapter, profile=profile, seed=seed, backend=backend, device=kind, cores=cores())
    took = "" if os.environ.get("TLBOOK_LOG") else cost(chapter)  # while recording, that of the last time is no news
    used = f"Keras {keras.__version__} on {backend} · {kind.upper()}, {cores()} core{'s' * (cores() > 1)}"
    announced = f" · when recorded: {took}" if took and run.full else ""
    say(f"Profile: {profile} · seed {seed} · {used}{announced}")
    if asked is None:
        fetch = "" if data_on_disk else "python -m tlbook data fetch mnist   and then  "
        say(
            "TLBOOK_PROFILE is not set, so this is the quick profile: small data, smaller numbers than the printed "
            f"ones.\nFor the full data:  {fetch}TLBOOK_PROFILE=full make lab{f'   ({took})' if took else ''}"
        )
    return run
