"""`make book` on a small site: what is broken fails, and goes on failing until it is mended."""

import shutil
import subprocess
import sys
from pathlib import Path

import built
import pytest

ROOT = Path(__file__).resolve().parents[2]


def make_site(root: Path, page: str) -> Path:
    """Write a site of two pages, made by the project's own Makefile and settings."""
    for folder in ("figures", "_static", "_moved"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    for name in ("tlbook", "tlbook/course", "tlbook/record", "book/reference"):
        (root / name).mkdir()
    for name in ("tlbook", "tlbook/course", "tlbook/record"):
        (root / name / "__init__.py").write_text("")
    (root / "LICENSE").write_text("None.\n")
    (root / "README.md").write_text("# A package\n")
    shutil.copy(ROOT / "book" / "reference" / "references.bib", root / "book" / "reference")
    for name in ("Makefile", "_config.yml", "pyproject.toml", "requirements-site.lock"):
        shutil.copy(ROOT / name, root / name)
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n  - file: book/page\n")
    (root / "book" / "index.md").write_text("# Home\n\nSee [the page](page.md).\n")
    (root / "book" / "page.md").write_text(page)
    return root


def make_book(root: Path) -> subprocess.Popen:
    """Start the Makefile's own recipe, with the packages of this Python and without installing any."""
    command = ["make", "--old-file=.venv/site", f"BIN={Path(sys.executable).parent}", "book"]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_broken_links_fail_again_and_again(tmp_path):
    whole = "# Page\n\nBack [home](index.md).\n"
    good = make_site(tmp_path / "good", whole)
    broken = "[away](nowhere.md), {ref}`nothing`, {cite:p}`nobody1900`, ![](no.png)\n"
    bad = make_site(tmp_path / "bad", f"{whole}\n{broken}")
    building = make_book(good)
    for attempt in ("first", "unchanged"):
        failing = make_book(bad)
        said = failing.communicate(timeout=600)[0]
        assert failing.returncode != 0, attempt
        for words in ("nowhere.md", "nothing", "nobody1900", "no.png"):
            assert words in said, f"{words}, {attempt} attempt: {said}"
        assert not (bad / "_build" / "good").exists()
    said = building.communicate(timeout=600)[0]
    assert building.returncode == 0, said
    assert (good / "_build" / "html" / "index.html").is_file()
    assert built.active_in(good / "_build" / "html") == []
    assert len(list((good / "_build" / "html").glob("tlbook-*-py3-none-any.whl"))) == 1
    assert not (good / "build").exists()


def test_the_whole_site_holds_no_script_but_the_themes(not_here):
    site = ROOT / "_build" / "html"
    if not (site / "index.html").is_file():
        not_here("no built site in _build/html; to have one:  make book")
    assert built.active_in(site) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<script src='https://example.org/x.js'></script>",
        "<script src='../../_static/other.js'></script>",
        "<script>//\nDOCUMENTATION_OPTIONS.pagename = 1</script>",
        "<img src=x onerror=alert(1)>",
        "<a onclick='window.print()'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='&#1;JavaScript:alert(1)'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<form action='vbscript:x'>",
        "<meta http-equiv='Refresh' content='0; url=https://example.org'>",
        "<iframe src='x'></iframe>",
        "<svg><a xlink:href='javascript:x'/></svg>",
    ],
)
def test_what_is_active_on_a_built_page_is_found(text):
    assert built.active_on(f"<html><body>{text}</body></html>") != []
