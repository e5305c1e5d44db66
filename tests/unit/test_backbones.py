import hashlib
import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose

from tlbook import backbones, data, features, neighbours


@pytest.fixture(scope="module")
def source():
    return data.letters(n=256, n_test=1)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Give the package another folder of weights, with a file that its list of checksums knows."""
    monkeypatch.setattr(backbones, "WEIGHTS", tmp_path)
    monkeypatch.setattr(backbones, "SUMS", tmp_path / "SHA256SUMS")
    keras.utils.set_random_seed(42)
    file = tmp_path / "small_cnn_letters.weights.h5"
    backbones.small_cnn(weights=None).save_weights(file)
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    return file


@pytest.mark.parametrize("size", [4, 28, 32])
def test_a_small_cnn_takes_raw_images_and_ends_at_128_features(size):
    network = backbones.small_cnn(weights=None, image_size=size)
    assert network.input_shape == (None, size, size)
    assert network.output_shape == (None, 128)
    z = network.predict(np.full((3, size, size), 255, "uint8"), verbose=0)
    assert z.shape == (3, 128)
    assert z.dtype == np.float32
    assert sum(isinstance(layer, layers.Rescaling) for layer in network.layers) == 1


def test_random_weights_follow_the_global_seed():
    networks = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        networks.append(backbones.small_cnn(weights=None).get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(networks[0], networks[1], strict=True))
    assert not np.array_equal(networks[0][0], networks[2][0])


def test_shipped_weights_are_loaded_whatever_the_seed_and_the_size(shelf):
    first = backbones.small_cnn(weights="letters").get_weights()
    second = backbones.small_cnn(weights="letters", image_size=20).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_altered_weights_are_caught(shelf, refused):
    content = bytearray(shelf.read_bytes())
    content[-1] ^= 1
    shelf.write_bytes(content)
    with refused(str(shelf), "SHA-256", "found", "python -m tlbook weights"):
        backbones.small_cnn(weights="letters")


def test_missing_weights_are_named(shelf, refused):
    shelf.unlink()
    with refused(str(shelf), "SHA-256", "no such file", "python -m tlbook weights"):
        backbones.small_cnn(weights="letters")


@pytest.mark.parametrize("content", [None, "", "0" * 64 + "  other.h5\n"])
def test_weights_without_a_checksum_are_not_trusted(content, shelf, refused):
    backbones.SUMS.unlink()
    if content is not None:
        backbones.SUMS.write_text(content)
    with refused(str(shelf), "none listed", "python -m tlbook weights"):
        backbones.small_cnn(weights="letters")


@pytest.mark.parametrize("weights", ["imagenet", "", 0, "Letters", ["letters"]])
def test_unknown_weights_are_refused(weights, refused):
    with refused("small_cnn(): weights", "letters, letters-without-lookalikes, letters-8x8 or None", repr(weights)):
        backbones.small_cnn(weights=weights)


def test_the_weights_in_the_package_are_small_and_as_listed():
    files = [file for file in backbones.WEIGHTS.iterdir() if file.suffix == ".h5"]
    assert files
    for file in files:
        assert backbones.checked(file).stat().st_size < (1e6 if file.name.startswith("small_cnn") else 4e6)


@pytest.mark.parametrize("name", ["letters", "letters-without-lookalikes"])
def test_the_weights_in_the_package_know_letters(name, places):
    letters = data.letters(n=780, n_test=1, seed=12345, **backbones.LETTERS[name])
    known, control = (
        neighbours.agreement(neighbours.nearest(features.extract(network, letters.x_train), 5), letters.y_train)
        for network in (backbones.small_cnn(weights=name), backbones.small_cnn(weights=None))
    )
    assert known > control + 0.2


def test_training_changes_the_backbone_in_place_and_returns_logits(source):
    keras.utils.set_random_seed(0)
    network = backbones.small_cnn(weights=None)
    before = [weight.copy() for weight in network.get_weights()]
    classifier = backbones.train_source(network, source, epochs=1)
    assert all(not np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    logits = classifier.predict(source.x_train, verbose=0)
    assert logits.shape == (256, 52)
    assert logits.min() < 0
    weight, bias = classifier.get_weights()[-2:]
    assert_allclose(network.predict(source.x_train[:3], verbose=0) @ weight + bias, logits[:3], atol=1e-4)


def test_a_copy_answers_alike_and_learns_alone(source):
    network = backbones.small_cnn(weights=None)
    before, images = network.get_weights(), source.x_train[:16]
    twin = backbones.duplicate(network)
    assert_allclose(twin.predict(images, verbose=0), network.predict(images, verbose=0), atol=1e-6)
    backbones.train_source(twin, source, epochs=1)
    assert all(np.array_equal(old, new) for old, new in zip(before, network.get_weights(), strict=True))
    assert not np.array_equal(twin.get_weights()[0], before[0])


def test_training_learns_the_source():
    two = data.letters(n=512, n_test=1, without="".join(set(data.glyphs.LETTERS) - set("oL")))
    keras.utils.set_random_seed(0)
    history = backbones.train_source(backbones.small_cnn(weights=None), two, epochs=4).history.history
    assert history["accuracy"][-1] > 0.9
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_training_is_repeatable_by_the_global_seed(source):
    answers = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        network = backbones.small_cnn(weights=None)
        backbones.train_source(network, source, epochs=1)
        answers.append(keras.ops.convert_to_numpy(network(source.x_train[:20])))
    assert_allclose(answers[0], answers[1], rtol=1e-3, atol=1e-3)
    assert np.ptp(answers[0], axis=0).max() > 0.02  # not all the same


def test_training_for_no_epoch_is_refused(source, refused):
    with refused("train_source(): epochs", "at least 1", "found 0"):
        backbones.train_source(backbones.small_cnn(weights=None), source, epochs=0)


def test_the_weights_can_be_made_anew(shelf, monkeypatch):
    before = shelf.read_bytes()
    monkeypatch.setattr(backbones, "LETTERS_IMAGES", 128)
    monkeypatch.setattr(backbones, "LETTERS_EPOCHS", 1)
    monkeypatch.setattr(backbones, "VGG_EPOCHS", 1)
    assert backbones.remake_weights() == shelf.parent
    assert shelf.read_bytes() != before
    made = {f"{name}.weights.h5" for name in backbones.SHIPPED}
    assert {file.name for file in shelf.parent.iterdir()} == {*made, "SHA256SUMS"}
    made = [backbones.small_cnn(weights=name).get_weights() for name in backbones.LETTERS]
    assert not any(np.array_equal(one[0], other[0]) for one, other in itertools.combinations(made, 2))


def test_weights_that_could_not_be_made_leave_the_old_ones(shelf, monkeypatch):
    before = shelf.read_bytes()
    monkeypatch.setattr(backbones, "LETTERS_IMAGES", 64)
    monkeypatch.setattr(backbones, "LETTERS_EPOCHS", 1)

    def half(self, file):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Sequential, "save_weights", half)
    with pytest.raises(KeyboardInterrupt):
        backbones.remake_weights()
    assert shelf.read_bytes() == before
    assert {file.name for file in shelf.parent.iterdir()} == {shelf.name, "SHA256SUMS"}


# VGG16


def test_vgg16_has_the_layers_of_the_published_one():
    ours, theirs = (
        backbones.vgg16(weights=None, width=1),
        keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3)),
    )
    named = [layer.name for layer in theirs.layers[1:-1]]
    assert [layer.name for layer in ours.layers[1:-1]] == named
    assert len([name for name in named if "conv" in name]) == 13
    assert [weight.shape for weight in ours.weights] == [weight.shape for weight in theirs.weights]


def test_vgg16_with_letters_is_a_quarter_as_wide_and_small():
    network = backbones.vgg16()
    assert network.output_shape == (None, 128)
    assert network.count_params() == 920_784
    file = backbones.WEIGHTS / "vgg16_letters.weights.h5"
    assert file.stat().st_size < 4e6


def test_vgg16_with_letters_knows_letters(places):
    letters = data.letters(n=520, n_test=1, seed=12345)
    known, control = (
        neighbours.agreement(
            neighbours.nearest(features.extract(network, data.as_rgb(letters.x_train)), 5), letters.y_train
        )
        for network in (backbones.vgg16(), backbones.vgg16(weights=None))
    )
    assert known > control + 0.2


def test_vgg16_takes_larger_images_with_the_same_weights():
    networks = [backbones.vgg16(image_size=size) for size in (32, 48)]
    assert all(np.array_equal(a, b) for a, b in zip(*(network.get_weights() for network in networks), strict=True))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "digits"}, ["weights", "letters, imagenet or None", "'digits'"]),
        ({"weights": "letters", "width": 0.5}, ["width", "0.25 for weights='letters'", "found 0.5"]),
        ({"weights": "imagenet", "width": 0.25}, ["width", "1 for weights='imagenet'", "found 0.25"]),
        ({"weights": ["letters"]}, ["weights", "['letters']"]),
        ({"weights": None, "width": 0.01}, ["width", "at least 0.015625", "found 0.01"]),
        ({"weights": None, "width": 0}, ["width", "at least 0.015625", "found 0"]),
        ({"weights": None, "width": float("nan")}, ["width", "finite", "found nan"]),
        ({"weights": None, "width": float("inf")}, ["width", "finite", "found inf"]),
        ({"weights": None, "width": "0.25"}, ["width", "finite", "found str"]),
        ({"image_size": 28}, ["image_size", "at least 32", "found 28"]),
        ({"image_size": 32.0}, ["image_size", "at least 32", "found 32.0"]),
    ],
)
def test_arguments_of_vgg16_that_cannot_be_used_are_refused(options, words, refused):
    with refused("vgg16()", *words):
        backbones.vgg16(**options)


def test_every_shipped_file_of_weights_has_its_checksum():
    files = {file.name.partition(".")[0] for file in backbones.WEIGHTS.glob("*.h5")}
    assert files == set(backbones.SHIPPED)


@pytest.mark.parametrize("size", [0, 1, 3, 28.0, True, "28", None])
def test_a_small_cnn_for_images_that_pooling_would_use_up_is_refused(size, refused):
    with refused("small_cnn(): image_size", "a whole number, at least 4"):
        backbones.small_cnn(weights=None, image_size=size)


@pytest.fixture
def channels_first():
    """Have Keras prefer the other order of channels, as a line of its keras.json would."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_networks_are_the_same_whatever_order_of_channels_keras_prefers(channels_first, refused):
    usual = [(None, 128), (None, 128)]
    assert [backbones.small_cnn().output_shape, backbones.vgg16(image_size=48).output_shape] == usual
    network = backbones.small_cnn(weights=None)
    assert network.predict(np.zeros((2, 28, 28), "uint8"), verbose=0).shape == (2, 128)
    with refused("keras.json", "channels_last", "found channels_first"):
        backbones.imagenet("mobilenet")


