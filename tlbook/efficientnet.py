"""EfficientNet-Lite0, and a reader of its weights, which come in a file of PyTorch's.

Such a file is made of pickles, and to unpickle is to run what a stranger wrote. So nothing here is asked of pickle
but strings, numbers and the containers that hold them: whatever else a file names is refused before it is called.
"""

import io
import pickle
import pickletools
import struct
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from tlbook import disk
from tlbook.run import TlbookError, require

STEM, TOP, CLASSES = 32, 1280, 1000
STAGES = (  # side of the kernel, stride, expansion, channels, repeats
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
LAST = {"data_format": "channels_last"}  # whatever Keras's own settings say

LARGEST = 64 * 2**20  # bytes of a file; this one has 19 million
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # with which a file in PyTorch's old form begins
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
NORMAL = ("weight", "bias", "running_mean", "running_var")  # of batch normalisation, in Keras's order
DO = "take the file again from where it came from, and load no other"
# What a pickle of tensors consists of. Others import, call or allocate in ways that no such file needs.
CODES = frozenset(
    "PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 "
    "TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE "
    "BUILD BINPERSID".split()
)
REMEMBERED = 100_000  # things that a pickle may number, to name them again: a table as long is made for them


def lite0(weights: Path | None = None, image_size: int = 96, *, preprocess: bool = True, top: bool = False):
    """Build EfficientNet-Lite0, and average its last maps.

    Sixteen blocks in seven stages. A block widens its maps by a 1 x 1 convolution, filters each by itself, and narrows
    them again without a ReLU; where nothing changes its shape it adds what went in. The Lite form has ReLU6 in place
    of swish, and no squeeze-and-excitation. Layers are named after their block: ``block7a_project_conv``, so
    ``layer.name.startswith(("block6", "block7", "top"))`` chooses the last two stages.
    Source: Tan and Le (2019), table 1; Sandler et al. (2018), section 3, for the block.

    Parameters
    ----------
    weights : Path, optional
        File of weights for `read_tensors`; without it they are random, drawn from Keras's global seed.
    image_size : int
        Side of the images in pixels, 32 or more. It learned on 224.
    preprocess : bool
        Whether to take images from 0 to 255, or as ``(images - 127) / 128`` makes them.
    top : bool
        Whether to end in ImageNet's own head.

    Returns
    -------
    keras.Model
        Takes (n, image_size, image_size, 3), gives float32 (n, 1280), the mean over all positions of the last maps;
        with `top`, the probabilities of ImageNet's 1000 classes.

    Raises
    ------
    TlbookError
        If the file of weights cannot be read, or holds those of another network.

    Examples
    --------
    >>> lite0(image_size=64).output_shape
    (None, 1280)
    """
    images = keras.Input((image_size, image_size, 3))
    x = layers.Rescaling(1 / 128, -127 / 128)(images) if preprocess else images
    x = _convolved(x, "stem", STEM, kernel=3, stride=2)
    for name, kernel, stride, expansion, channels in _blocks():
        before = x
        if expansion > 1:
            x = _convolved(x, f"{name}_expand", expansion * x.shape[-1])
        x = _convolved(x, f"{name}_depthwise", None, kernel, stride)
        x = _convolved(x, f"{name}_project", channels, relu=False)
        if x.shape == before.shape:
            x = layers.Add(name=f"{name}_add")([before, x])
    x = _convolved(x, "top", TOP)
    x = layers.GlobalAveragePooling2D(name="average", **LAST)(x)
    if top:
        x = layers.Dense(CLASSES, "softmax", name="predictions")(x)
    network = keras.Model(images, x, name="efficientnet_lite0")
    if weights is not None:
        _load(network, weights)
    return network


def _blocks():
    """Yield each block's name, side of the kernel, stride, expansion and channels: ``block2a``, ``block2b``, …."""
    for number, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES, 1):
        for letter in "abcd"[:repeats]:
            yield f"block{number}{letter}", kernel, stride if letter == "a" else 1, expansion, channels


