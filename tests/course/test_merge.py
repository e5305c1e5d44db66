"""Of a submission only what a student may write is taken, whatever was done to the rest."""

import copy
import os
import re
import time
from html.parser import HTMLParser

import nbformat
import pytest
from course_parts import small
from nbconvert.filters import markdown2html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import tlbook as tl
from tlbook.course import merge, sources
from tlbook.course.execute import page_html


@pytest.fixture
def released():
    """Return the small assignment as it is handed out: every cell with a name."""
    return sources.prepared(small())


def ids(notebook):
    return [merge.grade_id(cell) for cell in notebook.cells]


def texts(notebook):
    return {merge.grade_id(cell): cell.source for cell in notebook.cells if merge.grade_id(cell)}


def test_solutions_come_from_the_student_and_everything_else_from_the_release(released):
    submitted = copy.deepcopy(released)
    for cell in submitted.cells:
        cell.source = f"# mine\n{cell.source}"
    merged = merge.merged(released, submitted)
    assert ids(merged) == ids(released)
    mine = {name for name, source in texts(merged).items() if source.startswith("# mine")}
    assert mine == {"double", "seven", "why"}


@pytest.mark.parametrize("order", ["reversed", "twice", "none", "every other"])
def test_moved_copied_and_deleted_cells_are_back_where_they_were(released, order):
    submitted = copy.deepcopy(released)
    cells = submitted.cells
    submitted.cells = {"reversed": cells[::-1], "twice": cells + cells, "none": [], "every other": cells[::2]}[order]
    merged = merge.merged(released, submitted)
    assert ids(merged) == ids(released) and texts(merged) == texts(released)


def test_of_two_solutions_the_last_counts(released):
    submitted = copy.deepcopy(released)
    for answer in ("seven = 6", "seven = 7"):
        again = copy.deepcopy(next(cell for cell in released.cells if merge.grade_id(cell) == "seven"))
        submitted.cells.append(nbformat.from_dict({**again, "source": answer}))
    assert texts(merge.merged(released, submitted))["seven"] == "seven = 7"


def test_points_types_and_names_in_metadata_count_for_nothing(released):
    submitted = copy.deepcopy(released)
    for cell in submitted.cells:
        cell.metadata["nbgrader"] |= {"points": 1000, "grade": True, "locked": False, "solution": True}
    sly = new_code_cell("1000", metadata={"nbgrader": {"grade_id": "bonus", "grade": True, "points": 1000}})
    submitted.cells.insert(0, sly)
    merged = merge.merged(released, submitted)
    kept = {merge.grade_id(cell): cell.metadata["nbgrader"] for cell in merged.cells if merge.grade_id(cell)}
    assert kept == {merge.grade_id(cell): cell.metadata["nbgrader"] for cell in released.cells}
    assert (merged.cells[0].source, merged.cells[0].metadata) == ("1000", {})


def test_added_cells_follow_what_they_followed_without_outputs_or_attachments(released):
    submitted = copy.deepcopy(released)
    helper = new_code_cell("helper = 1", outputs=[nbformat.v4.new_output("stream", text="x")])
    remark = new_markdown_cell("hm", attachments={"x.png": {"image/png": "AAAA"}})
    submitted.cells[3:3] = [helper, remark]
    merged = merge.merged(released, submitted)
    assert [cell.source for cell in merged.cells[3:5]] == ["helper = 1", "hm"]
    assert merged.cells[3].outputs == [] and "attachments" not in merged.cells[4]
    nbformat.validate(merged)


def test_a_million_added_cells_are_not_all_run(released):
    submitted = copy.deepcopy(released)
    submitted.cells += [new_code_cell("1")] * 10_000
    assert len(merge.merged(released, submitted).cells) == len(released.cells) + merge.ADDED


@pytest.mark.parametrize("odd", [None, [], "x", {"grade_id": 3}, {"grade_id": ["double"]}])
def test_metadata_of_any_kind_is_survived(released, odd):
    submitted = new_notebook(cells=[new_code_cell("x = 1", metadata={"nbgrader": odd})])
    assert merge.merged(released, submitted).cells[0].source == "x = 1"


ACTIVE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a\n<svg/onload=alert(1)>",
    "<a\nhref=javascript:1>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x]( \tjavascript:alert(1) 'title')",
    "[x](<javascript:alert(1)>)",
    "[x](java%0ascript:alert(1))",
    "[x](\\javascript:alert(1))",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[x](data:text/html,<script>1</script>)",
    "[x](vbscript:1)",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x]:\n  javascript:alert(1)\n\n[x]",
    "$$\\href{javascript:alert(1)}{x}$$",
    '![x](x.png"onerror="alert(1))',
    "> [q]: javascript:alert(1)\n\n[x][q]",
    "- [w]: javascript:alert(1)\n\n[w]",
    "[x](\n\n\njavascript:alert(1))",
    "[x](" + "\n" * 60 + "javascript:alert(1))",
    "[x](" + "a" * 400 + ":b)",
    "![x](https://example.org/seen.png)",
    "!![x](https://example.org/seen.png)",
]


