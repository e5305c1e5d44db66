"""A course from its beginning to a table of grades, with a small assignment."""

import csv
import json
import re
import sqlite3

import nbformat
import pytest
from course_parts import small

import tlbook as tl
from tlbook import __main__ as main
from tlbook.course import build, grade, sources

RIGHT = {"double": "def double(x):\n    return x + x", "seven": "seven = 3 + 4", "why": "Twice is once and once more."}


def released(course):
    return (course / "release" / "doubling" / "doubling.ipynb").read_text(encoding="utf-8")


def test_what_is_handed_out_holds_no_solution_hidden_test_or_rubric(course):
    text = released(course)
    for secret in ("return 2", "17, -1", "seven = 7", "Because adding", "Rubric", "tlbook_course", "### BEGIN"):
        assert secret not in text
    assert "raise NotImplementedError()" in text and "twice two is four" in text and sources.ANSWER in text


def test_a_course_is_brought_up_to_date_and_keeps_what_was_handed_in(course, hand_in):
    path = hand_in("ada")
    before = released(course)
    assert build.begin(course) == ["doubling"]
    assert path.exists() and json.loads(released(course)).keys() == json.loads(before).keys()


def test_a_folder_with_other_files_becomes_no_course(tmp_path, course):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "draft.txt").write_text("x", encoding="utf-8")
    with pytest.raises(tl.TlbookError, match="a new folder, or one of a course; found one with other files"):
        build.begin(tmp_path / "thesis")


def spoiled(change):
    notebook = small()
    change(notebook)
    return notebook


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n.cells[3].update(source="assert answers['x'] == helper"), "double-tests uses helper"),
        (lambda n: n.cells[3].metadata["nbgrader"].update(points=0), "double-tests has no points"),
        (lambda n: n.cells[2].update(source="x = 1"), "double has no  ### BEGIN SOLUTION"),
        (lambda n: n.cells.append(nbformat.from_dict({**n.cells[2], "id": "c99"})), "double is there twice"),
    ],
)
def test_a_source_that_would_go_wrong_in_class_is_refused(tmp_path, course, change, said):
    nbformat.write(spoiled(change), sources.SOURCES / "doubling" / "doubling.ipynb")
    with pytest.raises(tl.TlbookError, match=said):
        build.begin(tmp_path / "another")
    assert not (tmp_path / "another").exists()


def test_without_sources_it_is_said_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SOURCES", tmp_path)
    with pytest.raises(tl.TlbookError, match=r"the sources of the assignments; found none.*clone the repository"):
        build.begin(tmp_path / "course")


@pytest.mark.usefixtures("sandboxed")
def test_a_class_is_graded_and_told(course, hand_in, capsys):
    hand_in("ada", RIGHT)
    hand_in("bob", {**RIGHT, "double": "def double(x):\n    return 4"})
    hand_in("eve", {}, lambda notebook: "no notebook")
    (course / "submitted" / "ada" / "doubling" / "timestamp.txt").write_text(
        "2027-02-01 12:00:00 UTC", encoding="utf-8"
    )
    found = {each.student: each for each in grade.grade(course, "doubling")}
    assert [(each.points, each.of, each.by_hand) for each in found.values()] == [(5, 9, 4), (2, 9, 4), (0, 9, 0)]
    with open(course / "grades-doubling.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["student"], row["points"], row["by hand"]) for row in rows] == [
        ("ada", "5.0", "4.0"),
        ("bob", "2.0", "4.0"),
        ("eve", "0.0", "0"),
    ]
    assert rows[2]["remarks"].startswith("no notebook: ")
    board = (course / "leaderboard-doubling.md").read_text(encoding="utf-8")
    assert board.count("| 7 |") == 2 and not re.search("ada|bob|eve", board)
    feedback = (course / "feedback" / "bob" / "doubling" / "doubling.html").read_text(encoding="utf-8")
    assert "not for every array" in feedback and "17, -1" not in feedback
    assert "3 of 3  eve" in capsys.readouterr().out
    # A person's marks stay when the class is graded again.
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        marked = "update grade set manual_score = 3, needs_manual_grade = 0 where auto_score is null"
        gradebook.execute(marked)
    again = {each.student: each for each in grade.grade(course, "doubling")}
    assert again["ada"].points == 8


