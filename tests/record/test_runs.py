"""One run of a chapter: what it writes, and what it refuses."""

import asyncio
import json
import tempfile

import pytest
from toy import FULL, TOY, change_toy, last_line, tlbook_command, tree

from tlbook import TlbookError, disk
from tlbook.record import runs


def test_one_run_changes_nothing_but_its_folder(toy, tmp_path):
    before, out = tree(toy), tmp_path / "out"
    done = tlbook_command(toy, "record", TOY, "--seed", "3", "--out", str(out), TLBOOK_PROFILE="quick")
    assert done.returncode == 0, done.stderr
    assert tree(toy) == before
    assert sorted(path.name for path in out.iterdir()) == [f"{TOY}-seed-3.ipynb", f"{TOY}-seed-3.json"]
    run = json.loads((out / f"{TOY}-seed-3.json").read_text())
    assert (run["chapter"], run["seed"], run["profile"]) == (TOY, 3, "quick")
    assert run["numbers"]["toy_acc"] == pytest.approx(0.5507979)


def test_a_run_that_cannot_be_written_is_kept_elsewhere(toy, tmp_path, inside, monkeypatch):
    write = disk.write

    def full(contents):
        if next(iter(contents)).parent == tmp_path / "out":
            raise TlbookError("out", "a file that can be written", "no space left on device", "make room")
        write(contents)

    inside(toy)
    monkeypatch.setattr(disk, "write", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(TlbookError, match=r"no space left on device; the run is kept in .*-seed-7-") as error:
        runs.run_seed(TOY, 7, tmp_path / "out", "quick")
    [kept] = tmp_path.glob(f"{TOY}-seed-7-*")
    assert str(kept) in str(error.value)
    assert sorted(path.name for path in kept.iterdir()) == [f"{TOY}-seed-7.ipynb", f"{TOY}-seed-7.json"]


def test_a_run_that_names_another_chapter_is_refused(toy, tmp_path):
    change_toy(toy, f'tl.start("{TOY}")', 'tl.start("99_other")')
    done = tlbook_command(toy, "record", TOY, "--seed", "0", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert f"expected one call of tl.start('{TOY}')" in last_line(done)
    assert "found tl.start() of 99_other" in last_line(done)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("it is above a half", "it is above zero", "expected each claim once; found 'it is above zero' more than once"),
        (
            'print("other = 3")',
            'tl.number("toy_acc", 0.5)',
            "expected each number once; found 'toy_acc' more",
        ),
    ],
)
def test_what_is_said_twice_is_refused_since_the_last_would_hide_the_first(old, new, words, toy):
    change_toy(toy, old, new)
    done = tlbook_command(toy, "record", TOY, "--seeds", "0", **FULL)
    assert done.returncode == 1 and words in last_line(done)
    assert not list((toy / "_build" / "record").glob("*.json"))


def test_where_a_loop_knows_no_signals_a_chapter_runs_all_the_same(toy, tmp_path, inside, monkeypatch):
    def unknown(*_):
        raise NotImplementedError

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", unknown)
    inside(toy)
    assert runs.run_seed(TOY, 0, tmp_path / "out", "quick")["seed"] == 0
