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


@pytest.mark.parametrize("k", [0, -1, 4, 100])
def test_a_k_out_of_range_is_refused_with_the_range(k, refused):
    with refused("nearest(): k", "from 1 to 3", f"found {k}"):
        neighbours.nearest(np.eye(4), k)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (np.zeros(5), "float64 of shape (5,)"),
        (np.zeros((5, 2), int), "int64 of shape (5, 2)"),
        (np.array([["a"], ["b"]]), "<U1"),
        (np.array([[0.0], [np.nan]]), "NaN or infinity"),
        (np.array([[0.0], [np.inf]]), "NaN or infinity"),
    ],
)
def test_features_that_are_none_are_refused(bad, found, refused):
    with refused("nearest(): z", found, "tl.features.extract"):
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
