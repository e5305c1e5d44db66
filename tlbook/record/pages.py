"""The pages that are written from the register: marked numbers in prose, the results page, the landing page's figure.

A measured number stands in prose as ``**91.2 ± 0.9 %**<!-- num: letters_acc -->``. Outside of its
chapter the marker names it too: ``num: 03_kmeans_pseudo_labels.letters_acc``. After a bar it may ask
for the ``mean`` alone, or for the ``min`` or ``max`` over the seeds (inside a table, leave the bar out).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.claims import written
from tlbook.record import paths
from tlbook.record.runs import provenance_line
from tlbook.run import TlbookError

MARKED = re.compile(r"(?<!`)\*\*([^*\n]+)\*\*<!-- num: ([\w.]+)(?: \|?\s?(mean|min|max))? -->")
SIGNED = re.compile(r"(<!-- code: \w+(?: package: \w+)?)(?: page: \w+)? -->")
STORY_BARS = {
    "03_kmeans_pseudo_labels.raw_kmeans_acc": "K-means on pixels",
    "03_kmeans_pseudo_labels.random_features_kmeans_acc": "K-means on features\nof an untrained network",
    "03_kmeans_pseudo_labels.letters_kmeans_acc": "K-means on features\nof a network that knows letters",
    "03_kmeans_pseudo_labels.pseudo_letters_acc": "a new network trained\non those clusters",
    "04_neighbours.protocol_acc": "a new network trained on\nlabels averaged over neighbours",
}


def loose(text: str) -> list[int]:
    """Return where markers of numbers stand without a number in ``**`` before them: nobody would write it anew.

    >>> loose("It is **99 %**<!-- num: acc -->, or __99 %__<!-- num: acc -->, and `<!-- num: acc -->`.")
    [44]
    """
    bare = re.sub(r"`[^`\n]+`", lambda code: " " * len(code[0]), text)
    good = {mark.start(2) for mark in MARKED.finditer(text)}
    return [mark.start() for mark in re.finditer("<!-- num: ", bare) if mark.end() not in good]


def refuse_loose(text: str, where: str) -> None:
    """Raise `TlbookError` if a marker in a text has no number before it."""
    for place in loose(text):
        found = repr(text[max(0, place - 30) : place + 40])
        raise TlbookError(where, "a number in ** before each marker", found, "write  **0 %**<!-- num: name -->")


def fill(text: str, register: list[dict], chapter: str = "") -> str:
    """Write every marked number of a text anew from the register, which must hold it.

    >>> kept = [{"chapter": "c", "name": "acc", "mean": 0.5, "sd": 0.01, "values": [0.49, 0.51], "unit": "fraction"}]
    >>> fill("It reaches **?**<!-- num: acc -->, at best **?**<!-- num: acc | max -->.", kept, "c")
    'It reaches **50.0 ± 1.0 %**<!-- num: acc -->, at best **51.0 %**<!-- num: acc | max -->.'
    """
    known = {f"{row['chapter']}.{row['name']}": row for row in register}

    def replace(found: re.Match) -> str:
        old, name, form = found.groups()
        row = known.get(name if "." in name else f"{chapter}.{name}")
        if row is None:
            do = "correct the name, or record the chapter that measures it"
            raise TlbookError(f"marker <!-- num: {name} -->", "a name in the register", "none of that name", do)
        value = {"min": min, "max": max}[form](row["values"]) if form in ("min", "max") else row["mean"]
        shown = written(value, row["unit"], row["sd"] if form is None else None)
        return found[0].replace(f"**{old}**", f"**{shown}**", 1)

    return MARKED.sub(replace, text)


def plain(text: str) -> str:
    """Return a text in which nothing is taken for Markdown or HTML.

    >>> plain("CIFAR-10 subset (JPEG)"), plain("<b>|")
    ('CIFAR-10 subset (JPEG)', '&#60;b&#62;&#124;')
    """
    return re.sub(r"[^\w .,()'/+×-]", lambda found: f"&#{ord(found[0])};", text)


def results_page(register: list[dict]) -> str:
    """Return the page that lists the register."""
    parts = [
        "# Results register",
        "Every number that a chapter of this book records, or `make roads` measures, written here by these programs "
        "and never by hand: its mean over the seeds, the standard deviation between them, and every single value. "
        "Accuracies are shown in percent.",
    ]
    for chapter in sorted({row["chapter"] for row in register}):
        page = "chapters/{}.ipynb" if chapter[:1].isdigit() else "{0}/{0}.md"  # chapters are numbered
        parts.append(f"## {plain(chapter)}\n\n[Open the page](../{page.format(plain(chapter))})")
        lines = ["| name | mean | spread | seeds | unit | profile | data set | values |", "|" + "---|" * 8]
        for row in (row for row in register if row["chapter"] == chapter):
            mean, sd, *values = (written(value, row["unit"]) for value in (row["mean"], row["sd"], *row["values"]))
            spread = sd if len(values) > 1 else "–"
            cells = (f"`{plain(row['name'])}`", mean, spread, ", ".join(plain(str(seed)) for seed in row["seeds"]))
            cells = (*cells, *(plain(row[key]) for key in ("unit", "profile", "dataset")), " · ".join(values))
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def story(register: list[dict]) -> str | None:
    """Return the landing page's figure as SVG, or None while its numbers are not recorded."""
    means = {f"{row['chapter']}.{row['name']}": row["mean"] for row in register}
    steps = {label: means[name] for name, label in STORY_BARS.items() if name in means}
    if not steps:
        return None
    from tlbook.plots import bars

    said = "; ".join(f"{' '.join(label.split())}: {written(value, 'fraction')}" for label, value in steps.items())
    title, picture = "Digits named right without labels", io.BytesIO()
    xlabel = "test accuracy, mean of the seeds"
    bars(list(steps), list(steps.values()), title=title, xlabel=xlabel, alt=f"{title}. {said}.", path=picture)
    return picture.getvalue().decode()


