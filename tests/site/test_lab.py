"""`make lab` in a real browser: it opens the chapters, shows every picture, and reads what the book is written in."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
OPENED = ("01_transfer_concepts", "04b_beyond_kmeans")  # the two with pictures and links outside of their folder
SEEN = """() => ({
    text: [...document.querySelectorAll('.jp-MarkdownCell')].map(cell => cell.innerText).join('\\n'),
    missing: document.querySelectorAll('[title="Citation Not Found"]').length,
    cited: [...document.querySelectorAll('.cite-group, .cite, cite')].map(one => one.innerText),
    images: [...document.querySelectorAll('.jp-Notebook img')].map(image => [
        image.src.slice(0, 100), image.complete && image.naturalWidth > 0,
    ]),
})"""
RAW = r".{0,30}\{\w+(?::\w+)?\}`.{0,30}|^\([a-z][\w-]+\)=?$|^:::.*$|^```.*$"
DOWN = """() => {
    const panel = document.querySelector('.jp-WindowedPanel-outer');
    const before = panel.scrollTop;
    panel.scrollTop += 600;
    return panel.scrollTop > before;
}"""


def kernel_environment() -> dict[str, str]:
    """Return this environment without the variable by which a kernel knows a test, and then watches no logs."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start the Makefile's own recipe on a copy of the book, with the packages of this Python; return its address."""
    pytest.importorskip("jupyterlab")
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "book", root / "book", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "Makefile", root)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --ServerApp.port={port} --IdentityProvider.token= --ServerApp.port_retries=0"
    command = ["make", "--old-file=.venv/ready", f"BIN={Path(sys.executable).parent}", "lab", f"LAB={options}"]
    env = {**kernel_environment(), "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces")}
    with open(root / "log", "w") as log:
        running = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=subprocess.STDOUT)
    address, began = f"http://127.0.0.1:{port}", time.monotonic()
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                assert running.poll() is None and time.monotonic() - began < 300, (root / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        running.terminate()
        subprocess.run(["pkill", "--full", f"ServerApp.port={port}"], check=False)
        running.wait(120)


@pytest.fixture(scope="module", params=OPENED)
def chapter(lab, browser, request):
    """Open a chapter and go through it from top to bottom; keep what was seen."""
    page, failed = browser.new_page(viewport={"width": 1280, "height": 1000}), []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{lab}/lab/tree/book/chapters/{request.param}.ipynb?reset")
    page.wait_for_selector(".jp-MarkdownCell h1", timeout=60_000)
    raw, cited, images, more = set(), set(), {}, True
    while more:
        for _ in range(20):  # cells are rendered one after the other, when they come into view
            page.wait_for_timeout(150)
            seen = page.evaluate(SEEN)
            left = re.findall(RAW, seen["text"], re.M) + ["a citation without its work"] * seen["missing"]
            if not left:
                break
        raw |= set(left)
        cited |= {" ".join(one.split()) for one in seen["cited"]}
        images |= {source: good or images.get(source, False) for source, good in seen["images"]}
        for _ in range(6):  # on a busy machine the page grows late
            more = page.evaluate(DOWN)
            if more:
                break
            page.wait_for_timeout(500)
    yield {"failed": failed, "raw": raw, "cited": cited, "images": images}
    page.close()


def test_nothing_is_missing_on_the_server(chapter):
    assert chapter["failed"] == []


def test_every_picture_is_shown(chapter):
    assert len(chapter["images"]) > 3
    assert [source for source, good in chapter["images"].items() if not good] == []


def test_no_role_directive_or_label_is_left_raw(chapter):
    assert chapter["raw"] == set()


def test_citations_are_authors_and_years(chapter):
    assert len(chapter["cited"]) > 10
    assert [one for one in chapter["cited"] if one.strip() and not re.search(r"[\w.]+, \d{4}", one)] == []


def test_the_chapters_are_what_opens_and_no_question_is_asked(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/")  # what the command opens
    page.wait_for_selector(".jp-DirListing-item >> text=03_kmeans", timeout=60_000)
    page.wait_for_timeout(3_000)
    assert page.locator(".Toastify__toast").count() == 0
    page.close()


def test_the_first_cell_prints_its_profile_and_no_red_log(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/lab/tree/book/chapters/03_kmeans_pseudo_labels.ipynb?reset")
    page.wait_for_selector(".jp-MarkdownCell h1", timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    cell = page.locator(".jp-CodeCell", has_text="run = tl.start(").first
    cell.locator(".jp-InputArea-editor").click()
    cell.locator("text=Profile: full").first.wait_for()  # as recorded
    page.keyboard.press("Shift+Enter")
    cell.locator("text=Profile: quick").first.wait_for(timeout=90_000)
    assert cell.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    page.close()


def test_a_kernel_of_this_environment_keeps_the_log_of_tensorflow_out_of_notebooks():
    cells = [nbformat.v4.new_code_cell("import tensorflow, os\nos.write(2, b'by hand')\nprint('done')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(env=kernel_environment())
    (output,) = notebook.cells[0].outputs
    assert (output.name, output.text) == ("stdout", "done\n")
