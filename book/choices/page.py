"""Measures what a program of this folder asks for, and writes the measured part of its page.

The prose of a page is edited by hand. A program writes what stands between two marks, and nothing else. The first
mark holds two digests: of the code that decides the numbers, and of the measured text as it was written.
"""

import ast
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import stand_ins

from tlbook import disk
from tlbook.record import code, paths
from tlbook.run import TlbookError, require, versions

RUNS = paths.ROOT / "_build" / "choices"  # each stand-in that is finished is kept here
PART = re.compile(
    r"<!-- measured: code (?P<code>\w+) text (?P<text>\w+) -->\n(?P<said>.*?)\n<!-- end of what was measured -->", re.S
)


def measuring(program, start=("measure", "start", "SETS")):
    """Return the code that decides a program's numbers, as Python, by file.

    Parameters
    ----------
    program : Path
        A program of this folder, or of a copy of the book.
    start : sequence of str
        The names from which the code is reached.

    Returns
    -------
    list of str
        What is reached in the program and in `stand_ins`; what the program takes out of its chapter, if it does.
    """
    own, shared = (disk.read_text(path) for path in (program, program.with_name("stand_ins.py")))
    used, reached = constants(own).get("USED"), code.reached([own, shared], {*start})
    expected = "the names that it takes out of its chapter in USED"
    good = isinstance(used, str) or "definitions" not in reached
    require(good, str(program), expected, repr(used), 'write  USED = "one, other"')
    if used is None:
        return [reached]
    chapter = constants(own).get("CHAPTER", program.stem)  # a chapter may have two programs
    notebook = code.read_notebook(program.parents[1] / "chapters" / f"{chapter}.ipynb")
    return [reached, code.definitions_in(code.chapter_code(notebook), used)]


def constants(source):
    """Return the literal values that code gives to names at its top, ``A, B = 1, 2`` included."""
    found = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
                pairs = zip(names, values, strict=True)
            case ast.Assign([name], value):
                pairs = [(name, value)]
            case _:
                pairs = []
        for name, value in pairs:
            try:
                found[ast.unparse(name)] = ast.literal_eval(value)
            except ValueError:
                continue  # not a literal
    return found


def digest(text):
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def measured(text):
    """Return the measured part of a page as a match of `PART`, or None where there is not exactly one."""
    found = list(PART.finditer(text))
    return found[0] if len(found) == 1 else None


def filled(text, by, said):
    """Return a page's text with another measured part.

    Parameters
    ----------
    text : str
        The page as it is.
    by : str
        The digest of the code that measured.
    said : str
        What was measured, in Markdown.

    Raises
    ------
    TlbookError
        If the page has no place for it, or more than one.
    """
    old = measured(text)
    expected = "one measured part on the page, between its two marks"
    require(old is not None, "page of choices", expected, "none, or several", "git checkout the page")
    said = f"\n{said}\n"
    new = f"<!-- measured: code {by} text {digest(said)} -->\n{said}\n<!-- end of what was measured -->"
    return text[: old.start()] + new + text[old.end() :]


def table(head, rows):
    """Return a table in Markdown: the texts of its head, then those of each row."""
    first, *others = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def shares(values):
    """Return shares in percent, and their mean behind them."""
    return [f"{value:.1%}" for value in [*values, np.mean(values)]]


def by_setting(sets):
    """Return the table with a row for each setting and a column for each stand-in, headed by its letters."""
    head = ["setting", *(f"`{letters}`" for letters, _ in sets), "mean"]
    return table(head, [[setting, *shares([found[setting] for _, found in sets])] for setting in sets[0][1]])


def kept(file, about):
    """Return what an earlier call found on one stand-in, or None if that was of other code, versions or machine."""
    try:
        run = json.loads(disk.read_text(file))
    except (TlbookError, ValueError):
        return None
    if {key: run.get(key) for key in about} != about:
        return None
    return run["letters"], {tuple(key) if isinstance(key, list) else key: value for key, value in run["found"]}


def main(file, measure, sets, table=by_setting):
    """Measure what is not kept, then write the measured part of the page.

    Parameters
    ----------
    file : str
        The program that calls.
    measure : callable
        Takes the number of a stand-in and the run; returns its letters, and what was found by setting.
    sets : sequence of int
        The numbers of the stand-ins.
    table : callable
        Makes the table of what `measure` returned for all sets.
    """
    program = Path(file).resolve()
    page = program.with_suffix(".md")
    try:
        filled(disk.read_text(page), "", "")  # better now than after an hour's work
        disk.probe(RUNS)
        by, cells = code.code_digest(*measuring(program)), measuring(program, ("measure", "start"))
        run = stand_ins.start(program.stem)
        about = {"code": code.code_digest(*cells), "package": code.package_digests(cells), "versions": versions()}
        about |= {"backend": run.backend, "device": run.device, "seed": run.seed}
        files = {which: RUNS / f"{program.stem}-{which}.json" for which in sets}
        for which, kept_in in files.items():
            if kept(kept_in, about) is None:
                letters, found = measure(which, run)
                text = json.dumps(about | {"letters": letters, "found": list(found.items())}, indent=1)
                disk.write({kept_in: text + "\n"})
            print(f"{program.stem}, stand-in {which}: finished", flush=True)
        made = table([kept(kept_in, about) for kept_in in files.values()])
        used = f"Keras {about['versions']['keras']} on {run.backend}"
        said = f"Measured by `book/choices/{program.name}`, with {used}.\n\n{made}"
        disk.write({page: filled(disk.read_text(page), by, said)})
    except TlbookError as error:
        sys.exit(str(error))
