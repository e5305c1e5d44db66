"""The teacher's kit: what is handed out, and what is not."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.course import build, slides, sources
from tlbook.record import code, paths
from tlbook.run import require

QUIZZES = sources.SOURCES.parent / "quiz"
STYLE = "body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.5 sans-serif; } \
table { border-collapse: collapse; } td, th { border: 1px solid #999; padding: 0.2rem 0.6rem; } \
details { margin: 0.5rem 0 1.5rem; } pre { background: #f4f4f4; padding: 0.6rem; overflow-x: auto; }"
MARK = "KIT.txt"  # by which a folder of an earlier edition is known
STUB = "# Your solution here"
MINUTES = re.compile(r"^\|.*\|$", re.MULTILINE)


def without_solutions(notebook):
    """Return a chapter as students get it for homework: its solutions empty, nothing run yet."""
    kept, solution = nbformat.from_dict(notebook), False
    for cell in kept.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if cell.source.startswith("# Solution"):
                cell.source, solution = STUB, True
            elif "hide-cell" in cell.metadata.get("tags", []) and solution:
                cell.source = ""  # the solution's second cell
        else:
            solution = False
    kept.cells = [cell for cell in kept.cells if cell.source]
    kept.metadata.pop("tlbook", None)
    return kept


def notes(name: str) -> str:
    """Return what only teachers see of an assignment, as Markdown: parts with minutes, model answers, rubrics."""
    source, parts = sources.read_source(name), []
    for cell in source.cells:
        about = cell.metadata.get("nbgrader", {})
        if sources.TEACHER in cell.metadata.get("tags", []):
            parts.append(cell.source)
        elif cell.cell_type == "markdown" and about.get("solution"):
            parts.append(f"**Model answer**, `{about['grade_id']}`, {about['points']} points by hand\n\n{cell.source}")
        elif cell.cell_type == "markdown":
            table = "\n".join(MINUTES.findall(cell.source))
            headings = "\n\n".join(line for line in cell.source.splitlines() if line.startswith("#"))
            parts += [part for part in (headings, table) if part]
        elif about.get("grade"):
            parts.append(f"Tests `{about['grade_id']}`: {about['points']} points")
    return "\n\n".join(parts)


def page(title: str, text: str) -> str:
    """Return Markdown as a page of HTML that needs nothing else."""
    from nbconvert.filters import markdown2html

    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = markdown2html(text)
    return f'<!DOCTYPE html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>\n'


def write(folder: Path) -> int:
    """Write what is handed out into ``release`` and what is not into ``kit``; return how many files.

    What an earlier edition wrote there is replaced. `TlbookError` if the folder holds something else, a source would go
    wrong in class, or something cannot be written.
    """
    others = folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file()
    found, do = "one with other files", "name a new folder"
    require(not others, str(folder), "a new folder, or one that this command wrote", found, do)
    contents = {folder / MARK: "Written by  python -m tlbook course kit , and replaced by it.\n"}
    with tempfile.TemporaryDirectory() as scratch:
        course = Path(scratch) / "course"
        for name in build.begin(course):
            for path in sorted((course / "release" / name).rglob("*")):
                if path.is_file():
                    contents[folder / "release" / path.relative_to(course / "release")] = path.read_bytes()
            solved = (course / "source" / name / f"{name}.ipynb").read_bytes()
            contents[folder / "kit" / "solutions" / f"{name}.ipynb"] = solved
            contents[folder / "kit" / "notes" / f"{name}.html"] = page(name, notes(name))
    for name in code.chapters():
        chapter = nbformat.writes(without_solutions(code.read_chapter(name))) + "\n"
        contents[folder / "release" / "chapters" / f"{name}.ipynb"] = chapter
    for path in sorted((paths.ROOT / "book").rglob("*.svg")):  # which chapters show
        contents[folder / "release" / path.relative_to(paths.ROOT / "book")] = path.read_bytes()
    for path in sorted(QUIZZES.glob("*.md")):
        contents[folder / "kit" / "quiz" / f"{path.stem}.html"] = page(path.stem, disk.read_text(path))
    for part in ("release", "kit"):  # what an earlier edition held
        shutil.rmtree(folder / part, ignore_errors=True)
    disk.write(contents)
    return len(contents) + slides.write(folder / "kit" / "slides")
