"""Renders letters: the labelled source data of the book, made on the spot.

Fonts come with matplotlib. Each image is one warp of a prepared glyph: an affine draw, a smooth
elastic displacement and one of a few stroke widths, all taken at once.
"""

import functools
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy import ndimage

from tlbook.arguments import MAX_SIZE, numbers, shown, whole
from tlbook.run import TlbookError, cores, require

LETTERS = string.ascii_lowercase + string.ascii_uppercase
LOOKALIKES = "OoDQIlijtLZzSsBbGgqaAyTe"  # letters that could pass for a digit
FONTS = tuple(
    """DejaVuSans DejaVuSans-Oblique DejaVuSansMono DejaVuSansMono-Oblique
    DejaVuSerif DejaVuSerif-Italic STIXGeneral STIXGeneralItalic STIXGeneralBol STIXGeneralBolIta DejaVuSans-Bold
    cmr10 cmss10 cmtt10 cmmi10 cmti10""".split()
)
STROKES = (-1, 0, 1)  # thinner, as drawn, thicker: how far the outline is moved, in pixels of the master
MASTER = 64  # side of a prepared glyph, in pixels
BOX = 20 / 28  # a glyph's longer side over the image's side: MNIST's own proportion
INK = 1.3  # contrast: the middle of a stroke is white, only its edges are grey
ELASTIC = 2.0  # standard deviation of the elastic displacement at its knots, in pixels of a 28-pixel image
CHUNK = 500  # images warped at once: enough to amortise NumPy's overhead, small enough for the cache


@functools.cache
def _masters(letters: str, names: tuple[str, ...]) -> np.ndarray:
    """Draw every letter in every named font and stroke: float32 (letters, fonts * strokes, 64, 64), 0 to 1."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    missing = [name for name in names if not (folder / f"{name}.ttf").is_file()]
    if missing:
        found, mend = f"no {', '.join(missing)}", "python -m pip install --force-reinstall matplotlib"
        raise TlbookError(str(folder), "the fonts that ship with matplotlib", found, mend)
    fonts = [ImageFont.truetype(str(folder / f"{name}.ttf"), 2 * MASTER) for name in names]
    side = round(BOX * MASTER)
    masters = np.zeros((len(letters), len(names) * len(STROKES), MASTER, MASTER), np.float32)
    for i, letter in enumerate(letters):
        for j, font in enumerate(fonts):
            sheet = Image.new("L", (6 * MASTER, 6 * MASTER))
            ImageDraw.Draw(sheet).text((2 * MASTER, 2 * MASTER), letter, fill=255, font=font)
            glyph = sheet.crop(sheet.getbbox())
            scale = side / max(glyph.size)
            glyph = glyph.resize([max(1, round(scale * n)) for n in glyph.size], Image.Resampling.LANCZOS)
            page = np.zeros((MASTER, MASTER), np.float32)
            top, left = (MASTER - glyph.height) // 2, (MASTER - glyph.width) // 2
            page[top : top + glyph.height, left : left + glyph.width] = np.asarray(glyph, np.float32) / 255
            centre = np.array(ndimage.center_of_mass(page))
            page = ndimage.shift(page, (MASTER - 1) / 2 - centre, order=1)  # MNIST centres by mass too
            for k, width in enumerate(STROKES):
                morph = ndimage.grey_dilation if width > 0 else ndimage.grey_erosion
                drawn = morph(page, size=2 * abs(width) + 1) if width else page
                # A light blur, so that sampling at less than half the resolution does not alias.
                masters[i, j * len(STROKES) + k] = ndimage.gaussian_filter(drawn, 0.35 * MASTER / 28)
    masters.setflags(write=False)
    return masters


@functools.cache
def _basis(size: int, knots: int = 4) -> np.ndarray:
    """Return the (size, knots) matrix whose columns interpolate smoothly between `knots` values."""
    where = [np.linspace(0, knots - 1, size)]
    columns = [ndimage.map_coordinates(unit, where, order=3, mode="nearest") for unit in np.eye(knots)]
    return np.stack(columns, axis=1).astype(np.float32)


def _warp(masters: np.ndarray, which: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return one randomly distorted image, float32 (size, size) in 0 to 1, for each master in `which`."""
    n = len(which)
    angle, shear = rng.normal(0, 0.14, n), rng.normal(0, 0.22, n)
    zoom = rng.uniform(0.75, 1.05, n)[:, None] * np.exp(rng.normal(0, 0.1, (n, 2)))
    cos, sin = np.cos(angle), np.sin(angle)
    # Rows of the matrix give (y, x) in the master for (y, x) in the image, so sizes are inverted.
    matrix = np.stack([cos, -sin, sin + shear * cos, cos - shear * sin], axis=1).reshape(n, 2, 2)
    matrix = (matrix / zoom[:, :, None]).astype(np.float32) * (MASTER / size)

    axis = np.arange(size, dtype=np.float32) - size / 2
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)
    basis = _basis(size)
    knots = rng.normal(0, size / 28 * ELASTIC, (n, 2, basis.shape[1], basis.shape[1])).astype(np.float32)
    elastic = (basis @ knots @ basis.T).reshape(n, 2, -1)
    shift = rng.normal(0, size / 28 * 0.3, (n, 2, 1)).astype(np.float32)
    at = matrix @ (grid + elastic + shift) + (MASTER - 1) / 2

    points = np.empty((3, n, size * size), np.float32)
    points[0], points[1:] = which[:, None], at.transpose(1, 0, 2)
    image = ndimage.map_coordinates(masters, points.reshape(3, -1), order=1, prefilter=False)
    return image.reshape(n, size, size)


