"""What a notebook answers to a test: plain values, asked for by name.

The tests of an assignment never touch a student's objects. They ask, and what comes back is numbers, texts and
arrays that were written down and read again. So a test is the same at home, in the notebook's own process, and when
it is graded, where the notebook runs in a sandbox and the test outside of it: what a notebook did to NumPy, to the
checker or to Python itself stays with the notebook.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Mapping

import numpy as np

from tlbook.arguments import shown
from tlbook.run import TlbookError, require, say

MOST = 40_000_000  # bytes of one answer, written down
MAGIC = "%%tests"  # how a cell of tests begins in a notebook
EMPTY = 1_000_000  # rows of an array without columns: they cost nothing to send
KINDS = "biuf"  # of arrays: true or false, whole numbers, real numbers


def _write(value, what: str):
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        require(abs(value) < 2**63, what, "a number of at most 63 bits", "a larger one", "check the computation")
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"number": repr(value)}
    if isinstance(value, np.generic):
        return _write(value.item(), what)
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        value = value.astype(value.dtype.newbyteorder("<"), order="C")
        content = base64.b64encode(value.tobytes()).decode()
        return {"array": content, "shape": list(value.shape), "dtype": value.dtype.str}
    if isinstance(value, list | tuple):
        return [_write(each, what) for each in value]
    if isinstance(value, Mapping):
        odd = [shown(key) for key in value if not isinstance(key, str | int | float)]
        require(not odd, what, "a dictionary whose keys are texts or numbers", ", ".join(odd[:3]), "change its keys")
        return {"keys": [_write(key, what) for key in value], "values": [_write(each, what) for each in value.values()]}
    do = "give a number, a text, an array, or a list or dictionary of these; float(x) or np.asarray(x) may help"
    raise TlbookError(what, "a plain value", type(value).__name__, do)


def _read(value):
    match value:
        case {"array": str(content), "shape": list(shape), "dtype": str(dtype)}:
            kind = np.dtype(dtype)
            if kind.kind not in KINDS or not all(type(side) is int and 0 <= side <= MOST for side in shape):
                raise ValueError("an array of something else than numbers")
            if 0 in shape and max(shape) > EMPTY:
                raise ValueError("an array of nothing, without end")
            return np.frombuffer(base64.b64decode(content, validate=True), kind).reshape(shape).copy()
        case {"keys": list(keys), "values": list(values)}:
            return {_read(key): _read(each) for key, each in zip(keys, values, strict=True)}
        case {"number": str(text)}:
            return float(text)
        case list():
            return [_read(each) for each in value]
        case int() if abs(value) >= 2**63:
            raise ValueError("a number of more than 63 bits")
        case None | bool() | int() | float() | str():
            return value
    raise ValueError("something that is no answer")


def write(value, what: str = "answer") -> str:
    """Write a plain value down; `TlbookError` if it is none, or larger than 40 MB.

    >>> write({"acc": np.float32(0.5), 3: [True, None]})
    '{"keys": ["acc", 3], "values": [0.5, [true, null]]}'
    """
    try:
        text = json.dumps(_write(value, what), allow_nan=False)
    except RecursionError:
        raise TlbookError(what, "a plain value", "lists within lists without end", "give a flat one") from None
    found, do = f"{len(text):,}", "give less, or smaller numbers: array.astype('float32')"
    require(len(text) <= MOST, what, f"at most {MOST:,} bytes", found, do)
    return text


def read(text: str):
    """Read what `write` wrote; ValueError for anything else.

    >>> read(write(np.arange(3, dtype="uint8")))
    array([0, 1, 2], dtype=uint8)
    """
    try:
        return _read(json.loads(text))
    except (RecursionError, TypeError) as error:  # nested without end, an array as a key, …
        raise ValueError(str(error)) from error


def network(model) -> dict:
    """Return a Keras network of layers one after the other as plain values; `TlbookError` if it is none.

    Of each layer the class, its settings and its weights: `tlbook.course.networks.build` makes it again from these.
    """
    import keras

    do = "make it with keras.Sequential([...])"
    good = isinstance(model, keras.Sequential) and model.built
    require(good, "network", "a keras.Sequential that was built", type(model).__name__, do)
    layers = []
    for layer in model.layers:
        plain = {key: value for key, value in layer.get_config().items() if is_setting(value)}
        layers.append({"class": type(layer).__name__, "config": plain, "weights": layer.get_weights()})
    return {"input_shape": list(model.input_shape[1:]), "layers": layers}


def is_setting(value) -> bool:
    """Return whether a setting of a layer is a number, a text, or up to four of these: more could be learned ones."""
    if isinstance(value, list | tuple):
        return len(value) <= 4 and all(map(is_setting, value))
    return value is None or isinstance(value, bool | int | float | str)


class WrongAnswer(Exception):
    """What a notebook's own code raised when it was asked, or that it no longer runs."""