def _convolved(x, name: str, channels: int | None, kernel: int = 1, stride: int = 1, relu: bool = True):
    """Convolve, each map by itself if no number of channels is given; normalise; and cut off below 0 and above 6."""
    options = {"strides": stride, "padding": "same", "use_bias": False, "name": f"{name}_conv", **LAST}
    layer = layers.Conv2D(channels, kernel, **options) if channels else layers.DepthwiseConv2D(kernel, **options)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(layer(x))
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _names():
    """Yield our name of each convolution, the file's, and the file's of the normalisation behind it."""
    yield "stem", "_conv_stem", "_bn0"
    for at, (name, _, _, expansion, _) in enumerate(_blocks()):
        for step, part in enumerate(("expand", "depthwise", "project")):
            if part != "expand" or expansion > 1:
                yield f"{name}_{part}", f"_blocks.{at}._{part}_conv", f"_blocks.{at}._bn{step}"
    yield "top", "_conv_head", "_bn1"


def _load(network: keras.Model, path: Path) -> None:
    """Give a network the weights of a file; `TlbookError` if one is missing, not finite or of another shape."""
    tensors, heads = read_tensors(path), [part for part in network.layers if part.name == "predictions"]
    for name, convolution, normal in _names():
        layer = network.get_layer(f"{name}_conv")
        axes = (2, 3, 0, 1) if name.endswith("depthwise") else (2, 3, 1, 0)  # theirs: out, in, height, width
        _fill(path, tensors, layer, {f"{convolution}.weight": axes})
        _fill(path, tensors, network.get_layer(f"{name}_bn"), {f"{normal}.{part}": (0,) for part in NORMAL})
    for head in heads:
        _fill(path, tensors, head, {"_fc.weight": (1, 0), "_fc.bias": (0,)})


def _fill(path: Path, tensors: dict, layer, sources: dict) -> None:
    """Set a layer's weights: for each the tensor's name, and which of its axes come first, second, …."""
    values = []
    for weight, (name, axes) in zip(layer.weights, sources.items(), strict=True):
        what, tensor, shape = f"{path}: {name}", tensors.get(name), [0] * len(axes)
        for axis, side in zip(axes, weight.shape, strict=True):
            shape[axis] = side
        expected, found = f"float32 {tuple(shape)}", "none" if tensor is None else f"{tensor.dtype} {tensor.shape}"
        require(found == expected, what, expected, found, DO)
        require(np.isfinite(tensor).all(), what, "finite numbers", "NaN or infinity", DO)
        values.append(tensor.transpose(axes))
    layer.set_weights(values)


class Storage(NamedTuple):
    """A row of numbers in the file: what kind, under which key, how many."""

    kind: str
    key: str
    count: int


class Tensor(NamedTuple):
    """Which numbers of a row a tensor consists of; steps and offset are counted in numbers."""

    storage: Storage
    offset: int
    shape: tuple
    steps: tuple


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    r"""Read the tensors of a file that PyTorch wrote in its old form, without PyTorch, and without running the file.

    Three pickles say what it is, a fourth names the tensors, a fifth lists the rows of numbers, and these follow:
    for each its length, in 64 bits, and then the numbers. A tensor need not take them in their order; its strides say
    how it does. Pickles may name `collections.OrderedDict`, the function that makes a tensor and two kinds of numbers,
    and nothing else.

    Parameters
    ----------
    path : Path
        The file, of 64 MiB at most.

    Returns
    -------
    dict of str to numpy.ndarray
        float32 or int64, read-only views of the file's content, of any strides.

    Raises
    ------
    TlbookError
        If the file is not of that form, is cut off, declares more than is there, or names what could be run.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "weights.pth"
    ...     _ = path.write_bytes(b"cos\nsystem\n.")
    ...     try:
    ...         read_tensors(path)
    ...     except TlbookError as error:
    ...         print(error.found)
    a pickle that names os.system: what it names could be run
    """
    expected = "weights in PyTorch's old form"
    try:
        size = disk.regular(path, expected).st_size
        require(size <= LARGEST, str(path), f"a file of at most {LARGEST // 2**20} MiB", f"{size} bytes", DO)
        return _tensors(path.read_bytes())
    except (TlbookError, MemoryError):
        raise
    except Refused as error:
        found = str(error)
    except Exception as error:  # what pickle raises for a broken file may be of any kind
        found = f"a broken file ({' '.join(str(error).split())[:100] or type(error).__name__})"
    raise TlbookError(str(path), expected, found, DO)


