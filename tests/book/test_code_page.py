"""The page of code that looks right prints, when it is run, what stands on it."""

import doctest
import io
import re

import keras
import pytest
from copies import ROOT

PAGE = ROOT / "book" / "more" / "code_that_looks_right.md"
ON_TENSORFLOW = doctest.register_optionflag("ON_TENSORFLOW")  # what other backends answer otherwise


def only_code(text: str) -> str:
    """Blank every line outside of Python blocks, so that those inside keep their numbers."""
    lines, inside = [], False
    for line in text.split("\n"):
        fence = line.startswith("```")
        inside = line == "```python" if fence else inside
        lines.append(line if inside and not fence else "")
    return "\n".join(lines)


def failures(text: str) -> str:
    """Run the examples of a page one after the other, and return what doctest says of those that fail."""
    test = doctest.DocTestParser().get_doctest(only_code(text), {}, PAGE.name, str(PAGE), 0)
    if keras.backend.backend() != "tensorflow":
        test.examples = [each for each in test.examples if not each.options.get(ON_TENSORFLOW)]
    said = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.write)
    return said.getvalue()


def test_the_page_prints_what_stands_on_it():
    assert failures(PAGE.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(
    ("right", "wrong"), [("4\n", "5\n"), (">>> 2 + 2", ">>> 2 + x"), ("ValueError: ...", "TypeError: ...")]
)
def test_a_wrong_output_is_found(right, wrong):
    page = (
        "Two and two:\n\n```python\n>>> 2 + 2\n4\n```\n\n"
        "```python\n>>> int('a')\nTraceback (most recent call last):\n    ...\nValueError: ...\n```\n"
    )
    assert right in page and failures(page) == ""
    assert "line" in failures(page.replace(right, wrong, 1))


def test_every_python_block_is_examples():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) > 20 and all(block.startswith(">>> ") for block in blocks)
