"""Draws the networks of chapter 1's section 4: which stages are copied from where, and which may learn.

    python book/figures/stages_strips.py

Writes ``stages_strips.svg`` beside it.
"""

from schematic import box, save, schematic, write

from tlbook.plots import COLOURS

A, B, PALE_A, PALE_B = "#8A5A00", COLOURS[0], "#FBEFD9", "#E3F1FA"
ROWS = [  # name, the copied stages' colour and filling, whether they are locked, what is said
    ("A", A, PALE_A, "", "learns 0 to 4"),
    ("B", B, PALE_B, "", "learns 5 to 9"),
    ("A2B", A, PALE_A, "locked", "first two from A, frozen"),
    ("A2B⁺", A, PALE_A, "free", "first two from A, learning"),
    ("B2B", B, PALE_B, "locked", "first two from B, frozen"),
    ("B2B⁺", B, PALE_B, "free", "first two from B, learning"),
]
ALT = (
    "Six strips of four stages and a head. A learns 0 to 4, B learns 5 to 9. A2B: the first two stages are copied from "
    "A and frozen, the others are fresh and learn 5 to 9. A2B plus: the same, but the copied stages learn, too. B2B "
    "and B2B plus: the same with stages copied from B itself."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.4, 5.2)
    for number, (name, colour, fill, lock, said) in enumerate(ROWS):
        y = 6 - number
        axis.text(-0.1, y, name, fontsize=13, weight="bold", va="center")
        for stage in range(5):
            copied = bool(lock) and stage < 2
            whole = not lock  # A and B themselves
            edge = colour if copied or whole else "#777777"
            text = ("frozen" if lock == "locked" else "learns") if copied else ("" if stage < 4 else "head")
            inside = fill if copied or whole else "white"
            box(axis, 1.35 + 0.82 * stage, y, 0.62, text, edge, height=0.5, fill=inside, fontsize=9.5)
        axis.text(0.95, y - 0.42, said, fontsize=10.5, va="center", color="#333333")
    axis.set(xlim=(-0.2, 5.2), ylim=(0.4, 6.5))
    axis.set_aspect("auto")
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
