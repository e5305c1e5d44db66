from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tlbook import clusters


@st.composite
def clusterings(draw):
    """Draw classes, cluster ids, and the same clusters under other ids."""
    n = draw(st.integers(1, 40))
    y_true = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    y_cluster = draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    names = draw(st.lists(st.integers(0, 1000), min_size=8, max_size=8, unique=True))
    return y_true, y_cluster, [names[cluster] for cluster in y_cluster], names


@pytest.mark.parametrize("how", ["one-to-one", "majority"])
@given(clusterings())
def test_renumbering_changes_no_accuracy_and_no_matching(how, drawn):
    y_true, y_cluster, renumbered, names = drawn
    assert clusters.accuracy(y_true, y_cluster, how) == clusters.accuracy(y_true, renumbered, how)
    matching = clusters.match(y_true, y_cluster, how)
    assert clusters.match(y_true, renumbered, how) == {names[old]: label for old, label in matching.items()}


@given(clusterings())
def test_renumbering_changes_no_nmi_and_no_ari(drawn):
    y_true, y_cluster, renumbered, _ = drawn
    assert clusters.nmi(y_true, y_cluster) == pytest.approx(clusters.nmi(y_true, renumbered), abs=1e-12)
    assert clusters.ari(y_true, y_cluster) == pytest.approx(clusters.ari(y_true, renumbered), abs=1e-12)


@given(clusterings())
def test_renumbering_renames_sizes_and_purities_and_changes_no_value(drawn):
    y_true, y_cluster, renumbered, names = drawn
    sizes, purity = clusters.sizes(y_cluster), clusters.purity(y_true, y_cluster)
    assert clusters.sizes(renumbered) == {names[old]: size for old, size in sizes.items()}
    assert clusters.purity(y_true, renumbered) == {names[old]: share for old, share in purity.items()}


@given(clusterings())
def test_one_to_one_gives_each_class_once_and_is_never_above_majority(drawn):
    y_true, y_cluster, *_ = drawn
    matching = clusters.match(y_true, y_cluster)
    assert len(set(matching.values())) == len(matching) == min(len(set(y_true)), len(set(y_cluster)))
    assert clusters.accuracy(y_true, y_cluster) <= clusters.accuracy(y_true, y_cluster, "majority")


@given(clusterings())
def test_majority_accuracy_is_the_mean_purity_over_samples(drawn):
    y_true, y_cluster, *_ = drawn
    sizes, purity = clusters.sizes(y_cluster), clusters.purity(y_true, y_cluster)
    wanted = sum(sizes[cluster] * purity[cluster] for cluster in sizes) / len(y_true)
    assert clusters.accuracy(y_true, y_cluster, "majority") == pytest.approx(wanted)


@given(clusterings())
def test_one_to_one_is_the_best_of_all_assignments(drawn):
    y_true, y_cluster, *_ = drawn
    y_true, y_cluster = np.array(y_true) % 3, np.array(y_cluster) % 3
    best = max(np.mean(np.array(order)[y_cluster] == y_true) for order in permutations(range(3)))
    assert clusters.accuracy(y_true, y_cluster) == pytest.approx(best)


def test_a_clustering_that_only_renames_the_classes_is_perfect():
    y_true = np.repeat([0, 1, 2], 5)
    y_cluster = np.array([40, 3, 7])[y_true]
    for score in (clusters.accuracy, clusters.nmi, clusters.ari):
        assert score(y_true, y_cluster) == pytest.approx(1)


def test_random_ids_have_an_ari_of_about_zero():
    rng = np.random.default_rng(0)
    assert abs(clusters.ari(rng.integers(5, size=5000), rng.integers(5, size=5000))) < 0.01


