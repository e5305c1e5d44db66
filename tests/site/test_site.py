"""The built site in a real browser: it works offline, in light and dark, on a phone, and for who cannot see."""

import json
import re
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
CHAPTERS = sorted(f"book/chapters/{path.stem}.html" for path in (SITE.parents[1] / "book/chapters").glob("*.ipynb"))
KMEANS = "book/chapters/03_kmeans_pseudo_labels.html"
SETUP = "book/guide/setup.html"  # a short page, with sections


@pytest.fixture(scope="module")
def address(not_here):
    """Serve the site to this machine only."""
    if not (SITE / KMEANS).is_file():
        not_here("no built site in _build/html; to have one:  make book")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pages() -> list[str]:
    """Return the site's pages, what themes bring along aside."""
    paths = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(str(path) for path in paths if not path.parts[0].startswith("_"))


LOOK = """() => ({
    title: document.title,
    heading: document.querySelector('article h1')?.firstElementChild?.textContent,
    menu: document.querySelector('nav.bd-links a.current')?.innerText,
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
    """Open every page once, on a desk and then on the narrowest phone; keep what was seen."""
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
        page.set_viewport_size({"width": 320, "height": 800})
        width = page.evaluate("document.documentElement.scrollWidth")
        wide = page.evaluate(TOO_WIDE) if width > 320 else []
        seen[name] = {**facts, "errors": errors, "requests": requests, "width": width, "wide": wide}
        page.close()
    return seen


def test_pages_load_without_errors(visits):
    assert {name: facts["errors"] for name, facts in visits.items() if facts["errors"]} == {}
    assert len(visits) >= 10


def test_every_page_names_its_icon():
    # Without one a browser asks for /favicon.ico, when it has time: an error on some visits and none on others.
    icon = re.compile(r'<link\s[^>]*rel="(?:shortcut )?icon"')
    assert [name for name in pages() if not icon.search((SITE / name).read_text(encoding="utf-8"))] == []


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
    assert {name: facts["wide"] for name, facts in visits.items() if facts["width"] > 320} == {}


@pytest.mark.parametrize("page", CHAPTERS)
def test_what_is_folded_says_whether_it_is_a_solution(page, address):
    notebook = SITE.parents[1] / page.replace(".html", ".ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    names = {"hide-cell": "Solution", "hide-input": "The code of these numbers and checks"}
    tags = [tag for cell in cells for tag in cell["metadata"].get("tags", [])]
    built = (SITE / page).read_text(encoding="utf-8")
    shown = re.findall(r'<p class="collapsed[^>]*>([^<]*)</p>', built)
    assert shown == [names[tag] for tag in tags if tag in names]


def test_chapters_are_numbered_and_optional_pages_are_not(visits):
    optional = [page for page in CHAPTERS if page.split("/")[-1][2].isalpha()]  # such as 01b_comparing_sources
    assert [visits[page]["menu"] for page in optional] == ["Comparing sources", "Beyond K-means"]
    for number, chapter in enumerate([page for page in CHAPTERS if page not in optional], 1):
        assert visits[chapter]["heading"] == f"{number}. "
        assert visits[chapter]["menu"].startswith(f"{number}. ")


def test_root_leads_to_the_landing_page_and_says_what_it_is(visits, address):
    assert visits["index.html"]["title"] == visits["book/index.html"]["title"]
    with urllib.request.urlopen(f"{address}/") as answer:
        words = answer.read().decode().lower()
    assert words.startswith("<!doctype html>")
    for part in ('<html lang="en">', "<title>transfer learning", '<a href="book/index.html">'):
        assert part in words


@pytest.mark.parametrize("folder", ["chapters", "choices"])
def test_an_old_address_leads_to_the_new_one(folder, address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/{folder}/04_beyond_kmeans.html", wait_until="networkidle")
    page.wait_for_url(f"{address}/book/{folder}/04b_beyond_kmeans.html")
    assert "Beyond K-means" in page.title()
    page.close()


def test_landing_page_shows_the_story_and_three_doors(visits, address):
    landing = visits["book/index.html"]
    assert [image["seen"] for image in landing["images"] if "story" in image["source"]] == [True]
    links = {urlsplit(link).path for link in landing["links"]}
    doors = {f"/book/guide/{page}.html" for page in ("how_to_read", "setup", "classroom")}
    assert doors <= links
    assert links >= {f"/{chapter}" for chapter in CHAPTERS}


CONTRAST = """selector => {
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
    return [...document.querySelectorAll(selector)]
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
    equations = page.evaluate(CONTRAST, "mjx-container")
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


def press(page, button, way: str):
    """Use a button as a mouse, a finger or a keyboard would."""
    if way in ("click", "tap"):
        getattr(button, way)()
    else:
        button.focus()
        page.keyboard.press(way)


@pytest.mark.parametrize("way", ["click", "tap", "Enter", "Space"])
@pytest.mark.parametrize("width", [375, 800, 1280])
@pytest.mark.parametrize("name", ["Menu", "Contents"])
def test_menu_and_contents_open_lead_and_close(browser, address, name, width, way):
    page = browser.new_page(viewport={"width": width, "height": 800}, has_touch=True)
    page.goto(f"{address}/{SETUP}")
    leads_to, inside = {
        "Menu": (f"/{KMEANS}", "nav.bd-links a[href*='03_kmeans']"),
        "Contents": (f"/{SETUP}#", "nav.page-toc a[href^='#']"),
    }[name]
    link = page.locator(inside).first
    button = page.locator(".bd-header-article").get_by_role("button", name=name, exact=True)
    if (name, width) == ("Contents", 1280):  # beside the text, with no button
        assert button.count() == 0
    elif width == 1280:  # beside the text, and the button takes it away
        press(page, button, way)
        link.wait_for(state="hidden")
        press(page, button, way)
    else:
        assert not link.is_visible()
        press(page, button, way)
        link.wait_for()
        if way in ("click", "tap"):
            getattr(page.touchscreen if way == "tap" else page.mouse, way)(width - 20 if name == "Menu" else 20, 700)
        else:
            page.keyboard.press("Escape")
        link.wait_for(state="hidden")
        assert page.evaluate("document.activeElement.title") == name
        press(page, button, way)
    link.wait_for()
    press(page, link, "Enter" if way == "Space" else way)
    page.wait_for_url(f"**{leads_to}*")
    if name == "Contents":
        assert page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top") < 200
        assert page.locator("dialog[open]").count() == 0
    page.close()


# Of code one piece of each colour, of tables the first rows: thousands of them would take minutes.
THIN = """() => {
    document.querySelectorAll('tr:nth-child(n + 9)').forEach(row => row.remove());
    const seen = new Set();
    for (const span of document.querySelectorAll('div.highlight span[class]')) {
        const kind = span.className + (span.closest('.cell_output') ? ' printed' : '');
        seen.has(kind) ? span.replaceWith(span.textContent) : seen.add(kind);
    }
}"""
AXE = {"resultTypes": ["violations"], "rules": {"label-content-name-mismatch": {"enabled": True}}}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)])
def test_no_page_bars_who_cannot_see_or_point(browser, address, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = []
    for name in pages():
        page.goto(f"{address}/{name}", wait_until="networkidle")
        page.evaluate(THIN)
        for rule in axe.run(page, options=AXE).response["violations"]:
            if rule["impact"] in ("critical", "serious"):
                found += [(name, rule["id"], node["html"][:120]) for node in rule["nodes"]]
    assert found == []
    page.close()


def test_copy_buttons_are_seen_without_a_mouse(browser, address):
    shown = "() => getComputedStyle(document.querySelector('button.copybtn')).opacity"
    for device, opacity in (({"has_touch": True, "is_mobile": True}, "1"), ({}, "0")):
        page = browser.new_page(**device)
        page.goto(f"{address}/{KMEANS}", wait_until="networkidle")
        assert page.evaluate(shown) == opacity
        if opacity == "0":
            page.locator("main button:visible, main a:visible").first.focus()
            page.evaluate("document.querySelector('button.copybtn').focus({focusVisible: true})")
            page.wait_for_function(f"({shown})() === '1'")
        page.close()


WIDER = """() => [...document.querySelectorAll('main pre, main .output')]
    .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
    .filter(box => getComputedStyle(box).overflowX !== 'visible')
    .map(box => box.innerText.slice(0, 80))"""


def test_code_and_printed_results_wrap_on_a_phone(browser, address):
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.goto(f"{address}/{KMEANS}", wait_until="networkidle")
    page.evaluate("() => document.querySelectorAll('.text_html').forEach(summary => summary.remove())")  # tables, drawn
    assert page.evaluate(WIDER) == []
    page.close()


def test_paper_shows_everything_and_is_white(browser, address):
    page = browser.new_page(color_scheme="dark", viewport={"width": 700, "height": 1000})
    page.goto(f"{address}/{KMEANS}", wait_until="networkidle")
    state = "() => [document.querySelectorAll('details:not([open])').length, document.documentElement.dataset.theme]"
    before = page.evaluate(state)
    assert (before[0] > 5, before[1]) == (True, "dark")
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = ({state})() }})")
    page.pdf()
    assert page.evaluate("window.printed") == [0, "light"]
    assert page.evaluate(state) == before
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(WIDER) == []
    assert (
        page.locator(".primary-toggle, .bd-links, .page-toc.bd-toc-nav, .copybtn, .prev-next-footer")
        .filter(visible=True)
        .count()
        == 0
    )
    assert page.locator("details.hide").get_by_text("Hide the solution").filter(visible=True).count() == 0
    ground, ink = page.evaluate(
        "() => (style => [style.backgroundColor, style.color])(getComputedStyle(document.body))"
    )
    assert (ground, max(map(int, ink[4:-1].split(","))) < 60) == ("rgb(255, 255, 255)", True)
    page.close()


def test_the_higher_a_heading_the_heavier(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/{KMEANS}")
    style = """tag => {
        const style = getComputedStyle(document.querySelector(`article ${tag}`));
        return [parseFloat(style.fontSize), Number(style.fontWeight)];
    }"""
    (one, bold), (two, less), (three, least) = (page.evaluate(style, tag) for tag in ("h1", "h2", "h3"))
    assert one > two > three
    assert bold >= less >= least
    page.close()


def test_dark_pages_have_no_grey_pictures(browser, address):
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{address}/{KMEANS}", wait_until="networkidle")
    style = "(boxes, name) => [...new Set(boxes.map(box => getComputedStyle(box)[name]))]"
    assert page.eval_on_selector_all("article img", style, "filter") == ["none"]
    assert page.eval_on_selector_all("article img", style, "backgroundColor") == ["rgb(255, 255, 255)"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_can_be_read_without_javascript(browser, address, scheme):
    page = browser.new_page(color_scheme=scheme, java_script_enabled=False)
    page.goto(f"{address}/{KMEANS}")
    code = page.evaluate(CONTRAST, "div.cell_input span[class]")
    assert min(one["ratio"] for one in code) >= 4.5
    page.close()
