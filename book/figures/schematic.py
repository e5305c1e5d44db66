"""What the drawn figures share: one style, white paper, letters that can be read on a phone."""

import io

from matplotlib import style
from matplotlib.figure import Figure

from tlbook import plots


def schematic(width: float, height: float, rows: int = 1, columns: int = 1):
    """Return an empty figure of so many inches, and its panels without axes."""
    with style.context(["default", plots.STYLE, {"font.size": 12}]):
        drawn = Figure(figsize=(width, height), layout="constrained")
        axes = drawn.subplots(rows, columns)
    for axis in drawn.axes:
        axis.set_xticks([])
        axis.set_yticks([])
        for side in axis.spines.values():
            side.set_visible(False)
    return drawn, axes


def save(drawn, alt: str) -> str:
    """Return a figure as SVG, with what it shows in its title; the same figure is the same text."""
    picture = io.StringIO()
    with style.context(["default", plots.STYLE]):
        drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": alt})
    return picture.getvalue()
