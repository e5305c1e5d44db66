"""A class of thirty, graded by the one command that a teacher types: right, partly right, wrong, late and hostile."""

import csv
import re
import subprocess
import sys
import time

import nbformat
import pytest
from submissions.pseudo_labels import NAME, SUBMISSIONS

from tlbook.course import build, sources
from tlbook.record import paths

pytestmark = pytest.mark.usefixtures("sandboxed")
SECONDS = "90"  # for each submission, a third of it for a cell: what runs longer is hostile
# The dear cells of parts 3 and 4 are left out, except by one: so that thirty are graded in two minutes.
UNANSWERED = ("network", "generations")
COST = {"network-tests": 4, "generations-tests": 4}
AUTOMATIC = 25

FIRST_MISTAKES = SUBMISSIONS["first mistakes"][0]
OPEN = """
import os
for folder in ("/", "/hand-in", os.path.dirname(os.getcwd())):
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".ipynb", ".db")):
                print("LEAKED", path, name)
"""
# Of each hostile one: the cell it misuses, what it writes there, and the tests that it then loses.
HOSTILE = {
    "endless-loop": ("purity", "while True:\n    pass", ["purity-tests"]),
    "fork-bomb": ("purity", "import os\nwhile True:\n    os.fork()", ["purity-tests"]),
    "writes-outside": ("purity", "open('/etc/passwd', 'a').write('x')", ["purity-tests"]),
    "looks-for-solutions": ("purity", OPEN, ["purity-tests"]),
    "opens-a-socket": ("purity", "import socket\nsocket.create_connection(('1.1.1.1', 80), 3)", ["purity-tests"]),
    "prints-a-gigabyte": ("purity", "for _ in range(1_000):\n    print('x' * 1_000_000)", ["purity-tests"]),
    "deletes-everything": (
        "purity",
        "import shutil\nshutil.rmtree('.', True)\nshutil.rmtree('/box', True)",
        ["purity-tests"],
    ),
    "changes-numpy": ("purity", "np.array_equal = np.allclose = lambda *_, **__: True", ["purity-tests"]),
    "changes-the-checker": ("purity", "answers = type('Any', (), {'__getitem__': lambda *_: 1})()", ["purity-tests"]),
    "sends-a-pickle": (
        "purity",
        "class Sly:\n    def __reduce__(self):\n        return print, ('LEAKED',)\npurity = lambda *_: Sly()\n"
        "purities = accuracies = Sly()",
        ["purity-tests"],
    ),
    "ends-the-process": ("purity", "import os\nos._exit(0)", ["purity-tests"]),
}


def claims_points(notebook):
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = {**cell.metadata["nbgrader"], "points": 1000, "grade": True, "solution": False}


def copies_tests(notebook):
    notebook.cells += [cell for cell in notebook.cells if cell.metadata["nbgrader"]["grade"]] * 3


def deletes_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata["nbgrader"]["grade"]]


def weakens_tests(notebook):
    for cell in notebook.cells:
        if cell.metadata["nbgrader"]["grade"] and cell.cell_type == "code":
            cell.source = "1000"


TAMPERING = {
    each.__name__.replace("_", "-"): each for each in (claims_points, copies_tests, deletes_tests, weakens_tests)
}


def written(course, changes=(), tamper=None):
    """Return the assignment with its solutions, those of the dear cells aside, and some cells replaced."""
    notebook = nbformat.read(course / "source" / NAME / f"{NAME}.ipynb", as_version=4)
    stub = "raise NotImplementedError()"
    changes = dict.fromkeys(UNANSWERED, stub) | dict(changes)
    for cell in notebook.cells:
        cell.source = changes.get(cell.metadata["nbgrader"]["grade_id"], cell.source)
    # The rule of part 5 is printed for what part 4 gives.
    for cell in notebook.cells:
        cell.source = cell.source.replace("print(last_good(hurried), last_good(patient))", "")
    if tamper:
        tamper(notebook)
    return nbformat.writes(notebook)


def points(lost=()):
    return AUTOMATIC - sum({**COST, **dict(lost)}.values())


