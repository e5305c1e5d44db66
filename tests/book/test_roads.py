"""The programs behind the page of all roads: what a road may see, what is timed, what is kept."""

import functools
import inspect
import itertools
import json
import os
import re
from types import SimpleNamespace

import checks
import measure
import numpy as np
import pytest
import roads
from copies import ROOT

import tlbook as tl
from tlbook.record import code, pages, register
from tlbook.run import TlbookError

QUICK_ROADS = ("pixels", "untrained", "spectral")


@pytest.fixture(scope="module", autouse=True)
def digests():
    """Work out the digests once: they are those of files that no test here changes."""
    now, measure.digests = measure.digests, functools.cache(measure.digests)
    yield
    measure.digests = now


@pytest.fixture(scope="module")
def c():
    return measure.chapter(tl.start("roads"))


@pytest.fixture
def small(monkeypatch):
    """Make every road short: 300 images, few epochs."""
    d = tl.data.digits()
    short = {"LETTERS": 300, "LETTERS_EPOCHS": 1, "ROTATION_EPOCHS": 1, "GAN_EPOCHS": 1, "CODE_EPOCHS": 1}
    for name, value in (short | {"DEC_ROUNDS": 1, "VIEW_EPOCHS": 1, "VIEW_BATCH": 64}).items():
        monkeypatch.setattr(roads, name, value)
    return SimpleNamespace(x_train=d.x_train[:300], y_train=d.y_train[:300])


def test_the_table_names_every_row_of_every_road_and_no_other(c, small):
    """Roads that train a network are only read here, but walked where TLBOOK_ROADS is set; umap is an extra."""
    found, walked = set(), measure.ROADS if os.environ.get("TLBOOK_ROADS") else QUICK_ROADS
    for road in measure.ROADS:
        if road == "umap" or road not in walked:
            text = inspect.getsource(getattr(roads, road))
            names = re.findall(r'(?:yield|clusters\()\s*"(\w+)"', text)
            found |= {f"{name}{end}" for name in names for end in ("", "_kmeans", "_averaged")} & measure.ROWS.keys()
            continue
        rows = measure.walk(road, small, c)
        found |= rows.keys()
        for row in rows.values():
            assert {*measure.UNITS} <= row.keys()
            assert all(0 <= row[key] <= 1 for key in ("acc", "nmi"))
            assert row["seconds"] > 0 and row["megabytes"] > 50
    assert found == measure.ROWS.keys()


def test_umap_leaves_nothing_out_with_a_mixture_and_says_what_hdbscan_leaves_out(c, small):
    pytest.importorskip("umap", reason="the extra `peers` is not installed")
    rows = measure.walk("umap", small, c)
    assert "coverage" not in rows["umap_gmm"]
    assert rows["umap_hdbscan"]["acc"] <= rows["umap_hdbscan"].get("coverage", 1)


def test_a_road_s_digest_is_of_what_it_reaches_alone(monkeypatch, tmp_path):
    before = {road: measure.digests(road) for road in ("raw", "umap", "gan")}
    text = (measure.HERE / "roads.py").read_text(encoding="utf-8")
    assert len({each["code"] for each in before.values()}) == 3
    monkeypatch.setattr(measure, "digests", measure.digests.__wrapped__)
    monkeypatch.setattr(measure, "HERE", tmp_path)
    (tmp_path / "roads.py").write_text(text.replace("min_dist=0.0", "min_dist=0.1"), encoding="utf-8")
    changed = {road for road, then in before.items() if measure.digests(road) != then}
    assert changed == {"umap"}


def test_no_road_is_handed_a_label(c, small, monkeypatch):
    """Whatever the labels are, the ids are the same; scoring alone looks at them."""
    ids = []
    monkeypatch.setattr(measure, "score", lambda y_true, found: ids.append(found) or {"acc": 0.0})
    measure.walk("pixels", small, c)
    measure.walk("pixels", SimpleNamespace(x_train=small.x_train, y_train=np.zeros(300, "uint8")), c)
    assert all(np.array_equal(a, b) for a, b in zip(ids[:2], ids[2:], strict=True))


def test_a_row_takes_as_long_as_all_steps_that_lead_to_it_and_scoring_takes_none(c, monkeypatch):
    ids, clock = np.arange(10), itertools.accumulate([0, 10, 1000, 5, 2000, 7, 3000])
    fake = [("a", None, ids), ("b", "a", ids), ("c", "a", ids)]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(roads, "raw", lambda images, c: iter(fake))
    rows = measure.walk("raw", SimpleNamespace(x_train=None, y_train=ids), c)
    assert {name: row["seconds"] for name, row in rows.items()} == {"a": 10, "b": 15, "c": 17}


def test_an_image_without_an_id_counts_as_wrong_and_lowers_the_coverage():
    y = np.repeat(np.arange(2), 4)
    ids = np.array([5, 5, 5, -1, 3, 3, 3, 3])
    found = measure.score(y, ids)
    assert found["acc"] == 7 / 8 and found["coverage"] == 7 / 8 and found["clusters"] == 2
    assert found["nmi"] < 1 and found["ari"] < 1
    assert measure.score(y, y + 3) == {"acc": 1, "nmi": 1, "ari": 1}


