"""Pages, cells, outputs and references hold text, formulas and pictures, and nothing that a browser would run."""

import active
import pytest
from copies import appended, in_chapter, in_code, in_file, planted, shows, with_cell
from nbformat.v4 import new_markdown_cell, new_raw_cell

REFERENCES = "book/reference/references.bib"


def displays(**data):
    return shows("display_data", {"text/plain": "", **data})


DEFECTS = {
    active.only_text: {
        "a script on a page": (appended("book/index.md", "\n<script>alert(1)</script>\n"), "'<script'"),
        "a script in a chapter": (with_cell(new_markdown_cell("<ScRiPt >alert(1)</sCrIpT>")), "'<ScRiPt '"),
        "a script in an output": (
            displays(**{"text/markdown": "<img src=x onerror=alert(1)>"}),
            "'<img src=x onerror=alert(1)'",
        ),
        "a script in a coloured output": (
            displays(**{"text/html": '<pre style="white-space:pre"><span onclick="alert(1)">a</span></pre>'}),
            "'<span onclick=",
        ),
        "an output that is a program": (
            displays(**{"application/javascript": "alert(1)"}),
            "an output of the kind application/javascript",
        ),
        "a script in a caption": (
            in_code(lambda cell: cell.metadata.setdefault("mystnb", {}).update(figure={"caption": "<script>"})),
            "'<script'",
        ),
        "a table of settings above a page": (
            in_file("book/index.md", r"\A", "---\nmyst:\n  html_meta:\n    refresh: 0\n---\n"),
            "index.md: holds '---'",
        ),
        "a table of settings above a chapter": (
            in_chapter(lambda book: book.cells[0].update(source="---\nmyst:\n  html_meta: {}\n---\n")),
            "cell 1: holds '---'",
        ),
        "settings of a whole chapter": (
            in_chapter(lambda book: book.metadata.update(myst={"html_meta": {"refresh": "0"}})),
            "holds metadata.myst",
        ),
        "settings of a cell": (
            in_code(lambda cell: cell.metadata.update(mystnb={"image": {"alt": "a", "onload": "alert(1)"}})),
            "metadata.mystnb.image.onload",
        ),
        "a script in the name of a claim": (
            in_chapter(lambda book: book.metadata.tlbook.update({"<script>": []})),
            "holds '<script'",
        ),
        "an unknown tag": (in_code(lambda cell: cell.metadata.update(tags=["remove-input"])), "the tag remove-input"),
        "settings of an output": (shows("display_data", {}, metadata={"a": "b"}), "an output's metadata.a"),
        "a raw cell": (with_cell(new_raw_cell("x")), "raw text"),
        "an attachment": (
            in_chapter(lambda book: book.cells[0].update(attachments={"a.svg": {"image/svg+xml": "x"}})),
            "attachments",
        ),
    },
    active.only_addresses: {
        "an address that is a program": (
            in_file(REFERENCES, r"url = \{https:", "url = {javascript:"),
            "url = 'javascript:",
        ),
        "a DOI that is a program": (in_file(REFERENCES, r"doi = \{10[^}]*\}", 'DOI = {x" onclick="y}'), "doi = 'x"),
        "a link in the text of a reference": (
            in_file(REFERENCES, r"\n  title = \{", r"\g<0>\\\\href{x}{y}"),
            "title = ",
        ),
        "a field of a reference that nobody knows": (
            in_file(REFERENCES, r"\n  title = ", r"\n  file = {a}," + r"\g<0>"),
            "the field file",
        ),
        "text put together by a reference": (in_file(REFERENCES, r"\A", '@string{x = "a"}\n'), "holds @string"),
    },
}
test_finds_the_planted_defect = planted(DEFECTS)


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
