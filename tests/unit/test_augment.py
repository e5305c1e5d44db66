import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from tlbook import TlbookError
from tlbook.augment import RandomAffine, deskew
from tlbook.backbones import duplicate

STILL = {"rotation": 0.0, "zoom": 0.0, "shear": 0.0, "shift": 0.0}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 11, 11)).astype("uint8")


def distorted(layer, images):
    return keras.ops.convert_to_numpy(layer(images, training=True))


def centre(image):
    """Return the centre of mass of an image, (x, y) from its middle."""
    side = (np.array(image.shape) - 1) / 2
    rows, columns = np.indices(image.shape)
    return np.array([(image * (columns - side[1])).sum(), (image * (rows - side[0])).sum()]) / image.sum()


def dot(x, y, side=41):
    """Return an image with one soft dot at (x, y) from its middle."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4).astype("float32")


def test_outside_of_training_images_stay_as_they_are(images):
    layer = RandomAffine(seed=0)
    for answer in (layer(images), layer(images, training=False)):
        assert_array_equal(keras.ops.convert_to_numpy(answer), images)
        assert keras.backend.standardize_dtype(answer.dtype) == "float32"


def test_in_training_images_change(images):
    assert not np.allclose(distorted(RandomAffine(seed=0), images), images)


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 28, 1), (5, 20, 30, 3), (1, 9, 9)])
def test_shapes_are_kept(shape):
    layer = RandomAffine(seed=0)
    answer = distorted(layer, np.full(shape, 200, "uint8"))
    assert answer.shape == shape == tuple(layer.compute_output_shape(shape))
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()


def test_three_and_four_dimensions_are_distorted_alike(images):
    flat = distorted(RandomAffine(seed=4), images)
    assert_allclose(distorted(RandomAffine(seed=4), images[..., None])[..., 0], flat, atol=1e-3)


def test_channels_of_an_image_move_together(images):
    colour = np.repeat(images[..., None], 3, axis=-1)
    answer = distorted(RandomAffine(seed=4), colour)
    assert_allclose(answer[..., 0], answer[..., 2], atol=1e-3)


def test_a_seed_repeats_its_draws_and_each_call_draws_anew(images):
    first, again, other = RandomAffine(seed=7), RandomAffine(seed=7), RandomAffine(seed=8)
    one = distorted(first, images)
    assert_array_equal(one, distorted(again, images))
    assert not np.allclose(one, distorted(other, images))
    assert not np.allclose(one, distorted(first, images))


def test_without_a_seed_the_global_one_decides(images):
    answers = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        answers.append(distorted(RandomAffine(), images))
    assert_array_equal(*answers)


def test_each_image_gets_its_own_draw(images):
    answer = distorted(RandomAffine(seed=0), np.repeat(images[:1], 5, axis=0))
    assert len(np.unique(answer.reshape(5, -1), axis=0)) == 5


def test_zero_limits_change_nothing(images):
    assert_allclose(distorted(RandomAffine(**STILL), images), images, atol=1e-2)


def test_rotation_turns_about_the_middle_by_at_most_its_limit():
    limit = 0.5
    layer = RandomAffine(**{**STILL, "rotation": limit}, seed=0)
    turned = [centre(image) for image in distorted(layer, np.repeat(dot(12, 0)[None], 40, axis=0))]
    assert_allclose(np.linalg.norm(turned, axis=1), 12, atol=0.2)  # as far from the middle as before
    angles = np.arctan2(*np.transpose(turned)[::-1])
    assert np.abs(angles).max() <= limit + 0.02
    assert angles.max() > 0.5 * limit and angles.min() < -0.5 * limit  # either way
    (middle,) = distorted(layer, dot(0, 0)[None])
    assert_allclose(centre(middle), 0, atol=0.05)


def test_zoom_changes_distances_from_the_middle_by_at_most_its_limit():
    layer = RandomAffine(**{**STILL, "zoom": 0.2}, seed=0)
    moved = np.array([centre(image) for image in distorted(layer, np.repeat(dot(10, 0)[None], 40, axis=0))])
    assert_allclose(moved[:, 1], 0, atol=0.05)
    assert moved[:, 0].min() > 10 / 1.2 - 0.2 and moved[:, 0].max() < 10 / 0.8 + 0.2
    assert moved[:, 0].min() < 9.5 and moved[:, 0].max() > 10.5


def test_shear_moves_along_x_in_proportion_to_y():
    layer = RandomAffine(**{**STILL, "shear": 0.3}, seed=0)
    moved = np.array([centre(image) for image in distorted(layer, np.repeat(dot(0, 10)[None], 40, axis=0))])
    assert_allclose(moved[:, 1], 10, atol=0.2)
    assert 1.5 < np.abs(moved[:, 0]).max() <= 3.1


def test_shift_moves_x_and_y_apart_by_at_most_its_limit():
    layer = RandomAffine(**{**STILL, "shift": 3.0}, seed=0)
    moved = np.array([centre(image) for image in distorted(layer, np.repeat(dot(0, 0)[None], 40, axis=0))])
    assert np.abs(moved).max() <= 3.05
    assert np.abs(moved).max(axis=0).min() > 1.5
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.5


def test_what_comes_in_from_outside_is_black():
    layer = RandomAffine(**{**STILL, "shift": 5.0}, seed=0)
    answer = distorted(layer, np.full((20, 11, 11), 255, "uint8"))
    edges = np.concatenate([answer[:, 0], answer[:, -1], answer[:, :, 0], answer[:, :, -1]], axis=1)
    assert (edges.min(axis=1) < 250).all()  # one that moves by less than a pixel gets a grey edge
    assert (edges.min(axis=1) < 1).mean() > 0.5


def test_it_works_inside_fit(images):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((11, 11)), RandomAffine(seed=0), layers.Flatten(), layers.Dense(2)])
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    history = network.fit(images / 255, np.arange(6) % 2, batch_size=4, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert_array_equal(network.predict(images, verbose=0), network.predict(images, verbose=0))


def test_it_can_be_saved_and_loaded(images):
    layer = RandomAffine(rotation=0.1, zoom=0.2, shear=0.3, shift=1.5, seed=9)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()
    assert_array_equal(distorted(copy, images), distorted(layer, images))


def bar(slant, x=0.0, y=0.0, side=41):
    """Return an image of one soft bar through (x, y) from its middle, `slant` pixels of x for each pixel of y."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    across = np.exp(-((columns - x - slant * (rows - y)) ** 2) / 4)
    return np.round(255 * across * (np.abs(rows - y) < 11)).astype("uint8")


