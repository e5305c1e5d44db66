"""Commands of `python -m tlbook`: a wish that makes no sense, or an error, ends in one line that says what to do."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest
from toy import TOY, tree

from tlbook import data
from tlbook.__main__ import main
from tlbook.record import paths


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


@pytest.mark.parametrize(
    "options", ["01_toy --agreed", "--stale --agreed", "--prose --fresh", "--stale --fresh", "01_toy --prose"]
)
def test_options_that_would_change_nothing_are_refused(options, toy, inside, capsys):
    inside(toy)
    before = tree(toy)
    assert main(["record", *options.split()]) == 1
    assert "something that would change nothing" in capsys.readouterr().err
    assert tree(toy) == before


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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_command_speaks_to_every_terminal(encoding, toy):
    command = [sys.executable, "-m", "tlbook", "doctor"]
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "TLBOOK_SEED": "x"}
    done = subprocess.run(command, cwd=toy, env=env, capture_output=True)
    assert b"Seed                         ? TLBOOK_SEED: expected a whole number" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["data list", "doctor"])
def test_who_stops_reading_hears_no_error(verb, toy):
    command = f'"{sys.executable}" -m tlbook {verb} | true'
    done = subprocess.run(["sh", "-c", command], cwd=toy, capture_output=True, text=True, timeout=600)
    assert done.stderr == ""


def test_folders_with_spaces_are_quoted_in_the_commands_of_the_recorder(toy, tmp_path, inside, monkeypatch, capsys):
    inside(shutil.copytree(toy, tmp_path / "my book; rm x's"))
    paths.REGISTER.parent.mkdir()
    paths.REGISTER.write_text("no rows")
    assert main(["record", TOY]) == 1
    assert f"git checkout -- {shlex.quote(str(paths.REGISTER))} " in capsys.readouterr().err