def enlarge(small: np.ndarray, size: int = 28, width: int = 24) -> np.ndarray:
    """Draw images of shape (n, s, s), 0 to 1, `width` pixels wide in the middle of (n, size, size), float32.

    Cubic interpolation, then more contrast, so that strokes have edges again instead of a blur. `TlbookError` if
    the images have another shape or range, or `width` does not fit into `size`.

    >>> enlarge(np.ones((1, 8, 8))).shape
    (1, 28, 28)
    """
    small = numbers("enlarge(): small", small)
    good = small.ndim == 3 and small.size and small.shape[1] == small.shape[2] and 0 <= small.min() <= small.max() <= 1
    found = f"{small.dtype} of shape {small.shape}" + (f", {small.min()} to {small.max()}" if small.size else "")
    require(good, "enlarge(): small", "shape (n, s, s), from 0 to 1", found, "divide bytes by 255")
    width = whole("enlarge(): width", width, 1, whole("enlarge(): size", size, 1, MAX_SIZE))
    side = small.shape[-1]
    matrix = ndimage.zoom(np.eye(side), (width / side, 1), order=3, mode="nearest", grid_mode=True)
    drawn = np.clip((matrix @ small @ matrix.T - 0.3) / 0.4, 0, 1).astype(np.float32)
    before = (size - width) // 2
    return np.pad(drawn, ((0, 0), *2 * [(before, size - width - before)]))


def _shrink(images: np.ndarray, side: int) -> np.ndarray:
    """Average square images over (side, side) equal boxes that cover a glyph and a little more."""
    size = images.shape[-1]
    edges = size / 2 + np.linspace(-0.5, 0.5, side + 1) * size * BOX * 1.1
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    matrix = np.clip(overlap, 0, None).astype(np.float32)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix @ images @ matrix.T


def _bright(images: np.ndarray) -> np.ndarray:
    """Make the middle of every stroke white, of thin strokes too."""
    return INK * images / np.maximum(images.max(axis=(1, 2), keepdims=True), 1e-6)


def render(
    n: int, *, size: int = 28, without: str = "", fonts=FONTS, through: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Render `n` random letters, white on black; `TlbookError` if an argument cannot be used.

    Source of elastic distortions for training digits: Simard, Steinkraus and Platt (2003), section 2.

    Parameters
    ----------
    n : int
        How many images; the classes come as equal in number as `n` allows, in random order.
    size : int
        Side of an image in pixels, from 8 to 4096.
    without : str
        Letters to leave out, for instance those that look like digits.
    fonts : sequence of str
        Which of `FONTS` to draw in; by default all.
    through : int, optional
        Draw the letters, shrink them to this many pixels a side with 17 grey values, and enlarge
        them again: what scikit-learn's 8x8 digits went through.
    seed : int
        Equal seeds give equal images.

    Returns
    -------
    images : ndarray of shape (n, size, size), uint8
    labels : ndarray of shape (n,), uint8
        Positions in `class_names`.
    class_names : tuple of str

    Examples
    --------
    >>> images, labels, names = render(100, without="OolI")
    >>> images.shape, images.dtype, len(names)
    ((100, 28, 28), dtype('uint8'), 48)
    """
    n, size = whole("render(): n", n), whole("render(): size", size, 8, MAX_SIZE, "ask for other images")
    seed = whole("render(): seed", seed, 0)
    if through is not None:
        through = whole("render(): through", through, 4, size, "through=8")
    require(isinstance(without, str), "render(): without", "a text", shown(without), "without='OolI'")
    require(isinstance(fonts, list | tuple), "render(): fonts", "a list of names", shown(fonts), "fonts=glyphs.FONTS")
    names = tuple(letter for letter in LETTERS if letter not in without)
    unknown, strange = sorted(set(without) - set(LETTERS)), [font for font in fonts if font not in FONTS]
    checks = [
        (not unknown, "without", "letters a-z and A-Z", unknown, "leave other characters out"),
        (len(names) >= 2, "without", "at least two letters left", len(names), "leave fewer out"),
        (fonts and not strange, "fonts", f"some of {', '.join(FONTS)}", strange or "none", "fonts=glyphs.FONTS"),
    ]
    for good, what, *words in checks:
        require(good, f"render(): {what}", *words)

    masters = _masters("".join(names), tuple(fonts))
    flat = masters.reshape(-1, MASTER, MASTER)
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % len(names)).astype(np.uint8)
    which = labels.astype(np.int64) * masters.shape[1] + rng.integers(masters.shape[1], size=n)
    starts = range(0, n, CHUNK)

    def chunk(start: int, own: np.random.Generator) -> np.ndarray:
        images = _bright(_warp(flat, which[start : start + CHUNK], size, own))
        if through:
            small = np.round(16 * np.clip(_bright(_shrink(images, through)), 0, 1)) / 16
            images = enlarge(small, size, round(size * 24 / 28))
        return np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)

    # One generator a chunk: the result does not depend on how many threads there are.
    with ThreadPoolExecutor(cores()) as pool:
        images = np.concatenate(list(pool.map(chunk, starts, rng.spawn(len(starts)))))
    return images, labels, names
