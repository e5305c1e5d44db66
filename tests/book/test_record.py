"""The recorder, on a project with one small chapter and with real kernels."""

import asyncio
import functools
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import active
import checks
import nbformat
import pytest
from copies import ROOT, TOY, change_toy, last_line, make_toy, tlbook_command, tree

from tlbook import TlbookError, data, disk
from tlbook.__main__ import main
from tlbook.record import book, code, pages, paths, register, runs
from tlbook.record.alone import alone
from tlbook.record.code import code_digest

FULL = {"TLBOOK_PROFILE": "full"}


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


def interrupted_in_second_seed(root, which=signal.SIGINT):
    """Start recording two seeds, and stop it with Ctrl-C, or another signal, while the second one runs."""
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
    while not first.is_file() and running.poll() is None and time.monotonic() - began < 300:
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(which)
    stdout, stderr = running.communicate(timeout=300)
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
    done = tlbook_command(toy, "data", "list")
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
    # Three seeds are asked for, and the toy has two; one of its claims is left to luck, and no sentence is about it.
    others = (checks.results, checks.imports_go_up, checks.claims_recorded, checks.sentences)
    passed = [check for check in checks.ALL if check not in others]
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
        ("data verify mnist", {"TLBOOK_DATA": "/nowhere"}, ["TLBOOK_DATA=/nowhere", "nothing there"]),
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
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path)
    assert main(["record", "01_bad"]) == 1
    assert "01_bad.ipynb: expected a notebook of Python code; found " in capsys.readouterr().err


def test_the_profile_of_the_book_is_full_whatever_is_asked_for(recorded):
    rows = json.loads((recorded["root"] / "book" / "reference" / "results.json").read_text())
    assert os.environ["TLBOOK_PROFILE"] == "quick"  # of this process, and so of the interrupted recording
    assert {row["profile"] for row in rows} == {"full"}


# --- What is found before the first cell runs ----------------------------------------------------


def folder_that_is_none(toy):
    """Put files where folders are needed (the tests may run as root, whom no permission stops)."""
    shutil.rmtree(toy / "_build", ignore_errors=True)
    (toy / "_build").write_text("no folder")


def bad_page(toy):
    (toy / "book" / "page.md").write_bytes(b"caf\xe9")


def bad_register(text):
    def plant(toy):
        (toy / "book" / "reference").mkdir(exist_ok=True)
        (toy / "book" / "reference" / "results.json").write_text(text)

    return plant


def pipe_for_a_register(toy):
    (toy / "book" / "reference").mkdir(exist_ok=True)
    os.mkfifo(toy / "book" / "reference" / "results.json")


def no_reference_folder(toy):
    (toy / "book" / "reference").write_text("no folder")


def folder_named(name):
    def plant(toy):
        (toy / name).mkdir(parents=True)

    return plant


def other_chapter_is_none(toy):
    (toy / "book" / "chapters" / "02_bad.ipynb").write_text("[]")


ROW = {"chapter": "02_x", "name": "x", "unit": "fraction", "profile": "full", "dataset": "MNIST"}
ROW |= {"mean": 0.5, "sd": 0.5**0.5, "seeds": [0, 1], "values": [0.0, 1.0]}
ODD_ROWS = (
    {"seeds": [0]},
    {"seeds": [0, True]},
    {"seeds": [0, 0]},
    {"values": [False, True]},
    {"mean": True},
    {"mean": 0.6},
    {"sd": 0.0},
)