def prose_files() -> list[Path]:
    """Return the Markdown files whose numbers are written by the recorder, all but the results page."""
    top = [paths.ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [
        path
        for path in (*top, *sorted((paths.ROOT / "book").rglob("*.md")))
        if (path.exists() or path.is_symlink()) and path != paths.RESULTS  # a folder is found when it is read
    ]


def written_from(rows: list[dict]) -> dict[Path, str]:
    """Return what register, results page, landing figure and prose must say, by file. Writes nothing."""
    texts = {path: fill(disk.read_text(path), rows) for path in prose_files()}
    texts |= {paths.REGISTER: json.dumps(rows, indent=1, ensure_ascii=False) + "\n"}
    texts |= {paths.RESULTS: results_page(rows)}
    if picture := story(rows):
        texts[paths.STORY] = picture
    return texts


def digest(of) -> str:
    """Return a short digest of a text, or of lists and dicts of texts."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]


def signed(page: str) -> str:
    """Return a page with its own digest beside that of the program that wrote it: a page changed by hand shows."""
    return SIGNED.sub(rf"\1 page: {digest(unsigned(page))} -->", page)


def unsigned(page: str) -> str:
    """Return what a page says, without its digests and the values that are filled in.

    >>> unsigned(signed("A <!-- code: 12 -->"))
    'A '
    """
    return SIGNED.sub("", re.sub(r"\*\*[^*\n]+\*\*(?=<!-- num: )", "", page))


def outputs(notebook) -> list[str]:
    """Return a digest of what each code cell shows, alt text included, and at last of the provenance line."""
    shown = [
        digest([cell.outputs, cell.metadata.get("mystnb", {})]) for cell in notebook.cells if cell.cell_type == "code"
    ]
    line = [cell.source for cell in notebook.cells if "provenance" in cell.metadata.get("tags", [])]
    return [*shown, digest(line)]


def finish_chapter(notebook, ran, runs: list[dict], rows: list[dict]) -> None:
    """Give a chapter the first seed's outputs, all seeds' figures beside them, and its provenance."""
    first = runs[0]
    held = {text: [bool(run["claims"].get(text)) for run in runs] for text in first["claims"]}
    means = {row["name"]: written(row["mean"], row["unit"], row["sd"]) for row in rows}

    def beside(found: re.Match) -> str:
        name, value = found.groups()
        return f"{name} = this run {value} · mean of {len(runs)} seeds {means[name]}" if name in means else found[0]

    def in_seeds(found: re.Match) -> str:
        return f"{found[0]} (in {sum(held[found[1]])} of {len(runs)} seeds)" if found[1] in held else found[0]

    code, ran_code = ([cell for cell in book.cells if cell.cell_type == "code"] for book in (notebook, ran))
    for cell, done in zip(code, ran_code, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
        for output in cell.outputs:
            if output.output_type == "stream":
                text = re.sub(r"^(\w+) = (.+)$", beside, output.text, flags=re.M)
                output.text = re.sub(r"^(?:✓|✗ FALSE:) (.+)$", in_seeds, text, flags=re.M)
            elif "image/png" in output.get("data", {}):
                alt = output.data.get("text/plain", "").removeprefix("Figure: ")
                cell.metadata.setdefault("mystnb", {})["image"] = {"alt": alt}
    same = {key: first[key] for key in ("code", "package", "profile", "data", "versions")}
    notebook.metadata["tlbook"] = {**same, "seeds": [run["seed"] for run in runs], "claims": held}
    notebook.cells = [cell for cell in notebook.cells if "provenance" not in cell.metadata.get("tags", [])]
    line = nbformat.v4.new_markdown_cell(provenance_line(runs), id="provenance", metadata={"tags": ["provenance"]})
    notebook.cells.insert(1, line)
    notebook.metadata["tlbook"]["outputs"] = outputs(notebook)