def fill(course):
    """Hand in thirty submissions; return the points that each should earn, and who is late."""
    tests = {"count-tests": 3, "name-tests": 5, "purity-tests": 4, "stop-tests": 5}
    texts, expected = {}, {}
    for number in range(1, 4):
        texts[f"right-{number}"], expected[f"right-{number}"] = written(course), points()
    different = {name: source for name, source in SUBMISSIONS["written differently"][0].items()}
    texts["right-differently"], expected["right-differently"] = written(course, different), points()
    for cell, lost in {
        "purity": ["purity-tests"],
        "stop": ["stop-tests"],
        "count": ["count-tests", "name-tests", "purity-tests"],
    }.items():
        name = f"partly-{cell}"
        texts[name] = written(course, {cell: FIRST_MISTAKES[cell]})
        expected[name] = points({test: tests[test] for test in lost})
    greedy = SUBMISSIONS["a greedy naming"]
    texts["partly-greedy"], expected["partly-greedy"] = written(course, greedy[0]), points(greedy[1])
    texts["wrong"], expected["wrong"] = written(course, {**FIRST_MISTAKES, "network": "x", "generations": "x"}), 0
    release = (course / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    texts |= {"wrong-idle": release, "wrong-broken": release[:2_000], "wrong-empty": ""}
    expected |= dict.fromkeys(("wrong-idle", "wrong-broken", "wrong-empty"), 0)
    for number in range(1, 4):
        texts[f"late-{number}"], expected[f"late-{number}"] = written(course), points()
    for name, (cell, attack, lost) in HOSTILE.items():
        texts[f"hostile-{name}"] = written(course, {cell: attack})
        expected[f"hostile-{name}"] = points({test: tests[test] for test in lost})
    for name, tamper in TAMPERING.items():
        texts[f"hostile-{name}"], expected[f"hostile-{name}"] = written(course, tamper=tamper), points()
    for student, text in texts.items():
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(text, encoding="utf-8")
        day = "03" if student.startswith("late") else "01"
        (folder / "timestamp.txt").write_text(f"2027-02-{day} 12:00:00 UTC", encoding="utf-8")
    (course / "submitted" / "hostile-writes-outside" / NAME / "solution.ipynb").symlink_to(sources.SOURCES / NAME)
    return expected


def test_thirty_submissions_earn_what_their_honest_cells_earn(tmp_path):
    course = tmp_path / "course"
    build.begin(course)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2027-02-02 12:00:00")
    expected = fill(course)
    assert len(expected) == 30
    untouched = {path: path.read_bytes() for path in (course / "submitted").rglob("*.ipynb") if path.is_file()}
    began = time.perf_counter()
    command = [sys.executable, "-m", "tlbook", "course", "grade", str(course), NAME, "--seconds", SECONDS]
    ran = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=1_200)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    hours = (time.perf_counter() - began) / 30 * 100 / 3600
    print(f"{ran.stdout}a hundred such submissions: {60 * hours:.0f} minutes")
    with open(course / f"grades-{NAME}.csv", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {student: float(row["points"]) for student, row in rows.items()} == expected
    assert {student for student, row in rows.items() if float(row["hours late"]) == 24} == {
        "late-1",
        "late-2",
        "late-3",
    }
    remarks = {student: row["remarks"] for student, row in rows.items() if row["remarks"]}
    stopped = {"hostile-endless-loop", "hostile-ends-the-process"}
    assert remarks.keys() == {*stopped, "hostile-writes-outside", "wrong-broken", "wrong-empty"}
    assert "solution.ipynb: a link" in remarks["hostile-writes-outside"]
    # Each attack was stopped: nothing was found, nothing of the submissions was touched, nothing runs on.
    graded = "".join(path.read_text(encoding="utf-8") for path in (course / "autograded").rglob("*.ipynb"))
    found = re.findall(r'"LEAKED ([^"]+)', graded)
    own = [path for path in found if "site-packages" not in path]  # libraries have notebooks of their own
    assert found and not [path for path in own if re.search(f"{NAME}|gradebook|coursework|{course}", path)]
    assert untouched == {path: path.read_bytes() for path in untouched}
    for error in (
        "BlockingIOError",
        "Read-only file system",
        "Network is unreachable",
        "letters more, which were not kept",
    ):
        assert error in graded
    feedback = "".join(path.read_text(encoding="utf-8") for path in (course / "feedback").rglob("*.html"))
    assert "HIDDEN" not in feedback and "rng.integers(0, 7, 500)" not in feedback
