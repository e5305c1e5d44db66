"""A whole class: from what was handed in to scores, feedback and tables."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.course import build, config, merge, sources
from tlbook.course.sandbox import require_protection
from tlbook.run import TlbookError, require

NAME = re.compile(r"[\w.@-]{1,80}")
BOARD = re.compile(r"^leaderboard: (.+)$", re.MULTILINE)
COLUMNS = ("student", "assignment", "points", "of", "by hand", "hours late", "seconds", "remarks")


@dataclass
class Graded:
    """What one submission earned."""

    student: str
    assignment: str
    points: float = 0.0
    of: float = 0.0
    by_hand: float = 0.0  # points that wait for a person
    hours_late: float = 0.0
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)
    board: str = ""  # what the assignment's leaderboard says of it

    def row(self) -> list:
        """Return it as a row of the table."""
        numbers = [round(value, 2) for value in (self.points, self.of, self.by_hand, self.hours_late, self.seconds)]
        return [self.student, self.assignment, *numbers, " / ".join(map(_plain, self.remarks))]


def students(course: Path, assignment: str) -> list[str]:
    """Return who handed in an assignment; a folder whose name cannot be a student's is refused."""
    found = sorted(path.name for path in (course / "submitted").glob("*") if (path / assignment).is_dir())
    odd = [name for name in found if not NAME.fullmatch(name) or name.startswith(".")]
    do = "rename it to the student's login"
    require(not odd, str(course / "submitted"), "folders named as students are", ", ".join(odd[:3]), do)
    return found


def _notebook(folder: Path, name: str) -> Path:
    """Return the notebook of a hand-in: the one with the right name, or the only one that there is."""
    path, others = folder / name, sorted(folder.rglob("*.ipynb"))
    return others[0] if not os.path.lexists(path) and len(others) == 1 else path


def _receive(course: Path, student: str, assignment: str) -> list[str]:
    """Check what was handed in; where there is no notebook in it that can be read, an empty one stands for it."""
    folder, name = course / "submitted" / student / assignment, f"{assignment}.ipynb"
    path, remarks = _notebook(folder, name), []
    try:
        submitted = merge.read_submitted(path)
        remarks += [f"taken from {path.relative_to(folder)}"] if path.name != name or path.parent != folder else []
    except TlbookError as error:
        submitted = nbformat.v4.new_notebook()
        remarks.append(f"no notebook: expected {error.expected}, found {error.found}")
    released = nbformat.read(course / "release" / assignment / name, as_version=4)
    known = {merge.grade_id(cell) for cell in released.cells}
    if submitted.cells and not known & {merge.grade_id(cell) for cell in submitted.cells}:
        remarks.append("no cell of this assignment is in it: was it copied into another notebook?")
    target = course / "checked" / student / assignment
    contents = {target / name: nbformat.writes(merge.merged(released, submitted)) + "\n"}
    stamp, wrong = _timestamp(folder / "timestamp.txt")
    remarks += wrong
    if stamp:
        contents[target / "timestamp.txt"] = stamp
    else:
        (target / "timestamp.txt").unlink(missing_ok=True)
    contents[target / "remarks.json"] = json.dumps(remarks)
    disk.write(contents)
    return remarks


def _timestamp(path: Path) -> tuple[str, list[str]]:
    """Return when something was handed in, empty where that is not said, and a remark if it cannot be read."""
    from nbgrader.utils import parse_utc

    if not path.is_file() or path.is_symlink():
        return "", []
    try:
        text = path.read_bytes()[:100].decode("utf-8-sig").strip()
        parse_utc(text)
        return text, []
    except Exception as error:  # of several parsers of dates
        return "", [f"timestamp.txt: expected a date and a time, found {error}; it counts as in time"]


def _plain(remark: str) -> str:
    """Return a remark that is safe in a terminal and in a spreadsheet.

    >>> _plain("a;=HYPERLINK(1)")
    'a??HYPERLINK(1)'
    """
    return re.sub(r"[^\w .,:/()'{}-]", "?", " ".join(remark.split()))[:300]


def grade(
    course: Path, assignment: str, *, unprotected: bool = False, seconds: float = 0, only: str = ""
) -> list[Graded]:
    """Grade all that was handed in of an assignment; what one submission does changes nothing for the others.

    Writes grades into the gradebook, feedback for each student, and the tables of `write_tables`. A submission may take
    `seconds`; 0 means as many as its assignment says. With `only`, one student's. `TlbookError` if the folder is no
    course, nobody handed in, or nothing protects you.
    """
    found = [student for student in _handed_in(course, assignment) if only in ("", student)]
    require(found, assignment, f"something that {only} handed in", "nothing", f"look into {course / 'submitted'}")
    require_protection(unprotected)
    api, graded = _nbgrader(course, unprotected, seconds), []
    for number, student in enumerate(found, 1):
        began = time.perf_counter()
        result = Graded(student, assignment)
        try:
            _grade_one(course, api, result)
        except Exception as error:  # whatever it is: the others are graded
            result.remarks.append(f"not graded: {type(error).__name__}: {error}")
        result.seconds = time.perf_counter() - began
        graded.append(result)
        told = f"{result.points:g} of {result.of:g} points"
        told += f", {result.by_hand:g} more to be marked by hand" * bool(result.by_hand)
        told = [f"{number:3} of {len(found)}  {student}: {told}, {result.seconds:.0f} s", *map(_plain, result.remarks)]
        print(*told, sep=" / ", flush=True)
    write_tables(course, assignment, graded)
    return graded


