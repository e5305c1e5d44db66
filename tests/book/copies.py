"""A copy of the project, and ways to break it: each returns a function that plants one defect in a folder."""

import functools
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from checks import code_of

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "03_kmeans_pseudo_labels"
PARTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "_config.yml", "_toc.yml", "pyproject.toml")
PARTS += ("book", "tlbook")


def copy_project(root: Path) -> None:
    """Copy the whole project, without what was built, and with the times of its files."""
    root.mkdir()
    without = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.h5")
    for part in map(ROOT.joinpath, PARTS):
        if part.is_dir():
            shutil.copytree(part, root / part.name, ignore=without)
        else:
            shutil.copy2(part, root / part.name)


@functools.cache
def _before(check) -> list[str]:
    return check(ROOT)


def planted(defects: dict):
    """Return a test that checks find in a copy what they do not find before, of ``{check: {name: (plant, words)}}``."""
    cases = [pytest.param(check, *each, id=name) for check, of in defects.items() for name, each in of.items()]

    @pytest.mark.parametrize(("check", "plant", "words"), cases)
    def test(check, plant, words, project):
        plant(project)
        new = [problem for problem in check(project) if problem not in _before(check)]
        assert any(words in problem for problem in new), new

    return test


# --- In a chapter --------------------------------------------------------------------------------


def chapter_file(root: Path) -> Path:
    return root / "book" / "chapters" / f"{CHAPTER}.ipynb"


def in_chapter(change):
    """Make a defect of a change to the chapter's notebook."""

    def plant(root):
        notebook = nbformat.read(chapter_file(root), as_version=4)
        change(notebook)
        nbformat.write(notebook, chapter_file(root))

    return plant


def in_code(change):
    """Make a defect of a change to one code cell: the first for which `change` does not return False."""

    def plant(notebook):
        assert any(change(cell) is not False for cell in code_of(notebook)), "no cell to break"

    return in_chapter(plant)


def with_code(text):
    """Make a defect of more code in a cell."""
    return in_code(lambda cell: cell.update(source=cell.source + text))


def shows(*output, **about):
    """Make a defect of an output more, given as to `nbformat.v4.new_output`."""
    return in_code(lambda cell: cell.outputs.append(nbformat.v4.new_output(*output, **about)))


def prints(text, name="stdout"):
    return shows("stream", name=name, text=text)


def output_says(old, new):
    """Make a change to a notebook: another text in the first output of its code that holds `old`."""

    def change(notebook):
        outputs = (output for cell in code_of(notebook) for output in cell.outputs)
        found = next(output for output in outputs if old in output.get("text", ""))
        found.text = found.text.replace(old, new, 1)

    return change


def provenance_says(old, new):
    """Make a change to a notebook: another line of provenance, where the pattern `old` matches."""

    def change(notebook):
        notebook.cells[1].source, count = re.subn(old, new, notebook.cells[1].source, count=1)
        assert count == 1, "nothing to break in the line of provenance"

    return change


def with_cell(cell):
    return in_chapter(lambda notebook: notebook.cells.append(cell))


# --- In other files ------------------------------------------------------------------------------


def in_file(name, old, new):
    """Make a defect of a change to a text: the first match of the pattern `old`."""

    def plant(root):
        path = root / name
        text, count = re.subn(old, new, path.read_text(encoding="utf-8"), count=1)
        assert count == 1, f"nothing to break in {name}"
        path.write_text(text, encoding="utf-8")

    return plant


def appended(name, text):
    def plant(root):
        with open(root / name, "a", encoding="utf-8") as file:
            file.write(text)

    return plant


def in_register(change):
    """Make a defect of a change to the rows of the register."""

    def plant(root):
        path = root / "book" / "reference" / "results.json"
        rows = json.loads(path.read_text(encoding="utf-8"))
        change(rows)
        path.write_text(json.dumps(rows), encoding="utf-8")

    return plant


def first_row(**changes):
    return in_register(lambda rows: rows[0].update(changes))