@pytest.mark.parametrize("network", [None, "vgg16", keras.Sequential([layers.Dense(2)])])
def test_what_is_no_built_network_has_no_copy(network, refused):
    with refused("duplicate(): network", "a built network", "keras.Input(shape)"):
        backbones.duplicate(network)


class OfOnesOwn(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.body = layers.Dense(width)

    def call(self, x):
        return self.body(x)


def test_a_network_that_keras_cannot_make_again_has_no_copy(refused):
    network = OfOnesOwn(2)
    network(np.zeros((1, 3)))
    with refused("duplicate(): network", "Keras can make again", "OfOnesOwn", "keras.Input(shape)"):
        backbones.duplicate(network)


def test_a_copy_scales_by_what_was_learned():
    images = np.random.default_rng(0).normal(50, 10, (9, 4)).astype("float32")
    network = keras.Sequential([keras.Input((4,)), layers.Normalization(axis=-1)])
    network.layers[0].adapt(images)
    twin = backbones.duplicate(network)
    assert_allclose(twin.predict(images, verbose=0), network.predict(images, verbose=0), atol=1e-5)
    assert abs(twin.predict(images, verbose=0).mean()) < 1e-3


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras has look-ups on TensorFlow alone")
def test_a_vocabulary_has_no_copy(refused):
    known = layers.IntegerLookup(num_oov_indices=1)
    known.adapt(np.array([1, 2, 3]))
    network = keras.Sequential([keras.Input((4,)), known])
    with refused("duplicate(): network", "IntegerLookup learned what no weight shows"):
        backbones.duplicate(network)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0, -1e-3, "fast", None])
