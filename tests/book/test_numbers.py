"""A number in prose stands at a marker and is the register's; what is code, a source's or given is let stand."""

import checks
import pytest
from copies import CHAPTER, appended, in_file, planted
from numbers_in_prose import numbers_in

DEFECTS = {
    "a number without a marker": (
        appended("book/guide/setup.md", "\nIt is right for 97.3 % of them.\n"),
        "'97.3 %' has no marker",
    ),
    "a number of a README": (appended("README.md", "\n\nIt takes 12 seconds.\n"), "README.md, line "),
    "a number that differs": (
        in_file("book/index.md", r"\*\*[^*]+\*\*(<!-- num: \w+\.raw_kmeans_acc)", r"**99.9 %**\1"),
        "says 99.9 %, the register says",
    ),
    "a number that differs in the chapter": (
        in_file(f"book/chapters/{CHAPTER}.ipynb", r"\*\*[^*]+\*\*(<!-- num: \w+_acc)", r"**99.9 %**\1"),
        "says 99.9 %, the register says",
    ),
    "an unknown number": (
        appended("README.md", f"**1 %**<!-- num: {CHAPTER}.nothing -->"),
        "expected a name in the register",
    ),
    "a number in the prose on choices": (
        appended(f"book/choices/{CHAPTER}.md", "\nIt names 91 % of them.\n"),
        f"{CHAPTER}.md, line ",
    ),
}
test_finds_the_planted_defect = planted({checks.prose: DEFECTS})


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
    assert numbers_in(text, []) == []


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
    assert numbers_in(text, [])[0][0] == line
