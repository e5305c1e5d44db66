"""Draws two networks that each answer for the half they did not learn from, and the second graph.

    python book/figures/cross_fitting.py

Writes ``cross_fitting.svg`` beside it.
"""

from schematic import arrow, box, save, schematic, write

from tlbook.plots import COLOURS

BLUE, ORANGE, DARK = COLOURS[0], COLOURS[1], "#333333"
ALT = (
    "The images with their averaged labels are split at random into half A and half B. Network A learns half A, "
    "network B learns half B. Each is then asked about the images of the other half. Below, the features of the "
    "letters network, of network A and of network B stand side by side; from them comes a second graph of neighbours."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 5.8)
    for x, half, colour in ((1.25, "A", BLUE), (4.15, "B", ORANGE)):
        box(axis, x, 5.3, 2.2, f"half {half},\naveraged labels", colour)
        arrow(axis, (x, 4.82), (x, 4.3))
        side, way = ("right", -0.12) if half == "A" else ("left", 0.12)
        axis.text(x + way, 4.56, "learns", ha=side, va="center")
        box(axis, x, 3.85, 2.2, f"network {half}", colour)
    for start, end, colour in ((1.6, 3.45, BLUE), (3.8, 1.95, ORANGE)):
        arrow(axis, (start, 4.3), (end, 4.82), linestyle="--", color=colour)
    axis.text(2.7, 5.3, "asked\nabout", ha="center", va="center", fontsize=11)
    axis.text(2.7, 2.85, "side by side", ha="center", fontsize=12, style="italic")
    for x, name, colour in ((0.75, "letters", DARK), (2.7, "network A", BLUE), (4.65, "network B", ORANGE)):
        box(axis, x, 2.25, 1.5, f"features of\n{name}", colour)
        arrow(axis, (x, 1.8), (2.7 + 0.35 * (x - 2.7), 1.15))
    box(axis, 2.7, 0.7, 3.2, "second graph of neighbours", DARK)
    axis.set(xlim=(-0.15, 5.55), ylim=(0.2, 5.85))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
