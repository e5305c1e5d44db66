"""What the chapters say of their choices is what the pages of the choices say."""

import ast
import re

import pytest
from copies import ROOT

from tlbook.record.code import chapter_code, read_chapter


def table(chapter: str) -> dict[str, list[float]]:
    """Return the rows of the table on a page of choices, in percent: one value a stand-in, then their mean."""
    lines = (ROOT / "book" / "choices" / f"{chapter}.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and "%" in line]
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
    found = {}
    for cell in chapter_code(read_chapter(chapter)):
        for statement in ast.parse(cell).body:
            match statement:
                case ast.Assign([ast.Tuple(names)], ast.Tuple(values)):
                    pairs = zip(names, values, strict=True)
                case ast.Assign([name], value):
                    pairs = [(name, value)]
                case _:
                    pairs = []
            found |= {ast.unparse(name): value.value for name, value in pairs if isinstance(value, ast.Constant)}
    return found


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
    lines = (ROOT / "book" / "choices" / "05_distillation.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and ", rate " in line]
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