def tilt(image):
    """Return the slant of an image: the covariance of x and y over the variance of y."""
    rows, columns = np.indices(image.shape)
    return np.cov(columns.ravel(), rows.ravel(), aweights=image.ravel())[0, 1] / np.cov(
        rows.ravel(), aweights=image.ravel()
    )


@pytest.mark.parametrize(("slant", "x", "y"), [(0.6, 0, 0), (-0.4, 3, -2), (0.0, -4, 5)])
def test_deskewing_sets_a_bar_upright_in_the_middle(slant, x, y):
    before = bar(slant, x, y)
    (after,) = deskew(before[None])
    assert after.dtype == np.uint8 and after.shape == before.shape
    assert abs(tilt(before) - slant) < 0.05  # the measure sees what was drawn
    assert abs(tilt(after)) < 0.02
    assert_allclose(centre(after), 0, atol=0.1)
    assert_allclose(after, bar(0), atol=30)


def test_deskewing_treats_each_image_by_itself_and_blank_ones_not_at_all():
    images = np.stack([bar(0.5), np.zeros((41, 41), "uint8"), bar(-0.3, 2, 2)])
    together = deskew(images)
    assert_array_equal(together[1], images[1])
    assert_array_equal(together, deskew(images, batch_size=1))
    assert_array_equal(together, np.concatenate([deskew(image[None]) for image in images]))


def test_deskewing_twice_changes_little():
    once = deskew(np.stack([bar(0.5, 2, 1), bar(-0.2)]))
    assert np.abs(deskew(once).astype(int) - once).mean() < 1


MASKED = np.ma.array(np.zeros((2, 8, 8), "uint8"), mask=True)


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8, 1), "uint8"), np.zeros((2, 8, 8)), np.zeros((0, 8, 8), "uint8")])
def test_deskewing_refuses_what_are_not_grey_images(images):
    with pytest.raises(TlbookError, match=r"deskew\(\): images: expected uint8 of shape"):
        deskew(images)


@pytest.mark.parametrize("size", [0, -1, 2.0, None])
def test_deskewing_refuses_masked_pixels_and_batches_of_no_size(size, refused):
    with refused("deskew(): images", "masked"):
        deskew(MASKED)
    with refused("deskew(): batch_size", "whole number, at least 1"):
        deskew(MASKED.data, batch_size=size)


@pytest.mark.parametrize("limit", ["rotation", "zoom", "shear", "shift"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, None, "0.3", True, [0.3]])
def test_limits_that_are_no_numbers_from_0_on_are_refused(limit, value, refused):
    with refused(f"RandomAffine(): {limit}", "a finite number, at least 0", f"{limit}=0"):
        RandomAffine(**{limit: value})


def test_a_zoom_that_would_turn_images_inside_out_is_refused(refused):
    with refused("RandomAffine(): zoom", "below 1", "found 1.5"):
        RandomAffine(zoom=1.5)


@pytest.mark.parametrize("seed", [1.5, -1, "x"])
def test_a_seed_that_is_no_whole_number_is_refused(seed, refused):
    with refused("RandomAffine(): seed", "a whole number, at least 0"):
        RandomAffine(seed=seed)


@pytest.mark.parametrize("shape", [(5,), (5, 28), (1, 2, 3, 4, 5)])
def test_what_are_no_images_is_refused_when_it_arrives(shape, refused):
    with refused("RandomAffine(): images", "(n, height, width)", f"shape {shape}"):
        RandomAffine()(np.zeros(shape), training=True)


def test_limits_from_numpy_can_be_copied_with_their_network():
    layer = RandomAffine(rotation=np.float32(0.5), shift=np.int64(2), seed=np.int64(3))
    twin = duplicate(keras.Sequential([keras.Input((11, 11)), layer]))
    assert twin.layers[0].get_config()["rotation"] == 0.5
    assert "0.5" in keras.Sequential([keras.Input((11, 11)), layer]).to_json()


def test_a_saved_network_is_loaded_after_the_line_that_the_docstring_names(tmp_path):
    network = keras.Sequential([keras.Input((11, 11)), RandomAffine(rotation=0.7, seed=0), layers.Flatten()])
    network.save(tmp_path / "saved.keras")
    line = "import tlbook.augment"
    assert f"``{line}``" in RandomAffine.__doc__
    code = f"{line}; import keras; print(keras.saving.load_model('saved.keras').layers[0].rotation)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip().endswith("0.7"), done.stderr


@pytest.mark.parametrize("value", [10**400, 10**5000, np.longdouble("1e4000")], ids=lambda value: type(value).__name__)
def test_amounts_that_no_float_can_hold_are_refused(value, refused):
    with refused("RandomAffine(): rotation", "a finite number"):
        RandomAffine(rotation=value)


def test_masked_images_in_a_list_are_not_set_upright(refused):
    with refused("deskew(): images", "masked"):
        deskew([np.ma.array(np.ones((4, 4), "uint8"), mask=True)])
