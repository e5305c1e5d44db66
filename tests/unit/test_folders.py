"""A reader's own pictures: the right ones come back as any data set does, others are refused in plain words."""

import numpy as np
import pytest
from PIL import Image

import tlbook as tl


def draw(path, column=4, row=4, ink=255, paper=0, colour=False):
    """Save a picture of 32 x 32 pixels with one stroke."""
    picture = np.full((32, 32) + (3,) * colour, paper, "uint8")
    picture[row:28, column : column + 2] = ink
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


@pytest.fixture
def own(tmp_path):
    """Eight pictures of a left stroke, four of a right one."""
    for n in range(8):
        draw(tmp_path / "own" / "left" / f"{n}.png", column=3, row=n)
    for n in range(4):
        draw(tmp_path / "own" / "right" / f"{n}.png", column=25, row=n)
    return tmp_path / "own"


def test_subfolders_are_classes_and_each_is_split(own):
    d = tl.data.folder(own)
    assert (d.x_train.shape, d.x_test.shape, d.x_train.dtype) == ((9, 28, 28), (3, 28, 28), np.uint8)
    assert np.bincount(d.y_train).tolist() == [6, 3] and np.bincount(d.y_test).tolist() == [2, 1]
    assert d.class_names == ("left", "right") and d.y_train.dtype == np.uint8
    # Each label is that of its picture: which half is bright?
    for images, labels in ((d.x_train, d.y_train), (d.x_test, d.y_test)):
        right = images[:, :, 14:].sum(axis=(1, 2)) > images[:, :, :14].sum(axis=(1, 2))
        np.testing.assert_array_equal(right, labels == 1)
    assert not {x.tobytes() for x in d.x_train} & {x.tobytes() for x in d.x_test}
    with pytest.raises(ValueError, match="read-only"):
        d.x_train[0] = 0


def test_the_seed_decides_what_is_held_out_and_nothing_else(own):
    same, other = tl.data.folder(own), tl.data.folder(own, seed=3)
    assert same.provenance.digest == tl.data.folder(own).provenance.digest != other.provenance.digest
    both = [sorted(x.tobytes() for x in np.concatenate([d.x_train, d.x_test])) for d in (same, other)]
    assert both[0] == both[1]


@pytest.mark.parametrize(("test", "held_out"), [(0.001, [1, 1]), (0.5, [4, 2]), (0.999, [7, 3])])
def test_both_parts_have_a_picture_of_each_class(own, test, held_out):
    d = tl.data.folder(own, test=test)
    assert np.bincount(d.y_test).tolist() == held_out and (np.bincount(d.y_train) > 0).all()


def test_pictures_alone_have_no_class(own):
    d = tl.data.folder(own / "left")
    assert d.class_names == () and d.y_train.dtype == np.int8
    assert set(d.y_train) == set(d.y_test) == {-1} and len(d.x_train) == 6


def test_colours_stay_colours_and_grey_is_what_seems_as_bright(tmp_path):
    for n, name in enumerate(("a", "b")):
        for k in range(2):
            draw(tmp_path / name / f"{k}.png", column=9 * n + 4, row=k + 1, ink=(0, 255, 0), colour=True)
    d = tl.data.folder(tmp_path, colour=True, size=32)
    assert d.x_train.shape == (2, 32, 32, 3) and d.x_train.max(axis=(0, 1, 2)).tolist() == [0, 255, 0]
    assert tl.data.folder(tmp_path, size=32).x_train.max() == 150  # 0.587 of 255


def test_dark_strokes_on_paper_are_refused_until_it_is_said_what_they_are(tmp_path):
    for name, column in {"a": 3, "b": 25}.items():
        for n in range(3):
            draw(tmp_path / name / f"{n}.png", column, n, ink=10, paper=250)
    with pytest.raises(tl.TlbookError, match=r"polarity: .*light edges, as of paper, in 6 of 6 .*invert=True"):
        tl.data.folder(tmp_path)
    turned, kept = tl.data.folder(tmp_path, invert=True), tl.data.folder(tmp_path, invert=False)
    assert np.median(turned.x_train) == 5 and np.median(kept.x_train) == 250
    np.testing.assert_array_equal(turned.x_train, 255 - kept.x_train)
    assert tl.data.folder(tmp_path, colour=True).x_train.max() == 250  # photographs have no paper


def spoil(kind, own):
    match kind:
        case "text":
            (own / "left" / "notes.txt").write_text("seven lefts", encoding="utf-8")
        case "beside":
            draw(own / "9.png")
        case "deeper":
            draw(own / "left" / "more" / "9.png")
        case "one class":
            for path in (own / "right").iterdir():
                path.unlink()
            (own / "right").rmdir()
        case "one picture":
            for n in range(1, 4):
                (own / "right" / f"{n}.png").unlink()
        case "empty class":
            (own / "up").mkdir()
        case "twice":
            draw(own / "right" / "again.png", column=3, row=2)
        case "nothing on it":
            draw(own / "left" / "blank.png", ink=3)
        case "cut off":
            path = own / "left" / "2.png"
            path.write_bytes(path.read_bytes()[:60])
        case "link":
            (own / "left" / "8.png").symlink_to(own / "left" / "gone.png")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", r"notes\.txt: expected a picture"),
        ("beside", r"either subfolders or pictures; found 1 files beside 2 subfolders: 9\.png"),
        ("deeper", r"left: expected pictures; found subfolders: more"),
        ("one class", "two classes or more, or pictures alone; found one subfolder"),
        ("one picture", "right: expected two pictures or more, one to test with; found 1"),
        ("empty class", "up: expected two pictures or more, one to test with; found 0"),
        ("twice", r"again\.png: expected each picture once; found the same as .*2\.png"),
        ("nothing on it", r"blank\.png: expected at least 8 grey levels between dark and light; found 3"),
        ("cut off", r"2\.png: expected a whole picture"),
        ("link", r"8\.png: expected the file of a photo; found no such file"),
    ],
)
def test_what_is_not_fit_is_named_and_refused(own, kind, said):
    spoil(kind, own)
    with pytest.raises(tl.TlbookError, match=said):
        tl.data.folder(own)


def test_what_file_managers_leave_behind_is_no_picture(own):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (own / name).write_bytes(b"x")
        (own / "left" / name).write_bytes(b"x")
    (own / "__MACOSX").mkdir()
    assert len(tl.data.folder(own).x_train) == 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": 7}, "size: expected a whole number, from 8 to 4096; found 7"),
        ({"size": 28.0}, "size"),
        ({"colour": 1}, "colour: expected True or False; found 1"),
        ({"invert": "yes"}, "invert: expected True or False; found 'yes'"),
        ({"test": 0}, "test: expected a finite number"),
        ({"test": 1}, "test: expected a finite number"),
        ({"seed": -1}, "seed"),
    ],
)
def test_odd_arguments_are_refused_before_a_picture_is_read(tmp_path, arguments, said):
    with pytest.raises(tl.TlbookError, match=said):
        tl.data.folder(tmp_path / "none", **arguments)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(tl.TlbookError, match="none: expected a folder that can be read; found no such file"):
        tl.data.folder(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(tl.TlbookError, match="file: expected a folder that can be read; found not a directory"):
        tl.data.folder(str(tmp_path / "file"))


def test_more_pictures_than_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbook.folders.MOST", 5)
    for n in range(6):
        (tmp_path / f"{n}.png").write_bytes(b"never read")
    with pytest.raises(tl.TlbookError, match="at most 5 pictures; found 6"):
        tl.data.folder(tmp_path)
