import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tlbook import arguments


@pytest.mark.parametrize("value", [0.5, np.float32(1e9), -1.0, True, "1", None, np.ones(2), float("nan"), float("inf")])
def test_a_real_number_out_of_range_is_refused_and_one_of_numpy_taken(value, refused):
    with refused("rate", "a finite number, at least 1.5 and below 3"):
        arguments.real("rate", value, 1.5, 3)
    assert type(arguments.real("rate", np.float32(2), 1.5, 3)) is float


@pytest.mark.parametrize(
    "value", [10**5000, -(10**5000), np.timedelta64(2, "s")], ids=lambda value: type(value).__name__
)
def test_numbers_that_python_cannot_write_and_spans_of_time_are_refused(value, refused):
    for ask in (lambda: arguments.whole("k", value), lambda: arguments.real("k", value, 0)):
        with refused("k: expected a", "found"):
            ask()


@pytest.mark.parametrize("value", [10**400, np.longdouble("1e4000")], ids=lambda value: type(value).__name__)
def test_a_real_number_that_no_float_can_hold_is_refused(value, refused):
    with refused("width", "a finite number, at least 0", "found 1"):
        arguments.real("width", value, 0)


HIDDEN = np.ma.array([1.0, 2.0], mask=[True, False])


@pytest.mark.parametrize("values", [[HIDDEN, HIDDEN], ([HIDDEN], [HIDDEN]), [1.0, np.ma.masked], HIDDEN])
def test_a_mask_is_seen_within_lists_too(values, refused):
    with refused("z", "no masked values"):
        arguments.numbers("z", values)
    assert_array_equal(arguments.numbers("z", [np.ma.array([1, 2]), [3, 4]]), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("low", "high", "good"),
    [
        (0, 255, 1),
        (0, 0, 1),
        (-0.5, 255.5, 1),
        (0, 2, 1),
        (0, 1, 0),
        (1, 1, 0),
        (-0.43, 2.82, 0),
        (-128, 127, 0),
        (0, 65535, 0),
        (0, 256, 0),
    ],
)
def test_pixels_are_told_from_what_was_scaled(low, high, good):
    assert arguments.are_pixels(np.array([low, high])) is bool(good)