class Active(HTMLParser):
    """Collects what would run in a teacher's browser."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [tag] if tag in ("img", "script", "svg", "iframe", "object", "style", "base", "form") else []
        for name, value in attributes:
            scheme = re.match(r"([a-z][a-z0-9+.-]*):|", re.sub(r"[\x00-\x20]", "", value or "").lower())[1]
            if name.startswith("on") or (name in ("href", "src") and scheme not in (None, "http", "https", "mailto")):
                self.found.append(f"{name}={value}")


def active(markdown):
    page = Active()
    page.feed(markdown2html(markdown))
    return page.found + re.findall(r"\\\\href", markdown)


@pytest.mark.parametrize("text", ACTIVE)
def test_nothing_in_an_explanation_runs_in_a_teachers_browser(released, text):
    submitted = copy.deepcopy(released)
    for cell in submitted.cells:
        cell.source = text
    submitted.cells.append(new_markdown_cell(text))
    merged = merge.merged(released, submitted)
    mine = [cell.source for cell in merged.cells if cell.cell_type == "markdown" and cell.source not in str(released)]
    assert mine and [active(source) for source in mine] == [[]] * len(mine)


def test_most_of_these_would_run_if_they_were_kept():
    assert sum(bool(active(text)) for text in ACTIVE) >= 8


@pytest.mark.parametrize("text", ACTIVE)
def test_what_gets_past_it_is_cleaned_when_a_page_is_made(text):
    page = Active()
    page.feed(page_html(text))
    # A name and a number, as in `vbscript:1`, may be a host and a port, and do nothing as a script.
    assert [each for each in page.found if not re.fullmatch(r"img|href=\w+:\d+", each)] == []


def test_halves_of_letters_are_written_as_question_marks(released):
    submitted = copy.deepcopy(released)
    for cell in submitted.cells:
        cell.source = "x = 1  # \ud800"
    nbformat.writes(merge.merged(released, submitted)).encode("utf-8")


def test_a_long_explanation_is_read_in_a_moment():
    for text in ("\n" * 49_999 + "a", "](" * 25_000, "[" * 50_000, "<a" * 25_000):
        began = time.perf_counter()
        merge.harmless(text)
        assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "text", ["a < b and b > c", "[x](https://example.org/?a=b:c)", "[x](#part)", "[x](a/b.md)", "`x`"]
)
def test_plain_words_and_links_stay_as_they_are(text):
    assert merge.harmless(text) == text


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a notebook"),
        (b"{", "a notebook"),
        (b"\xff\xfe", "a notebook"),
        (b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "a notebook"),
        (b"[" * 200_000, "a notebook"),
        (b" " * 50_000_001, "a notebook of at most 50,000,000 bytes; found 50,000,001"),
    ],
    ids=["empty", "cut off", "no text", "another scheme", "nested", "large"],
)
def test_what_is_no_notebook_is_named(tmp_path, content, said):
    (tmp_path / "x.ipynb").write_bytes(content)
    with pytest.raises(tl.TlbookError, match=said):
        merge.read_submitted(tmp_path / "x.ipynb")


def test_what_programs_write_otherwise_is_a_notebook_all_the_same(tmp_path):
    cell = '{"cell_type": "code", "metadata": {}, "source": "x"}'
    text = f'{{"cells": [{cell}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 4}}'
    (tmp_path / "x.ipynb").write_bytes(b"\xef\xbb\xbf" + text.replace(",", ",\r\n").encode())
    assert [cell.source for cell in merge.read_submitted(tmp_path / "x.ipynb").cells] == ["x"]


def test_a_pipe_or_a_link_in_place_of_the_notebook_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.ipynb")
    with pytest.raises(tl.TlbookError, match="something that is no file"):
        merge.read_submitted(tmp_path / "x.ipynb")
    (tmp_path / "y.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(tl.TlbookError, match="something that is no file"):
        merge.read_submitted(tmp_path / "y.ipynb")


def test_links_pipes_and_hidden_files_stay_behind(tmp_path):
    source, target = tmp_path / "from", tmp_path / "to"
    (source / "pictures").mkdir(parents=True)
    (source / "pictures" / "1.png").write_bytes(b"1")
    (source / "secret").symlink_to("/etc/passwd")
    (source / "folder").symlink_to("/etc")
    (source / ".git").mkdir()
    (source / ".git" / "x").write_bytes(b"x")
    os.mkfifo(source / "pipe")
    left = merge.copy_files(source, target, set())
    assert [str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()] == ["pictures/1.png"]
    assert sorted(left) == ["folder: a link", "pipe: no plain file", "secret: no plain file"]


def test_a_hand_in_of_gigabytes_is_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(merge, "MOST_BYTES", 10)
    (tmp_path / "from").mkdir()
    for name in ("a", "b"):
        (tmp_path / "from" / name).write_bytes(b"12345678")
    assert merge.copy_files(tmp_path / "from", tmp_path / "to", set()) == [
        "b and what follows: more than 10 bytes or 2,000 files"
    ]