def test_nmi_and_ari_agree_with_values_worked_out_by_hand():
    # Two classes of two, three clusters of 2, 1, 1: mutual information log 2, entropies log 2 and 1.5 log 2.
    assert clusters.nmi([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(1 / 1.25)
    # Pairs together: 1 in both, 2 and 1 in each, 6 in all; expected 1/3, largest 1.5.
    assert clusters.ari([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))


def test_with_more_clusters_than_classes_one_to_one_leaves_the_smallest_out_and_majority_does_not():
    y_true, y_cluster = [0, 0, 0, 1, 1], [5, 5, 8, 9, 9]
    assert clusters.match(y_true, y_cluster) == {5: 0, 9: 1}
    assert clusters.accuracy(y_true, y_cluster) == pytest.approx(0.8)
    assert clusters.match(y_true, y_cluster, "majority") == {5: 0, 8: 0, 9: 1}
    assert clusters.accuracy(y_true, y_cluster, "majority") == 1


def test_with_fewer_clusters_than_classes_some_classes_are_never_named():
    y_true, y_cluster = [0, 0, 1, 1, 1, 2], [4, 4, 6, 6, 6, 6]
    assert clusters.match(y_true, y_cluster) == {4: 0, 6: 1}
    assert clusters.accuracy(y_true, y_cluster) == pytest.approx(5 / 6)


def test_with_one_cluster_accuracy_is_the_share_of_the_largest_class():
    assert clusters.accuracy([0, 1, 1, 2], [3, 3, 3, 3]) == 0.5


def test_two_clusters_of_one_class_share_it_only_by_majority():
    y_true, y_cluster = [0, 0, 0, 0, 1], [1, 1, 2, 2, 2]
    assert clusters.match(y_true, y_cluster, "majority") == {1: 0, 2: 0}
    assert sorted(clusters.match(y_true, y_cluster).values()) == [0, 1]


def test_rename_gives_minus_one_to_ids_without_a_class():
    renamed = clusters.rename(np.array([7, 3, 5, 7], "uint8"), {7: 0, 3: 1})
    assert_array_equal(renamed, [0, 1, -1, 0])
    assert renamed.dtype == np.int64


def test_a_matching_made_on_one_set_scores_another():
    matching = clusters.match([0, 0, 1, 1], [7, 7, 3, 3])
    assert np.mean(clusters.rename([3, 7, 7], matching) == [1, 0, 1]) == pytest.approx(2 / 3)


def test_sizes_count_the_samples_of_each_cluster():
    assert clusters.sizes([7, 7, 3]) == {3: 1, 7: 2}


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ([0.0, 1.0, 2.0], "float64"),
        ([0.0, float("nan"), 1.0], "NaN"),
        (["a", "b", "c"], "<U1"),
        ([], "shape (0,)"),
        ([[0, 1, 2]], "shape (1, 3)"),
        (3, "shape ()"),
        ([0, None, 1], "object"),
    ],
)
@pytest.mark.parametrize("score", [clusters.match, clusters.accuracy, clusters.nmi, clusters.ari, clusters.purity])
def test_labels_that_are_none_are_refused_by_the_name_of_their_argument(score, bad, word, refused):
    with refused("y_true: ", word):
        score(bad, [0, 1, 2])
    with refused("y_cluster: ", word):
        score([0, 1, 2], bad)


@pytest.mark.parametrize("bad", [[], [0.5], ["a"]])
def test_sizes_and_rename_blame_the_cluster_ids(bad, refused):
    with refused("y_cluster: "):
        clusters.sizes(bad)
    with refused("y_cluster: "):
        clusters.rename(bad, {})


@pytest.mark.parametrize("score", [clusters.match, clusters.accuracy, clusters.nmi, clusters.ari, clusters.purity])
def test_different_lengths_are_refused_with_both_lengths(score, refused):
    with refused("y_true and y_cluster", "equal lengths", "3 and 2"):
        score([0, 1, 2], [0, 1])


def test_a_class_of_minus_one_is_refused_since_it_means_no_class(refused):
    with refused("y_true", "-1"):
        clusters.accuracy([-1, 0, 1], [0, 1, 2])


def test_an_unknown_way_of_matching_is_refused(refused):
    with refused("how", "'best'", "one-to-one"):
        clusters.accuracy([0, 1], [0, 1], how="best")


# Samples without a cluster


@st.composite
def with_noise(draw):
    """Draw classes and ids, negative ones among them."""
    n = draw(st.integers(1, 30))
    return [draw(st.lists(st.integers(low, 5), min_size=n, max_size=n)) for low in (0, -3)]


def test_a_sample_without_a_cluster_takes_no_class_and_is_wrong():
    y_true, noisy = [0, 0, 1, 1, 1], [-1, 0, 1, 1, 1]
    assert clusters.match(y_true, noisy) == clusters.match(y_true, noisy, "majority") == {0: 0, 1: 1}
    assert clusters.accuracy(y_true, noisy) == pytest.approx(0.8)
    assert clusters.accuracy([0, 0, 1, 1], [-1, -1, 5, 5]) == 0.5
    assert clusters.accuracy([0, 0, 1, 1], [-1, -2, 5, 5], "majority") == 0.5


