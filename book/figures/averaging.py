"""Draws labels that are averaged over a graph of six images.

    python book/figures/averaging.py

Writes ``averaging.svg`` beside it.
"""

import numpy as np
from matplotlib.patches import Wedge
from schematic import arrow, save, schematic, write

from tlbook.plots import COLOURS

PLACES = np.array([(0.0, 0.9), (0.9, 1.5), (1.0, 0.3), (2.6, 0.2), (2.7, 1.5), (3.6, 0.9)])
NEIGHBOURS = np.array([(1, 2), (0, 2), (0, 1), (2, 5), (3, 5), (3, 4)])  # each image asks two
START = (0, 0, 1, 1, 1, 1)  # the class that each is first taken for: the third is wrong
PANELS = {0: "Start: one is wrong", 1: "After one round", 5: "After five rounds"}
RADIUS = 0.34
ALT = (
    "Six images as circles, three on the left and three on the right, each with arrows to the two neighbours that it "
    "asks. A circle shows how sure its image is of either class. At the start two on the left are blue, and the third "
    "there is orange as all on the right are. After one round it is half blue; after five rounds it is mostly blue, "
    "and those on the right are mostly orange."
)


def averaged(rounds: int) -> np.ndarray:
    """Return the probabilities of both classes after so many rounds: (6, 2)."""
    p = np.eye(2)[list(START)]
    for _ in range(rounds):
        p = (p + p[NEIGHBOURS].mean(axis=1)) / 2
    return p


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axes = schematic(5.2, 7.2, 3, 1)
    for axis, (rounds, title) in zip(axes, PANELS.items(), strict=True):
        for image, asked in enumerate(NEIGHBOURS):
            for other in asked:
                way = PLACES[other] - PLACES[image]
                edge = way / np.hypot(*way) * (RADIUS + 0.06)
                arrow(axis, PLACES[image] + edge, PLACES[other] - edge, lw=1.2)
        for place, (blue, _) in zip(PLACES, averaged(rounds), strict=True):
            turn = 90 + 360 * blue
            axis.add_patch(Wedge(place, RADIUS, 90, turn, fc=COLOURS[0]))
            axis.add_patch(Wedge(place, RADIUS, turn, 450, fc=COLOURS[1]))
            axis.text(
                *place,
                f"{blue:.2f}",
                ha="center",
                va="center",
                fontsize=11,
                weight="bold",
                color="black",
                bbox={"fc": "white", "ec": "none", "pad": 1},
            )
        axis.set_title(f"{title} (share of blue)", fontsize=13)
        axis.set(xlim=(-0.5, 4.1), ylim=(-0.25, 1.95))
        axis.set_aspect("equal")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
