import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tlbook import neighbours


def test_neighbours_are_the_nearest_other_rows_in_order():
    z = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    distances = np.linalg.norm(z[:, None] - z[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    found = neighbours.nearest(z, k=7)
    assert found.dtype == np.int64
    assert_array_equal(found, np.argsort(distances, axis=1)[:, :7])


@given(st.integers(2, 12), st.data())
def test_no_row_is_its_own_neighbour_even_among_equal_rows(n, data):
    k = data.draw(st.integers(1, n - 1))
    found = neighbours.nearest(np.zeros((n, 2)), k)
    assert found.shape == (n, k)
    assert (found != np.arange(n)[:, None]).all()
    assert all(len(set(row)) == k for row in found.tolist())


def test_on_rows_of_length_1_the_order_is_that_of_cosine_similarity():
    z = np.random.default_rng(0).normal(size=(30, 5))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    similarity = z @ z.T - 2 * np.eye(30)
    assert_array_equal(neighbours.nearest(z, 5), np.argsort(-similarity, axis=1)[:, :5])


@pytest.mark.parametrize("k", [0, -1, 4, 100, 1.0, True, None, "1"])
def test_a_k_out_of_range_is_refused_with_the_range(k, refused):
    with refused("nearest(): k", "from 1 to 3", f"found {k if k is not None else 'NoneType'}"):
        neighbours.nearest(np.eye(4), k)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (np.zeros(5), "float64 of shape (5,)"),
        (np.zeros((5, 2), int), "int64 of shape (5, 2)"),
        (np.array([["a"], ["b"]]), "<U1"),
        (np.array([[0.0], [np.nan]]), "NaN or infinity"),
        (np.array([[0.0], [np.inf]]), "NaN or infinity"),
        (np.array([[1e200], [2e200], [9e200]]), "more than 1e150"),  # the square of their distance is infinite
        (np.zeros((3, 0)), "(3, 0)"),
        (np.zeros((1, 4)), "(1, 4)"),
        (np.ma.array(np.zeros((3, 2)), mask=True), "some"),
        ([[0.0], [1.0, 2.0]], "inhomogeneous"),
    ],
)
def test_features_that_are_none_are_refused(bad, found, refused):
    with refused("nearest(): z", found):
        neighbours.nearest(bad, 1)


def test_agreement_is_the_share_of_pairs_with_equal_labels():
    near = np.array([[1, 2], [0, 2], [0, 1]])
    assert neighbours.agreement(near, [4, 4, 9]) == pytest.approx(2 / 6)
    assert neighbours.agreement(near, ["a", "a", "a"]) == 1
    assert neighbours.agreement(near, [1, 2, 3]) == 0


@pytest.mark.parametrize("labels", [[1, 2], [[1, 2, 3]], 1])
def test_agreement_needs_one_label_a_row(labels, refused):
    with refused("agreement(): labels", "(3,)"):
        neighbours.agreement(np.array([[1], [0], [0]]), labels)


def test_a_number_of_numpy_counts_neighbours_too():
    assert neighbours.nearest(np.eye(4), np.int64(2)).shape == (4, 2)


def test_a_negative_label_agrees_with_nothing_not_even_its_like():
    near = np.array([[1, 2], [0, 2], [0, 1]])
    assert neighbours.agreement(near, [-1, -1, -1]) == 0
    assert neighbours.agreement(near, [-1, 4, 4]) == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("near", "found"),
    [([[1], [-1], [0]], "-1 to 1"), ([[1], [3], [0]], "0 to 3"), ([1, 2, 0], "shape (3,)"), ([[0.0]], "float64")],
)
def test_neighbours_that_are_no_rows_are_refused(near, found, refused):
    with refused("agreement(): neighbours", found, "nearest(z, k)"):
        neighbours.agreement(near, [4, 4, 9])


@pytest.mark.parametrize("labels", [[0.5, 1, 2], [None, 1, 2], np.ma.array([1, 2, 3], mask=[1, 0, 0])])
def test_labels_that_are_neither_numbers_nor_names_are_refused(labels, refused):
    with refused("agreement(): labels"):
        neighbours.agreement(np.array([[1], [0], [0]]), labels)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_far_from_the_origin_have_their_nearest_neighbours(dtype):
    far = 1e9 if dtype == "float64" else 1e6
    z = np.array([[0], [1], [3], [3.5]]) + far
    assert neighbours.nearest(z.astype(dtype), 1).ravel().tolist() == [1, 0, 3, 2]
    wide = np.random.default_rng(0).normal(size=(40, 3))
    assert_array_equal(neighbours.nearest(wide + np.array([1e8, 0, -1e8]), 5), neighbours.nearest(wide, 5))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_usual_rows_are_not_moved_by_one_bit(dtype):
    rng = np.random.default_rng(0)
    features = rng.random((50, 8)).astype(dtype)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    pixels = (rng.integers(0, 256, (50, 9)) / 255).astype(dtype)
    for z in (features, pixels, np.zeros((3, 2), dtype), rng.normal(size=(9, 4)).astype(dtype) + 5):
        assert neighbours._near_origin(z) is z


def test_masked_features_in_a_list_are_refused(refused):
    with refused("nearest(): z", "masked"):
        neighbours.nearest([np.ma.array([0.0, 1.0], mask=[1, 0]), np.ma.array([0.0, 2.0])], 1)
