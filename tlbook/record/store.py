"""Recording costs what changed: what a dear call gave is kept, and answers the same call of a later run.

While the recorder runs a chapter, `install` wraps the calls that take long. A call whose every part is known by its
fingerprint is answered from a folder: what it returned, what it left in networks and estimators, and all random
states, to the last bit. Whatever is not known, or is being timed, is computed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import io
import json
import os
import platform
import random
import sys
import tempfile
import time
import types
import weakref
from pathlib import Path

import numpy as np

from tlbook import disk, run
from tlbook.record.fingerprint import (
    TIMERS,
    Fingerprint,
    Unknown,
    content,
    installed,
    library,
    names_of,
    plain_digest,
    unnumbered,
)

FORM = 1  # of an entry; another one makes all of them unknown
LEAST = 0.2  # seconds: what takes less is not kept
LIMIT = 20_000_000_000  # bytes: beyond this, what was not used for longest goes
ESTIMATORS = {
    "sklearn.cluster": ("KMeans", "MiniBatchKMeans", "SpectralClustering"),
    "sklearn.decomposition": ("PCA",),
    "sklearn.linear_model": ("LogisticRegression",),
    "sklearn.manifold": ("TSNE",),
    "sklearn.mixture": ("GaussianMixture",),
    "sklearn.neighbors": ("NearestNeighbors", "KNeighborsClassifier"),
}
METHODS = ("fit", "fit_predict", "fit_transform", "kneighbors", "predict")
FUNCTIONS = {"tlbook.glyphs": "render", "tlbook.features": "extract", "tlbook.augment": "deskew"}
FUNCTIONS |= {"sklearn.metrics": "silhouette_score"}
SETTINGS = ("TF_", "XLA_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_", "KERAS_")


# --- Random states -------------------------------------------------------------------------------


def _states() -> dict:
    """Return every random state that is everybody's; what a call does not change, it did not use."""
    states = {"python": random.getstate(), "numpy": np.random.get_state(legacy=False)}  # noqa: NPY002
    if "tensorflow" in sys.modules:
        from tensorflow.python.eager import context

        states["tensorflow"] = context.context()._rng.getstate() if context.context()._rng else None
    if "keras.src" in sys.modules:
        from keras.src.backend.common import global_state

        generator = global_state.get_global_attribute("global_seed_generator")
        states["keras"] = None if generator is None else content(generator.state)
    return states


def _set_states(states: dict) -> None:
    """Set random states to what `_states` returned; Python's last, since making a generator draws from it."""
    if "numpy" in states:
        np.random.set_state(states["numpy"])  # noqa: NPY002
    if states.get("tensorflow"):
        from tensorflow.python.eager import context

        context.context()._rng.setstate(_tuples(states["tensorflow"]))
    if states.get("keras") is not None:
        from keras.src.random.seed_generator import global_seed_generator

        global_seed_generator().state.assign(states["keras"])
    if "python" in states:
        random.setstate(_tuples(states["python"]))


def _tuples(state):
    return tuple(map(_tuples, state)) if isinstance(state, list | tuple) else state


# --- What an entry holds -------------------------------------------------------------------------


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
    return hashlib.sha256(name.encode() + file.getvalue()).digest() + file.getvalue()


def _opened(name: str, sealed: bytes):
    """Return what `_sealed` was given; ValueError if it is cut, changed, or another entry's."""
    if hashlib.sha256(name.encode() + sealed[32:]).digest() != sealed[:32]:
        raise ValueError("not what was written")
    with np.load(io.BytesIO(sealed[32:]), allow_pickle=False) as arrays:
        return _unpack(json.loads(arrays["head"].tobytes()), arrays)


# --- Whether a call is being timed ---------------------------------------------------------------


def _times(value) -> bool:
    """Return whether something that code names is a clock of our own: a function or class that reads the time."""
    value = getattr(value, "__wrapped__", getattr(value, "__func__", getattr(value, "func", value)))
    if isinstance(value, types.FunctionType):
        return not library(value.__module__) and bool(names_of(value.__code__) & TIMERS)
    kind = value if isinstance(value, type) else type(value)
    if library(kind.__module__) or kind.__module__.startswith("tlbook"):
        return False
    return any(_times(each) for each in vars(kind).values() if isinstance(each, types.FunctionType))


