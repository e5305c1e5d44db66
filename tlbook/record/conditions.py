r"""Conditions on the numbers of the book: what a marker ``<!-- holds: … -->`` says, tried and never run as code.

A condition is a comparison in a small part of Python. Its names are rows of the register: ``mean.a_acc`` and
``sd.a_acc``, and ``each.a_acc``, its values seed by seed; ``mean.ch3.a_acc`` and ``mean.roads.a_acc`` are those
of another chapter, and ``mean["acc_at_{1,5}"]`` is both ``acc_at_1`` and ``acc_at_5``. ``printed(r"a ([\d.]+)")``
is what the chapter's recorded outputs show there (without a group: how often), ``table("row")`` the last figure of
a row on the chapter's page of choices. Beside them: numbers, ``+ - * /``, comparisons, ``and or not``, lists,
places ``[0]``, and ``abs all any len max min round sorted sum``. What is compared in several things must hold in
each of them.
"""

from __future__ import annotations

import ast
import itertools
import operator
import re
import tomllib
from pathlib import Path

import numpy as np

from tlbook import disk
from tlbook.record import register
from tlbook.record.code import read_notebook
from tlbook.run import TlbookError

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
COMPARED = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
COMPARED |= {ast.Eq: operator.eq, ast.NotEq: operator.ne}
FUNCTIONS = {
    "abs": np.abs,
    "all": np.all,
    "any": np.any,
    "sum": np.sum,
    "sorted": np.sort,
    "len": len,
    "round": np.round,
}
FUNCTIONS |= {
    "min": lambda *parts: min(np.min(part) for part in parts),
    "max": lambda *parts: max(np.max(part) for part in parts),
}
LOOKED_UP = ("mean", "sd", "each")


def _text(path: Path) -> str:
    """Return the text of a file, empty where there is none."""
    return disk.read_text(path) if path.exists() else ""


