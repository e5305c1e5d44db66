"""What decides the result of a call, as one digest: networks, optimisers, functions and their code, arrays.

Library code goes by its name and version; code of a notebook, a program or `tlbook` by what it does and by the values
that it reads. Of anything else, `Unknown` is raised: nobody then takes two different things for the same.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import enum
import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import os
import re
import sys
import sysconfig
import types
from pathlib import Path, PurePath

import numpy as np

TIMERS = {"perf_counter", "perf_counter_ns", "process_time", "monotonic", "time", "time_ns"}
EFFECTS = set(  # which an answer would not have, and what is read past the fingerprint
    """print open input exec eval globals setattr environ getenv load read_text read_bytes
    claim number symptom say""".split()
)
STORES = {"STORE_GLOBAL", "STORE_ATTR", "DELETE_GLOBAL", "DELETE_ATTR"}
SETUP = {"__init__", "build", "__post_init__"}  # run before, or when the answered network is built
QUIET = {"EXTENDED_ARG", "CACHE", "NOP", "RESUME", "PRECALL"}
# Of Keras's objects: how they are tracked, named, compiled and connected, which is worked out from the rest.
SKIPPED = set(
    """_tracker _tracked _lock _inbound_nodes _outbound_nodes _nodes _nodes_by_depth _operations _operations_by_depth
    train_function test_function predict_function _eval_epoch_iterator stop_training stop_predicting
    stop_evaluating _compiled_trainable_state _auto_config _compile_config call_signature_parameters _path
    _parent_path _losses _loss_ids _losses_override _called _functional build quantize
    _trainable_variables_indices _build_shapes_dict _convert_input_args _allow_non_tensor_positional_args
    record_history _trainable_state""".split()
)
OWN_CLASS = {"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__", "__firstlineno__"}
OWN_CLASS |= {"__static_attributes__", "__abstractmethods__", "_abc_impl", "__annotate_func__", "__slotnames__"}
OWN_CLASS |= {"__dataclass_fields__", "__dataclass_params__", "__match_args__"}
OURS = f"{Path(__file__).resolve().parents[1]}{os.sep}"
INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class Unknown(Exception):
    """Something whose part in a result cannot be told."""


def installed(file: str | None) -> bool:
    """Return whether code of a file is of an installed library or of Python itself, and so is known by its version."""
    return file is None or (file.startswith((*INSTALLED, "<frozen")) and not file.startswith(OURS))


def library(thing) -> bool:
    """Return whether a module, class or function is of an installed library or of Python itself, under its name."""
    if isinstance(thing, types.ModuleType):
        return installed(getattr(thing, "__file__", None)) and thing.__name__ != "__main__"
    if isinstance(thing, types.FunctionType):
        return installed(thing.__code__.co_filename) and "<" not in thing.__qualname__
    found = module = sys.modules.get(thing.__module__)
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing and library(module)


@functools.cache
def version(top: str) -> str:
    """Return the version of a library, empty where it has none."""
    found = getattr(sys.modules.get(top), "__version__", None)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found = found or importlib.metadata.version(top)
    return str(found or "")


def names_of(code: types.CodeType) -> set[str]:
    """Return every name that code mentions, functions inside it too."""
    inner = (names_of(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*inner)


class Fingerprint:
    """Walks whatever a result may depend on, and keeps a digest of it.

    Attributes
    ----------
    variables : list
        Keras's variables, in the order in which they were met.
    plain : list of (object, str)
        The data that own code reads from outside, with their digests: if a call changes them, its result is not all.
    """

    def __init__(self, values: bool = True):
        self.values, self.hash = values, hashlib.sha256()
        self.seen, self.kept, self.arrays, self.variables, self.plain = {}, [], {}, [], []

    def digest(self, *things) -> str:
        """Walk things, and return the digest of all that was walked so far."""
        for thing in things:
            self.walk(thing)
        return self.hash.hexdigest()

    def say(self, *words) -> None:
        """Take in words; their lengths keep neighbours apart."""
        for word in map(str, words):
            self.hash.update(f"{len(word)}:{word}".encode("utf-8", "surrogatepass"))

    def walk(self, thing) -> None:
        """Take in one thing and all that it holds; what was met before by its number alone."""
        if thing is None or isinstance(thing, bool | int | float | complex | str | bytes | type(Ellipsis)):
            return self.say(type(thing).__name__, repr(thing))
        if not isinstance(thing, tuple | np.generic | np.ndarray):  # equal ones may be one or two, by accident
            if id(thing) in self.seen:
                return self.say("again", self.seen[id(thing)])
            self.seen[id(thing)] = len(self.seen)
            self.kept.append(thing)  # else another thing might get its id
        for kinds, walk in WALKS:
            if isinstance(thing, kinds):
                return walk(self, thing)
        module = type(thing).__module__
        if module.startswith("keras."):
            return self._keras(thing)
        if module.startswith("tensorflow.") and hasattr(thing, "numpy") and hasattr(thing, "shape"):
            return self._array(np.asarray(thing.numpy()))
        good = module.startswith("sklearn.") or not library(type(thing))
        if not good or not hasattr(thing, "__dict__") or hasattr(thing, "__next__"):
            raise Unknown(f"{module}.{type(thing).__qualname__}")
        if hasattr(thing, "_self_setattr_tracking"):  # of a class that is made from one of Keras's
            return self._keras(thing)
        self.walk(type(thing))
        self._mapping(vars(thing))

    def _array(self, array: np.ndarray) -> None:
        if type(array) not in (np.ndarray, np.memmap):
            raise Unknown(type(array).__qualname__)
        self.say("array", array.dtype.str, array.shape, array.flags.c_contiguous, array.flags.f_contiguous)
        if array.dtype.hasobject:
            return self.walk(array.tolist())
        if id(array) not in self.arrays:
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            self.arrays[id(array)] = hashlib.sha256(content).hexdigest(), array
        self.say(self.arrays[id(array)][0])

    def _sequence(self, items) -> None:
        self.say("tuple" if isinstance(items, tuple) else "list", len(items))
        for item in items:
            self.walk(item)

    def _mapping(self, items) -> None:
        self.say("dict", len(items))
        for key, value in items.items():
            self.walk(key)
            self.walk(value)

    def _set(self, items) -> None:
        if not all(isinstance(item, str | int | float | bytes | None) for item in items):
            raise Unknown("a set of objects")
        self.say("set", *sorted(map(repr, items)))

    def _module(self, module: types.ModuleType) -> None:
        # A library by its version, a file of our own by its text: any of it may be used.
        name = module.__name__
        top = name.partition(".")[0]
        if library(module):
            if top in ("tensorflow", "multiprocessing", "subprocess"):  # with random states of their own
                raise Unknown(f"the module {name}")
            return self.say("module", name, version(top))
        file = getattr(module, "__file__", None)
        if not file:
            raise Unknown(f"the module {name}")
        files = sorted(Path(file).parent.glob("*.py")) if top == "tlbook" else [Path(file)]
        self.say("module", name, *(hashlib.sha256(each.read_bytes()).hexdigest() for each in files))

    def _named(self, thing) -> None:
        module = getattr(thing, "__module__", None) or getattr(type(thing), "__module__", "")
        self.say("named", module, version(module.partition(".")[0]), getattr(thing, "__qualname__", repr(thing)))

    def _function(self, function: types.FunctionType) -> None:
        if library(function):
            return self._named(function)
        self.say("function")
        self.walk(function.__defaults__)
        self.walk(function.__kwdefaults__)
        if given := {name: each for name, each in vars(function).items() if name != "__wrapped__"}:
            self._outside("attributes", given)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        own = not (installed(file := function.__code__.co_filename) or file.startswith(OURS))
        self._code(function.__code__, function.__globals__, own)
        for name, cell in cells.items():
            self.say(name)
            try:
                self._outside(name, cell.cell_contents)
            except ValueError:  # not filled yet
                self.say("empty")

    def _code(self, code: types.CodeType, names: dict, own: bool) -> None:
        if own and (found := set(code.co_names) & (EFFECTS | TIMERS)):
            raise Unknown(f"code that uses {', '.join(sorted(found))}")
        self.say("code", code.co_name, code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount)
        self.say(code.co_flags & 0xFF, *filter(None, [code.co_exceptiontable]))  # which steps a ``try`` holds
        for each in dis.get_instructions(code):  # without line numbers, and a docstring that nothing loads
            if (step := each.opname) in QUIET:
                continue
            # Python 3.11 and 3.12 leave the names of a call's arguments to the reader.
            value = code.co_consts[each.arg] if step == "KW_NAMES" else each.argval
            outer = step == "STORE_DEREF" and value in code.co_freevars
            if own and (outer or (step in STORES and code.co_name not in SETUP)):
                raise Unknown(f"code that sets {value}")
            self.say(step)
            if isinstance(value, types.CodeType):
                self._code(value, names, own)
            elif step in ("LOAD_GLOBAL", "LOAD_NAME") and value in names:
                self._outside(value, names[value])
            elif step == "IMPORT_NAME":
                self._module(importlib.import_module(value))
            elif step in ("LOAD_GLOBAL", "LOAD_NAME") and not hasattr(builtins, value):
                raise Unknown(f"the name {value}")
            else:
                self.walk(value)

    def _outside(self, name: str, value) -> None:
        self.say(name)
        if isinstance(value, list | dict | set | np.ndarray) and not type(value).__module__.startswith("tensorflow"):
            self.plain.append((value, plain_digest(value)))
        self.walk(value)

    def _cls(self, cls: type) -> None:
        if library(cls):
            return self._named(cls)
        self.say("class", cls.__name__)
        self.walk(cls.__bases__)
        for name in sorted(vars(cls).keys() - OWN_CLASS):
            self.say(name)
            self.walk(vars(cls)[name])

    def _method(self, method) -> None:
        self.say(type(method).__name__)
        for part in ("__self__", "__func__", "__wrapped__", "func", "fget", "fset", "args", "keywords"):
            self.walk(getattr(method, part, None))

    def _builtin(self, function) -> None:
        self._named(function)
        if not isinstance(owner := getattr(function, "__self__", None), types.ModuleType):
            self.walk(owner)

    def _keras(self, thing) -> None:
        import keras

        if isinstance(thing, keras.Variable):
            return self._variable(thing)
        if isinstance(thing, keras.KerasTensor):
            return self._tensor(thing)
        if isinstance(thing, keras.callbacks.Callback | keras.utils.PyDataset):
            raise Unknown(type(thing).__qualname__)
        self.say("keras")
        self.walk(type(thing))
        nodes = getattr(thing, "_nodes_by_depth", {})
        for depth in sorted(nodes, reverse=True):  # inputs first, so that no walk goes deep
            self._sequence(nodes[depth])
        numbered = not isinstance(thing, keras.Metric | keras.Loss)  # whose names are keys of the history
        for name, value in vars(thing).items():
            used_up = name == "_initial_seed" or (name.endswith("_initializer") and getattr(thing, "built", False))
            if used_up or name in SKIPPED or name.startswith(("_self_", "_call_", "_saved_model_")):
                continue
            if isinstance(value, keras.callbacks.History) or (name == "output_names" and len(value or ()) < 2):
                continue
            if name == "_jit_compile" and value is None:  # which Keras decides at the first call
                value = thing._resolve_auto_jit_compile()
            if type(value).__name__ == "_DefaultDistributionStrategy":  # none; any other is unknown
                value = None
            if name in ("name", "_name") and numbered:
                value = plain_name(value, type(thing).__name__)
            self.say(name)
            self.walk(value)

    def _variable(self, variable) -> None:
        if variable._value is None:
            raise Unknown("a variable without a value")
        self.variables.append(variable)
        self.say("variable", variable.shape, variable.dtype, variable.trainable, unnumbered(variable.path))
        self.walk(variable.constraint)
        self.walk(variable.regularizer)
        if self.values:
            self.walk(content(variable))

    def _tensor(self, tensor) -> None:
        # A place in a network, by the layer that it comes from and by what that layer was given.
        self.say("tensor", tensor.shape, tensor.dtype, tensor.sparse)
        if (history := getattr(tensor, "_keras_history", None)) is not None:
            self.walk(history.operation)
            self.walk(history.operation._inbound_nodes[history.node_index])
            self.say(history.tensor_index)


def plain_digest(value) -> str:
    """Return a digest of data, of networks among them without their weights."""
    return Fingerprint(values=False).digest(value)


def content(variable) -> np.ndarray:
    """Return what a variable of Keras holds."""
    import keras

    return keras.ops.convert_to_numpy(variable)


def unnumbered(path: str) -> str:
    """Return a variable's path without the numbers that Keras counts on by itself.

    >>> unnumbered("adam/sequential_1_dense_4_kernel_momentum")
    'adam/sequential_dense_kernel_momentum'
    """
    return re.sub(r"_\d+(?=[_/]|$)", "", path)


def plain_name(name: str, kind: str) -> str:
    """Return a name without the number that Keras counts on by itself.

    >>> plain_name("conv2d_3", "Conv2D"), plain_name("block_3", "Conv2D")
    ('conv2d', 'block_3')
    """
    from keras.src.utils.naming import to_snake_case

    snake = to_snake_case(kind)
    return snake if re.fullmatch(rf"{re.escape(snake)}(_\d+)?", str(name)) else name


def _unknown(_, thing) -> None:
    raise Unknown(f"{type(thing).__module__}.{type(thing).__qualname__}")


WALKS = (
    ((np.random.Generator, np.random.RandomState, np.random.BitGenerator, types.GeneratorType), _unknown),
    (np.ndarray, Fingerprint._array),
    (np.generic, lambda self, thing: self._array(np.asarray(thing))),
    (np.dtype, lambda self, thing: self.say("dtype", thing.str)),
    ((types.MethodType, functools.partial, property, staticmethod, classmethod), Fingerprint._method),
    (types.FunctionType, Fingerprint._function),
    ((types.BuiltinFunctionType, types.MethodWrapperType), Fingerprint._builtin),
    ((np.ufunc, types.MethodDescriptorType, types.WrapperDescriptorType), Fingerprint._named),
    ((types.GetSetDescriptorType, types.MemberDescriptorType), Fingerprint._named),
    (functools._lru_cache_wrapper, Fingerprint._method),
    (type, Fingerprint._cls),
    (types.ModuleType, Fingerprint._module),
    (enum.Enum, lambda self, thing: self.say("enum", type(thing).__qualname__, thing.name)),
    ((list, tuple), Fingerprint._sequence),
    ((dict, types.MappingProxyType), Fingerprint._mapping),
    ((set, frozenset), Fingerprint._set),
    ((range, slice, re.Pattern, PurePath, inspect.Signature), lambda self, thing: self.say(type(thing), repr(thing))),
)