def timed(frame) -> bool:
    """Return whether code above this frame that is no library's looks at a clock, by itself or by what it names."""
    while frame is not None:
        code = frame.f_code
        if not installed(code.co_filename) and code.co_filename != __file__:
            names = names_of(code)
            if names & TIMERS:
                return True
            scope = frame.f_globals | frame.f_locals
            if any(_times(scope[name]) for name in (names | set(code.co_freevars)) & scope.keys()):
                return True
        frame = frame.f_back
    return False


# --- The store -----------------------------------------------------------------------------------


class Store:
    """A folder of entries, named by what decided them and by the random states that they used."""

    def __init__(self, folder: Path, fresh: bool = False):
        self.folder, self.fresh, self.busy = folder, fresh, False

    def call(self, deed_of, function, args: tuple, kwargs: dict):
        """Answer a call if it is known; else compute it, and keep what it gave."""
        if self.busy:  # inside of a call that is being kept as a whole
            return function(*args, **kwargs)
        began, why, before, self.busy = time.perf_counter(), "new", _states(), True
        try:
            deed = deed_of(function, args, kwargs) if not timed(sys._getframe(2)) else None
            why = "new" if deed else "timed"
        except Exception as error:  # `Unknown`, or an error that the call itself shall end in
            deed, why = None, " ".join(f"{error}".split())[:100] or type(error).__name__
        try:
            name = self.find(deed.key, before) if deed and not self.fresh else None
            if name and (entry := self.read(name)):
                result = deed.restore(entry)
                _set_states(entry["states"])
                _log(deed.name, "answered", entry["seconds"], time.perf_counter() - began, entry["megabytes"])
                return result
            computing, self.busy = time.perf_counter(), deed is not None
            result = function(*args, **kwargs)
            seconds = time.perf_counter() - computing
            if deed and seconds >= LEAST:
                why = self.keep(deed, result, before, seconds) or why
        finally:
            self.busy = False
        if seconds >= LEAST:
            _log(function.__qualname__, why, seconds, time.perf_counter() - began - seconds, 0)
        return result

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
            run.say(f"a broken answer, computed anew: {type(error).__name__}")
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def keep(self, deed: _Deed, result, before: dict, seconds: float) -> str:
        """Write what a call gave; return why not, if it cannot be told in full."""
        try:
            after = _states()
            used = [name for name in after if plain_digest(after[name]) != plain_digest(before[name])]
            about = {"states": {name: after[name] for name in used}, "seconds": seconds}
            entry = deed.outcome(result) | about | {"megabytes": run.peak_memory_mb()}
            name = _name(deed.key, used, before)
            self.write(f"{name}.npz", _sealed(name, entry))
        except Unknown as unknown:
            return str(unknown)
        except (OSError, run.TlbookError) as error:  # no reason to stop
            run.say(f"An answer was not kept: {' '.join(str(error).split())[:200]}")
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


def _log(call: str, what: str, seconds: float, own: float, megabytes: float) -> None:
    run.log(kind="store", call=call, what=what, seconds=seconds, own=own, megabytes=megabytes)


def _context() -> list:
    """Return what decides every result: libraries, machine, settings."""
    import keras

    found = [FORM, run.versions(), keras.backend.backend(), run.device(), run.cores(), platform.machine()]
    found.append({name: text for name, text in os.environ.items() if name.startswith(SETTINGS)})
    for name in ("floatx", "epsilon", "image_data_format", "max_epochs", "max_steps_per_epoch"):
        found.append(getattr(keras.config, name, str)())
    if "keras.src" in sys.modules:
        from keras.src.backend.common import global_state

        found.append(global_state.get_global_attribute("global_random_seed"))
    if "tensorflow" in sys.modules:
        import tensorflow as tf
        from tensorflow.python.eager import context

        found += [context.global_seed(), tf.config.functions_run_eagerly(), tf.executing_eagerly()]
        found += [tf.config.experimental.tensor_float_32_execution_enabled(), str(tf.config.optimizer.get_jit())]
    return found


