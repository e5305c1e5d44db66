"""What the code of a chapter means, and what of `tlbook` it reaches: by their digests an old recording is known."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shlex
from pathlib import Path

import nbformat

import tlbook
from tlbook import disk
from tlbook.record import paths
from tlbook.run import TlbookError, require


def chapters() -> list[str]:
    """Return the names of all chapters."""
    return sorted(path.stem for path in paths.CHAPTERS.glob("*.ipynb"))


def read_chapter(chapter: str):
    """Return a chapter's notebook, or say that there is none of that name or no Python in it."""
    names = chapters()
    found = f"one of: {', '.join(names) or 'no chapter at all'}"
    require(chapter in names, "chapter", found, repr(chapter), "python -m tlbook record NAME")
    return read_notebook(paths.CHAPTERS / f"{chapter}.ipynb")


def read_notebook(path: Path):
    """Return the notebook of a file; `TlbookError` if it is none, or holds other code than Python."""
    text = disk.read_text(path)
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        _check_metadata(notebook)
        code_digest(*chapter_code(notebook))
    except MemoryError:
        raise
    except Exception as error:  # of JSON, of its scheme, of Python's grammar: each its own
        found = " ".join(str(error).split())[:200]
        raise TlbookError(str(path), "a notebook of Python code", found, "open it in  make lab") from error
    return notebook


def _check_metadata(notebook) -> None:
    """Raise ValueError if what the recorder reads or writes of the metadata is of another kind."""
    about = notebook.metadata.get("tlbook", {})
    good = isinstance(about, dict) and isinstance(about.get("package", {}), dict)
    if not good:
        raise ValueError("metadata.tlbook that no recorder wrote")
    if not all(isinstance(cell.metadata.get("mystnb", {}), dict) for cell in notebook.cells):
        raise ValueError("cell.metadata.mystnb that is no table of settings")


def chapter_code(notebook) -> list[str]:
    """Return the code of a notebook, cell by cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _meaning(node):
    """Return a syntax tree as plain lists, without comments, formatting, docstrings, quick values and empty fields."""
    if isinstance(node, list):
        return [_meaning(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    match node, fields.get("body"):
        case _, [ast.Expr(value=ast.Constant(value=str())), *rest]:
            fields["body"] = rest
        case ast.JoinedStr(values=values), _:  # some versions of Python put in empty texts
            fields["values"] = [part for part in values if getattr(part, "value", None) != ""]
        case ast.Call(func=ast.Attribute(value=ast.Name("run"), attr="pick"), keywords=given), _:
            fields["keywords"] = [each for each in given if each.arg != "quick" or not _plain(each.value)]
    return [type(node).__name__, *([key, _meaning(fields[key])] for key in fields if fields[key] not in (None, []))]


def _plain(node) -> bool:
    """Return whether code is a value written out, and so does nothing but be there."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):  # a call or a name; a list as a key
        return False
    return True


def code_digest(*cells: str) -> str:
    """Return a digest of what code means in the full profile.

    Comments, formatting and docstrings leave it as it is, and so does a value that only the quick profile takes, as in
    ``run.pick(quick=2, full=6)``: what is recorded is full.
    """
    return _digest([_meaning(ast.parse(cell)) for cell in cells])


def _digest(lists: list) -> str:
    return hashlib.sha256(json.dumps(lists).encode()).hexdigest()


def _named(*trees) -> set[str]:
    """Return every name that code mentions, and the file of `tlbook` behind a name that the package passes on."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [getattr(node, key, None) for node in nodes for key in ("id", "attr", "module", "name")]
    parts = {part for name in names if isinstance(name, str) for part in name.split(".")}
    return parts | {file for name, file in tlbook._NAMES.items() if name in parts}


def _bound(statement) -> set[str]:
    """Return the names that a statement at the top of a file gives a meaning to."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = getattr(statement, "targets", [getattr(statement, "target", ast.Pass())])
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _reached(body: list, named: set[str], always: list = ()) -> list:
    """Return the statements of a file that give a meaning to a name; imports only where the others use them."""
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in body if node not in imports and (node in always or _bound(node) & named)]
    return [node for node in imports if _bound(node) & _named(*others)] + others


