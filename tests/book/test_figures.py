"""The figures that are drawn from the register show what stands in it today."""

from importlib import import_module

import checks
import label_curves
import pytest
import stages_kept
from copies import ROOT

from tlbook.record import register
from tlbook.run import TlbookError

FROM_REGISTER = {label_curves: "frozen_acc_at_50", stages_kept: "own_frozen_stages_2_acc"}  # and one of its points
TOOLS = {"schematic", "from_register"}  # what the programs share
PROGRAMS = {file.stem for file in (ROOT / "book" / "figures").glob("*.py")} - TOOLS
DRAWINGS = [import_module(name) for name in sorted(PROGRAMS - {program.__name__ for program in FROM_REGISTER})]


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