# --- What is called ------------------------------------------------------------------------------


class _Deed:
    """A call of a function, or of an estimator's method."""

    def __init__(self, function, args: tuple, kwargs: dict):
        self.name = function.__qualname__
        self.owner = args[0] if args and hasattr(args[0], "get_params") else None
        self.given = args[self.owner is not None :], kwargs
        self.was = {} if self.owner is None else {key: plain_digest(each) for key, each in vars(self.owner).items()}
        self.sign(function, self.owner)

    def sign(self, *things) -> None:
        """Work out the key: of the arguments, and of all else that decides the result."""
        self.print, self.given_digest = Fingerprint(), Fingerprint().digest(*self.given)
        self.key = self.print.digest(_context(), self.given_digest, *things)

    def outcome(self, result) -> dict:
        """Return what the call gave, as data; `Unknown` if that is not all of it."""
        same = all(plain_digest(value) == was for value, was in self.print.plain)
        if not same or Fingerprint().digest(*self.given) != self.given_digest:
            raise Unknown("changed what it was given")
        return self.told(result)

    def told(self, result) -> dict:
        """Return the result, and what changed in the estimator."""
        if self.owner is None:
            return {"result": result}
        changed = {key: each for key, each in vars(self.owner).items() if self.was.get(key) != plain_digest(each)}
        return {"result": None if result is self.owner else result, "attributes": changed}

    def restore(self, entry: dict):
        """Leave the estimator as the call left it, and return what the call returned."""
        if self.owner is None:
            return entry["result"]
        vars(self.owner).update(entry["attributes"])
        return self.owner if entry["result"] is None else entry["result"]


class _Keras(_Deed):
    """A call of a network's method."""

    def __init__(self, function, args: tuple, kwargs: dict):
        import keras

        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        self.options = dict(bound.arguments)
        self.network, verbose = self.options.pop("self"), self.options.pop("verbose")
        self.name = f"{type(self.network).__name__}.{function.__name__}"
        self.built = all(layer.built for layer in self.network._flatten_layers())
        arrays = keras.tree.flatten([self.options.get(name) for name in ("x", "y", "sample_weight", "validation_data")])
        if verbose != 0 or self.options["callbacks"]:
            raise Unknown("shows its progress" if verbose != 0 else "has callbacks")
        if not all(each is None or hasattr(each, "__array__") for each in arrays):
            raise Unknown("is given no arrays")
        self.check()
        self.given = (self.options,)
        self.sign(function.__name__, self.network, _retraced(self.network))
        self.values = {id(each): _digest(each) for each in self.print.variables}

    def check(self) -> None:
        """Refuse what an answer could not restore."""
        if not self.built:
            raise Unknown("a network that is not built")

    def variables(self) -> list:
        """Return all variables of the network, and those that its own code reads."""
        walk = Fingerprint(values=False)
        walk.digest(self.network)
        return walk.variables

    def told(self, result) -> dict:
        """Return the result, and each variable that is another now."""
        variables = self.variables()
        new = {str(at): each for at, each in enumerate(variables) if self.values.get(id(each)) != _digest(each)}
        new = {at: content(each) for at, each in new.items()}
        return {"result": result, "variables": new, "plan": _plan(variables)}

    def restore(self, entry: dict):
        """Leave every variable as the call left it, and return what the call returned."""
        variables = self.variables()
        do = "run the same command again with  --fresh"
        run.require(_plan(variables) == entry["plan"], self.name, "the variables of a kept answer", "others", do)
        for at, value in entry["variables"].items():
            variables[int(at)].assign(value)
        return entry["result"]


