import errno
import hashlib
import io
import os
import pathlib
import pickle
import signal
import socket
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tlbook import TlbookError, data, features
from tlbook.__main__ import main

NOBODY = "http://127.0.0.1:9/mnist.npz"  # nobody listens there


def npz(arrays):
    """Return arrays as the bytes of a compressed .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.fixture
def small():
    """Return the arrays of a stand-in for MNIST."""
    rng = np.random.default_rng(0)
    shapes = {"x_train": (60, 28, 28), "y_train": (60,), "x_test": (20, 28, 28), "y_test": (20,)}
    return {part: rng.integers(0, 10, shape).astype("uint8") for part, shape in shapes.items()}


@pytest.fixture
def stand_in(monkeypatch, small, places):
    """Put the stand-in in MNIST's place; call it to say where it is downloaded from."""

    def put(url):
        known = {part: {"shape": list(array.shape), "sha256": data.digest(array)} for part, array in small.items()}
        of_file = {"url": url, "digest": hashlib.sha256(npz(small)).hexdigest()}
        monkeypatch.setitem(data._entries(), "mnist", data._entry("mnist") | of_file | {"arrays": known})

    put(NOBODY)
    return put


def put(folder, content):
    """Write mnist.npz into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mnist.npz").write_bytes(content if isinstance(content, bytes) else npz(content))
    return folder / "mnist.npz"


# What is made here, and what ships with the package


def test_a_tenth_of_mnist_ships_and_is_spread_like_the_whole(places):
    d = data.mnist_small()
    assert (d.x_train.shape, d.x_test.shape) == ((6000, 28, 28), (2000, 28, 28))
    assert not d.x_train.flags.writeable
    assert "SA" in d.provenance.licence
    notice = (data.SAMPLES / "NOTICE.md").read_text(encoding="utf-8")
    assert "mnist_small.npz" in notice and "Share Alike 3.0" in notice
    for labels, share in ((d.y_train, 600), (d.y_test, 200)):
        assert np.abs(np.bincount(labels) - share).max() < share / 6


def test_the_sample_is_the_one_that_its_docstring_describes():
    if data.locate("mnist") is None:
        pytest.skip("no MNIST on this disk to compare it with")
    whole, sample, rng = data.mnist(), data.mnist_small(), np.random.default_rng(0)
    for part, count in (("train", 6000), ("test", 2000)):
        images, labels = (getattr(whole, f"{axis}_{part}") for axis in "xy")
        rows = np.sort(rng.choice(len(labels), count, replace=False))
        np.testing.assert_array_equal(getattr(sample, f"x_{part}"), images[rows])
        np.testing.assert_array_equal(getattr(sample, f"y_{part}"), labels[rows])


def test_a_changed_sample_is_refused_and_git_is_named(tmp_path, monkeypatch, refused):
    with np.load(data.SAMPLES / "mnist_small.npz") as kept:
        arrays = dict(kept)
    arrays["y_test"][0] += 1
    np.savez(tmp_path / "mnist_small.npz", **arrays)
    monkeypatch.setattr(data, "SAMPLES", tmp_path)
    with refused("mnist_small.npz", "y_test", "SHA-256", "git checkout -- "):
        data.mnist_small()


@pytest.mark.parametrize("name", ["digits", "letters"])
def test_made_data_have_the_promised_shapes_and_dtypes(name):
    d = data.digits() if name == "digits" else data.letters(n=120, n_test=30)
    n, n_test = (1300, 497) if name == "digits" else (120, 30)
    assert d.x_train.shape == (n, 28, 28)
    assert d.x_test.shape == (n_test, 28, 28)
    assert d.y_train.shape == (n,)
    assert d.y_test.shape == (n_test,)
    assert {array.dtype for array in (d.x_train, d.y_train, d.x_test, d.y_test)} == {np.dtype("uint8")}
    assert d.x_train.max() == 255
    assert d.y_train.max() < len(d.class_names)


def test_digits_are_the_originals_enlarged_with_an_empty_edge():
    from sklearn.datasets import load_digits

    d, raw = data.digits(), load_digits()
    assert d.class_names == tuple("0123456789")
    assert_array_equal(np.concatenate([d.y_train, d.y_test]), raw.target)
    assert d.x_train[:, :2].max() == d.x_train[:, -2:].max() == d.x_train[:, :, :2].max() == 0
    # Three pixels for one: the middle of each block of 3 x 3 is the old pixel, with more contrast.
    sharper = np.clip((raw.images[:1300] / 16 - 0.3) / 0.4, 0, 1)
    assert np.abs(d.x_train[:, 3:26:3, 3:26:3] - 255 * sharper).max() <= 1


def test_letters_have_every_class_but_the_ones_left_out():
    d = data.letters(n=200, n_test=100, without="OolI")
    assert len(d.class_names) == 48
    assert not set("OolI") & set(d.class_names)
    assert set(d.y_train) == set(range(48))


def test_letters_are_the_same_for_the_same_seed_and_others_for_another():
    first, again, other = (data.letters(n=60, n_test=10, seed=seed) for seed in (3, 3, 4))
    assert_array_equal(first.x_train, again.x_train)
    assert first.provenance == again.provenance
    assert first.provenance.digest != other.provenance.digest


def test_digits_are_always_the_same():
    assert data.digits().provenance == data.digits().provenance


@pytest.mark.parametrize("name", ["digits", "letters"])
def test_arrays_cannot_be_written_to(name):
    d = data.digits() if name == "digits" else data.letters(n=60, n_test=10)
    for part in data.PARTS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(d, part)[0] = 0


def test_the_digest_is_that_of_the_four_arrays():
    d = data.letters(n=60, n_test=10)
    joined = b"".join(getattr(d, part).tobytes() for part in data.PARTS)
    assert d.provenance.digest == hashlib.sha256(joined).hexdigest()


def test_digest_reads_the_values_and_not_the_memory_layout():
    array = np.arange(12, dtype="uint8").reshape(3, 4)
    assert data.digest(np.asfortranarray(array)) == data.digest(array) != data.digest(array.T)


@pytest.mark.parametrize("counts", [{"n": 0}, {"n_test": 0}, {"n": -5}, {"n": 2.0}, {"n_test": None}, {"n": True}])
def test_letters_without_images_are_refused(counts, refused):
    with refused("letters(): n", "a whole number, at least 1"):
        data.letters(**counts)


# Where MNIST is looked for


def test_mnist_comes_from_the_pack_folder(stand_in, small, places, monkeypatch):
    file = put(places.pack, small)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    d = data.mnist()
    for part, array in small.items():
        assert_array_equal(getattr(d, part), array)
        assert not getattr(d, part).flags.writeable
    assert d.provenance.source == str(file)
    assert d.class_names == tuple("0123456789")


def test_mnist_comes_from_keras_cache(stand_in, small, places):
    file = put(places.cache, small)
    assert data.mnist().provenance.source == str(file)


def test_keras_cache_is_in_the_home_folder_by_default(stand_in, small, places, monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    file = put(tmp_path / "home" / ".keras" / "datasets", small)
    assert data.mnist().provenance.source == str(file)


def test_the_pack_comes_before_the_cache(stand_in, small, places, monkeypatch):
    put(places.cache, small)
    file = put(places.pack, small)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    assert data.mnist().provenance.source == str(file)


def test_a_pack_without_the_file_moves_on_to_the_cache(stand_in, small, places, monkeypatch):
    file = put(places.cache, small)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    assert data.mnist().provenance.source == str(file)


def test_a_pack_that_cannot_be_written_to_is_enough(stand_in, small, places, monkeypatch):
    put(places.pack, small)
    (places.pack / "mnist.npz").chmod(0o444)
    places.pack.chmod(0o555)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))

    def forbidden(*arguments, **_):
        raise PermissionError(13, "Permission denied", str(arguments[0]))

    for name in ("mkdir", "rename", "replace", "unlink", "remove"):  # root may do what others may not
        monkeypatch.setattr(os, name, forbidden)
    assert data.mnist().x_train.shape == (60, 28, 28)


@pytest.mark.parametrize(
    ("path", "found"), [("nowhere", "nothing there"), ("file", "a file"), ("file/below", "nothing")]
)
def test_a_pack_that_is_no_folder_stops_the_search(
    path, found, stand_in, small, places, tmp_path, monkeypatch, refused
):
    put(places.cache, small)  # a good file further on must not hide the mistake
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TLBOOK_DATA", str(tmp_path / path))
    with refused(f"TLBOOK_DATA={tmp_path / path}", "a folder", found, "export TLBOOK_DATA="):
        data.mnist()


def test_a_pack_that_cannot_be_entered_stops_the_search(stand_in, small, places, monkeypatch, refused):
    put(places.cache, small)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    real = pathlib.Path.stat

    def stat(path, **options):
        if path.parent == places.pack:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(pathlib.Path, "stat", stat)
    with refused(str(places.pack / "mnist.npz"), "permission denied", f"chmod -R u+rX {places.pack}"):
        data.mnist()


def test_a_file_that_cannot_be_read_stops_the_search(stand_in, small, places, monkeypatch, refused):
    put(places.cache, small)
    put(places.pack, small)
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    real = open

    def forbidden(path, *arguments, **options):
        if pathlib.Path(path).parent == places.pack:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", forbidden)
    with refused(str(places.pack / "mnist.npz"), "a file that can be read", "permission denied", "chmod"):
        data.mnist()


@pytest.mark.parametrize("place", ["pack", "file in the pack", "file in the cache"])
def test_links_in_a_circle_are_not_cured_by_permissions(place, stand_in, places, tmp_path, monkeypatch, refused):
    link = {"pack": tmp_path / "loop", "file in the pack": places.pack / "mnist.npz"}.get(
        place, places.cache / "mnist.npz"
    )
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(link)
    if "pack" in place:
        monkeypatch.setenv("TLBOOK_DATA", str(link if place == "pack" else link.parent))
    with refused(
        "mnist.npz", "symbolic links", "To mend it: export TLBOOK_DATA=/another/folder/with/mnist.npz"
    ) as seen:
        data.mnist()
    assert "chmod" not in seen.text


@pytest.mark.parametrize("where", ["locate", "features"])
def test_who_has_no_home_is_told_to_name_one(where, monkeypatch, refused):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    for name in ("KERAS_HOME", "TLBOOK_CACHE", "TLBOOK_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pathlib.Path, "home", unknown)
    with refused("HOME: expected the folder of your own files", "export HOME="):
        data.locate("mnist") if where == "locate" else features.cache_folder()


def test_memory_that_does_not_suffice_is_not_blamed_on_the_file(stand_in, small, places, monkeypatch, capsys):
    file = put(places.cache, small)

    def large(*_):
        raise MemoryError

    monkeypatch.setattr(data, "_member", large)
    with pytest.raises(MemoryError):
        data.mnist()
    assert main(["data", "verify", "mnist"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tlbook: this machine: expected enough memory; found too little") and str(file) not in said


def test_on_disk_asks_for_files_only(stand_in, small, places):
    assert data.on_disk("digits", "letters", "mnist_small")
    assert not data.on_disk("digits", "mnist")
    put(places.cache, small)
    assert data.on_disk("mnist")


# A file that is there and wrong


def wrong_files(small):
    whole = npz(small)
    middle = len(whole) // 2
    other = {**small, "y_test": (small["y_test"] + 1) % 10}
    plain = io.BytesIO()
    np.save(plain, small["x_train"])
    objects = {**small, "y_test": np.array([None] * 20)}
    return {
        "empty": (b"", "an .npz file"),
        "truncated": (whole[:middle], "an .npz file"),
        "no archive": (b"<html>404</html>", "an .npz file"),
        "one array": (plain.getvalue(), "an .npz file"),
        "corrupt": (whole[:middle] + bytes(200) + whole[middle + 200 :], "an .npz file"),
        "missing array": (npz({part: small[part] for part in data.PARTS[:3]}), "y_test"),
        "objects": (npz(objects), "y_test: expected uint8 (20,); found object (20,)"),
        "other content": (npz(other), "y_test: expected SHA-256"),
        "other dtype": (npz({**small, "x_train": small["x_train"].astype("float32")}), "x_train: expected uint8"),
        "other shape": (npz({**small, "x_test": small["x_test"][:19]}), "x_test: expected uint8 (20, 28, 28)"),
    }


KINDS = ["empty", "truncated", "no archive", "one array", "corrupt", "missing array", "objects"]
KINDS += ["other content", "other dtype", "other shape"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["pack", "cache"])
def test_a_wrong_file_stops_the_search_and_is_left_alone(kind, place, stand_in, small, places, monkeypatch, refused):
    content, expected = wrong_files(small)[kind]
    file = put(getattr(places, place), content)
    if place == "pack":
        monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
        put(places.cache, small)  # a good file further on must not hide the wrong one
    copy = "copy mnist.npz again from where the pack came from   (or: unset TLBOOK_DATA)"
    cure = copy if place == "pack" else "To mend it: python -m tlbook data fetch mnist"
    with refused(str(file), expected, "found ", cure):
        data.mnist()
    assert file.read_bytes() == content
    with refused(expected, "found "):  # the server is silent, and the pack not ours: what is there stays
        data.fetch("mnist")
    assert file.read_bytes() == content


@pytest.mark.parametrize("kind", KINDS)
def test_fetching_replaces_a_wrong_file_in_the_cache_once_the_new_one_is_there(
    kind, server, stand_in, small, places, capsys
):
    stand_in(f"{server}/good")
    file = put(places.cache, wrong_files(small)[kind][0])
    assert main(["data", "fetch", "mnist"]) == 0
    assert "not the right one" in capsys.readouterr().out
    assert_array_equal(data.mnist().x_test, small["x_test"])
    assert list(places.cache.iterdir()) == [file]


@pytest.mark.parametrize("path", ["short", "wrong", "missing"])
def test_a_wrong_file_stays_if_the_new_one_is_no_better(path, server, stand_in, places, refused):
    stand_in(f"{server}/{path}")
    file = put(places.cache, b"wrong")
    with refused(str(file), "an .npz file", "a broken file", "and no new one", "connect to the network"):
        data.fetch("mnist")
    assert file.read_bytes() == b"wrong"
    assert list(places.cache.iterdir()) == [file]


def test_fetching_leaves_a_right_file_alone(stand_in, small, places):
    file = put(places.cache, small)
    before = file.stat()
    assert data.fetch("mnist") == file
    assert file.stat() == before


@pytest.mark.parametrize("place", ["pack", "cache"])
def test_what_nobody_offers_is_copied_again_and_never_removed(place, places, monkeypatch, refused):
    folder = getattr(places, place)
    if place == "pack":
        monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cifar10_jpeg_subset.npz").write_bytes(b"wrong")
    for ask in (data.cifar10, lambda: data.fetch("cifar10"), lambda: data.verify("cifar10")):
        with refused("To mend it: copy cifar10_jpeg_subset.npz again") as caught:
            ask()
        assert "rm " not in caught.text and "data fetch" not in caught.text
        assert ("unset TLBOOK_DATA" in caught.text) == (place == "pack")


def test_a_wrong_file_is_one_error_without_the_words_of_libraries(stand_in, small, places):
    put(places.cache, wrong_files(small)["one array"][0])
    with pytest.raises(TlbookError) as caught:
        data.mnist()
    assert caught.value.__suppress_context__
    assert "pickle" not in str(caught.value) and "unsafe" not in str(caught.value)


def test_a_folder_with_spaces_is_quoted_in_the_command(stand_in, small, places, tmp_path, monkeypatch, refused):
    pack = tmp_path / "my data; rm x"
    put(pack, small)
    monkeypatch.setenv("TLBOOK_DATA", str(pack))

    def forbidden(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", forbidden)
    with refused(f"chmod -R u+rX '{pack}'"):
        data.mnist()


@pytest.mark.parametrize("place", ["pack", "cache"])
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(kind, place, stand_in, places, monkeypatch, refused):
    path = getattr(places, place) / "mnist.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    if place == "pack":
        monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    for ask in (data.mnist, lambda: data.fetch("mnist")):
        with refused(str(path), "an .npz file", "a pipe" if kind == "pipe" else "a folder"):
            ask()


@pytest.mark.parametrize(("name", "then"), [("mnist", "run  python -m tlbook data fetch mnist"), ("cifar10", "copy ")])
def test_a_folder_in_the_place_of_a_file_is_moved_away(name, then, places, refused):
    path = places.cache / data._entry(name)["file"]
    path.mkdir(parents=True)
    with refused(f"To mend it: move the folder {path} away, and then {then}"):
        data.fetch(name)


SPOILED = {
    "a merge": "<<<<<<< HEAD\n[mnist]\n",
    "no text": b"\xff\xfe",
    "nothing": "",
    "a number": "mnist = 3\n",
    "no file": "[mnist]\nlicence = 'free'\nmegabytes = 1\n",
    "no digest": "[mnist]\nfile = 'a.npz'\nlicence = 'free'\nmegabytes = 1\n",
    "a shape": "[mnist]\nfile = 'a'\nlicence = 'b'\nmegabytes = 1\narrays.x = { shape = 3, sha256 = '0' }\n",
    "deep": "a = " + 5000 * "[",
}


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("verb", ["data list", "data verify", "data fetch mnist"])
def test_a_spoiled_list_of_data_sets_is_one_line(kind, verb, tmp_path, monkeypatch, capsys):
    text = SPOILED[kind]
    (tmp_path / "files.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(data, "FILES", tmp_path / "files.toml")
    data._entries.cache_clear()
    try:
        assert main(verb.split()) == 1
    finally:
        monkeypatch.undo()
        data._entries.cache_clear()
    said = capsys.readouterr().err
    assert said.startswith(f"tlbook: {tmp_path / 'files.toml'}: expected ") and said.count("\n") == 1


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for part, content in members.items():
            out.writestr(f"{part}.npy", content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["large", "longer", "header", "bz2"])
def test_a_small_file_that_unpacks_to_much_is_refused_before_it_does(kind, stand_in, small, places, refused):
    members = {part: npy(array) for part, array in small.items()}
    if kind == "large":
        members["x_train"] = npy(np.zeros((60, 800, 1000), "uint8"))
    elif kind == "longer":  # the header is right
        members["x_train"] = npy(small["x_train"] * 0) + bytes(48_000_000)
    elif kind == "header":  # of format 2, in which a header may be as long
        members["x_train"] = b"\x93NUMPY\x02\x00" + (48_000_000).to_bytes(4, "little") + bytes(48_000_000)
    else:  # of which a few bytes are unpacked all at once
        members["x_train"] = npy(np.zeros((60, 800, 1000), "uint8"))
    file = put(places.cache, zipped(members, zipfile.ZIP_BZIP2 if kind == "bz2" else zipfile.ZIP_DEFLATED))
    assert file.stat().st_size < 300_000
    tracemalloc.start()
    with refused(str(file), "data fetch mnist"):
        data.mnist()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000


def test_arrays_in_fortran_order_are_the_same_arrays(stand_in, small, places):
    put(places.cache, {part: np.asfortranarray(array) for part, array in small.items()})
    assert_array_equal(data.mnist().x_train, small["x_train"])


def test_a_home_that_nobody_has_is_refused(stand_in, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_DATA", "~nobody-of-this-name/data")
    with refused("TLBOOK_DATA: ", "a user whom this system knows", "~nobody-of-this-name/data"):
        data.mnist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_ends_with_one_line_about_a_wrong_file(kind, stand_in, small, places, capsys):
    file = put(places.cache, wrong_files(small)[kind][0])
    assert main(["data", "verify", "mnist"]) == 1
    printed = capsys.readouterr().err
    last = printed.rstrip("\n").splitlines()[-1]
    assert "Traceback" not in printed
    assert last.startswith("tlbook: ")
    assert str(file) in last
    assert "expected" in last and "found" in last and "python -m tlbook data fetch mnist" in last


def test_real_mnist_is_refused_when_the_stand_in_is_expected_and_the_other_way_round(small, places, refused):
    put(places.cache, small)
    with refused("x_train: expected uint8 (60000, 28, 28)", "uint8 (60, 28, 28)"):
        data.mnist()


@pytest.mark.skipif("TLBOOK_DATA" not in os.environ, reason="TLBOOK_DATA names no folder with the real mnist.npz")
def test_the_real_mnist_is_accepted():
    d = data.mnist()
    assert d.x_train.shape == (60000, 28, 28)
    assert d.x_test.shape == (10000, 28, 28)
    assert_array_equal(d.y_train[:5], [5, 0, 4, 1, 9])
    assert np.bincount(d.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.skipif("TLBOOK_DATA" not in os.environ, reason="TLBOOK_DATA names no folder with the photographs")
def test_the_photographs_of_the_pack_are_accepted():
    d = data.cifar10()
    assert d.x_train.shape == (10000, 32, 32, 3)
    assert d.class_names[-1] == "truck"
    assert np.bincount(d.y_test).tolist() == 10 * [200]
    assert "JPEG" in d.provenance.name


def test_photographs_that_are_nowhere_can_only_be_copied(places, refused):
    with refused("cifar10_jpeg_subset.npz", "nobody offers it", "export TLBOOK_DATA=FOLDER"):
        data.cifar10()


def batches(folder, per_batch):
    """Write a folder as Keras unpacks CIFAR-10, of few photographs: the class is also the red of the first pixel."""
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        labels = [(number + place) % 10 for place in range(per_batch)]
        planes = np.zeros((per_batch, 3, 32, 32), "uint8")
        planes[:, 0, 0, 0], planes[:, 2, 31, 0] = labels, 200
        kept = {b"data": planes.reshape(per_batch, -1), b"labels": labels}
        (folder / name).write_bytes(pickle.dumps(kept))


def test_the_whole_of_the_photographs_comes_through_keras(monkeypatch, tmp_path):
    inner = tmp_path / "cifar-10-batches-py"
    inner.mkdir()
    batches(inner, 10_000)
    monkeypatch.setattr("keras.src.datasets.cifar10.get_file", lambda **asked: str(tmp_path))
    d = data.cifar10_whole()
    assert (d.x_train.shape, d.x_test.shape) == ((50_000, 32, 32, 3), (10_000, 32, 32, 3))
    assert_array_equal(d.x_train[:, 0, 0, 0], d.y_train)
    assert_array_equal(d.x_train[:, 31, 0], np.tile(np.uint8([0, 0, 200]), (50_000, 1)))
    assert (d.y_test.shape, d.y_test.dtype) == ((10_000,), np.uint8)
    assert d.class_names == data.CIFAR10
    assert d.provenance.name == "CIFAR-10"


def test_the_whole_of_the_photographs_without_a_network_names_the_subset(monkeypatch, refused):
    def fails(**asked):
        raise Exception("URL fetch failure on https://nowhere.example: None -- timed out")

    monkeypatch.setattr("keras.src.datasets.cifar10.get_file", fails)
    with refused("cifar10_whole()", "URL fetch failure", "connect to the network", "cifar10()"):
        data.cifar10_whole()


# Form


@pytest.mark.parametrize(("shape", "edge"), [((3, 28, 28), 2), ((3, 32, 32), 0), ((1, 8, 8), 12)])
def test_grey_images_become_rgb_in_the_middle_of_black(shape, edge):
    grey = np.random.default_rng(0).integers(1, 256, shape).astype("uint8")
    rgb = data.as_rgb(grey)
    assert rgb.shape == (shape[0], 32, 32, 3)
    assert rgb.dtype == np.uint8
    inner = rgb[:, edge : 32 - edge, edge : 32 - edge]
    assert all(np.array_equal(inner[..., channel], grey) for channel in range(3))
    assert rgb.sum() == 3 * grey.sum(dtype=int)


@pytest.mark.parametrize("shape", [(28, 28), (2, 28, 28, 1), (2, 33, 28), (2, 0, 28), (0,)])
def test_images_that_cannot_become_rgb_are_refused(shape, refused):
    with refused("as_rgb(): images", f"shape {shape}", "at most 32"):
        data.as_rgb(np.zeros(shape, "uint8"))


# Names


def test_few_of_each_takes_as_many_of_each_class_and_more_labels_keep_the_first_ones():
    labels = np.random.default_rng(1).integers(0, 4, 200).astype("uint8")
    two, five = data.few_of_each(labels, 2, seed=7), data.few_of_each(labels, 5, seed=7)
    assert labels[five].tolist() == np.repeat([0, 1, 2, 3], 5).tolist()
    assert len(set(five)) == 20
    assert_array_equal(five.reshape(4, 5)[:, :2].ravel(), two)
    assert not np.array_equal(five, data.few_of_each(labels, 5, seed=8))


@pytest.mark.parametrize(("images", "words"), [("text", "<U4"), ([[[1]], [[1, 2]]], "inhomogeneous"), (None, "object")])
def test_what_are_no_images_cannot_become_rgb(images, words, refused):
    with refused("as_rgb(): images", words):
        data.as_rgb(images)


@pytest.mark.parametrize("size", [32.0, 0, True, None, 2**20])
def test_a_size_that_is_no_whole_number_is_refused(size, refused):
    with refused("as_rgb(): size", "a whole number, from 1 to 4096"):
        data.as_rgb(np.zeros((1, 28, 28)), size)


def test_few_of_each_never_chooses_images_without_a_class():
    labels = np.array([-1, 3, 3, -2, 0, 0, -1])
    assert sorted(data.few_of_each(labels, 2, seed=0)) == [1, 2, 4, 5]
    assert_array_equal(data.few_of_each(labels.tolist(), 2, seed=0), data.few_of_each(labels, 2, seed=0))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "shape (0,)"),
        ([[0], [1]], "shape (2, 1)"),
        ([0.0, 1.0], "float64"),
        (["a", "b"], "<U1"),
        ([-1, -1], "found none"),
        (np.ma.array([0, 1], mask=[0, 1]), "masked"),
        (None, "object"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels, words, refused):
    with refused("few_of_each(): labels", words):
        data.few_of_each(labels, 1, seed=0)


@pytest.mark.parametrize("seed", [-1, 1.0, None, "0"])
def test_few_of_each_needs_a_seed(seed, refused):
    with refused("few_of_each(): seed", "a whole number, at least 0"):
        data.few_of_each([0, 1], 1, seed)


def test_a_digest_of_python_objects_is_refused(refused):
    with refused("digest(): array", "object"):
        data.digest(np.array([None, 1]))


@pytest.mark.parametrize("n", [-1, 0, 3, 1.0, True])
def test_few_of_each_refuses_more_images_of_a_class_than_there_are(n, refused):
    with refused("few_of_each(): n", "1 to 2", "fewer labels per class", "class 5 has 2", f"found {n}"):
        data.few_of_each(np.array([0, 0, 0, 5, 5]), n, seed=0)


@pytest.mark.parametrize("name", ["cifar", "", "MNIST", None, ["mnist"]])
def test_an_unknown_name_is_refused_with_the_known_ones(name, refused):
    with refused("data set", "mnist", repr(name), "python -m tlbook data list"):
        data.locate(name)


def test_what_nobody_offers_can_only_be_copied(stand_in, monkeypatch, places, refused):
    entry = {key: value for key, value in data._entry("mnist").items() if key != "url"}
    monkeypatch.setitem(data._entries(), "mnist", entry)
    with refused("nobody offers it", "export TLBOOK_DATA=FOLDER"):
        data.fetch("mnist")


def test_a_file_may_live_in_another_folder_of_the_cache(stand_in, small, monkeypatch, places):
    monkeypatch.setitem(data._entries(), "mnist", data._entry("mnist") | {"folder": "models"})
    path = put(places.cache.parent / "models", small)
    assert data.locate("mnist") == path


@pytest.mark.parametrize("ask", [data.fetch, data.locate, data.on_disk])
def test_what_is_no_file_cannot_be_fetched(ask, refused):
    with refused("data set", "'cifar'", "mnist"):
        ask("cifar")


def test_fetching_what_is_made_here_says_so(refused):
    with refused("'digits'", "never downloaded"):
        data.fetch("digits")


# Downloads


@pytest.fixture
def server(small, serve):
    """Serve the stand-in: whole, cut short, wrong, stuck half-way, or not at all."""
    return serve(npz(small))


def test_a_good_download_lands_in_keras_cache_and_is_used_again(server, stand_in, small, places):
    stand_in(f"{server}/good")
    assert_array_equal(data.mnist().x_test, small["x_test"])
    assert [file.name for file in places.cache.iterdir()] == ["mnist.npz"]
    stand_in(NOBODY)
    assert_array_equal(data.mnist().x_test, small["x_test"])


def test_a_pack_without_the_file_and_an_empty_cache_lead_to_a_download(server, stand_in, places, monkeypatch):
    stand_in(f"{server}/good")
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    assert data.fetch("mnist") == places.cache / "mnist.npz"
    assert list(places.pack.iterdir()) == []


@pytest.mark.parametrize("path", ["short", "wrong", "missing"])
def test_a_bad_download_leaves_nothing_and_says_so(path, server, stand_in, places, refused):
    stand_in(f"{server}/{path}")
    with refused("mnist.npz", f"{server}/{path}", "download failed", "python -m tlbook data fetch mnist"):
        data.mnist()
    assert list(places.cache.iterdir()) == []


def test_without_a_network_the_error_names_all_three_places(stand_in, places, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_DATA", str(places.pack))
    with refused("mnist.npz", f"TLBOOK_DATA ({places.pack})", f"Keras's cache ({places.cache})", NOBODY, "export"):
        data.mnist()
    assert list(places.cache.iterdir()) == []


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_without_a_file_the_full_profile_hears_of_the_other_one(profile, stand_in, places, monkeypatch):
    monkeypatch.setenv("TLBOOK_PROFILE", profile)
    for ask in (data.mnist, data.cifar10):
        with pytest.raises(TlbookError) as caught:
            ask()
        assert ("export TLBOOK_PROFILE=quick" in str(caught.value)) == (profile == "full")


def test_what_nobody_offers_asks_for_no_network(places):
    with pytest.raises(TlbookError) as caught:
        data.cifar10()
    assert "network" not in str(caught.value)


@pytest.mark.parametrize("path", ["silent", "stuck"])
def test_a_server_that_says_nothing_is_not_waited_for(path, server, stand_in, places, monkeypatch, refused):
    stand_in(f"{server}/{path}")
    monkeypatch.setattr(data, "PATIENCE", 0.3)
    began = time.monotonic()
    with refused("download failed", "says nothing for 0.3 seconds", "python -m tlbook data fetch mnist"):
        data.mnist()
    assert time.monotonic() - began < 10
    assert list(places.cache.iterdir()) == []
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("code", ["ENOSPC", "EROFS", "EDQUOT", "EIO"])
def test_a_disk_that_takes_no_more_is_not_blamed_on_the_network(code, stand_in, places, monkeypatch):
    import keras

    def full(name, *_, cache_dir, **__):
        (pathlib.Path(cache_dir) / name).write_bytes(b"half")
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr(keras.utils, "get_file", full)
    with pytest.raises(TlbookError) as caught:
        data.fetch("mnist")
    assert str(places.cache) in str(caught.value) and "room for mnist.npz" in str(caught.value)
    assert os.strerror(getattr(errno, code)).lower() in str(caught.value)
    assert "network" not in str(caught.value)
    assert list(places.cache.iterdir()) == []


def test_a_network_that_breaks_off_is_not_blamed_on_the_disk(stand_in, places, monkeypatch, refused):
    import keras

    def reset(*_, **__):
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(keras.utils, "get_file", reset)
    with refused("download failed", "Connection reset", "connect to the network"):
        data.fetch("mnist")


@pytest.mark.parametrize("there", [True, False])
def test_what_a_killed_download_left_is_removed_but_not_one_that_goes_on(there, server, stand_in, small, places):
    stand_in(f"{server}/good")
    if there:
        put(places.cache, small)
    left = {name: places.cache / name for name in (".mnist-abcdefgh", ".mnist-12345678", ".mnist-mine", "mine")}
    for name, folder in left.items():
        folder.mkdir(parents=True)
        (folder / "mnist.npz").write_bytes(b"half")
        fresh = (folder / "mnist.npz",) if name == ".mnist-12345678" else ()  # a large file is still growing
        for path in {folder, folder / "mnist.npz"} - set(fresh):
            os.utime(path, (time.time() - 2 * data.LEFT_OVER,) * 2)
    data.fetch("mnist")
    assert [folder.exists() for folder in left.values()] == [False, True, True, True]


def test_without_a_network_the_command_line_ends_with_one_line(stand_in, places, capsys):
    assert main(["data", "fetch", "mnist"]) == 1
    last = capsys.readouterr().err.rstrip("\n").splitlines()[-1]
    assert last.startswith("tlbook: mnist.npz")
    assert "not set" in last and NOBODY in last


def test_a_cache_that_cannot_be_made_is_an_error_of_ours(stand_in, places, refused):
    places.cache.parent.write_text("a file where a folder should be")
    with refused(str(places.cache), "a folder that can be written to"):
        data.mnist()


def test_an_interrupt_in_the_middle_leaves_nothing(stand_in, places, monkeypatch):
    import keras

    def half(name, *_, cache_dir, **__):
        (pathlib.Path(cache_dir) / name).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.utils, "get_file", half)
    with pytest.raises(KeyboardInterrupt):
        data.fetch("mnist")
    assert list(places.cache.iterdir()) == []


def test_ctrl_c_during_a_download_leaves_nothing_and_ends_with_one_line(server, places):
    script = (
        "import sys\n"
        "from tlbook import data\n"
        "from tlbook.__main__ import main\n"
        f"data._entries()['mnist']['url'] = '{server}/stuck'\n"
        "sys.exit(main(['data', 'fetch', 'mnist']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 180
    while not any(places.cache.glob(".mnist-*/*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert any(places.cache.glob(".mnist-*/*")), "the download never began"
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=600)
    assert process.returncode != 0
    assert printed.rstrip("\n").splitlines()[-1].startswith("tlbook: ")
    assert list(places.cache.iterdir()) == []


def test_errors_are_all_of_one_kind():
    assert issubclass(TlbookError, Exception)
    assert TlbookError.__module__ == "tlbook"


def test_a_digest_of_python_objects_within_a_structure_is_refused(refused):
    with refused("digest(): array", "[('a', 'O')]"):
        data.digest(np.array([(1,)], [("a", object)]))
    assert data.digest(np.array([(0,)], [("a", "uint8")])) == data.digest(np.zeros(1, "uint8"))


def test_masked_images_in_a_list_do_not_become_rgb(refused):
    with refused("as_rgb(): images", "masked"):
        data.as_rgb([np.ma.array(np.ones((2, 2)), mask=True)])


# --- A data pack of one's own --------------------------------------------------------------------


def test_a_pack_holds_what_is_on_this_disk_and_is_read_like_any_other(stand_in, small, places, monkeypatch, tmp_path):
    put(places.cache, npz(small))
    stick = tmp_path / "a stick"
    said = data.pack(stick)
    assert [file.name for file in stick.iterdir()] == ["mnist.npz"]
    assert f"export TLBOOK_DATA='{stick}'" in said and "right" in said
    (places.cache / "mnist.npz").unlink()
    monkeypatch.setenv("TLBOOK_DATA", str(stick))
    assert data.mnist().provenance.source == str(stick / "mnist.npz")
    assert data.pack(stick) == said  # onto itself: nothing to do


def test_a_pack_of_spoiled_data_is_not_made(stand_in, small, places, refused, tmp_path):
    put(places.cache, npz(small)[:-100])
    with refused(str(places.cache / "mnist.npz")):
        data.pack(tmp_path / "stick")
    assert not (tmp_path / "stick").exists()
    (places.cache / "mnist.npz").unlink()
    with refused("data pack", "a file on this disk", "data fetch mnist"):
        data.pack(tmp_path / "stick")
