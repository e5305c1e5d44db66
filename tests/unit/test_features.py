import json
import os
import pathlib
import time

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from tlbook import backbones, data, features


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
    features.extract(network, images.astype("int16"))
    features.extract(network, images[::-1])
    assert len(calls) == 3


def test_the_cache_notices_another_architecture_with_the_same_weights(network, images, places, calls):
    features.extract(network, images)
    other = keras.Sequential([keras.Input((4, 4)), layers.Flatten(), layers.Dense(5)])
    other.set_weights(network.get_weights())
    features.extract(other, images)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: b"",
        lambda whole: b"not an array",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-4],
        lambda whole: whole + b"more",
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
        lambda whole: whole[:32] + bytes(len(whole) - 32),
    ],
    ids="empty text half row longer bit digest zeros".split(),
)
def test_a_cache_file_that_somebody_changed_is_made_anew(spoil, network, images, places, calls):
    first = features.extract(network, images)
    (file,) = places.features.iterdir()
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
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


def test_a_cache_in_the_home_folder_may_be_named_by_a_tilde(places, monkeypatch, tmp_path):
    monkeypatch.setenv("TLBOOK_CACHE", "~/x")
    assert features.cache_folder() == tmp_path / "home" / "x"


def test_a_cache_of_a_user_that_is_none_is_refused(network, images, places, monkeypatch, tmp_path, refused):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLBOOK_CACHE", "~nouser/x")
    with refused("TLBOOK_CACHE: ", "a user whom this system knows", "~nouser/x", "./"):
        features.extract(network, images)
    assert not (tmp_path / "~nouser").exists()


def test_a_full_disk_leaves_no_half_file(network, images, places, monkeypatch, capsys):
    def write(path, content):
        with open(path, "wb") as out:
            out.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", write)
    assert features.extract(network, images).shape == (37, 5)
    assert "no space left" in capsys.readouterr().out
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
        (np.full((2, 4, 4), np.inf), "inf"),
        (np.full((2, 4, 4), 1e300), "1e+300"),  # infinite once it is a float32
        (np.full((2, 4, 4), 9, "longdouble"), "9 to 9"),
        (np.zeros((2, 4, 4), complex), "complex128"),
        (np.zeros((2, 4, 4), object), "object"),
        (np.ma.array(np.zeros((2, 4, 4)), mask=True), "some"),
        ([[1], [1, 2]], "inhomogeneous"),
        (None, "object"),
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


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_a_batch_of_no_size_is_refused(size, network, images, refused):
    with refused("extract(): batch_size", "a whole number, at least 1"):
        features.extract(network, images, batch_size=size, cache=False)


# Files of the cache that are not the answer


def test_another_answer_in_the_place_of_one_is_made_anew(network, images, places, calls):
    first = features.extract(network, images)
    (file,) = places.features.iterdir()
    features.extract(network, images[::-1])
    (other,) = set(places.features.iterdir()) - {file}
    file.write_bytes(other.read_bytes())
    assert_allclose(features.extract(network, images), first, atol=1e-6)
    assert len(calls) == 3


@pytest.mark.parametrize("values", [np.full((37, 5), np.nan), np.ones((37, 6)), np.ones((36, 5)), np.ones((74, 5))])
def test_an_answer_that_cannot_be_one_is_made_anew_though_its_digest_is_right(values, network, images, places, calls):
    features.extract(network, images)
    (file,) = places.features.iterdir()
    features._keep(file, file.stem, values.astype("float32"))
    z = features.extract(network, images)
    assert len(calls) == 2
    assert z.shape == (37, 5) and np.isfinite(z).all()


@pytest.mark.parametrize("width", [5, None])
def test_a_cache_file_larger_than_the_memory_is_not_read(width, images, places, monkeypatch):
    key, shape = "0" * 64, (37, width or -1)
    path = places.features / f"{key}.f32"
    features._keep(path, key, np.zeros((37, 5), "float32"))
    assert features._kept(path, key, shape).shape == (37, 5)
    monkeypatch.setattr(np, "fromfile", lambda *_: pytest.fail("it was read"))
    for size in (32 + 37 * 4 * 10**9, 32 + 37 * 20 + 1, 31, 0):
        os.truncate(path, size)  # a file of holes takes no room on the disk
        assert features._kept(path, key, shape) is None


