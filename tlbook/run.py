"""One run of a chapter: which profile, which seed, which machine.

Every chapter begins with ``run = tl.start(...)``. Nothing here imports Keras before it is needed.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
import os
import platform
import resource
import sys
from dataclasses import dataclass

PROFILES = ("quick", "full")


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
    if not text.isdecimal() or int(text) >= 2**32:
        raise TlbookError("TLBOOK_SEED", "a whole number from 0 to 4294967295", repr(text), "export TLBOOK_SEED=0")
    return int(text)


def quiet_keras():
    """Import Keras and return it; what TensorFlow logs of the machine meanwhile, past Python, goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras

        device()  # the devices are looked for, and remarked on, when they are first listed
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    logging.getLogger("tensorflow").setLevel("ERROR")
    return keras


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_mb() -> float:
    """Return the most memory this process has held so far, in megabytes (1e6 bytes)."""
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
    """Append an event to the file that ``TLBOOK_LOG`` names, if a recorder has set it."""
    path = os.environ.get("TLBOOK_LOG")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def start(chapter: str, *, data_on_disk: bool = False) -> Run:
    """Choose the profile, seed everything and say what this run is.

    Parameters
    ----------
    chapter : str
        File name of the chapter, without its ending.
    data_on_disk : bool
        Whether all data of the full profile are on this disk. Decides the profile where
        ``TLBOOK_PROFILE`` is unset: nothing is ever downloaded unasked.

    Raises
    ------
    TlbookError
        If ``TLBOOK_PROFILE`` or ``TLBOOK_SEED`` holds something else than it should.
    """
    asked, seed = requested_profile(), requested_seed()
    profile = asked or ("full" if data_on_disk else "quick")

    keras = quiet_keras()  # here, so that `import tlbook` stays fast
    keras.utils.set_random_seed(seed)  # Python's and NumPy's generators too
    backend, kind = keras.backend.backend(), device()
    global _current
    _current = run = Run(chapter, profile, seed, backend, kind, jit())
    log(kind="run", chapter=chapter, profile=profile, seed=seed, backend=backend, device=kind, cores=cores())
    used = f"Keras {keras.__version__} on {backend} · {kind.upper()}, {cores()} cores"
    print(f"Profile: {profile} · seed {seed} · {used}")
    if asked is None and profile == "quick":
        print(
            "TLBOOK_PROFILE is not set and the full data are not on this disk, so this is the quick profile:\n"
            "small data, smaller numbers than the printed ones. For the full data:  python -m tlbook data fetch mnist"
        )
    return run
