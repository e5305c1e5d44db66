"""The checks that the book makes of itself.

Each check takes the project's folder and returns what it finds wrong there, one line a problem: an
empty list is good news. They read files and run nothing.
"""

import ast
import functools
import itertools
import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import numpy as np
import page as choices_page
from active import only_addresses, only_text
from numbers_in_prose import blank, numbers_in

from tlbook.claims import PLAIN, UNITS, written
from tlbook.record import code, pages
from tlbook.record import prose as prose_rules
from tlbook.record.conditions import Book

MEGABYTES, CELL_LINES = 1.5, 15
PACKAGE_LINES = {"tlbook": 4300, "tlbook/course": 2100, "tlbook/record": 2400}  # chapters, teachers, authors
ROW = {"chapter", "name", "mean", "sd", "seeds", "values", "unit", "profile", "dataset"}
REQUIRED = {
    "01_transfer_concepts": {
        "scratch_acc_at_5",
        "frozen_acc_at_5",
        "finetuned_acc_at_5",
        "label_propagation_acc_at_1",
        "selfsupervised_frozen_acc_at_5",
        "worst_source_acc",
    },
    "01b_comparing_sources": {"best_single_stage_acc", "stage_ensemble_acc", "logme_pairs_right"},
    "02_vgg16_fine_tuning": {
        *(f"letters_{way}_acc_at_{n}" for way in ("scratch", "frozen", "finetuned") for n in (5, 20, 100)),
        *(f"efficientnet_frozen_acc_at_{n}" for n in (5, 20, 100)),
        *(f"efficientnet_{what}" for what in ("finetuned_acc_at_100", "lora_acc_at_100", "y1_acc", "kmeans_acc")),
        "imagenet_mobilenet_frozen_acc_at_100",
        "wrong_preprocessing_acc",
        "mirrored_augmentation_acc",
    },
    "03_kmeans_pseudo_labels": {
        "raw_kmeans_acc",
        "naive_score",
        "pseudo_raw_acc",
        "random_features_kmeans_acc",
        "letters_kmeans_acc",
        "letters_without_lookalikes_kmeans_acc",
        "pseudo_letters_acc",
        "pseudo_finetuned_acc_at_5",
        "scratch_acc_at_5",
    },
    "04_neighbours": {
        "protocol_acc",
        "protocol_seconds",
        "after_looking_acc",
        "averaged_labels_acc",
        "as_drawn_scaled_averaged_acc",
        "neighbours_without_transfer_acc",
        "neighbour_loss_acc",
        "true_labels_acc",
    },
    "04b_beyond_kmeans": {
        "neighbours_acc",
        "neighbours_seconds",
        "averaged_labels_acc",
        "neighbour_loss_acc",
        "neighbours_without_transfer_acc",
        "novel_class_acc",
        "gan_features_kmeans_acc",
        "selfsupervised_kmeans_acc",
        "autoencoder_kmeans_acc",
    },
    "05_features_without_labels": {
        "untrained_averaged_acc",
        "rotations_kmeans_acc",
        "rotations_averaged_acc",
        "rotations_network_acc",
        "rotations_long_network_acc",
        "views_averaged_acc",
        "views_long_network_acc",
        "squeezing_averaged_acc",
        "letters_network_acc",
        "pulled_spread",
    },
    "06_distillation": {
        "teacher_errors",
        "student_alone_errors",
        "student_distilled_errors",
        "without_threes_errors",
        "without_threes_corrected_errors",
        "only_7_8_error_rate",
        "only_7_8_corrected_error_rate",
        "compressed_student_acc",
        "compression_factor",
        "onnx_max_difference",
        "int8_acc",
        "ece_before",
        "ece_after",
        "photo_student_acc",
        "photo_student_alone_acc",
        "feature_distilled_errors",
        "born_again_errors",
        "equal_nine_errors",
        "scrambled_nine_errors",
    },
    "roads": {"umap_gmm_acc", "umap_hdbscan_coverage", "letters_network_acc"},
}
PROVENANCE = re.compile(
    r"Profile: full · Data: (?P<data>[^·]+ · SHA-256 [0-9a-f]{12}(?: · [^·]+ · SHA-256 [0-9a-f]{12})*)"
    r" · Seeds: (?P<seeds>\d+(?:, \d+)*)"
    r" · Python 3\.\d+\.\d+ · Keras 3\.[\d.]+ on \w+ \S+ · scikit-learn [\d.]+"
    r" · \w+, \d+(?: to \d+)? CPU cores?(?:, [GT]PU)?"
    r" · [\d.]+ to [\d.]+ min a seed · peak memory [\d.]+ GB · \d{4}-\d\d-\d\d"
)
# Written in two parts, so that this file itself names none of them.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "py" + "pi.python.org", "conda." + "anaconda.org", "npm" + "js.org"]

