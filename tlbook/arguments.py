"""What a function may be given: checks of arguments that several files share, each refusing with a `TlbookError`."""

import numpy as np

from tlbook.run import TlbookError, require

MAX_SIZE = 4096  # side of an image that is made here, in pixels: larger ones would fill the memory


def shown(value, write=repr) -> str:
    """Write a value for an error's message, or what it is: Python writes no whole number of over 4,300 digits.

    >>> shown("a"), shown(10**5000)
    ("'a'", 'int')
    """
    try:
        return write(value)[:80]
    except Exception:  # whatever a class of somebody else's raises
        return type(value).__name__


def whole(what: str, value, low: int = 1, high: int = 2**32 - 1, do: str = "pass another number") -> int:
    """Return a whole number from `low` to `high`; `TlbookError` for another, and for 1.0, True or an array.

    >>> whole("k", np.uint8(3))
    3
    """
    good = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64) and low <= value <= high
    expected = f"a whole number, {f'at least {low}, below 2**32' if high == 2**32 - 1 else f'from {low} to {high}'}"
    require(good, what, expected, shown(value, str) if np.isscalar(value) else type(value).__name__, do)
    return int(value)


def real(what: str, value, low: float, high: float = np.inf, do: str = "pass another number") -> float:
    """Return a finite number from `low` to below `high`; `TlbookError` for another, for True and for an array.

    >>> real("width", 1, low=0.5)
    1.0
    """
    good = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.timedelta64)
    expected = f"a finite number, at least {low}" + (f" and below {high}" if high < np.inf else "")
    try:
        number = float(value) if good else np.nan
    except OverflowError:  # 10**400
        number = np.inf
    require(low <= number < high, what, expected, shown(value, str) if good else type(value).__name__, do)
    return number


def masked(values) -> bool:
    """Return whether any value is masked, in arrays within lists too: NumPy drops their masks without a word."""
    if isinstance(values, list | tuple):
        return any(map(masked, values))
    return np.ma.is_masked(values)


def are_pixels(images: np.ndarray) -> bool:
    """Return whether images may be pixels from 0 to 255, and not such as were scaled before; all black is fine.

    A resized image may go beyond by a rounding error.

    >>> are_pixels(np.array([0, 255])), are_pixels(np.array([0, 1])), are_pixels(np.array([-0.4, 2.8]))
    (True, False, False)
    """
    low, high = float(images.min()), float(images.max())
    return -low <= high / 500 and high <= 255.5 and (high > 1 or low == high == 0)


def numbers(what: str, values, kinds: str = "biuf", do: str = "pass an array of numbers") -> np.ndarray:
    """Return values as an array; `TlbookError` if they are masked, ragged, or not of these kinds of `dtype`.

    >>> numbers("labels", [3, 1], kinds="iu")
    array([3, 1])
    """
    try:
        hidden = masked(values)
        array = None if hidden else np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:  # rows of unequal lengths, or something that is not to be had as an array
        raise TlbookError(what, "an array of numbers", str(error)[:100], do) from None
    require(not hidden, what, "no masked values", "some", "drop them, or fill them: values.filled(0)")
    require(array.dtype.kind in kinds, what, "numbers", f"{array.dtype} of shape {array.shape}", do)
    return array
