"""One run of a chapter: its cells are executed, and what they say of themselves is kept in a file of the run."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import platform
import re
import shlex
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tlbook import disk
from tlbook.claims import NAME, PLAIN, UNITS, fits
from tlbook.disk import STOPS
from tlbook.record import paths
from tlbook.record.code import chapter_code, code_digest, package_digests, read_chapter, read_notebook
from tlbook.run import TlbookError, require, versions

KINDS = ("run", "data", "number", "claim", "memory", "store", "note")
DEAREST = 5  # cells whose seconds are printed
DRAWN = "rendered letters"  # the one data set that is another for each seed
BROUGHT = (DRAWN, "scikit-learn digits")  # which need no disk; named only where there is nothing else
LAST = "import tlbook.run as _run; _run.log(kind='memory', megabytes=_run.peak_memory_mb())"


@contextlib.contextmanager
def _signals():
    """Leave the handlers of an interrupt afterwards as they were."""
    before = {which: signal.getsignal(which) for which in STOPS}
    try:
        yield
    finally:
        for which, was in before.items():
            signal.signal(which, was)


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


def _execute(notebook, title: str, env: dict, noise) -> list[list]:
    """Run a notebook's cells; what libraries write past Python (TensorFlow's log) goes into the file `noise`.

    Returns of each code cell its number, its seconds and its first line.
    """
    client = _Client(notebook, timeout=None, kernel_name="python3", record_timing=False, coalesce_streams=True)
    client.extra_arguments = ["--IPKernelApp.capture_fd_output=False"]
    cells, began = [], 0.0

    def begin(**_):
        nonlocal began
        began = time.perf_counter()

    def end(cell, **_):
        seconds, first = time.perf_counter() - began, cell.source.strip().partition("\n")[0]
        cells.append([len(cells) + 1, round(seconds, 2), first])
        print(".", end="", flush=True)

    client.on_cell_execute, client.on_cell_executed = begin, end
    print(f"{title}: ", end="", flush=True)
    try:
        with _signals():
            client.execute(env=env, cwd=str(paths.CHAPTERS), stdout=noise, stderr=noise)
    except (Exception, asyncio.CancelledError) as error:
        print(flush=True)
        if client.stopped:
            raise KeyboardInterrupt(client.stopped) from None
        failed = isinstance(error, CellExecutionError)
        found = f"in code cell {client.code_cells_executed}: {error.ename}: {error.evalue}" if failed else repr(error)
        do = f"TLBOOK_PROFILE={env['TLBOOK_PROFILE']} TLBOOK_SEED={env['TLBOOK_SEED']} make lab   to see it happen"
        raise TlbookError(title, "a run without an error", " ".join(found.split())[:600], do) from error
    return cells


def store_folder() -> Path:
    """Return the folder in which answers are kept: ``TLBOOK_STORE``, or ``store`` in the cache."""
    if asked := os.environ.get("TLBOOK_STORE"):
        return disk.named("TLBOOK_STORE", asked).absolute()
    return disk.cache_folder().absolute() / "store"


def _cost(seconds: float, megabytes: float, events: list[dict]) -> dict:
    """Return what a run took, as if everything had been computed, and how much of it was not."""
    answers = [event for event in events if event["what"] == "answered"]
    saved = sum(event["seconds"] for event in answers) - sum(event["own"] for event in events)
    about = {"answered": len(answers), "computed": len(events) - len(answers), "seconds": seconds}
    about["why"] = dict(Counter(f"{e['call']}: {e['what']}" for e in events if e["what"] != "answered"))
    megabytes = max([megabytes, *(event["megabytes"] for event in answers)])
    return {"seconds": seconds + saved, "megabytes": megabytes, "store": about}


def _say_cost(cost: dict, cells: list[list]) -> None:
    """Say what a run took, and its dearest cells."""
    about = cost["store"]
    counted = f"{about['answered']} answers, {about['computed']} computed"
    told = f" (as computed: {cost['seconds']:.0f} s; {counted})" if about["answered"] + about["computed"] else ""
    print(f" {about['seconds']:.0f} s{told}", flush=True)
    for number, seconds, first in sorted(cells, key=lambda cell: -cell[1])[:DEAREST]:
        if seconds >= 1:
            print(f"    cell {number:3} {seconds:7.1f} s  {first[:70]}", flush=True)


def run_seed(chapter: str, seed: int, out: Path, profile: str = "full", fresh: bool = False) -> dict:
    """Run a chapter once; write ``CHAPTER-seed-N.json``, which is returned too, and the run notebook into `out`.

    Dear calls of an earlier run, in which everything was the same, are answered by what they gave, unless `fresh`.
    `TlbookError` if the chapter fails, or what it measured cannot be recorded or written.
    """
    notebook, title = read_chapter(chapter), f"{chapter}, seed {seed}, {profile} profile"
    cells = chapter_code(notebook)
    code, package = code_digest(*cells), package_digests(cells)
    disk.probe(out)
    file = out / f"{chapter}-seed-{seed}.json"
    for path in (file, file.with_suffix(".ipynb")):
        disk.replaceable(path)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    with tempfile.TemporaryDirectory() as scratch, open(f"{scratch}/noise", "wb") as noise:
        log, path = Path(scratch) / "events", os.environ.get("PYTHONPATH")
        env = {**os.environ, "TLBOOK_PROFILE": profile, "TLBOOK_SEED": str(seed), "TLBOOK_CLAIMS": "log"}
        env |= {"TLBOOK_LOG": str(log), "TLBOOK_CACHE": f"{scratch}/cache", "PYTHONHASHSEED": "0"}
        env |= {"TLBOOK_STORE": str(store_folder()), "TLBOOK_FRESH": "1" * fresh}
        env["PYTHONPATH"] = str(paths.ROOT) + (os.pathsep + path if path else "")
        if env.get("KERAS_HOME"):  # the kernel works in the chapters' folder
            env["KERAS_HOME"] = os.path.abspath(env["KERAS_HOME"])
        if env.get("TLBOOK_DATA"):
            env["TLBOOK_DATA"] = str(disk.named("TLBOOK_DATA", env["TLBOOK_DATA"]).absolute())
        began = time.perf_counter()
        ran = _execute(notebook, title, env, noise)
        seconds = time.perf_counter() - began
        events = [json.loads(line) for line in disk.read_text(log).splitlines()]
    notebook.cells.pop()
    starts, sets, numbers, claims, memory, dear, notes = ([e for e in events if e["kind"] == kind] for kind in KINDS)
    _say_cost(cost := _cost(seconds, memory[-1]["megabytes"], dear), ran := ran[:-1])
    for text, count in Counter(note["text"] for note in notes).items():
        print(f"    {text}" + f" ({count} times)" * (count > 1), flush=True)
    begun, do = [event["chapter"] for event in starts], "mend the chapter's code"
    found = f"tl.start() of {', '.join(begun) or 'nothing'}"
    require(begun == [chapter], title, f"one call of tl.start({chapter!r})", found, do)
    for kind, told in {"number": [e["name"] for e in numbers], "claim": [e["text"] for e in claims]}.items():
        twice = [repr(each) for each, count in Counter(told).items() if count > 1]  # the last one would hide the first
        require(not twice, title, f"each {kind} once", f"{', '.join(twice)} more than once", do)
    first = sets[0]["name"] if sets else "none"
    run = {"chapter": chapter, "seed": seed, "profile": profile, "numbers": {e["name"]: e["value"] for e in numbers}}
    run |= {"about": {e["name"]: {"unit": e["unit"], "dataset": e["dataset"] or first} for e in numbers}}
    run |= {"claims": {e["text"]: e["holds"] for e in claims}, "data": {e["name"]: e["digest"] for e in sets}}
    run |= {"machine": starts[0], "system": platform.system(), "versions": versions(), "code": code, "package": package}
    run |= cost | {"date": datetime.date.today().isoformat(), "cells": ran}
    text = json.dumps(run, indent=1, ensure_ascii=False) + "\n"
    contents = {file.with_suffix(".ipynb"): nbformat.writes(notebook) + "\n", file: text}
    try:
        disk.write(contents)
    except TlbookError as error:  # an hour's work: it is kept where there may be room
        kept = Path(tempfile.mkdtemp(prefix=f"{chapter}-seed-{seed}-"))
        disk.write({kept / path.name: content for path, content in contents.items()})
        do = f"make room, then  cp {shlex.quote(str(kept))}/* {shlex.quote(str(out))}"
        raise TlbookError(error.what, error.expected, f"{error.found}; the run is kept in {kept}", do) from error
    return run


def provenance_line(runs: list[dict]) -> str:
    """Return the line that says where a chapter's results come from."""
    first = runs[0]
    used, machine, minutes = first["versions"], first["machine"], [run["seconds"] / 60 for run in runs]
    sets = [each for each in first["data"].items() if each[0] not in BROUGHT] or [*first["data"].items()][:1]
    data = " · ".join(f"{name} · SHA-256 {digest[:12]}" for name, digest in sets or [("none", "none")])
    backend = f"{machine['backend']} {used.get(machine['backend'], '')}".strip()
    cores = sorted({run["machine"]["cores"] for run in runs})
    device = " to ".join(str(number) for number in sorted({cores[0], cores[-1]}))
    device += f" CPU core{'s' * (cores[-1] > 1)}"
    device += "" if machine["device"] == "cpu" else f", {machine['device'].upper()}"
    parts = (
        f"Profile: {first['profile']} · Data: {data}",
        f"Seeds: {', '.join(str(run['seed']) for run in runs)} · Python {used['python']}",
        f"Keras {used['keras']} on {backend} · scikit-learn {used['scikit-learn']} · {first['system']}, {device}",
        f"{min(minutes):.1f} to {max(minutes):.1f} min a seed",
        f"peak memory {max(run['megabytes'] for run in runs) / 1000:.1f} GB · {max(run['date'] for run in runs)}",
    )
    return " · ".join(parts)


