"""Every check of the book, over the book as it is and over a copy with the defect that it is there to find."""

import ast

import checks
import pytest
from copies import (
    CHAPTER,
    ROOT,
    appended,
    chapter_file,
    first_row,
    in_chapter,
    in_code,
    in_file,
    in_register,
    output_says,
    planted,
    prints,
    provenance_says,
    shows,
    with_cell,
    with_code,
)
from nbformat.v4 import new_markdown_cell, new_output


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_of_the_book_as_it_is(check):
    problems = check(ROOT)
    assert not problems, "\n" + "\n".join(problems)


# --- Defects of chapters -------------------------------------------------------------------------


def no_chapter(root):
    for path in chapter_file(root).parent.glob("*.ipynb"):
        path.unlink()


def no_alt_text(cell):
    if not any("image/png" in output.get("data", {}) for output in cell.outputs):
        return False
    cell.metadata.pop("mystnb")


def claim_without_output(cell):
    if "tl.claim(" not in cell.source:
        return False
    cell.outputs = []


def second_run_of_a_claim(cell):
    if "tl.claim(" not in cell.source:
        return False
    cell.source += "\n" + cell.source


def false_for_one(cell):
    cell.source += '\nfor name in ("even", "odd"):\n    tl.claim(f"{name}: it is divided by two", name == "even")'
    texts = "✓ even: it is divided by two\n✗ FALSE: odd: it is divided by two\n"
    cell.outputs.append(new_output("stream", text=texts))


def claims_for_full_only(notebook):
    for cell in checks.code_of(notebook):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "claim":
                node.keywords = [ast.keyword("full_only", ast.Constant("it is too small there"))]
        cell.source = ast.unparse(tree)


OF_CHAPTERS = {
    checks.any_chapter: {"no chapter": (no_chapter, "no chapter")},
    checks.outputs_of_this_code: {"code changed": (with_code("\nextra = 1"), f"run  make record CHAPTER={CHAPTER}")},
    checks.clean_outputs: {
        "a warning in an output": (prints("UserWarning: careful\n", "stderr"), "standard error"),
        "a logged warning in an output": (prints("WARNING:tensorflow: careful\n"), "a warning in its output"),
        "a symptom that did not show": (
            prints("✗ FALSE: this code ends in ValueError\n"),
            "code that should fail did not",
        ),
        "an error in an output": (shows("error", ename="ValueError", evalue="", traceback=[]), "ends in ValueError"),
        "a cell that was not run": (
            in_code(lambda cell: cell.update(execution_count=None)),
            "code cell 1: was not run",
        ),
    },
    checks.alt_text: {"a figure without alt text": (in_code(no_alt_text), "without alt text")},
    checks.short_cells: {
        "16 lines in a cell": (
            in_code(lambda cell: cell.update(source="\n".join(f"a = {n}" for n in range(16)))),
            "code cell 1: 16 lines, at most 15",
        ),
    },
    checks.claims_hold: {
        "a claim that did not run": (in_code(claim_without_output), "did not run"),
        "a false claim": (in_chapter(output_says("✓ ", "✗ FALSE: ")), "is false in the printed run"),
        "a claim that is false of one thing": (in_code(false_for_one), "is false in the printed run"),
        "a composed claim": (with_code('\ntl.claim(f"{run.seed} is a seed", True)'), "not written out"),
        "a claim made twice": (in_code(second_run_of_a_claim), "is made twice"),
    },
    checks.claims_run_in_quick: {
        "claims for full only": (in_chapter(claims_for_full_only), "left out of the quick"),
    },
    checks.provenance: {
        "another provenance line": (in_chapter(provenance_says(" · ", " - ")), "not that of its recording"),
        "provenance of other seeds": (in_chapter(provenance_says("Seeds: 0", "Seeds: 1")), "not that of"),
        "provenance of other data": (in_chapter(provenance_says("Data: ", "Data: E")), "not that of"),
        "no provenance": (in_chapter(lambda book: book.cells.pop(1)), "not recorded in the full"),
        "a profile of quick": (
            in_chapter(lambda book: book.metadata["tlbook"].update(profile="quick")),
            "not recorded in the full",
        ),
    },
}

# --- Defects of the register, and of what is made from it ----------------------------------------

TWO = {"seeds": [0, 1], "values": [0.5, 0.5], "mean": 0.5, "sd": 0.0}


def two_seeds_of_a_road(rows):
    for row in rows:
        if row["name"] == "umap_gmm_acc":
            row.update(TWO)


def without_naive_score(rows):
    rows[:] = [row for row in rows if row["name"] != "naive_score"]


OF_THE_REGISTER = {
    checks.results: {
        "a data set with a script": (first_row(dataset="<script>alert(1)</script>"), "no plain text"),
        "a number twice": (in_register(lambda rows: rows.append(rows[0])), "stands there twice"),
        "a number of quick": (first_row(profile="quick"), "'quick'"),
        "another mean": (first_row(mean=0.5), "mean or spread"),
        "another spread": (first_row(sd=0.5), "mean or spread"),
        "two seeds": (first_row(**TWO), "2 values of the seeds"),
        "two seeds of a road": (in_register(two_seeds_of_a_road), "2 values of the seeds"),
        "a seed less": (in_register(lambda rows: rows[0]["seeds"].pop()), "values of the seeds"),
        "a row without a unit": (in_register(lambda rows: rows[0].pop("unit")), "has the keys"),
        "a required number missing": (in_register(without_naive_score), f"no row {CHAPTER}.naive_score"),
        "a printed number": (
            in_chapter(output_says(" = this run ", " = this run 1")),
            "the chapter does not print it so",
        ),
    },
    checks.results_page: {
        "a results page by hand": (appended("book/reference/results.md", "\nMore.\n"), "results.md"),
    },
    checks.story: {
        "a bar of the story": (
            in_file("book/figures/story.svg", r'd="M (\d)', r'd="M 9\1'),
            "not drawn from results.json",
        ),
        "a drawn story": (in_file("book/figures/story.svg", r"\d\d\.\d%", "99.9%"), "not drawn from results.json"),
    },
    checks.others: {
        "a number of others without its source": (
            in_file("book/reference/others.toml", "xie2016unsupervised", "xie2061unsupervised"),
            "not in the bibliography",
        ),
    },
}

# --- Defects of the package and the project ------------------------------------------------------

OF_THE_PROJECT = {
    checks.sizes: {
        "a heavy chapter": (with_cell(new_markdown_cell("x" * 1_600_000)), "at most 1.5"),
        "a long package": (appended("tlbook/plots.py", "#\n" * 3400), "fewer than 4300"),
    },
    checks.no_tensorflow: {
        "TensorFlow in a chapter": (with_code("\nimport tensorflow as tf"), "code cell 1, line"),
    },
    checks.no_registry_host: {
        "a registry's host": (appended("README.md", f"https://{checks.HOSTS[0]}/"), "README.md"),
    },
    checks.imports_go_up: {
        "an import of a file below": (
            appended("tlbook/glyphs.py", "\nfrom tlbook import plots\n"),
            "imports plots, which stands below it",
        ),
        "a file that the picture lacks": (appended("tlbook/more.py", "\n"), "more.py is not in both"),
    },
}
test_finds_the_planted_defect = planted(OF_CHAPTERS | OF_THE_REGISTER | OF_THE_PROJECT)