def test_an_answer_that_does_not_fit_into_the_memory_is_made_anew(network, images, places, monkeypatch, calls):
    def full(*_):
        raise MemoryError

    features.extract(network, images)
    monkeypatch.setattr(np, "fromfile", full)
    assert features.extract(network, images).shape == (37, 5)
    assert len(calls) == 2


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_a_cache_file_that_is_no_file_is_not_waited_for(kind, network, images, places, calls):
    features.extract(network, images)
    (file,) = places.features.iterdir()
    file.unlink()
    file.mkdir() if kind == "folder" else os.mkfifo(file)
    assert features.extract(network, images).shape == (37, 5)
    assert len(calls) == 2


def test_files_of_the_older_form_go_first_when_the_cache_is_full(network, images, places, monkeypatch):
    places.features.mkdir(parents=True)
    old = places.features / "0123.npy"
    np.save(old, np.zeros((37, 5), "float32"))
    os.utime(old, (1e9, 1e9))
    monkeypatch.setattr(features, "CACHE_BYTES", 800)
    features.extract(network, images)
    assert not old.exists()


def test_an_answer_from_the_cache_may_be_written_to(network, images, places):
    features.extract(network, images)
    z = features.extract(network, images)
    z[0] = 0
    assert (z[0] == 0).all()


def test_files_that_another_process_drops_meanwhile_are_no_reason_to_complain(
    network, images, places, monkeypatch, capsys
):
    features.extract(network, images[:3])
    (file,) = places.features.iterdir()
    real = pathlib.Path.stat

    def stat(path, **options):
        if path == file:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return real(path, **options)

    monkeypatch.setattr(pathlib.Path, "stat", stat)
    features.extract(network, images)
    assert capsys.readouterr().out == ""
    assert len(list(places.features.iterdir())) == 2


def test_what_a_killed_process_left_is_removed_but_not_what_another_writes(network, images, places):
    old, new = places.features / "tmpabcdefgh", places.features / "tmp12345678"
    for folder, age in ((old, 2 * data.LEFT_OVER), (new, 0)):
        folder.mkdir(parents=True)
        (folder / "half.f32").write_bytes(b"half")
        for path in (folder / "half.f32", folder):
            os.utime(path, (time.time() - age,) * 2)
    features.extract(network, images)
    assert not old.exists()
    assert (new / "half.f32").exists()


# Which networks share an answer


def sequential(activation="relu", **options):
    hidden = layers.Dense(4, activation)
    return keras.Sequential([keras.Input((4, 4)), layers.Flatten(), hidden, layers.Dense(5)], **options)


def functional(scale=127.5, first=0):
    images = keras.Input((4, 4))
    flat = layers.Flatten()(images / scale - 1)
    body = [sequential()(images), layers.Dense(5)(layers.Dense(4)(flat))]
    return keras.Model(images, layers.Subtract()([body[first], body[1 - first]]))


def wrapped(units=2):
    inner = layers.TimeDistributed(layers.Dense(units))
    return keras.Sequential([keras.Input((4, 4)), inner, layers.Bidirectional(layers.LSTM(2))])


def keys(*networks):
    """Return the keys of networks that have the first one's weights."""
    for network in networks[1:]:
        network.set_weights(networks[0].get_weights())
    found = [features._key(network, np.zeros((1, 4, 4))) for network in networks]
    assert None not in found
    return found


@pytest.mark.parametrize("build", [sequential, functional, wrapped])
def test_equal_networks_share_an_answer_whatever_their_layers_are_called(build, images, places):
    one, two = build(), build()
    assert one.layers[-1].name != two.layers[-1].name
    two.set_weights(one.get_weights())
    assert_array_equal(features.extract(one, images), features.extract(two, images))
    assert len(list(places.features.iterdir())) == 1


