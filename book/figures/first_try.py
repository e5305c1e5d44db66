"""Draws what to try first: a tree of three questions.

    python book/figures/first_try.py

Writes ``first_try.svg`` beside it.
"""

from schematic import arrow, box, save, schematic, write

from tlbook.plots import COLOURS

BLUE, PALE = COLOURS[0], "#E3F1FA"
ALT = (
    "What to try first, a decision tree. Does a linear probe on the source's features beat one on pixels, by "
    "cross-validation on your labels? Yes, and fifty labels per class or more: fine-tune, with steps and learning rate "
    "validated. Yes, few labels, and many images without: let labels spread over the features. Yes, and few labels "
    "only: a linear probe. No, but many images without labels: let labels spread over pixels or over the maps of a "
    "pretext. No, and nothing else: from scratch, with augmentation."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.4, 6.6)
    ask = "Does a linear probe on the source's features\nbeat one on pixels, by cross-validation\non your few labels?"
    box(axis, 3.0, 7.6, 5.6, ask, BLUE, height=1.3)
    for x, word, wanted in ((1.5, "yes", "What else\ndo you have?"), (4.6, "no", "What else\ndo you have?")):
        arrow(axis, (x, 6.9), (x, 6.05))
        axis.text(x + 0.12, 6.5, word, fontsize=12, va="center", weight="bold")
        box(axis, x, 5.6, 1.9, wanted, BLUE, height=0.8)
    leaves = [
        (1.5, 4.2, "50 labels per class and more", "fine-tune; validate steps\nand learning rate"),
        (1.5, 2.5, "many images without labels", "let labels spread over\nthe source's features"),
        (1.5, 0.8, "neither", "a linear probe"),
        (4.6, 4.2, "many images without labels", "let labels spread, over pixels\nor a pretext's maps"),
        (4.6, 2.5, "neither", "from scratch,\nwith augmentation"),
    ]
    for x, y, when, then in leaves:
        axis.text(x, y + 0.55, when, fontsize=11, ha="center", va="center", style="italic")
        box(axis, x, y - 0.1, 2.75, then, BLUE, height=0.85, fill=PALE, fontsize=11.5)
    for x in (1.5, 4.6):
        arrow(axis, (x, 5.15), (x, 4.95))
    axis.set(xlim=(-0.1, 6.1), ylim=(0.1, 8.4))
    axis.set_aspect("auto")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
