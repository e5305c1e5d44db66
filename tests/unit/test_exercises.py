"""Self-checks of exercises: the right answer, what others answer, and everything else."""

import re

import nbformat
import numpy as np
import pytest

import tlbook as tl
from tlbook import exercises
from tlbook.record import paths

EXERCISES = exercises._exercises()


def sample(answer):
    """Return an answer that fits what stands in the file."""
    return (answer["from"] + answer["to"]) / 2 if isinstance(answer, dict) else answer


@pytest.fixture(autouse=True)
def first_try(monkeypatch):
    monkeypatch.setattr(exercises, "_tried", {})


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_right_answer_passes_and_each_known_wrong_one_gets_its_reply(exercise, capsys):
    entry = EXERCISES[exercise]
    assert tl.check(exercise, sample(entry["right"])) and capsys.readouterr().out == f"✓ {entry['say']}\n"
    for wrong in entry["wrong"]:
        assert not tl.check(exercise, sample(wrong["answer"]))
        assert capsys.readouterr().out == f"✗ {wrong['say']}\n"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_neither_hint_nor_reply_gives_the_answer_away(exercise):
    entry = EXERCISES[exercise]
    if isinstance(entry["right"], dict):
        return
    right = rf"(?<![\d.]){entry['right']:,}(?![\d.])" if not isinstance(entry["right"], str | list) else None
    for text in [*entry["hints"], *(wrong["say"] for wrong in entry["wrong"])]:
        said = re.search(right, text) if right and abs(entry["right"]) > 10 else None
        assert not said, f"{exercise}: {text}"


def test_unknown_wrong_answers_get_one_hint_after_the_other(capsys):
    hints = EXERCISES["3.2"]["hints"]
    for hint in (*hints, hints[-1]):
        assert not tl.check("3.2", 99)
        assert capsys.readouterr().out == f"✗ Not yet. {hint}\n"


def test_answers_are_taken_as_people_write_them(capsys):
    assert tl.check("3.1", " Falls ") and tl.check("3.2", np.float32(14)) and tl.check("4.3", np.array([1, 0, 0]))
    assert tl.check("2.1", 442_368) and not tl.check("4.3", [0, 0, 1])


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        ("9.9", 1, r"exercise: expected one of 1\.1, .*; found '9\.9'"),
        (3.2, 14, "exercise: expected one of"),
        (
            "3.2",
            "fourteen",
            r"exercise 3\.2: expected one finite number; found 'fourteen'\. To mend it: give the smaller sum",
        ),
        ("3.2", [14], r"exercise 3\.2: expected one finite number"),
        ("3.2", np.nan, r"exercise 3\.2: expected one finite number; found nan"),
        ("3.1", 3, r"exercise 3\.1: expected a text; found int"),
        ("4.3", 1, r"exercise 4\.3: expected a list of finite numbers; found 1"),
        ("3.2", None, r"exercise 3\.2"),
        ("4.3", [[1], [2, 3]], r"exercise 4\.3"),
    ],
)
def test_what_is_no_answer_is_refused(exercise, answer, said):
    with pytest.raises(tl.TlbookError, match=said):
        tl.check(exercise, answer)


def test_every_exercise_of_every_chapter_has_its_check_and_says_so():
    told = {}
    for path in sorted(paths.CHAPTERS.glob("*.ipynb")):
        number = path.name.split("_")[0].lstrip("0")  # of an optional page, 1b
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        for part in re.split(r"^### (?=Exercise)", text, flags=re.MULTILINE)[1:]:
            at, title = re.match(r"Exercise (\d+): (.+)", part).groups()
            told[f"{number}.{at}"] = (title, re.findall(r'tl\.check\("([\db.]+)"', part.partition("\n## ")[0]))
    for name, (title, asked) in told.items():
        # An open exercise has no one answer.
        assert asked == ([] if title == "open" else [name]), name
    assert set(EXERCISES) == {name for name, (title, _) in told.items() if title != "open"}


@pytest.mark.parametrize("spoiled", ["x = [", "", '["3.2"]\nasks = "a number"\nright = 3\n', '["3.2"]\nright = true\n'])
def test_a_spoiled_file_is_named(spoiled, monkeypatch, tmp_path):
    file = tmp_path / "exercises.toml"
    file.write_text(spoiled, encoding="utf-8")
    monkeypatch.setattr(exercises, "FILE", file)
    exercises._exercises.cache_clear()
    with pytest.raises(tl.TlbookError, match=r"exercises\.toml: expected the self-checks that were shipped"):
        tl.check("3.2", 14)
    exercises._exercises.cache_clear()
