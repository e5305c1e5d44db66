"""What is active on a page: anything that a browser or a builder would run, or follow, instead of showing it as text.

The rules name what the book uses today and refuse the rest, so that a new way in is refused before it is known.
"""

import html
import re
from pathlib import Path

import nbformat
from pybtex.database import parse_string

# What is not text on a page today. In comments, angle brackets compare: between spaces, so that none can end a comment
# for a browser, which takes `<!-->`, `<!--->` and `--!>` for an end as well.
HARMLESS = re.compile(
    r"<!-- (?:[^<>-]|-(?!-)| [<>]=? )*-->|</?(?:details|summary)>|<a href=\"[\w./-]+\">|</a>|\{term\}`[\w -]+<[\w -]+>`"
)
ROLES = {"cite:p", "cite:t", "eq", "term"}
DIRECTIVES = {"admonition", "bibliography", "figure", "glossary"}
OPTION = re.compile(r":(?:all|alt|width):(?: [^\\]*)?|:class: (?:note|important)")
OUTPUT_KINDS = {"text/plain", "text/markdown", "text/html", "image/png"}
SUMMARY = re.compile(r"</?(?:pre|span)(?: style=\"[\w #:;,.'-]*\")?>")  # a network's summary, as Keras colours it
SCHEME = re.compile(r"(?:javascript|vbscript|livescript):\S*|data:(?:text|image|application)/\S*", re.I)
# Of TeX: what makes links, attributes, HTML or new commands, or loads more of MathJax.
COMMANDS = r"href|url|class|style|cssId|unicode|require|html\w*|data|mmlToken|bbox|toggle|texttip|input|include\w*"
COMMANDS += r"|def|let|csname|(?:re)?new(?:command|environment)|begingroup|catcode"
COMMAND = re.compile(rf"\\(?:{COMMANDS})(?![A-Za-z])")
ANY = None  # in the tables below: whatever stands there, as long as it is text
ABOUT_NOTEBOOK = {
    "kernelspec": {"display_name": ANY, "language": ANY, "name": ANY},
    "language_info": ANY,
    "tlbook": ANY,
}
ABOUT_CELL = {
    "tags": ANY,
    "jupyter": {"outputs_hidden": ANY, "source_hidden": ANY},
    "mystnb": {"image": {"alt": ANY}, "code_prompt_hide": ANY, "code_prompt_show": ANY},
}
TAGS = {"hide-cell", "hide-input", "provenance"}
ADDRESS = {"url": re.compile(r"https?://[\w./~:?=&%+-]+"), "doi": re.compile(r"10\.\d{4,9}/[\w.;()/:-]+")}
ADDRESS["eprint"] = re.compile(r"\d{4}\.\d{4,5}")
FIELDS = {"author", "title", "year", "journal", "volume", "number", "pages", "booktitle", "publisher", "editor"}
FIELDS |= {"series", "note", "howpublished", "archiveprefix", "school", "institution", "edition", "address", "month"}
FIELDS |= {*ADDRESS}


def found(text: str) -> list[str]:
    """Find what a browser or a builder would not take as text: HTML, scripts, unknown roles and directives."""
    parts = re.findall(r"<[a-z/!?][^>\n]{0,40}|\{\{[^\n]{0,40}", HARMLESS.sub(" ", text), re.I)
    # Browsers read an address without its control characters, and its entities as what they stand for.
    parts += SCHEME.findall(re.sub(r"[\x00-\x08\x0b-\x1f]|(?<=\w)[\t\n]+(?=\w)", "", html.unescape(text)))
    parts += COMMAND.findall(text)
    blocks = re.findall(r"(?:`{3,}|~{3,}|:{3,})[^\S\n]*\{([^}]*)\}", text)
    roles = re.findall(r"\{([^{}`\n]*)\}`", text)
    parts += [f"{{{name}}}" for name in [*{*blocks} - DIRECTIVES, *{*roles} - ROLES]]
    return parts + _settings(text)


