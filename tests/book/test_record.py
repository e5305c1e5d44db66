"""The recorder, on a project with one small chapter and with real kernels."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import checks
import nbformat
import pytest
from copies import TOY, change_toy, last_line, make_toy, tlbook_command, tree

from tlbook import TlbookError, data, disk, record, register
from tlbook.__main__ import main
from tlbook.record import code_digest

FULL = {"TLBOOK_PROFILE": "full"}


@pytest.fixture
def toy(tmp_path):
    return make_toy(tmp_path / "toy")


def interrupted_in_second_seed(root):
    """Start recording two seeds, and stop it with Ctrl-C while the second one runs."""
    command = [sys.executable, "-u", "-m", "tlbook", "record", TOY, "--seeds", "0-1"]
    running = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    first = root / "_build" / "record" / f"{TOY}-seed-0.json"
    began = time.monotonic()
    while not first.is_file() and running.poll() is None and time.monotonic() - began < 60:
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    return subprocess.CompletedProcess(command, running.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Interrupt a recording, then finish it; keep what was seen of both."""
    root = make_toy(tmp_path_factory.mktemp("recorded") / "toy")
    before = tree(root)
    stopped = interrupted_in_second_seed(root)
    between = tree(root)
    finished = tlbook_command(root, "record", TOY, "--seeds", "0-1", **FULL)
    assert finished.returncode == 0, finished.stderr
    return {"root": root, "before": before, "stopped": stopped, "between": between, "finished": finished}


def test_an_interrupt_leaves_the_book_as_it_was(recorded):
    stopped = recorded["stopped"]
    assert stopped.returncode == 130, stopped.stderr
    assert last_line(stopped).startswith("tlbook: stopped: expected to finish; found an interrupt")
    assert recorded["between"] == recorded["before"]


def test_recording_goes_on_where_it_stopped(recorded):
    assert "seed 0" not in recorded["finished"].stdout
    assert f"{TOY}, seed 1, full profile: ....." in recorded["finished"].stdout
    assert recorded["finished"].stderr == ""


def test_what_a_recording_writes(recorded):
    root = recorded["root"]
    rows = json.loads((root / "book" / "reference" / "results.json").read_text())
    assert [(row["name"], row["seeds"], row["profile"], row["dataset"]) for row in rows] == [
        ("toy_acc", [0, 1], "full", "rendered letters")
    ]
    shown = f"{100 * rows[0]['mean']:.1f} ± {100 * rows[0]['sd']:.1f} %"
    assert (root / "README.md").read_text() == f"It reaches **{shown}**<!-- num: {TOY}.toy_acc -->.\n"
    cells = nbformat.read(root / "book" / "chapters" / f"{TOY}.ipynb", as_version=4).cells
    assert f"**{shown}**<!-- num: toy_acc -->, at most **{100 * max(rows[0]['values']):.1f} %**" in cells[0].source
    assert checks.PROVENANCE.fullmatch(cells[1].source)["seeds"] == "0, 1"
    this = f"{100 * rows[0]['values'][0]:.1f} %"
    assert cells[3].outputs[0].text == f"toy_acc = this run {this} · mean of 2 seeds {shown}\nother = 3\n"
    above = sum(value > 0.5 for value in rows[0]["values"])
    assert "✓ it is above zero (in 2 of 2 seeds)" in cells[4].outputs[0].text
    assert f"it is above a half (in {above} of 2 seeds)" in cells[4].outputs[0].text
    assert cells[5].metadata["mystnb"]["image"]["alt"] == "Two letters in a row"


def test_a_recorded_chapter_passes_the_checks(recorded):
    passed = [check for check in checks.ALL if check not in (checks.results, checks.imports_go_up)]
    assert [problem for check in passed for problem in check(recorded["root"])] == []


def test_recording_again_runs_and_changes_nothing(recorded):
    before = tree(recorded["root"])
    done = tlbook_command(recorded["root"], "record", TOY, "--seeds", "0-1", **FULL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tree(recorded["root"]) == before


def test_one_run_changes_nothing_but_its_folder(toy, tmp_path):
    before, out = tree(toy), tmp_path / "out"
    done = tlbook_command(toy, "record", TOY, "--seed", "3", "--out", str(out), TLBOOK_PROFILE="quick")
    assert done.returncode == 0, done.stderr
    assert tree(toy) == before
    assert sorted(path.name for path in out.iterdir()) == [f"{TOY}-seed-3.ipynb", f"{TOY}-seed-3.json"]
    run = json.loads((out / f"{TOY}-seed-3.json").read_text())
    assert (run["chapter"], run["seed"], run["profile"]) == (TOY, 3, "quick")
    assert run["numbers"]["toy_acc"] == pytest.approx(0.5507979)


def test_a_failing_cell_leaves_the_book_as_it_was(toy):
    change_toy(toy, "value = float(", "value = 1 / 0; float(")
    before = tree(toy)
    done = tlbook_command(toy, "record", TOY)
    assert done.returncode == 1
    assert last_line(done).startswith(f"tlbook: {TOY}, seed 0, full profile: expected a run without an error; found ")
    assert "in code cell 2: ZeroDivisionError: division by zero" in last_line(done)
    assert "Traceback" not in done.stderr
    assert tree(toy) == before


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ("record 02_none", {}, ["expected one of: ", ", 03_kmeans_pseudo_labels", "found '02_none'"]),
        (
            "record 03_kmeans_pseudo_labels --seed 0",
            {"TLBOOK_PROFILE": "fast"},
            ["TLBOOK_PROFILE", "'fast'", "export "],
        ),
        ("data verify cifar", {}, ["'cifar'", "python -m tlbook data list"]),
        ("data fetch mnist", {"TLBOOK_DATA": "/nowhere"}, ["TLBOOK_DATA=/nowhere", "nothing there"]),
        (
            "data verify mnist",
            {"TLBOOK_DATA": "/"},
            ["TLBOOK_DATA=/:", "no file of the pack in it", "export TLBOOK_DATA="],
        ),
    ],
)
def test_errors_are_one_last_line(arguments, environment, words, monkeypatch, capfd):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(arguments.split()) == 1
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("tlbook: ")
    assert all(word in last for word in words), last


