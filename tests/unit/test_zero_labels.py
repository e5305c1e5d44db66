"""The functions of `zero_labels` are chapter 4's own steps; what they are given wrong is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tlbook import backbones, data, neighbours, run, zero_labels
from tlbook.record import definitions

STEPS = "two_depths, side_by_side, on_one_scale, group, spread, learn, predict, SHIFTS, BATCH"
PAIR = np.array([[1], [0]])


@pytest.fixture(scope="module")
def chapter():
    names = {"run": run.start("04_neighbours")}
    exec(definitions("04_neighbours", STEPS), names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def images():
    return data.digits().x_train[:300]


@pytest.fixture(scope="module")
def z(chapter, images):
    return zero_labels.two_depths(backbones.small_cnn(), images, seed=chapter.run.seed)


@pytest.mark.parametrize("views", [1, 5])
def test_features_are_those_of_chapter_4(views, chapter, images):
    network = backbones.small_cnn()
    expected = chapter.side_by_side(*chapter.two_depths(network, images, chapter.SHIFTS[:views]))
    found = zero_labels.two_depths(network, images, seed=chapter.run.seed, views=views)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_clusters_and_averaged_labels_are_those_of_chapter_4(chapter, z):
    ids = zero_labels.group(z, seed=chapter.run.seed)
    assert_array_equal(ids, chapter.group(z))
    near = neighbours.nearest(z, 5)
    for equal_mass in (True, False):
        found = zero_labels.spread(ids, near, 30, equal_mass=equal_mass)
        assert_array_equal(found, chapter.spread(ids, near, 30, equal_mass))


def test_a_network_that_learned_answers_as_that_of_chapter_4_does(chapter, images):
    labels, answers = np.arange(300) % 10, []
    for learn, predict, batch in (
        (chapter.learn, chapter.predict, {}),
        (zero_labels.learn, zero_labels.predict, {"batch_size": chapter.BATCH}),
    ):
        keras.utils.set_random_seed(7)
        answers.append(predict(learn(images, labels, **batch), images[:20]))
    np.testing.assert_allclose(*answers, atol=1e-5)


def test_equal_mass_gives_every_class_a_share():
    ids = np.array([0, 0, 0, 1])
    near = np.array([[1], [0], [3], [2]])
    free, equal = (zero_labels.spread(ids, near, 1, equal_mass=mass) for mass in (False, True))
    assert free.tolist() == [0, 0, 0, 0]  # at a tie the first
    assert equal.tolist() == [0, 0, 1, 1]


def test_no_round_changes_nothing():
    assert zero_labels.spread([1, 0], PAIR, 0).tolist() == [1, 0]


@pytest.mark.parametrize(
    "ids, near, words",
    [
        ([-1, 0], PAIR, "ids from 0 on"),
        ([[0, 1]], PAIR, "one per image"),
        ([0, 1, 1], PAIR, r"shape (3, k)"),
        ([0, 1], np.array([[2], [0]]), "row numbers from 0 to 1"),
        ([0, 1], np.array([[-1], [0]]), "row numbers from 0 to 1"),
        ([0.0, 1.0], PAIR, "spread(): ids"),
    ],
)
def test_spread_refuses_what_is_no_graph_or_no_ids(ids, near, words, refused):
    with refused(words):
        zero_labels.spread(ids, near)


@pytest.mark.parametrize("labels", [[0], [0, 10], [-1, 0], [0.0, 1.0]])
def test_learn_refuses_other_labels(labels, refused):
    with refused("learn(): labels"):
        zero_labels.learn(np.zeros((2, 28, 28), "uint8"), labels)


def test_features_need_two_normalisations_and_enough_images(images, refused):
    plain = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(8)])
    with refused("two batch normalisations", "found 0"):
        zero_labels.two_depths(plain, images, seed=0)
    with refused("more than 64 images", "found 64"):
        zero_labels.two_depths(backbones.small_cnn(), images[:64], seed=0)


@pytest.mark.parametrize("views", [0, 6, True])
def test_views_are_one_to_five(views, images, refused):
    with refused("two_depths(): views", "from 1 to 5"):
        zero_labels.two_depths(backbones.small_cnn(), images, seed=0, views=views)
