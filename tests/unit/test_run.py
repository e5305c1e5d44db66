import json
import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest

import tlbook as tl
from tlbook import run


def python(code):
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_brings_neither_keras_nor_scikit_learn():
    heavy = ("keras", "tensorflow", "jax", "torch", "sklearn", "scipy", "matplotlib", "IPython")
    code = f"import sys, tlbook; print([name for name in {heavy} if name in sys.modules])"
    assert python(code).strip() == "[]"


def test_import_takes_under_half_a_second():
    code = "import time; began = time.perf_counter(); import tlbook; print(time.perf_counter() - began)"
    assert min(float(python(code)) for _ in range(3)) < 0.5


def test_import_prints_nothing_and_touches_no_file():
    code = "import os; before = set(os.listdir()); import tlbook; print(set(os.listdir()) - before or '')"
    assert python(code).strip() == ""


def test_every_public_name_is_there_and_an_unknown_one_is_an_attribute_error():
    for name in tl.__all__:
        assert getattr(tl, name) is not None
    assert set(tl.__all__) <= set(dir(tl))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tl.nothing  # noqa: B018


def test_an_error_is_one_line_of_what_expected_found_and_mend():
    error = tl.TlbookError("a file", "this", "that", "do so")
    assert str(error) == "a file: expected this; found that. To mend it: do so"
    assert (error.what, error.expected, error.found, error.do) == ("a file", "this", "that", "do so")


@pytest.mark.parametrize("profile", ["quick", "full"])
@pytest.mark.parametrize("on_disk", [True, False])
def test_the_environment_decides_the_profile(profile, on_disk, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_PROFILE", profile)
    began = tl.start("01_demo", data_on_disk=on_disk)
    assert began.profile == profile
    assert began.full == (profile == "full")
    printed = capsys.readouterr().out
    assert printed.startswith(f"Profile: {profile} · seed 0 · Keras {keras.__version__}")
    assert "data fetch" not in printed


@pytest.mark.parametrize("unset", [None, "", "  "])
@pytest.mark.parametrize(("on_disk", "profile"), [(True, "full"), (False, "quick")])
def test_without_a_profile_the_data_on_this_disk_decide(unset, on_disk, profile, monkeypatch, capsys):
    monkeypatch.delenv("TLBOOK_PROFILE") if unset is None else monkeypatch.setenv("TLBOOK_PROFILE", unset)
    assert tl.start("01_demo", data_on_disk=on_disk).profile == profile
    assert ("python -m tlbook data fetch mnist" in capsys.readouterr().out) == (profile == "quick")


@pytest.mark.parametrize("profile", ["fast", "QUICK", "quick full"])
def test_an_unknown_profile_is_refused(profile, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_PROFILE", profile)
    with refused("TLBOOK_PROFILE", "'quick' or 'full'", repr(profile), "export TLBOOK_PROFILE=quick"):
        tl.start("01_demo")


def test_pick_takes_what_belongs_to_the_profile(monkeypatch):
    for profile, wanted in (("quick", 1), ("full", 2)):
        monkeypatch.setenv("TLBOOK_PROFILE", profile)
        assert tl.start("01_demo").pick(quick=1, full=2) == wanted


def draws():
    return random.random(), np.random.rand(), float(keras.random.uniform(()))  # noqa: NPY002


def test_one_call_seeds_everything(monkeypatch):
    drawn = {}
    for seed in ("7", "7", "8"):
        monkeypatch.setenv("TLBOOK_SEED", seed)
        assert tl.start("01_demo").seed == int(seed)
        drawn.setdefault(seed, []).append(draws())
    assert drawn["7"][0] == drawn["7"][1]
    assert all(a != b for a, b in zip(drawn["7"][0], drawn["8"][0], strict=True))


def test_the_seed_is_0_by_default(monkeypatch):
    monkeypatch.delenv("TLBOOK_SEED", raising=False)
    assert run.requested_seed() == 0


@pytest.mark.parametrize("seed", ["-1", "1.5", "one", "", "4294967296"])
def test_a_seed_that_is_none_is_refused(seed, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_SEED", seed)
    with refused("TLBOOK_SEED", "a whole number", repr(seed), "export TLBOOK_SEED=0"):
        tl.start("01_demo")


def test_the_current_run_is_the_one_that_was_begun_last(quick):
    assert run.current() is quick
    assert run.current() is not tl.start("02_demo")
    assert run.current().chapter == "02_demo"


def test_no_run_is_an_error_that_says_how_to_begin_one(monkeypatch, refused):
    monkeypatch.setattr(run, "_current", None)
    with refused("tl.start"):
        run.current()


def test_events_go_to_the_recorder_and_nowhere_without_one(monkeypatch, tmp_path):
    monkeypatch.delenv("TLBOOK_LOG", raising=False)
    run.log(kind="lost")
    file = tmp_path / "events.jsonl"
    monkeypatch.setenv("TLBOOK_LOG", str(file))
    tl.start("01_demo")
    run.log(kind="claim", text="größer", holds=True)
    first, second = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    assert (first["kind"], first["chapter"], first["seed"], first["profile"]) == ("run", "01_demo", 0, "quick")
    assert second == {"kind": "claim", "text": "größer", "holds": True}


def test_the_machine_is_described():
    versions = run.versions()
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert versions["numpy"] == np.__version__
    assert versions["keras"] == keras.__version__
    assert 1 <= run.cores() <= os.cpu_count()
    assert run.device() in ("cpu", "gpu", "tpu")
    assert 50 < run.peak_memory_mb() < 1e6


def test_on_a_cpu_the_compiler_is_off(quick):
    assert quick.jit == (False if (quick.backend, quick.device) == ("tensorflow", "cpu") else "auto")
