"""Files of the project that a merge or an editor spoiled: one line says which, and how to mend it."""

import json
import os

import pytest
from toy import TOY, tlbook_command

from tlbook.__main__ import main
from tlbook.record import code

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
    assert "Seed                         0" in done.stdout  # the rest is still said
    assert any(line.startswith("data sets                    ✗") for line in done.stdout.splitlines())
