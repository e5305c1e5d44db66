"""Networks with ImageNet weights: the weights are stand-ins with random numbers, served on this machine."""

import ast
import hashlib
import io
import json
import os

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from numpy.testing import assert_allclose, assert_array_equal

import tlbook as tl
from tlbook import backbones, data
from tlbook.__main__ import main
from tlbook.record.code import read_chapter

NOBODY = "http://127.0.0.1:9/weights.h5"


def weights_file(network) -> bytes:
    """Return a network's weights in the old form, in which Keras offers those of ImageNet."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return content.getvalue()


@pytest.fixture(scope="module")
def mobilenet():
    """Return the network that stands in for the one with ImageNet weights, as Keras builds it, and its file."""
    keras.utils.set_random_seed(7)
    network = keras.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, include_top=False, pooling="avg")
    return network, weights_file(network)


@pytest.fixture
def offered(monkeypatch, places):
    """Let the entry of a file say where a stand-in is offered, and that it is the right one."""

    def offer(name, url, content):
        entry = data._entry(name) | {"url": url, "digest": hashlib.md5(content).hexdigest()}
        monkeypatch.setitem(data._entries(), name, entry)
        return places.cache.parent / "models"

    return offer


def test_weights_are_downloaded_once_and_loaded(mobilenet, serve, offered):
    network, content = mobilenet
    folder = offered("mobilenet-imagenet", f"{serve(content)}/good", content)
    loaded = backbones.imagenet("mobilenet", 64)
    assert [file.name for file in folder.iterdir()] == ["mobilenet_2_5_224_tf_no_top.h5"]
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        assert_array_equal(ours, theirs)
    offered("mobilenet-imagenet", NOBODY, content)
    assert backbones.imagenet("mobilenet").output_shape == (None, 256)


def test_the_networks_own_preprocessing_is_inside(mobilenet, serve, offered):
    network, content = mobilenet
    offered("mobilenet-imagenet", f"{serve(content)}/good", content)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype("uint8")
    right = network.predict(keras.applications.mobilenet.preprocess_input(images.astype("float32")), verbose=0)
    inside, without = (net.predict(images, verbose=0) for net in (backbones.imagenet("mobilenet", 64), network))
    assert np.abs(inside - right).max() < 1e-3 * right.max()
    assert np.abs(without - right).max() > 0.1 * right.max()


@pytest.mark.parametrize("path", ["short", "wrong", "missing"])
def test_a_bad_download_leaves_nothing_and_says_so(path, mobilenet, serve, offered, refused):
    url = f"{serve(mobilenet[1])}/{path}"
    folder = offered("mobilenet-imagenet", url, mobilenet[1])
    with refused("mobilenet_2_5_224_tf_no_top.h5", url, "download failed", "data fetch mobilenet-imagenet"):
        backbones.imagenet("mobilenet")
    assert list(folder.iterdir()) == []


def test_without_a_network_the_error_says_what_to_do(mobilenet, offered, refused):
    offered("vgg16-imagenet", NOBODY, mobilenet[1])
    with refused("notop.h5", "TLBOOK_DATA", "Keras's cache", NOBODY, "python -m tlbook data fetch vgg16-imagenet"):
        backbones.vgg16(weights="imagenet")


def test_a_file_that_somebody_changed_is_not_loaded(mobilenet, offered, refused, capsys):
    content = mobilenet[1]
    folder = offered("mobilenet-imagenet", NOBODY, content)
    folder.mkdir(parents=True)
    path = folder / "mobilenet_2_5_224_tf_no_top.h5"
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with refused(str(path), f"digest {hashlib.md5(content).hexdigest()[:16]}", "data fetch mobilenet-imagenet"):
        backbones.imagenet("mobilenet")
    assert main(["data", "verify", "mobilenet-imagenet"]) == 1
    assert main(["data", "fetch", "mobilenet-imagenet"]) == 1  # nobody offers it: what is there stays
    assert path.read_bytes() == content[:-1] + bytes([content[-1] ^ 1])
    path.write_bytes(content)
    assert main(["data", "verify", "mobilenet-imagenet"]) == 0
    assert "right" in capsys.readouterr().out


def test_weights_that_somebody_changed_are_fetched_anew(mobilenet, serve, offered, capsys):
    content = mobilenet[1]
    folder = offered("mobilenet-imagenet", f"{serve(content)}/good", content)
    folder.mkdir(parents=True)
    path = folder / "mobilenet_2_5_224_tf_no_top.h5"
    path.write_bytes(b"half")
    assert main(["data", "fetch", "mobilenet-imagenet"]) == 0
    assert path.read_bytes() == content
    assert "not the right one" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_in_the_place_of_weights_is_not_waited_for(mobilenet, offered, refused):
    folder = offered("mobilenet-imagenet", NOBODY, mobilenet[1])
    folder.mkdir(parents=True)
    os.mkfifo(folder / "mobilenet_2_5_224_tf_no_top.h5")
    with refused("a file of weights", "a pipe", "data fetch mobilenet-imagenet"):
        backbones.imagenet("mobilenet")


def test_full_width_vgg16_is_served_loaded_and_used(serve, offered):
    keras.utils.set_random_seed(3)
    network = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
    content = weights_file(network)
    offered("vgg16-imagenet", f"{serve(content)}/good", content)
    loaded = backbones.vgg16(weights="imagenet")
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("uint8")
    right = network.predict(keras.applications.vgg16.preprocess_input(images.astype("float32")), verbose=0)
    assert_allclose(loaded.predict(images, verbose=0), right, rtol=1e-4, atol=1e-5)
    assert loaded.output_shape == (None, 512)


def chapter_part(begin: str, end: str) -> tuple[list[str], list[str]]:
    """Return the definitions and imports before a heading of chapter 2, and the code from there to the other."""
    before, part, where = [], [], "before"
    for cell in read_chapter("02_vgg16_fine_tuning").cells:
        where = "part" if begin in cell.source else "after" if end in cell.source else where
        if cell.cell_type == "code" and where == "part":
            part.append(cell.source)
        elif cell.cell_type == "code" and where == "before":
            kinds = ast.Import | ast.ImportFrom | ast.FunctionDef
            before += [ast.unparse(node) for node in ast.parse(cell.source).body if isinstance(node, kinds)]
    return before, part


@pytest.fixture
def photographs(places, monkeypatch):
    """Put a tiny stand-in for CIFAR-10 into Keras's cache: six noisy images a class to train with, two to test."""
    rng, y = np.random.default_rng(0), np.arange(80, dtype="uint8") % 10
    x = rng.integers(0, 256, (80, 32, 32, 3)).astype("uint8")
    arrays = {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}
    sums = {name: {"shape": list(array.shape), "sha256": data.digest(array)} for name, array in arrays.items()}
    monkeypatch.setitem(data._entries(), "cifar10", data._entry("cifar10") | {"arrays": sums})
    places.cache.mkdir(parents=True)
    np.savez(places.cache / data._entry("cifar10")["file"], **arrays)