def test_neither_names_nor_training_settings_make_another_network():
    one, two, three = sequential(name="relu"), sequential(name="mine"), sequential()
    three.compile("adam", "mse")
    assert len(set(keys(one, two, three))) == 1


def test_an_activation_is_not_taken_for_the_name_of_a_layer():
    relu, tanh = sequential("relu", name="relu"), sequential("tanh", name="tanh")
    assert len(set(keys(relu, tanh))) == 2


def test_a_dtype_is_not_taken_for_the_name_of_a_layer():
    def named(dtype):
        layer = layers.Dense(5, dtype=dtype, name=dtype)
        return keras.Sequential([keras.Input((4, 4)), layers.Flatten(), layer])

    assert len(set(keys(named("float32"), named("mixed_bfloat16")))) == 2


def test_networks_that_differ_in_little_share_nothing():
    plans = [features._plan(functional(*changed)) for changed in ((), (127,), (127.5, 1))]
    assert len(set(map(json.dumps, plans))) == 3
    assert plans[0] == features._plan(functional())


class Doubled(layers.Layer):
    def call(self, images):
        return 2 * images


def own_function(x):
    return 2 * x


def mapped(over, function):
    images = keras.Input((4, 4))
    return keras.Model(images, layers.Dense(5)(layers.Flatten()(over(function, images))))


@pytest.mark.parametrize(
    "own",
    [lambda: Doubled(), lambda: layers.Lambda(lambda x: 2 * x), lambda: layers.Activation(own_function)],
    ids="layer lambda activation".split(),
)
def test_answers_that_hang_on_code_of_ones_own_are_not_kept(own, images, places, calls):
    network = keras.Sequential([keras.Input((4, 4)), layers.Flatten(), own(), layers.Dense(5)])
    for _ in range(2):
        features.extract(network, images)
    assert len(calls) == 2
    assert not places.features.exists()


@pytest.mark.parametrize("over", [keras.ops.map, keras.ops.vectorized_map])
@pytest.mark.parametrize("function", [own_function, lambda x: 3 * x], ids=["named", "lambda"])
@pytest.mark.filterwarnings("ignore:The object being serialized")
def test_networks_with_a_function_of_ones_own_inside_an_operation_share_nothing(over, function, images, places):
    assert features._key(mapped(over, function), images) is None
    nested = keras.Sequential([keras.Input((4, 4)), mapped(over, function)])
    assert features._key(nested, images) is None


def test_an_operation_of_ones_own_is_not_kept(images, places):
    class Doubling(keras.Operation):
        def call(self, images):
            return 2 * images

        def compute_output_spec(self, images):
            return keras.KerasTensor(images.shape, images.dtype)

    assert features._key(mapped(lambda _, x: Doubling()(x), None), images) is None


def looked_up(*known):
    whole = layers.IntegerLookup(num_oov_indices=1)
    whole.adapt(np.array(known))
    return whole


def bounded(values):
    bins = layers.Discretization(num_bins=3)
    bins.adapt(np.array(values, "float32"))
    return bins


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras has look-ups on TensorFlow alone")
@pytest.mark.parametrize("learned", [lambda: looked_up(1, 2, 3), lambda: bounded([0, 1, 2, 3])])
def test_what_a_layer_learned_where_no_weight_shows_it_is_not_kept(learned, images):
    body = [keras.Input((4, 4)), layers.Flatten(), learned(), layers.Rescaling(0.5, dtype="float32")]
    assert features._key(keras.Sequential(body), images) is None
    assert features._key(keras.Sequential([keras.Input((4, 4)), keras.Sequential(body)]), images) is None


def test_networks_of_equal_weights_that_scale_otherwise_share_nothing(images, places):
    def scaling():
        return keras.Sequential([keras.Input((4, 4)), layers.Normalization(axis=None), layers.Flatten()])

    one, other = scaling(), scaling()
    one.layers[0].adapt(images.astype("float32"))
    other.set_weights(one.get_weights())  # which Keras does not follow by working out the mean
    assert not np.allclose(features.extract(one, images), features.extract(other, images))


