"""Draws the task that a network sets itself when it learns from rotations.

    python book/figures/four_turns.py

Writes ``four_turns.svg`` beside it.
"""

from matplotlib.patches import Rectangle
from schematic import arrow, box, save, schematic, write

from tlbook.plots import COLOURS

ALT = (
    "One image of a handwritten four stands upright, then turned by a quarter, a half and three quarters. All four go "
    "into the same network. It answers how far each was turned: 0, 90, 180 or 270 degrees. Nobody had to say that it "
    "is a four. Below, an arrow leads from the network to a box, keep the features; another leads from its last layer "
    "to a box, throw this away."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 5.6)
    for turn in range(4):
        x = 0.75 + 1.25 * turn
        axis.add_patch(Rectangle((x - 0.45, 4.6), 0.9, 0.9, fc="black"))
        axis.text(x, 5.05, "4", rotation=90 * turn, ha="center", va="center", color="white", fontsize=28)
        arrow(axis, (x, 4.5), (x, 4.08))
        arrow(axis, (x, 2.62), (x, 2.2))
        axis.text(x, 1.9, f"{90 * turn}°", ha="center", va="center", fontsize=15, color=COLOURS[1], weight="bold")
    box(axis, 2.62, 3.72, 5.0, "the same network", COLOURS[0], height=0.55)
    arrow(axis, (2.62, 3.42), (2.62, 3.2))
    box(axis, 2.62, 2.92, 5.0, "its last layer: how far was it turned?", COLOURS[1], height=0.5)
    box(axis, 1.35, 0.75, 2.4, "keep the features", COLOURS[0], height=0.6)
    box(axis, 4.0, 0.75, 2.3, "throw this away", COLOURS[1], height=0.6)
    arrow(axis, (0.12, 3.45), (0.3, 1.12), connectionstyle="arc3,rad=0.12")
    arrow(axis, (5.12, 2.65), (4.95, 1.12), connectionstyle="arc3,rad=-0.12")
    axis.set(xlim=(-0.15, 5.4), ylim=(0.3, 5.65))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
