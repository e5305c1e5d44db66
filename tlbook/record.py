"""Runs a chapter once for each seed and writes what came out: outputs, provenance, register, prose.

One run changes nothing but its own two files. Only when the runs of all seeds are there is anything
of the book written, and everything is worked out before the first file is touched.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
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
from tlbook.claims import NAME, PLAIN, UNITS, fits, written
from tlbook.register import CHAPTERS, ROOT
from tlbook.run import TlbookError, require, versions

RUNS = ROOT / "_build" / "record"  # runs wait here until the last seed is done
KINDS = ("run", "data", "number", "claim", "memory")
STOPS = (signal.SIGINT, signal.SIGTERM)
DRAWN = "rendered letters"  # the one data set that is another for each seed
LAST = "import tlbook.run as _run; _run.log(kind='memory', megabytes=_run.peak_memory_mb())"


def chapters() -> list[str]:
    """Return the names of all chapters."""
    return sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))


def read_chapter(chapter: str):
    """Return a chapter's notebook, or say that there is none of that name or no Python in it."""
    names = chapters()
    found = f"one of: {', '.join(names) or 'no chapter at all'}"
    require(chapter in names, "chapter", found, repr(chapter), "python -m tlbook record NAME")
    return _read(CHAPTERS / f"{chapter}.ipynb")


def _read(path: Path):
    text = disk.read_text(path)
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        code_digest(*chapter_code(notebook))
    except Exception as error:  # of JSON, of its scheme, of Python's grammar: each its own
        found = " ".join(str(error).split())[:200]
        raise TlbookError(str(path), "a notebook of Python code", found, "open it in  make lab") from error
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


@contextlib.contextmanager
def _signals(handler=None):
    """Leave the handlers of an interrupt afterwards as they were; meanwhile `handler`, if there is one."""
    before = {which: signal.getsignal(which) for which in STOPS}
    try:
        for which in STOPS if handler else ():
            signal.signal(which, handler)
        yield
    finally:
        for which, was in before.items():
            signal.signal(which, was)


def _write(contents: dict[Path, str | bytes]) -> None:
    """Write files, all or none: for the second that it takes, an interrupt is not heard."""
    with _signals(signal.SIG_IGN):
        disk.write(contents)


class _Client(NotebookClient):
    """Runs a notebook; an interrupt stops its kernel, and can be told from a kernel that died."""

    stopped = 0

    async def async_start_new_kernel(self, **kwargs):
        with contextlib.suppress(NotImplementedError):  # Windows, where a plain KeyboardInterrupt comes
            for which in STOPS:
                asyncio.get_running_loop().add_signal_handler(which, self.stop, which, asyncio.current_task())
        await super().async_start_new_kernel(**kwargs)

    def stop(self, which, task):
        self.stopped = which
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
        with _signals():
            client.execute(env=env, cwd=str(CHAPTERS), stdout=noise, stderr=noise)
    except (Exception, asyncio.CancelledError) as error:
        print(flush=True)
        if client.stopped:
            raise KeyboardInterrupt(client.stopped) from None
        failed = isinstance(error, CellExecutionError)
        found = f"in code cell {client.code_cells_executed}: {error.ename}: {error.evalue}" if failed else repr(error)
        do = f"TLBOOK_PROFILE={env['TLBOOK_PROFILE']} TLBOOK_SEED={env['TLBOOK_SEED']} make lab   to see it happen"
        raise TlbookError(title, "a run without an error", " ".join(found.split())[:600], do) from error


def run_seed(chapter: str, seed: int, out: Path, profile: str = "full") -> dict:
    """Run a chapter once; write ``CHAPTER-seed-N.json``, which is returned too, and the run notebook into `out`.

    `TlbookError` if the chapter fails, or what it measured cannot be recorded or written.
    """
    notebook, title = read_chapter(chapter), f"{chapter}, seed {seed}, {profile} profile"
    cells = chapter_code(notebook)
    code, package = code_digest(*cells), package_digests(cells)
    disk.probe(out)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    with tempfile.TemporaryDirectory() as scratch, open(f"{scratch}/noise", "wb") as noise:
        log, path = Path(scratch) / "events", os.environ.get("PYTHONPATH")
        env = {**os.environ, "TLBOOK_PROFILE": profile, "TLBOOK_SEED": str(seed), "TLBOOK_CLAIMS": "log"}
        env |= {"TLBOOK_LOG": str(log), "TLBOOK_CACHE": f"{scratch}/cache", "PYTHONHASHSEED": "0"}
        env["PYTHONPATH"] = str(ROOT) + (os.pathsep + path if path else "")
        if env.get("TLBOOK_DATA"):  # the kernel works in the chapters' folder
            env["TLBOOK_DATA"] = os.path.abspath(os.path.expanduser(env["TLBOOK_DATA"]))
        began = time.perf_counter()
        _execute(notebook, title, env, noise)
        seconds = time.perf_counter() - began
        events = [json.loads(line) for line in disk.read_text(log).splitlines()]
    notebook.cells.pop()
    print(f" {seconds:.0f} s", flush=True)
    starts, sets, numbers, claims, memory = ([event for event in events if event["kind"] == kind] for kind in KINDS)
    names, begun = [event["name"] for event in numbers], [event["chapter"] for event in starts]
    wanted = f"one call of tl.start({chapter!r}) and no number's name twice"
    found = f"tl.start() of {', '.join(begun) or 'nothing'}, and the names {', '.join(sorted(names))}"
    require(begun == [chapter] and len(set(names)) == len(names), title, wanted, found, "mend the chapter's code")
    first = sets[0]["name"] if sets else "none"
    run = {"chapter": chapter, "seed": seed, "profile": profile, "numbers": {e["name"]: e["value"] for e in numbers}}
    run |= {"about": {e["name"]: {"unit": e["unit"], "dataset": e["dataset"] or first} for e in numbers}}
    run |= {"claims": {e["text"]: e["holds"] for e in claims}, "data": {e["name"]: e["digest"] for e in sets}}
    run |= {"machine": starts[0], "system": platform.system(), "versions": versions(), "code": code, "package": package}
    run |= {"seconds": seconds, "megabytes": memory[-1]["megabytes"], "date": datetime.date.today().isoformat()}
    file = out / f"{chapter}-seed-{seed}.json"
    text = json.dumps(run, indent=1, ensure_ascii=False) + "\n"
    contents = {file.with_suffix(".ipynb"): nbformat.writes(notebook) + "\n", file: text}
    try:
        _write(contents)
    except TlbookError as error:  # an hour's work: it is kept where there may be room
        kept = Path(tempfile.mkdtemp(prefix=f"{chapter}-seed-{seed}-"))
        _write({kept / path.name: content for path, content in contents.items()})
        do = f"make room, then  cp '{kept}'/* '{out}'"
        raise TlbookError(error.what, error.expected, f"{error.found}; the run is kept in {kept}", do) from error
    return run


