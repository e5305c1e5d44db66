"""Draws what two switches of Keras do to a network with BatchNorm: `trainable` and `training`.

    python book/figures/training_trainable.py

Writes ``training_trainable.svg`` beside it.
"""

import sys
from pathlib import Path

from matplotlib.patches import Rectangle
from schematic import save, schematic

from tlbook.plots import COLOURS

ALT = (
    "A table of two rows and two columns. trainable=True and training=True: weights learn, averages move. "
    "trainable=True and training=False: weights learn, averages stay; so one fine-tunes. trainable=False: weights stay "
    "and averages stay, in either column."
)
FIELDS = {  # row and column of a field: what it says, and whether anything moves
    (1, 0): ("weights learn\naverages move", COLOURS[1]),
    (1, 1): ("weights learn\naverages stay\n(to fine-tune)", "#BFE3D0"),
    (0, 0): ("weights stay\naverages stay", "#D8E4F0"),
    (0, 1): ("weights stay\naverages stay", "#D8E4F0"),
}


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 3.6)
    for (row, column), (text, colour) in FIELDS.items():
        axis.add_patch(Rectangle((column + 0.02, row + 0.02), 0.96, 0.96, fc=colour, ec="#333333"))
        axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=12.5)
    for column, value in enumerate((True, False)):
        axis.text(column + 0.5, 2.12, f"training={value}", ha="center", fontsize=12.5, family="monospace")
    for row, value in ((1, True), (0, False)):
        axis.text(-0.06, row + 0.5, f"trainable\n={value}", ha="right", va="center", fontsize=12.5, family="monospace")
    axis.set(xlim=(-0.75, 2.05), ylim=(-0.02, 2.3))
    return save(drawn, ALT)


def main():
    """Write the figure."""
    Path(__file__).with_suffix(".svg").write_text(figure(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
