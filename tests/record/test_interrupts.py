"""A recording that is stopped, at whatever moment, leaves the book as it was."""

import os
import pathlib
import signal
import time

import pytest
from toy import TOY, interrupted_in_second_seed, last_line, tlbook_command, tree

from tlbook import disk
from tlbook.record import book


def test_an_interrupt_leaves_the_book_as_it_was(recorded):
    stopped = recorded["stopped"]
    assert stopped.returncode == 130, stopped.stderr
    assert last_line(stopped).startswith(
        "tlbook: stopped: expected to finish; found an interrupt; the book is as it was. To mend it: run the same"
    )
    assert recorded["between"] == recorded["before"]


def test_a_signal_to_end_is_like_an_interrupt(toy):
    before = tree(toy)
    stopped = interrupted_in_second_seed(toy, signal.SIGTERM)
    assert stopped.returncode == 143, stopped.stderr
    assert "an interrupt; the book is as it was" in last_line(stopped)
    assert tree(toy) == before
    assert list((toy / "_build" / "record").glob(".*")) == []


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_python_cleans_up_is_not_lost(toy, which):
    path = toy / "tlbook" / "data.py"
    lost = f"""
class Left:
    def __del__(self):
        os.kill(os.getpid(), {int(which)})
        [None for _ in range(1000)]  # in which the signal is heard, and its interrupt dropped

left = Left()
del left
time.sleep(60)
"""
    path.write_text(path.read_text(encoding="utf-8") + lost)
    began = time.monotonic()
    done = tlbook_command(toy, "data", "list")
    assert time.monotonic() - began < 40  # it did not sleep to the end
    assert done.returncode == 128 + which
    assert last_line(done).startswith("tlbook: stopped: expected to finish; found an interrupt")


@pytest.mark.parametrize("verb", ["data list", "record --stale"])
def test_a_signal_to_end_is_like_an_interrupt_outside_of_a_kernel(verb, toy):
    path = toy / "tlbook" / "data.py" if verb.startswith("data") else toy / "tlbook" / "record" / "book.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nimport os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    done = tlbook_command(toy, *verb.split())
    assert done.returncode == 143
    assert done.stderr.count("\n") == 1
    kept = "nothing half-downloaded is kept" if verb.startswith("data") else "the book is as it was"
    assert last_line(done).startswith(f"tlbook: stopped: expected to finish; found an interrupt; {kept}.")


def test_an_interrupt_while_the_book_is_written_comes_too_late_to_tear_it(again, monkeypatch):
    root, _ = again
    before, replace = tree(root), pathlib.Path.replace

    def interrupted(part, path):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return replace(part, path)

    (root / "README.md").write_text(f"It reaches **?**<!-- num: {TOY}.toy_acc -->.\n")
    monkeypatch.setattr(pathlib.Path, "replace", interrupted)
    handlers = [signal.getsignal(which) for which in disk.STOPS]
    book.record(TOY, [0, 1])
    assert tree(root) == before
    assert [signal.getsignal(which) for which in disk.STOPS] == handlers
