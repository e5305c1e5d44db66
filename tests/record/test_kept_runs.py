"""Runs that were kept: one that does not fit runs again, or the recording stops, and a line says why."""

import os
import shutil

import pytest
from toy import TOY, in_run, tree

from tlbook import TlbookError
from tlbook.__main__ import main
from tlbook.record import book, runs


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