def _kept(file: Path, now: dict) -> dict | None:
    """Return a run of an earlier call if it is whole, and of what is `now`; if it does not count, say why."""
    if not file.exists():
        return None
    try:
        run = json.loads(disk.read_text(file))
        for name, value in run["numbers"].items():
            unit, plain = run["about"][name]["unit"], PLAIN.fullmatch(run["about"][name]["dataset"])
            good = NAME.fullmatch(name) and plain and unit in UNITS and isinstance(value, int | float)
            require(good and fits(value, unit), name, "a number that can be recorded", value, "run again")
        run["claims"].keys(), provenance_line([run])  # which reads the rest
        ran = code_digest(*chapter_code(_read(file.with_suffix(".ipynb"))))
        odd = _odd(_alike(run) | {"seed": run["seed"], "notebook": ran}, now | {"notebook": now["code"]})
    except (TlbookError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        odd = [f"file: {type(error).__name__}: {' '.join(str(error).split())[:300]}"]
    return None if _again(file, odd) else run


def _again(file: Path, odd: list[str]) -> bool:
    """Return whether there is something odd about a kept run, and say it."""
    if odd:
        print(f"{file.stem} runs again, because what was kept differs in its {', '.join(odd)}", flush=True)
    return bool(odd)


def _alike(run: dict) -> dict:
    """Return of a run what must be the same for all seeds."""
    same = {key: run[key] for key in ("chapter", "profile", "system", "versions", "code", "package")}
    same |= {key: run["machine"][key] for key in ("backend", "device")}
    same["data"] = {name: None if name == DRAWN else digest for name, digest in run["data"].items()}
    return same | {"numbers": {name: run["about"][name] for name in run["numbers"]}}


def _odd(one: dict, other: dict) -> list[str]:
    return [key for key in one if key in other and one[key] != other[key]]


def check_book() -> None:
    """Read all that a recording writes anew, and try its folders: better now than after hours of work."""
    for path in (pages := register.prose_files()):
        disk.read_text(path)
    for name in chapters():
        read_chapter(name)
    register.rows()
    for folder in sorted({CHAPTERS, *(path.parent for path in (register.REGISTER, register.STORY, *pages))}):
        disk.probe(folder)


def record(chapter: str, seeds: list[int]) -> None:
    """Run every seed that is not done yet, then write the chapter, the register and the prose.

    `TlbookError` if the book cannot be written, or two runs are not of the same code, data, machine and numbers.
    """
    check_book()
    disk.probe(RUNS)
    cells = chapter_code(read_chapter(chapter))
    now = {"chapter": chapter, "profile": "full", "system": platform.system(), "versions": versions()}
    now |= {"code": code_digest(*cells), "package": package_digests(cells)}
    files = {seed: RUNS / f"{chapter}-seed-{seed}.json" for seed in seeds}
    done = {seed: _kept(file, now | {"seed": seed}) for seed, file in files.items()}
    done = {seed: run or run_seed(chapter, seed, RUNS) for seed, run in done.items()}
    newest = _alike(done[max(seeds, key=lambda seed: files[seed].stat().st_mtime_ns)])
    for seed, run in done.items():
        if _again(files[seed], _odd(_alike(run), newest)):
            done[seed] = run_seed(chapter, seed, RUNS)
    runs, notebook = list(done.values()), read_chapter(chapter)
    newest["code"] = code_digest(*chapter_code(notebook))
    found = ", ".join(sorted({key for run in runs for key in _odd(_alike(run), newest)}))
    require(not found, chapter, "the same for all seeds", f"other {found}", "run the same command again")
    others = [row for row in register.rows() if row["chapter"] != chapter]
    own = [register.row(name, runs) for name in runs[0]["numbers"]]
    _finish(notebook, _read(files[seeds[0]].with_suffix(".ipynb")), runs, own)
    write_book(sorted(others + own, key=lambda row: row["chapter"]), {chapter: notebook})


def write_book(rows: list[dict], changed: dict | None = None) -> None:
    """Write register, results page, figure and every number in prose, in chapters and pages."""
    texts = register.pages(rows)
    for chapter, notebook in ({name: read_chapter(name) for name in chapters()} | (changed or {})).items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = register.fill(cell.source, rows, chapter)
        texts[CHAPTERS / f"{chapter}.ipynb"] = nbformat.writes(notebook) + "\n"
    _write(texts)


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
