"""Files: read only where they are what they should be, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
import threading
import time
from pathlib import Path

from tlbook.run import TlbookError

PART = ".tlbook-"  # how the names begin of what is being written
LEFT_OVER = 3600  # seconds after which what is half-written was left by a process that was killed
STOPS = (signal.SIGINT, signal.SIGTERM)


def words(error: OSError) -> str:
    """Return what the system says of an error, without its number: ``"no space left on device"``."""
    return (error.strerror or type(error).__name__).lower()


def home() -> Path:
    """Return the user's own folder; `TlbookError` where the system knows none."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise TlbookError("HOME", "the folder of your own files", "none", "export HOME=/a/folder/of/yours") from error


def named(what: str, name: str | os.PathLike) -> Path:
    """Return the place that somebody named, a ``~`` at its beginning replaced by that user's folder.

    `TlbookError`, of the variable or argument `what`, if the system knows no such user: a folder ``~name`` would be
    made instead.
    """
    name = os.fspath(name)
    path = os.path.expanduser(name)
    if path.startswith("~"):
        do = f"write the whole path, or begin with ./ for a folder whose name begins with {path.split(os.sep)[0]}"
        raise TlbookError(what, "a folder of a user whom this system knows", name, do)
    return Path(path)


def cache_folder() -> Path:
    """Return the folder of what can be made again: ``TLBOOK_CACHE``, or ``~/.cache/tlbook``."""
    asked = os.environ.get("TLBOOK_CACHE")
    return named("TLBOOK_CACHE", asked) if asked else home() / ".cache" / "tlbook"


def regular(path: Path, expected: str = "a file that can be read") -> os.stat_result:
    """Return the size and dates of a file; `TlbookError` if it is none: a pipe would be waited for without end.

    An absent file raises FileNotFoundError, because to some callers that is no fault.
    """
    try:
        about = os.stat(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        closed = isinstance(error, PermissionError)
        do = f"check who may read the folder {path.parent}" if closed else "name another file"
        raise TlbookError(str(path), expected, words(error), do) from error
    if not stat.S_ISREG(about.st_mode):
        found = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or a device"
        raise TlbookError(str(path), expected, found, "put the file itself there")
    return about


def read_text(path: Path) -> str:
    """Return the text of a file; `TlbookError` if it is not there, no file, or not UTF-8."""
    try:
        regular(path)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        do = "check its name and who may read it"
        raise TlbookError(str(path), "a file that can be read", words(error), do) from error
    except UnicodeDecodeError as error:
        raise TlbookError(str(path), "text in UTF-8", str(error), "save it as UTF-8") from error


def probe(folder: Path) -> None:
    """Make a folder and try to write into it; `TlbookError` if that fails: better now than after an hour's work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written")
            file.flush()
    except OSError as error:
        do = "name another folder, or check permissions and free space"
        raise TlbookError(str(folder), "a folder that can be written to", words(error), do) from error


def replaceable(path: Path) -> bool:
    """Return whether a file is there that can be written anew; `TlbookError` if a folder or a pipe has its name."""
    try:
        regular(path, expected := "a file that can be read and written")
    except FileNotFoundError:
        return False
    except TlbookError as error:
        raise TlbookError(str(path), expected, error.found, "move it away, or name another file") from error
    return True


def write(contents: dict[Path, str | bytes]) -> None:
    """Write files, each beside its place; only when all are whole and on the disk are they moved there.

    A file that already says the same is left alone, and one that is replaced keeps its permissions. For the moment
    of the moves an interrupt is not heard. `TlbookError` if a file cannot be written.
    """
    parts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            if not replaceable(path) or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                _sweep(path.parent)
                parts[path] = _beside(path, data)
        with _deaf():
            for path, part in parts.items():
                part.replace(path)
        for folder in {path.parent for path in parts}:
            _sync(folder)
    except OSError as error:
        do = "check permissions and free space, then run the same command again"
        raise TlbookError(str(path), "a file that can be read and written", words(error), do) from error
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _beside(path: Path, data: bytes) -> Path:
    """Write data into a new file in the folder of `path`, with its permissions, and have it on the disk."""
    handle, name = tempfile.mkstemp(".part", PART, path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)  # else a machine that fails may keep the new name and no content
        os.chmod(name, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return Path(name)


def _umask() -> int:
    os.umask(before := os.umask(0o077))  # it can only be read by setting it
    return before


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left half-written; what is younger than an hour may be in use."""
    for left in folder.glob(f"{PART}*.part"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > LEFT_OVER:
                left.unlink()


@contextlib.contextmanager
def _deaf():
    """Ignore interrupts meanwhile, where they would be heard at all: signals belong to the main thread."""
    here = threading.current_thread() is threading.main_thread()
    before = {which: signal.getsignal(which) for which in STOPS} if here else {}
    before = {which: was for which, was in before.items() if was is not None}  # set outside of Python
    try:
        for which in before:
            signal.signal(which, signal.SIG_IGN)
        yield
    finally:
        for which, was in before.items():
            signal.signal(which, was)


def _sync(folder: Path) -> None:
    """Have a folder's new names written too, where the system knows how (Windows does it by itself)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
