"""Draws K-means's two steps, and how k-means++ finds its first centres, on ninety points.

    python book/figures/kmeans_steps.py

Writes ``kmeans_steps.svg`` beside it.
"""

import numpy as np
from schematic import save, schematic, write

from tlbook.plots import COLOURS

SEED = 2  # one whose first centres are not yet the last

ALT = (
    "Six panels of the same ninety points in three heaps. First: one point is the first centre; points far from it are "
    "drawn large, since they are likelier to be the next. Second: so with two centres, for the third. Third: each "
    "point takes the colour of its nearest centre. Fourth: each centre moves to the mean of its points. Fifth: the "
    "points choose again. Sixth: each heap has its centre, and nothing moves any more."
)


def nearest(points, centres):
    """Return the number of each point's nearest centre, and the squared distance to it."""
    squared = ((points[:, None] - centres) ** 2).sum(axis=2)
    return squared.argmin(axis=1), squared.min(axis=1)


def moved(points, centres):
    """Return the mean of each centre's points."""
    ids, _ = nearest(points, centres)
    return np.array([points[ids == which].mean(axis=0) for which in range(len(centres))])


def plus_plus(points, rng) -> list:
    """Draw three centres as k-means++ does: the chance of a point is its squared distance to the nearest so far."""
    rows = [rng.integers(len(points))]
    while len(rows) < 3:
        _, squared = nearest(points, points[rows])
        rows.append(rng.choice(len(points), p=squared / squared.sum()))
    return rows


def figure() -> str:
    """Return the figure as SVG."""
    rng = np.random.default_rng(SEED)
    points = np.concatenate([rng.normal(middle, 0.6, (30, 2)) for middle in ((0, 0), (3.0, 0.6), (1.2, 2.6))])
    start = points[plus_plus(points, rng)]
    second = end = moved(points, start)
    while not np.allclose(end, moved(points, end)):
        end = moved(points, end)
    drawn, axes = schematic(5.2, 7.6, 3, 2)
    panels = (
        ("1. First centre: any point", None, start[:1], start[:1]),
        ("2. Next ones: far points", None, start[:2], start[:2]),
        ("3. Points go to the nearest", start, start, start),
        ("4. Centres go to the mean", start, start, second),
        ("5. Points choose again …", second, second, second),
        ("6. … until nothing moves", end, end, end),
    )
    for axis, (title, by, old, new) in zip(axes.flat, panels, strict=True):
        chance = nearest(points, new)[1]
        colours = "#777777" if by is None else np.array(COLOURS)[nearest(points, by)[0]]
        sizes = 4 + 60 * chance / chance.max() if by is None else 14
        axis.scatter(*points.T, s=sizes, c=colours, alpha=0.8, linewidths=0)
        for which, (before, after) in enumerate(zip(old, new, strict=True)):
            if not np.allclose(before, after):
                axis.annotate("", after, before, arrowprops={"arrowstyle": "->", "lw": 1.8})
            axis.scatter(*after, s=150, marker="X", c=COLOURS[which], edgecolors="black", linewidths=1.2, zorder=3)
        axis.set_title(title, fontsize=13)
        axis.set_aspect("equal")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
