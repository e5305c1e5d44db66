"""Every check of the book, over the book as it is and over a copy with the defect that it is there to find."""

import ast
import functools
import json
import re

import active
import checks
import nbformat
import pytest
from copies import ROOT

CHAPTER = "03_kmeans_pseudo_labels"


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_of_the_book_as_it_is(check):
    problems = check(ROOT)
    assert not problems, "\n" + "\n".join(problems)


# --- Ways to break a copy ------------------------------------------------------------------------


def chapter_file(root):
    return root / "book" / "chapters" / f"{CHAPTER}.ipynb"


def in_chapter(change):
    """Make a defect of a change to the chapter's notebook."""

    def plant(root):
        notebook = nbformat.read(chapter_file(root), as_version=4)
        change(notebook)
        nbformat.write(notebook, chapter_file(root))

    return plant


def in_code(change):
    """Make a defect of a change to one code cell: the first for which `change` does not return False."""

    def plant(notebook):
        for cell in notebook.cells:
            if cell.cell_type == "code" and change(cell) is not False:
                return
        raise AssertionError("no cell to break")

    return in_chapter(plant)


def in_file(name, old, new):
    """Make a defect of a change to a text: the first match of the pattern `old`."""

    def plant(root):
        path = root / name
        text, count = re.subn(old, new, path.read_text(encoding="utf-8"), count=1)
        assert count == 1, f"nothing to break in {name}"
        path.write_text(text, encoding="utf-8")

    return plant


def in_register(change):
    """Make a defect of a change to the rows of the register."""

    def plant(root):
        path = root / "book" / "reference" / "results.json"
        rows = json.loads(path.read_text(encoding="utf-8"))
        change(rows)
        path.write_text(json.dumps(rows), encoding="utf-8")

    return plant


def appended(name, text):
    def plant(root):
        with open(root / name, "a", encoding="utf-8") as file:
            file.write(text)

    return plant


def shown(**data):
    """Make a change of one code cell: an output more."""
    return lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", {"text/plain": "", **data}))


def no_alt_text(cell):
    if not any("image/png" in output.get("data", {}) for output in cell.outputs):
        return False
    cell.metadata.pop("mystnb")


def claim_without_output(cell):
    if "tl.claim(" not in cell.source:
        return False
    cell.outputs = []


def false_claim(cell):
    for output in cell.outputs:
        if output.output_type == "stream" and "✓ " in output.text:
            output.text = output.text.replace("✓ ", "✗ FALSE: ", 1)
            return True
    return False


def composed_claim(cell):
    cell.source += '\ntl.claim(f"{run.seed} is a seed", True)'


def false_for_one(cell):
    cell.source += '\nfor name in ("even", "odd"):\n    tl.claim(f"{name}: it is divided by two", name == "even")'
    texts = "✓ even: it is divided by two\n✗ FALSE: odd: it is divided by two\n"
    cell.outputs.append(nbformat.v4.new_output("stream", text=texts))


def second_run_of_a_claim(cell):
    if "tl.claim(" not in cell.source:
        return False
    cell.source += "\n" + cell.source


def claims_for_full_only(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "claim":
                    node.keywords = [ast.keyword("full_only", ast.Constant("it is too small there"))]
            cell.source = ast.unparse(tree)


def warning(cell):
    cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stderr", text="UserWarning: careful\n"))


def logged_warning(cell):
    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text="WARNING:tensorflow: careful\n"))


def no_symptom(cell):
    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text="✗ FALSE: this code ends in ValueError\n"))


def error(cell):
    cell.outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[]))


def not_run(cell):
    cell.execution_count = None


def provenance_says(old, new):
    def change(notebook):
        line = notebook.cells[1]
        assert old in line.source
        line.source = line.source.replace(old, new, 1)

    return in_chapter(change)


def printed_number(cell):
    for output in cell.outputs:
        if output.output_type == "stream" and " = this run " in output.text:
            output.text = output.text.replace(" = this run ", " = this run 1", 1)
            return True
    return False


def heavy(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell("x" * 1_600_000))


def no_chapter(root):
    for path in chapter_file(root).parent.glob("*.ipynb"):
        path.unlink()


