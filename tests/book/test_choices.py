"""What the chapters say of their choices is what the pages of the choices say."""

import json
import re
import sys

import numpy as np
import pytest
from copies import ROOT

import tlbook as tl
from tlbook.record.code import chapter_code, code_digest, reached, read_chapter
from tlbook.run import TlbookError

sys.path.insert(0, str(ROOT / "book" / "choices"))
import page
import stand_ins


def lines(chapter: str) -> list[str]:
    """Return the lines of the measured part of a page of choices."""
    return page.measured((ROOT / "book" / "choices" / f"{chapter}.md").read_text(encoding="utf-8"))["said"].splitlines()


def table(chapter: str) -> dict[str, list[float]]:
    """Return the rows of the table on a page of choices, in percent: one value a stand-in, then their mean."""
    rows = [line.strip("| ").split(" | ") for line in lines(chapter) if line.startswith("| ") and "%" in line]
    return {setting: [float(value.rstrip("%")) for value in values] for setting, *values in rows}


def test_chapter_3_took_what_held_out_letters_preferred():
    found = table("03_kmeans_pseudo_labels")
    last, before, both = (
        found[f"K-means, {cut}, features on one scale"] for cut in ("last layer", "layer before it", "both layers")
    )
    assert abs(both[-1] - max(last[-1], before[-1])) < 0.5  # "two layers were as good as the better one of the two"
    for cut in ("last layer", "layer before it", "both layers"):
        assert found[f"K-means, {cut}, features on one scale"][-1] > found[f"K-means, {cut}, features as they are"][-1]
    none, half, full = (found[f"network on those ids, augmentation: {share}"] for share in ("none", "half", "full"))
    assert all(a > b > c for a, b, c in zip(none, half, full, strict=True))


def constants(chapter: str) -> dict[str, object]:
    """Return the literal values that a chapter's code gives to names, `A, B = 1, 2` included."""
    return page.constants("\n".join(chapter_code(read_chapter(chapter))))


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("from scratch", "SCRATCH"),
        ("frozen backbone, linear head", "FROZEN"),
        ("head first, then two blocks", "TUNE"),
        ("all blocks at once", "ONCE"),
        ("dense head on features", "DENSE"),
        ("logistic regression on features, C", "C"),
    ],
)
def test_chapter_2_took_the_settings_that_held_out_letters_preferred(method, name):
    rows = table("02_vgg16_fine_tuning")
    means = {float(row.rpartition(" ")[2]): values[-1] for row, values in rows.items() if row.startswith(f"{method}:")}
    assert len(means) == 4
    assert constants("02_vgg16_fine_tuning")[name] == max(means, key=means.get)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("from scratch, rate {}", "SCRATCH"),
        ("fine-tuned, rate {}", "TUNE"),
        ("some stages kept, rate {}", "CUT"),
        ("linear head on features, C {}", "C"),
        ("linear head on pixels, C {}", "PIXELS_C"),
        ("labels spread, {} rounds, equal mass", "ROUNDS"),
    ],
)
def test_chapter_1_took_the_settings_that_held_out_letters_preferred(method, name):
    pattern = re.compile(re.escape(method).replace(re.escape("{}"), r"([\d.]+)"))
    tried = {pattern.fullmatch(row): values[-1] for row, values in table("01_transfer_concepts").items()}
    means = {float(row[1]): mean for row, mean in tried.items() if row}
    assert len(means) == (5 if "rate" in method else 4)
    assert constants("01_transfer_concepts")[name] == max(means, key=means.get)


def test_chapter_1_tunes_at_half_the_rate_of_scratch():
    chosen = constants("01_transfer_concepts")
    assert chosen["TUNE"] == chosen["SCRATCH"] / 2


def test_chapter_1_took_the_balance_that_held_out_letters_preferred():
    found = table("01_transfer_concepts")
    equal, free = (
        [values[-1] for row, values in found.items() if row.startswith("labels spread") and row.endswith(way)]
        for way in ("equal mass", "free mass")
    )
    assert constants("01_transfer_concepts")["BALANCED"] == (max(equal) > max(free))


def test_chapter_4_took_what_held_out_letters_preferred():
    found = {row: values[-1] for row, values in table("04_beyond_kmeans").items()}
    chosen = constants("04_beyond_kmeans")
    by_rounds = {rounds: found[f"10 neighbours, {rounds} rounds, equal mass"] for rounds in (10, 20, 50, 100)}
    assert chosen["ROUNDS"] == max(by_rounds, key=by_rounds.get)
    by_strength = {
        0: found["network on deskewed images, no augmentation"],
        0.5: found["network on deskewed images, half the augmentation"],
        1: found["network on deskewed images"],
    }
    assert chosen["STRENGTH"] == max(by_strength, key=by_strength.get)
    by_balance = {balance: found[f"neighbour loss, balance {balance}"] for balance in (1.0, 2.0, 5.0, 10.0)}
    assert chosen["BALANCE"] == max(by_balance, key=by_balance.get)
    for name in ("coarse", "fine"):
        carried = {rounds: found[f"carried to {name} letters, {rounds} rounds, equal mass"] for rounds in (10, 20, 50)}
        assert chosen["CARRIED"] == max(carried, key=carried.get)
    assert found["network on deskewed images, five shifts"] > found["both networks, five shifts"]
    averaged = {row: mean for row, mean in found.items() if row.startswith("averaged labels")}
    assert max(averaged, key=averaged.get) == "averaged labels, two depths, last on one scale, letters as drawn"
    for lead in (by_rounds, by_strength):
        best, second = sorted(lead.values(), reverse=True)[:2]
        assert best - second < 1  # "lead by less than a point"

    assert found["network on deskewed images, five shifts"] > found["network on deskewed images"]