def _grade_one(course: Path, api, result: Graded) -> None:
    """Grade one submission, and write what its student gets back."""
    result.remarks = _receive(course, result.student, result.assignment)
    with warnings.catch_warnings(action="ignore"):  # of nbgrader's own queries
        said = api.autograde(result.assignment, result.student, force=True, create=True)
    if said["success"]:
        _look_up(course, api, result)
        said = api.generate_feedback(result.assignment, result.student, force=True)
    if not said["success"]:
        result.remarks.append(f"not graded: {build.last_line(said)}")


def write_tables(course: Path, assignment: str, graded: list[Graded] = ()) -> list[Graded]:
    """Write ``grades-ASSIGNMENT.csv`` of the whole class from the gradebook, and the leaderboard where there is one.

    `graded` were graded just now. Run it again when explanations have been marked by hand: it runs no submission.
    """
    results = {each.student: each for each in graded}
    api = _nbgrader(course)
    for student in _handed_in(course, assignment):
        if student not in results and (course / "autograded" / student / assignment).is_dir():
            _look_up(course, api, results.setdefault(student, Graded(student, assignment)))
    table, results = io.StringIO(), [results[student] for student in sorted(results)]
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows(result.row() for result in results)
    contents = {course / f"grades-{assignment}.csv": table.getvalue()}
    if board := sorted((result.board for result in results if result.board), key=_place):
        rows = "".join(f"| {place} | {said} |\n" for place, said in enumerate(board, 1))
        contents[course / f"leaderboard-{assignment}.md"] = f"| place | result |\n|---|---|\n{rows}"
    disk.write(contents)
    return results


def _place(said: str) -> list[float]:
    """Return what a line of the leaderboard is sorted by: its first number downwards, the others upwards.

    >>> sorted(["99.5 %, 9 s", "100.0 %, 20 s", "99.5 %, 14 s"], key=_place)
    ['100.0 %, 20 s', '99.5 %, 9 s', '99.5 %, 14 s']
    """
    first, *others = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", said)] or [0.0]
    return [-first, *others]


def _handed_in(course: Path, assignment: str) -> list[str]:
    """Return who handed in; `TlbookError` if the folder is no course, or nobody did."""
    do = f"python -m tlbook course begin {course}"
    require((course / "nbgrader_config.py").is_file(), str(course), "the folder of a course", "none", do)
    sources.read_source(assignment)
    where = course / "submitted" / "STUDENT" / assignment / f"{assignment}.ipynb"
    found = students(course, assignment)
    require(found, assignment, f"notebooks handed in, as {where}", "none", "put them there")
    return found


def _nbgrader(course: Path, unprotected: bool = False, seconds: float = 0):
    """Return nbgrader for a course; it grades what `_receive` made of what was handed in."""
    from nbgrader.apps import NbGraderAPI

    settings = config.of(course)
    settings.CourseDirectory.submitted_directory = "checked"
    settings.ProtectedExecute.unprotected, settings.ProtectedExecute.seconds = unprotected, float(seconds)
    return NbGraderAPI(config=settings)


def _look_up(course: Path, api, result: Graded) -> None:
    """Take a submission's points from the gradebook, and what its tests printed for the leaderboard."""
    from nbgrader import utils

    with warnings.catch_warnings(action="ignore"), api.gradebook as gradebook:
        submission = gradebook.find_submission(result.assignment, result.student)
        result.points, result.of = submission.score, submission.max_score
        result.hours_late = submission.total_seconds_late / 3600
        waiting = [grade for notebook in submission.notebooks for grade in notebook.grades if grade.needs_manual_grade]
        result.by_hand = sum(grade.max_score for grade in waiting)
    path = course / "autograded" / result.student / result.assignment / f"{result.assignment}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    told = course / "checked" / result.student / result.assignment / "remarks.json"
    result.remarks = json.loads(disk.read_text(told)) if told.is_file() else []
    result.remarks += [f"a cell was stopped: {said}" for said in notebook.metadata.get("tlbook_stopped", [])]
    result.remarks += [f"left out: {said}" for said in notebook.metadata.get("tlbook_left", [])]
    for cell in notebook.cells:
        if utils.is_grade(cell) and not utils.is_solution(cell):  # what a student prints counts for nothing
            told = BOARD.findall("".join(output.get("text", "") for output in cell.get("outputs", [])))
            result.board = told[-1] if told else result.board
