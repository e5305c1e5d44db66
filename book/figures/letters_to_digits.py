"""Draws the road of chapter 3: a network learns letters, its body is kept, and K-means groups digits by its features.

    python book/figures/letters_to_digits.py

Writes ``letters_to_digits.svg`` beside it.
"""

import numpy as np
from schematic import arrow, box, save, schematic, write

import tlbook as tl
from tlbook.plots import COLOURS

BLUE, BROWN = COLOURS[0], "#8A5A00"
ALT = (
    "Two rows. Above, the source: printed letters go through a network's body and its head, which learns their names. "
    "Below, the target: handwritten digits go through the same body, copied from above. Out come features, rows of "
    "numbers, and K-means groups them. No digit has a name anywhere."
)


def images(axis, pictures, x, y):
    """Draw small images, one behind the other."""
    for number, picture in enumerate(pictures):
        left, low = x + 0.16 * number - 0.5, y + 0.14 * number - 0.5
        axis.imshow(picture, cmap="gray", extent=(left, left + 0.8, low, low + 0.8), zorder=3 - number)


def figure() -> str:
    """Return the figure as SVG."""
    letters, digits = tl.data.letters(40, 1, seed=4).x_train, tl.data.mnist_small().x_train
    drawn, axis = schematic(5.2, 5.4)
    axis.set(xlim=(-0.2, 6.2), ylim=(-0.75, 6.1))
    axis.text(-0.1, 5.75, "Source: letters that we draw, names known", fontsize=12.5, color=BLUE, weight="bold")
    images(axis, letters[[3, 8, 12]], 0.5, 4.6)
    box(axis, 2.9, 4.75, 1.5, "body", BLUE)
    box(axis, 5.2, 4.75, 1.5, "head:\nb, K, r …", BLUE)
    arrow(axis, (1.3, 4.75), (2.05, 4.75))
    arrow(axis, (3.75, 4.75), (4.35, 4.75))
    arrow(axis, (2.9, 4.2), (2.9, 2.8), linestyle="--")
    axis.text(3.05, 3.5, "the body is copied,\nthe head thrown away", va="center", fontsize=12)
    axis.text(-0.1, -0.6, "Target: handwritten digits, no names", fontsize=12.5, color=BROWN, weight="bold")
    images(axis, digits[[1, 5, 9]], 0.5, 2.1)
    box(axis, 2.9, 2.25, 1.5, "body", BLUE)
    arrow(axis, (1.3, 2.25), (2.05, 2.25))
    rng = np.random.default_rng(0)
    axis.imshow(rng.random((4, 8)), cmap="Blues", extent=(4.5, 5.9, 1.85, 2.65), aspect="auto")
    axis.text(5.2, 2.8, "features", ha="center", fontsize=12)
    arrow(axis, (3.75, 2.25), (4.4, 2.25))
    arrow(axis, (5.2, 1.75), (5.2, 1.2))
    for which, (x, y) in enumerate(((4.6, 0.7), (5.5, 0.9), (5.1, 0.0))):
        axis.scatter(*rng.normal((x, y), 0.13, (14, 2)).T, s=16, c=COLOURS[which], linewidths=0)
        axis.scatter(x, y, s=110, marker="X", c=COLOURS[which], edgecolors="black")
    axis.text(4.05, 0.45, "K-means:\nten groups", ha="right", va="center", fontsize=12)
    axis.set(xlim=(-0.2, 6.2), ylim=(-0.75, 6.1))
    axis.set_aspect("auto")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