class Book:
    """The texts, notebooks and numbers of a book, read once: those of a copy, too."""

    def __init__(self, root: Path):
        top = [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
        paths = [path for path in (*top, *sorted((root / "book").rglob("*.md"))) if path.is_file()]
        read = {path.relative_to(root).as_posix(): disk.read_text(path) for path in paths}
        self.pages = {name: text for name, text in read.items() if name != "book/reference/results.md"}
        notebooks = sorted((root / "book" / "chapters").glob("*.ipynb"))
        self.chapters = {path.stem: read_notebook(path) for path in notebooks}
        reference = root / "book" / "reference"
        self.rows = register.rows(reference / "results.json")
        self.numbers = {(row["chapter"], row["name"]): row for row in self.rows}
        others = reference / "others.toml"
        try:
            self.others = tomllib.loads(_text(others))
        except tomllib.TOMLDecodeError as error:
            raise TlbookError(str(others), "a table in TOML", str(error), "mend that line") from error
        self.keys = set(re.findall(r"^@\w+\{([^,\s]+)", _text(reference / "references.bib"), re.M))
        self.ledger = _text(reference / "sentences.txt")
        self.tried = {}  # what was found of each condition

    def chapter(self, short: str) -> str:
        """Return the name of a chapter: of ``ch3``, the one whose name begins with 03; others as they are.

        Of ``ch1b``, the optional page whose name begins with 01b.
        """
        part = re.fullmatch(r"ch(\d+)([a-z]?)", short)
        begin = f"{int(part[1]):02}{part[2]}_" if part else short
        return next((name for name, _ in self.numbers if name.startswith(begin)), short)

    def printed(self, chapter: str) -> str:
        """Return all that a chapter's cells show: what they printed, and their tables."""
        cells = self.chapters[chapter].cells if chapter in self.chapters else []
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        parts = [output.get("text") or output.get("data", {}).get("text/markdown") or "" for output in outputs]
        return "\n".join(part if isinstance(part, str) else "".join(part) for part in parts)

    def table(self, chapter: str, row: str) -> float:
        """Return the last figure of a row on a chapter's pages of choices, as it stands there."""
        own = re.compile(rf"book/choices/{re.escape(chapter)}(_\w+)?\.md")
        text = "\n".join(page for name, page in self.pages.items() if own.fullmatch(name))
        found = re.search(rf"^\| {re.escape(row)} \|.*?([\d.,]+)%? \|$", text, re.M)
        if not found:
            raise LookupError(f"the page of choices has no row {row!r}")
        return float(found[1])


class Condition:
    """A condition in a small part of Python, tried on the numbers of a book."""

    def __init__(self, text: str, book: Book, chapter: str = ""):
        self.text, self.book, self.home, self.values = text, book, chapter, {}

    def holds(self) -> bool:
        """Return whether it is true, of each of several things if there are several. `TlbookError` if it is none."""
        try:
            tree = ast.parse(self.text, mode="eval").body
            return bool(np.all(self._value(tree)))
        except (SyntaxError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError, re.error) as error:
            found = " ".join(str(error).split())
            raise TlbookError(f"holds: {self.text}", "a condition on numbers", found, "see CONTRIBUTING.md") from error

    def shown(self) -> str:
        """Return every number that was looked up, in one line."""
        return ", ".join(
            f"{name} = {np.array2string(np.asarray(value), precision=5)}" for name, value in self.values.items()
        )

    def could_fail(self, draws: int = 200) -> bool:
        """Return whether other numbers make it false: what none can says nothing. After `holds`."""
        rng, tree, kept = np.random.default_rng(0), ast.parse(self.text, mode="eval").body, self.values
        found = True
        for size in 10 ** rng.uniform(-2, 1.5, draws):
            drawn = {name: rng.uniform(size=np.shape(value)) for name, value in kept.items()}
            most = {name: min(size, 1) if np.max(value) <= 1 else size * np.max(value) for name, value in kept.items()}
            self.values = {name: part * most[name] for name, part in drawn.items()}
            try:
                found = bool(np.all(self._value(tree)))
            except (LookupError, TypeError, ValueError, ArithmeticError):  # of numbers that it cannot be asked of
                continue
            if not found:
                break
        self.values = kept
        return not found

    def _value(self, node):
        match node:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(ast.USub(), part):
                return -self._value(part)
            case ast.UnaryOp(ast.Not(), part):
                return not np.all(self._value(part))
            case ast.BinOp(left, op, right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self._value(left), self._value(right))
            case ast.BoolOp(op, parts):
                return (all if isinstance(op, ast.And) else any)([np.all(self._value(part)) for part in parts])
            case ast.Compare(left, ops, rest):
                return self._compared([left, *rest], [type(op) for op in ops])
            case ast.List(parts) | ast.Tuple(parts):
                return np.array([self._value(part) for part in parts])
            case ast.Call(ast.Name("printed"), [ast.Constant(str(pattern))], []):
                return self._known(f"printed({pattern!r})", lambda: self._printed(pattern))
            case ast.Call(ast.Name("table"), [ast.Constant(str(row))], []):
                return self._each(row, "table({!r})", lambda one: self.book.table(self.home, one))
            case ast.Call(ast.Name(name), parts, []) if name in FUNCTIONS and parts:
                return FUNCTIONS[name](*map(self._value, parts))
            case ast.Subscript(part, ast.Constant(int(place)) | ast.UnaryOp(ast.USub(), ast.Constant(int(place)))):
                return self._value(part)[-place if isinstance(node.slice, ast.UnaryOp) else place]
            case ast.Attribute() | ast.Subscript(_, ast.Constant(str())):
                return self._looked_up(node)
        raise ValueError(f"{ast.unparse(node)!r} is not in the small part of Python that a condition may use")

    def _compared(self, parts, ops):
        if any(ast.dump(one) == ast.dump(other) for one, other in itertools.pairwise(parts)):
            raise ValueError("it compares something with itself")
        pairs = itertools.pairwise([self._value(part) for part in parts])
        found = [COMPARED[op](one, other) for op, (one, other) in zip(ops, pairs, strict=True)]
        return np.logical_and.reduce(np.broadcast_arrays(*found))

    def _looked_up(self, node):
        *base, name = ast.unparse(node).replace("['", ".").replace("']", "").split(".")
        kind, chapter = base[0], self.book.chapter(base[1]) if base[1:] else self.home
        if kind not in LOOKED_UP or len(base) > 2:
            raise ValueError(f"{ast.unparse(node)!r} does not begin with mean, sd or each")
        return self._each(name, ".".join([*base, "{}"]), lambda one: self._row(kind, chapter, one))

    def _each(self, name, form, look):
        """Look up one thing, or each of several: of ``acc_at_{1,5}``, both ``acc_at_1`` and ``acc_at_5``."""
        parts = re.fullmatch(r"([^{}]*)(?:\{([\w., ]+)\})?([^{}]*)", name)
        if parts is None:
            raise ValueError(f"{name!r} names several in more than one place, or in none")
        begin, middle, end = parts.groups()
        names = [f"{begin}{part}{end}" for part in middle.split(",")] if middle else [name]
        values = [self._known(form.format(one), lambda one=one: look(one)) for one in names]
        return np.array(values) if middle else values[0]

    def _row(self, kind, chapter, name):
        row = self.book.numbers.get((chapter, name))
        if row is None:
            raise LookupError(f"the register has no {chapter}.{name}")
        return np.array(row["values"]) if kind == "each" else row[kind]

    def _known(self, name, look):
        if name not in self.values:
            self.values[name] = look()
        return self.values[name]

    def _printed(self, pattern):
        text = self.book.printed(self.home)
        found = re.search(pattern, text)
        if found is None or not found.groups():
            return len(re.findall(pattern, text))
        numbers = [float(number) for number in re.findall(r"\d+\.?\d*", found[1])]
        return np.array(numbers) if len(numbers) > 1 else numbers[0]
