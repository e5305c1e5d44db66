"""Sentences that are tested and numbers that go into the results register."""

import contextlib
import json
import math
import os
import re
import warnings
from pathlib import Path

import numpy as np

from tlbook.arguments import shown
from tlbook.run import TlbookError, current, log, require, say

UNITS = ("fraction", "points", "errors", "seconds", "images/s", "MB", "×")
NAME = re.compile("[a-z][a-z0-9_]*")
REGISTER = Path(__file__).parents[1] / "book" / "reference" / "results.json"
PLAIN = re.compile(r"\w[\w .,()'/+-]*")  # what may stand on a page as it is: neither Markdown nor HTML


class FalseClaimError(AssertionError):
    """A sentence of the book that its own run contradicts."""


def claim(text: str, holds, *, full_only: str | None = None) -> None:
    """Say a sentence about our own results, and test it.

    A claim that holds prints a tick. What a false one does depends on ``TLBOOK_CLAIMS``: ``warn``
    (the default) warns, ``raise`` raises `FalseClaimError`, ``log`` only notes it for the recorder.
    `TlbookError` if an argument cannot be used, or no run has begun.

    Parameters
    ----------
    text, holds : str, bool or numpy.bool
        The sentence, and whether it is true of this run.
    full_only : str, optional
        Why the quick profile is too small to test it. There the claim is then left open.

    Examples
    --------
    >>> import tlbook as tl
    >>> run = tl.start("01_demo")                          # doctest: +ELLIPSIS
    Profile: ...
    >>> tl.claim("two is more than one", 2 > 1)
    ✓ two is more than one
    """
    run, mode = current(), os.environ.get("TLBOOK_CLAIMS") or "warn"
    if mode not in ("warn", "raise", "log"):
        raise TlbookError("TLBOOK_CLAIMS", "warn, raise or log", repr(mode), "export TLBOOK_CLAIMS=warn")
    good = isinstance(text, str) and text == " ".join(text.split()) != ""
    require(good, "claim(): text", "a sentence, in one line", shown(text), "claim('two is more than one', 2 > 1)")
    good = isinstance(holds, bool | np.bool_)
    require(good, f"claim {text!r}", "True or False", shown(holds), "compare two numbers")
    good = full_only is None or (isinstance(full_only, str) and len(full_only.split()) >= 3)
    require(good, f"claim {text!r}: full_only", "a reason in words", shown(full_only), "say why in a few words")
    if full_only and not run.full:
        say(f"– {text} (left open in the quick profile: {' '.join(full_only.split())})")
        return
    log(kind="claim", text=text, holds=bool(holds))
    say(f"{'✓' if holds else '✗ FALSE:'} {text}")
    if not holds and mode == "raise":
        raise FalseClaimError(text)
    if not holds and mode == "warn":
        warnings.warn(f"this run contradicts the claim: {text}", stacklevel=2)


def number(name: str, value: float, unit: str = "fraction", *, dataset: str | None = None) -> None:
    """Print a number and hand it to the recorder for the results register; `TlbookError` if it cannot be recorded.

    Where the book's register is at hand and knows the number, its mean and standard deviation over the recorded
    runs are printed beside, so that a run on few data can be compared with the printed results.

    Parameters
    ----------
    name : str
        Its name, unique in the chapter: lower case, digits and underscores.
    value : float
        Accuracies as fractions, 0 to 1.
    unit : {"fraction", "points", "errors", "seconds", "images/s", "MB", "×"}
        Points are percentage points: 100 times a difference of two fractions.
    dataset : str, optional
        What it was measured on; by default the first data set that the chapter loaded.

    Examples
    --------
    >>> import tlbook as tl
    >>> run = tl.start("01_demo")                          # doctest: +ELLIPSIS
    Profile: ...
    >>> tl.number("demo_acc", 0.5127)
    demo_acc = 51.3 %
    """
    run = current()
    good = isinstance(name, str) and NAME.fullmatch(name)
    require(good, "number(): name", "lower case, digits and underscores", shown(name), "number('raw_acc', …)")
    good = isinstance(unit, str) and unit in UNITS
    require(good, f"number {name}: unit", " or ".join(UNITS), shown(unit), "unit='fraction'")
    good = dataset is None or (isinstance(dataset, str) and PLAIN.fullmatch(dataset))
    require(
        good, f"number {name}: dataset", "a name in plain words", shown(dataset), "dataset='MNIST', or leave it out"
    )
    wanted = "a number from 0 to 1" if unit == "fraction" else "a finite number"
    do = "accuracies are fractions; mend the computation"
    require(fits(value, unit), f"number {name}", wanted, shown(value, str), do)
    log(kind="number", name=name, value=float(value), unit=unit, dataset=dataset)
    said, kept = written(float(value), unit), None if os.environ.get("TLBOOK_LOG") else recorded(run.chapter, name)
    say(f"{name} = {said} here · {kept} recorded (full)" if kept else f"{name} = {said}")


def recorded(chapter: str, name: str) -> str | None:
    """Return mean and standard deviation of a number as the register has them; None where there is none to be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError):  # a run needs no register
        for row in json.loads(REGISTER.read_text(encoding="utf-8")) if REGISTER.is_file() else ():
            if (row["chapter"], row["name"]) == (chapter, name):
                return written(row["mean"], row["unit"], row["sd"])
    return None


def fits(value, unit: str) -> bool:
    """Return whether a value is one number that can be recorded in this unit; True and a span of time are none.

    >>> fits(0.5, "fraction"), fits(51.3, "fraction"), fits(51.3, "errors"), fits([51.3], "errors")
    (True, False, True, False)
    """
    kind = str(getattr(value, "dtype", type(value).__name__))
    if kind.startswith(("bool", "timedelta")):
        return False
    try:
        return np.ndim(value) == 0 and bool(0 <= value <= 1 if unit == "fraction" else math.isfinite(value))
    except (TypeError, ValueError, OverflowError):
        return False


def symptom(action, error: type[Exception]) -> None:
    """Run code that looks right and is not, and print the first words of its error.

    `action` takes no argument. If it ends without `error`, that is a false claim; another error goes through.
    `TlbookError` if the one is no function, or the other no class of errors.

    >>> import tlbook as tl
    >>> run = tl.start("01_demo")                          # doctest: +ELLIPSIS
    Profile: ...
    >>> tl.symptom(lambda: [1, 2][3], IndexError)
    IndexError: list index out of range
    """
    good = callable(action) and isinstance(error, type) and issubclass(error, Exception)
    found, do = f"{shown(action)}, {shown(error)}", "symptom(lambda: what_fails(), ValueError)"
    require(good, "symptom()", "a function without arguments, and a kind of error", found, do)
    try:
        action()
    except error as found:
        text = re.sub(r"\x1b\[\d+m", "", str(found))  # Keras colours its messages
        say(f"{type(found).__name__}: {' '.join(text.split())[:150]}")
    else:
        claim(f"this code ends in {error.__name__}", False)


def written(value: float, unit: str, sd: float | None = None) -> str:
    """Write a number, with its spread if there is one, as the book prints it.

    >>> written(0.91234, "fraction", 0.0101), written(3.14, "×"), written(-0.2, "points")
    ('91.2 ± 1.0 %', '3.1 ×', '−0.2 points')
    """
    scale, sign = (100, "%") if unit == "fraction" else (1, unit)
    places = 0 if unit != "fraction" and abs(value) >= 100 else 1
    numbers = [f"{scale * part:,.{places}f}" for part in (value, sd) if part is not None]
    return f"{' ± '.join(numbers)} {sign}".replace("-", "−")
