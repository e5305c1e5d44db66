import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageFile, PngImagePlugin

import tlbook as tl
from tlbook.photos import read_photo

pytestmark = pytest.mark.filterwarnings("error")  # no warning of Pillow's comes through

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (32, 32, 3), dtype="uint8")
PHOTO = Image.fromarray(PIXELS)


def saved(image, kind, **options) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def header(width, height) -> bytes:
    """Return a PNG of RGB that claims a size and holds next to no data."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = {b"IHDR": size, b"IDAT": zlib.compress(bytes(9)), b"IEND": b""}
    parts = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def film(kind) -> bytes:
    return saved(PHOTO, kind, save_all=True, append_images=[Image.fromarray(255 - PIXELS)])


FORMAT, WHOLE, ONE = "a picture: PNG, JPEG, WEBP, BMP", "expected a whole picture", "expected one picture; found an"
FLATTEN, CONVERT = "flatten it onto a background", "convert it to 8-bit RGB"
PNG, JPEG = saved(PHOTO, "PNG"), saved(PHOTO, "JPEG")
DEEP = Image.fromarray(RNG.integers(0, 2**16, (32, 32), dtype="uint16"))
TEXT = PngImagePlugin.PngInfo()
TEXT.add_text("comment", " " * 2_000_000, zip=True)

# What is in the file, and words of the refusal: what was expected, what was found, what to do.
UNFIT = {
    "empty.jpg": (b"", "an empty file", "copy it again"),
    "text.png": (b"This is no picture at all.", FORMAT, "found something else", "save it as a PNG or JPEG"),
    "stub.png": (PNG[:12], FORMAT, "or a broken one", "save it as"),
    "moving.gif": (film("GIF"), FORMAT, "found a GIF", "save it as"),
    "gif called.png": (saved(PHOTO, "GIF"), FORMAT, "found a GIF", "save it as"),
    "scan.tif": (saved(PHOTO, "TIFF"), FORMAT, "found a TIFF", "save it as"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(99), FORMAT, "found HEIC", "save it as"),
    "page.eps": (saved(PHOTO, "EPS"), FORMAT, "found something else", "save it as"),
    "moving.webp": (film("WEBP"), ONE, "2", "save one of its frames"),
    "moving.png": (film("PNG"), ONE, "2", "save one of its frames"),
    "64 million.png": (header(8000, 8000), "at most 50,000,000 pixels", "8000 x 8000", "save it smaller"),
    "100 million.png": (header(10_000, 10_000), "at most 50,000,000 pixels", "10000 x 10000", "save it smaller"),
    "bomb.png": (header(60_000, 60_000), "at most 50,000,000 pixels", "3600000000 pixels", "save it smaller"),
    "low.png": (saved(PHOTO.resize((32, 7)), "PNG"), "at least 8 pixels a side", "32 x 7", "take a larger photo"),
    "narrow.jpg": (saved(PHOTO.resize((7, 32)), "JPEG"), "at least 8 pixels a side", "7 x 32", "a larger photo"),
    "rgba.png": (saved(PHOTO.convert("RGBA"), "PNG"), "without transparency", "an alpha channel", FLATTEN),
    "rgba.webp": (saved(Image.new("RGBA", (32, 32), (9, 9, 9, 9)), "WEBP"), "without transparency", FLATTEN),
    "la.png": (saved(PHOTO.convert("LA"), "PNG"), "without transparency", FLATTEN),
    "palette.png": (saved(PHOTO.quantize(8), "PNG", transparency=3), "without transparency", FLATTEN),
    "colour.png": (saved(PHOTO, "PNG", transparency=(1, 2, 3)), "without transparency", FLATTEN),
    "inks.jpg": (saved(PHOTO.convert("CMYK"), "JPEG"), "8 bits each", "the mode CMYK", CONVERT),
    "16 bits.png": (saved(DEEP, "PNG"), "8 bits each", "the mode I", CONVERT),
    "cut.jpg": (JPEG[: len(JPEG) // 2], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.png": (PNG[: len(PNG) // 2], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.bmp": (saved(PHOTO, "BMP")[:999], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.webp": (saved(PHOTO, "WEBP")[:200], "expected a", "To mend it"),
    "scribbled.png": (PNG[:99] + bytes(99) + PNG[198:], WHOLE, "broken or cut-off data", "copy it again"),
    "2 MB of text.png": (saved(PHOTO, "PNG", pnginfo=TEXT), WHOLE, "broken or cut-off data", "copy it again"),
    "no pixels.png": (header(32, 32), WHOLE, "broken or cut-off data", "copy it again"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_not_fit_is_refused_with_its_name_and_what_to_do(name, tmp_path, refused):
    content, *words = UNFIT[name]
    path = tmp_path / name
    path.write_bytes(content)
    with refused(str(path), *words):
        read_photo(path)
    with refused(name):
        read_photo(str(path))


# What only their pixels tell.
DECODED = {"cut.jpg", "cut.png", "cut.bmp", "cut.webp", "scribbled.png", "no pixels.png"}


@pytest.mark.parametrize("name", UNFIT.keys() - DECODED)
def test_nothing_is_decoded_for_what_the_header_tells(name, tmp_path, refused, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    (tmp_path / name).write_bytes(UNFIT[name][0])
    with refused(name):
        read_photo(tmp_path / name)


def test_what_is_no_file_is_refused(tmp_path, refused):
    os.mkfifo(tmp_path / "pipe.png")
    with refused("absent.png", "no such file", "check the name"):
        read_photo(tmp_path / "absent.png")
    with refused(str(tmp_path), "a folder", "name the file"):
        read_photo(tmp_path)
    with refused("pipe.png", "a pipe or a device"):
        read_photo(tmp_path / "pipe.png")


@pytest.mark.parametrize("name", ["size", "max_pixels", "min_side"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "32", None])
def test_arguments_are_whole_numbers_from_one(name, value, refused):
    with refused(f"read_photo(): {name}", "a whole number, at least 1", repr(value)):
        read_photo("never looked at", **{name: value})


def photo(path, pixels, mode="RGB", **options):
    """Save pixels as a picture and return where."""
    Image.fromarray(np.asarray(pixels, "uint8")).convert(mode).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "bmp", "webp"])
def test_a_picture_of_the_right_size_comes_back_to_the_bit(ending, tmp_path):
    read = read_photo(photo(tmp_path / f"a.{ending}", PIXELS, **{"lossless": True} if ending == "webp" else {}))
    assert read.dtype == np.uint8 and read.flags.writeable
    assert_array_equal(read, PIXELS)


def test_a_jpeg_comes_back_nearly(tmp_path):
    even = np.full((40, 40, 3), (200, 100, 50))
    assert_allclose(read_photo(photo(tmp_path / "a.jpg", even)), even[:32, :32], atol=3)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palettes_become_colours(mode, tmp_path):
    stored = Image.fromarray(PIXELS // 128 * 255).convert(mode)  # eight colours: each is in the palette
    stored.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as again:
        assert again.mode == mode
    read = read_photo(tmp_path / "a.png")
    if mode == "P":
        assert_array_equal(read, PIXELS // 128 * 255)
    else:
        assert_array_equal(read, np.repeat(np.asarray(stored.convert("L"))[..., None], 3, axis=-1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_camera_says(orientation, tmp_path):
    stored = {
        1: PIXELS, 2: PIXELS[:, ::-1], 3: PIXELS[::-1, ::-1], 4: PIXELS[::-1],
        5: PIXELS.swapaxes(0, 1), 6: np.rot90(PIXELS), 7: np.rot90(PIXELS, 2).swapaxes(0, 1), 8: np.rot90(PIXELS, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_array_equal(read_photo(photo(tmp_path / "a.png", stored, exif=exif)), PIXELS)


@pytest.mark.parametrize("turned", [False, True])
def test_the_middle_is_cut_out(turned, tmp_path):
    pixels = np.zeros((32, 72, 3))
    pixels[:, 20:52] = PIXELS
    wanted = PIXELS
    if turned:
        pixels, wanted = pixels.swapaxes(0, 1), PIXELS.swapaxes(0, 1)
    assert_array_equal(read_photo(photo(tmp_path / "a.png", pixels)), wanted)


def test_each_new_pixel_is_the_mean_of_those_it_covers(tmp_path):
    means = read_photo(photo(tmp_path / "a.png", PIXELS), size=8)
    assert_allclose(means, PIXELS.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3)), atol=1)
    board = np.indices((32, 32)).sum(axis=0)[..., None] % 2 * np.full(3, 255)
    assert_allclose(read_photo(photo(tmp_path / "b.png", board), size=16), 127.5, atol=0.6)


@pytest.mark.parametrize(("shape", "size"), [((8, 8), 32), ((33, 8), 8), ((301, 500), 1)])
def test_any_size_can_be_asked_for(shape, size, tmp_path):
    assert read_photo(photo(tmp_path / "a.png", np.zeros((*shape, 3))), size=size).shape == (size, size, 3)


def test_the_limits_themselves_are_allowed(tmp_path, refused):
    path = photo(tmp_path / "a.png", np.zeros((10, 20, 3)))
    read_photo(path, max_pixels=200, min_side=10)
    with refused("at most 199 pixels"):
        read_photo(path, max_pixels=199)
    with refused("at least 11 pixels a side"):
        read_photo(path, min_side=11)


def test_no_warning_comes_through_where_more_pixels_are_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = photo(tmp_path / "a.png", PIXELS)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert_array_equal(read_photo(path), PIXELS)
    assert seen == []


def test_a_phones_jpeg_with_a_second_picture_behind_it_is_one_photo(tmp_path):
    first, second = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    assert_allclose(read_photo(tmp_path / "a.jpg"), np.full((32, 32, 3), (255, 0, 0)), atol=3)


@given(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP"]), st.lists(st.tuples(st.integers(0, 999), st.binary(min_size=1))))
def test_a_scribbled_file_is_read_or_refused_and_nothing_else(tmp_path_factory, kind, scribbles):
    content = bytearray(saved(PHOTO, kind))
    for at, scribble in scribbles:
        content[at : at + len(scribble)] = scribble
    path = tmp_path_factory.getbasetemp() / "scribbled"
    path.write_bytes(content)
    try:
        assert read_photo(path).shape == (32, 32, 3)
    except tl.TlbookError as error:
        assert str(path) in str(error)