def test_a_rate_that_is_no_number_above_0_is_refused(rate, source, refused):
    with refused("train_source(): rate", "a finite number", "rate=2e-3"):
        backbones.train_source(backbones.small_cnn(weights=None), source, epochs=1, rate=rate)


def test_a_training_that_diverges_is_not_passed_on(source, refused):
    with refused("train_source(): the loss", "a finite number", "smaller rate"):
        backbones.train_source(backbones.small_cnn(weights=None), source, epochs=2, rate=1e30)


@pytest.mark.parametrize("epochs", [1.0, True, None, "2"])
def test_epochs_that_are_no_whole_number_are_refused(epochs, source, refused):
    with refused("train_source(): epochs", "a whole number, at least 1"):
        backbones.train_source(backbones.small_cnn(weights=None), source, epochs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda d: replace(d, x_train=d.x_train / 255),
            ["images", "pixels from 0 to 255", "pass the images as they are"],
        ),
        (lambda d: replace(d, x_train=d.x_train // 255), ["images", "pixels from 0 to 255", "uint8 from 0 to 1"]),
        (lambda d: replace(d, x_train=d.x_train - 127.5), ["images", "pixels from 0 to 255", "-127.5 to 127.5"]),
        (lambda d: replace(d, x_train=d.x_train[:, :20]), ["images", "shape (256, 20, 28)"]),
        (lambda d: replace(d, x_train=d.x_train[:0], y_train=d.y_train[:0]), ["images", "at least one image"]),
        (lambda d: replace(d, x_train=np.full(d.x_train.shape, np.nan)), ["images", "NaN"]),
        (lambda d: replace(d, y_train=d.y_train[1:]), ["labels", "shape (256,)", "shape (255,)"]),
        (lambda d: replace(d, y_train=d.y_train[:, None]), ["labels", "shape (256, 1)"]),
        (lambda d: replace(d, y_train=d.y_train - 1.0), ["labels", "float64"]),
        (lambda d: replace(d, y_train=d.y_train.astype(int) - 1), ["labels", "from 0 to 51", "-1 to 50"]),
        (lambda d: replace(d, class_names=d.class_names[:5]), ["labels", "from 0 to 4", "0 to 51"]),
        (lambda d: d.x_train, ["source", "Dataset", "ndarray"]),
    ],
)
def test_sources_that_cannot_be_learned_are_refused(change, words, source, refused):
    with refused("train_source()", *words):
        backbones.train_source(backbones.small_cnn(weights=None), change(source), epochs=1)