def errors_aside() -> dict[str, int]:
    """Return the errors among the images put aside for chapter 5, by setting."""
    rows = [line.strip("| ").split(" | ") for line in lines("05_distillation") if ", rate " in line]
    return {setting: int(wrong) for setting, wrong in rows}


def test_chapter_5_took_what_images_put_aside_preferred():
    found, chosen = errors_aside(), constants("05_distillation")

    def best(begin: str) -> str:
        of_kind = {row: wrong for row, wrong in found.items() if row.startswith(begin)}
        assert len(of_kind) >= 3
        return min(of_kind, key=of_kind.get)

    assert best("teacher,") == "teacher, dropout 0 and 0.3, rate 0.002"
    assert (chosen["PIXELS"], chosen["UNITS"]) == (0, 0.3)
    source = "\n".join(chapter_code(read_chapter("05_distillation")))
    assert "BATCH, RATE = run.pick(quick=64, full=512), 2e-3" in source
    assert best("wide student, soft targets") == "wide student, soft targets, rate 0.002"
    assert "VGG_RATE, VGG_EPOCHS = 1e-3," in source and best("VGG16,").endswith("rate 0.001")
    assert re.search(r"COMPACT, COMPACT_RATE = run.pick\(quick=\d+, full=\d+\), 4e-3", source)
    assert best("compact student, labels").endswith("rate 0.004")
    assert best("compact student, soft") == "compact student, soft targets of VGG16 at T = 1, rate 0.004"
    assert chosen["SMALL_T"] == 1


# --- The pages and the programs beside them ------------------------------------------------------

SAID = {  # what the prose says of the constants of the program
    "01_transfer_concepts": [
        "accuracies on {TEST:,} test images",
        "means over {COUNTS[0]} and {COUNTS[1]} labels a class",
        "with {HUNDRED} labels for each of five letters",
        "with {DRAWS} draws of each",
        "The rows with *{LONGER} times the steps* were",
    ],
    "02_vgg16_fine_tuning": ["accuracies on {TEST:,} test images", "trained for {STEPS} steps of 32 images"],
    "03_kmeans_pseudo_labels": [],
    "04_beyond_kmeans": [
        "its {TARGET:,} training images",
        "score {TEST:,} test images",
        "with the neighbour loss took {PART:,} images",
        "learns {HERE:,} of the target's images",
        "{THERE:,} images in five other fonts",
    ],
    "05_distillation": [
        "learned from the first {LEARN:,}",
        "for {EPOCHS[teacher]}, {EPOCHS[VGG16]} and {EPOCHS[compact student]} epochs",
        "from images as they are, for {EPOCHS[wide student]}.",
        "soft targets, at T = {WIDE:g},",
    ],
}
PROGRAMS = sorted((ROOT / "book" / "choices").glob("[0-9]*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_prose_says_what_the_constants_of_the_program_are(program):
    text, found = program.with_suffix(".md").read_text(encoding="utf-8"), page.constants(program.read_text("utf-8"))
    prose = re.sub("<!-- .*? -->", "", page.PART.sub("", text))
    assert [said for said in SAID[program.stem] if said.format(**found) not in prose] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_digest_covers_what_measures_and_nothing_that_writes(program):
    own, *chapter = page.measuring(program)
    assert "def measure(" in own and "def start(" in own
    assert ("def draw(" in own) == ("stand_ins.draw" in own) == (program.stem != "05_distillation")
    assert not re.search(r"\bpage\b|def table\(|__main__", own)
    assert bool(chapter) == (program.stem in ("01_transfer_concepts", "05_distillation"))


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


def test_ten_letters_are_held_out_in_both_cases_and_drawn_alike_each_time():
    for which in range(3):
        lower, target, others, fonts = stand_ins.draw(which)
        assert len(lower) == len(target) == 10 and target.lower() == lower
        assert {*target} | {*others} == {*tl.glyphs.LETTERS} and not {*target} & {*others}
        assert sorted(fonts) == sorted(tl.glyphs.FONTS)
        again = stand_ins.draw(which)
        assert (again[:2], again[3]) == ((lower, target), fonts)
    headed = re.findall(r"`(\w+)`", lines("03_kmeans_pseudo_labels")[3])
    assert headed == [stand_ins.draw(which)[1] for which in range(3)]


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