def _settings(text: str) -> list[str]:
    """Find front matter, and options of directives other than those in use."""
    parts = re.findall(r"\A\s*\ufeff?\s*---|^[\s>]*\+\+\+.*", text, re.M)
    parts += re.findall(r"(?:`{3,}|~{3,}|:{3,})[^\S\n]*\{[^}]*\}[^\n]*\n[\s>]*---", text)
    lines = (re.sub(r"^[\s>]+", "", line) for line in text.splitlines())
    return parts + [line for line in lines if re.match(":(?!::)", line) and not OPTION.fullmatch(line.rstrip())]


def strings(part):
    """Go through every text in nested dicts and lists, keys too."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from (key, *strings(value))
    elif isinstance(part, list):
        for each in part:
            yield from strings(each)


def unknown(part, known, path: str) -> list[str]:
    """Find the keys of metadata that are not known."""
    if known is ANY:
        return []
    if not isinstance(part, dict):
        return [f"{path} = {part!r}"]
    lost = [f"{path}.{key}" for key in part.keys() - known.keys()]
    return lost + [
        each for key in part.keys() & known.keys() for each in unknown(part[key], known[key], f"{path}.{key}")
    ]


def in_cell(cell) -> tuple[list[str], list[str]]:
    """Return what is wrong with a cell as such, and its texts, of which each must be plain."""
    wrong = unknown(cell.metadata, ABOUT_CELL, "metadata")
    wrong += [f"the tag {tag}" for tag in cell.metadata.get("tags", []) if tag not in TAGS]
    wrong += ["attachments"] * bool(cell.get("attachments")) + ["raw text"] * (cell.cell_type == "raw")
    texts = [*strings(cell.metadata), *([cell.source] if cell.cell_type != "code" else [])]
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        wrong += [f"an output of the kind {kind}" for kind in data.keys() - OUTPUT_KINDS]
        wrong += unknown(output.get("metadata", {}), {}, "an output's metadata")
        texts += [data.get("text/markdown", ""), SUMMARY.sub(" ", data.get("text/html", ""))]
    return wrong, texts


def only_text(root: Path) -> list[str]:
    """No page, cell or output holds anything active: text, formulas and pictures only."""
    top = [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    paths = (path for path in (*top, *sorted((root / "book").rglob("*.md"))) if path.is_file())
    texts = [(str(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in paths]
    problems = []
    for path in sorted((root / "book" / "chapters").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        problems += [f"{path.stem}: holds {key}" for key in unknown(notebook.metadata, ABOUT_NOTEBOOK, "metadata")]
        texts += [(path.stem, text) for text in strings(notebook.metadata)]
        for number, cell in enumerate(notebook.cells, 1):
            wrong, said = in_cell(cell)
            problems += [f"{path.stem}, cell {number}: {each}" for each in wrong]
            texts += [(f"{path.stem}, cell {number}", text) for text in said]
    return problems + [f"{where}: holds {part!r}" for where, text in texts for part in found(text)]


def only_addresses(root: Path) -> list[str]:
    """A reference holds text, an address of the web and a DOI, and nothing that leads elsewhere."""
    path = root / "book" / "reference" / "references.bib"
    if not path.is_file():
        return []
    text, problems = path.read_text(encoding="utf-8"), []
    problems += [f"{path.name}: holds {kind}" for kind in re.findall(r"@\s*(?:preamble|string|comment)\b", text, re.I)]
    for key, entry in parse_string(text, "bibtex").entries.items():
        fields = {name.lower(): value for name, value in entry.fields.items()}
        problems += [f"{path.name}, {key}: the field {name}" for name in fields.keys() - FIELDS]
        for name, value in fields.items():
            good = ADDRESS[name].fullmatch(value) if name in ADDRESS else not found(value)
            problems += [] if good else [f"{path.name}, {key}: {name} = {value!r}"]
    return problems
