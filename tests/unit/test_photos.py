import io
import os
import struct
import subprocess
import sys
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


def chunk(name, body) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, data=bytes(9), *, depth=8, interlaced=0, before=b"") -> bytes:
    """Return a PNG of RGB that claims a size, and holds these bytes as its pixels: next to none, if not told."""
    size = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, interlaced)
    return PNG[:8] + chunk(b"IHDR", size) + before + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def segment(marker, body) -> bytes:
    return b"\xff" + marker + struct.pack(">H", len(body) + 2) + body


def scans(count, side=32) -> bytes:
    """Return a progressive JPEG with that many empty scans behind its own ten."""
    content = saved(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    return content[:-2] + segment(b"\xda", b"\x01\x01\x00\x01\x3f\x00") * count + content[-2:]


def run_lengths(width, height, body) -> bytes:
    """Return a BMP of 256 greys whose pixels are packed as run lengths."""
    sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 2835, 2835, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(body), 0, 0, 1078) + sizes + bytes(1024) + body


def turn(orientation) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def film(kind) -> bytes:
    return saved(PHOTO, kind, save_all=True, append_images=[Image.fromarray(255 - PIXELS)])


FORMAT, WHOLE, ONE = "a picture: PNG, JPEG, WEBP, BMP", "expected a whole picture", "expected one picture; found an"
FLATTEN, CONVERT = "flatten it onto a background", "convert it to 8-bit RGB"
PNG, JPEG = saved(PHOTO, "PNG"), saved(PHOTO, "JPEG")
DEEP = Image.fromarray(RNG.integers(0, 2**16, (32, 32), dtype="uint16"))
ROWS = bytes(32 * (1 + 3 * 32))  # black, each row behind a zero
LOSSLESS = saved(PHOTO, "WEBP", lossless=True)

