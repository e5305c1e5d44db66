"""One photo from a file that a stranger made: read where it is fit, refused in plain words where it is not.

Whatever the first bytes of a file tell is checked before any pixel is decoded. What a small file could hold to
keep a computer busy for minutes or fill its memory is dropped or refused.
"""

import io
import os
import re
import struct
import warnings
import zlib
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tlbook.arguments import MAX_SIZE, shown
from tlbook.disk import named, regular, words
from tlbook.run import TlbookError, require

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # none of Pillow's forty other readers sees a stranger's file
OTHERS = {b"GIF8": "a GIF", b"II*\0": "a TIFF", b"MM\0*": "a TIFF", b"%PDF": "a PDF", b"ftyp": "HEIC, AVIF or a film"}
SAVE = "open it in an image program, if any can, and save it as a PNG or JPEG"
AGAIN = "copy it again from where it came"
CONVERT = "8 bits each of red, green and blue, or of grey", "convert it to 8-bit RGB in an image program"
MAX_BYTES = 200_000_000
SCANS, SEGMENTS = 32, 10_000  # in a JPEG: programs write some ten scans, and a segment holds up to 64 KB
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")  # the start of a segment, among a JPEG's pixels too
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = b"PLTE", b"tRNS", b"acTL", b"fcTL", b"eXIf", *(kind + b"Raw profile type exif\0" for kind in (b"tEXt", b"zTXt"))
KEPT += (b"iTXtXML:com.adobe.xmp\0",)  # it, too, may say how the camera was held
# Where the seven passes of an interlaced PNG begin, and their steps.
PASSES = (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)


