"""What would stop the writing hours later is found before the first cell runs."""

import json
import os
import shutil

import pytest
from toy import ROW, TOY, tree

from tlbook.__main__ import main
from tlbook.record import paths, register


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


def test_a_file_that_is_no_notebook(tmp_path, monkeypatch, capsys):
    (tmp_path / "01_bad.ipynb").write_text("{")
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path)
    assert main(["record", "01_bad"]) == 1
    assert "01_bad.ipynb: expected a notebook of Python code; found " in capsys.readouterr().err


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
