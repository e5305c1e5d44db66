"""Self-checks of exercises: an answer is tried, a typical wrong one gets its reply, any other the next hint."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import numpy as np

from tlbook.arguments import shown
from tlbook.disk import read_text
from tlbook.run import require, say

FILE = Path(__file__).with_name("exercises.toml")
_tried: dict[str, int] = {}  # wrong answers so far, of each exercise


@functools.cache
def _exercises() -> dict[str, dict]:
    """Return what ``exercises.toml`` says of each exercise; `TlbookError` if it is spoiled."""
    try:
        entries, found = tomllib.loads(read_text(FILE)), "an entry of another kind"
        good = bool(entries) and all(map(_is_exercise, entries.values()))
    except (ValueError, RecursionError) as error:
        good, found = False, " ".join(str(error).split())[:200]
    require(good, str(FILE), "the self-checks that were shipped", found, f"git checkout -- {FILE}")
    return entries


def _is_exercise(entry) -> bool:
    match entry:
        case {"asks": str(), "right": right, "say": str(), "hints": list(hints), **others}:
            wrong = others.get("wrong", [])
            good = _is_answer(right) and bool(hints) and all(isinstance(hint, str) for hint in hints)
            return good and all(_is_answer(each.get("answer")) and isinstance(each.get("say"), str) for each in wrong)
    return False


def _is_answer(answer) -> bool:
    """Return whether it is a text, a number, a list of numbers, or a range of them."""
    if isinstance(answer, dict):
        return {"from", "to"} == answer.keys() and answer["from"] <= answer["to"]
    if isinstance(answer, list):
        return bool(answer) and all(type(each) in (int, float) for each in answer)
    return isinstance(answer, str | int | float)


def check(exercise: str, answer) -> bool:
    """Try an answer to an exercise and say what it shows; return whether it is right.

    A right answer prints a tick. A wrong one that others gave before prints what is wrong with it; any other wrong one
    prints a hint, the next one each time. Nothing of it leaves this computer, and nothing is kept.

    Parameters
    ----------
    exercise : str
        Chapter and number, as its text says: ``"3.2"``.
    answer : float, str or sequence of float
        Fractions are fractions, 0 to 1; capitals in a text do not matter.

    Raises
    ------
    TlbookError
        If there is no such exercise, or the answer is of another kind than it asks for.

    Examples
    --------
    >>> import tlbook as tl
    >>> tl.check("3.2", 16)
    ✗ That is the sum of squares from the start at 0 and 9. Is there a smaller one?
    False
    >>> tl.check("3.2", 14)
    ✓ From 0 and 4: {0} and {4, 5, 9} have the means 0 and 6, and the sum is 4 + 1 + 9.
    True
    """
    known = _exercises()
    good = isinstance(exercise, str) and exercise in known
    require(good, "check(): exercise", f"one of {', '.join(known)}", shown(exercise), 'check("3.2", your_answer)')
    entry = known[exercise]
    given = _plain(exercise, answer, entry)
    if _fits(given, entry["right"]):
        say(f"✓ {entry['say']}")
        return True
    for wrong in entry.get("wrong", []):
        if _fits(given, wrong["answer"]):
            say(f"✗ {wrong['say']}")
            return False
    at, hints = _tried.get(exercise, 0), entry["hints"]
    _tried[exercise] = at + 1
    say(f"✗ Not yet. {hints[min(at, len(hints) - 1)]}")
    return False


def _plain(exercise: str, answer, entry: dict):
    """Return an answer as a text, a float or a list of floats, whichever the exercise asks for."""
    wanted = entry["right"]
    do = f"give {entry['asks']}"
    try:
        if isinstance(wanted, str):
            require(isinstance(answer, str), f"exercise {exercise}", "a text", type(answer).__name__, do)
            return " ".join(answer.casefold().split())
        values = np.asarray(answer, float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    several = isinstance(wanted, list)
    good = values.ndim == several and np.isfinite(values).all()
    expected = "a list of finite numbers" if several else "one finite number"
    require(good, f"exercise {exercise}", expected, shown(answer), do)
    return values.tolist() if several else float(values)


def _fits(given, wanted) -> bool:
    if isinstance(wanted, dict):
        return wanted["from"] <= given <= wanted["to"]
    if isinstance(wanted, str):
        return given == " ".join(wanted.casefold().split())
    if isinstance(wanted, list):
        return len(given) == len(wanted) and bool(np.allclose(given, wanted, rtol=1e-3, atol=1e-9))
    return bool(np.isclose(given, wanted, rtol=1e-3, atol=1e-9))
