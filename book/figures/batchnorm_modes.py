"""Draws the two modes of BatchNorm, on the values of one channel.

    python book/figures/batchnorm_modes.py

Writes ``batchnorm_modes.svg`` beside it.
"""

import numpy as np
from letters_to_digits import arrow
from schematic import save, schematic, write

from tlbook.plots import COLOURS

BLUE, BROWN = COLOURS[0], "#8A5A00"
ALT = (
    "Two panels, each with a batch of values on a line, drawn as dots, and a bar for the running average below. "
    "Training mode: the values are scaled by the mean and the standard deviation of this batch, and the running "
    "average moves a little towards that mean. Inference mode: the values are scaled by the running averages, and "
    "these stay."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axes = schematic(5.2, 5.6, 2, 1)
    values = np.random.default_rng(3).normal(2.4, 0.6, 14)
    mean, average = values.mean(), 0.6
    for axis, training in zip(axes, (True, False), strict=True):
        title = "training=True: this batch counts" if training else "training=False: the averages count"
        axis.set_title(title, fontsize=13, weight="bold", loc="left")
        axis.plot([-0.6, 4.8], [1, 1], color="#999999", lw=1, marker="")
        axis.scatter(values, np.full(len(values), 1.0), s=60, color=BLUE, alpha=0.7, linewidths=0)
        axis.plot([average, average], [0.1, 0.45], color=BROWN, lw=5, marker="")
        used = mean if training else average
        axis.plot([used, used], [0.75, 1.3], color="black", lw=2, ls="--", marker="")
        axis.text(used, 1.4, "scaled by this mean", ha="center", fontsize=12)
        axis.text(mean if not training else 3.9, 1.14, "batch", ha="center", fontsize=12, color=BLUE)
        if training:
            arrow(axis, (average + 0.1, 0.28), (average + 0.75, 0.28))
        said = "running average moves towards it" if training else "running average stays"
        axis.text(average + (0.85 if training else 0.2), 0.28, said, va="center", fontsize=12, color=BROWN)
        axis.set(xlim=(-0.7, 4.9), ylim=(0, 1.65))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
