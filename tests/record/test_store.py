"""The folder of what dear calls gave: broken entries, killed processes, two at once, and its limit."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from arrays import X, on_tensorflow
from sklearn.cluster import KMeans

import tlbook as tl
from tlbook.record import calls, fingerprint, store

pytestmark = on_tensorflow


def cluster(seed=0):
    return KMeans(3, n_init=1, random_state=seed).fit(X.reshape(24, -1)).labels_


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def foreign(path):
    cluster(1)
    (other,) = (each for each in path.parent.glob("*.npz") if each != path)
    other.replace(path)


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("plant", [cut, changed, foreign, lambda path: path.write_bytes(b""), a_folder])
def test_a_broken_entry_is_computed_anew(plant, kept, capsys):
    labels = cluster()
    (path,) = kept.folder.glob("*.npz")
    plant(path)
    kept.said()
    np.testing.assert_array_equal(cluster(), labels)
    events = kept.events()
    assert [each["what"] for each in events if "what" in each] == ["not kept" if plant is a_folder else "new"]
    notes = [each["text"] for each in events if each["kind"] == "note"]
    assert notes[0].startswith("A broken answer was computed anew: ")
    assert capsys.readouterr().out == ""  # which would stand on the page


def test_entries_are_data_and_never_code(kept):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    with pytest.raises(fingerprint.Unknown):
        store._sealed("x", {"result": np.array([Evil()], object)})


def test_beyond_its_limit_the_folder_loses_what_was_not_used_for_longest(kept, monkeypatch):
    for seed in range(3):
        cluster(seed)
        for age, path in enumerate(sorted(kept.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)):
            os.utime(path, (1_000 + age, 1_000 + age))
    cluster(0)  # used just now
    size = max(path.stat().st_size for path in kept.folder.glob("*.npz"))
    monkeypatch.setattr(store, "LIMIT", 2 * size + 100)
    cluster(3)
    assert len(list(kept.folder.glob("*.npz"))) == 2
    kept.said()
    cluster(0), cluster(3), cluster(1)
    assert kept.said() == ["answered", "answered", "new"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tlbook.record import store
real = Path.replace
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before":
    Path.replace = kill
store.Store(Path(sys.argv[1])).write("a-b-c.npz", b"0" * 1_000_000)
"""


def test_a_killed_process_leaves_no_half_entry_and_its_leftovers_go(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run([*command, "before"]).returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("*.npz"))
    (left,) = tmp_path.iterdir()
    for path in (*left.iterdir(), left):
        os.utime(path, (1, 1))
    subprocess.run([*command, "not"], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a-b-c.npz"]


def test_two_processes_at_once(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path), "not"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a-b-c.npz"]


def test_fresh_computes_and_keeps(kept, monkeypatch):
    cluster()
    monkeypatch.setenv("TLBOOK_FRESH", "1")
    calls.install()
    cluster()
    monkeypatch.setenv("TLBOOK_FRESH", "")
    calls.install()
    cluster()
    assert kept.said() == ["new", "new", "answered"]


def test_where_nothing_is_asked_for_nothing_is_switched_on(monkeypatch):
    monkeypatch.delenv("TLBOOK_STORE", raising=False)
    monkeypatch.setattr(calls, "_store", None)
    tl.start("01_demo")
    assert calls._store is None
