"""The steps of nbgrader that are ours: a submission's cells run in the sandbox, the tests outside of it."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor
from traitlets import Bool, Float

import tlbook
from tlbook.course import merge, sources
from tlbook.course.answers import MAGIC
from tlbook.course.sandbox import Limits, Sandbox, Stopped, WrongAnswer, require_protection

RESTARTS = 3  # of a submission whose process ended, without the cells that ended it


class Merge(NbGraderPreprocessor):
    """Take of a submission only what a student may write."""

    def preprocess(self, nb, resources):
        """Return the released notebook with the solutions of `nb`."""
        about = resources["nbgrader"]
        released = Path("release") / about["assignment"] / f"{about['notebook']}.ipynb"
        return merge.merged(nbformat.read(released, as_version=4), nb), resources


class ForgetHiddenTests(ClearHiddenTests):
    """Leave hidden tests out of what a student gets back."""

    def preprocess_cell(self, cell, resources, index):
        """Return a cell without its hidden part."""
        self._remove_hidden_test_region(cell)
        return cell, resources


class Asked:
    """`tlbook.course.Answers` of a notebook that runs in a sandbox."""

    def __init__(self, session: Session):
        self._session = session

    def __getitem__(self, name: str):
        """Return a plain value; `WrongAnswer` if there is none of that name."""
        return self._session.ask(lambda box: box.value(name))

    def call(self, name: str, *args, **kwargs):
        """Call a function with plain values; `WrongAnswer` if it fails."""
        return self._session.ask(lambda box: box.call(name, *args, **kwargs))

    def network(self, name: str) -> dict:
        """Return a network as plain values; `WrongAnswer` if it is none."""
        return self._session.ask(lambda box: box.network(name))


class Session:
    """A submission that runs in a sandbox, and in a new one without the cell that ended the last."""

    def __init__(self, hand_in: Path, limits: Limits, hidden=(), *, unprotected: bool = False):
        self._make = lambda rest: Sandbox(hand_in, rest, hidden, unprotected=unprotected)
        self._limits, self._until = limits, time.monotonic() + limits.seconds
        self._ran, self._starts, self._box = [], 0, None
        self._begin()

    def _begin(self) -> None:
        self.close()
        left = self._until - time.monotonic()
        self._starts += 1
        if self._starts > RESTARTS + 1 or left <= 0:
            return
        self._box = self._make(dataclasses.replace(self._limits, seconds=left)).__enter__()
        try:
            for source in self._ran:
                self._box.run(source)
        except Stopped:
            self.close()

    def close(self) -> None:
        """End the sandbox."""
        if self._box is not None:
            self._box.__exit__(None, None, None)
        self._box = None

    def run(self, source: str) -> list[dict]:
        """Run a cell and return its outputs; a cell that ends the process is left out from then on."""
        try:
            outputs = self._alive().run(source)
            self._ran.append(source)
            return outputs
        except Stopped as stop:
            self._begin()
            return [_error(stop)]

    def ask(self, question):
        """Return the answer of a notebook; `WrongAnswer` if its code fails or ends its process."""
        try:
            return question(self._alive())
        except Stopped as stop:
            self._begin()
            raise WrongAnswer(str(stop)) from stop

    def _alive(self) -> Sandbox:
        if self._box is None:
            raise Stopped("its process had ended before, too often or too late to begin again")
        return self._box


def _error(error: Exception) -> dict:
    """Return an error as an output of a cell: its words alone, since lines of a hidden test are not for students."""
    said = f"{type(error).__name__}: {error}"
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": [said]}


def check(source: str, answers) -> list[dict]:
    """Run a test outside of the sandbox and return its outputs; a last expression is the points that it gives."""
    source = source.removeprefix(MAGIC)
    tree, out, names = ast.parse(source), io.StringIO(), {"answers": answers, "__name__": "test"}
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    outputs = []
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(tree, "<test>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<test>", "eval"), names) if last else None
        if value is not None:
            data = {"text/plain": repr(value)}
            outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    except Exception as error:  # whatever a test or an answer raises: it is not passed
        outputs.append(_error(error))
    if said := out.getvalue():
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": said})
    return outputs


def run(nb, hand_in: Path, limits: Limits, hidden=(), *, unprotected: bool = False) -> None:
    """Run a notebook whose cells nbgrader knows, and write the outputs into it."""
    session = Session(hand_in, limits, hidden, unprotected=unprotected)
    try:
        for cell in nb.cells:
            if cell.cell_type == "code":
                test = utils.is_grade(cell) and not utils.is_solution(cell)
                outputs = check(cell.source, Asked(session)) if test else session.run(cell.source)
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
    finally:
        session.close()


class ProtectedExecute(NbGraderPreprocessor):
    """Run a submission in the sandbox."""

    unprotected = Bool(False, help="Run submissions as programs of your own.").tag(config=True)
    seconds = Float(0.0, help="For a whole submission; 0: what the assignment says.").tag(config=True)

    def preprocess(self, nb, resources):
        """Return the notebook with outputs."""
        about = resources["nbgrader"]
        require_protection(self.unprotected)
        said = sources.settings(sources.read_source(about["assignment"]))
        seconds = self.seconds or said["seconds"]
        hidden = [Path(tlbook.__file__).parent / name for name in said["hidden"]]
        handed_in = Path("submitted") / about["student"] / about["assignment"]
        with tempfile.TemporaryDirectory(prefix="tlbook-hand-in-") as beside:
            for folder in (Path("source") / about["assignment"], handed_in):
                merge.copy_files(folder, Path(beside), {"timestamp.txt"})
            os.chmod(beside, 0o755)
            limits = Limits(seconds=seconds, cell_seconds=seconds / 3)
            run(nb, Path(beside), limits, hidden, unprotected=self.unprotected)
        return nb, resources