class _Fit(_Keras):
    """The training of a network."""

    def check(self) -> None:
        """Refuse a network that only its own way of training would build."""
        if not self.built and not library(type(self.network).train_step.__module__):
            raise Unknown("a network that is not built, with a train_step of its own")

    def told(self, history) -> dict:
        """Return the history and the variables."""
        return super().told({"epoch": history.epoch, "history": history.history, "params": history.params})

    def restore(self, entry: dict):
        """Build what training would have built, then leave it as training left it."""
        import keras

        self.build()
        history = keras.callbacks.History()
        vars(history).update(super().restore(entry))
        history.set_model(self.network)
        self.network.history, self.network.stop_training = history, False
        return history

    def build(self) -> None:
        """Have Keras make what is not there yet, for batches of the shape that training sees."""
        import keras
        from keras.src.trainers.data_adapters import get_data_adapter

        names = ("x", "y", "sample_weight", "batch_size", "class_weight")
        adapter = get_data_adapter(**{name: self.options[name] for name in names})
        spec = adapter.get_tf_dataset().element_spec
        batch = keras.tree.map_structure(lambda each: keras.KerasTensor(tuple(each.shape), each.dtype.name), spec)
        self.network._symbolic_build(data_batch=batch)


def _digest(variable) -> str:
    return plain_digest(content(variable))


def _plan(variables: list) -> list:
    return [[unnumbered(each.path), list(each.shape), each.dtype] for each in variables]


# --- What a network was traced with ----------------------------------------------------------------

_TRACED = weakref.WeakKeyDictionary()  # for each network its compilation, and what could be trained at its first fit


def _retraced(network) -> list | None:
    """Return what could be trained when a network first trained since it was compiled, if that has changed.

    Keras keeps to what it saw then; a network that was answered saw nothing.
    """
    compilation, flags = _TRACED.get(network, (None, None))
    if compilation is None or compilation is not network._compile_config or flags == _flags(network):
        return None
    return flags


def _flags(network) -> list[bool]:
    return [each.trainable for each in network.variables]


def _fit(function):
    """Return `fit` as it is, but that it knows what it saw first."""

    @functools.wraps(function)
    def fit(network, *args, **kwargs):
        good = network.train_function is not None or _retraced(network) is None
        do = "compile it again, or run the same command with  --fresh"
        run.require(good, f"{type(network).__name__}.fit", "trainable as at its first fit", "another choice", do)
        return function(network, *args, **kwargs)

    return fit


# --- To be switched on -----------------------------------------------------------------------------

_store: Store | None = None


def _wrap(owner, name: str, deed_of) -> None:
    """Have a function or method ask the store first."""
    function = getattr(owner, name)
    if hasattr(function, "asks_the_store"):
        return
    plain = _fit(function) if deed_of is _Fit else function

    @functools.wraps(function)
    def call(*args, **kwargs):
        if _store is None:
            return function(*args, **kwargs)
        result = _store.call(deed_of, plain, args, kwargs)
        if deed_of is _Fit and _retraced(args[0]) is None:
            _TRACED[args[0]] = args[0]._compile_config, _flags(args[0])
        return result

    call.asks_the_store = True
    setattr(owner, name, call)


def install() -> None:
    """Have dear calls of this process answered from the folder ``TLBOOK_STORE``; with ``TLBOOK_FRESH``, only kept.

    On another backend than TensorFlow, whose random states are known here, nothing is answered.
    """
    import keras

    global _store
    if keras.backend.backend() != "tensorflow":
        return
    _store = Store(Path(os.environ["TLBOOK_STORE"]), bool(os.environ.get("TLBOOK_FRESH")))
    for module, names in ESTIMATORS.items():
        for owner in (getattr(importlib.import_module(module), name) for name in names):
            for name in METHODS:
                if hasattr(owner, name):
                    _wrap(owner, name, _Deed)
    if hasattr(keras, "Model"):
        for name, deed_of in {"fit": _Fit, "predict": _Keras, "evaluate": _Keras}.items():
            _wrap(keras.Model, name, deed_of)
        for module, name in FUNCTIONS.items():
            _wrap(importlib.import_module(module), name, _Deed)