@pytest.mark.usefixtures("sandboxed")
def test_what_is_handed_in_otherwise_is_taken_and_said(course, hand_in, capsys):
    hand_in("ada", RIGHT).rename(course / "submitted" / "ada" / "doubling" / "doubling (1).ipynb")
    path = hand_in("bob", {**RIGHT, "seven": "class Stopped(Exception): pass\nraise Stopped('\x1b[2K;=HYPERLINK(1)')"})
    (path.parent / "timestamp.txt").write_text("in time, honestly", encoding="utf-8")
    (path.parent / "link").symlink_to("/etc/passwd")
    hand_in("cleo", {**RIGHT, "seven": "print('\\ud800')\nseven = 7"})
    found = {each.student: each for each in grade.grade(course, "doubling")}
    assert [each.points for each in found.values()] == [5, 3, 5]
    table = (course / "grades-doubling.csv").read_text(encoding="utf-8")
    for said in ("taken from doubling (1).ipynb", "timestamp.txt: expected a date", "left out: link: no plain file"):
        assert said in table
    assert [each.remarks for each in grade.write_tables(course, "doubling")] == [
        each.remarks for each in found.values()
    ]
    assert "HYPERLINK" not in table and "\x1b" not in capsys.readouterr().out


@pytest.mark.usefixtures("sandboxed")
def test_one_that_cannot_be_graded_holds_nobody_up(course, hand_in, monkeypatch):
    from nbgrader.apps import NbGraderAPI

    real = NbGraderAPI.autograde

    def autograde(self, assignment, student, **options):
        full = {"success": False, "error": "Traceback\nOSError: the disk is full", "log": ""}
        return full if student == "ada" else real(self, assignment, student, **options)

    monkeypatch.setattr(NbGraderAPI, "autograde", autograde)
    hand_in("ada", RIGHT)
    hand_in("zoe", RIGHT)
    found = {each.student: each for each in grade.grade(course, "doubling")}
    assert found["ada"].remarks == ["not graded: OSError: the disk is full"] and found["zoe"].points == 5


def command(course, *words):
    return main.main(["course", words[0], str(course), *words[1:]])


@pytest.mark.usefixtures("sandboxed")
def test_one_student_is_graded_again_and_the_table_stays_whole(course, hand_in, capsys):
    hand_in("ada", RIGHT)
    hand_in("bob")
    assert command(course, "grade", "doubling") == 0
    table = (course / "grades-doubling.csv").read_text(encoding="utf-8")
    hand_in("bob2", RIGHT).replace(course / "submitted" / "bob" / "doubling" / "doubling.ipynb")
    assert command(course, "grade", "doubling", "--student", "bob", "--seconds", "240") == 0
    after = (course / "grades-doubling.csv").read_text(encoding="utf-8")
    assert "bob,doubling,0" in table and "bob,doubling,5" in after and "ada,doubling,5" in after
    assert command(course, "grades", "doubling") == 0 and "2 submissions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grade"], "course grade: expected an assignment; found none"),
        (["begin", "doubling"], "course begin: expected no assignment with begin; found doubling"),
        (["kit", "--unprotected"], "--unprotected: expected grade beside it"),
        (["grades", "doubling", "--seconds", "3"], "--seconds: expected grade beside it"),
        (["grade", "doubling", "--seconds", "0"], "--seconds: expected a whole number from 1 to 99999; found '0'"),
        (["grade", "doubling", "--student", "nobody"], "expected notebooks handed in"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(course, words, said, capsys):
    assert command(course, *words) == 1 and said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["two words", "=cmd()", ".hidden", "a" * 81])
def test_a_folder_whose_name_is_no_students_is_refused(course, name):
    (course / "submitted" / name / "doubling").mkdir(parents=True)
    with pytest.raises(tl.TlbookError, match="folders named as students are"):
        grade.students(course, "doubling")


def test_nothing_handed_in_and_no_course_are_said(course, tmp_path):
    with pytest.raises(tl.TlbookError, match=r"doubling: expected notebooks handed in, as .*STUDENT/doubling"):
        grade.grade(course, "doubling")
    with pytest.raises(tl.TlbookError, match="the folder of a course; found none"):
        grade.grade(tmp_path / "nowhere", "doubling")
    with pytest.raises(tl.TlbookError, match="assignment: expected one of: doubling; found 'halving'"):
        grade.grade(course, "halving")
