"""Which sentences need something beside them, and which marker covers which sentence."""

import pytest
from toy import ROOT

from tlbook.record import prose
from tlbook.record.conditions import Book

BOOK = Book(ROOT)


def test_a_marker_covers_its_sentence_or_after_the_last_stop_all_of_them():
    text = "A is better<!-- opinion -->. B is worse.\n\nC is better. D is worse.<!-- fact: a b -->\n\n- E is best."
    assert [bool(each.marks) for each in prose.sentences(text, "x")] == [True, False, True, True, False]


def test_a_marker_alone_covers_the_figure_beside_it():
    notebook = BOOK.chapters["06_distillation"]
    titles = [each for each in prose.figures(notebook, "06_distillation") if "narrow one lie higher" in each.text]
    assert [kind for each in titles for kind, _ in each.marks] == ["claim"]


@pytest.mark.parametrize(
    "text",
    [
        "The student beats its teacher.",
        "With fifty labels it is as good as the teacher.",
        "It makes twice the errors.",
        "Nine out of ten are right.",
        "Hardly any image is lost.",
        "It is two points behind scratch.",
        "It takes three minutes.",
        "Letters help most where labels are fewest.",
        "K-means on pixels names half of the digits.",
    ],
)
def test_what_compares_or_counts_needs_a_marker(text):
    [sentence] = prose.sentences(text, "x")
    assert prose.compares(sentence) and not sentence.covered


@pytest.mark.parametrize(
    "text",
    [
        "Is the student better?",
        "Compare it with the better one.",
        "Perhaps more images would help.",
        "See `better` and $a > b$.",
        "We take ten images.",
        "A head is a linear layer.",
    ],
)
def test_what_asks_tells_or_defines_needs_none(text):
    assert not any(map(prose.compares, prose.sentences(text, "x")))


def test_the_words_find_hardly_anything_that_is_no_comparison():
    """Of what they find, at most a fifth is called an opinion or true by what the code or a definition says."""
    found = [each for each in prose.asked(prose.read(BOOK)) if prose.compares(each)]
    weak = {"opinion", "by definition", "the code", "by the settings", "our notes"}
    idle = [each for each in found if each.marks and all({kind, text} & weak for kind, text in each.marks)]
    assert len(found) > 250 and len(idle) < len(found) / 5, len(idle) / len(found)
