"""How nbgrader hands out and grades in a course's folder: its own steps, with execution done in the sandbox."""

from __future__ import annotations

from tlbook.course.build import ANSWER
from tlbook.course.execute import ForgetHiddenTests, Merge, ProtectedExecute


def configure(c) -> None:
    """Set an nbgrader configuration; `nbgrader_config.py` of a course calls it."""
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader import preprocessors as steps

    c.CourseDirectory.course_id = "transfer-learning"
    c.ClearSolutions.text_stub = ANSWER
    c.ClearSolutions.code_stub = {"python": "# Your code here\nraise NotImplementedError()"}
    c.Autograde.sanitize_preprocessors = [
        steps.ClearOutput,
        Merge,
        steps.OverwriteKernelspec,
        steps.OverwriteCells,
        steps.CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        ProtectedExecute,
        steps.LimitOutput,
        steps.SaveAutoGrades,
        steps.AssignLatePenalties,
        steps.CheckCellMetadata,
    ]
    c.GenerateFeedback.preprocessors = [ForgetHiddenTests, steps.GetGrades, CSSHTMLHeaderPreprocessor]
