"""Draws what contrastive learning asks of a network: find the other view of the same image.

    python book/figures/two_views.py

Writes ``two_views.svg`` beside it.
"""

import numpy as np
from matplotlib.patches import Circle, Rectangle
from schematic import arrow, box, save, schematic, write

from tlbook.plots import COLOURS

VIEWS = (("4", -14, COLOURS[0]), ("4", 11, COLOURS[0]), ("7", 9, COLOURS[1]), ("7", -16, COLOURS[1]))
ANGLES = (62, 118, 242, 298)  # where their directions lie on the circle
ALT = (
    "Two images, a four and a seven, are each shown in two distortions, so there are four pictures. All go through the "
    "same network and a small head, and become four points on a circle. Two arrows draw the points of the four "
    "together, two others those of the seven. Dashed double arrows hold fours and sevens apart."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 6.6)
    for place, (sign, tilt, colour) in enumerate(VIEWS):
        x = 0.75 + 1.25 * place
        axis.add_patch(Rectangle((x - 0.45, 5.6), 0.9, 0.9, fc="black", ec=colour, lw=3))
        axis.text(x, 6.05, sign, rotation=tilt, ha="center", va="center", color="white", fontsize=26)
        arrow(axis, (x, 5.5), (x, 5.05))
    box(axis, 2.62, 4.7, 5.0, "the same network, and a small head", COLOURS[2], height=0.55)
    arrow(axis, (2.62, 4.35), (2.62, 3.95))
    centre, radius = np.array([2.62, 1.95]), 1.35
    axis.add_patch(Circle(centre, radius, fc="none", ec="#999999", lw=1.2))
    points = [centre + radius * np.array([np.cos(np.radians(a)), np.sin(np.radians(a))]) for a in ANGLES]
    for (sign, tilt, colour), point in zip(VIEWS, points, strict=True):
        axis.add_patch(Circle(point, 0.22, fc="white", ec=colour, lw=2.5, zorder=3))
        axis.text(*point, sign, rotation=tilt, ha="center", va="center", fontsize=13, zorder=4)
    for first, second, colour in ((0, 1, COLOURS[0]), (2, 3, COLOURS[1])):
        middle = (points[first] + points[second]) / 2
        for point in (points[first], points[second]):
            way = (middle - point) / np.linalg.norm(middle - point)
            arrow(axis, point + 0.3 * way, middle - 0.08 * way, color=colour)
    for side in (-0.75, 0.75):
        top, bottom = (centre + np.array([side, height]) for height in (0.85, -0.85))
        axis.annotate("", top, bottom, arrowprops={"arrowstyle": "<|-|>", "ls": "--", "lw": 1.6})
    axis.text(*centre, "apart", ha="center", va="center", fontsize=12)
    axis.text(4.75, 3.15, "together", ha="center", fontsize=12, color=COLOURS[0])
    axis.text(4.75, 0.62, "together", ha="center", fontsize=12, color=COLOURS[1])
    axis.set(xlim=(-0.15, 5.4), ylim=(0.25, 6.65))
    axis.set_aspect("equal")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