# What is in the file, and words of the refusal: what was expected, what was found, what to do.
UNFIT = {
    "empty.jpg": (b"", "an empty file", "copy it again"),
    "text.png": (b"This is no picture at all.", FORMAT, "found something else", "save it as a PNG or JPEG"),
    "stub.png": (PNG[:12], WHOLE, "broken or cut-off data", "copy it again"),
    "moving.gif": (film("GIF"), FORMAT, "found a GIF", "save it as"),
    "gif called.png": (saved(PHOTO, "GIF"), FORMAT, "found a GIF", "save it as"),
    "scan.tif": (saved(PHOTO, "TIFF"), FORMAT, "found a TIFF", "save it as"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(99), FORMAT, "found HEIC", "save it as"),
    "page.eps": (saved(PHOTO, "EPS"), FORMAT, "found something else", "save it as"),
    "moving.webp": (film("WEBP"), ONE, "2", "save one of its frames"),
    "moving.png": (film("PNG"), ONE, "2", "save one of its frames"),
    "64 million.png": (png(8000, 8000), "at most 50,000,000 pixels", "8000 x 8000", "save it smaller"),
    "100 million.png": (png(10_000, 10_000), "at most 50,000,000 pixels", "10000 x 10000", "save it smaller"),
    "bomb.png": (png(60_000, 60_000), "at most 50,000,000 pixels", "3600000000 pixels", "save it smaller"),
    "low.png": (saved(PHOTO.resize((32, 7)), "PNG"), "at least 8 pixels a side", "32 x 7", "take a larger photo"),
    "narrow.jpg": (saved(PHOTO.resize((7, 32)), "JPEG"), "at least 8 pixels a side", "7 x 32", "a larger photo"),
    "rgba.png": (saved(PHOTO.convert("RGBA"), "PNG"), "without transparency", "an alpha channel", FLATTEN),
    "rgba.webp": (saved(Image.new("RGBA", (32, 32), (9, 9, 9, 9)), "WEBP"), "without transparency", FLATTEN),
    "la.png": (saved(PHOTO.convert("LA"), "PNG"), "without transparency", FLATTEN),
    "palette.png": (saved(PHOTO.quantize(8), "PNG", transparency=3), "without transparency", FLATTEN),
    "colour.png": (saved(PHOTO, "PNG", transparency=(1, 2, 3)), "without transparency", FLATTEN),
    "inks.jpg": (saved(PHOTO.convert("CMYK"), "JPEG"), "8 bits each", "the mode CMYK", CONVERT),
    "16 bits.png": (saved(DEEP, "PNG"), "8 bits each", "found 16 bits", CONVERT),
    "16 bits of colour.png": (png(32, 32, bytes(32 * 193), depth=16), "8 bits each", "found 16 bits", CONVERT),
    "large.webp": (LOSSLESS[:21] + b"\xff\x3f\xf4\x01" + LOSSLESS[25:], "at most 25,000,000 pixels", "raise max_"),
    "run lengths.bmp": (run_lengths(32, 32, b"\x20\7" * 32), "one by one", "run lengths", "save it as a PNG"),
    "scans.jpg": (scans(40), "at most 32 scans", "save it as a PNG"),
    "segments.jpg": (JPEG[:2] + b"\xff\xfe\0\2" * 20_000 + JPEG[2:], "at most 32 scans", "save it as a PNG"),
    "cut.jpg": (JPEG[: len(JPEG) // 2], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.png": (PNG[: len(PNG) // 2], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.bmp": (saved(PHOTO, "BMP")[:999], WHOLE, "broken or cut-off data", "copy it again"),
    "cut.webp": (saved(PHOTO, "WEBP")[:200], "expected a", "To mend it"),
    "scribbled.png": (PNG[:99] + bytes(99) + PNG[198:], WHOLE, "broken or cut-off data", "copy it again"),
    "half of its rows.png": (png(32, 32, ROWS[:1552]), WHOLE, "truncated", "copy it again"),
    "all but a byte.png": (png(32, 32, ROWS[:-1]), WHOLE, "truncated", "copy it again"),
    "three of seven passes.png": (png(32, 32, bytes(4 * 13 * 3), interlaced=1), WHOLE, "truncated", "copy it again"),
    "no end.png": (PNG[:-12], WHOLE, "truncated", "copy it again"),
    "flipped in the checksum.png": (PNG[:-13] + bytes([PNG[-13] ^ 1]) + PNG[-12:], WHOLE, "checksum", "copy it again"),
    "flipped in the size.png": (PNG[:19] + b"\x1f" + PNG[20:], WHOLE, "a wrong checksum", "copy it again"),
    "no pixels.png": (png(32, 32), WHOLE, "broken or cut-off data", "copy it again"),
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
DECODED = {"cut.jpg", "cut.bmp", "cut.webp"}


@pytest.mark.parametrize("name", sorted(UNFIT.keys() - DECODED))
def test_nothing_is_decoded_for_what_the_header_tells(name, tmp_path, refused, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    (tmp_path / name).write_bytes(UNFIT[name][0])
    with refused(name):
        read_photo(tmp_path / name)


def test_what_is_no_file_is_refused(tmp_path, refused):
    os.mkfifo(tmp_path / "pipe.png")
    with refused("absent.png", "no such file", "check the name"):
        read_photo(tmp_path / "absent.png")
    with refused(str(tmp_path), "a folder", "the file itself"):
        read_photo(tmp_path)
    with refused("pipe.png", "a pipe or a device"):
        read_photo(tmp_path / "pipe.png")
    with refused("/dev/zero", "a pipe or a device"):
        read_photo("/dev/zero")
    (tmp_path / "round.png").symlink_to("round.png")
    with refused("round.png", "symbolic links"):
        read_photo(tmp_path / "round.png")
    with refused("the file of a photo", "null"):
        read_photo("a\0b")
    with refused("read_photo(): path", "None"):
        read_photo(None)


def test_a_file_of_too_many_bytes_is_not_read(tmp_path, refused, monkeypatch):
    with open(tmp_path / "vast.webp", "wb") as file:
        file.truncate(200_000_001)
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("opened"))
    with refused("vast.webp", "at most 200,000,000 bytes", "200,000,001 bytes", "save it smaller"):
        read_photo(tmp_path / "vast.webp")


HOSTILE = {
    "scans.jpg": lambda: scans(20_000, side=2000),
    "turned.jpg": lambda: saved(Image.new("RGB", (7000, 7000)), "JPEG", exif=turn(6)),
    "turned.png": lambda: saved(Image.new("RGB", (7000, 7000)), "PNG", exif=turn(6)),
    "profiles.png": lambda: png(32, 32, ROWS, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**6))) * 4000),
    "texts.png": lambda: png(
        32, 32, ROWS, before=4000 * chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(b"\xff" * 10**6))
    ),
    "chunks.png": lambda: png(32, 32, ROWS, before=chunk(b"IDAT", b"") * 300_000),
    "bomb.png": lambda: png(32, 32, bytes(10**8)),
    "zeros.bmp": lambda: run_lengths(6_000_000, 8, b"\1\1\0\0" * 8),
    "jump.bmp": lambda: run_lengths(6_000_000, 8, b"\0\2\0\xff"),
    "sea.webp": lambda: saved(Image.new("RGB", (5000, 5000)), "WEBP", lossless=True, method=0),
}
MEASURE = """
import sys, time
from pathlib import Path
import tlbook
from tlbook.photos import read_photo
start, status = time.process_time(), Path("/proc/self/status")
try:
    read_photo(sys.argv[1])
except tlbook.TlbookError:
    pass
used = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else 0  # where the system tells it
print(time.process_time() - start, int(used) / 1000)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_no_small_file_takes_long_or_much_memory(name, tmp_path):
    (tmp_path / name).write_bytes(HOSTILE[name]())
    assert (tmp_path / name).stat().st_size < 6_000_000
    command = [sys.executable, "-c", MEASURE, tmp_path / name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 4 and megabytes < 600


def test_a_jpeg_of_as_many_scans_as_programs_write_is_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(scans(22))
    assert_allclose(read_photo(tmp_path / "a.jpg"), np.full((32, 32, 3), (255, 0, 0)), atol=3)


def test_what_a_phone_puts_behind_its_jpeg_or_into_its_segments_is_no_scan(tmp_path):
    thumbnail, film = segment(b"\xe2", scans(40)), b"\xff\xda" * 99
    (tmp_path / "a.jpg").write_bytes(JPEG[:2] + thumbnail + JPEG[2:] + film)
    (tmp_path / "b.jpg").write_bytes(JPEG)
    assert_array_equal(read_photo(tmp_path / "a.jpg"), read_photo(tmp_path / "b.jpg"))


@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_is_read_whole_whatever_else_is_in_it(interlaced, tmp_path):
    rows = ROWS if not interlaced else bytes(3132)
    text = chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(2_000_000)))
    for name, content in {
        "a.png": png(32, 32, rows + bytes(9), interlaced=interlaced),
        "b.png": png(32, 32, ROWS, before=text),
    }.items():
        (tmp_path / name).write_bytes(content + b"behind the end")
        assert_array_equal(read_photo(tmp_path / name), 0)


@pytest.mark.parametrize("name", ["size", "max_pixels", "min_side"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "32", None, True])
def test_arguments_are_whole_numbers_from_one(name, value, refused):
    with refused(f"read_photo(): {name}", "a whole number, at least 1", repr(value)):
        read_photo("never looked at", **{name: value})


def test_a_size_that_would_fill_the_memory_is_refused(refused):
    with refused("read_photo(): size", "at most 4096", "30000"):
        read_photo("never looked at", size=30_000)


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
    assert_array_equal(read_photo(photo(tmp_path / "a.png", stored, exif=turn(orientation))), PIXELS)


@pytest.mark.parametrize("where", ["XML:com.adobe.xmp", "Raw profile type exif"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_png_may_say_in_its_text_how_to_turn_it(where, zipped, tmp_path):
    said, text = turn(3).tobytes(), PngImagePlugin.PngInfo()
    if where.startswith("XML"):
        text.add_itxt(where, '<x tiff:Orientation="3"/>', zip=zipped)
    else:
        text.add_text(where, f"\nexif\n{len(said):8}\n{said.hex()}\n", zip=zipped)
    assert_array_equal(read_photo(photo(tmp_path / "a.png", PIXELS[::-1, ::-1], pnginfo=text)), PIXELS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("said", [b"no EXIF at all", b"MM\0*\0\0\0\x08\xff\xff\1\x12\0\2", b"II*\0\xff\xff\xff\xff"])
def test_good_pixels_are_taken_as_stored_where_the_turn_cannot_be_read(kind, said, tmp_path):
    if kind == "PNG":
        spoiled, good = png(32, 32, ROWS, before=chunk(b"eXIf", said)), png(32, 32, ROWS)
    else:
        spoiled, good = saved(PHOTO, kind, exif=b"Exif\0\0" + said), saved(PHOTO, kind)
    for name, content in {"spoiled": spoiled, "good": good}.items():
        (tmp_path / name).write_bytes(content)
    assert_array_equal(read_photo(tmp_path / "spoiled"), read_photo(tmp_path / "good"))


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


class Odd(os.PathLike):
    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


@pytest.mark.parametrize(
    "path", [Odd(b"photo.png"), Odd(3), b"photo.png", 10**5000], ids=lambda value: type(value).__name__
)
def test_a_path_that_is_no_text_is_refused(path, refused):
    with refused("read_photo(): path", "the file of a photo"):
        read_photo(path)


@pytest.mark.parametrize("name", ["size", "max_pixels", "min_side"])
def test_a_limit_that_python_cannot_write_is_refused(name, refused):
    with refused(f"read_photo(): {name}", "a whole number, at least 1"):
        read_photo("photo.png", **{name: 10**5000})


def test_a_photo_in_the_home_folder_is_found_by_a_tilde(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").write_bytes(saved(Image.new("RGB", (32, 32), "red"), "PNG"))
    assert read_photo("~/a.png")[0, 0].tolist() == [255, 0, 0]
    with refused("read_photo(): path", "a user whom this system knows"):
        read_photo("~nouser/a.png")