class Remote:
    """Answers of a notebook that runs elsewhere.

    `ask` takes a question (``do``, ``name`` and, for a function, ``args``) and gives a reply: ``answer`` as `write`
    wrote it, or what went ``wrong`` and was ``said``. Every method raises `WrongAnswer` where that is so.
    """

    def __init__(self, ask):
        self._ask = ask

    def __getitem__(self, name: str):
        """Return a plain value."""
        return self._answer({"do": "value", "name": name})

    def call(self, name: str, *args, **kwargs):
        """Call a function with plain values; return its plain result."""
        return self._answer({"do": "call", "name": name, "args": write([list(args), kwargs], "arguments")})

    def network(self, name: str) -> dict:
        """Return a network as plain values."""
        return self._answer({"do": "network", "name": name})

    def _answer(self, question: dict):
        reply = self._ask(question)
        if isinstance(text := reply.get("answer"), str):
            try:
                return read(text)
            except ValueError as error:
                raise WrongAnswer(f"{question['name']}: no plain value: {str(error)[:200]}") from error
        wrong, said = str(reply.get("wrong")), str(reply.get("said"))[:500]
        raise WrongAnswer(said if wrong in ("TlbookError", "Stopped") else f"{wrong[:80]}: {said}")


class Answers:
    """The answers of a notebook, by the names that it gave them.

    Parameters
    ----------
    names : dict
        ``globals()`` of the notebook.

    Examples
    --------
    >>> answers = Answers({"acc": 0.5, "double": lambda x: 2 * x})
    >>> answers["acc"], answers.call("double", [1, 2])
    (0.5, [1, 2, 1, 2])
    """

    def __init__(self, names: dict):
        self._names = names
        shell = IPython.get_ipython() if (IPython := sys.modules.get("IPython")) else None
        if shell is not None:
            shell.register_magic_function(lambda _, cell: self.test(cell), "cell", MAGIC.strip("%"))

    def test(self, code: str) -> None:
        """Run tests with nothing around them but these answers, as they are run when they are graded.

        >>> Answers({"seven": 7}).test("assert answers['seven'] == 7")
        ✓ passed
        """
        exec(compile(code, "<tests>", "exec"), {"answers": self, "__name__": "tests"})
        say("✓ passed")

    def _find(self, name: str):
        do = f"give your answer this name:  {name} = …"
        require(name in self._names, name, "an answer of this name", "none", do)
        return self._names[name]

    def __getitem__(self, name: str):
        """Return a copy of a plain value; `TlbookError` if there is none of that name, or it is not plain."""
        return read(write(self._find(name), name))

    def call(self, name: str, *args, **kwargs):
        """Call a function with copies of plain values, and return a copy of its plain result.

        `TlbookError` if there is no function of that name, or its result is not plain; its own errors go through.
        """
        function = self._find(name)
        require(callable(function), name, "a function", type(function).__name__, f"write  def {name}(…):")
        args, kwargs = read(write(args, "arguments")), read(write(kwargs, "arguments"))
        return read(write(function(*args, **kwargs), f"{name}(…)"))

    def network(self, name: str) -> dict:
        """Return a `keras.Sequential` as plain values; `TlbookError` if there is none of that name."""
        return read(write(network(self._find(name)), name))