def read_photo(path, *, size: int = 32, max_pixels: int = 50_000_000, min_side: int = 8) -> np.ndarray:
    """Read the square in the middle of a photo, at `size` x `size` pixels.

    Takes PNG, JPEG, WebP and BMP. It is turned as its camera says (EXIF), and taken as it is stored where that
    cannot be read; colour profiles are ignored. Grey, black-and-white and palette pictures become colours. What
    would have to be guessed is refused: transparency (the colour behind it is not in the file), inks (CMYK),
    16 bits of a colour or of grey, more than one frame. So is what takes long to decode: a BMP of run lengths, a
    JPEG of more than 32 scans.

    A PNG has checksums: if a bit of its pixels has flipped, it is refused. The other formats have none: a file
    that was cut off is noticed, but flipped bits only where they make the rest unreadable.

    Parameters
    ----------
    path : str or path
        The file, of at most 200 MB.
    size : int
        Side of the picture returned, from 1 to 4096.
    max_pixels : int
        Most pixels that the file may hold; half as many in WebP, whose reader needs twice the memory. Pillow's
        own limit, some 179 million, holds too.
    min_side : int
        Fewest pixels a side.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        Red, green and blue from 0 to 255.

    Raises
    ------
    TlbookError
        If an argument is no whole number from 1, `size` is above 4096, or the file cannot be read, is empty,
        another format, broken or not fit as above.

    >>> from matplotlib.cbook import get_sample_data
    >>> read_photo(get_sample_data("grace_hopper.jpg", asfileobj=False)).shape
    (32, 32, 3)
    """
    for name, value in {"size": size, "max_pixels": max_pixels, "min_side": min_side}.items():
        good = isinstance(value, Integral) and not isinstance(value, bool) and 1 <= value < 2**63
        require(good, f"read_photo(): {name}", "a whole number, at least 1, below 2**63", shown(value), "leave it out")
    require(size <= MAX_SIZE, "read_photo(): size", f"at most {MAX_SIZE}", size, "ask for a smaller picture")
    content = _content(path)
    try:
        if png := content.startswith(SIGNATURE):
            content, header, pixels = _sifted(content)
            require(header[2] < 16, str(path), CONVERT[0], f"{header[2]} bits", CONVERT[1])
        elif content.startswith(b"\xff\xd8"):
            expected = f"a JPEG of at most {SCANS} scans and {SEGMENTS:,} segments"
            require(_is_short(content), str(path), expected, "more", SAVE)
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as photo:
            _check(photo, path, max_pixels, min_side)
            if png:
                _unpack(header, pixels)
            photo.load()
            _turn(photo)
            colours = photo if photo.mode == "RGB" else photo.convert("RGB")  # a copy would double the memory
            # BOX: a new pixel is the mean of those it covers; LANCZOS would draw halos along edges.
            return np.array(ImageOps.fit(colours, (size, size), Image.Resampling.BOX))
    except (TlbookError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        head, unknown = content[:12], "something else, or a broken one"
        found = next((name for start, name in OTHERS.items() if start in head), unknown)
        raise TlbookError(str(path), f"a picture: {', '.join(FORMATS)}", found, SAVE) from error
    except Image.DecompressionBombError as error:  # before Pillow tells the size
        raise TlbookError(str(path), f"at most {max_pixels:,} pixels", str(error), "save it smaller") from error
    except Exception as error:  # OSError, SyntaxError, ValueError, zlib.error, …: each reader has its own
        found = f"broken or cut-off data ({' '.join(str(error).split())[:200] or type(error).__name__})"
        raise TlbookError(str(path), "a whole picture", found, AGAIN) from error


def _content(path) -> bytes:
    """Return what is in a file, or say why it cannot be had."""
    expected = "the file of a photo"
    try:
        good = isinstance(os.fspath(path), str)
    except TypeError:
        good = False
    require(good, "read_photo(): path", expected, shown(path), "name the file")
    try:
        name = named("read_photo(): path", path)
        length = regular(name, expected).st_size
        found, do = f"{length:,} bytes", "save it smaller, as a JPEG"
        require(length <= MAX_BYTES, str(path), f"at most {MAX_BYTES:,} bytes", found, do)
        with open(name, "rb") as file:
            content = file.read(MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        found = words(error) if isinstance(error, OSError) else str(error)
        do = f"check the name and who may read it; a relative name starts at {Path.cwd()}"
        raise TlbookError(str(path), expected, found, do) from error
    require(content, str(path), expected, "an empty file", AGAIN)
    return content


def _check(photo: Image.Image, path, max_pixels: int, min_side: int) -> None:
    """Refuse a photo that is opened, but not decoded yet, for what its header says."""
    width, height = photo.size
    # In a phone's JPEG a second picture, say of depths, may lie behind the photo: that is no film.
    frames = 1 if photo.format == "MPO" else getattr(photo, "n_frames", 1)
    most = max_pixels // 2 if photo.format == "WEBP" else max_pixels
    if width * height > most:
        why = f"at most {most:,} pixels", f"{width} x {height}", "save it smaller, or raise max_pixels"
    elif min(width, height) < min_side:
        why = f"at least {min_side} pixels a side", f"{width} x {height}", "take a larger photo"
    elif frames > 1:
        why = "one picture", f"an animation of {frames}", "save one of its frames as a PNG"
    elif photo.mode in ("RGBA", "LA") or "transparency" in photo.info:
        do = "flatten it onto a background in an image program, and save it as a JPEG"
        why = "a picture without transparency", "an alpha channel or a transparent colour", do
    elif photo.mode not in ("RGB", "L", "P", "1"):
        why = CONVERT[0], f"the mode {photo.mode}", CONVERT[1]
    elif photo.format == "BMP" and photo.tile[0][0] == "bmp_rle":
        why = "a BMP with its pixels one by one", "run lengths", SAVE
    else:
        return
    raise TlbookError(str(path), *why)


def _turn(photo: Image.Image) -> None:
    """Turn a picture as its camera says, and leave it alone where that cannot be read."""
    try:
        ImageOps.exif_transpose(photo, in_place=True)
    except MemoryError:
        raise
    except Exception:  # whatever the parts of Pillow that read EXIF come upon
        return


def _is_short(content: bytes) -> bool:
    """Return whether a JPEG is of few scans and segments: each scan, empty too, goes over all pixels again."""
    at, scans = 2, 0
    for _ in range(SEGMENTS):
        found = MARKER.search(content, at)
        if not found or found[1] == b"\xd9":  # the end; what a phone puts behind it is not read
            return True
        scans += found[1] == b"\xda"
        if scans > SCANS:
            break
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    return False


def _sifted(content: bytes) -> tuple[bytes, tuple, bytes]:
    """Return a PNG of only what its picture needs, its header, and its packed pixels.

    Its texts and profiles, which may unpack to any length, stay behind; so do a million empty chunks.
    """
    parts, packed, name, at = {}, [], b"", len(SIGNATURE)
    while name != b"IEND":
        length, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        chunk, end = content[at : at + 12 + length], at + 8 + length
        if len(chunk) < 12 + length:
            raise OSError("image file is truncated")
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise ValueError(f"a wrong checksum at byte {end:,}")
        if name == b"IDAT":
            packed.append(chunk[8:-4])
        elif name in (b"IHDR", b"IEND") or chunk.startswith(KEPT, 4):
            parts.setdefault(name, chunk)
        at = end + 4
    packed = b"".join(packed)
    data = struct.pack(">I4s", len(packed), b"IDAT"), packed, zlib.crc32(packed, zlib.crc32(b"IDAT")).to_bytes(4)
    last = parts.pop(b"IEND")
    return (
        b"".join([SIGNATURE, *parts.values(), *data, last]),
        struct.unpack_from(">IIBBBBB", parts[b"IHDR"], 8),
        packed,
    )


def _unpack(header: tuple, packed: bytes) -> None:
    """Raise an error unless the packed pixels of a PNG are as many as its header says: Pillow makes up missing rows."""
    width, height, depth, colour, *_, interlaced = header
    bits = depth * {0: 1, 2: 3, 3: 1}[colour]
    missing = 0
    for x, y, along, down in PASSES if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - x) // along), -(-(height - y) // down)
        missing += rows * (1 + -(-columns * bits // 8)) if columns > 0 else 0
    stream, view = zlib.decompressobj(), memoryview(packed)
    for at in range(0, len(packed), 2**16):  # a piece at a time: a thousand times as much may come out
        missing -= len(stream.decompress(view[at : at + 2**16]))
        if stream.eof or missing < 0:
            break
    if missing > 0 or not (stream.eof or missing < 0):
        raise OSError("image file is truncated")
