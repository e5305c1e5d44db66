"""The built site in a real browser: it works offline, in light and dark, on a phone, and for who cannot see."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
CHAPTERS = sorted(f"book/chapters/{path.stem}.html" for path in (SITE.parents[1] / "book/chapters").glob("*.ipynb"))
KMEANS = "book/chapters/03_kmeans_pseudo_labels.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def not_here(reason: str):
    """Skip where a reader's machine lacks something; fail where everything should be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def address():
    """Serve the site to this machine only."""
    if not (SITE / KMEANS).is_file():
        not_here("no built site in _build/html; to have one:  make book")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path == "/favicon.ico":  # asked by the browser, not by a page: the one that leads on has no icon
                self.send_response(204)
                self.end_headers()
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        not_here(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield running
        running.close()


def pages() -> list[str]:
    """Return the site's pages, what themes bring along aside."""
    paths = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(str(path) for path in paths if not path.parts[0].startswith("_"))


LOOK = """() => ({
    title: document.title,
    images: [...document.images].map(image => ({
        source: image.getAttribute('src'), alt: image.alt.trim(), seen: image.complete && image.naturalWidth > 0,
    })),
    links: [...document.querySelectorAll('a[href]')].map(link => link.href),
})"""
TOO_WIDE = """() => [...document.querySelectorAll('main *')]
    .filter(element => element.getBoundingClientRect().right > window.innerWidth + 1)
    .slice(0, 5).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def visits(address, browser):
    """Open every page once, on a desk and then on a phone; keep what was seen."""
    seen = {}
    for name in pages():
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors, requests = [], []
        page.on("console", lambda message, to=errors: to.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error, to=errors: to.append(str(error)))
        page.on("request", lambda request, to=requests: to.append(request.url))
        page.on("response", lambda answer, to=errors: to.append(answer.url) if answer.status >= 400 else None)
        page.goto(f"{address}/{name}", wait_until="networkidle")
        page.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true })")
        facts = page.evaluate(LOOK)
        page.set_viewport_size({"width": 375, "height": 800})
        width = page.evaluate("document.documentElement.scrollWidth")
        wide = page.evaluate(TOO_WIDE) if width > 375 else []
        seen[name] = {**facts, "errors": errors, "requests": requests, "width": width, "wide": wide}
        page.close()
    return seen


def test_pages_load_without_errors(visits):
    assert {name: facts["errors"] for name, facts in visits.items() if facts["errors"]} == {}
    assert len(visits) >= 10


def test_pages_ask_no_other_host(visits, address):
    own = urlsplit(address).netloc
    asked = {url for facts in visits.values() for url in facts["requests"] if urlsplit(url).netloc not in (own, "")}
    assert asked == set()


def test_every_image_is_shown_and_has_alt_text(visits):
    images = [(name, image) for name, facts in visits.items() for image in facts["images"]]
    assert [(name, image["source"]) for name, image in images if not image["alt"]] == []
    # Of a pair for light and dark, one is hidden and may not be loaded.
    figures = [(name, image) for name, image in images if "_images/" in image["source"]]
    assert [(name, image["source"]) for name, image in figures if not image["seen"]] == []


def test_links_within_the_site_lead_somewhere(visits, address):
    dead = set()
    for name, facts in visits.items():
        for link in facts["links"]:
            parts = urlsplit(link)
            if f"{parts.scheme}://{parts.netloc}" == address and not (SITE / parts.path.lstrip("/")).exists():
                dead.add((name, parts.path))
    assert dead == set()


def test_a_phone_does_not_scroll_sideways(visits):
    assert {name: facts["wide"] for name, facts in visits.items() if facts["width"] > 375} == {}


def test_landing_page_shows_the_story_and_three_doors(visits, address):
    landing = visits["book/index.html"]
    assert [image["seen"] for image in landing["images"] if "story" in image["source"]] == [True]
    links = {urlsplit(link).path for link in landing["links"]}
    doors = {f"/book/guide/{page}.html" for page in ("how_to_read", "setup", "classroom")}
    assert doors <= links
    assert links >= {f"/{chapter}" for chapter in CHAPTERS}


CONTRAST = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = numbers(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] > 0.5) return colour;
        }
        return [255, 255, 255];
    };
    const ratio = element => {
        const both = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    };
    return [...document.querySelectorAll('mjx-container')]
        .map(element => ({ratio: ratio(element), width: element.getBoundingClientRect().width}));
}"""


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chapter_shows_provenance_and_equations(browser, address, scheme, chapter):
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{address}/{chapter}", wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    line = page.get_by_text("Profile: full · Data: ")
    assert line.count() == 1
    assert line.is_visible()
    page.wait_for_selector("mjx-container")
    equations = page.evaluate(CONTRAST)
    assert len(equations) >= 2
    assert [one for one in equations if one["ratio"] < 4.5 or one["width"] < 1] == []
    assert "$" not in page.inner_text("main").replace("$ ", "")
    page.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_code_cell_has_a_copy_button(browser, address, chapter):
    page = browser.new_page()
    page.goto(f"{address}/{chapter}", wait_until="networkidle")
    cells = page.locator("div.cell_input div.highlight").count()
    assert cells > 10
    assert page.locator("div.cell_input button.copybtn").count() == cells
    page.close()


def test_search_finds_pseudo_labels(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=pseudo-label", wait_until="networkidle")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    assert any(KMEANS in link for link in found)
    page.close()
