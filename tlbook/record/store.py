"""What dear calls gave, kept in a folder, for the same calls of a later run.

An entry is one file: 32 bytes of SHA-256, of its name and of the rest, then arrays and JSON, never code. Its name says
what decided the result, and which random states were used.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from tlbook import disk, run
from tlbook.record.fingerprint import Unknown, content, plain_digest

FORM = 1  # of an entry; another one makes all of them unknown
LIMIT = 20_000_000_000  # bytes: beyond this, what was not used for longest goes


def states() -> dict:
    """Return every random state that is everybody's; what a call does not change, it did not use."""
    states = {"python": random.getstate(), "numpy": np.random.get_state(legacy=False)}  # noqa: NPY002
    if "tensorflow" in sys.modules:
        from tensorflow.python.eager import context

        generator = getattr(context.context(), "_rng", None)  # there is none before something is seeded
        states["tensorflow"] = generator and generator.getstate()
    if "keras.src" in sys.modules:
        from keras.src.backend.common import global_state

        generator = global_state.get_global_attribute("global_seed_generator")
        states["keras"] = None if generator is None else content(generator.state)
    return states


def set_states(states: dict) -> None:
    """Set random states to what `states` returned; Python's last, since making a generator draws from it."""
    np.random.set_state(states["numpy"])  # noqa: NPY002
    if states.get("tensorflow"):
        from tensorflow.python.eager import context

        context.context()._rng.setstate(_tuples(states["tensorflow"]))
    if states.get("keras") is not None:
        from keras.src.random.seed_generator import global_seed_generator

        global_seed_generator().state.assign(states["keras"])
    elif "keras" in states:
        from keras.src.backend.common import global_state

        global_state.set_global_attribute("global_seed_generator", None)
    random.setstate(_tuples(states["python"]))


def _tuples(state):
    return tuple(map(_tuples, state)) if isinstance(state, list | tuple) else state


def _pack(value, arrays: list):
    """Return a value as JSON, its arrays aside; `Unknown` if it is more than data."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if (type(value) is np.ndarray and not value.dtype.hasobject) or isinstance(value, np.generic):
        arrays.append(np.asarray(value))
        return {"scalar" if isinstance(value, np.generic) else "array": len(arrays) - 1}
    if type(value) in (list, tuple):
        return {type(value).__name__: [_pack(item, arrays) for item in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: _pack(item, arrays) for key, item in value.items()}}
    raise Unknown(f"an answer that holds {type(value).__name__}")


def _unpack(value, arrays):
    """Return what `_pack` was given."""
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind in ("array", "scalar"):
        array = arrays[f"arr_{held}"]
        return array if kind == "array" else array[()]
    if kind == "dict":
        return {key: _unpack(item, arrays) for key, item in held.items()}
    return {"list": list, "tuple": tuple}[kind](_unpack(item, arrays) for item in held)


def _sealed(name: str, value) -> bytes:
    """Return an entry as bytes: the digest of its name and of the rest, then the rest."""
    arrays, file = [], io.BytesIO()
    head = np.frombuffer(json.dumps(_pack(value, arrays)).encode(), np.uint8)
    np.savez(file, *arrays, head=head)
    return hashlib.sha256(f"{FORM}{name}".encode() + file.getvalue()).digest() + file.getvalue()


def _opened(name: str, sealed: bytes):
    """Return what `_sealed` was given; ValueError if it is cut, changed, or another entry's."""
    if hashlib.sha256(f"{FORM}{name}".encode() + sealed[32:]).digest() != sealed[:32]:
        raise ValueError("not what was written")
    with np.load(io.BytesIO(sealed[32:]), allow_pickle=False) as arrays:
        return _unpack(json.loads(arrays["head"].tobytes()), arrays)


class Store:
    """A folder of entries, named by what decided them and by the random states that they used."""

    def __init__(self, folder: Path, fresh: bool = False):
        self.folder, self.fresh, self.busy = folder, fresh, False

    def find(self, key: str, states: dict) -> str | None:
        """Return the name of the entry of a key that used only random states as they are now."""
        for path in self.folder.glob(f"{key}-*.npz"):
            used = path.stem.split("-")[1].split("+") if path.stem.count("-") == 2 else []
            if path.stem == _name(key, [each for each in used if each], states):
                return path.stem
        return None

    def read(self, name: str) -> dict | None:
        """Return an entry, and mark it as used; remove one that is not what was written."""
        path = self.folder / f"{name}.npz"
        try:
            disk.regular(path)
            entry = _opened(name, path.read_bytes())
            os.utime(path)
            return entry
        except FileNotFoundError:
            return None
        except Exception as error:  # of NumPy, zipfile, JSON or the system: whatever a broken file leads to
            run.tell(f"A broken answer was computed anew: {type(error).__name__}")
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def keep(self, deed, result, before: dict, seconds: float) -> str:
        """Write what a call gave; return why not, if it cannot be told in full."""
        try:
            after = states()
            used = [name for name in after if plain_digest(after[name]) != plain_digest(before[name])]
            about = {"states": {name: after[name] for name in used}, "seconds": seconds}
            entry = deed.outcome(result) | about | {"megabytes": run.peak_memory_mb()}
            name = _name(deed.key, used, before)
            self.write(f"{name}.npz", _sealed(name, entry))
        except Exception as error:  # `Unknown`, or a disk that is full: no reason to stop
            if isinstance(error, Unknown):
                return str(error)
            run.tell(f"An answer was not kept: {' '.join(str(error).split())[:200]}")
            return "not kept"
        return ""

    def write(self, name: str, sealed: bytes) -> None:
        """Write beside the place, then rename; drop what was left half-written, and the oldest beyond the limit."""
        from tlbook.data import sweep

        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as beside:
            disk.write({Path(beside) / name: sealed})
            (Path(beside) / name).replace(self.folder / name)
        sweep(self.folder, "tmp????????")
        about, total = [], 0
        for path in self.folder.glob("*.npz"):
            with contextlib.suppress(OSError):  # another process may have dropped it just now
                about.append((path.stat().st_mtime, path.stat().st_size, path))
        for _, size, path in sorted(about, reverse=True):
            total += size
            if total > LIMIT and path.name != name:
                with contextlib.suppress(OSError):
                    path.unlink()


def _name(key: str, used: list[str], states: dict) -> str:
    return f"{key}-{'+'.join(used)}-{plain_digest([states.get(each) for each in used])[:32]}"
