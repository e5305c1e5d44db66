"""From the runs of all seeds to the book: everything is worked out before the first file is touched."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path

import nbformat

from tlbook import disk
from tlbook.record import pages, paths, register, runs
from tlbook.record.alone import alone
from tlbook.record.code import chapter_code, chapters, code_digest, package_digests, read_chapter, read_notebook
from tlbook.run import TlbookError, require, versions

SAID = {"claims", "numbers"}  # by the chapter's code: where that is the same, another run does not mend them


def check_book() -> None:
    """Read all that a recording writes anew, and try its folders: better now than after hours of work."""
    for path in (prose := pages.prose_files()):
        pages.refuse_loose(disk.read_text(path), str(path))
    for name in chapters():
        for number, cell in enumerate(read_chapter(name).cells, 1):
            if cell.cell_type == "markdown":
                pages.refuse_loose(cell.source, f"{name}, cell {number}")
    register.rows()
    for folder in sorted({paths.CHAPTERS, *(path.parent for path in (paths.REGISTER, paths.STORY, *prose))}):
        disk.probe(folder)
    for path in (paths.RESULTS, paths.STORY):
        disk.replaceable(path)


def record(chapter: str, seeds: list[int], **fresh: bool) -> None:
    """Run every seed that is not done yet, then write the chapter, the register and the prose.

    With ``fresh=True`` every call is computed, and a kept run that was answered from the store runs again.

    `TlbookError` if the book cannot be written, two runs are not of the same code, data, machine and numbers, or
    this chapter is being recorded already.
    """
    check_book()
    disk.probe(paths.RUNS)
    read_chapter(chapter)  # a name of none makes no lock
    with alone(paths.RUNS / f"{chapter}.lock"):
        finished = _run_all(chapter, seeds, **fresh)
        with alone(paths.RUNS / "book.lock", wait=True):
            _write_chapter(chapter, finished)


def replay(chapter: str) -> None:
    """Compute the first seed of a recorded chapter anew, nothing answered from the store, and compare.

    `TlbookError` if a number comes out otherwise than it was recorded; times and speeds do each time, and claims about
    them may, so of claims it is only said.
    """
    kept = {row["name"]: row for row in register.rows() if row["chapter"] == chapter}
    require(kept, chapter, "a chapter that was recorded", "none", f"make record CHAPTER={chapter}")
    seed = min(seed for row in kept.values() for seed in row["seeds"])
    with tempfile.TemporaryDirectory() as out:
        ran = runs.run_seed(chapter, seed, Path(out), fresh=True)
    then = {name: dict(zip(row["seeds"], row["values"], strict=True)).get(seed) for name, row in kept.items()}
    now = ran["numbers"]
    odd = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name) and not _clocked(kept.get(name))]
    found = "; ".join(f"{name}: {then.get(name)} was recorded, {now.get(name)} came out" for name in odd[:5])
    do = "record it anew; where only last digits differ, replay on the machine that it was recorded on"
    require(not odd, f"{chapter}: {len(odd)} of {len(now)} numbers", "what was recorded", found, do)
    print(f"{chapter}: all {len(now)} numbers of seed {seed} as recorded, times and speeds aside")
    for text, held in ran["claims"].items():
        if not held:
            print(f"    false this time: {text}")


def _clocked(row: dict | None) -> bool:
    """Return whether a row of the register depends on a clock."""
    speed = row is not None and row["unit"] == "×" and "speed" in row["name"]
    return speed or (row is not None and row["unit"] in ("seconds", "images/s"))


def _run_all(chapter: str, seeds: list[int], **fresh: bool) -> list[dict]:
    """Return the runs of all seeds, of which all are alike; what is not kept from an earlier call is run."""
    cells = chapter_code(read_chapter(chapter))
    now = {"chapter": chapter, "profile": "full", "system": platform.system(), "versions": versions()}
    now |= {"code": code_digest(*cells), "package": package_digests(cells)}
    now |= {"answers from the store": False} if fresh else {}
    files = {seed: paths.RUNS / f"{chapter}-seed-{seed}.json" for seed in seeds}
    done = {seed: runs.kept(file, now | {"seed": seed}) for seed, file in files.items()}
    done = {seed: run or runs.run_seed(chapter, seed, paths.RUNS, **fresh) for seed, run in done.items()}
    newest = runs.alike(done[max(seeds, key=lambda seed: files[seed].stat().st_mtime_ns)])
    for seed, run in done.items():
        odd = set(runs.differing(runs.alike(run), newest)) - SAID  # which would be other ones again
        if runs.again(files[seed], sorted(odd)):
            done[seed] = runs.run_seed(chapter, seed, paths.RUNS, **fresh)
    finished = list(done.values())
    newest["code"] = code_digest(*chapter_code(read_chapter(chapter)))
    odd = {key for run in finished for key in runs.differing(runs.alike(run), newest)}
    if odd and odd <= SAID:
        said = [{*run["claims"], *map(str, runs.alike(run)["numbers"].items())} for run in finished]
        found = "; ".join(sorted(set.union(*said) - set.intersection(*said))[:5])
        do = "mend the chapter's code: the same numbers and claims in every seed"
        raise TlbookError(chapter, "the same numbers and claims for all seeds", f"in some only: {found}", do)
    found = f"other {', '.join(sorted(odd))}"
    require(not odd, chapter, "the same for all seeds", found, "run the same command again")
    return finished


def _write_chapter(chapter: str, finished: list[dict]) -> None:
    """Write what the runs of a chapter say into a book that is read anew: others may have written meanwhile."""
    notebook = read_chapter(chapter)
    others = [row for row in register.rows() if row["chapter"] != chapter]
    own = [register.row(name, finished) for name in finished[0]["numbers"]]
    ran = read_notebook(paths.RUNS / f"{chapter}-seed-{finished[0]['seed']}.ipynb")
    pages.finish_chapter(notebook, ran, finished, own)
    write_book(sorted(others + own, key=lambda row: row["chapter"]), {chapter: notebook})


def write_book(rows: list[dict], changed: dict | None = None) -> None:
    """Write register, results page, figure and every number in prose, in chapters and pages."""
    texts = pages.written_from(rows)
    for chapter, notebook in ({name: read_chapter(name) for name in chapters()} | (changed or {})).items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = pages.fill(cell.source, rows, chapter)
        texts[paths.CHAPTERS / f"{chapter}.ipynb"] = nbformat.writes(notebook) + "\n"
    disk.write(texts)


def write_prose() -> None:
    """Write the book anew from the register as it is, when nobody else writes it."""
    check_book()
    disk.probe(paths.RUNS)
    with alone(paths.RUNS / "book.lock", wait=True):
        write_book(register.rows())
