"""The figures that are drawn from the register show what stands in it today."""

import batchnorm_modes
import checks
import kmeans_steps
import label_curves
import letters_to_digits
import pytest
import training_trainable
import two_steps
import vgg16_blocks
from copies import ROOT

from tlbook.record import register
from tlbook.run import TlbookError


def test_the_label_curves_are_those_of_the_register():
    drawn = (ROOT / "book" / "figures" / "label_curves.svg").read_text(encoding="utf-8")
    made = label_curves.figure(register.rows())
    assert checks.drawn(drawn) == checks.drawn(made), "run  python book/figures/label_curves.py"


def test_a_figure_of_other_values_is_told_apart():
    rows = register.rows()
    other = [row | {"mean": row["mean"] / 2} if row["name"] == "frozen_acc_at_50" else row for row in rows]
    assert checks.drawn(label_curves.figure(rows)) != checks.drawn(label_curves.figure(other))


def test_a_point_that_is_missing_is_named():
    rows = [row for row in register.rows() if row["name"] != "frozen_acc_at_50"]
    with pytest.raises(TlbookError, match="frozen_acc_at_50"):
        label_curves.figure(rows)


DRAWN = [batchnorm_modes, kmeans_steps, letters_to_digits, training_trainable, two_steps, vgg16_blocks]


@pytest.mark.parametrize("program", DRAWN, ids=lambda program: program.__name__)
def test_the_drawings_are_those_of_their_programs(program):
    drawn = (ROOT / "book" / "figures" / f"{program.__name__}.svg").read_text(encoding="utf-8")
    assert checks._texts(drawn) == checks._texts(program.figure()), f"run  python book/figures/{program.__name__}.py"
    assert program.ALT in drawn
