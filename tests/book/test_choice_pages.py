"""A page of choices holds what its program measured, and is measured anew where what decides its numbers changes."""

import re

import checks
import page
import pytest
from copies import CHAPTER, ROOT, appended, in_file, planted

from tlbook.record.code import code_digest, reached
from tlbook.run import TlbookError

PROGRAMS = sorted((ROOT / "book" / "choices").glob("[0-9]*.py"))
PAGE, PROGRAM = f"book/choices/{CHAPTER}.md", f"book/choices/{CHAPTER}.py"
AGAIN = f"not by its program; run  make choices CHAPTER={CHAPTER}"
ONE_PART = f"{CHAPTER}.md: has not one measured part"
DEFECTS = {
    "choices of another program": (in_file(PROGRAM, "EPOCHS = 3", "EPOCHS = 4"), AGAIN),
    "choices on other letters": (in_file("book/choices/stand_ins.py", r"range\(10\)", "range(9)"), AGAIN),
    "choices on another stand-in": (in_file(PROGRAM, r"SETS = \(0, 1, 2\)", "SETS = (0, 1)"), AGAIN),
    "choices by other code of a chapter": (
        in_file("book/chapters/06_distillation.ipynb", r"MaxNorm\(3\)", "MaxNorm(4)"),
        "not by its program; run  make choices CHAPTER=06_distillation",
    ),
    "a figure in a table of choices": (in_file(PAGE, r"68\.3%", "86.3%"), f"{CHAPTER}.md: not as its program wrote it"),
    "choices changed by hand": (in_file(PAGE, r"\d\d\.\d%", "99.9%"), "not as its program wrote it"),
    "choices without their marks": (in_file(PAGE, "<!-- end of what was measured -->", ""), ONE_PART),
    "choices measured twice": (
        appended(PAGE, "\n<!-- measured: code 0 text 0 -->\n\n<!-- end of what was measured -->\n"),
        ONE_PART,
    ),
}
test_finds_the_planted_defect = planted({checks.choices: DEFECTS})


CHANGING_NO_NUMBER = {
    "docstring": in_file(PROGRAM, "Put every feature on one scale", "Bring the features to one scale"),
    "comment": in_file(PROGRAM, "  # each holds out other letters and fonts", ""),
    "main": in_file(PROGRAM, r"page\.main\(__file__", "page.main(str(__file__)"),
    "import for main": in_file(PROGRAM, "import page", "import json, page"),
    "table": in_file("book/choices/02_vgg16_fine_tuning.py", "method, setting", "setting"),
    "table of several": in_file("book/choices/page.py", '"setting", ', '"what was tried", '),
    "prose": in_file(PAGE, "So letters took their place", "So letters stood in for them"),
    "chapter's prose": in_file("book/chapters/06_distillation.ipynb", "MNIST", "MNIST, of course,"),
}


@pytest.mark.parametrize("plant", CHANGING_NO_NUMBER.values(), ids=CHANGING_NO_NUMBER)
def test_what_changes_no_number_leaves_a_page_of_choices_good(plant, project):
    plant(project)
    assert checks.choices(project) == []


SAID = {  # what the prose says of the constants of the program
    "01_transfer_concepts": [
        "accuracies on {TEST:,} test images",
        "means over {COUNTS[0]} and {COUNTS[1]} labels per class",
        "with {HUNDRED} labels for each of five letters",
        "with {DRAWS} draws of each",
        "The rows with *{LONGER} times the steps* were",
    ],
    "02_vgg16_fine_tuning": ["accuracies on {TEST:,} test images", "trained for {STEPS} steps of 32 images"],
    "03_kmeans_pseudo_labels": [],
    "04_neighbours": ["labels of its {TARGET:,} training images", "score {TEST:,} test images"],
    "04b_beyond_kmeans": [
        "its {TARGET:,} training images",
        "score {TEST:,} test images",
        "with the neighbour loss took {PART:,} images",
        "learns {HERE:,} of the target's images",
        "{THERE:,} images in five other fonts",
    ],
    "05_features_without_labels": ["was shown {BUDGET:,} images", "drawn from {TARGET:,}."],
    "06_distillation": [
        "learned from the first {LEARN:,}",
        "for {EPOCHS[teacher]}, {EPOCHS[VGG16]} and {EPOCHS[compact student]} epochs",
        "from images as they are, for {EPOCHS[wide student]}.",
        "soft targets, at T = {WIDE:g},",
    ],
    "06_distillation_few": [
        "learned from the first {FEW:,} images",
        "had learned {LEARN:,} images in {EPOCHS[teacher]} epochs",
        "teacher at T = {MILD:g};",
        "learned from {FREE:,} upright images",
        "learned from {PHOTOS:,} photographs",
        "It had {EPOCHS[photo student]} epochs",
    ],
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_prose_says_what_the_constants_of_the_program_are(program):
    text, found = program.with_suffix(".md").read_text(encoding="utf-8"), page.constants(program.read_text("utf-8"))
    prose = re.sub("<!-- .*? -->", "", page.PART.sub("", text))
    assert [said for said in SAID[program.stem] if said.format(**found) not in prose] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_digest_covers_what_measures_and_nothing_that_writes(program):
    own, *chapter = page.measuring(program)
    assert "def measure(" in own and "def start(" in own
    of_six = program.stem.startswith("06_distillation")
    assert ("def draw(" in own) == ("stand_ins.draw" in own) == (not of_six)
    assert not re.search(r"\bpage\b|def table\(|__main__", own)
    taking = ("01_transfer_concepts", "04_neighbours", "05_features_without_labels")
    assert bool(chapter) == (of_six or program.stem in taking)


def test_code_is_reached_through_other_code_and_what_runs_on_import_always_is():
    own = """
import a, b
import c
N = 1
M = 2
def f(): return N + b.x
def measure(): return f() + g()
def main(): return measure() * M
c.set_up()
if __name__ == "__main__": main()
"""
    wanted = """
import b
import c
N = 1
def f(): return N + b.x
def measure(): return f() + g()
c.set_up()
def g(): return 3
"""
    found = reached([own, "def g(): return 3\ndef h(): return 4"], {"measure"})
    assert code_digest(found) == code_digest(wanted)


def test_a_program_whose_code_of_the_chapter_is_not_named_is_refused(tmp_path):
    (tmp_path / "stand_ins.py").write_text("")
    (tmp_path / "01_a.py").write_text("def measure():\n    exec(definitions('01_a', 'f'))\n")
    with pytest.raises(TlbookError, match="USED"):
        page.measuring(tmp_path / "01_a.py")
