"""Draws what transfer hands over: the first stages of one network become the first stages of another.

    python book/figures/knowledge_base.py

Writes ``knowledge_base.svg`` beside it.
"""

from schematic import arrow, box, save, schematic, write

import tlbook as tl
from tlbook.plots import COLOURS

BLUE, BROWN, PALE = COLOURS[0], "#8A5A00", "#E3F1FA"
ALT = (
    "Two rows. Above, the source model: letters go through the stages 1 to 4 and a head that names letters. Below, the "
    "target model: digits go through stages 1 and 2, which are copied from above, then through fresh stages 3 and 4 "
    "and a fresh head that names digits. The copied stages are the knowledge base."
)


def row(axis, y, picture, colours, fills, head):
    """Draw one network: an image, four stages and a head."""
    axis.imshow(picture, cmap="gray", extent=(-0.3, 0.6, y - 0.45, y + 0.45), zorder=2)
    edges = 0.6
    for stage, (colour, fill) in enumerate(zip(colours, fills, strict=True)):
        x = 1.45 + 1.05 * stage
        box(axis, x, y, 0.7, str(stage + 1) if stage < 4 else head, colour, fill=fill, fontsize=13)
        arrow(axis, (edges, y), (x - 0.36, y))
        edges = x + 0.4


def figure() -> str:
    """Return the figure as SVG."""
    letter, digit = tl.data.letters(10, 1, seed=4).x_train[3], tl.data.mnist_small().x_train[5]
    drawn, axis = schematic(5.4, 4.6)
    axis.text(-0.3, 4.75, "Source model: letters, with labels", fontsize=13, color=BLUE, weight="bold")
    row(axis, 3.85, letter, [BLUE] * 5, [PALE, PALE, "white", "white", "white"], "a–Z")
    axis.text(-0.3, 0.02, "Target model: digits, few labels", fontsize=13, color=BROWN, weight="bold")
    row(axis, 1.0, digit, [BLUE, BLUE, BROWN, BROWN, BROWN], [PALE, PALE, "white", "white", "white"], "0–9")
    for x in (1.45, 2.5):
        arrow(axis, (x, 3.35), (x, 1.5), linestyle="--")
    axis.text(2.75, 2.65, "copied: the knowledge base", fontsize=12.5, color=BLUE, va="center")
    axis.text(2.75, 2.15, "the rest begins at random", fontsize=12.5, color=BROWN, va="center")
    axis.set(xlim=(-0.45, 6.2), ylim=(-0.3, 5.2))
    axis.set_aspect("auto")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
