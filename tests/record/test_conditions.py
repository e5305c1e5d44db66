"""A condition beside a sentence: a small part of Python, tried on the numbers of the book and never run as code."""

import pytest
from toy import ROOT

from tlbook.record import prose
from tlbook.record.conditions import Book, Condition
from tlbook.run import TlbookError

BOOK, ONE = Book(ROOT), "01_transfer_concepts"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("mean.frozen_acc_at_5 > mean.scratch_acc_at_5", True),
        ("mean.frozen_acc_at_5 < mean.scratch_acc_at_5", False),
        ('mean["frozen_acc_at_{1,5}"] > mean["scratch_acc_at_{1,5}"]', True),
        ('mean["frozen_acc_at_{5,1000}"] > mean["scratch_acc_at_{5,1000}"]', False),
        ("each.frozen_acc_at_5 > each.scratch_acc_at_5", True),
        ("sum(each.shuffled_acc > 0) == 5", TlbookError),
        ("0.5 < mean.scratch_acc_at_5 < 0.7 and not mean.scratch_acc_at_5 > 0.7", True),
        ("mean.ch1b.joined_features_acc > mean.ch1b.stage_ensemble_acc", True),
        ("mean.ch3.raw_kmeans_acc < mean.roads.letters_kmeans_acc", True),
        ('table("from scratch, learning rate 0.004") > table("from scratch, learning rate 0.002")', True),
        (r'85 < printed(r"frozen_acc_at_5 = this run ([\d.]+)") < 95', True),
        ("sorted(each.frozen_acc_at_5)[0] == min(each.frozen_acc_at_5)", True),
        ("mean.frozen_acc_at_5 == mean.frozen_acc_at_5", TlbookError),
        ("True", TlbookError),
        ("mean.no_such_number > 0", TlbookError),
        ("__import__('os').system('true') == 0", TlbookError),
        ("mean.__class__ == 1", TlbookError),
        ("(lambda: 1)() == 1", TlbookError),
        ("[x for x in (1, 2)] == 1", TlbookError),
        ("mean.frozen_acc_at_5 ** 9 > 0", TlbookError),
        ("open('/etc/passwd') == 1", TlbookError),
        ("mean.frozen_acc_at_5 >", TlbookError),
        ('printed(r"a (") == 1', TlbookError),
        ('mean["{frozen,scratch}_acc_at_{1,5}"] > 0', TlbookError),
        ('mean["frozen_acc_at_{}"] > 0', TlbookError),
    ],
)
def test_a_condition_is_a_small_part_of_python(text, holds):
    condition = Condition(text, BOOK, ONE)
    if holds is TlbookError:
        with pytest.raises(TlbookError):
            condition.holds()
    else:
        assert condition.holds() == holds
        assert condition.values


def test_a_condition_that_nothing_can_make_false_is_told_apart():
    for text, can in {"mean.frozen_acc_at_5 >= 0": False, "1 < 2": False, "mean.frozen_acc_at_5 > 0.8": True}.items():
        condition = Condition(text, BOOK, ONE)
        assert condition.holds() and condition.could_fail() == can


def test_what_fails_is_shown_with_every_number():
    sentence = prose.Sentence(ONE, "here", "It is.", ())
    [fault] = prose.condition("mean.frozen_acc_at_5 < mean.scratch_acc_at_5", sentence, BOOK)
    frozen, scratch = (BOOK.numbers[ONE, f"{way}_acc_at_5"]["mean"] for way in ("frozen", "scratch"))
    assert f"mean.frozen_acc_at_5 = {frozen:.2f}" in fault and f"mean.scratch_acc_at_5 = {scratch:.2f}" in fault