def test_a_network_with_a_state_is_asked_each_time(images):
    network = keras.Sequential([keras.Input((4, 4), batch_size=37), layers.LSTM(5, stateful=True)])
    assert features._key(network, images) is None


def test_another_epsilon_of_keras_is_another_answer(network, images):
    usual, key = keras.config.epsilon(), features._key(network, images)
    keras.config.set_epsilon(1e-3)
    try:
        assert key != features._key(network, images)
    finally:
        keras.config.set_epsilon(usual)
    assert key == features._key(network, images)


# Networks that cannot be used


def two_outputs():
    images = keras.Input((4, 4))
    flat = layers.Flatten()(images)
    return keras.Model(images, [layers.Dense(5)(flat), layers.Dense(5)(flat)])


def two_inputs():
    images, more = keras.Input((4, 4)), keras.Input((4, 4))
    return keras.Model([images, more], layers.Flatten()(layers.Add()([images, more])))


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (two_outputs, "an output of shape (None, d)"),
        (two_inputs, "one input"),
        (lambda: keras.Sequential([layers.Flatten()]), "not built"),
        (lambda: None, "NoneType"),
        (lambda: np.asarray, "function"),
    ],
)
def test_networks_that_make_no_features_are_refused(build, found, images, places, refused):
    with refused("extract(): network", found):
        features.extract(build(), images)


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e38])
def test_features_that_are_not_finite_are_refused_and_never_kept(weight, network, images, places, refused):
    network.set_weights([np.full_like(array, weight) for array in network.get_weights()])
    with refused("extract(): network", "finite features", "NaN or infinity", "smaller rate"):
        features.extract(network, images)
    assert not places.features.exists()


def test_networks_of_half_precision_give_float32(images, places):
    for dtype in ("mixed_bfloat16", "bfloat16", "float64"):
        layer = layers.Dense(5, dtype=dtype)
        network = keras.Sequential([keras.Input((4, 4)), layers.Flatten(), layer])
        assert features.extract(network, images).dtype == np.float32


def test_a_network_for_any_size_takes_any_size(places):
    network = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert features.extract(network, np.zeros((2, 9, 7, 3), "uint8")).shape == (2, 2)


# Pixels that were scaled before


def scaling(*first):
    return keras.Sequential([keras.Input((4, 4)), *first, layers.Flatten(), layers.Dense(5)])


def prepared():
    images = keras.Input((4, 4))
    return keras.Model(images, layers.Dense(5)(layers.Flatten()(images / 127.5 - 1)))


SCALING = {
    "by a product": lambda: arithmetic(lambda x: x * (1 / 255)),
    "step by step": lambda: scaling(layers.Rescaling(1 / 16), layers.Rescaling(1 / 16)),
    "about the middle": lambda: arithmetic(lambda x: (x - 127.5) / 2),
    "as caffe": lambda: arithmetic(lambda x: x + np.array([-103.9] * 4, "float32")),
    "rescaling": lambda: scaling(layers.Rescaling(1 / 255)),
    "normalization": lambda: scaling(layers.Normalization(axis=None, mean=128.0, variance=64.0**2)),
    "nested": lambda: scaling(keras.Sequential([keras.Input((4, 4)), layers.Rescaling(1 / 127.5, -1)])),
    "inside another": lambda: keras.Sequential([keras.Input((4, 4)), prepared()]),
    "wrapped": lambda: scaling(layers.TimeDistributed(layers.Rescaling(1 / 255))),
    "arithmetic": prepared,
    "small_cnn": lambda: backbones.small_cnn(weights=None, image_size=4),
}


@pytest.mark.parametrize("build", SCALING.values(), ids=SCALING)
@pytest.mark.parametrize("low", [0, -1])
def test_pixels_that_were_scaled_before_are_refused_where_the_network_scales_them_too(
    build, low, images, places, refused
):
    scaled = images / 255 * (1 - low) + low
    with refused("extract(): images", "pixels from 0 to 255", "to 1", "pass the images as they are"):
        features.extract(build(), scaled.astype("float32"))
    for right in (images, images.astype("float64"), np.zeros((2, 4, 4))):
        assert features.extract(build(), right).shape == (len(right), 128 if build is SCALING["small_cnn"] else 5)


