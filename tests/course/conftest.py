"""What the tests of coursework share: a machine that can grade, and a small assignment."""

import sys

import nbformat
import pytest
from course_parts import small

from tlbook.course import build, sources
from tlbook.course.sandbox import protected


@pytest.fixture(scope="session")
def sandboxed(not_here):
    """Skip where there is no bubblewrap; fail where everything should be there."""
    if sys.platform != "linux":
        pytest.skip("submissions are graded on Linux")
    if not protected():
        not_here("bubblewrap is not installed, or does not work here")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course's folder with that one assignment, called ``doubling``."""
    folder = tmp_path / "sources" / "doubling"
    folder.mkdir(parents=True)
    nbformat.write(small(), folder / "doubling.ipynb")
    monkeypatch.setattr(sources, "SOURCES", folder.parent)
    build.begin(tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def hand_in(course):
    """Return a function that hands in the release with some cells replaced; answers its path."""

    def put(student, changes=(), change=None):
        notebook = nbformat.read(course / "release" / "doubling" / "doubling.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = dict(changes).get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        notebook = change(notebook) or notebook if change else notebook
        path = course / "submitted" / student / "doubling" / "doubling.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
        return path

    return put
