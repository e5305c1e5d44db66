"""What the tests of the recorder share: a toy project, recorded once, and a store for calls however short."""

import functools
import json
import shutil
from types import SimpleNamespace

import pytest
from toy import FULL, ROOT, TOY, interrupted_in_second_seed, make_toy, tlbook_command, tree

from tlbook.record import book, calls, code, paths, runs


@pytest.fixture
def toy(tmp_path):
    return make_toy(tmp_path / "toy")


@pytest.fixture
def inside(monkeypatch):
    """Return a function that has the recorder of this process work in a folder."""

    def enter(root):
        for name in ("CHAPTERS", "REGISTER", "RESULTS", "SENTENCES", "STORY", "RUNS", "ROOT"):
            monkeypatch.setattr(paths, name, root / getattr(paths, name).relative_to(ROOT))
        return root

    return enter


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Interrupt a recording, then finish it; keep what was seen of both. No test changes it: `again` is a copy."""
    root = make_toy(tmp_path_factory.mktemp("recorded") / "toy")
    before = tree(root)
    stopped = interrupted_in_second_seed(root)
    between = tree(root)
    finished = tlbook_command(root, "record", TOY, "--seeds", "0-1", **FULL)
    assert finished.returncode == 0, finished.stderr
    return {"root": root, "before": before, "stopped": stopped, "between": between, "finished": finished}


@functools.cache
def package_digests(*cells: str) -> dict[str, str]:
    return code.package_digests(list(cells))


@pytest.fixture
def again(recorded, tmp_path, inside, monkeypatch):
    """Return a copy of the recorded toy, and the seeds that run when it is recorded again in this process."""
    root = inside(shutil.copytree(recorded["root"], tmp_path / "again"))
    ran, real = [], {seed: (root / "_build" / "record" / f"{TOY}-seed-{seed}.json").read_text() for seed in (0, 1)}
    kept = {seed: (root / "_build" / "record" / f"{TOY}-seed-{seed}.ipynb").read_text() for seed in (0, 1)}

    def run_seed(chapter, seed, out, **_):
        ran.append(seed)
        (out / f"{TOY}-seed-{seed}.json").unlink(missing_ok=True)
        (out / f"{TOY}-seed-{seed}.json").write_text(real[seed])
        (out / f"{TOY}-seed-{seed}.ipynb").write_text(kept[seed])
        return json.loads(real[seed])

    monkeypatch.setattr(runs, "run_seed", run_seed)
    monkeypatch.setattr(book, "package_digests", lambda cells: package_digests(*cells))  # no copy has another package
    return root, ran


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Switch the store on, for calls however short; `said()` lists what became of the calls since it was last asked."""
    log = tmp_path / "log"
    monkeypatch.setenv("TLBOOK_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TLBOOK_LOG", str(log))
    monkeypatch.setattr(calls, "LEAST", 0)
    monkeypatch.setattr(calls, "_store", None)
    calls.install()

    def events():
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return list(map(json.loads, lines))

    def said():
        return [event["what"] for event in events() if event["kind"] == "store"]

    return SimpleNamespace(said=said, events=events, folder=tmp_path / "store")
