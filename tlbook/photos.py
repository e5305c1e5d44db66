"""One photo from a file that a stranger made: read where it is fit, refused in plain words where it is not.

Whatever the first bytes of a file tell is checked before any pixel is decoded.
"""

import warnings
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tlbook.run import TlbookError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # none of Pillow's forty other readers sees a stranger's file
OTHERS = {b"GIF8": "a GIF", b"II*\0": "a TIFF", b"MM\0*": "a TIFF", b"%PDF": "a PDF", b"ftyp": "HEIC, AVIF or a film"}
SAVE = "open it in an image program, if any can, and save it as a PNG or JPEG"
AGAIN = "copy it again from where it came"


def read_photo(path, *, size: int = 32, max_pixels: int = 50_000_000, min_side: int = 8) -> np.ndarray:
    """Read the square in the middle of a photo, at `size` x `size` pixels.

    Takes PNG, JPEG, WebP and BMP. It is turned as its camera says (EXIF); colour profiles are ignored. Grey,
    black-and-white and palette pictures become colours. What would have to be guessed is refused: transparency
    (the colour behind it is not in the file), inks (CMYK), 16 bits of grey, more than one frame.

    Gives uint8 of shape (size, size, 3): red, green and blue from 0 to 255. Raises `TlbookError` if an argument
    is no whole number from 1, if the file cannot be read, is empty, another format, broken or as above, has more
    than `max_pixels` pixels (Pillow's own limit, some 179 million, holds too) or a side below `min_side`.

    >>> from matplotlib.cbook import get_sample_data
    >>> read_photo(get_sample_data("grace_hopper.jpg", asfileobj=False)).shape
    (32, 32, 3)
    """
    for name, value in {"size": size, "max_pixels": max_pixels, "min_side": min_side}.items():
        if not isinstance(value, Integral) or value < 1:
            raise TlbookError(f"read_photo(): {name}", "a whole number, at least 1", repr(value), "leave it out")
    head = _head(path := Path(path))
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as photo:
            _check(photo, path, max_pixels, min_side)
            colours = ImageOps.exif_transpose(photo).convert("RGB")
            # BOX: a new pixel is the mean of those it covers; LANCZOS would draw halos along edges.
            return np.array(ImageOps.fit(colours, (size, size), Image.Resampling.BOX))
    except TlbookError:
        raise
    except UnidentifiedImageError as error:
        found = next((name for start, name in OTHERS.items() if start in head), "something else, or a broken one")
        raise TlbookError(str(path), f"a picture: {', '.join(FORMATS)}", found, SAVE) from error
    except Image.DecompressionBombError as error:  # before Pillow tells the size
        raise TlbookError(str(path), f"at most {max_pixels:,} pixels", str(error), "save it smaller") from error
    except Exception as error:  # OSError, SyntaxError, ValueError, zlib.error, …: each reader has its own
        found = f"broken or cut-off data ({' '.join(str(error).split())[:200] or type(error).__name__})"
        raise TlbookError(str(path), "a whole picture", found, AGAIN) from error


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, or say why there are none."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device read without end
            found = "a folder" if path.is_dir() else "a pipe or a device"
            raise TlbookError(str(path), "the file of a photo", found, "name the file, its ending too")
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError as error:
        found = (error.strerror or type(error).__name__).lower()
        do = f"check the name and who may read it; a relative name starts at {Path.cwd()}"
        raise TlbookError(str(path), "the file of a photo", found, do) from error
    if not head:
        raise TlbookError(str(path), "the file of a photo", "an empty file", AGAIN)
    return head


def _check(photo: Image.Image, path: Path, max_pixels: int, min_side: int) -> None:
    """Refuse a photo that is opened, but not decoded yet, for what its header says."""
    width, height = photo.size
    # In a phone's JPEG a second picture, say of depths, may lie behind the photo: that is no film.
    frames = 1 if photo.format == "MPO" else getattr(photo, "n_frames", 1)
    if width * height > max_pixels:
        why = f"at most {max_pixels:,} pixels", f"{width} x {height}", "save it smaller, or raise max_pixels"
    elif min(width, height) < min_side:
        why = f"at least {min_side} pixels a side", f"{width} x {height}", "take a larger photo"
    elif frames > 1:
        why = "one picture", f"an animation of {frames}", "save one of its frames as a PNG"
    elif photo.mode in ("RGBA", "LA") or "transparency" in photo.info:
        do = "flatten it onto a background in an image program, and save it as a JPEG"
        why = "a picture without transparency", "an alpha channel or a transparent colour", do
    elif photo.mode not in ("RGB", "L", "P", "1"):
        do = "convert it to 8-bit RGB in an image program"
        why = "8 bits each of red, green and blue, or of grey", f"the mode {photo.mode}", do
    else:
        return
    raise TlbookError(str(path), *why)
