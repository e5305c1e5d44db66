"""`make book` on a small site: what is broken fails, and goes on failing until it is mended."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture
def site(tmp_path):
    for name in ("Makefile", "_config.yml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "book" / "figures", tmp_path / "book" / "figures")
    (tmp_path / "book" / "reference").mkdir()
    shutil.copy(ROOT / "book" / "reference" / "references.bib", tmp_path / "book" / "reference")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n  - file: book/page\n")
    (tmp_path / "book" / "index.md").write_text("# Home\n\nSee [the page](page.md).\n")
    (tmp_path / "book" / "page.md").write_text("# Page\n\nBack [home](index.md).\n")
    return tmp_path


def make_book(root):
    """Run the Makefile's own recipe, with the packages of this Python and without installing any."""
    command = ["make", "--old-file=.venv/ready", f"BIN={Path(sys.executable).parent}", "book"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)


def test_broken_links_fail_until_they_are_mended(site):
    page = site / "book" / "page.md"
    whole = page.read_text()
    page.write_text(whole + "\n[away](nowhere.md), {ref}`nothing`, {cite:p}`nobody1900`, ![](no.png)\n")
    for attempt in ("first", "unchanged"):
        done = make_book(site)
        assert done.returncode != 0, attempt
        for words in ("nowhere.md", "nothing", "nobody1900", "no.png"):
            assert words in done.stderr, f"{words}, {attempt} attempt"
        assert not (site / "_build" / "good").exists()
    page.write_text(whole)
    done = make_book(site)
    assert done.returncode == 0, done.stderr
    assert (site / "_build" / "html" / "index.html").is_file()
