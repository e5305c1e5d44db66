"""What a built page may hold of scripts: those of the theme and the book's own, and no other."""

import re
from html.parser import HTMLParser
from pathlib import Path

FILES = re.compile(
    r"(?:\.\./)*(?:searchindex\.js|_static/(?:documentation_options|doctools|sphinx_highlight|clipboard\.min|copybutton"
    r"|togglebutton|design-tabs|book|searchtools|language_data|mathjax/tex-chtml"
    r"|scripts/(?:fontawesome|bootstrap|pydata-sphinx-theme|sphinx-book-theme))\.js)(?:\?[\w=.]*)?"
)
INLINE = (  # how the theme's and the extensions' scripts within a page begin
    "",
    "document.documentElement.dataset.mode = localStorage.getItem(",
    "DOCUMENTATION_OPTIONS.",
    "let toggleHint",
    "let toggleOpenOnPrint",
    "var togglebuttonSelector",
    "window.MathJax = ",
    "// Activate the search field on page load",
)
HANDLERS = {"toggleFullScreen()", "window.print()"}  # of the theme's buttons
LEADS = {"href", "src", "action", "formaction", "data", "xlink:href", "poster", "srcset", "background", "cite"}
SCHEMES = {"", "http", "https"}
MOVED = Path(__file__).resolve().parents[2] / "book" / "_moved"  # old addresses
LEADING = {"index.html", *(path.relative_to(MOVED).as_posix() for path in MOVED.rglob("*.html"))}
NEVER = {"iframe", "frame", "object", "embed", "applet", "base", "portal"}


class _Page(HTMLParser):
    """Collects what is active on a page beyond what theme and book bring along."""

    def __init__(self, leads: bool):
        super().__init__()
        self.leads, self.wrong, self.inline = leads, [], None

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag in NEVER:
            self.wrong.append(f"<{tag}>")
        if tag == "script":
            self.inline = None if "src" in given else ""
            if "src" in given and not FILES.fullmatch(given["src"]):
                self.wrong.append(f"a script from {given['src']}")
        if tag == "meta" and given.get("http-equiv", "").strip().lower() == "refresh" and not self.leads:
            self.wrong.append("a page that leads away by itself")
        for name, value in given.items():
            self._check(tag, name, value)

    handle_startendtag = handle_starttag

    def _check(self, tag, name, value):
        if name.startswith("on") and (tag, value) not in {("button", own) for own in HANDLERS}:
            self.wrong.append(f"{name}={value!r}")
        if name in LEADS:  # browsers drop control characters and spaces before they look for the scheme
            scheme = re.match(r"([a-z][a-z0-9+.-]*):|", re.sub(r"[\x00-\x20\x7f-\x9f]", "", value), re.I)[1] or ""
            if scheme.lower() not in SCHEMES:
                self.wrong.append(f"{name}={value!r}")

    def handle_data(self, text):
        if self.inline is not None:
            self.inline += text

    def handle_endtag(self, tag):
        if tag == "script" and self.inline is not None:
            if not any(self.inline.strip().startswith(begin) if begin else not self.inline.strip() for begin in INLINE):
                self.wrong.append(f"a script within the page: {self.inline.strip()[:60]!r}")
            self.inline = None


def active_on(text: str, *, leads: bool = False) -> list[str]:
    """Return what is active on a built page; one that `leads` goes to another page of the site by itself."""
    page = _Page(leads)
    page.feed(text)
    page.close()
    return page.wrong


def active_in(site: Path) -> list[str]:
    """Return what is active in a built site, what lies in ``_static`` aside."""
    paths = (path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] != "_static")
    return [
        f"{path.relative_to(site)}: {wrong}"
        for path in paths
        for wrong in active_on(path.read_text(encoding="utf-8"), leads=path.relative_to(site).as_posix() in LEADING)
    ]
