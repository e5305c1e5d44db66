"""Draws VGG16's five blocks at a quarter of their width, with the shapes of their maps.

    python book/figures/vgg16_blocks.py

Writes ``vgg16_blocks.svg`` beside it.
"""

from letters_to_digits import arrow
from matplotlib.patches import Rectangle
from schematic import save, schematic, write

from tlbook.backbones import VGG_BLOCKS
from tlbook.plots import COLOURS

WIDTH, SIDE = 0.25, 32
BLUE, BROWN = COLOURS[0], "#8A5A00"
ALT = (
    "From top to bottom. An image of 32 by 32 pixels in 3 colours. Five blocks of two or three convolutions; each "
    "halves the map: 16 by 16 with 16 channels, 8 by 8 with 32, 4 by 4 with 64, 2 by 2 with 128, 1 by 1 with 128. "
    "Their mean is 128 features. So far the backbone. A head, one dense layer, makes ten logits of them."
)


def figure() -> str:
    """Return the figure as SVG."""
    drawn, axis = schematic(5.2, 6.4)
    rows = [("image", f"{SIDE} × {SIDE} × 3", SIDE, 3, "#777777")]
    for block, (channels, convolutions) in enumerate(VGG_BLOCKS, 1):
        side, channels = SIDE >> block, round(WIDTH * channels)
        text = f"block{block}: {convolutions} convolutions, halve"
        rows.append((text, f"{side} × {side} × {channels}", side, channels, BLUE))
    rows += [
        ("mean over positions", f"{channels} features", 1, channels, BLUE),
        ("head: dense", "10 logits", 1, 10, BROWN),
    ]
    for row, (text, shape, side, channels, colour) in enumerate(rows):
        height, width = 0.2 + 0.55 * (side / SIDE) ** 0.5, 0.25 + 1.2 * (channels / 128) ** 0.5
        corner = (1.0 - width / 2, -row - height / 2)
        axis.add_patch(Rectangle(corner, width, height, fc=colour, alpha=0.75))
        axis.text(2.0, -row, text, va="center", fontsize=12, color=colour, weight="bold")
        axis.text(2.0, -row - 0.32, shape, va="center", fontsize=12)
        if row:
            arrow(axis, (1.0, -row + 0.62), (1.0, -row + 0.38))
    axis.set(xlim=(-0.1, 6), ylim=(-len(rows) + 0.4, 0.5))
    return save(drawn, ALT)


if __name__ == "__main__":
    write(__file__, figure())