def _check_plain(run: dict) -> None:
    """Raise ValueError if what a page says of a run, beside its numbers, is not what a recorder writes there."""
    claims, machine, used = run["claims"], run["machine"], run["versions"]
    good = all(type(holds) is bool for holds in claims.values()) and type(machine["cores"]) is int
    good = good and all(type(run[key]) in (int, float) and 0 < run[key] < 1e9 for key in ("seconds", "megabytes"))
    good = good and all(map(re.compile("[0-9a-f]{64}").fullmatch, run["data"].values()))
    datetime.date.fromisoformat(run["date"])
    words = (*run["data"], run["system"], machine["backend"], machine["device"], *used, *used.values(), run["date"])
    if not (good and machine["cores"] > 0 and all(map(PLAIN.fullmatch, words))):
        raise ValueError("claims, machine, data or times that no recorder wrote")


def kept(file: Path, now: dict) -> dict | None:
    """Return a run of an earlier call if it is whole, and of what is `now`; if it does not count, say why."""
    if not file.exists():
        return None
    try:
        run = json.loads(disk.read_text(file))
        for name, value in run["numbers"].items():
            unit, plain = run["about"][name]["unit"], PLAIN.fullmatch(run["about"][name]["dataset"])
            good = NAME.fullmatch(name) and plain and unit in UNITS and isinstance(value, int | float)
            require(good and fits(value, unit), name, "a number that can be recorded", value, "run again")
        _check_plain(run)
        provenance_line([run])  # which reads the rest
        ran = code_digest(*chapter_code(read_notebook(file.with_suffix(".ipynb"))))
        answered = run.get("store", {}).get("answered", 0) > 0
        found = {"seed": run["seed"], "notebook": ran, "answers from the store": answered}
        odd = differing(alike(run) | found, now | {"notebook": now["code"]})
    except (TlbookError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        odd = [f"file: {type(error).__name__}: {' '.join(str(error).split())[:300]}"]
    return None if again(file, odd) else run


def again(file: Path, odd: list[str]) -> bool:
    """Return whether there is something odd about a kept run, and say it."""
    if odd:
        print(f"{file.stem} runs again, because what was kept differs in its {', '.join(odd)}", flush=True)
    return bool(odd)


def alike(run: dict) -> dict:
    """Return of a run what must be the same for all seeds."""
    same = {key: run[key] for key in ("chapter", "profile", "system", "versions", "code", "package")}
    same |= {key: run["machine"][key] for key in ("backend", "device")}
    same["data"] = {name: None if name == DRAWN else digest for name, digest in run["data"].items()}
    same["claims"] = sorted(run["claims"])
    return same | {"numbers": {name: run["about"][name] for name in run["numbers"]}}


def differing(one: dict, other: dict) -> list[str]:
    """Return the keys that both have, each with another value."""
    return [key for key in one if key in other and one[key] != other[key]]
