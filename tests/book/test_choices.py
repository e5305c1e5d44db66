"""What the chapters say of their choices is what the pages of the choices say."""

import re

import page
import pytest
import stand_ins
from copies import ROOT

import tlbook as tl
from tlbook.record.code import chapter_code, read_chapter

ONE, TWO = "01_transfer_concepts", "02_vgg16_fine_tuning"
FOUR, FIVE, BEYOND = "04_neighbours", "05_features_without_labels", "04b_beyond_kmeans"
TOOK = [  # of which chapter, by which name, from which rows of its page, and how many values those tried
    (ONE, "SCRATCH", "from scratch, learning rate {}", 6),
    (ONE, "TUNE", "fine-tuned, learning rate {}", 6),
    (ONE, "CUT", "some stages kept, learning rate {}", 6),
    (ONE, "C", "linear head on features, C {}", 4),
    (ONE, "PIXELS_C", "linear head on pixels, C {}", 4),
    (ONE, "ROUNDS", "labels spread, {} rounds, equal mass", 4),
    (TWO, "SCRATCH", "from scratch: {}", 4),
    (TWO, "FROZEN", "frozen backbone, linear head: {}", 4),
    (TWO, "TUNE", "head first, then two blocks: {}", 4),
    (TWO, "ONCE", "all blocks at once: {}", 4),
    (TWO, "DENSE", "dense head on features: {}", 4),
    (TWO, "C", "logistic regression on features, C: {}", 4),
    (FOUR, "NEAR", "{} neighbours, 30 rounds, equal mass", 3),
    (FOUR, "FIRST", "5 neighbours, {} rounds, equal mass", 3),
    (FOUR, "ROUNDS", "cluster ids, {} rounds over the second graph", 3),
    (BEYOND, "ROUNDS", "10 neighbours, {} rounds, equal mass", 4),
    (BEYOND, "BALANCE", "neighbour loss, balance {}", 4),
    (BEYOND, "CARRIED", "carried to coarse letters, {} rounds, equal mass", 4),
    (BEYOND, "CARRIED", "carried to fine letters, {} rounds, equal mass", 4),
]


def lines(chapter: str) -> list[str]:
    """Return the lines of the measured part of a page of choices."""
    return page.measured((ROOT / "book" / "choices" / f"{chapter}.md").read_text(encoding="utf-8"))["said"].splitlines()


def table(chapter: str) -> dict[str, list[float]]:
    """Return the rows of the table on a page of choices, in percent: one value a stand-in, then their mean."""
    rows = [line.strip("| ").split(" | ") for line in lines(chapter) if line.startswith("| ") and "%" in line]
    return {setting: [float(value.rstrip("%")) for value in values] for setting, *values in rows}


def constants(chapter: str) -> dict[str, object]:
    """Return the literal values that a chapter's code gives to names, `A, B = 1, 2` included."""
    return page.constants("\n".join(chapter_code(read_chapter(chapter))))


def tried(chapter: str, rows: str) -> dict[float, float]:
    """Return the mean for each value that stands at the braces in the rows of a table."""
    pattern = re.compile(re.escape(rows).replace(re.escape("{}"), r"([\d.e-]+)"))
    found = {pattern.fullmatch(row): values[-1] for row, values in table(chapter).items()}
    return {float(row[1]): mean for row, mean in found.items() if row}


@pytest.mark.parametrize(("chapter", "name", "rows", "count"), TOOK)
def test_a_chapter_took_the_setting_that_held_out_letters_preferred(chapter, name, rows, count):
    means = tried(chapter, rows)
    assert len(means) == count
    # Single runs differ by more than a fifth of a point: within it, two values tie.
    assert means[constants(chapter)[name]] > max(means.values()) - 0.2


def test_chapter_1_tunes_at_half_the_rate_of_scratch():
    chosen = constants(ONE)
    assert chosen["TUNE"] == chosen["SCRATCH"] / 2


def test_chapter_1_took_the_balance_that_held_out_letters_preferred():
    found = table(ONE)
    equal, free = (
        [values[-1] for row, values in found.items() if row.startswith("labels spread") and row.endswith(way)]
        for way in ("equal mass", "free mass")
    )
    assert constants(ONE)["BALANCED"] == (max(equal) > max(free))


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


def test_chapter_4_took_what_held_out_letters_preferred():
    found = {row: values[-1] for row, values in table(FOUR).items()}
    of = {kind: {row: mean for row, mean in found.items() if row.startswith(kind)} for kind in ("neigh", "averaged")}
    assert max(of["averaged"], key=of["averaged"].get) == "averaged labels, on one scale, five views, upright"
    assert max(of["neigh"], key=of["neigh"].get) == "neighbours, on one scale, five views, upright"
    first = "network on labels of the first graph"
    by_strength = {
        share: found[f"{first}, {name} augmentation"] for share, name in ((0, "no"), (0.5, "half the"), (1, "full"))
    }
    assert constants(FOUR)["STRENGTH"] == max(by_strength, key=by_strength.get)
    averaged = found["network on cluster ids averaged over the second graph"]
    assert averaged > max(*by_strength.values(), found["network on those answers"])


