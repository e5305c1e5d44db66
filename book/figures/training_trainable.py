"""Draws what two switches of Keras do to a network with BatchNorm: `trainable` and `training`.

    python book/figures/training_trainable.py

Writes ``training_trainable.svg`` beside it.
"""

from matplotlib.patches import Rectangle
from schematic import save, schematic, write

from tlbook.plots import COLOURS

ALT = (
    "A table of a BatchNorm layer, of two rows and two columns. trainable=True, in fit: it scales by the batch, its "
    "averages move, its weights learn. trainable=False, in fit: it scales by its averages, and nothing moves; so one "
    "fine-tunes. In predict it scales by its averages and nothing moves, in either row."
)
STILL = "scales by averages\nnothing moves"
FIELDS = {  # row and column of a field: what it says, and its colour
    (1, 0): ("scales by the batch\naverages move\nweights learn", COLOURS[1]),
    (1, 1): (STILL, "#D8E4F0"),
    (0, 0): (STILL + "\n(to fine-tune)", "#BFE3D0"),
    (0, 1): (STILL, "#D8E4F0"),
}


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 3.6)
    for (row, column), (text, colour) in FIELDS.items():
        axis.add_patch(Rectangle((column + 0.02, row + 0.02), 0.96, 0.96, fc=colour, ec="#333333"))
        axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=11.5)
    for column, call in enumerate(("fit", "predict")):
        axis.text(column + 0.5, 2.12, call, ha="center", fontsize=12.5, family="monospace")
    for row, value in ((1, True), (0, False)):
        axis.text(-0.06, row + 0.5, f"trainable\n={value}", ha="right", va="center", fontsize=12.5, family="monospace")
    axis.set(xlim=(-0.75, 2.05), ylim=(-0.02, 2.3))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