class Refused(ValueError):
    """What a file holds that it must not."""


class _Closed(pickle.Unpickler):
    """Unpickles what is on a closed list; neither looks up nor calls anything else."""

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in DTYPES:
            return name
        raise Refused(f"a pickle that names {f'{module}.{name}'[:80]}: what it names could be run")

    def persistent_load(self, number):
        match number:
            case ("storage", str(kind), str(key), _, int(count), None) if kind in DTYPES and count >= 0:
                return Storage(kind, key, count)
        raise Refused("a row of numbers of an unknown kind")


def _tensor(storage, offset, shape, steps, *_) -> Tensor:
    """Stand in for `torch._utils._rebuild_tensor_v2`: only note what the file says, its numbers come later."""
    whole = isinstance(shape, tuple) and isinstance(steps, tuple) and len(shape) == len(steps) <= 8
    whole = whole and all(type(each) is int and each >= 0 for each in (offset, *shape, *steps))
    if not (whole and isinstance(storage, Storage)):
        raise Refused("a tensor of an unknown kind")
    return Tensor(storage, offset, shape, steps)


def _unpickled(file: io.BytesIO):
    """Return what the next pickle of a file says; `Refused`, before anything is done, if it has other codes."""
    begin = file.tell()
    for code, value, _ in pickletools.genops(file):
        if code.name == "GLOBAL":
            _Closed.find_class(None, *value.split(" ", 1))
        if code.name not in CODES or ("PUT" in code.name and value > REMEMBERED):
            raise Refused(f"a pickle with the code {code.name}, which no file of tensors needs")
    file.seek(begin)
    return _Closed(file).load()


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    """Return the tensors in a file's content."""
    file = io.BytesIO(content)
    magic, protocol, system = (_unpickled(file) for _ in range(3))
    if (magic, protocol) != (MAGIC, PROTOCOL) or system.get("little_endian") is not True:
        raise Refused("another beginning")
    tensors, keys = _unpickled(file), _unpickled(file)
    good = isinstance(tensors, dict) and all(isinstance(each, Tensor) for each in tensors.values())
    if not good or not all(isinstance(name, str) for name in tensors):
        raise Refused("something else than tensors with names")
    storages = {tensor.storage for tensor in tensors.values()}
    if not isinstance(keys, list) or sorted(keys) != sorted(each.key for each in storages):
        raise Refused("other rows of numbers than its tensors consist of")
    declared = {each.key: each for each in storages}
    rows = {key: _row(file, content, declared[key]) for key in keys}
    if file.tell() != len(content):
        raise Refused("something behind its end")
    return {name: _view(name, tensor, rows[tensor.storage.key]) for name, tensor in tensors.items()}


def _row(file: io.BytesIO, content: bytes, storage: Storage) -> np.ndarray:
    """Return the next row of numbers of a file, if it is as long as was declared, and there."""
    (count,), dtype = struct.unpack("<q", file.read(8)), DTYPES[storage.kind]
    at, left = file.tell(), (len(content) - file.tell()) // dtype.itemsize
    if count != storage.count or count > left:
        raise Refused(f"a row of {count} numbers, declared as {storage.count}, where {left} are left")
    file.seek(count * dtype.itemsize, io.SEEK_CUR)
    return np.frombuffer(content, dtype, count, at)


def _view(name: str, tensor: Tensor, row: np.ndarray) -> np.ndarray:
    """Return a tensor as a view of its row; `Refused` if it reaches beyond the row's end."""
    offset, steps = (tensor.offset * row.itemsize), tuple(step * row.itemsize for step in tensor.steps)
    try:
        return np.ndarray(tensor.shape, row.dtype, row, offset, steps)  # which looks whether all of it is there
    except (TypeError, ValueError):
        raise Refused(f"{name[:80]}, a tensor that reaches beyond its numbers") from None