@pytest.mark.parametrize(("task", "function"), [("rotations", "by_rotations"), ("squeezing", "by_squeezing")])
def test_chapter_5_took_the_batch_that_held_out_letters_preferred(task, function):
    means = tried(FIVE, f"averaged labels, {task}, batches of {{}}")
    assert len(means) == 3
    best = int(max(means, key=means.get))
    assert f"{function}(upright, BUDGET, batch={best})" in "\n".join(chapter_code(read_chapter(FIVE)))


def test_chapter_5_took_the_views_that_held_out_letters_preferred():
    start, shares = "averaged labels, two views, ", {0.25: "a quarter of the", 0.5: "half the", 1.0: "the full"}
    means = {row: values[-1] for row, values in table(FIVE).items() if row.startswith(start)}
    chosen = constants(FIVE)
    assert len(means) == 6
    taken = f"{start}T = {chosen['TEMPERATURE']}, {shares[chosen['DISTORTION']]} distortion"
    assert taken == max(means, key=means.get)


def test_beyond_kmeans_took_what_held_out_letters_preferred():
    found = {row: values[-1] for row, values in table(BEYOND).items()}
    by_strength = {
        0: found["network on deskewed images, no augmentation"],
        0.5: found["network on deskewed images, half the augmentation"],
        1: found["network on deskewed images"],
    }
    assert constants(BEYOND)["STRENGTH"] == max(by_strength, key=by_strength.get)
    averaged = {row: mean for row, mean in found.items() if row.startswith("averaged labels")}
    assert max(averaged, key=averaged.get) == "averaged labels, two depths, last on one scale, letters as drawn"
    for lead in (tried(BEYOND, "10 neighbours, {} rounds, equal mass"), by_strength):
        best, second = sorted(lead.values(), reverse=True)[:2]
        assert best - second < 1  # "lead by less than a point"

    shifted = found["network on deskewed images, five shifts"]
    assert shifted > found["both networks, five shifts"] and shifted > found["network on deskewed images"]


def errors_aside(page: str, begin: str) -> dict[str, int]:
    """Return the errors among the images put aside for chapter 6, by setting, of the rows that begin so."""
    rows = [line.strip("| ").split(" | ") for line in lines(page) if line.startswith(f"| {begin}")]
    assert len(rows) >= 3
    return {setting: int(wrong) for setting, wrong in rows}


def fewest(page: str, begin: str) -> str:
    """Return the setting with the fewest errors."""
    return min(found := errors_aside(page, begin), key=found.get)


def test_chapter_6_took_what_images_put_aside_preferred():
    chosen, all_labels = constants("06_distillation"), "06_distillation"
    assert fewest(all_labels, "teacher,") == "teacher, dropout 0 and 0.3, rate 0.002"
    assert (chosen["PIXELS"], chosen["UNITS"]) == (0, 0.3)
    source = "\n".join(chapter_code(read_chapter("06_distillation")))
    assert "BATCH, RATE = run.pick(quick=64, full=512), 2e-3" in source
    assert fewest(all_labels, "wide student, soft targets") == "wide student, soft targets, rate 0.002"
    assert "VGG_RATE, VGG_EPOCHS = 1e-3," in source and fewest(all_labels, "VGG16,").endswith("rate 0.001")
    assert re.search(r"COMPACT, COMPACT_RATE = run.pick\(quick=\d+, full=\d+\), 4e-3", source)
    assert fewest(all_labels, "compact student, labels").endswith("rate 0.004")
    best = fewest(all_labels, "compact student, soft")
    assert best == "compact student, soft targets of VGG16 at T = 1, rate 0.004" and chosen["SMALL_T"] == 1


def test_chapter_6_took_what_images_put_aside_preferred_where_labels_are_few():
    chosen, few = constants("06_distillation"), "06_distillation_few"
    source = "\n".join(chapter_code(read_chapter("06_distillation")))
    assert fewest(few, "wide student, soft targets at T = 20").endswith("rate 0.002")
    labels = errors_aside(few, "wide student, labels")
    assert labels["wide student, labels, rate 0.002"] <= min(labels.values()) + 1
    by_rate = {}
    for setting, wrong in errors_aside(few, "narrow student, soft").items():
        rate = setting.rpartition(" ")[2]
        by_rate[rate] = by_rate.get(rate, 0) + wrong
    assert chosen["NARROW_SOFT"] == float(min(by_rate, key=by_rate.get))
    assert fewest(few, "narrow student, labels") == f"narrow student, labels, rate {chosen['NARROW_LABELS']:g}"
    weights = errors_aside(few, "thin student")
    assert min(set(weights) - {"thin student, features weigh 0"}, key=weights.get).endswith(f" {chosen['FEATURES']:g}")
    assert fewest(few, "born again").endswith(f"T = {chosen['BORN']:g}")
    assert "POOR, POOR_RATE, ALONE_RATE = run.pick(quick=3, full=6), 8e-3, 8e-3" in source and chosen["POOR_T"] == 1
    assert fewest(few, "pupil, soft") == "pupil, soft targets of the sorter at T = 1, rate 0.008"
    assert fewest(few, "pupil, fifty").endswith("rate 0.008")
    photos = chosen["PHOTO_T"], chosen["PHOTO_RATE"], chosen["PHOTO_ALONE_RATE"]
    assert photos == (1, 4e-3, 8e-3)
    assert fewest(few, "photo student, soft") == "photo student, soft targets of EfficientNet at T = 1, rate 0.004"
    assert fewest(few, "photo student, a thousand").endswith("rate 0.008")


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
