import os

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from tlbook import features


@pytest.fixture
def network():
    """Return a network of 5 features whose rows are not all of one length."""
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4, 4)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(5)])


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (37, 4, 4)).astype("uint8")


@pytest.fixture
def calls(monkeypatch):
    """Count how often a network is asked."""
    real, seen = keras.Sequential.predict, []

    def predict(self, *arguments, **options):
        seen.append(1)
        return real(self, *arguments, **options)

    monkeypatch.setattr(keras.Sequential, "predict", predict)
    return seen


def test_features_are_the_networks_output_with_rows_of_length_1(network, images, places):
    z = features.extract(network, images, batch_size=8)
    raw = network.predict(images, verbose=0)
    assert z.dtype == np.float32
    assert_allclose(z, raw / np.sqrt((raw**2).sum(axis=1, keepdims=True)), atol=1e-6)
    assert_allclose((z**2).sum(axis=1), 1, atol=1e-6)


def test_a_row_of_zeros_stays_one():
    assert_array_equal(features.normalise(np.array([[0.0, 0.0], [0.0, 2.0]])), [[0, 0], [0, 1]])


def test_normalise_changes_neither_directions_nor_its_input():
    z = np.random.default_rng(0).normal(size=(9, 3))
    before = z.copy()
    scaled = features.normalise(z)
    assert_array_equal(z, before)
    assert_allclose(scaled * np.linalg.norm(z, axis=1)[:, None], z)


def test_a_second_call_does_not_ask_the_network(network, images, places, calls):
    first = features.extract(network, images)
    second = features.extract(network, images)
    assert len(calls) == 1
    assert_array_equal(first, second)
    assert second.dtype == np.float32


def test_the_cache_can_be_left_out(network, images, places, calls):
    features.extract(network, images, cache=False)
    features.extract(network, images, cache=False)
    assert len(calls) == 2
    assert not places.features.exists()


def test_the_cache_notices_other_weights(network, images, places, calls):
    first = features.extract(network, images)
    network.layers[-1].kernel.assign_add(np.full((16, 5), 0.1, "float32"))
    assert not np.allclose(first, features.extract(network, images))
    assert len(calls) == 2


def test_the_cache_notices_one_other_pixel(network, images, places, calls):
    first = features.extract(network, images)
    images[20, 3, 3] ^= 255
    second = features.extract(network, images)
    assert len(calls) == 2
    assert_allclose(first[:20], second[:20], atol=1e-6)
    assert not np.allclose(first[20], second[20])


def test_the_cache_notices_another_dtype_and_another_order(network, images, places, calls):
    features.extract(network, images)
    features.extract(network, images.view("int8"))
    features.extract(network, images[::-1])
    assert len(calls) == 3


def test_the_cache_notices_another_architecture_with_the_same_weights(network, images, places, calls):
    features.extract(network, images)
    other = keras.Sequential([keras.Input((4, 4)), layers.Flatten(), layers.Dense(5)])
    other.set_weights(network.get_weights())
    features.extract(other, images)
    assert len(calls) == 2


@pytest.mark.parametrize("content", [b"", b"not an array", b"half"])
def test_a_corrupt_cache_file_is_made_anew(content, network, images, places, calls):
    first = features.extract(network, images)
    (file,) = places.features.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    assert_allclose(features.extract(network, images), first, atol=1e-6)
    assert len(calls) == 2
    assert len(file.read_bytes()) == len(whole)
    features.extract(network, images)
    assert len(calls) == 2


def test_a_cache_that_cannot_be_written_is_said_and_does_not_stop(
    network, images, places, monkeypatch, tmp_path, capsys
):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "blocked"))
    assert features.extract(network, images).shape == (37, 5)
    assert "not kept" in capsys.readouterr().out


def test_a_full_disk_leaves_no_half_file(network, images, places, monkeypatch, capsys):
    def save(file, _):
        with open(file, "wb") as out:
            out.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", save)
    assert features.extract(network, images).shape == (37, 5)
    assert "No space left" in capsys.readouterr().out
    assert list(places.features.iterdir()) == []


def test_the_oldest_files_go_when_the_cache_is_full(network, images, places, monkeypatch):
    seen = []
    for rows, age in ((30, 300), (20, 200), (10, 100)):
        features.extract(network, images[:rows])
        (new,) = set(places.features.iterdir()) - set(seen)
        os.utime(new, (1e9 - age, 1e9 - age))
        seen.append(new)
    total = sum(file.stat().st_size for file in seen)
    monkeypatch.setattr(features, "CACHE_BYTES", total + 200)  # the next answer takes more than that
    features.extract(network, images)
    assert [file.exists() for file in seen] == [False, True, True]
    assert len(list(places.features.iterdir())) == 3


def test_the_cache_is_in_the_home_folder_by_default(places, monkeypatch, tmp_path):
    monkeypatch.delenv("TLBOOK_CACHE")
    assert features.cache_folder() == tmp_path / "home" / ".cache" / "tlbook"


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (np.zeros((0, 4, 4)), "shape (0, 4, 4)"),
        (np.zeros((3, 5, 5)), "shape (3, 5, 5)"),
        (np.zeros((3, 16)), "shape (3, 16)"),
        (np.float32(1), "shape ()"),
        (np.full((2, 4, 4), np.nan), "NaN"),
    ],
)
def test_images_that_the_network_cannot_take_are_refused(bad, found, network, places, refused):
    with refused("extract(): images", "expected", found):
        features.extract(network, bad)
    assert not places.features.exists()


def test_a_network_that_does_not_end_at_features_is_refused(places, refused):
    network = keras.Sequential([keras.Input((4, 4)), layers.Dense(2)])
    with refused("extract(): network", "(None, 4, 2)", "feature layer"):
        features.extract(network, np.zeros((3, 4, 4)))
