"""What the drawn figures share: one style, white paper, letters that can be read on a phone."""

import io
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tlbook import disk, plots


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


def box(axis, x, y, width, text, colour, height=0.8, fill="white", **text_style):
    """Draw a box with a text in it; x and y are its middle."""
    corner, size = (x - width / 2, y - height / 2), (width, height)
    shape = FancyBboxPatch(corner, *size, boxstyle="round,pad=0.04", fc=fill, ec=colour, lw=2)
    axis.add_patch(shape)
    axis.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 12} | text_style)


def arrow(axis, start, end, **line):
    """Draw an arrow."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "lw": 1.8, "color": "#555555", **line})


def bars(axis, x, y, heights, colour, name, **style):
    """Draw a row of probabilities as small bars on a line, the first at `x`, with its name below."""
    for place, height in enumerate(heights):
        axis.bar(x + 0.28 * place, height, 0.22, bottom=y, color=colour)
    last = x + 0.28 * (len(heights) - 1)
    axis.plot([x - 0.2, last + 0.2], [y, y], color="#333333", lw=1, marker="")
    axis.text((x + last) / 2, y - 0.12, name, ha="center", va="top", fontsize=13, **style)


def save(drawn, alt: str) -> str:
    """Return a figure as SVG, with what it shows in its title; the same figure is the same text."""
    picture = io.StringIO()
    with style.context(["default", plots.STYLE]):
        drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": alt})
    return picture.getvalue()


def write(program: str, svg: str) -> None:
    """Write a figure beside the program that drew it."""
    disk.write({Path(program).with_suffix(".svg"): svg})
