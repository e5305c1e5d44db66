"""How nbgrader hands out and grades in a course's folder: its own steps, with execution done in the sandbox."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from tlbook.course.execute import ForgetHiddenTests, Merge, ProtectedExecute
from tlbook.course.sources import ANSWER


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
    c.HTMLExporter.filters = {"markdown2html": "tlbook.course.execute.page_html"}
    c.GenerateFeedback.preprocessors = [ForgetHiddenTests, steps.GetGrades, CSSHTMLHeaderPreprocessor]


def of(course: Path):
    """Return nbgrader's configuration of a course's folder."""
    from traitlets.config import Config

    own = str(Path(sys.executable).parent)  # nbgrader calls `alembic`, which lies beside this Python
    if own not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = own + os.pathsep + os.environ.get("PATH", "")
    made = Config()
    made.CourseDirectory.root = str(course)
    configure(made)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return made