# --- Reading -------------------------------------------------------------------------------------


def chapters(root: Path | Book) -> dict:
    """Return every chapter's notebook by its name: of a folder, or of a book in memory."""
    if isinstance(root, Book):
        return root.chapters
    paths = sorted((root / "book" / "chapters").glob("*.ipynb"))
    return {path.stem: _notebook(path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


@functools.lru_cache(maxsize=20)
def _notebook(path: Path, *_):
    return nbformat.read(path, as_version=4)


def read(root: Path | Book) -> Book:
    return root if isinstance(root, Book) else Book(root)


def code_of(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_cells(root: Path):
    """Go through the code cells: where each is (chapter and number, from 1), and the cell."""
    for chapter, notebook in chapters(root).items():
        for number, cell in enumerate(code_of(notebook), 1):
            yield f"{chapter}, code cell {number}", cell


def rows(root: Path | Book) -> list[dict]:
    if isinstance(root, Book):
        return root.rows
    path = root / "book" / "reference" / "results.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def printed(cell) -> list[str]:
    """Return the lines that a cell printed."""
    texts = [output.text for output in cell.outputs if output.output_type == "stream"]
    return "".join(texts).splitlines()


# --- Sentences and the numbers in them ------------------------------------------------------------

TRIED = {}  # by what the register and others.toml say: what was found in each text


def prose(root: Path) -> list[str]:
    """Numbers in prose stand at a marker, and are those of the register or of others."""
    found, book = [], read(root)
    tried = TRIED.setdefault(json.dumps([book.rows, book.others], sort_keys=True), {})

    def add(where: str, text: str, chapter: str) -> None:
        if (text, chapter) not in tried:
            tried[text, chapter] = numbers_in(text, book.rows, chapter, book.others)
        found.extend(f"{where}, line {line}: {fault}" for line, fault in tried[text, chapter])

    for name, text in book.pages.items():
        if not name.startswith("book/roads/"):
            add(name, choices_page.PART.sub(blank, text), "")
    for chapter, notebook in book.chapters.items():
        for number, cell in enumerate(notebook.cells, 1):
            if cell.cell_type == "markdown" and "provenance" not in cell.metadata.get("tags", []):
                add(f"{chapter}, cell {number} ({cell.source.partition(chr(10))[0][:40]!r})", cell.source, chapter)
    return found


def sentences(root: Path) -> list[str]:
    """A sentence that compares or counts rests on a claim, a condition, a number or a source."""
    return prose_rules.problems(read(root))


def others(root: Path) -> list[str]:
    """Other people's numbers name an entry of the bibliography, and each is used."""
    book = read(root)
    used = {text for each in prose_rules.read(book) for kind, text in each.marks if kind == "fact"}
    unknown = [key for key, entry in book.others.items() if entry["source"] not in book.keys]
    return [f"others.toml, {key}: its source is not in the bibliography" for key in unknown] + [
        f"others.toml, {key}: no sentence uses it" for key in sorted(book.others.keys() - used)
    ]


# --- Chapters ------------------------------------------------------------------------------------


def outputs_of_this_code(root: Path) -> list[str]:
    """A chapter's outputs were made by the code that it holds."""
    return [
        f"{chapter}: its code changed since its outputs were recorded; run  make record CHAPTER={chapter}"
        for chapter, notebook in chapters(root).items()
        if notebook.metadata.get("tlbook", {}).get("code") != code.code_digest(*code.chapter_code(notebook))
    ]


def clean_outputs(root: Path) -> list[str]:
    """No output is a warning or an error, and every cell was run."""
    found = []
    for where, cell in code_cells(root):
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"{where}: was not run")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{where}: ends in {output.ename}")
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"{where}: standard error in its output: {output.text.strip()[:80]!r}")
        for line in printed(cell):
            if line.startswith("WARNING"):  # TensorFlow's go to standard output
                found.append(f"{where}: a warning in its output: {line[:80]!r}")
            if line.startswith("✗ FALSE: this code ends in "):
                found.append(f"{where}: code that should fail did not: {line[:80]!r}")
    return found


def alt_text(root: Path) -> list[str]:
    """Every figure made by code says in words what it shows."""
    found = []
    for where, cell in code_cells(root):
        images = [output for output in cell.outputs if any("image/" in kind for kind in output.get("data", {}))]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if images and len(alt.split()) < 3:
            found.append(f"{where}: a figure without alt text (draw it with tl.plots, then record)")
        if len(images) > 1:
            found.append(f"{where}: {len(images)} figures share one alt text; give each a cell of its own")
    return found


def short_cells(root: Path) -> list[str]:
    """No code cell is longer than 15 lines."""
    cells = ((where, len(cell.source.splitlines())) for where, cell in code_cells(root))
    return [f"{where}: {length} lines, at most {CELL_LINES}" for where, length in cells if length > CELL_LINES]


def claims_in(source: str):
    """Find the calls of ``tl.claim`` in code: each sentence (None if it is not a plain one), and the call.

    A claim about each of several things in turn, ``f"{name}: a sentence"``, is found as ``": a sentence"``.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "claim":
            match node.args[:1]:
                case [ast.Constant(text)]:
                    pass
                case [ast.JoinedStr([ast.FormattedValue(ast.Name()), ast.Constant(text)])] if text.startswith(": "):
                    pass
                case _:
                    text = None
            yield text, node


def _vacuous(holds) -> bool:
    """Return whether what a claim tests is so by its form: a constant, without a name, or something against itself."""

    def nameless(node) -> bool:
        return not any(isinstance(part, ast.Name) for part in ast.walk(node))

    for node in (nodes := list(ast.walk(holds))):
        match node:
            case ast.Compare(left, _, others) if ast.dump(left) in map(ast.dump, others):
                return True
            case ast.BoolOp(ast.Or(), parts) if any(map(nameless, parts)):
                return True
            case ast.Constant(bool()) if len(nodes) < 4:
                return True
    return nameless(holds)


def claims_hold(root: Path) -> list[str]:
    """Every claim is a plain sentence (after a name, perhaps), ran, and holds in the run that is printed."""
    found, seen = [], set()
    for where, cell in code_cells(root):
        for text, call in claims_in(cell.source):
            if text is None:
                found.append(f"{where}: a claim whose sentence is not written out")
                continue
            if len(call.args) < 2 or _vacuous(call.args[1]):
                found.append(f"{where}: the claim {text!r} tests nothing")
            end = text if text.startswith(": ") else f" {text}"
            lines = [line for line in printed(cell) if re.sub(r" \(in \d+ of \d+ seeds\)$", "", line).endswith(end)]
            if not any(line.startswith(("✓ ", "✗ FALSE: ")) for line in lines):
                found.append(f"{where}: the claim {text!r} did not run")
            elif any(line.startswith("✗") for line in lines):
                found.append(f"{where}: the claim {text!r} is false in the printed run")
            if (where.partition(",")[0], text) in seen:
                found.append(f"{where}: the claim {text!r} is made twice")
            seen.add((where.partition(",")[0], text))
    return found


def claims_recorded(root: Path) -> list[str]:
    """The claims that a chapter recorded are those of its code, printed as they held, each in most of the seeds."""
    found = []
    for chapter, notebook in chapters(root).items():
        kept = notebook.metadata.get("tlbook", {}).get("claims", {})
        cells = code_of(notebook)
        made = [text for cell in cells for text, _ in claims_in(cell.source) if text]
        lines = {line for cell in cells for line in printed(cell)}
        for text, held in kept.items():
            count = f"{text} (in {sum(held)} of {len(held)} seeds)"
            if not any(text == one or (one.startswith(": ") and text.endswith(one)) for one in made):
                found.append(f"{chapter}: the claim {text!r} is no longer in the code")
            if not any(line.endswith(f" {count}") for line in lines):
                found.append(f"{chapter}: does not print that {count}")
            if sum(held) <= len(held) / 2:
                found.append(f"{chapter}: the claim {text!r} fails in most seeds; say what is so")
        missing = [text for text in made if not any(one.endswith(text) for one in kept)]
        found += [f"{chapter}: the claim {text!r} was not recorded" for text in missing]
    return found


def outputs_as_recorded(root: Path) -> list[str]:
    """Outputs, figures, alt texts and provenance are those that the recorder wrote; its seeds are 0 to N - 1."""
    found = []
    for chapter, notebook in chapters(root).items():
        about = notebook.metadata.get("tlbook", {})
        if about.get("seeds") != list(range(len(about.get("seeds", "-")))):
            found.append(f"{chapter}: recorded with the seeds {about.get('seeds')}, not with the first ones")
        kept, now = about.get("outputs", []), pages.outputs(notebook)
        for number, (one, other) in enumerate(itertools.zip_longest(kept, now), 1):
            if one != other:
                where = f"code cell {number}: its outputs are" if number < len(now) else "its provenance line is"
                found.append(f"{chapter}, {where} not as recorded; run  make record CHAPTER={chapter}")
        for cell in code_of(notebook):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
            drawn = [output.data.get("text/plain") for output in cell.outputs if "image/png" in output.get("data", {})]
            if drawn and drawn != [f"Figure: {alt}"]:
                found.append(f"{chapter}: the alt text {alt!r} is not that of its figure")
    return found


def claims_run_in_quick(root: Path) -> list[str]:
    """At least half of a chapter's claims run in the quick profile."""
    found = []
    for chapter, notebook in chapters(root).items():
        calls = [call for cell in code.chapter_code(notebook) for _, call in claims_in(cell)]
        full_only = [any(keyword.arg == "full_only" for keyword in call.keywords) for call in calls]
        out, every = sum(full_only), len(full_only)
        if out > every / 2:
            found.append(f"{chapter}: {out} of its {every} claims are left out of the quick profile")
    return found


def provenance(root: Path) -> list[str]:
    """The second cell of a chapter is its provenance, in exactly one form, and says what the metadata say."""
    found = []
    for chapter, notebook in chapters(root).items():
        tagged = [n for n, cell in enumerate(notebook.cells) if "provenance" in cell.metadata.get("tags", [])]
        about = notebook.metadata.get("tlbook", {})
        if tagged != [1] or about.get("profile") != "full":
            found.append(f"{chapter}: not recorded in the full profile; run  make record CHAPTER={chapter}")
            continue
        line = PROVENANCE.fullmatch(notebook.cells[1].source)
        seeds = ", ".join(map(str, about["seeds"]))
        said = re.findall(r"([^·]+) · SHA-256 (\w{12})", line["data"]) if line else []
        wrong = any(about["data"].get(name.strip(), "")[:12] != digest for name, digest in said)
        if not line or line["seeds"] != seeds or wrong:
            found.append(f"{chapter}: its provenance line is not that of its recording")
    return found


def any_chapter(root: Path) -> list[str]:
    """There is a chapter at all."""
    return [] if chapters(root) else ["book/chapters: no chapter"]


# --- The register and what is made from it -------------------------------------------------------


def results(root: Path) -> list[str]:
    """The register holds full rows only, each once, whose figures agree; chapters print the same."""
    found, notebooks, kept = [], chapters(root), rows(root)
    for row in kept:
        where = f"results.json, {row.get('chapter')}.{row.get('name')}"
        if set(row) != ROW:
            found.append(f"{where}: has the keys {', '.join(sorted(row))}")
            continue
        values = row["values"]
        sd = np.std(values, ddof=1) if len(values) > 1 else 0.0
        if not np.allclose([row["mean"], row["sd"]], [np.mean(values), sd], rtol=1e-9, atol=1e-12):
            found.append(f"{where}: mean or spread are not those of its values")
        if row["profile"] != "full" or row["unit"] not in UNITS:
            found.append(f"{where}: profile {row['profile']!r}, unit {row['unit']!r}")
        if row["unit"] == "fraction" and not all(0 <= value <= 1 for value in values):
            found.append(f"{where}: a fraction outside of 0 to 1")
        if not all(PLAIN.fullmatch(str(row[key])) for key in ("chapter", "name", "dataset")):
            found.append(f"{where}: a name that is no plain text")
        once = row["chapter"] == "roads" and row["name"].startswith("gan_")  # a quarter of an hour; its page says so
        least = 1 if once else 3
        if len(set(row["seeds"])) != len(values) or len(values) < least:
            found.append(f"{where}: {len(values)} values of the seeds {row['seeds']}")
        if row["chapter"] == "roads":  # on its own page, which test_roads.py compares with the register
            continue
        if row["chapter"] not in notebooks:
            found.append(f"{where}: there is no such chapter")
            continue
        notebook, first, unit = notebooks[row["chapter"]], written(values[0], row["unit"]), row["unit"]
        mean = f"mean of {len(values)} seeds {written(row['mean'], unit, row['sd'])}"
        lines = [line for cell in code_of(notebook) for line in printed(cell)]
        if f"{row['name']} = this run {first} · {mean}" not in lines:
            found.append(f"{where}: the chapter does not print it so")
        if notebook.metadata.get("tlbook", {}).get("seeds") != row["seeds"]:
            found.append(f"{where}: its seeds are not those of the chapter")
    names = [(row.get("chapter"), row.get("name")) for row in kept]
    found += [
        f"results.json: {'.'.join(name)} stands there twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    for chapter, wanted in REQUIRED.items():
        missing = wanted - {name for of, name in names if of == chapter}
        found += [f"results.json: no row {chapter}.{name}" for name in sorted(missing)]
    return found


def results_page(root: Path) -> list[str]:
    """The page of the register is the one that its rows make."""
    page = root / "book" / "reference" / "results.md"
    if page.is_file() and page.read_text(encoding="utf-8") == pages.results_page(rows(root)):
        return []
    return ["book/reference/results.md: not made from results.json; run  python -m tlbook record --prose"]


def _texts(svg: str) -> list[str]:
    return [" ".join(text.split()) for text in ElementTree.fromstring(svg).itertext() if text.strip()]


def choices(root: Path) -> list[str]:
    """The measured part of a page about choices stands as its program wrote it, and what measured it is unchanged."""
    found = []
    for program in sorted((root / "book" / "choices").glob("[0-9]*.py")):
        path, again = program.with_suffix(".md"), f"run  make choices CHAPTER={program.stem}"
        where = path.relative_to(root)
        part = choices_page.measured(path.read_text(encoding="utf-8")) if path.is_file() else None
        if part is None:
            found.append(f"{where}: has not one measured part between its two marks; undo the change")
            continue
        if part["code"] != code.code_digest(*choices_page.measuring(program)):
            found.append(f"{where}: not by its program; {again}")
        if part["text"] != choices_page.digest(part["said"]):
            found.append(f"{where}: not as its program wrote it; undo the change, or {again}")
    return found


def drawn(svg: str) -> list:
    """Return what an SVG shows: its texts, and each element's place and form, rounded so that fonts may differ."""
    shapes = [
        (node.tag.rpartition("}")[2], key, [round(float(n)) for n in re.findall(r"-?\d+\.?\d*", node.get(key))])
        for node in ElementTree.fromstring(svg).iter()
        for key in ("d", "x", "y", "width", "height", "transform", "points")
        if node.get(key) and not node.tag.endswith("}svg")
    ]
    return [*_texts(svg), *shapes]


def story(root: Path) -> list[str]:
    """The landing page's figure shows what the register says."""
    path, made = root / "book" / "figures" / "story.svg", pages.story(rows(root))
    there = drawn(path.read_text(encoding="utf-8")) if path.is_file() else []
    if there == (drawn(made) if made else []):
        return []
    return ["book/figures/story.svg: not drawn from results.json; run  python -m tlbook record --prose"]


# --- The package and the project -----------------------------------------------------------------


def sizes(root: Path) -> list[str]:
    """Chapters and the package stay small."""
    found = []
    for path in sorted((root / "book" / "chapters").glob("*.ipynb")):
        if path.stat().st_size > MEGABYTES * 1e6:
            found.append(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, at most {MEGABYTES}")
    for folder, most in PACKAGE_LINES.items():
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (root / folder).glob("*.py"))
        found += [f"{folder}: {lines} lines, fewer than {most}"] * (lines >= most)
    return found


def no_tensorflow(root: Path) -> list[str]:
    """Keras alone is called, so that any backend can run the book; one place at most may differ."""
    sources = [(where, cell.source) for where, cell in code_cells(root)]
    package = [(path.name, path.read_text(encoding="utf-8")) for path in sorted((root / "tlbook").glob("*.py"))]
    found = []
    for where, source in (*sources, *package):
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
            names += [getattr(node, "module", None) or "", getattr(node, "id", "")]
            if any(str(name).partition(".")[0] in ("tensorflow", "tf") for name in names):
                found.append(f"{where}, line {node.lineno}: names TensorFlow")
    return found if len(found) > 1 or any("code cell" in place for place in found) else []


def no_registry_host(root: Path) -> list[str]:
    """No file says where packages come from: that is the user's setting."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    names = listed.stdout.split("\0") if listed.returncode == 0 else [p.relative_to(root) for p in root.rglob("*")]
    found = []
    for path in (root / name for name in names if name):
        if path.is_file():
            text = path.read_bytes()
            found += [f"{path.relative_to(root)}: names {host}" for host in HOSTS if host.encode() in text]
    return found


def imports_go_up(root: Path) -> list[str]:
    """A file of `tlbook` imports only from files above it in the list of CONTRIBUTING.md, which names them all."""
    picture = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\ntlbook/")[2].partition("\ntests/")[0]
    order, folder = [], ""
    for indent, name, kind in re.findall(r"^(  +)(\w+)(/  |\.py)", picture, re.M):
        folder = f"{name}." if kind != ".py" else folder if len(indent) > 2 else ""
        order += [f"{folder}{name}"] * (kind == ".py")
    paths = (path for path in sorted((root / "tlbook").rglob("*.py")) if path.stem != "__init__")
    files = {".".join(path.relative_to(root / "tlbook").with_suffix("").parts): path for path in paths}
    found = [
        f"CONTRIBUTING.md: {name}.py is not in both picture and package" for name in sorted(set(order) ^ set(files))
    ]
    for name in (name for name in order if name in files):
        for node in ast.walk(ast.parse(files[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tlbook":
                below = node.module.partition(".")[2]
                for other in (below, *(f"{below}.{alias.name}".strip(".") for alias in node.names)):
                    if other in order and order.index(other) >= order.index(name):
                        found.append(f"tlbook/{name}.py, line {node.lineno}: imports {other}, which stands below it")
    return found


ALL = (
    any_chapter,
    outputs_of_this_code,
    clean_outputs,
    only_text,
    only_addresses,
    alt_text,
    short_cells,
    claims_hold,
    claims_recorded,
    outputs_as_recorded,
    claims_run_in_quick,
    provenance,
    prose,
    sentences,
    others,
    results,
    results_page,
    choices,
    story,
    sizes,
    no_tensorflow,
    no_registry_host,
    imports_go_up,
)
