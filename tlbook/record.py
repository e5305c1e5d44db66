"""Runs a chapter once for each seed and writes what came out: outputs, provenance, register, prose.

One run changes nothing but its own two files. Only when the runs of all seeds are there is anything
of the book written, and everything is worked out before the first file is touched.
"""

from __future__ import annotations

import ast
import asyncio
import datetime
import hashlib
import json
import os
import platform
import re
import signal
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import tlbook
from tlbook import disk, register
from tlbook.claims import written
from tlbook.register import CHAPTERS, ROOT
from tlbook.run import TlbookError, versions

RUNS = ROOT / "_build" / "record"  # runs wait here until the last seed is done
KINDS = ("run", "data", "number", "claim", "memory")
LAST = "import tlbook.run as _run; _run.log(kind='memory', megabytes=_run.peak_memory_mb())"


def chapters() -> list[str]:
    """Return the names of all chapters."""
    return sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))


def read_chapter(chapter: str):
    """Return a chapter's notebook, or say that there is none of that name or no Python in it."""
    path = CHAPTERS / f"{chapter}.ipynb"
    if not path.is_file():
        names = ", ".join(chapters()) or "no chapter at all"
        raise TlbookError("chapter", f"one of: {names}", repr(chapter), "python -m tlbook record NAME")
    try:
        notebook = nbformat.read(path, as_version=4)
        code_digest(*chapter_code(notebook))
    except (ValueError, SyntaxError) as error:
        raise TlbookError(str(path), "a notebook of Python code", str(error)[:200], "open it in  make lab") from error
    return notebook


def chapter_code(notebook) -> list[str]:
    """Return the code of a notebook, cell by cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _meaning(node):
    """Return a syntax tree as plain lists, without comments, formatting, docstrings and empty fields."""
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
    return [type(node).__name__, *([key, _meaning(fields[key])] for key in fields if fields[key] not in (None, []))]


def code_digest(*cells: str) -> str:
    """Return a digest of what code means: comments, formatting and docstrings leave it as it is."""
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


def _reached(body: list, named: set[str]) -> list:
    """Return the statements of a file that give a meaning to a name; imports only where the others use them."""
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in body if node not in imports and _bound(node) & named]
    return [node for node in imports if _bound(node) & _named(*others)] + others


def package_digests(cells: list[str]) -> dict[str, str]:
    """Return a digest of what code reaches in each file of `tlbook`: the definitions that reached code mentions."""
    files = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tlbook").glob("[a-z]*.py")}
    named, before, reached = {"run"} | _named(*map(ast.parse, cells)), set(), {}
    while named != before:
        reached = {name: _reached(files[name].body, named) for name in files.keys() & named}
        before, named = named, named.union(*(_named(*nodes) for nodes in reached.values()))
    digests = {name: _digest(_meaning(nodes)) for name, nodes in reached.items() if nodes}
    sums = (ROOT / "tlbook" / "weights" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    if used := [line for line in sums if line.split()[1].partition(".")[0].rpartition("_")[0] in named]:
        digests["weights"] = _digest(used)
    return dict(sorted(digests.items()))


def definitions(chapter: str, code: str) -> str:
    """Return what `code` mentions of a chapter's functions, classes and constants (in capitals), as Python."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign
    body = [node for cell in chapter_code(read_chapter(chapter)) for node in ast.parse(cell).body]
    body = [node for node in body if isinstance(node, kinds)]
    body = [node for node in body if not isinstance(node, ast.Assign) or all(map(str.isupper, _bound(node)))]
    named, before, found = _named(ast.parse(code)), set(), []
    while named != before:
        found, before = _reached(body, named), named
        named = named | _named(*found)
    return "\n\n".join(map(ast.unparse, found))


def stale(chapter: str) -> list[str]:
    """Return what changed since a chapter was recorded: ``"code"``, ``"tlbook.…"``, or nothing."""
    cells, recorded = chapter_code(notebook := read_chapter(chapter)), notebook.metadata.get("tlbook", {})
    changed = ["code"] if recorded.get("code") != code_digest(*cells) else []
    now, then = package_digests(cells), recorded.get("package", {})
    return changed + [f"tlbook.{name}" for name in sorted({*now, *then}) if now.get(name) != then.get(name)]


class _Client(NotebookClient):
    """Runs a notebook; an interrupt stops its kernel, and can be told from a kernel that died."""

    stopped = False

    async def async_start_new_kernel(self, **kwargs):
        for which in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(which, self.stop, asyncio.current_task())
        await super().async_start_new_kernel(**kwargs)

    def stop(self, task):
        self.stopped = True
        task.cancel()

    def _cleanup_kernel(self):  # at exit, where an interrupt left something to stop
        return super()._cleanup_kernel() if self.km is not None else None


