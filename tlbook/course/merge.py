"""A submission's own work, set into the notebook that was handed out.

Only what a student may write is taken from a submission: the cells for solutions and explanations, and cells that
were added. Everything else is as it was handed out, whatever was done to it: tests that were copied, moved, changed
or deleted, points in metadata, a notebook that lacks half its cells.
"""

from __future__ import annotations

import html
import os
import re
import stat
import warnings
from pathlib import Path
from urllib.parse import unquote

import nbformat

from tlbook import disk
from tlbook.run import TlbookError

LARGEST = 50_000_000  # bytes of a notebook, its pictures among them, which are dropped
MOST_BYTES, MOST_FILES = 50_000_000, 2_000  # of what lies beside it, of a student's own pictures say
LONGEST = 50_000  # letters of one cell
ADDED = 200  # cells
TAG = re.compile(r"<(?=[A-Za-z/!?])")
MACRO = re.compile(r"\\(?:href|require|cssId|class|style|html\w*)\b")  # with which an equation leads away
PICTURE = re.compile(r"!+\[")  # of the web, which would be fetched unasked
LINK = re.compile(r"(\]\(\s*<?)([^)\n]{0,300})")


def grade_id(cell) -> str:
    """Return the name that nbgrader knows a cell by, empty where there is none."""
    about = cell.metadata.get("nbgrader")
    found = about.get("grade_id") if isinstance(about, dict) else None
    return found if isinstance(found, str) else ""


def _is_solution(cell) -> bool:
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def clean(text: str) -> str:
    """Return a text that can be written: of a half of a pair of code units (a lone surrogate) remains a ``?``.

    >>> clean("a" + chr(0xD800))
    'a?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def harmless(markdown: str) -> str:
    """Return Markdown without HTML, pictures and links that run a script: a teacher reads it in a browser.

    >>> harmless("a < b, <b>bold</b> and [this](javascript:steal)")
    'a < b, &lt;b>bold&lt;/b> and [this](#javascript:steal)'
    """
    markdown = TAG.sub("&lt;", markdown).replace("]:", "]\\:")
    markdown = PICTURE.sub("[", MACRO.sub(r"\\text", markdown))
    return LINK.sub(lambda found: found[0] if _leads_somewhere(found[2]) else f"{found[1]}#{found[2]}", markdown)


def _leads_somewhere(target: str) -> bool:
    """Return whether the target of a link is an address of the web, of a mail, or a place on the page itself."""
    plain = re.sub(r"[\x00-\x20\\]", "", html.unescape(unquote(target))).casefold()
    if len(target) >= 300:  # and may go on otherwise than it began
        return False
    return plain.startswith(("http://", "https://", "mailto:")) or not re.match(r"[^/?#]*:", plain)


def _plain(cell, kind: str | None = None):
    """Return a new cell with a student's text and nothing else of theirs: no outputs, metadata or attachments."""
    source = clean(str(cell.source)[:LONGEST])
    kind = kind or cell.cell_type
    source = source if kind == "code" else harmless(source)
    return nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)


def merged(released, submitted):
    """Return the released notebook with the solutions and the added cells of a submission.

    A solution that is there several times is taken where it comes last, one that is missing stays as it was handed
    out. Added cells follow the cell of the release that they followed. Takes and gives notebooks of nbformat 4.
    """
    known = {grade_id(cell): cell for cell in released.cells}
    last = {grade_id(cell): place for place, cell in enumerate(submitted.cells) if grade_id(cell) in known}
    own, added, before, room = {}, {}, "", ADDED
    for place, cell in enumerate(submitted.cells):
        name = grade_id(cell)
        if name in known and last[name] == place:
            before = name
            if _is_solution(known[name]):
                own[name] = _plain(cell, known[name].cell_type)
        elif name not in known and cell.cell_type in ("code", "markdown") and cell.source.strip() and room > 0:
            room -= 1
            added.setdefault(before, []).append(_plain(cell))
    cells = added.get("", [])
    for cell in released.cells:
        kept = nbformat.from_dict(cell)
        kept.source = own[grade_id(cell)].source if grade_id(cell) in own else cell.source
        cells += [kept, *added.get(grade_id(cell), [])]
    made = nbformat.v4.new_notebook(cells=cells, metadata=released.metadata)
    made.nbformat, made.nbformat_minor = released.nbformat, released.nbformat_minor
    for place, cell in enumerate(made.cells):
        cell["id"] = f"cell-{place}"
    return made


def read_submitted(path: Path):
    """Return a submitted notebook; `TlbookError` if it is none, or larger than 50 MB."""
    do = "ask for it again; it counts as empty until then"
    try:
        about = os.lstat(path)
        if not stat.S_ISREG(about.st_mode):
            raise TlbookError(path.name, "a notebook", "something that is no file", do)
        if about.st_size > LARGEST:
            raise TlbookError(path.name, f"a notebook of at most {LARGEST:,} bytes", f"{about.st_size:,}", do)
        with warnings.catch_warnings(action="ignore"):  # of cells that are there twice
            notebook = nbformat.reads(path.read_bytes().decode("utf-8-sig"), as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "code":  # of which no output is taken: some programs leave them out
                    cell.outputs, cell.execution_count = [], None
            nbformat.validate(notebook)
        return notebook
    except FileNotFoundError:
        raise TlbookError(path.name, "the notebook that was handed out, under its name", "none", do) from None
    except (TlbookError, MemoryError):
        raise
    except Exception as error:  # of JSON and its scheme: each its own
        found = " ".join(str(error).split())[:150] or type(error).__name__
        raise TlbookError(path.name, "a notebook", found, do) from error


def copy_files(source: Path, target: Path, skip: set[str]) -> list[str]:
    """Copy what lies beside a submitted notebook, plain files only; return what was left out, and why.

    Links are never followed: one could lead to the solutions.
    """
    left, size, count = [], 0, 0
    for folder, names, files in os.walk(source, followlinks=False):
        here = Path(folder)
        for name in sorted(names):
            if (here / name).is_symlink():
                left.append(f"{(here / name).relative_to(source)}: a link")
        names[:] = sorted(name for name in names if not (here / name).is_symlink() and not name.startswith("."))
        for name in sorted(files):
            path = here / name
            inner = path.relative_to(source)
            if str(inner) in skip or name.startswith(".") or name.endswith(".ipynb"):
                continue
            about = os.lstat(path)
            size, count = size + about.st_size, count + 1
            if not stat.S_ISREG(about.st_mode):
                left.append(f"{inner}: no plain file")
            elif size > MOST_BYTES or count > MOST_FILES:
                left.append(f"{inner} and what follows: more than {MOST_BYTES:,} bytes or {MOST_FILES:,} files")
                return left
            else:
                disk.write({target / inner: path.read_bytes()})
    return left