DEFECTS = {
    "no chapter": (checks.any_chapter, no_chapter, "no chapter"),
    "code changed": (
        checks.outputs_of_this_code,
        in_code(lambda cell: cell.update(source=cell.source + "\nextra = 1")),
        f"run  make record CHAPTER={CHAPTER}",
    ),
    "a warning in an output": (checks.clean_outputs, in_code(warning), "standard error"),
    "a logged warning in an output": (checks.clean_outputs, in_code(logged_warning), "a warning in its output"),
    "a symptom that did not show": (checks.clean_outputs, in_code(no_symptom), "code that should fail did not"),
    "an error in an output": (checks.clean_outputs, in_code(error), "ends in ValueError"),
    "a cell that was not run": (checks.clean_outputs, in_code(not_run), "code cell 1: was not run"),
    "a figure without alt text": (checks.alt_text, in_code(no_alt_text), "without alt text"),
    "16 lines in a cell": (
        checks.short_cells,
        in_code(lambda cell: cell.update(source="\n".join(f"a = {n}" for n in range(16)))),
        "code cell 1: 16 lines, at most 15",
    ),
    "a claim that did not run": (checks.claims_hold, in_code(claim_without_output), "did not run"),
    "a false claim": (checks.claims_hold, in_code(false_claim), "is false in the printed run"),
    "a claim that is false of one thing": (checks.claims_hold, in_code(false_for_one), "is false in the printed run"),
    "a composed claim": (checks.claims_hold, in_code(composed_claim), "not written out"),
    "a claim made twice": (checks.claims_hold, in_code(second_run_of_a_claim), "is made twice"),
    "claims for full only": (checks.claims_run_in_quick, in_chapter(claims_for_full_only), "left out of the quick"),
    "another provenance line": (checks.provenance, provenance_says(" · ", " - "), "not that of its recording"),
    "provenance of other seeds": (checks.provenance, provenance_says("Seeds: 0", "Seeds: 1"), "not that of"),
    "provenance of other data": (checks.provenance, provenance_says("Data: ", "Data: E"), "not that of"),
    "no provenance": (checks.provenance, in_chapter(lambda book: book.cells.pop(1)), "not recorded in the full"),
    "a profile of quick": (
        checks.provenance,
        in_chapter(lambda book: book.metadata["tlbook"].update(profile="quick")),
        "not recorded in the full",
    ),
    "a number without a marker": (
        checks.prose,
        appended("book/guide/setup.md", "\nIt is right for 97.3 % of them.\n"),
        "'97.3 %' has no marker",
    ),
    "a number of a README": (checks.prose, appended("README.md", "\n\nIt takes 12 seconds.\n"), "README.md, line "),
    "a number that differs": (
        checks.prose,
        in_file("book/index.md", r"\*\*[^*]+\*\*(<!-- num: \w+\.raw_kmeans_acc)", r"**99.9 %**\1"),
        "says 99.9 %, the register says",
    ),
    "a number that differs in the chapter": (
        checks.prose,
        in_file(f"book/chapters/{CHAPTER}.ipynb", r"\*\*[^*]+\*\*(<!-- num: \w+_acc)", r"**99.9 %**\1"),
        "says 99.9 %, the register says",
    ),
    "an unknown number": (
        checks.prose,
        appended("README.md", "**1 %**<!-- num: 03_kmeans_pseudo_labels.nothing -->"),
        "expected a name in the register",
    ),
    "a script on a page": (checks.only_text, appended("book/index.md", "\n<script>alert(1)</script>\n"), "'<script'"),
    "a script in a chapter": (
        checks.only_text,
        in_chapter(lambda book: book.cells.append(nbformat.v4.new_markdown_cell("<ScRiPt >alert(1)</sCrIpT>"))),
        "'<ScRiPt '",
    ),
    "a script in an output": (
        checks.only_text,
        in_code(shown(**{"text/markdown": "<img src=x onerror=alert(1)>"})),
        "'<img src=x onerror=alert(1)'",
    ),
    "a script in a coloured output": (
        checks.only_text,
        in_code(shown(**{"text/html": '<pre style="white-space:pre"><span onclick="alert(1)">a</span></pre>'})),
        "'<span onclick=",
    ),
    "an output that is a program": (
        checks.only_text,
        in_code(shown(**{"application/javascript": "alert(1)"})),
        "an output of the kind application/javascript",
    ),
    "a script in a caption": (
        checks.only_text,
        in_code(lambda cell: cell.metadata.setdefault("mystnb", {}).update(figure={"caption": "<script>"})),
        "'<script'",
    ),
    "a table of settings above a page": (
        checks.only_text,
        in_file("book/index.md", r"\A", "---\nmyst:\n  html_meta:\n    refresh: 0\n---\n"),
        "index.md: holds '---'",
    ),
    "a table of settings above a chapter": (
        checks.only_text,
        in_chapter(lambda book: book.cells[0].update(source="---\nmyst:\n  html_meta: {}\n---\n")),
        "cell 1: holds '---'",
    ),
    "settings of a whole chapter": (
        checks.only_text,
        in_chapter(lambda book: book.metadata.update(myst={"html_meta": {"refresh": "0"}})),
        "holds metadata.myst",
    ),
    "settings of a cell": (
        checks.only_text,
        in_code(lambda cell: cell.metadata.update(mystnb={"image": {"alt": "a", "onload": "alert(1)"}})),
        "metadata.mystnb.image.onload",
    ),
    "a script in the name of a claim": (
        checks.only_text,
        in_chapter(lambda book: book.metadata.tlbook.update({"<script>": []})),
        "holds '<script'",
    ),
    "an unknown tag": (
        checks.only_text,
        in_code(lambda cell: cell.metadata.update(tags=["remove-input"])),
        "the tag remove-input",
    ),
    "settings of an output": (
        checks.only_text,
        in_code(lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", {}, metadata={"a": "b"}))),
        "an output's metadata.a",
    ),
    "a raw cell": (
        checks.only_text,
        in_chapter(lambda book: book.cells.append(nbformat.v4.new_raw_cell("x"))),
        "raw text",
    ),
    "an attachment": (
        checks.only_text,
        in_chapter(lambda book: book.cells[0].update(attachments={"a.svg": {"image/svg+xml": "x"}})),
        "attachments",
    ),
    "an address that is a program": (
        checks.only_addresses,
        in_file("book/reference/references.bib", r"url = \{https:", "url = {javascript:"),
        "url = 'javascript:",
    ),
    "a DOI that is a program": (
        checks.only_addresses,
        in_file("book/reference/references.bib", r"doi = \{10[^}]*\}", 'DOI = {x" onclick="y}'),
        "doi = 'x",
    ),
    "a link in the text of a reference": (
        checks.only_addresses,
        in_file("book/reference/references.bib", r"\n  title = \{", r"\g<0>\\\\href{x}{y}"),
        "title = ",
    ),
    "a field of a reference that nobody knows": (
        checks.only_addresses,
        in_file("book/reference/references.bib", r"\n  title = ", r"\n  file = {a}," + r"\g<0>"),
        "the field file",
    ),
    "text put together by a reference": (
        checks.only_addresses,
        in_file("book/reference/references.bib", r"\A", '@string{x = "a"}\n'),
        "holds @string",
    ),
    "a data set with a script": (
        checks.results,
        in_register(lambda rows: rows[0].update(dataset="<script>alert(1)</script>")),
        "no plain text",
    ),
    "a number twice": (checks.results, in_register(lambda rows: rows.append(rows[0])), "stands there twice"),
    "a number of quick": (checks.results, in_register(lambda rows: rows[0].update(profile="quick")), "'quick'"),
    "another mean": (checks.results, in_register(lambda rows: rows[0].update(mean=0.5)), "mean or spread"),
    "another spread": (checks.results, in_register(lambda rows: rows[0].update(sd=0.5)), "mean or spread"),
    "two seeds": (
        checks.results,
        in_register(lambda rows: rows[0].update(seeds=[0, 1], values=[0.5, 0.5], mean=0.5, sd=0.0)),
        "2 values of the seeds",
    ),
    "two seeds of a road": (
        checks.results,
        in_register(
            lambda rows: [
                row.update(seeds=[0, 1], values=[0.5, 0.5], mean=0.5, sd=0.0)
                for row in rows
                if row["name"] == "umap_gmm_acc"
            ]
        ),
        "2 values of the seeds",
    ),
    "a seed less": (checks.results, in_register(lambda rows: rows[0]["seeds"].pop()), "values of the seeds"),
    "a row without a unit": (checks.results, in_register(lambda rows: rows[0].pop("unit")), "has the keys"),
    "a required number missing": (
        checks.results,
        in_register(lambda rows: rows[:] and [rows.remove(row) for row in rows[:] if row["name"] == "naive_score"]),
        f"no row {CHAPTER}.naive_score",
    ),
    "a printed number": (checks.results, in_code(printed_number), "the chapter does not print it so"),
    "a results page by hand": (checks.results_page, appended("book/reference/results.md", "\nMore.\n"), "results.md"),
    "choices of another program": (
        checks.choices,
        in_file(f"book/choices/{CHAPTER}.py", "EPOCHS = 3", "EPOCHS = 4"),
        f"not by its program; run  make choices CHAPTER={CHAPTER}",
    ),
    "choices on other letters": (
        checks.choices,
        in_file("book/choices/stand_ins.py", r"range\(10\)", "range(9)"),
        f"not by its program; run  make choices CHAPTER={CHAPTER}",
    ),
    "choices on another stand-in": (
        checks.choices,
        in_file(f"book/choices/{CHAPTER}.py", r"SETS = \(0, 1, 2\)", "SETS = (0, 1)"),
        f"not by its program; run  make choices CHAPTER={CHAPTER}",
    ),
    "choices by other code of a chapter": (
        checks.choices,
        in_file("book/chapters/05_distillation.ipynb", r"MaxNorm\(3\)", "MaxNorm(4)"),
        "not by its program; run  make choices CHAPTER=05_distillation",
    ),
    "a figure in a table of choices": (
        checks.choices,
        in_file(f"book/choices/{CHAPTER}.md", r"68\.3%", "86.3%"),
        f"{CHAPTER}.md: not as its program wrote it",
    ),
    "choices without their marks": (
        checks.choices,
        in_file(f"book/choices/{CHAPTER}.md", "<!-- end of what was measured -->", ""),
        f"{CHAPTER}.md: has not one measured part",
    ),
    "choices measured twice": (
        checks.choices,
        appended(
            f"book/choices/{CHAPTER}.md", "\n<!-- measured: code 0 text 0 -->\n\n<!-- end of what was measured -->\n"
        ),
        f"{CHAPTER}.md: has not one measured part",
    ),
    "a number in the prose on choices": (
        checks.prose,
        appended(f"book/choices/{CHAPTER}.md", "\nIt names 91 % of them.\n"),
        f"{CHAPTER}.md, line ",
    ),
    "choices changed by hand": (
        checks.choices,
        in_file(f"book/choices/{CHAPTER}.md", r"\d\d\.\d%", "99.9%"),
        "not as its program wrote it",
    ),
    "a bar of the story": (
        checks.story,
        in_file("book/figures/story.svg", r'd="M (\d)', r'd="M 9\1'),
        "not drawn from results.json",
    ),
    "a number of others without its source": (
        checks.others,
        in_file("book/reference/others.toml", "xie2016unsupervised", "xie2061unsupervised"),
        "not in the bibliography",
    ),
    "a drawn story": (
        checks.story,
        in_file("book/figures/story.svg", r"\d\d\.\d%", "99.9%"),
        "not drawn from results.json",
    ),
    "a heavy chapter": (checks.sizes, in_chapter(heavy), "at most 1.5"),
    "a long package": (checks.sizes, appended("tlbook/plots.py", "#\n" * 3400), "fewer than 3300"),
    "TensorFlow in a chapter": (
        checks.no_tensorflow,
        in_code(lambda cell: cell.update(source=cell.source + "\nimport tensorflow as tf")),
        "code cell 1, line",
    ),
    "a registry's host": (checks.no_registry_host, appended("README.md", f"https://{checks.HOSTS[0]}/"), "README.md"),
    "an import of a file below": (
        checks.imports_go_up,
        appended("tlbook/glyphs.py", "\nfrom tlbook import plots\n"),
        "imports plots, which stands below it",
    ),
    "a file that the picture lacks": (checks.imports_go_up, appended("tlbook/more.py", "\n"), "more.py is not in both"),
}


@functools.cache
def found_before(check) -> list[str]:
    return check(ROOT)


@pytest.mark.parametrize("name", DEFECTS)
def test_finds_the_planted_defect(name, project):
    check, plant, words = DEFECTS[name]
    plant(project)
    new = [problem for problem in check(project) if problem not in found_before(check)]
    assert any(words in problem for problem in new), new


@pytest.mark.parametrize(
    "plant",
    [
        in_file(f"book/choices/{CHAPTER}.py", "Put every feature on one scale", "Bring the features to one scale"),
        in_file(f"book/choices/{CHAPTER}.py", "  # each holds out other letters and fonts", ""),
        in_file(f"book/choices/{CHAPTER}.py", r"page\.main\(__file__", "page.main(str(__file__)"),
        in_file(f"book/choices/{CHAPTER}.py", "import page", "import json, page"),
        in_file("book/choices/02_vgg16_fine_tuning.py", "method, setting", "setting"),
        in_file("book/choices/page.py", '"setting", ', '"what was tried", '),
        in_file(f"book/choices/{CHAPTER}.md", "So letters took their place", "So letters stood in for them"),
        in_file("book/chapters/05_distillation.ipynb", "MNIST", "MNIST, of course,"),
    ],
    ids=["docstring", "comment", "main", "import for main", "table", "table of several", "prose", "chapter's prose"],
)
def test_what_changes_no_number_leaves_a_page_of_choices_good(plant, project):
    plant(project)
    assert checks.choices(project) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "`code \\`<script>alert(1)</script>` that is none`",
        "<!--><script>alert(1)</script>-->",
        "<!--->alert(1)-->",
        "<!-- holds: a --!><script>alert(1)</script> -->",
        "<!-- holds: a <script>alert(1)</script> > b -->",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="x" onclick="alert(1)">x</a>',
        "[x](JavaScript:alert(1))",
        "<details ontoggle=alert(1) open>",
        "<svg/onload=alert(1)>",
        "> ```{raw} html",
        ":::{raw} html",
        "~~~ {eval-rst}",
        "{raw-html}`x`",
        "{{ '<scr' + 'ipt>' }}",
        "<!DOCTYPE html>",
        "</div>",
        "{{ 1\n+ 1 }}",
        "{{\n'a' }}",
        "---\nmyst:\n  html_meta: {}\n---\n# Title",
        "\n---\nhtml_meta: {}\n---",
        '+++ {"tags": ["x"]}',
        "```\t{raw} html",
        "```\xa0{raw} html",
        ":::\u2003{raw} html",
        "```\x0b{raw} html",
        "```{figure} a.svg\n:target: https://example.org\n```",
        "```{figure} a.svg\n:alt: a\n: target: x\n```",
        "```{figure} a.svg\n\n  :file: x\n```",
        "> ```{figure} a.svg\n> :url: x\n> ```",
        "```{figure} a.svg\n:alt: a\\\n```",
        '```{figure} a.svg\n:"target": x\n```',
        "```{figure} a.svg\n---\ntarget: x\n---\n```",
        "$\\href{x}{y}$",
        "$\\class{a}{b}$",
        "$\\style{a}{b}$",
        "$\\cssId{a}{b}$",
        "$\\unicode{65}$",
        "$\\require{html}$",
        "$\\url{x}$",
        "$\\mmlToken{mi}[href='x']{y}$",
        "$\\def\\x{y}$",
        "[x](java\tscript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](data:text/html,x)",
    ],
)
def test_what_is_active_is_found(text):
    assert active.found(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d, a<1",
        "<details><summary>Hint</summary>Look.</details>",
        "**91 %**<!-- num: a_acc | max -->",
        "<!-- holds: 0 < mean.a >= mean.b - 1 -->",
        "{cite:p}`a`, {term}`features <feature>`, $\\{a\\}$",
        "```{figure} a.svg\n```",
        "data: a share of them",
        "```{figure} a.svg\n:alt: A drawing.\n:width: 50%\n\nA caption.\n```",
        "$\\frac{a}{b} \\in \\mathcal{L}$ and `C:\\Users`",
        "Above\n\n---\n\nbelow: text",
    ],
)
def test_what_is_text_is_let_stand(text):
    assert active.found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Half of it: 50 %<!-- given: by definition -->.",
        "They reach 99 %<!-- fact: somebody_acc --> {cite:p}`somebody2020`.",
        "| method | 99 %<!-- fact: somebody_acc --> {cite:t}`somebody2020` |",
        "`x = 99` and $99\\,\\%$ are code and mathematics.",
        "```\n99 % of this is code\n```",
        "    \n```python\nx = 5  # 99 %\n```\n",
        "Images of 28 × 28 pixels, in 5 seeds.",
        "```{figure} a.svg\n:width: 50%\n\nA caption.\n```",
        '<img src="a.svg" width="50%">',
        "[a link](a%20b.md)",
    ],
)
def test_lets_stand(text):
    assert checks.numbers_in(text, []) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("It reaches 99 %.", 1),
        ("First.\n\nIt is 3.1× as fast.", 3),
        ("It makes 17\nerrors.", 1),
        ("| a | 99 % |\n| b | 98 %<!-- fact: somebody_acc --> |", 1),
        ("They reach 99 % {cite:p}`somebody2020`.", 1),
        ("`99 %` of them", 1),
        ("It is 99 per cent, or 0.994.", 1),
        ("It takes 12 s, 3 minutes, and is 30x smaller.", 1),
        ("| way | acc |\n|---|---|\n| a | 97.3 |", 3),
        ("```{note}\nIt reaches 99 %.\n```", 2),
        ("```\ncode\n```\nIt takes 5 seconds.", 4),
        ("**99 %** <!-- num: far_away -->", 1),
        ("-2.5 points", 1),
        ("4 MB, 900 images/s", 1),
    ],
)
def test_does_not_let_stand(text, line):
    assert checks.numbers_in(text, [])[0][0] == line
