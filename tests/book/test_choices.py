"""What the chapters say of their choices is what the pages of the choices say."""

from copies import ROOT


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