def test_a_row_that_is_whole_is_read(toy, inside):
    bad_register(json.dumps([ROW]))(inside(toy))
    assert register.rows() == [ROW]


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (folder_that_is_none, "_build/record: expected a folder that can be written to"),
        (no_reference_folder, "book/reference: expected a folder that can be written to"),
        (bad_page, "page.md: expected text in UTF-8"),
        (bad_register("<<<<<<< HEAD\n[]\n"), "results.json: expected the rows that the recorder wrote"),
        (bad_register('[{"chapter": "01_toy"}]'), "results.json: expected the rows that the recorder wrote"),
        (bad_register("[" * 100_000), "results.json: expected the rows that the recorder wrote"),
        (pipe_for_a_register, "results.json: expected a file that can be read; found a pipe"),
        (other_chapter_is_none, "02_bad.ipynb: expected a notebook of Python code"),
        (folder_named("book/figures/story.svg"), "story.svg: expected a file that can be read and written"),
        (folder_named("book/reference/results.md"), "results.md: expected a file that can be read and written"),
        (folder_named("book/reference/results.json"), "results.json: expected a file that can be read; found a folder"),
        (folder_named("book/guide/page.md"), "page.md: expected a file that can be read; found a folder"),
        (folder_named(f"_build/record/{TOY}-seed-0.ipynb"), f"{TOY}-seed-0.ipynb: expected a file that can be read"),
        (bad_register(json.dumps([ROW, ROW])), "found 02_x.x twice"),
        *((bad_register(json.dumps([ROW | odd])), "expected the rows that the recorder wrote") for odd in ODD_ROWS),
    ],
)
def test_what_would_stop_the_writing_is_found_before_a_cell_runs(plant, words, toy, inside, capsys):
    plant(inside(toy))
    assert main(["record", TOY]) == 1
    said = capsys.readouterr()
    assert words in said.err and said.out == ""


def test_a_folder_for_one_run_is_tried_before_a_cell_runs(toy, inside, capsys):
    out = inside(toy) / "README.md"
    assert main(["record", TOY, "--seed", "0", "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"tlbook: {out}: expected a folder that can be written to") and said.out == ""


@pytest.mark.parametrize("seeds", ["0,1", "3-1", "x", "0-9999999999", "0-", "-1", "", "0-100", "4294967296", "1-2-3"])
def test_seeds_that_are_none_are_refused(seeds, capsys):
    assert main(["record", "01_transfer_concepts", f"--seeds={seeds}"]) == 1
    assert capsys.readouterr().err.startswith("tlbook: --seeds: expected a whole number up to 4294967295, or the first")


@pytest.mark.parametrize("seed", ["-1", "x", "0-1", "4294967296"])
def test_a_seed_that_is_none_is_refused(seed, capsys):
    assert main(["record", "01_transfer_concepts", f"--seed={seed}"]) == 1
    assert capsys.readouterr().err.startswith("tlbook: --seed: expected a whole number up to 4294967295; found")


def test_a_folder_without_a_seed_is_no_wish(capsys):
    assert main(["record", "01_transfer_concepts", "--out", "x"]) == 1
    assert "--out: expected --seed beside it" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["record --prose", "record --stale", "record 01_toy", "record 01_toy --seed 0"])
def test_outside_of_the_project_nothing_is_recorded(verb, toy, inside, capsys):
    (inside(toy) / "_toc.yml").unlink()
    before = tree(toy)
    assert main(verb.split()) == 1
    said = capsys.readouterr()
    assert "expected the book's folder, with _toc.yml and book/chapters" in said.err and said.out == ""
    assert tree(toy) == before


def test_a_folder_without_files_is_no_data_pack(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TLBOOK_DATA", "~")
    assert main(["data", "verify", "mnist"]) == 1
    assert "TLBOOK_DATA=~: expected a folder with the data pack" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["TLBOOK_DATA", "TLBOOK_CACHE", "TLBOOK_STORE", "--out"])
def test_a_folder_of_nobody_is_not_made(name, toy, inside, monkeypatch, capsys):
    inside(toy)
    monkeypatch.chdir(toy)
    before, nobody = tree(toy), "~nouser/x"
    if name != "--out":
        monkeypatch.setenv(name, nobody)
    if name == "TLBOOK_CACHE":
        monkeypatch.delenv("TLBOOK_STORE", raising=False)
    assert main(["record", "01_toy", "--seed", "0", "--out", nobody if name == "--out" else "_build"]) == 1
    said = capsys.readouterr().err
    assert f"{name}: expected a folder of a user whom this system knows; found {nobody}" in said
    assert tree(toy) == before and not (toy / "~nouser").exists()


@pytest.mark.parametrize(
    "options", ["01_toy --agreed", "--stale --agreed", "--prose --fresh", "--stale --fresh", "01_toy --prose"]
)
def test_options_that_would_change_nothing_are_refused(options, toy, inside, capsys):
    inside(toy)
    before = tree(toy)
    assert main(["record", *options.split()]) == 1
    assert "something that would change nothing" in capsys.readouterr().err
    assert tree(toy) == before


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_command_speaks_to_every_terminal(encoding, toy):
    command = [sys.executable, "-m", "tlbook", "doctor"]
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "TLBOOK_SEED": "x"}
    done = subprocess.run(command, cwd=toy, env=env, capture_output=True)
    assert b"Seed                   ? TLBOOK_SEED: expected a whole number" in done.stdout
    assert b"Traceback" not in done.stderr


