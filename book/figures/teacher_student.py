"""Draws a teacher that stays as it is, and a student that learns what it says.

    python book/figures/teacher_student.py

Writes ``teacher_student.svg`` beside it.
"""

import numpy as np
from schematic import arrow, bars, box, save, schematic, write

from tlbook.plots import COLOURS

LOGITS = {"p": np.array([1.0, 8.0, 4.0, 0.0]), "q": np.array([2.0, 6.0, 5.0, 1.0])}  # of four classes
T = 4
ALT = (
    "An image goes into the teacher, which stays as it is, and into the student, which learns. The logits of both are "
    "divided by the same temperature T, and a softmax makes two rows of probabilities, p and q. The soft loss asks "
    "that they agree. The label, if there is one, joins in with a loss of its own on the student's side."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.4, 6.2)
    box(axis, 2.7, 6.0, 1.8, "an image", "#333333", height=0.5)
    for x, who, colour, end in (
        (1.2, "teacher\nstays as it is", COLOURS[1], 2.1),
        (4.2, "student\nlearns", COLOURS[0], 3.3),
    ):
        arrow(axis, (end, 5.7), (x, 5.2))
        box(axis, x, 4.75, 2.2, who, colour)
        arrow(axis, (x, 4.3), (x, 3.9))
    for x, name, colour in ((1.2, "p", COLOURS[1]), (4.2, "q", COLOURS[0])):
        box(axis, x, 3.6, 2.2, "logits / $T$, softmax", "#555555", height=0.45)
        arrow(axis, (x, 3.3), (x, 3.0))
        soft = np.exp(LOGITS[name] / T)
        bars(axis, x - 0.42, 2.1, soft / soft.sum() * 1.4, colour, f"${name}(T)$")
    box(axis, 1.9, 0.75, 3.0, "agree:  " + r"$T^2\, \mathrm{KL}(p\,\Vert\, q)$", COLOURS[2], height=0.55)
    arrow(axis, (1.2, 1.65), (1.5, 1.1))
    arrow(axis, (3.9, 1.65), (2.6, 1.1))
    box(axis, 4.55, 0.75, 1.5, "label, if any", "#999999", height=0.55, fontsize=11)
    arrow(axis, (4.5, 1.65), (4.6, 1.1), linestyle="--")
    axis.set(xlim=(-0.1, 5.5), ylim=(0.3, 6.35))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
