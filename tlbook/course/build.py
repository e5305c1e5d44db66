"""A course's folder: made from the sources of the assignments, and brought up to date."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.course import config, sources
from tlbook.run import require

CONFIG = '''"""Read by nbgrader in this folder: how assignments are handed out and graded. Written by tlbook."""

from tlbook.course.config import configure

configure(get_config())  # noqa: F821, nbgrader provides it
'''


def begin(course: Path) -> list[str]:
    """Make a course's folder, or bring its assignments up to date: configuration, sources, gradebook, releases.

    What students handed in and every grade stay as they are. Returns the names of the assignments. `TlbookError` if
    the folder holds something else, or a source would go wrong in class.
    """
    from nbgrader.apps import NbGraderAPI

    strange = course.exists() and any(course.iterdir()) and not (course / "nbgrader_config.py").is_file()
    do = "name a new folder"
    require(not strange, str(course), "a new folder, or one of a course", "one with other files", do)
    wrong = [each for name in sources.some_names() for each in sources.problems(name)]
    require(not wrong, "assignments", "sources that work in class", "; ".join(wrong[:5]), "mend them")
    contents = {course / "nbgrader_config.py": CONFIG}
    for name in sources.names():
        notebook = sources.prepared(sources.read_source(name))
        contents[course / "source" / name / f"{name}.ipynb"] = nbformat.writes(notebook) + "\n"
        for path in sorted((sources.SOURCES / name).rglob("*")):
            if path.is_file() and path.suffix != ".ipynb":
                contents[course / "source" / name / path.relative_to(sources.SOURCES / name)] = path.read_bytes()
    disk.write(contents)
    api = NbGraderAPI(config=config.of(course))
    for name in sources.names():
        said = api.generate_assignment(name, force=True, create=True)
        require(said["success"], name, "a release", last_line(said), "mend the source of the assignment")
    return sources.names()


def last_line(said: dict) -> str:
    """Return what matters of an nbgrader command that failed."""
    lines = [line for line in f"{said.get('log', '')}\n{said.get('error', '')}".splitlines() if line.strip()]
    return re.sub(r"\x1b\[[\d;]*m", "", lines[-1])[:300] if lines else "no word"