# --- Files of the project that a merge or an editor spoiled ----------------------------------------

SUMS = "tlbook/weights/SHA256SUMS"


def spoiled(name, kind):
    def plant(toy):
        path = toy / name
        if kind == "pipe":
            path.unlink()
            os.mkfifo(path)
            return
        added = {"merge": b"<<<<<<< HEAD\n", "not UTF-8": b"\n# caf\xe9\n", "null": b"\nx = 1\0\n"}[kind]
        path.write_bytes(path.read_bytes() + added)

    return plant


def chapters_metadata(value):
    def plant(toy):
        path = toy / "book" / "chapters" / f"{TOY}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["metadata"]["tlbook"] = value
        path.write_text(json.dumps(notebook), encoding="utf-8")

    return plant


def cells_metadata(value):
    def plant(toy):
        path = toy / "book" / "chapters" / f"{TOY}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"][1]["metadata"]["mystnb"] = value
        path.write_text(json.dumps(notebook), encoding="utf-8")

    return plant


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (spoiled(SUMS, "merge"), "SHA256SUMS: expected a SHA-256 and a name in each line; found '<<<<<<< HEAD'"),
        (spoiled(SUMS, "not UTF-8"), "SHA256SUMS: expected text in UTF-8"),
        (spoiled(SUMS, "pipe"), "SHA256SUMS: expected a file that can be read; found a pipe"),
        (lambda toy: (toy / SUMS).unlink(), "SHA256SUMS: expected a file that can be read; found no such file"),
        (spoiled("tlbook/plots.py", "merge"), "plots.py: expected a file of Python; found invalid syntax"),
        (spoiled("tlbook/plots.py", "null"), "plots.py: expected a file of Python; found "),
        (spoiled("tlbook/plots.py", "not UTF-8"), "plots.py: expected text in UTF-8"),
        (spoiled("tlbook/plots.py", "pipe"), "plots.py: expected a file that can be read; found a pipe"),
        (chapters_metadata([]), "found metadata.tlbook that no recorder wrote"),
        (chapters_metadata("x"), "found metadata.tlbook that no recorder wrote"),
        (chapters_metadata({"package": ["x"]}), "found metadata.tlbook that no recorder wrote"),
        (cells_metadata(None), "found cell.metadata.mystnb that is no table of settings"),
    ],
)
@pytest.mark.parametrize("verb", ["record --stale", f"record {TOY}"])
def test_a_spoiled_file_is_one_line_before_a_cell_runs(plant, words, verb, toy, inside, capsys):
    plant(inside(toy))
    assert main(verb.split()) == 1
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("others.toml", "merge", "others.toml: expected a table in TOML; found "),
        ("others.toml", "not UTF-8", "others.toml: expected text in UTF-8"),
        ("references.bib", "not UTF-8", "references.bib: expected text in UTF-8"),
        ("references.bib", "pipe", "references.bib: expected a file that can be read; found a pipe"),
        ("sentences.txt", "not UTF-8", "sentences.txt: expected text in UTF-8"),
    ],
)
def test_a_spoiled_file_beside_the_sentences_is_one_line(name, kind, words, toy, inside, capsys):
    folder = inside(toy) / "book" / "reference"
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    spoiled(f"book/reference/{name}", kind)(toy)
    assert main(["record", "--prose"]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


@pytest.mark.parametrize("marked", ["__99 %__", "99 %", "<b>99 %</b>", "_99 %_", "**99\n%**"])
def test_a_marker_without_a_number_that_can_be_written_anew_is_refused(marked, toy, inside, capsys):
    page = inside(toy) / "README.md"
    page.write_text(f"It is {marked}<!-- num: {TOY}.toy_acc -->.\n")
    before = tree(toy)
    for how in ("--prose", TOY):  # before a cell runs
        assert main(["record", how]) == 1
        said = capsys.readouterr()
        assert f"{page}: expected a number in ** before each marker" in said.err and said.out == ""
    assert tree(toy) == before


def test_empty_lines_in_the_list_of_weights_are_no_fault(toy, inside):
    cells = ["from tlbook.backbones import small_cnn"]
    before = code.package_digests(cells)
    path = inside(toy) / SUMS
    path.write_text("\n" + path.read_text() + "\n")
    assert code.package_digests(cells) == before


@pytest.mark.parametrize(("name", "kind"), [("data.py", "merge"), ("disk.py", "merge"), ("glyphs.py", "null")])
def test_a_spoiled_part_of_the_package_is_one_line_too(name, kind, toy):
    spoiled(f"tlbook/{name}", kind)(toy)
    done = tlbook_command(toy, "data", "list")
    assert done.returncode == 1
    assert done.stderr.startswith("tlbook: ") and done.stderr.count("\n") == 1
    assert "To mend it: " in done.stderr
    done = tlbook_command(toy, "doctor")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Seed                   0" in done.stdout  # the rest is still said
    assert any(line.startswith("data sets              ✗") for line in done.stdout.splitlines())


def test_the_doctor_goes_on_after_a_broken_list_of_data_sets(toy):
    (toy / "tlbook" / "files.toml").write_text("<<<<<<< HEAD\n")
    done = tlbook_command(toy, "doctor")
    assert done.returncode == 1
    said = {line[:22].strip(): line[23:] for line in done.stdout.splitlines()}
    assert "files.toml: expected the list of data sets that was shipped" in said["data sets"]
    assert said["Seed"] == "0" and "our own weights" in said


@pytest.mark.parametrize("asked", [True, False])
def test_an_error_that_nobody_expected_asks_for_a_report(asked, monkeypatch, capsys):
    def odd(_):
        raise LookupError("of a kind\nthat nobody knows")

    monkeypatch.setattr(data, "all_names", lambda: odd(0))
    monkeypatch.setenv("TLBOOK_TRACEBACK", "1" if asked else "")
    assert main(["data", "list"]) == 1
    *before, last = capsys.readouterr().err.splitlines()
    words = (
        "tlbook: tlbook itself: expected to finish; found LookupError: of a kind that nobody knows. To mend it: report"
    )
    assert last.startswith(words)
    assert bool(before) == asked == ("Traceback (most recent call last):" in before)


def test_the_help_names_the_way_to_more_words(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "TLBOOK_TRACEBACK=1" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["data list", "doctor"])
def test_who_stops_reading_hears_no_error(verb, toy):
    command = f'"{sys.executable}" -m tlbook {verb} | true'
    done = subprocess.run(["sh", "-c", command], cwd=toy, capture_output=True, text=True, timeout=600)
    assert done.stderr == ""


def test_the_doctor_works_where_standard_error_is_closed(toy):
    command = f'exec "{sys.executable}" -m tlbook doctor 2>&-'
    done = subprocess.run(["sh", "-c", command], cwd=toy, capture_output=True, text=True, timeout=600)
    assert "Keras                  3.0 on tensorflow" in done.stdout


def test_folders_with_spaces_are_quoted_in_the_commands_of_the_recorder(toy, tmp_path, inside, monkeypatch, capsys):
    root = inside(shutil.copytree(toy, tmp_path / "my book; rm x's"))
    bad_register("x")(root)
    assert main(["record", TOY]) == 1
    assert f"git checkout -- {shlex.quote(str(paths.REGISTER))} " in capsys.readouterr().err


# --- Runs that were kept -------------------------------------------------------------------------


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


def in_run(change, seed=1):
    """Make a defect of a change to a kept run."""

    def plant(runs):
        run = json.loads((runs / f"{TOY}-seed-{seed}.json").read_text())
        change(run)
        (runs / f"{TOY}-seed-{seed}.json").write_text(json.dumps(run))

    return plant


def of_another_library(run):
    run["versions"]["numpy"] = "1.0"


def of_another_backend(run):
    run["machine"]["backend"] = "jax"


def on_another_device(run):
    run["machine"]["device"] = "gpu"


def of_other_data(run):
    run["data"]["MNIST"] = 64 * "0"


def in_other_units(run):
    run["about"]["toy_acc"]["unit"] = "seconds"


def of_another_set(run):
    run["about"]["toy_acc"]["dataset"] = "MNIST"


def out_of_range(run):
    run["numbers"]["toy_acc"] = 51.3


def not_finite(run):
    run["numbers"]["toy_acc"] = float("nan")


def with_a_number_more(run):
    run["numbers"]["more"], run["about"]["more"] = 0.5, run["about"]["toy_acc"]


def of_another_seed(runs):
    for ending in ("json", "ipynb"):
        shutil.copy(runs / f"{TOY}-seed-0.{ending}", runs / f"{TOY}-seed-1.{ending}")


def half(name):
    def plant(runs):
        text = (runs / name).read_text()
        (runs / name).write_text(text[: len(text) // 2])

    return plant


def a_pipe(runs):
    (runs / f"{TOY}-seed-1.json").unlink()
    os.mkfifo(runs / f"{TOY}-seed-1.json")


def older_and_odd(change):
    """Make a defect of a change to the run that is not the newest, and so is not the measure."""

    def plant(runs):
        in_run(change, seed=0)(runs)
        os.utime(runs / f"{TOY}-seed-0.json", (1, 1))

    return plant


ODD_RUNS = (
    lambda run: run["claims"].update({"it is above zero": "no"}),
    lambda run: run["claims"].update({"it is above zero": 1}),
    lambda run: run.update(date="<script>"),
    lambda run: run.update(date="2026-99-01"),
    lambda run: run.update(seconds=True),
    lambda run: run.update(seconds=float("nan")),
    lambda run: run.update(megabytes=-1),
    lambda run: run["machine"].update(cores="<b>"),
    lambda run: run["machine"].update(cores=True),
    lambda run: run["data"].update({"rendered letters": "<script>"}),
    lambda run: run["data"].update({"<script>": 64 * "0"}),
)


@pytest.mark.parametrize(
    ("plant", "seed", "words"),
    [
        (in_run(of_another_library), 1, "its versions"),
        (in_run(out_of_range), 1, "found 51.3"),
        (in_run(not_finite), 1, "found nan"),
        (in_run(lambda run: run.update(seed=0)), 1, "its seed"),
        (in_run(lambda run: run.update(profile="quick")), 1, "its profile"),
        (in_run(lambda run: run.update(chapter="02_other")), 1, "its chapter"),
        (in_run(lambda run: run.pop("claims")), 1, "KeyError: 'claims'"),
        (in_run(lambda run: run.update(numbers=[])), 1, "its file: AttributeError"),
        *((in_run(change), 1, "its file: ") for change in ODD_RUNS),
        (of_another_seed, 1, "its seed"),
        (half(f"{TOY}-seed-1.json"), 1, "its file: JSONDecodeError"),
        (half(f"{TOY}-seed-0.ipynb"), 0, "expected a notebook of Python code"),
        (lambda runs: (runs / f"{TOY}-seed-0.ipynb").unlink(), 0, "no such file"),
        (a_pipe, 1, "a pipe or a device"),
        (older_and_odd(of_another_backend), 0, "its backend"),
        (older_and_odd(on_another_device), 0, "its device"),
        (older_and_odd(of_other_data), 0, "its data"),
    ],
)
def test_a_run_that_does_not_fit_runs_again_and_one_line_says_why(plant, seed, words, again, capsys):
    root, ran = again
    before = tree(root)
    plant(root / "_build" / "record")
    book.record(TOY, [0, 1])
    assert ran == [seed]
    said = capsys.readouterr().out
    assert said.startswith(f"{TOY}-seed-{seed} runs again, because ") and said.count("\n") == 1
    assert words in said
    assert tree(root) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (in_other_units, "('toy_acc', {'unit': 'seconds'"),
        (of_another_set, "'dataset': 'MNIST'"),
        (with_a_number_more, "in some only: ('more', "),
        (lambda run: run["claims"].update({"more": True}), "in some only: more."),
    ],
)
def test_what_the_same_code_says_in_some_seeds_only_is_named_and_runs_nothing_again(change, words, again, capsys):
    root, ran = again
    before = tree(root)
    older_and_odd(change)(root / "_build" / "record")
    assert main(["record", TOY, "--seeds", "0-1"]) == 1
    said = capsys.readouterr().err
    assert ran == [] and words in said and "the same numbers and claims in every seed" in said
    assert tree(root) == before


def test_a_chapter_that_is_being_recorded_is_not_recorded_twice(again, capsys):
    root, ran = again
    before = tree(root)
    with alone(paths.RUNS / f"{TOY}.lock"):
        assert main(["record", TOY]) == 1
    assert f"tlbook: {TOY}: expected one recording at a time; found another one" in capsys.readouterr().err
    assert ran == [] and tree(root) == before


def test_who_writes_the_book_waits_for_another_and_keeps_what_that_one_wrote(again):
    writing = threading.Thread(target=book.record, args=(TOY, [0, 1]))
    with alone(paths.RUNS / "book.lock"):
        writing.start()
        writing.join(5)
        assert writing.is_alive()
        rows = json.loads(paths.REGISTER.read_text(encoding="utf-8"))
        paths.REGISTER.write_text(json.dumps([*rows, ROW]), encoding="utf-8")  # of another chapter
    writing.join(60)
    assert not writing.is_alive()
    assert [row["chapter"] for row in register.rows()] == [TOY, "02_x"]


def test_letters_are_drawn_anew_for_each_seed_and_may_differ(again):
    root, ran = again
    in_run(lambda run: run["data"].update({"rendered letters": 64 * "0"}))(root / "_build" / "record")
    book.record(TOY, [0, 1])
    assert ran == []


def test_new_runs_that_do_not_fit_each_other_are_not_recorded(again, monkeypatch):
    root, _ = again
    before, real = tree(root), runs.run_seed

    def other_each_time(chapter, seed, out):
        run = real(chapter, seed, out)
        return run | {"data": {"MNIST": str(seed)}}

    monkeypatch.setattr(runs, "run_seed", other_each_time)
    shutil.rmtree(root / "_build")
    with pytest.raises(TlbookError, match="expected the same for all seeds; found other data"):
        book.record(TOY, [0, 1])
    assert tree(root) == before


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


# --- A replay ------------------------------------------------------------------------------------


def test_a_replay_computes_a_seed_anew_and_agrees(recorded, tmp_path):
    root = shutil.copytree(recorded["root"], tmp_path / "replay")
    before = tree(root)
    done = tlbook_command(root, "record", TOY, "--replay")
    assert done.returncode == 0, done.stderr
    assert f"{TOY}: all 1 numbers of seed 0 as recorded" in done.stdout
    assert tree(root) == before


def test_a_replay_finds_a_number_that_was_not_measured_and_tells_of_claims(again, monkeypatch, capsys):
    _, ran = again
    real = runs.run_seed

    def other(chapter, seed, out, **how):
        assert how == {"fresh": True}
        run = real(chapter, seed, out)
        run["claims"]["it is above zero"] = False
        run["numbers"]["toy_acc"] += added
        return run

    monkeypatch.setattr(runs, "run_seed", other)
    added = 0
    assert main(["record", "--replay"]) == 0
    assert "false this time: it is above zero" in capsys.readouterr().out
    added = 1e-9
    assert main(["record", "--replay"]) == 1
    said = capsys.readouterr().err
    assert ran == [0, 0] and f"{TOY}: 1 of 1 numbers: expected what was recorded; found toy_acc: 0." in said


def test_what_was_never_recorded_has_no_replay(toy, inside, capsys):
    inside(toy)
    assert main(["record", TOY, "--replay"]) == 1
    assert "expected a chapter that was recorded" in capsys.readouterr().err


# --- What is not computed again ------------------------------------------------------------------


def dear_toy(toy):
    """Have the toy's number come from K-means, of which its store believes that it takes a minute."""
    dear = "from sklearn.cluster import KMeans\n\nrows = np.random.rand(100, 10)\n"
    dear += "value = float(KMeans(3, n_init=1, random_state=0).fit(rows).inertia_ % 1)"
    change_toy(toy, "value = float(np.random.rand())", dear)
    path, measured = toy / "tlbook" / "record" / "calls.py", "seconds = time.perf_counter() - computing"
    text = path.read_text(encoding="utf-8")
    assert text.count(measured) == 1
    path.write_text(text.replace(measured, f"{measured} + 60 * (function.__qualname__ == 'KMeans.fit')"))


def one_run(toy, out, *arguments):
    done = tlbook_command(toy, "record", TOY, "--seed", "0", "--out", str(out), *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads((out / f"{TOY}-seed-0.json").read_text()), done.stdout


def test_a_second_recording_computes_nothing_and_says_what_it_would_have_cost(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBOOK_STORE", str(tmp_path / "store"))
    dear_toy(toy)
    first, said = one_run(toy, tmp_path / "first")
    assert first["store"]["answered"] == 0 and first["store"]["why"] == {"KMeans.fit: new": 1}
    assert " s (as computed: " in said and "; 0 answers, 1 computed)" in said
    assert [cell[::2] for cell in first["cells"]] == [
        [1, "import numpy as np"],
        [2, "from sklearn.cluster import KMeans"],
        [3, 'tl.claim("it is above zero", value > 0)'],
        [4, 'tl.plots.gallery(d.x_train[:2], "ab", title="Two", alt="Two letters in a row", columns=2)'],
    ]
    change_toy(toy, 'print("other = 3")', 'print("other = 4")')
    second, said = one_run(toy, tmp_path / "second")
    assert "; 1 answers, 0 computed)" in said
    assert second["numbers"] == first["numbers"] and second["claims"] == first["claims"]
    assert second["seconds"] > second["store"]["seconds"] + 30
    assert runs.alike(second) | {"code": 0} == runs.alike(first) | {"code": 0}
    fresh, said = one_run(toy, tmp_path / "fresh", "--fresh")
    assert "; 0 answers, 1 computed)" in said
    assert fresh["numbers"] == first["numbers"]


def test_a_run_that_was_answered_runs_again_where_all_shall_be_computed(again, capsys):
    root, ran = again
    in_run(lambda run: run["store"].update(answered=3))(root / "_build" / "record")
    book.record(TOY, [0, 1])
    assert ran == []
    book.record(TOY, [0, 1], fresh=True)
    assert ran == [1]
    assert "because what was kept differs in its answers from the store" in capsys.readouterr().out


# --- Parts of it, in this process ----------------------------------------------------------------


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
    assert set(code.package_digests(["import tlbook as tl\ntl.start('a')\ntl.number('b', 1)"])) == {
        "arguments",
        "claims",
        "run",
    }
    through = code.package_digests(["import tlbook as tl\ntl.features.extract"])
    assert {"features", "run"} <= set(through)
    assert "weights" in code.package_digests(["from tlbook.backbones import small_cnn"])


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("def nmi(", "def of_no_use():\n    return 1\n\n\ndef nmi(", set()),  # new, and nobody's business yet
        ("metrics.normalized_mutual_info_score", "metrics.mutual_info_score", set()),  # not used by this code
        ("float(np.mean(rename(", "float(np.median(rename(", {"clusters"}),  # used
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
    before = code.package_digests(cells)
    shutil.copytree(paths.ROOT / "tlbook", tmp_path / "tlbook")
    path = tmp_path / "tlbook" / "clusters.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    after = code.package_digests(cells)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


def test_names_in_the_register_are_no_markdown_on_its_page():
    row = {"chapter": "01_toy", "name": "a`<b>", "unit": "fraction", "profile": "full", "mean": 0.5, "sd": 0.0}
    row |= {"dataset": "<script>alert(1)</script> | [x](y) {raw}`z` *a*", "seeds": ["<i>"], "values": [0.5]}
    page = pages.results_page([row])
    assert active.found(page) == []
    assert not {"<", "[x]", "`z", "*a"} & {page[i : i + n] for i in range(len(page)) for n in (1, 2, 3)}
    assert page.splitlines()[-1].count("|") == 9


def test_marker_in_code_is_left_alone():
    text = "Write `**?**<!-- num: any -->`."
    assert pages.fill(text, []) == text


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
    files = ", ".join(name for name in data.all_names() if name not in (*data.MADE, "mnist_small"))
    assert f"found Profile, Keras, Seed, Data pack, {files}." in last_line(done)
    keras = next(line for line in done.stdout.splitlines() if line.startswith("Keras "))
    assert "ZeroDivisionError: division by zero. To mend it: " in keras
    assert "our own weights        not looked at without Keras" in done.stdout
    assert all("To mend it: " in line for line in done.stdout.splitlines() if "✗" in line)


def test_doctor_blames_a_missing_library_and_says_how_to_get_it(toy):
    (toy / "keras.py").write_text("raise ModuleNotFoundError(\"No module named 'keras'\", name='keras')")
    (toy / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')")
    done = tlbook_command(toy, "doctor", KERAS_BACKEND="")
    assert done.returncode == 1
    said = {line[:22].strip(): line[23:] for line in done.stdout.splitlines()}
    assert said["Keras"].startswith("✗ Keras: expected a Python with the book's packages; found no Keras in /")
    assert all("source .venv/bin/activate" in said[name] for name in ("Keras", "Data pack", "data sets"))
    assert "Traceback" not in done.stderr


def test_doctor_says_that_a_setting_of_keras_is_wrong(toy):
    text = (toy / "keras.py").read_text()
    (toy / "keras.py").write_text(text.replace("channels_last", "channels_first"))
    done = tlbook_command(toy, "doctor")
    assert done.returncode == 1
    assert "✗ image_data_format: expected channels_last; found channels_first. To mend it: write" in done.stdout


def test_doctor_says_that_quick_is_what_runs_unless_full_is_asked_for(toy):
    done = tlbook_command(toy, "doctor", TLBOOK_PROFILE="")
    assert "Profile                quick, since TLBOOK_PROFILE is not set" in done.stdout
    assert "TLBOOK_PROFILE=full make lab" in done.stdout
