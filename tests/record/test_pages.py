"""What is written from the register: nothing in it is Markdown, and no marker in code is filled in."""

import active

from tlbook.record import pages


def test_names_in_the_register_are_no_markdown_on_its_page():
    row = {"chapter": "01_toy", "name": "a`<b>", "unit": "fraction", "profile": "full", "mean": 0.5, "sd": 0.0}
    row |= {"dataset": "<script>alert(1)</script> | [x](y) {raw}`z` *a*", "seeds": ["<i>"], "values": [0.5]}
    page = pages.results_page([row])
    assert active.found(page) == []
    assert not {"<", "[x]", "`z", "*a"} & {page[i : i + n] for i in range(len(page)) for n in (1, 2, 3)}
    assert page.splitlines()[-1].count("|") == 9


def test_marker_in_code_is_left_alone():
    text = "Write `**?**<!-- num: any -->`."
    assert pages.fill(text, []) == text
