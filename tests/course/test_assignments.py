"""Every assignment: its solution earns all, what is handed out earns nothing, and other answers what they should."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest

from tlbook.course import build, grade, sources

SUBMISSIONS = sorted(path.stem for path in (Path(__file__).parent / "submissions").glob("[a-z]*.py"))
CASES = [
    (module, name)
    for module in SUBMISSIONS
    for name in ("solution", "handed out", *importlib.import_module(f"submissions.{module}").SUBMISSIONS)
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course's folder with all assignments."""
    folder = tmp_path_factory.mktemp("courses") / "course"
    build.begin(folder)
    return folder


def about(module):
    return importlib.import_module(f"submissions.{module}")


def automatic(notebook):
    """Return the points that tests give, by the name of their cell."""
    cells = [cell.metadata["nbgrader"] for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return {cell["grade_id"]: cell["points"] for cell in cells if not cell["solution"]}


def test_every_assignment_has_its_other_answers():
    assert sorted(about(module).NAME for module in SUBMISSIONS) == sources.names()


@pytest.mark.parametrize("module", SUBMISSIONS)
def test_other_answers_are_enough_and_name_cells_that_are_there(module):
    source = sources.read_source(about(module).NAME)
    solutions = {cell.metadata["nbgrader"]["grade_id"] for cell in source.cells if cell.metadata.get("nbgrader")}
    wrong, right = 0, 0
    for changes, lost in about(module).SUBMISSIONS.values():
        assert changes.keys() <= solutions and lost.keys() <= automatic(source).keys()
        assert all(0 < points <= automatic(source)[name] for name, points in lost.items())
        wrong, right = wrong + len(changes) * bool(lost), right + len(changes) * (not lost)
    assert wrong >= 4 and right >= 2


@pytest.mark.parametrize("name", sources.names())
def test_an_assignment_says_its_minutes_and_points_as_they_are(name):
    source = sources.read_source(name)
    rows = [line.split("|")[2:-1] for line in source.cells[0].source.splitlines() if re.match(r"\|.*\d+ *\|", line)]
    minutes = sum(int(row[0]) for row in rows)
    points = sum(int(number) for row in rows for number in row[1:] if number.strip())  # by tests, and by hand
    cells = [cell.metadata.get("nbgrader", {}) for cell in source.cells]
    assert 60 <= minutes == sources.settings(source)["minutes"] <= 120
    assert points == sum(cell.get("points", 0) for cell in cells)
    by_hand = sum(cell["points"] for cell in cells if cell.get("grade") and cell["solution"])
    assert 0 < by_hand < points / 2
    assert any("Rubric" in cell.source for cell in source.cells if "teacher" in cell.metadata.get("tags", []))
    assert any("Misconception" in cell.source for cell in source.cells if "teacher" in cell.metadata.get("tags", []))


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize(("module", "name"), CASES, ids=lambda part: part.replace(" ", "-"))
def test_each_submission_earns_what_it_should(course, module, name):
    assignment = about(module).NAME
    source = nbformat.read(course / "source" / assignment / f"{assignment}.ipynb", as_version=4)
    changes, lost = about(module).SUBMISSIONS.get(name, ({}, {}))
    expected = {cell: points - lost.get(cell, 0) for cell, points in automatic(source).items()}
    if name == "handed out":
        source = nbformat.read(course / "release" / assignment / f"{assignment}.ipynb", as_version=4)
        expected = dict.fromkeys(expected, 0)
    for cell in source.cells:
        cell.source = changes.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    student = re.sub(r"\W+", "-", name)
    path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(source, path)
    result = next(each for each in grade.grade(course, assignment, only=student))
    assert earned(course, student, assignment) == expected
    assert result.points == sum(expected.values()) and not result.remarks


def earned(course, student, assignment):
    """Return the points that each test gave."""
    from nbgrader import utils

    notebook = nbformat.read(course / "autograded" / student / assignment / f"{assignment}.ipynb", as_version=4)
    tests = [cell for cell in notebook.cells if utils.is_grade(cell) and not utils.is_solution(cell)]
    return {cell.metadata["nbgrader"]["grade_id"]: utils.determine_grade(cell)[0] for cell in tests}


# --- Nothing of a solution is where students are --------------------------------------------------


def secrets(name):
    """Return the lines of an assignment that only teachers may see: long ones, which do not occur by chance."""
    lines, seen, hidden = [], [], False
    for cell in sources.read_source(name).cells:
        about = cell.metadata.get("nbgrader", {})
        if "teacher" in cell.metadata.get("tags", []) or (about.get("solution") and cell.cell_type == "markdown"):
            lines += cell.source.splitlines()
            continue
        for line in cell.source.splitlines():
            hidden = "### BEGIN" in line or (hidden and "### END" not in line)
            (lines if hidden and "### " not in line else seen).append(line)
    seen = {line.strip() for line in seen}
    lines = {line.strip() for line in lines if len(line.strip()) >= 30} - seen
    return {line for line in lines if not line.startswith(("import ", "from "))}


def found_in(text, name):
    return sorted(line for line in secrets(name) if line in text)


@pytest.mark.parametrize("name", sources.names())
def test_what_is_handed_out_holds_no_solution_and_no_hidden_test(course, name):
    assert len(secrets(name)) >= 20
    source = "\n".join(cell.source for cell in sources.read_source(name).cells)
    assert len(found_in(source, name)) == len(secrets(name))  # or this test would find nothing anywhere
    release = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    given = "\n".join(cell.source for cell in sources.read_source(name).cells if not cell.metadata.get("nbgrader"))
    leaked = [line for line in found_in(str(release), name) if line not in given]
    assert leaked == [] and "### BEGIN" not in str(release) and not release.metadata.get("tlbook_course")
    assert all(cell.get("outputs", []) == [] for cell in release.cells)
