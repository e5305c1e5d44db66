import copy
import ctypes
import json
import os
import pickle
import random
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import tlbook as tl
from tlbook import run
from tlbook.record import paths


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


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_goes_to_another_process_and_back(through):
    error = through(tl.TlbookError("a file", "this", "that", "do so"))
    assert type(error) is tl.TlbookError
    assert str(error) == "a file: expected this; found that. To mend it: do so"
    assert (error.what, error.expected, error.found, error.do) == ("a file", "this", "that", "do so")


@pytest.mark.parametrize(
    ("kind", "found"),
    [("folder", "a folder"), ("pipe", "a pipe"), ("nowhere", "no such file"), ("below", "not a directory")],
)
def test_a_log_that_cannot_be_written_is_an_error_of_ours(kind, found, tmp_path, monkeypatch, refused):
    path = tmp_path / {"nowhere": "no/log", "below": "file/log"}.get(kind, "log")
    (tmp_path / "file").write_text("")
    if kind in ("folder", "pipe"):
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    monkeypatch.setenv("TLBOOK_LOG", str(path))
    with refused(f"TLBOOK_LOG={path}", "a file that can be written to", found, "unset TLBOOK_LOG"):
        run.log(kind="lost")


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"])
def test_keras_is_imported_where_standard_error_is_closed(closed, tmp_path):
    code = "from tlbook import run; run.quiet_keras(); open('done', 'w').close()"
    env = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
    command = ["sh", "-c", f'exec "{sys.executable}" -c "{code}" {closed}']
    assert subprocess.run(command, cwd=tmp_path, env=env).returncode == 0
    assert (tmp_path / "done").exists()


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
@pytest.mark.parametrize("on_disk", [True, False])
def test_without_a_profile_it_is_quick_whatever_lies_on_the_disk(unset, on_disk, monkeypatch, capsys):
    monkeypatch.delenv("TLBOOK_PROFILE") if unset is None else monkeypatch.setenv("TLBOOK_PROFILE", unset)
    assert tl.start("01_demo", data_on_disk=on_disk).profile == "quick"
    printed = capsys.readouterr().out
    assert "TLBOOK_PROFILE=full make lab" in printed
    assert ("python -m tlbook data fetch mnist" in printed) == (not on_disk)


TOOK = "13.9 to 25.4 min a seed · peak memory 3.4 GB"