def _execute(notebook, title: str, env: dict, noise) -> None:
    """Run a notebook's cells; what libraries write past Python (TensorFlow's log) goes into the file `noise`."""
    client = _Client(notebook, timeout=None, kernel_name="python3", record_timing=False, coalesce_streams=True)
    client.extra_arguments = ["--IPKernelApp.capture_fd_output=False"]
    client.on_cell_executed = lambda **_: print(".", end="", flush=True)
    print(f"{title}: ", end="", flush=True)
    try:
        client.execute(env=env, cwd=str(CHAPTERS), stdout=noise, stderr=noise)
    except (Exception, asyncio.CancelledError) as error:
        print(flush=True)
        if client.stopped:
            raise KeyboardInterrupt from None
        failed = isinstance(error, CellExecutionError)
        found = f"in code cell {client.code_cells_executed}: {error.ename}: {error.evalue}" if failed else repr(error)
        do = f"TLBOOK_PROFILE={env['TLBOOK_PROFILE']} TLBOOK_SEED={env['TLBOOK_SEED']} make lab   to see it happen"
        raise TlbookError(title, "a run without an error", " ".join(found.split())[:600], do) from error


def run_seed(chapter: str, seed: int, out: Path, profile: str = "full") -> dict:
    """Run a chapter once; write ``CHAPTER-seed-N.json``, which is returned too, and the run notebook into `out`."""
    notebook, title = read_chapter(chapter), f"{chapter}, seed {seed}, {profile} profile"
    cells = chapter_code(notebook)
    code, package = code_digest(*cells), package_digests(cells)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    with tempfile.TemporaryDirectory() as scratch, open(f"{scratch}/noise", "w") as noise:
        log, path = Path(scratch) / "events", os.environ.get("PYTHONPATH")
        env = {**os.environ, "TLBOOK_PROFILE": profile, "TLBOOK_SEED": str(seed), "TLBOOK_CLAIMS": "log"}
        env |= {"TLBOOK_LOG": str(log), "TLBOOK_CACHE": f"{scratch}/cache", "PYTHONHASHSEED": "0"}
        env["PYTHONPATH"] = str(ROOT) + (os.pathsep + path if path else "")
        if env.get("TLBOOK_DATA"):  # the kernel works in the chapters' folder
            env["TLBOOK_DATA"] = os.path.abspath(env["TLBOOK_DATA"])
        began = time.perf_counter()
        _execute(notebook, title, env, noise)
        seconds = time.perf_counter() - began
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    notebook.cells.pop()
    print(f" {seconds:.0f} s", flush=True)
    starts, sets, numbers, claims, memory = ([event for event in events if event["kind"] == kind] for kind in KINDS)
    names = [event["name"] for event in numbers]
    if len(starts) != 1 or len(set(names)) < len(names):
        found = f"{len(starts)} calls, and the names {', '.join(sorted(names))}"
        raise TlbookError(title, "one call of tl.start() and no number's name twice", found, "mend the chapter's code")
    first = sets[0]["name"] if sets else "none"
    run = {"chapter": chapter, "seed": seed, "profile": profile, "numbers": {e["name"]: e["value"] for e in numbers}}
    run |= {"about": {e["name"]: {"unit": e["unit"], "dataset": e["dataset"] or first} for e in numbers}}
    run |= {"claims": {e["text"]: e["holds"] for e in claims}, "data": {e["name"]: e["digest"] for e in sets}}
    run |= {"machine": starts[0], "system": platform.system(), "versions": versions(), "code": code, "package": package}
    run |= {"seconds": seconds, "megabytes": memory[-1]["megabytes"], "date": datetime.date.today().isoformat()}
    file = out / f"{chapter}-seed-{seed}.json"
    text = json.dumps(run, indent=1, ensure_ascii=False) + "\n"
    disk.write({file.with_suffix(".ipynb"): nbformat.writes(notebook) + "\n", file: text})
    return run


def _done(file: Path, code: str, package: dict) -> dict | None:
    """Return a full run that is still true of today's code, or None."""
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    right = (run["code"], run["package"], run["profile"]) == (code, package, "full")
    return run if right and file.with_suffix(".ipynb").is_file() else None


