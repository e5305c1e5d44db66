"""Draws what is frozen in the two steps of fine-tuning, and what learns.

    python book/figures/two_steps.py

Writes ``two_steps.svg`` beside it.
"""

from matplotlib.patches import FancyBboxPatch
from schematic import save, schematic, write

from tlbook.plots import COLOURS

FROZEN, LEARNS = "#D8E4F0", COLOURS[1]
ALT = (
    "Two towers of six boxes: blocks 1 to 5, and a head on top. Step 1: all five blocks are frozen, the head learns. "
    "Step 2: blocks 1 to 3 are frozen; block 4, block 5 and the head learn, with a small learning rate."
)
PARTS = ("block1", "block2", "block3", "block4", "block5", "head")
STEPS = {"Step 1": ("head",), "Step 2": ("block4", "block5", "head")}


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axes = schematic(5.2, 4.8, 1, 2)
    for axis, (step, learning) in zip(axes, STEPS.items(), strict=True):
        for row, part in enumerate(PARTS):
            learns = part in learning
            colour = LEARNS if learns else FROZEN
            box = FancyBboxPatch((0.1, row), 1.8, 0.7, boxstyle="round,pad=0.04", fc=colour, ec="#333333", lw=1.2)
            axis.add_patch(box)
            text = f"{part}: learns" if learns else f"{part}: frozen"
            axis.text(1.0, row + 0.35, text, ha="center", va="center", fontsize=12.5, weight="bold" if learns else None)
        axis.set_title(f"{step}: {'the head' if len(learning) == 1 else 'the top, gently'}", fontsize=13)
        axis.text(1.0, -0.4, "image", ha="center", va="center", fontsize=12)
        axis.set(xlim=(0, 2), ylim=(-0.7, 6))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