@pytest.fixture
def chapter_at_hand(tmp_path, monkeypatch):
    """Write a chapter with a line of provenance into the working folder."""
    (tmp_path / "98_demo.ipynb").write_text(f'"Seeds: 0 · Linux, 2 CPU cores · {TOOK} · 2026"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("profile", ["", "full"])
def test_what_full_costs_is_said_before_it_is_paid(profile, chapter_at_hand, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_PROFILE", profile)
    tl.start("98_demo", data_on_disk=True)
    first, *rest = capsys.readouterr().out.splitlines()
    assert TOOK in (first if profile else rest[-1])
    assert (TOOK in first) == (profile == "full")


def test_the_cost_is_read_from_the_chapters_of_this_book():
    assert "min a seed · peak memory" in run.cost("01_transfer_concepts")
    assert run.cost("99_none") == ""


def test_a_recorded_run_does_not_print_what_the_last_one_took(chapter_at_hand, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TLBOOK_PROFILE", "full")
    monkeypatch.setenv("TLBOOK_LOG", str(tmp_path / "events"))
    tl.start("98_demo")
    assert TOOK not in capsys.readouterr().out


@pytest.mark.parametrize(("number", "words"), [(1, "CPU, 1 core\n"), (2, "CPU, 2 cores\n")])
def test_one_core_is_one_core(number, words, monkeypatch, capsys):
    monkeypatch.setattr(run, "cores", lambda: number)
    monkeypatch.setattr(run, "device", lambda: "cpu")
    tl.start("01_demo")
    assert capsys.readouterr().out.endswith(words)


@pytest.mark.parametrize("chapter", [None, 3, "", "a\nb", "../a", ["a"]])
def test_a_chapter_has_a_name(chapter, refused):
    with refused("start(): chapter", repr(chapter)):
        tl.start(chapter)


def test_on_the_disk_or_not_is_no_name(refused):
    with refused("data_on_disk", "True or False", "'mnist'"):
        tl.start("01_demo", data_on_disk="mnist")


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


@pytest.mark.parametrize("seed", ["-1", "1.5", "one", "", "4294967296", "9" * 5000, "٣"])
def test_a_seed_that_is_none_is_refused(seed, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_SEED", seed)
    with refused("TLBOOK_SEED", "a whole number", repr(seed)[:40], "export TLBOOK_SEED=0"):
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


# --- Other machines ------------------------------------------------------------------------------


def started(code="import tlbook as tl; tl.start('01_demo')", **env):
    """Return the last line of what a fresh interpreter says, and whether it ended well."""
    command, env = [sys.executable, "-c", code], {**os.environ, **env}
    done = subprocess.run(command, capture_output=True, env=env, cwd=paths.ROOT)
    good = done.returncode == 0
    return good, (done.stdout if good else done.stderr).decode(errors="replace").splitlines()[-1]


WINDOWS = """
import os, pkgutil, sys
for name in ("resource", "fcntl", "termios", "pwd", "grp"):
    sys.modules[name] = None
os.__dict__.pop("sched_getaffinity", None)
import importlib, tlbook
for part in pkgutil.iter_modules(tlbook.__path__):
    importlib.import_module(f"tlbook.{part.name}")
tlbook.start("01_demo")
"""


def test_where_posix_is_missing_everything_is_imported_and_a_run_begins():
    good, said = started(WINDOWS)
    assert good and said.startswith("Profile: quick"), said


def test_peak_memory_on_windows_is_that_of_the_system(monkeypatch):
    def answer(process, sizes, length):
        assert (process.value, length, len(bytes(sizes))) == (2**64 - 1, 72, 72)  # this process
        sizes[1] = 123_000_000

    kernel32 = SimpleNamespace(K32GetProcessMemoryInfo=answer)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert run.peak_memory_mb() == 123


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_a_terminal_cannot_write_is_replaced(encoding):
    code = "import tlbook as tl; tl.start('01_demo'); tl.claim('two is more', 2 > 1); tl.number('gain', -3, '×')"
    good, said = started(code, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert good and said.startswith("gain = "), said


# --- Keras's own settings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "found", "right"),
    [("image_data_format", "channels_first", "channels_last"), ("floatx", "float64", "float32")],
)
def test_settings_of_keras_that_the_book_does_not_run_with_are_refused(setting, found, right, monkeypatch, refused):
    monkeypatch.setattr(keras.config, setting, lambda: found)
    with refused(setting, right, found, "keras.json", f'keras.config.set_{setting}("{right}")'):
        tl.start("01_demo")


def test_such_a_setting_in_the_file_is_found(tmp_path):
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    good, said = started(KERAS_HOME=str(tmp_path))
    assert not good
    assert "image_data_format: expected channels_last; found channels_first. To mend it: write" in said
    assert str(tmp_path / "keras.json") in said


def no_module(name):
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ("jax", no_module("jax"), "pip install jax, or  export KERAS_BACKEND=tensorflow"),
        ("tensorfow", ValueError("Unable to import backend"), "To mend it: export KERAS_BACKEND=tensorflow"),
        ("numpy", no_module("jax"), "To mend it: export KERAS_BACKEND=tensorflow"),
        ("", no_module("torch"), "pip install torch, or  export KERAS_BACKEND=tensorflow"),
        ("", no_module("tensorflow"), "To mend it: make lab"),
        ("", ValueError("Invalid `floatx`"), "To mend it: mend or remove /"),
        ("", no_module("keras"), "Keras: expected a Python with the book's packages; found no Keras in /"),
    ],
)
def test_a_backend_that_cannot_be_used_names_its_cure(asked, error, words, monkeypatch, refused):
    monkeypatch.setenv("KERAS_BACKEND", asked)
    monkeypatch.setattr(run, "device", lambda: (_ for _ in ()).throw(error))
    with refused(words, f"KERAS_BACKEND={asked}" if asked else "Keras"):
        tl.start("01_demo")


def test_a_misspelt_backend_is_named_before_a_chapter_begins():
    good, said = started(KERAS_BACKEND="tensorfow")
    assert not good
    assert "KERAS_BACKEND=tensorfow: expected tensorflow, jax or torch" in said


def test_a_backend_that_cannot_train_is_refused(monkeypatch, refused):
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with refused("KERAS_BACKEND=openvino", "export KERAS_BACKEND=tensorflow"):
        tl.start("01_demo")
