"""From a toy chapter to its outputs, its register and its prose: with real kernels, through the command."""

import json
import os

import checks
import nbformat
from toy import FULL, TOY, change_toy, last_line, tlbook_command, tree


def test_recording_goes_on_where_it_stopped(recorded):
    assert "seed 0" not in recorded["finished"].stdout
    assert f"{TOY}, seed 1, full profile: ....." in recorded["finished"].stdout
    assert recorded["finished"].stderr == ""


def test_what_a_recording_writes(recorded):
    root = recorded["root"]
    rows = json.loads((root / "book" / "reference" / "results.json").read_text())
    assert [(row["name"], row["seeds"], row["profile"], row["dataset"]) for row in rows] == [
        ("toy_acc", [0, 1], "full", "rendered letters")
    ]
    shown = f"{100 * rows[0]['mean']:.1f} ± {100 * rows[0]['sd']:.1f} %"
    assert (root / "README.md").read_text() == f"It reaches **{shown}**<!-- num: {TOY}.toy_acc -->.\n"
    cells = nbformat.read(root / "book" / "chapters" / f"{TOY}.ipynb", as_version=4).cells
    assert f"**{shown}**<!-- num: toy_acc -->, at most **{100 * max(rows[0]['values']):.1f} %**" in cells[0].source
    assert checks.PROVENANCE.fullmatch(cells[1].source)["seeds"] == "0, 1"
    this = f"{100 * rows[0]['values'][0]:.1f} %"
    assert cells[3].outputs[0].text == f"toy_acc = this run {this} · mean of 2 seeds {shown}\nother = 3\n"
    above = sum(value > 0.5 for value in rows[0]["values"])
    assert "✓ it is above zero (in 2 of 2 seeds)" in cells[4].outputs[0].text
    assert f"it is above a half (in {above} of 2 seeds)" in cells[4].outputs[0].text
    assert cells[5].metadata["mystnb"]["image"]["alt"] == "Two letters in a row"


def test_a_recorded_chapter_passes_the_checks(recorded):
    # Three seeds are asked for, and the toy has two; one of its claims is left to luck, and no sentence is about it.
    others = (checks.results, checks.imports_go_up, checks.claims_recorded, checks.sentences)
    passed = [check for check in checks.ALL if check not in others]
    assert [problem for check in passed for problem in check(recorded["root"])] == []


def test_recording_again_runs_and_changes_nothing(recorded):
    before = tree(recorded["root"])
    done = tlbook_command(recorded["root"], "record", TOY, "--seeds", "0-1", **FULL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tree(recorded["root"]) == before


def test_the_profile_of_the_book_is_full_whatever_is_asked_for(recorded):
    rows = json.loads((recorded["root"] / "book" / "reference" / "results.json").read_text())
    assert os.environ["TLBOOK_PROFILE"] == "quick"  # of this process, and so of the interrupted recording
    assert {row["profile"] for row in rows} == {"full"}


def test_a_failing_cell_leaves_the_book_as_it_was(toy):
    change_toy(toy, "value = float(", "value = 1 / 0; float(")
    before = tree(toy)
    done = tlbook_command(toy, "record", TOY)
    assert done.returncode == 1
    assert last_line(done).startswith(f"tlbook: {TOY}, seed 0, full profile: expected a run without an error; found ")
    assert "in code cell 2: ZeroDivisionError: division by zero" in last_line(done)
    assert "Traceback" not in done.stderr
    assert tree(toy) == before