def test_a_file_that_is_no_notebook(tmp_path, monkeypatch, capsys):
    (tmp_path / "01_bad.ipynb").write_text("{")
    monkeypatch.setattr(record, "CHAPTERS", tmp_path)
    assert main(["record", "01_bad"]) == 1
    assert "01_bad.ipynb: expected a notebook of Python code; found " in capsys.readouterr().err


def test_the_profile_of_the_book_is_full_whatever_is_asked_for(recorded):
    rows = json.loads((recorded["root"] / "book" / "reference" / "results.json").read_text())
    assert os.environ["TLBOOK_PROFILE"] == "quick"  # of this process, and so of the interrupted recording
    assert {row["profile"] for row in rows} == {"full"}


# --- Parts of it, in this process ----------------------------------------------------------------


@pytest.mark.parametrize("target", ["tlbook.disk.open", "pathlib.Path.replace"])
def test_a_write_that_is_refused_leaves_every_file_as_it_was(tmp_path, monkeypatch, target):
    texts = {tmp_path / "a.txt": "new", tmp_path / "b.txt": "new"}
    for path in texts:
        path.write_text("old")

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(target, refuse, raising=False)
    with pytest.raises(TlbookError, match=r"a\.txt: expected a file that can be .*permission denied"):
        disk.write(texts)
    monkeypatch.undo()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old", "b.txt": "old"}


def test_digest_of_code_is_of_what_it_means():
    code = 'def f(x):\n    return f"{x:>{2}}" + "a"\n'
    same = 'def f(x):  # a comment\n    """Say more."""\n\n    return f"{x:>{2}}" + ("a")\n'
    assert code_digest(code) == code_digest(same)
    assert code_digest(code) != code_digest(code.replace("2", "3"))
    assert code_digest("a = 1", "b = 2") != code_digest("a = 1\nb = 2")


def test_digest_of_code_is_the_same_in_every_python():
    # Computed with Python 3.11, 3.12 and 3.13.
    code = 'async def f(*a: int, k=None, **kw) -> "x":\n    return f"{a!r:>{k}} {{}} {kw=}" f"{1:.1f}" "b"\n'
    code += "\n\nclass C: ...\n"
    assert code_digest(code)[:16] == "929ce4b769ec2d9e"


def test_reaches_the_files_that_a_chapter_uses():
    assert set(record.package_digests(["import tlbook as tl\ntl.start('a')\ntl.number('b', 1)"])) == {"claims", "run"}
    through = record.package_digests(["import tlbook as tl\ntl.features.extract"])
    assert {"features", "run"} <= set(through)
    assert "weights" in record.package_digests(["from tlbook.backbones import small_cnn"])


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("def nmi(", "def of_no_use():\n    return 1\n\n\ndef nmi(", set()),  # new, and nobody's business yet
        ("metrics.normalized_mutual_info_score", "metrics.mutual_info_score", set()),  # not used by this code
        ("np.mean(renamed == ", "np.median(renamed == ", {"clusters"}),  # used
        ('"equal lengths"', '"the same length"', {"clusters"}),  # used by what is used
        (
            "import numpy as np\n",
            "import dataclasses\nimport numpy as np\n",
            set(),
        ),  # an import that nothing reached uses
        ("def nmi(", "ODD = [accuracy for accuracy in 'ab']\n\n\ndef nmi(", set()),  # no other accuracy
        ("import linear_sum_assignment", "import linprog as linear_sum_assignment", {"clusters"}),
    ],
)
def test_only_what_is_reached_counts(old, new, changed, tmp_path, monkeypatch):
    cells = ["import tlbook as tl\ntl.clusters.accuracy([0], [0])"]
    before = record.package_digests(cells)
    shutil.copytree(record.ROOT / "tlbook", tmp_path / "tlbook")
    path = tmp_path / "tlbook" / "clusters.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(record, "ROOT", tmp_path)
    after = record.package_digests(cells)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


def test_marker_in_code_is_left_alone():
    text = "Write `**?**<!-- num: any -->`."
    assert register.fill(text, []) == text


# --- The doctor ----------------------------------------------------------------------------------


def test_doctor_says_what_there_is(toy, tmp_path):
    done = tlbook_command(toy, "doctor", TLBOOK_DATA="", KERAS_HOME=str(tmp_path))
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith("Data"))
    assert list(said) == ["Python", "Profile", "Keras", "Versions", "Seed", *data.all_names(), "our"]
    assert said["Python"].startswith(f"{sys.version.split()[0]} on {sys.platform}")
    assert said["Keras"] == "3.0 on tensorflow, computing on the CPU"
    assert "python -m tlbook data fetch mnist" in said["mnist"]


def test_doctor_says_what_is_amiss(toy):
    for path in (toy / "tlbook" / "weights").iterdir():
        path.unlink()
    (toy / "keras.py").write_text("1 / 0")
    done = tlbook_command(toy, "doctor", TLBOOK_DATA="/nowhere", TLBOOK_PROFILE="fast", TLBOOK_SEED="x")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert last_line(done).startswith("tlbook: this machine: ")
    files = ", ".join(name for name in data.all_names() if name not in data.MADE)
    assert f"found Profile, Keras, Seed, Data pack, {files}, our own weights." in last_line(done)
    assert "Keras                  ✗ division by zero" in done.stdout
