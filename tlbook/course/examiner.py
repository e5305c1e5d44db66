"""The process that runs tests, in a box of its own: hidden tests are here and nowhere else.

What it is answered comes from a stranger. An answer that fills the memory or takes for ever ends this process and
costs that test; it is begun again for the next one.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import os
import sys

from tlbook.course.answers import MAGIC, Remote, WrongAnswer

BEGIN, END = "### BEGIN HIDDEN", "### END HIDDEN"


def check(source: str, answers) -> list[dict]:
    """Run a cell of tests and return its outputs; a last expression is the points that it gives."""
    source = source.removeprefix(MAGIC)
    tree, out, names = ast.parse(source), io.StringIO(), {"answers": answers, "__name__": "tests"}
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    outputs = []
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(tree, "<tests>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<tests>", "eval"), names) if last else None
        if value is not None:
            data = {"text/plain": repr(value)}
            outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    except Exception as error:  # whatever a test or an answer raises: it is not passed
        outputs.append(failure(error, _hidden_lines(source)))
    if said := out.getvalue():
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": said})
    return outputs


def _hidden_lines(source: str) -> set[int]:
    """Return the numbers of the lines of a cell that only teachers see."""
    hidden, inside = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        inside = BEGIN in line or (inside and END not in line)
        hidden |= {number} if inside else set()
    return hidden


def failure(error: Exception, hidden: set[int] = frozenset()) -> dict:
    """Return an error as an output of a cell: its words alone, since lines of a hidden test are not for students.

    What a student's code says when a hidden test asks it is not repeated: it could say what it was asked.
    """
    name, said, trace, line = type(error).__name__, str(error), error.__traceback__, 0
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == "<tests>" else line
        trace = trace.tb_next
    if isinstance(error, WrongAnswer) and line in hidden:
        kind = said.partition(":")[0]
        kind = f"a {kind}" if isinstance(getattr(builtins, kind, None), type) else "no answer"
        said = f"a hidden test asked for something, and got {kind}"
    return {"output_type": "error", "ename": name, "evalue": said, "traceback": [f"{name}: {said}"]}


def serve(commands, replies) -> None:
    """Run tests, a line of JSON each; between, ask questions and read replies on the same pipes."""

    def say(line: dict) -> None:
        replies.write(json.dumps(line) + "\n")
        replies.flush()

    def ask(question: dict) -> dict:
        say(question)
        return json.loads(next(commands))

    for line in commands:
        say({"outputs": check(json.loads(line)["test"], Remote(ask))})


def main() -> None:
    """Serve on the pipes whose numbers are the arguments."""
    ends = [int(number) for number in sys.argv[2:4]]
    with os.fdopen(ends[0], encoding="utf-8") as commands, os.fdopen(ends[1], "w", encoding="utf-8") as replies:
        serve(iter(commands.readline, ""), replies)


if __name__ == "__main__":
    main()
