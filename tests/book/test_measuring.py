"""The program of a page of choices: it keeps each stand-in that is finished, and writes the measured part alone."""

import json

import numpy as np
import page
import pytest

from tlbook.record.code import code_digest

PAGE = "# Tuned\n\nProse.\n\n<!-- measured: code 0 text 0 -->\n\nOld.\n\n<!-- end of what was measured -->\n\nMore.\n"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Return a program, and a function that has it measure and returns the stand-ins that were not kept."""
    program, done = tmp_path / "book" / "choices" / "09_toy.py", []
    program.parent.mkdir(parents=True)
    program.write_text("N = 1\ndef measure(which, run):\n    return N\n")
    program.with_suffix(".md").write_text(PAGE)
    program.with_name("stand_ins.py").write_text("def start():\n    pass\n")
    monkeypatch.setattr(page, "RUNS", tmp_path / "_build")

    def measure(which, run):
        if which == "ill":
            raise RuntimeError("stopped")
        done.append(which)
        return f"letters{which}", {("way", 0.1, 5): np.float64(which + 0.5) / 3, "other": 0.25}

    def go(sets=(0, 1)):
        done.clear()
        page.main(str(program), measure, sets, repr)
        return done

    return program, go


def test_only_the_measured_part_is_written(toy):
    program, go = toy
    assert go() == [0, 1]
    text = program.with_suffix(".md").read_text()
    part = page.measured(text)
    assert text.replace(part[0], "") == PAGE.replace(page.measured(PAGE)[0], "")
    assert part["code"] == code_digest(*page.measuring(program)) and part["text"] == page.digest(part["said"])
    assert repr(("letters1", {("way", 0.1, 5): 0.5, "other": 0.25})) in part["said"]
    assert "`book/choices/09_toy.py`, with Keras 3." in part["said"]


def test_finished_stand_ins_are_kept_until_what_measures_changes(toy):
    program, go = toy
    with pytest.raises(RuntimeError):
        go((0, "ill"))
    assert program.with_suffix(".md").read_text() == PAGE
    assert go() == [1]
    first = program.with_suffix(".md").read_text()
    assert go() == [] and program.with_suffix(".md").read_text() == first
    program.write_text(program.read_text() + "SETS = (0, 1, 2)\n# a comment\n")
    assert go((0, 1, 2)) == [2]
    program.write_text(program.read_text().replace("N = 1", "N = 2"))
    assert go() == [0, 1]
    kept = page.RUNS / "09_toy-1.json"
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"versions": {}}))
    assert go() == [1]
    kept.write_text("{")
    assert go() == [1]


def test_a_page_without_a_place_for_figures_stops_the_program_before_it_measures(toy):
    program, go = toy
    program.with_suffix(".md").write_text("# Tuned\n")
    with pytest.raises(SystemExit, match="one measured part"):
        go()


def test_a_table_has_shares_in_percent_and_their_mean():
    sets = [("ab", {"one": 0.5, "two": 0.25}), ("cd", {"one": 0.75, "two": 0.2501})]
    wanted = ["| setting | `ab` | `cd` | mean |", "|---|---|---|---|", "| one | 50.0% | 75.0% | 62.5% |"]
    assert page.by_setting(sets).splitlines()[:3] == wanted
