"""The steps of nbgrader that are ours: a submission's cells run in the sandbox, the tests outside of it."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from pathlib import Path

import bleach
import nbformat
from nbconvert.filters import markdown2html
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor
from traitlets import Bool, Float

import tlbook
from tlbook.course import merge, sources
from tlbook.course.examiner import failure
from tlbook.course.sandbox import Box, Limits, Sandbox, Stopped, plain_outputs, require_protection

TEST_SECONDS = 120  # of one test, without what it waits for
TAGS = set("a b blockquote br code div em h1 h2 h3 h4 h5 h6 hr i li ol p pre span strong sub sup ul".split())
TAGS |= set("table tbody td th thead tr".split())
RESTARTS = 3  # of a submission whose process ended, without the cells that ended it


class Merge(NbGraderPreprocessor):
    """Take of a submission only what a student may write."""

    def preprocess(self, nb, resources):
        """Return the released notebook with the solutions of `nb`."""
        about = resources["nbgrader"]
        released = Path("release") / about["assignment"] / f"{about['notebook']}.ipynb"
        return merge.merged(nbformat.read(released, as_version=4), nb), resources


class ForgetHiddenTests(ClearHiddenTests):
    """Leave hidden tests out of what a student gets back, and what cells printed after a hidden test had asked them."""

    def preprocess(self, nb, resources):
        """Return the notebook without these."""
        asked = False
        for cell in nb.cells:
            test = utils.is_grade(cell) and not utils.is_solution(cell)
            asked = asked or test
            if cell.cell_type == "code" and asked and not test and cell.outputs:
                text = "(What this cell put out is not repeated here: it ran after a hidden test.)"
                cell.outputs = [nbformat.v4.new_output("stream", text=text)]
            self._remove_hidden_test_region(cell)
        return nb, resources


def page_html(markdown: str) -> str:
    """Return Markdown as HTML in which nothing runs, whatever got past `merge.harmless`."""
    return bleach.clean(markdown2html(markdown), TAGS, {"a": ["href", "title"]}, protocols=["http", "https", "mailto"])


class Session:
    """A submission that runs in a sandbox, and in a new one without the cell that ended the last."""

    def __init__(self, hand_in: Path, limits: Limits, hidden=(), *, unprotected: bool = False):
        self._make = lambda rest: Sandbox(hand_in, rest, hidden, unprotected=unprotected)
        self._limits, self._until = limits, time.monotonic() + limits.seconds
        self._ran, self._starts, self._box, self.stopped = [], 0, None, []
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
            self.stopped.append(str(stop))
            self._begin()
            return [failure(stop)]

    def ask(self, question: dict) -> dict:
        """Return the reply to a question; of a process that has ended, that it has."""
        try:
            return self._alive().ask(question)
        except Stopped as stop:
            self._begin()
            return {"wrong": "Stopped", "said": str(stop)}

    def _alive(self) -> Sandbox:
        if self._box is None:
            raise Stopped("its process had ended before, too often or too late to begin again")
        return self._box


class Examiner:
    """Tests, in a box of their own; it is begun again when a test has ended it."""

    def __init__(self, *, unprotected: bool = False, seconds: float = TEST_SECONDS):
        self._unprotected, self._seconds, self._box = unprotected, seconds, None

    def close(self) -> None:
        """End the box."""
        if self._box is not None:
            self._box.__exit__(None, None, None)
        self._box = None

    def check(self, source: str, session: Session) -> list[dict]:
        """Run a cell of tests about a submission and return its outputs."""
        if self._box is None:
            limits = Limits(seconds=24 * 3600, cell_seconds=self._seconds)
            self._box = Box("tlbook.course.examiner", None, limits, unprotected=self._unprotected).__enter__()
        try:
            self._box.send({"test": source}, self._seconds)
            while "outputs" not in (said := self._box.receive(self._seconds)):
                self._box.send(session.ask(said), self._seconds)
            return plain_outputs(said["outputs"])
        except Stopped as stop:
            self.close()
            return [failure(Stopped(f"the test was stopped: {stop}"))]


def run(nb, hand_in: Path, limits: Limits, hidden=(), *, unprotected: bool = False) -> None:
    """Run a notebook whose cells nbgrader knows, and write the outputs into it."""
    session, examiner = Session(hand_in, limits, hidden, unprotected=unprotected), Examiner(unprotected=unprotected)
    try:
        for cell in nb.cells:
            if cell.cell_type == "code":
                test = utils.is_grade(cell) and not utils.is_solution(cell)
                outputs = examiner.check(cell.source, session) if test else session.run(cell.source)
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
    finally:
        session.close()
        examiner.close()
    nb.metadata["tlbook_stopped"] = session.stopped


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
            left = []
            for folder in (Path("source") / about["assignment"], handed_in):
                left += merge.copy_files(folder, Path(beside), {"timestamp.txt"})
            os.chmod(beside, 0o755)
            limits = Limits(seconds=seconds, cell_seconds=seconds / 3)
            run(nb, Path(beside), limits, hidden, unprotected=self.unprotected)
        nb.metadata["tlbook_left"] = left
        return nb, resources