def _tree(path: Path) -> ast.Module:
    """Return a Python file's syntax tree; `TlbookError` if it is none, after a merge perhaps."""
    text = disk.read_text(path)
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:  # ValueError: a null byte, to some versions of Python
        found = " ".join(str(error).split())[:200]
        raise TlbookError(str(path), "a file of Python", found, f"git diff {shlex.quote(str(path))}") from error


def _sums() -> list[str]:
    """Return the lines of the list of weights; `TlbookError` if one is no digest with a name."""
    path = paths.ROOT / "tlbook" / "weights" / "SHA256SUMS"
    lines = [line for line in disk.read_text(path).splitlines() if line.strip()]
    odd = next((line for line in lines if not re.fullmatch(r"[0-9a-f]{64}  \S+", line)), None)
    do = f"git checkout -- {shlex.quote(str(path))}"
    require(odd is None, str(path), "a SHA-256 and a name in each line", repr(odd)[:80], do)
    return lines


def package_digests(cells: list[str]) -> dict[str, str]:
    """Return a digest of what code reaches in each file of `tlbook`: the definitions that reached code mentions."""
    files = {path.stem: _tree(path) for path in (paths.ROOT / "tlbook").glob("[a-z]*.py")}
    named, before, reached = {"run"} | _named(*map(ast.parse, cells)), set(), {}
    while named != before:
        reached = {name: _reached(files[name].body, named) for name in files.keys() & named}
        before, named = named, named.union(*(_named(*nodes) for nodes in reached.values()))
    digests = {name: _digest(_meaning(nodes)) for name, nodes in reached.items() if nodes}
    if used := [line for line in _sums() if line.split()[1].partition(".")[0].rpartition("_")[0] in named]:
        digests["weights"] = _digest(used)
    return dict(sorted(digests.items()))


def _spread(body: list, named: set[str], always: list = ()) -> list:
    """Return the statements that names reach in a file, through other statements too."""
    before, found = set(), []
    while named != before:
        found, before = _reached(body, named, always), named
        named = named | _named(*found)
    return found


def definitions(chapter: str, code: str) -> str:
    """Return what `code` mentions of a chapter's functions, classes and constants (in capitals), as Python."""
    return definitions_in(chapter_code(read_chapter(chapter)), code)


def definitions_in(cells: list[str], code: str) -> str:
    """Return what `code` mentions of the definitions in some cells: `definitions` of a chapter that lies elsewhere."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign
    body = [node for cell in cells for node in ast.parse(cell).body if isinstance(node, kinds)]
    body = [node for node in body if not isinstance(node, ast.Assign) or all(map(str.isupper, _bound(node)))]
    return "\n\n".join(map(ast.unparse, _spread(body, _named(ast.parse(code)))))


def _apart(node) -> list:
    """Return an import of several names as that many imports, and any other statement as it is."""
    match node:
        case ast.Import(names):
            return [ast.Import([name]) for name in names]
        case ast.ImportFrom(module, names, level):
            return [ast.ImportFrom(module, [name], level) for name in names]
    return [node]


def _runs(statement) -> bool:
    """Return whether a statement at the top of a file does more on import than to give names a meaning."""
    match statement:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return False
        case ast.If(test=ast.Compare(left=ast.Name("__name__"))):
            return False
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
    return not isinstance(statement, kinds)


def reached(sources: list[str], start: set[str]) -> str:
    """Return what the names in `start` reach in files of Python, and what these files do on import, as Python."""
    body = [part for source in sources for node in ast.parse(source).body for part in _apart(node)]
    return "\n\n".join(map(ast.unparse, _spread(body, start, [node for node in body if _runs(node)])))


def stale(chapter: str) -> list[str]:
    """Return what changed since a chapter was recorded: ``"code"``, ``"tlbook.…"``, or nothing."""
    cells, recorded = chapter_code(notebook := read_chapter(chapter)), notebook.metadata.get("tlbook", {})
    changed = ["code"] if recorded.get("code") != code_digest(*cells) else []
    now, then = package_digests(cells), recorded.get("package", {})
    return changed + [f"tlbook.{name}" for name in sorted({*now, *then}) if now.get(name) != then.get(name)]
