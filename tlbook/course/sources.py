"""The sources of the assignments: a notebook each, with solutions, tests and what only teachers see."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.course import answers
from tlbook.run import TlbookError, require

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "book" / "coursework" / "source"
TEACHER = "teacher"  # the tag of cells that are not handed out
ANSWER = "*Write your answer here.*"


def names() -> list[str]:
    """Return the names of all assignments."""
    return sorted(path.stem for path in SOURCES.glob("*/*.ipynb") if path.stem == path.parent.name)


def some_names() -> list[str]:
    """Return the names of all assignments; `TlbookError` if there are none: archives of the book hold no solutions."""
    do = "clone the repository with git, or ask the authors"
    require(found := names(), str(SOURCES), "the sources of the assignments", "none", do)
    return found


def read_source(name: str):
    """Return the source notebook of an assignment; `TlbookError` if there is none of that name, or it is broken."""
    known = some_names()
    do = f"python -m tlbook course grade FOLDER {known[0]}"
    require(name in known, "assignment", f"one of: {', '.join(known)}", repr(name), do)
    path = SOURCES / name / f"{name}.ipynb"
    try:
        notebook = nbformat.reads(disk.read_text(path), as_version=4)
        nbformat.validate(notebook)
    except Exception as error:
        found = " ".join(str(error).split())[:200]
        raise TlbookError(str(path), "a notebook", found, f"git checkout -- {path}") from error
    return notebook


def settings(notebook) -> dict:
    """Return what an assignment says of itself: minutes for a student, files it hides and seconds when graded."""
    return {"minutes": 90, "hidden": [], "seconds": 600, **notebook.metadata.get("tlbook_course", {})}


def is_test(cell) -> bool:
    """Return whether a cell holds tests."""
    about = cell.metadata.get("nbgrader", {})
    return bool(about.get("grade")) and not about.get("solution")


def prepared(source):
    """Return a source as nbgrader takes it: without the teacher's cells, and each other cell with a name and locked.

    A cell that nobody may change can be told from one that was added, and be put back where it was deleted. Tests run
    on their own at home too: what they call `x` is not what the notebook calls `x`.
    """
    notebook = nbformat.from_dict(source)
    notebook.cells = [cell for cell in notebook.cells if TEACHER not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(notebook.cells):
        if "nbgrader" not in cell.metadata:
            about = {"grade": False, "solution": False, "locked": True, "schema_version": 3}
            about |= {"grade_id": f"given-{number:02}", "cell_type": cell.cell_type}
            cell.metadata["nbgrader"] = about
        if is_test(cell):
            cell.source = f"{answers.MAGIC}\n{cell.source}"
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("tlbook_course", None)
    return notebook


def problems(name: str) -> list[str]:
    """Say what in a source would go wrong in class: tests that lean on other cells, points that are missing."""
    source, wrong, seen = read_source(name), [], set()
    for cell in source.cells:
        about = cell.metadata.get("nbgrader")
        if about is None or TEACHER in cell.metadata.get("tags", []):
            continue
        own = about["grade_id"]
        wrong += [f"{name}: {own} is there twice"] if own in seen else []
        seen.add(own)
        if about["grade"] and not about.get("points"):
            wrong.append(f"{name}: {own} has no points")
        if about["solution"] and cell.cell_type == "code" and "### BEGIN SOLUTION" not in cell.source:
            wrong.append(f"{name}: {own} has no  ### BEGIN SOLUTION")
        if is_test(cell):
            free = sorted(_free(cell.source) - {"answers"})
            wrong += [f"{name}: {own} uses {', '.join(free)}, which its cell does not define"] if free else []
    return wrong


def _imported(code: str) -> set[str]:
    """Return the names that code imports."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name.partition(".")[0] for node in nodes for alias in node.names}


def _free(code: str) -> set[str]:
    """Return the names that code uses and does not define: when it is graded, there are no other cells around it."""
    tree = ast.parse(code)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}
    bound |= _imported(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        if isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return {node.id for node in nodes} - bound - set(dir(builtins))
