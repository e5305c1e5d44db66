"""Draws what the neighbour loss asks of a network.

    python book/figures/scan_pair.py

Writes ``scan_pair.svg`` beside it.
"""

import numpy as np
from schematic import arrow, bars, box, save, schematic, write

from tlbook.plots import COLOURS

SURE = {"p": (0.05, 0.85, 0.1), "q": (0.1, 0.7, 0.2)}  # of an image and of its neighbour
ALT = (
    "An image and one of its neighbours go through the same network. Out come two rows of probabilities, p and q. "
    "The first term of the loss asks that both put their weight on the same class; the second, that the average "
    "over the batch puts as much on each class."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 5.4)
    for x, image, name in ((1.0, "an image", "p"), (4.2, "a neighbour", "q")):
        box(axis, x, 5.0, 1.7, image, "#333333")
        arrow(axis, (x, 4.5), (x, 4.05))
        bars(axis, x - 0.28, 2.1, SURE[name], COLOURS[0], name, style="italic")
        arrow(axis, (x, 3.4), (x, 3.0))
    box(axis, 2.6, 3.7, 5.0, "the same network", COLOURS[0], height=0.5)
    box(axis, 2.6, 2.4, 1.5, "agree:\n" + r"$-\log\,\langle p, q\rangle$", COLOURS[1], height=0.9)
    arrow(axis, (1.65, 2.4), (1.8, 2.4))
    arrow(axis, (3.55, 2.4), (3.4, 2.4))
    bars(axis, 0.9, 0.25, np.full(3, 1 / 3), COLOURS[2], r"$\bar p$, over the batch")
    box(axis, 3.6, 0.55, 2.6, "use all classes:\n" + r"$-\lambda\, H(\bar p)$", COLOURS[2], height=0.9)
    axis.set(xlim=(-0.1, 5.3), ylim=(-0.35, 5.6))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
