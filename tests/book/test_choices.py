"""What the chapters say of their choices is what the pages of the choices say."""

import ast

import pytest
from copies import ROOT

from tlbook.record import chapter_code, read_chapter


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


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("from scratch", "SCRATCH"),
        ("frozen backbone, linear head", "FROZEN"),
        ("head first, then two blocks", "TUNE"),
        ("dense head on features", "DENSE"),
    ],
)
def test_chapter_2_took_the_rates_that_held_out_letters_preferred(method, name):
    rows = table("02_vgg16_fine_tuning")
    means = {float(row.rpartition(" ")[2]): values[-1] for row, values in rows.items() if row.startswith(method)}
    assert len(means) == 4
    source = next(cell for cell in chapter_code(read_chapter("02_vgg16_fine_tuning")) if cell.startswith("SCRATCH, "))
    names, values = (part.elts for part in (ast.parse(source).body[0].targets[0], ast.parse(source).body[0].value))
    taken = {name.id: value.value for name, value in zip(names, values, strict=True)}
    assert taken[name] == max(means, key=means.get)
