"""The calls of a chapter that take long, and how each is answered from the store.

`install` wraps them. A call whose every part is known by its fingerprint is answered by what it gave before: its
result, and what it left in networks and estimators. Whatever is not known, or is being timed, is computed.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import platform
import sys
import time
import types
import weakref
from pathlib import Path

from tlbook import run
from tlbook.record.fingerprint import TIMERS, Fingerprint, Unknown, content, installed, library, names_of, unnumbered
from tlbook.record.fingerprint import plain_digest as digest
from tlbook.record.store import Store, set_states, states

LEAST = 0.2  # seconds: what takes less is not kept
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
PLACES = ("KERAS_HOME",)  # which decide nothing: what is kept there is told by itself


# --- Whether a call is being timed ---------------------------------------------------------------


def _times(value) -> bool:
    """Return whether something that code names is a clock of our own: a function or class that reads the time."""
    value = getattr(value, "__wrapped__", getattr(value, "__func__", getattr(value, "func", value)))
    if isinstance(value, types.FunctionType):
        return not library(value) and bool(names_of(value.__code__) & TIMERS)
    kind = value if isinstance(value, type) else type(value)
    if library(kind):
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


# --- What is called ------------------------------------------------------------------------------


def _log(call: str, what: str, seconds: float, own: float, megabytes: float) -> None:
    run.log(kind="store", call=call, what=what, seconds=seconds, own=own, megabytes=megabytes)


def _context() -> list:
    """Return what decides every result: libraries, machine, settings."""
    import keras

    found = [run.versions(), keras.backend.backend(), run.device(), run.cores(), platform.machine()]
    found.append({name: text for name, text in os.environ.items() if name.startswith(SETTINGS) and name not in PLACES})
    for name in ("floatx", "epsilon", "image_data_format", "max_epochs", "max_steps_per_epoch"):
        found.append(getattr(keras.config, name, str)())
    if "keras.src" in sys.modules:
        from keras.src.backend.common import global_state

        found.append(global_state.get_global_attribute("global_random_seed"))
    if "tensorflow" in sys.modules:
        import tensorflow as tf
        from tensorflow.python.eager import context
        from tensorflow.python.framework.config import is_op_determinism_enabled

        found += [
            is_op_determinism_enabled(),
            context.global_seed(),
            tf.config.functions_run_eagerly(),
            tf.executing_eagerly(),
        ]
        found += [tf.config.experimental.tensor_float_32_execution_enabled(), str(tf.config.optimizer.get_jit())]
    return found


class _Deed:
    """A call of a function, or of an estimator's method."""

    def __init__(self, function, args: tuple, kwargs: dict):
        self.name = function.__qualname__
        self.owner = args[0] if args and hasattr(args[0], "get_params") else None
        self.given = args[self.owner is not None :], kwargs
        self.was = {} if self.owner is None else {key: digest(each) for key, each in vars(self.owner).items()}
        self.sign(function, self.owner)

    def sign(self, *things) -> None:
        """Work out the key: of the arguments, and of all else that decides the result."""
        self.print, self.given_digest = Fingerprint(), Fingerprint().digest(*self.given)
        self.key = self.print.digest(_context(), self.given_digest, *things)

    def outcome(self, result) -> dict:
        """Return what the call gave, as data: the result, and what it left elsewhere; `Unknown` if that is not all."""
        same = all(digest(value) == was for value, was in self.print.plain)
        if not same or Fingerprint().digest(*self.given) != self.given_digest:
            raise Unknown("changed what it was given")
        return self.told(result)

    def told(self, result) -> dict:
        if self.owner is None:
            return {"result": result}
        changed = {key: each for key, each in vars(self.owner).items() if self.was.get(key) != digest(each)}
        return {"result": None if result is self.owner else result, "attributes": changed}

    def restore(self, entry: dict):
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
        self.values = {id(each): digest(content(each)) for each in self.print.variables}

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
        variables = self.variables()
        new = {str(at): content(each) for at, each in enumerate(variables)}
        new = {at: each for at, each in new.items() if self.values.get(id(variables[int(at)])) != digest(each)}
        return {"result": result, "variables": new, "plan": _plan(variables)}

    def restore(self, entry: dict):
        variables = self.variables()
        do = "run the same command again with  --fresh"
        run.require(_plan(variables) == entry["plan"], self.name, "the variables of a kept answer", "others", do)
        for at, value in entry["variables"].items():
            variables[int(at)].assign(value)
        return entry["result"]


class _Fit(_Keras):
    """The training of a network."""

    def check(self) -> None:
        if not self.built and not library(type(self.network).train_step):
            raise Unknown("a network that is not built, with a train_step of its own")

    def told(self, history) -> dict:
        return super().told({"epoch": history.epoch, "history": history.history, "params": history.params})

    def restore(self, entry: dict):
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


def _plan(variables: list) -> list:
    return [[unnumbered(each.path), list(each.shape), each.dtype] for each in variables]


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


def _check_trace(network) -> None:
    """Refuse a training that a computed run would do by what it saw at its first fit, which was answered here."""
    good = network.train_function is not None or _retraced(network) is None
    do = "compile it again, or run the same command with  --fresh"
    run.require(good, f"{type(network).__name__}.fit", "trainable as at its first fit", "another choice", do)


# --- To be switched on -----------------------------------------------------------------------------

_store: Store | None = None


def _ask(store: Store, deed_of, function, args: tuple, kwargs: dict):
    """Answer a call if it is known; else compute it, and keep what it gave."""
    if store.busy:  # inside of a call that is being kept as a whole
        return function(*args, **kwargs)
    began, why, before, store.busy = time.perf_counter(), "new", states(), True
    try:
        deed = deed_of(function, args, kwargs) if not timed(sys._getframe(2)) else None
        why = "new" if deed else "timed"
    except Exception as error:  # `Unknown`, or an error that the call itself shall end in
        deed, why = None, " ".join(f"{error}".split())[:100] or type(error).__name__
    try:
        name = store.find(deed.key, before) if deed and not store.fresh else None
        if name and (entry := store.read(name)):
            result = deed.restore(entry)
            set_states(before | entry["states"])
            _log(deed.name, "answered", entry["seconds"], time.perf_counter() - began, entry["megabytes"])
            return result
        if deed_of is _Fit:
            _check_trace(args[0])
        computing, store.busy = time.perf_counter(), deed is not None
        result = function(*args, **kwargs)
        seconds = time.perf_counter() - computing
        if deed and seconds >= LEAST:
            why = store.keep(deed, result, before, seconds) or why
    finally:
        store.busy = False
    if seconds >= LEAST:
        _log(function.__qualname__, why, seconds, time.perf_counter() - began - seconds, 0)
    return result


def _wrap(owner, name: str, deed_of) -> None:
    """Have a function or method ask the store first."""
    function = getattr(owner, name)
    if hasattr(function, "asks_the_store"):
        return

    @functools.wraps(function)
    def call(*args, **kwargs):
        if _store is None:
            return function(*args, **kwargs)
        result = _ask(_store, deed_of, function, args, kwargs)
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