@pytest.mark.parametrize("build", SCALING.values(), ids=SCALING)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: (x - 128.0) / 64,
        lambda x: (x - 33.3) / 78.6,  # MNIST as usually standardised: from -0.42 to 2.82
        lambda x: x - 127.5,
        lambda x: (x / 255).astype("uint8"),
        lambda x: (x > 127).astype("int64"),
        lambda x: x > 127,
        lambda x: x.astype("uint16") * 257,
    ],
    ids="standardised mnist centred bytes whole bool sixteen".split(),
)
def test_pixels_of_any_other_scale_are_refused_whatever_their_dtype(build, spoil, images, places, refused):
    with refused("extract(): images", "pixels from 0 to 255", "pass the images as they are"):
        features.extract(build(), spoil(images))


def test_a_black_batch_of_any_dtype_is_fine(network, places):
    for dtype in ("bool", "uint8", "int16", "float32"):
        assert features.extract(network, np.zeros((2, 4, 4), dtype), cache=False).shape == (2, 5)


def arithmetic(change):
    images = keras.Input((4, 4))
    return keras.Model(images, layers.Dense(5)(layers.Flatten()(change(images))))


UNSCALED = {
    "to -1 to 1": lambda: arithmetic(lambda x: x * 2 - 1),
    "standardising": lambda: arithmetic(lambda x: (x - 0.13) / 0.31),
    "inverting": lambda: arithmetic(lambda x: 1 - x),
    "with itself": lambda: arithmetic(lambda x: x * x),
    "half": lambda: scaling(layers.Rescaling(0.5, offset=0.25)),
    "none": lambda: scaling(),
    "from 0 to 1 up": lambda: scaling(layers.Rescaling(2, -1)),
    "for small numbers": lambda: scaling(layers.Normalization(axis=None, mean=0.5, variance=0.1)),
    "after weights": lambda: scaling(layers.Dense(4), layers.Rescaling(1 / 255)),
}


@pytest.mark.parametrize("build", UNSCALED.values(), ids=UNSCALED)
def test_networks_that_do_not_scale_take_small_numbers(build, images, places):
    assert features.extract(build(), images / 255).shape == (37, 5)


# Lengths


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1.0, 1e30, 3e37])
def test_rows_of_any_size_are_scaled_to_length_1_in_float32(scale):
    z = np.array([[3, 4, 0], [0, 0, 0], [-1, 2, 2]], "float32") * np.float32(scale)
    scaled = features.normalise(z)
    assert scaled.dtype == np.float32
    assert_allclose(scaled, [[0.6, 0.8, 0], [0, 0, 0], [-1 / 3, 2 / 3, 2 / 3]], rtol=1e-4)


def test_ordinary_rows_are_divided_by_their_length_to_the_last_bit():
    z = np.random.default_rng(0).normal(size=(200, 64)) * 10.0 ** np.random.default_rng(1).integers(-5, 6, (200, 1))
    for dtype in ("float32", "float64"):
        rows = z.astype(dtype)
        assert_array_equal(features.normalise(rows), rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", ">f4"])
def test_lengths_of_other_numbers_are_float32_and_no_number_overflows(dtype):
    scaled = features.normalise(np.array([[100, 100], [0, 3]], dtype))
    assert scaled.dtype == np.float32
    assert_allclose(scaled, [[0.5**0.5, 0.5**0.5], [0, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        np.array([[1.0, np.nan]]),
        np.array([[np.inf, 1.0]]),
        np.ones(3),
        np.ones((2, 2, 2)),
        np.ones((2, 0)),
        "text",
        [[1.0], [1.0, 2.0]],
        np.ma.array([[1.0, 2.0]], mask=[[True, False]]),
    ],
)
def test_what_has_no_length_is_refused(bad, refused):
    with refused("normalise(): z"):
        features.normalise(bad)
