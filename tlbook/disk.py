"""Files: read only where they are what they should be, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from tlbook.run import TlbookError


def words(error: OSError) -> str:
    """Return what the system says of an error, without its number: ``"no space left on device"``."""
    return (error.strerror or type(error).__name__).lower()


def regular(path: Path, expected: str = "a file that can be read") -> os.stat_result:
    """Return the size and dates of a file; `TlbookError` if it is none: a pipe would be waited for without end.

    An absent file raises FileNotFoundError, because to some callers that is no fault.
    """
    try:
        about = os.stat(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        do = f"check who may read the folder {path.parent}"
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


def write(contents: dict[Path, str | bytes]) -> None:
    """Write files, each beside its place; only when all are whole and on the disk are they moved there.

    A file that already says the same is left alone. `TlbookError` if a file cannot be written.
    """
    parts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            if not path.is_file() or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                parts[path] = path.with_name(f".{path.name}.part")
                with open(parts[path], "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())  # else a machine that fails may keep the new name and no content
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


def _sync(folder: Path) -> None:
    """Have a folder's new names written too, where the system knows how (Windows does it by itself)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
