"""Locks, so that two recordings at once do not write over each other. The system gives them back when one dies."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tlbook.disk import replaceable
from tlbook.run import TlbookError

try:
    import fcntl
except ImportError:  # Windows, where there is no lock
    fcntl = None


@contextlib.contextmanager
def alone(path: Path, *, wait: bool = False):
    """Hold the lock of a file meanwhile; if another process holds it, wait, or raise `TlbookError`."""
    replaceable(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError) if wait else _nobody(path):
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _nobody(path: Path):
    """Turn the answer that the lock is taken into ours; a disk that knows no locks is no reason to stop."""
    try:
        yield
    except BlockingIOError as error:
        do = "wait until it is done, then run the same command again"
        raise TlbookError(path.stem, "one recording at a time", "another one that goes on", do) from error
    except OSError:
        pass
