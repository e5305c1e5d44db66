"""Files are written whole or not at all, whoever else writes there, and whatever lies in the way."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tlbook import TlbookError, backbones, disk


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def alarm():
    """Fail instead of waiting for ever at a pipe."""

    def late(*_):
        raise TimeoutError("waited for a pipe")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_lies_at_a_name_that_can_be_guessed_is_not_written_into(kind, tmp_path, alarm):
    other = tmp_path / "other"
    other.write_text("mine")
    guessed = tmp_path / ".a.txt.part"
    os.mkfifo(guessed) if kind == "pipe" else guessed.symlink_to(other)
    disk.write({tmp_path / "a.txt": "new"})
    assert (tmp_path / "a.txt").read_text() == "new"
    assert other.read_text() == "mine"
    assert names(tmp_path) == [".a.txt.part", "a.txt", "other"]


def test_two_who_write_the_same_file_share_no_name(tmp_path, monkeypatch):
    used, real = [], disk.os.fsync
    monkeypatch.setattr(disk.os, "fsync", lambda handle: (used.append(names(tmp_path)), real(handle)))
    for text in ("one", "two"):
        disk.write({tmp_path / "a.txt": text})
    first, second = used[0], [name for name in used[2] if name != "a.txt"]
    assert first != second
    assert (tmp_path / "a.txt").read_text() == "two"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_file_keeps_its_permissions_and_a_new_one_has_the_usual_ones(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "old.txt").chmod(0o640)
    before = os.umask(0o027)
    try:
        disk.write({tmp_path / "old.txt": "new", tmp_path / "new.txt": "new"})
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes == {"old.txt": 0o640, "new.txt": 0o640}
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_what_killed_processes_left_is_removed_but_not_what_is_in_use(tmp_path):
    old, new, mine = (tmp_path / f".{name}.part" for name in ("tlbook-old", "tlbook-new", "mine"))
    for path in (old, new, mine):
        path.write_text("half")
    for path in (old, mine):
        os.utime(path, (time.time() - 2 * disk.LEFT_OVER,) * 2)
    disk.write({tmp_path / "a.txt": "new"})
    assert names(tmp_path) == [".mine.part", ".tlbook-new.part", "a.txt"]


def test_an_interrupt_while_writing_is_heard_and_leaves_every_file_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(disk.os, "fsync", lambda _: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            disk.write({tmp_path / "a.txt": "new", tmp_path / "b.txt": "new"})
    finally:
        signal.signal(signal.SIGINT, before)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_another_thread_writes_too(tmp_path):
    thread = threading.Thread(target=disk.write, args=({tmp_path / "a.txt": "new"},))
    thread.start()
    thread.join()
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(("kind", "found"), [("folder", "a folder"), ("pipe", "a pipe or a device")])
def test_what_cannot_be_replaced_is_found_before_the_first_file_is_moved(kind, found, tmp_path, refused, alarm):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b.txt").mkdir() if kind == "folder" else os.mkfifo(tmp_path / "b.txt")
    with refused("b.txt: expected a file that can be read and written", f"found {found}", "move it away, or name"):
        disk.write({tmp_path / "a.txt": "new", tmp_path / "b.txt": "new"})
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_weights_are_moved_to_their_places_without_an_interrupt_between(tmp_path, monkeypatch):
    monkeypatch.setattr(backbones, "WEIGHTS", tmp_path)
    monkeypatch.setattr(backbones, "SUMS", tmp_path / "SHA256SUMS")
    monkeypatch.setattr(backbones, "LETTERS_IMAGES", 60)
    monkeypatch.setattr(backbones, "train_source", lambda *_: None)
    replace = disk.Path.replace

    def interrupted(part, path):
        os.kill(os.getpid(), signal.SIGINT)
        return replace(part, path)

    monkeypatch.setattr(disk.Path, "replace", interrupted)
    backbones.remake_weights()
    assert names(tmp_path) == ["SHA256SUMS", *sorted(f"{name}.weights.h5" for name in backbones.SHIPPED)]
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize("target", ["tempfile.mkstemp", "tlbook.disk.open", "pathlib.Path.replace"])
def test_a_write_that_is_refused_leaves_every_file_as_it_was(tmp_path, monkeypatch, target):
    texts = {tmp_path / "a.txt": "new", tmp_path / "b.txt": "new"}
    for path in texts:
        path.write_text("old")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(target, refuse, raising=False)
    with pytest.raises(TlbookError, match=r"a\.txt: expected a file that can be .*permission denied"):
        disk.write(texts)
    monkeypatch.undo()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old", "b.txt": "old"}