@pytest.mark.parametrize("how", ["one-to-one", "majority"])
@given(with_noise())
def test_samples_without_a_cluster_change_no_matching(how, drawn):
    y_true, ids = map(np.array, drawn)
    matching, kept = clusters.match(y_true, ids, how), ids >= 0
    assert matching == (clusters.match(y_true[kept], ids[kept], how) if kept.any() else {})
    right = (clusters.rename(ids[kept], matching) == y_true[kept]).sum() if kept.any() else 0
    assert clusters.accuracy(y_true, ids, how) == pytest.approx(right / len(ids))


@given(with_noise())
def test_sizes_and_purities_leave_samples_without_a_cluster_out(drawn):
    y_true, ids = map(np.array, drawn)
    kept = ids >= 0
    assert clusters.sizes(ids) == (clusters.sizes(ids[kept]) if kept.any() else {})
    assert clusters.purity(y_true, ids) == (clusters.purity(y_true[kept], ids[kept]) if kept.any() else {})


@pytest.mark.parametrize("score", [clusters.nmi, clusters.ari])
def test_a_sample_without_a_cluster_is_a_group_of_its_own_in_either_argument(score):
    y_true, noisy, apart = [0, 0, 1, 1, 1], [-1, -1, 4, 4, -2], [7, 8, 4, 4, 9]
    assert score(y_true, noisy) == pytest.approx(score(y_true, apart))
    assert score(noisy, y_true) == pytest.approx(score(apart, y_true))


def test_where_no_sample_has_a_cluster_nothing_is_right():
    y_true, none = [0, 0, 1, 1], [-1, -1, -1, -1]
    assert clusters.match(y_true, none) == clusters.sizes(none) == clusters.purity(y_true, none) == {}
    assert clusters.accuracy(y_true, none) == clusters.accuracy(y_true, none, "majority") == 0
    assert clusters.ari(y_true, none) == 0


def test_a_negative_id_stays_without_a_class_whatever_the_matching_says():
    assert_array_equal(clusters.rename([-1, 3], {-1: 0, 3: 1}), [-1, 1])


# Input that would give a wrong answer, or none for a long time


def test_ids_too_large_for_a_whole_number_of_64_bits_are_refused(refused):
    with refused("y_cluster: ", "below 2**63", "found 18446744073709551615", "numpy.unique"):
        clusters.sizes(np.array([2**64 - 1, 3], "uint64"))


@pytest.mark.parametrize("count", [clusters.match, clusters.purity])
def test_row_numbers_taken_for_ids_are_refused_before_they_fill_the_memory(count, refused):
    rows = np.arange(4_000)
    with refused("y_true and y_cluster", "10,000,000 pairs", "4000 classes, 4000 clusters", "row numbers"):
        count(rows, rows)
    assert clusters.ari(rows, rows) == 1  # needs no such table


def test_masked_and_ragged_ids_are_refused(refused):
    with refused("y_cluster: ", "no masked values", ".filled(0)"):
        clusters.accuracy([0, 1, 1], np.ma.array([0, 1, 1], mask=[0, 0, 1]))
    with refused("y_true: ", "inhomogeneous"):
        clusters.nmi([[0, 1], [1]], [0, 1])


@pytest.mark.parametrize("matching", [None, [0, 1], {0: "a"}, {0: 1.5}, {"0": 0, "1": 1}, {0.5: 1}])
def test_a_matching_that_is_none_is_refused(matching, refused):
    with refused("rename(): matching", "whole numbers for ids and classes", "match(y_true, y_cluster)"):
        clusters.rename([0, 1], matching)


@pytest.mark.parametrize("how", [None, ["majority"], np.array([1, 2])])
def test_a_way_of_matching_that_is_no_text_is_refused(how, refused):
    with refused("match(): how", "'one-to-one' or 'majority'"):
        clusters.match([0, 1], [0, 1], how)


def test_purity_needs_classes(refused):
    with refused("y_true", "classes from 0 on", "found -1"):
        clusters.purity([-1, 0], [0, 0])


@pytest.mark.parametrize(
    "number", [2**70, 10**5000, -(2**70), np.timedelta64(1, "s")], ids=lambda value: type(value).__name__
)
def test_classes_that_no_array_can_hold_are_refused(number, refused):
    with refused("rename(): matching", "whole numbers for ids and classes"):
        clusters.rename([7], {7: number})
    with refused("y_cluster", "masked"):
        clusters.sizes([np.ma.array(1, mask=True), 2])