def record(chapter: str, seeds: list[int]) -> None:
    """Run every seed that is not done yet, then write the chapter, the register and the prose."""
    cells = chapter_code(read_chapter(chapter))
    wanted = code_digest(*cells), package_digests(cells)
    files = [RUNS / f"{chapter}-seed-{seed}.json" for seed in seeds]
    for seed, file in zip(seeds, files, strict=True):
        if _done(file, *wanted) is None:
            run_seed(chapter, seed, RUNS)
    runs, notebook = [_done(file, *wanted) for file in files], read_chapter(chapter)
    if None in runs or code_digest(*chapter_code(notebook)) != wanted[0]:
        raise TlbookError(chapter, "the same code for all seeds", "a change meanwhile", "run the same command again")
    if odd := {name for run in runs for name in run["numbers"].keys() ^ runs[0]["numbers"].keys()}:
        found = f"{', '.join(sorted(odd))} in some only"
        raise TlbookError(chapter, "the same numbers in each run", found, "call tl.number() in every run")
    others = [row for row in register.rows() if row["chapter"] != chapter]
    own = [register.row(name, runs) for name in runs[0]["numbers"]]
    _finish(notebook, nbformat.read(files[0].with_suffix(".ipynb"), as_version=4), runs, own)
    write_book(sorted(others + own, key=lambda row: row["chapter"]), {chapter: notebook})


def write_book(rows: list[dict], changed: dict | None = None) -> None:
    """Write register, results page, figure and every number in prose, in chapters and pages."""
    texts = register.pages(rows)
    for chapter, notebook in ({name: read_chapter(name) for name in chapters()} | (changed or {})).items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = register.fill(cell.source, rows, chapter)
        texts[CHAPTERS / f"{chapter}.ipynb"] = nbformat.writes(notebook) + "\n"
    disk.write(texts)


def _finish(notebook, ran, runs: list[dict], rows: list[dict]) -> None:
    """Give a chapter the first seed's outputs, all seeds' figures beside them, and its provenance."""
    first = runs[0]
    held = {text: [bool(run["claims"].get(text)) for run in runs] for text in first["claims"]}
    means = {row["name"]: written(row["mean"], row["unit"], row["sd"]) for row in rows}

    def beside(found: re.Match) -> str:
        name, value = found.groups()
        return f"{name} = this run {value} · mean of {len(runs)} seeds {means[name]}" if name in means else found[0]

    def in_seeds(found: re.Match) -> str:
        return f"{found[0]} (in {sum(held[found[1]])} of {len(runs)} seeds)" if found[1] in held else found[0]

    code, ran_code = ([cell for cell in book.cells if cell.cell_type == "code"] for book in (notebook, ran))
    for cell, done in zip(code, ran_code, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
        for output in cell.outputs:
            if output.output_type == "stream":
                text = re.sub(r"^(\w+) = (.+)$", beside, output.text, flags=re.M)
                output.text = re.sub(r"^(?:✓|✗ FALSE:) (.+)$", in_seeds, text, flags=re.M)
            elif "image/png" in output.get("data", {}):
                alt = output.data.get("text/plain", "").removeprefix("Figure: ")
                cell.metadata.setdefault("mystnb", {})["image"] = {"alt": alt}
    same = {key: first[key] for key in ("code", "package", "profile", "data", "versions")}
    notebook.metadata["tlbook"] = {**same, "seeds": [run["seed"] for run in runs], "claims": held}
    notebook.cells = [cell for cell in notebook.cells if "provenance" not in cell.metadata.get("tags", [])]
    line = nbformat.v4.new_markdown_cell(provenance_line(runs), id="provenance", metadata={"tags": ["provenance"]})
    notebook.cells.insert(1, line)


def provenance_line(runs: list[dict]) -> str:
    """Return the line that says where a chapter's results come from."""
    first = runs[0]
    used, machine, minutes = first["versions"], first["machine"], [run["seconds"] / 60 for run in runs]
    name, digest = next(iter(first["data"].items()), ("none", "none"))
    backend = f"{machine['backend']} {used.get(machine['backend'], '')}".strip()
    cores = sorted({run["machine"]["cores"] for run in runs})
    device = " to ".join(str(number) for number in sorted({cores[0], cores[-1]}))
    device += f" CPU core{'s' * (cores[-1] > 1)}"
    device += "" if machine["device"] == "cpu" else f", {machine['device'].upper()}"
    parts = (
        f"Profile: {first['profile']} · Data: {name} · SHA-256 {digest[:12]}",
        f"Seeds: {', '.join(str(run['seed']) for run in runs)} · Python {used['python']}",
        f"Keras {used['keras']} on {backend} · scikit-learn {used['scikit-learn']} · {first['system']}, {device}",
        f"{min(minutes):.1f} to {max(minutes):.1f} min a seed",
        f"peak memory {max(run['megabytes'] for run in runs) / 1000:.1f} GB · {max(run['date'] for run in runs)}",
    )
    return " · ".join(parts)
