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
