"""What teachers hand out and what they keep: nothing of the one is in the other."""

import re
import shutil
import subprocess
import zipfile

import nbformat
import pytest
from test_assignments import found_in, secrets

from tlbook.course import kit, sources
from tlbook.record import code, paths
from tlbook.run import TlbookError

TEXT = {".html", ".ipynb", ".js", ".json", ".md", ".py", ".toml", ".txt"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coursework")
    assert kit.write(folder) == sum(path.is_file() for path in folder.rglob("*"))
    return folder


def test_a_folder_with_other_files_is_left_alone_and_an_earlier_edition_replaced(made, tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(TlbookError, match="a new folder, or one that this command wrote; found one with other files"):
        kit.write(tmp_path)
    assert (tmp_path / "release" / "thesis.txt").exists()
    (made / "release" / "old.ipynb").write_text("x", encoding="utf-8")
    kit.write(made)
    assert not (made / "release" / "old.ipynb").exists()


def texts(folder):
    return {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in TEXT}


def given(name):
    """Return what everybody may read of an assignment."""
    source = sources.read_source(name)
    return "\n".join(
        cell.source for cell in source.cells if not cell.metadata.get("nbgrader") and not cell.metadata.get("tags")
    )


def leaks(folder):
    """Return the lines of solutions, hidden tests, model answers and rubrics that lie in a folder."""
    public = {path.stem: path.read_text(encoding="utf-8") for path in paths.CHAPTERS.glob("*.ipynb")}
    taught = "\n".join(cell.source for text in public.values() for cell in nbformat.reads(text, as_version=4).cells)
    found = [
        (path.name, line)
        for name in sources.names()
        for path, text in texts(folder).items()
        for line in found_in(text, name)
    ]
    # What a chapter shows to all is no secret, though a solution may use it.
    allowed = taught + "".join(map(given, sources.names()))
    return [(path, line) for path, line in found if line not in allowed]


def test_what_is_handed_out_and_the_site_hold_nothing_of_the_kit(made, not_here):
    assert leaks(made / "kit")  # or this test would find nothing anywhere
    assert leaks(made / "release") == []
    site = paths.ROOT / "_build" / "html"
    if not site.is_dir():
        not_here("the site is not built: make book")
    assert leaks(site) == []
    assert not [
        path for path in site.rglob("*") if "coursework" in str(path.relative_to(site)) and path.suffix == ".ipynb"
    ]
    for wheel in site.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            texts = [packed.read(name).decode("utf-8", "replace") for name in packed.namelist()]
        # A line may be the same by chance; two in one file are not.
        assert [
            (name, found_in(text, name)) for name in sources.names() for text in texts if len(found_in(text, name)) > 1
        ] == []


def test_archives_of_the_repository_hold_no_solution(tmp_path):
    if not (paths.ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a clone")
    for path in ["book/coursework/source", "tests/course"]:
        command = ["git", "check-attr", "export-ignore", "--", path]
        said = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
        assert said.strip().endswith(": set")


@pytest.mark.parametrize("name", code.chapters())
def test_chapters_for_homework_have_exercises_and_no_solutions(made, name):
    chapter = nbformat.read(made / "release" / "chapters" / f"{name}.ipynb", as_version=4)
    whole = code.read_chapter(name)
    solutions = [cell.source for cell in whole.cells if cell.source.startswith("# Solution")]
    assert solutions and sum(cell.source == kit.STUB for cell in chapter.cells) == len(solutions)
    for solution in solutions:
        longest = max(solution.splitlines(), key=len)
        assert longest not in "\n".join(cell.source for cell in chapter.cells)
    assert "### Exercise 1" in "\n".join(cell.source for cell in chapter.cells)
    assert all(cell.get("outputs", []) == [] for cell in chapter.cells)


@pytest.mark.parametrize("name", sources.names())
def test_the_notes_of_an_assignment_hold_minutes_rubrics_and_misconceptions(made, name):
    text = (made / "kit" / "notes" / f"{name}.html").read_text(encoding="utf-8")
    for part in ("Minutes", "Model answer", "Rubric", "Misconception", "Reply"):
        assert part in text
    assert (made / "kit" / "solutions" / f"{name}.ipynb").is_file() and secrets(name)


@pytest.mark.parametrize("name", [name for name in code.chapters() if name[2] == "_"])  # not optional pages
def test_a_quiz_has_ten_questions_each_with_its_answer(made, name):
    text = (kit.QUIZZES / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+)\. ", text, re.MULTILINE) == [str(number) for number in range(1, 11)]
    assert text.count("<details><summary>Answer</summary>") == text.count("</details>") == 10
    page = (made / "kit" / "quiz" / f"{name}.html").read_text(encoding="utf-8")
    assert page.count("<details>") == 10 and "<!--" not in page


@pytest.mark.parametrize("name", code.chapters())
def test_slides_open_without_a_network(made, browser, name):
    page, failed = browser.new_page(viewport={"width": 1280, "height": 800}), []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("request", lambda request: request.url.startswith("http") and failed.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto((made / "kit" / "slides" / f"{name}.html").as_uri())
    page.wait_for_function("typeof Reveal !== 'undefined' && Reveal.isReady()")
    assert page.evaluate("Reveal.getTotalSlides()") > (30 if name[2] == "_" else 10)  # optional pages are shorter
    assert page.evaluate("[...document.images].filter(image => !image.alt || !image.naturalWidth).length") == 0
    text = page.evaluate("document.querySelector('.slides').textContent")
    for leftover in ("{cite", "{eq}", "<!--", ":::", "# Solution"):
        assert leftover not in text
    page.wait_for_function("typeof MathJax.typeset === 'function'")
    page.close()
    assert failed == []