@pytest.mark.parametrize(("name", "build"), [("vgg16", "VGG16"), ("resnet50", "ResNet50")])
def test_the_chapters_section_runs_with_full_width_weights(
    name, build, serve, offered, photographs, monkeypatch, tmp_path
):
    build = getattr(keras.applications, build)
    files = {f"{name}-imagenet": build(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")}
    if name == "resnet50":  # VGG16's own head alone is half a gigabyte
        files[f"{name}-imagenet-top"] = build(weights=None)
    for file, network in files.items():
        content = weights_file(network)
        offered(file, f"{serve(content)}/good", content)
        data.fetch(file)
    monkeypatch.setenv("TLBOOK_CLAIMS", "log")  # random weights say nothing true
    monkeypatch.setenv("TLBOOK_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(tl.plots, "_show", lambda figure, alt: None)
    here = backbones.at_hand  # and no EfficientNet, which quick would take in its place
    monkeypatch.setattr(backbones, "at_hand", lambda name, **of: name != backbones.LITE and here(name, **of))
    digits, letters = data.digits(), backbones.vgg16()
    defined = {"COUNTS": (5, 6), "most": 6, "STEPS": 1, "SCRATCH": 1e-3, "HEAD": 1e-3, "C": 0.1, "d": digits}
    defined |= {"BLOCKS": [f"block{number}" for number in range(1, 6)]}
    defined |= {"y_train": digits.y_train, "y_test": None, "y_labelled": None, "x_test": None}
    defined |= {"run": tl.start("02_vgg16_fine_tuning"), "backbone": letters, "untrained": letters}
    before, section = chapter_part("## 5.", "## 6.")
    parts = [
        ("### LoRA", "### Augmentation"),
        ("### ImageNet's own names", "## 7."),
        ("### Preprocessing, with", "## Summary"),
    ]
    for source in (*before, *section, *(cell for part in parts for cell in chapter_part(*part)[1])):
        exec(source.replace("SIDE = 128", "SIDE = 32").replace("quick=20, full=200", "quick=4, full=200"), defined)
    events = map(json.loads, (tmp_path / "log").read_text().splitlines())
    numbers = {event["name"] for event in events if event["kind"] == "number"}
    kinds = ["frozen_acc_at_5", "random_acc_at_5", "finetuned_acc_at_6", "lora_acc_at_6", "adapters_acc_at_6"]
    kinds += ["kmeans_acc", "divided_acc", "prepared_twice_retrained_acc"]
    assert numbers >= {f"imagenet_{name}_{kind}" for kind in kinds}
    assert (f"imagenet_{name}_y1_acc" in numbers) == (name == "resnet50")
    assert list(defined["networks"]) == [name]
    assert_array_equal(
        defined["networks"][name].get_weights()[0], files[f"{name}-imagenet"].get_weights()[0]
    )  # fine-tuning took a copy


@pytest.mark.skipif(
    data.locate("mobilenet-imagenet") is None, reason="MobileNet's ImageNet weights are not on this disk"
)
def test_the_real_mobilenet_is_accepted():
    features = backbones.imagenet("mobilenet").predict(np.full((1, 96, 96, 3), 128, "uint8"), verbose=0)
    assert features.shape == (1, 256)
    assert 0 < features.max() < 20


@pytest.mark.parametrize("name", ["VGG16", "", None, ["vgg16"]])
def test_an_unknown_network_is_refused(name, refused):
    with refused("imagenet(): name", "vgg16 or resnet50 or mobilenet", repr(name)):
        backbones.imagenet(name)


def test_images_of_a_size_that_a_network_cannot_take_are_refused(refused):
    with refused("imagenet(): image_size", "at least 32", "found 31"):
        backbones.imagenet("mobilenet", 31)
    with refused("imagenet(): image_size", "a whole number", "found 64.0"):
        backbones.imagenet("mobilenet", 64.0)
    with refused("imagenet(): image_size", "224 pixels with top=True", "found 96"):
        backbones.imagenet("vgg16", top=True)
    with refused("data set", "'mobilenet-imagenet-top'"):
        backbones.imagenet("mobilenet", 224, top=True)


def test_preprocessing_can_be_left_out(mobilenet, serve, offered):
    network, content = mobilenet
    offered("mobilenet-imagenet", f"{serve(content)}/good", content)
    images = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64, 3)).astype("float32")
    bare = backbones.imagenet("mobilenet", 64, preprocess=False)
    assert_allclose(bare.predict(images, verbose=0), network.predict(images, verbose=0), rtol=1e-4, atol=1e-5)


def test_weights_at_hand_are_those_that_need_no_download(places, offered, refused):
    assert not backbones.at_hand("vgg16")
    content = b"weights"
    offered("vgg16-imagenet", "http://127.0.0.1:9/vgg16", content)
    path = places.cache.parent / "models" / data._entry("vgg16-imagenet")["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert backbones.at_hand("vgg16")
    assert not backbones.at_hand("vgg16", top=True)
    for name in ("vgg17", None):
        with refused("at_hand(): name", "vgg16"):
            backbones.at_hand(name)
