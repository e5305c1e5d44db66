"""The figures that are drawn from the register show what stands in it today."""

import averaging
import batchnorm_modes
import checks
import cross_fitting
import first_try
import four_turns
import kmeans_steps
import knowledge_base
import label_curves
import letters_to_digits
import pytest
import scan_pair
import stages_kept
import stages_strips
import training_trainable
import two_steps
import two_views
import vgg16_blocks
from copies import ROOT

from tlbook.record import register
from tlbook.run import TlbookError

FROM_REGISTER = {label_curves: "frozen_acc_at_50", stages_kept: "own_frozen_stages_2_acc"}  # and one of its points
DRAWINGS = [
    averaging,
    batchnorm_modes,
    cross_fitting,
    first_try,
    four_turns,
    kmeans_steps,
    knowledge_base,
    letters_to_digits,
    scan_pair,
    stages_strips,
    training_trainable,
    two_steps,
    two_views,
    vgg16_blocks,
]


def named(programs):
    return pytest.mark.parametrize("program", programs, ids=lambda program: program.__name__)


@named(FROM_REGISTER)
def test_a_figure_of_the_register_shows_what_stands_there_today(program):
    drawn = (ROOT / "book" / "figures" / f"{program.__name__}.svg").read_text(encoding="utf-8")
    made = program.figure(register.rows())
    assert checks.drawn(drawn) == checks.drawn(made), f"run  python book/figures/{program.__name__}.py"


@named(FROM_REGISTER)
def test_a_figure_of_other_values_is_told_apart(program):
    rows, point = register.rows(), FROM_REGISTER[program]
    other = [row | {"mean": row["mean"] / 2} if row["name"] == point else row for row in rows]
    assert checks.drawn(program.figure(rows)) != checks.drawn(program.figure(other))


@named(FROM_REGISTER)
def test_a_point_that_is_missing_is_named(program):
    point = FROM_REGISTER[program]
    with pytest.raises(TlbookError, match=point):
        program.figure([row for row in register.rows() if row["name"] != point])


@named(DRAWINGS)
def test_the_drawings_are_those_of_their_programs(program):
    drawn = (ROOT / "book" / "figures" / f"{program.__name__}.svg").read_text(encoding="utf-8")
    assert checks._texts(drawn) == checks._texts(program.figure()), f"run  python book/figures/{program.__name__}.py"
    assert program.ALT in drawn
