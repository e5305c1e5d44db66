"""Slides of a chapter, from the same notebook: its headings, first sentences, code, figures; the rest is for notes.

They are shown by reveal.js in any browser, without a network: https://revealjs.com
"""

from __future__ import annotations

import html
import importlib.metadata
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from tlbook import disk
from tlbook.record import code, paths
from tlbook.run import TlbookError

TEMPLATE = Path(__file__).with_name("slides")
FONT = "dist/theme/fonts/source-sans-pro"
REVEAL = "dist/reveal.js dist/reveal.css dist/theme/white.css plugin/notes/notes.js LICENSE".split()
REVEAL += [f"{FONT}/{name}" for name in ("LICENSE", "source-sans-pro.css")]
REVEAL += [f"{FONT}/source-sans-pro-{cut}.woff" for cut in ("regular", "italic", "semibold", "semibolditalic")]
OMITTED = {"Exercises", "Further reading"}
COMMENT, DETAILS = re.compile(r"<!--.*?-->", re.DOTALL), re.compile(r"<details>.*?</details>", re.DOTALL)
ADMONITION = re.compile(r"^:::.*?^:::\s*$", re.DOTALL | re.MULTILINE)
CITED = re.compile(r"\s*\{cite:p\}`[^`]*`")
NAMED = re.compile(r"\{cite:t\}`([a-z]+)(\d{4})[^`]*`")
ROLE = re.compile(r"\{(?:eq|ref|doc|numref)\}`([^`<]*)(?:<[^`]*>)?`")
LEADS_NOWHERE = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]*\)")  # a link to another page of the site
TARGET = re.compile(r"(?<=\$\$) *\([\w-]+\)$", re.MULTILINE)
SENTENCE = re.compile(r"(.+?[.?!:])(?=\s+[A-Z*`\[$]|$)", re.DOTALL)
KEPT = re.compile(r"^(?:\$\$|!\[|\||[-*] |\d+\. |#|>)")


def _plain(text: str) -> str:
    """Return Markdown without what only the site can show."""
    for pattern in (COMMENT, DETAILS, ADMONITION, CITED, TARGET):
        text = pattern.sub("", text)
    text = NAMED.sub(lambda found: f"{found[1].capitalize()} and others ({found[2]})", text)
    text = LEADS_NOWHERE.sub(r"\1", text)
    return ROLE.sub(r"\1", text).replace("](../figures/", "](figures/").replace("](../roads/", "](figures/").strip()


def _shown(text: str) -> str:
    """Return the paragraphs of a slide: pictures, equations, tables and lists whole, of others the first sentence."""
    shown = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("**Only this notebook"):
            continue
        if KEPT.match(paragraph):
            shown.append(paragraph)
        elif first := SENTENCE.match(" ".join(paragraph.split())):
            shown.append(f"- {first[1]}")
    return "\n\n".join(shown)


def _cell(text: str, kind: str):
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})


def _described(output, cell):
    """Return an output whose picture says what is to be seen, as on the site."""
    if picture := output.get("data", {}).get("image/png"):
        alt = html.escape(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
        output.data = {"text/html": f'<img alt="{alt}" src="data:image/png;base64,{picture.strip()}">'}
    return output


def outline(notebook):
    """Return a notebook of slides: a slide for each heading, what was cut in the notes, code and figures below it."""
    slides, omitted, began = [], False, False
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and "provenance" not in tags:
            for part in re.split(r"^(?=#{1,3} )", _plain(cell.source), flags=re.MULTILINE):
                heading = re.match(r"(#{1,3}) (.+)", part)
                if heading and len(heading[1]) <= 2:
                    omitted = heading[2] in OMITTED
                if not part.strip() or omitted:
                    continue
                kind = {1: "slide", 2: "slide", 3: "subslide"}[len(heading[1])] if heading else "subslide"
                slides += [_cell(_shown(part), kind), _cell(part, "notes")]
                began = True
        elif cell.cell_type == "code" and not omitted and not {"hide-cell", "remove-cell", "hide-input"} & set(tags):
            slide = nbformat.from_dict(cell)
            drawn = "tl.plots." in slide.source and any("image/png" in out.get("data", {}) for out in slide.outputs)
            # What was just said stands above a figure, whose code is plumbing, and above a short piece of code.
            together = began and (drawn or slide.source.count("\n") < 8)
            slide.metadata, began = {"slideshow": {"slide_type": "-" if together else "subslide"}}, False
            if drawn:
                slide.metadata["transient"] = {"remove_source": True}
            slide.outputs = [_described(output, cell) for output in slide.outputs]
            slides.append(slide)
    made = nbformat.from_dict(notebook)
    made.cells = slides
    return made


def write(folder: Path) -> int:
    """Write the slides of all chapters, and what they need, into a folder; return how many files.

    `TlbookError` if the library that brings reveal.js, or the one that brings MathJax, is not installed.
    """
    from nbconvert import SlidesExporter

    contents = {folder / "static" / name: content for name, content in _libraries().items()}
    contents |= {folder / "figures" / path.name: path.read_bytes() for path in (paths.ROOT / "book").rglob("*.svg")}
    exporter = SlidesExporter(template_name="slides", extra_template_basedirs=[str(TEMPLATE.parent)])
    exporter.reveal_url_prefix, exporter.reveal_theme = "static", "white"
    for name in code.chapters():
        page, _ = exporter.from_notebook_node(outline(code.read_chapter(name)), {"metadata": {"name": name}})
        contents[folder / f"{name}.html"] = page
    disk.write(contents)
    return len(contents)


def _libraries() -> dict[str, bytes]:
    """Return the files that slides load, by their names beside them."""
    wanted = {name: ("sphinx-revealjs", f"sphinx_revealjs/_static/revealjs/{name}") for name in REVEAL}
    wanted["mathjax.js"] = ("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js")
    found = {}
    for name, (library, path) in wanted.items():
        try:
            found[name] = Path(importlib.metadata.distribution(library).locate_file(path)).read_bytes()
        except (importlib.metadata.PackageNotFoundError, OSError) as error:
            do = "pip install sphinx-revealjs sphinx-mathjax-offline"
            raise TlbookError(library, "an installed library with its files", str(error)[:100], do) from error
    return found