def test_a_backbone_that_is_none_is_refused(source, refused):
    with refused("train_source(): network", "NoneType"):
        backbones.train_source(None, source, epochs=1)


def test_a_list_of_checksums_that_a_merge_spoiled_is_not_trusted(shelf, refused):
    backbones.SUMS.write_text("<<<<<<< ours\n" + backbones.SUMS.read_text() + "=======\n\n>>>>>>> theirs a b\n")
    assert backbones.checked(shelf) == shelf
    backbones.SUMS.write_text("<<<<<<< ours\n")
    with refused(str(shelf), "none listed"):
        backbones.checked(shelf)


@pytest.mark.parametrize("path", [None, "small_cnn_letters.weights.h5", 3])
def test_a_file_of_weights_is_named_by_its_path(path, refused):
    with refused("checked(): path", "pathlib.Path"):
        backbones.checked(path)


@pytest.mark.parametrize(("name", "build"), [("vgg16", "VGG16"), ("resnet50", "ResNet50"), ("mobilenet", "MobileNet")])
def test_the_preprocessing_of_keras_applications_counts_as_scaling_in_a_copy_too(name, build):
    module, images = getattr(keras.applications, name), keras.Input((32, 32, 3))
    first = module.preprocess_input(images)
    network = keras.Model(images, layers.Conv2D(2, 3)(first))
    for each in (network, backbones.duplicate(network), keras.Sequential([images, network])):
        assert backbones._scales(each)
    assert not backbones._scales(keras.Model(images, layers.Conv2D(2, 3)(images)))