def test_the_letters_road_is_made_of_the_chapter_s_own_functions(c):
    text = (ROOT / "book" / "chapters" / "04b_beyond_kmeans.ipynb").read_text(encoding="utf-8")
    own = "".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    for name in ("two_depths", "average", "spread", "small_network", "agree", "GAN", "Belonging"):
        assert name in vars(c)
        assert f" {name}(" in own
    assert (c.ROUNDS, c.BALANCE, c.STRENGTH) == (100, 5.0, 0.5)


def test_the_roads_settings_are_those_that_the_chapter_shows():
    cells = "\n".join(code.chapter_code(code.read_chapter("04b_beyond_kmeans")))
    assert f"run.pick(quick=4_000, full={roads.LETTERS:_})" in cells
    assert f"run.pick(quick=2, full={roads.LETTERS_EPOCHS})" in cells
    assert f"train_source(rotated, rotations, {roads.ROTATION_EPOCHS})" in cells
    assert f"np.zeros(len(real)), run.pick(quick=8, full={roads.GAN_EPOCHS})" in cells
    assert f"flat(x_some), run.pick(quick=12, full={roads.CODE_EPOCHS})" in cells
    assert f"range(run.pick(quick=4, full={roads.DEC_ROUNDS}))" in cells


def fake_runs():
    """Return runs as they are kept: three seeds, the GAN's one."""
    about = {"versions": {"python": "3.11.7", "keras": "3.15.1", "scikit-learn": "1.9.1"}}
    about |= {"backend": "tensorflow", "device": "cpu", "cores": 2, "data": "0" * 64, "date": "2026-01-01"}
    of = {row: next(road for road in measure.ROADS[::-1] if road in row or road == "raw") for row in measure.ROWS}
    of |= {"dec": "autoencoder", "neighbour_loss": "letters"}
    runs = {}
    for road in measure.ROADS:
        rows = {
            row: {"acc": 0.5, "nmi": 0.4, "ari": 0.3, "seconds": 12.0, "megabytes": 900.0}
            for row in of
            if of[row] == road
        }
        if road == "umap":
            rows["umap_hdbscan"] |= {"coverage": 0.9, "clusters": 9}
        own = about | measure.digests(road) | ({"umap": "0.5.12"} if road == "umap" else {})
        runs[road] = [own | {"rows": rows}] * (1 if road in measure.ONCE else 3)
    return runs


def test_register_table_and_page_hold_every_row_and_no_spread_where_there_is_one_seed():
    runs = fake_runs()
    rows = measure.register_rows(runs)
    assert len(rows) == 5 * len(measure.ROWS) + 1
    assert {row["name"] for row in rows if len(row["values"]) == 1} == {
        f"gan_{row}_{key}" for row in ("kmeans", "averaged") for key in measure.UNITS
    }
    table = measure.table(rows).splitlines()
    assert len(table) == 2 + len(measure.ROWS)
    assert all(("±" in line) == ("GAN" not in line) for line in table[2:])
    assert all(digest in measure.page(rows, runs) for digest in measure.digests().values())
    assert "<svg" in measure.figure(rows, "text")


def test_the_page_is_by_these_programs_and_says_what_the_register_says():
    kept = register.rows()
    rows = [row for row in kept if row["chapter"] == measure.NAME]
    page, drawn = ((ROOT / "book" / "roads" / name).read_text(encoding="utf-8") for name in ("roads.md", "roads.svg"))
    assert f"<!-- code: {measure.digests()['code']} package: " in page, "run  make roads"
    assert measure.table(rows) in page
    assert pages.fill(page, kept) == page
    assert pages.signed(page) == page, "changed by hand; run  make roads"
    assert checks.drawn(measure.figure(rows, measure.ALT)) == checks.drawn(drawn)


def test_a_run_of_other_code_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "RUNS", tmp_path)
    assert measure.kept("raw", 0) is None
    (tmp_path / "raw-seed-0.json").write_text(json.dumps({**measure.digests("raw"), "rows": {}}), encoding="utf-8")
    assert measure.kept("raw", 0)["rows"] == {}
    about = {**measure.digests("raw"), "code": "other", "rows": {}}
    (tmp_path / "raw-seed-0.json").write_text(json.dumps(about), encoding="utf-8")
    assert measure.kept("raw", 0) is None


def test_a_road_that_was_measured_with_an_older_package_is_named_on_the_page():
    runs = fake_runs()
    assert measure.older(runs) == [] and "have changed since" not in measure.page(measure.register_rows(runs), runs)
    runs["umap"] = [run | {"package": "other"} for run in runs["umap"]]
    assert measure.older(runs) == ["umap"]
    assert "used by umap have changed since." in measure.page(measure.register_rows(runs), runs)


def test_without_the_extra_nothing_is_measured_and_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TlbookError, match=r"umap-learn.*pip install -e"):
        measure.main()
