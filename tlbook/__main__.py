"""The command line: ``python -m tlbook doctor | data | weights | record | course``."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
import threading
import traceback
from pathlib import Path

from tlbook import run
from tlbook.run import INSTALL, TlbookError, require

HELP = "With TLBOOK_TRACEBACK=1 before the command, an error also says where in the code it came from."
KEPT = {
    "data": "nothing half-downloaded is kept",
    "record": "the book is as it was",
    "course": "grades so far are kept",
}  # when a verb is interrupted


def _keras() -> str:
    keras = run.quiet_keras()
    return f"{keras.__version__} on {keras.backend.backend()}, computing on the {run.device().upper()}"


def _weights() -> str:
    from tlbook import backbones

    files = [backbones.checked(backbones.WEIGHTS / f"{name}.weights.h5") for name in backbones.SHIPPED]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return f"{len(files)} files of weights, {megabytes:.2f} MB, shipped with this package, SHA-256 right"


def _where(name: str) -> str:
    from tlbook import data, packages

    if name in data.MADE:
        return "always there, made from what scikit-learn and matplotlib ship"
    how = "in data packs only"
    if packages.held(name):
        how = f"to get it:  {packages.install(name)}"
    elif "url" in data._entry(name):
        how = f"to get it:  python -m tlbook data fetch {name}"
    return str(packages.file_of(name) or f"not on this disk; {how}")


def _pack() -> str:
    from tlbook import data, disk

    asked = os.environ.get("TLBOOK_DATA")
    data.locate("mnist")  # which says of a folder that is none what is there instead
    names = [entry["file"] for entry in data._entries().values()]
    if asked and not any((disk.named("TLBOOK_DATA", asked) / name).is_file() for name in names):
        do = f"export TLBOOK_DATA=/the/folder/with/{names[0]}   (or: unset TLBOOK_DATA)"
        raise TlbookError(f"TLBOOK_DATA={asked}", "a folder with the data pack", "no file of the pack in it", do)
    return f"TLBOOK_DATA={asked or '(not set)'}"


def _names() -> list[str]:
    try:
        from tlbook import data

        return data.all_names()
    except Exception:
        return ["data sets"]  # of which `_where` then says what is amiss


def doctor(_) -> None:
    """Say what this machine can do, and what is amiss."""
    unset = "quick, since TLBOOK_PROFILE is not set; for the full data:  TLBOOK_PROFILE=full make lab"
    cores = f"{run.cores()} core{'s' * (run.cores() > 1)}"
    asked = {
        "Python": lambda: f"{sys.version.split()[0]} on {sys.platform}, {cores}, {sys.executable}",
        "Profile": lambda: run.requested_profile() or unset,
        "Keras": _keras,
        "Versions": lambda: ", ".join(f"{name} {text}" for name, text in run.versions().items()),
        "Seed": lambda: str(run.requested_seed()),
        "Data pack": _pack,
        **{name: lambda name=name: _where(name) for name in _names()},
        "our own weights": lambda: "not looked at without Keras" if "Keras" in amiss else _weights(),
    }
    amiss = []
    for name, answer in asked.items():
        try:
            text = answer()
        except Exception as error:  # whatever is broken, the rest is still said
            amiss.append(name)
            text = f"✗ {error if isinstance(error, TlbookError) else _unexpected(error)}"
        print(f"{name:28} {text}")
    if amiss:
        do = "do what stands at the end of each line marked ✗"
        raise TlbookError("this machine", "nothing amiss", ", ".join(amiss), do)


def data(arguments) -> None:
    """List, verify or fetch data sets, or copy those on this disk into a folder."""
    from tlbook import data, packages

    if arguments.action == "pack":
        require(arguments.name, "data pack", "a folder", "none", "python -m tlbook data pack /media/usb/tlbook-data")
        print(data.pack(arguments.name))
        return
    if arguments.action == "fetch":
        _keras()  # so that its import is quiet
        name = arguments.name or ""
        print(packages.checked(name) if packages.held(name) else data.fetch(name))
        return
    if arguments.action == "verify":
        _pack()
    for name in [arguments.name] if arguments.name else data.all_names():
        text, here = _where(name), name in data.MADE or packages.file_of(name) is not None
        if arguments.action == "verify" and not here and arguments.name:
            do = packages.install(name) if packages.held(name) else f"python -m tlbook data fetch {name}"
            raise TlbookError(name, "a file on this disk", "none", do)
        if arguments.action == "verify" and here:
            text = packages.verify(name) if packages.held(name) else data.verify(name)
        print(f"{name:28} {text}")


def weights(_) -> None:
    """Train the shipped letters networks anew."""
    _keras()
    from tlbook import backbones

    print("Training the letters networks (a few minutes) …", flush=True)
    print(backbones.remake_weights())


def _seeds(text: str, most: int = 100) -> list[int]:
    """Return the seeds of ``"3"`` or ``"0-4"``.

    >>> _seeds("3"), _seeds("0-2")
    ([3], [0, 1, 2])
    """
    numbers = [int(part) for part in text.split("-")] if re.fullmatch("[0-9]{1,10}(-[0-9]{1,10})?", text) else []
    good = numbers and 0 <= numbers[-1] - numbers[0] < most and numbers[-1] < 2**32
    what, example = ("--seeds", "0-4") if most > 1 else ("--seed", "0")
    expected = f"a whole number up to {2**32 - 1}" + f", or the first and the last of at most {most}" * (most > 1)
    require(good, what, expected, repr(text)[:40], f"for instance  {what} {example}")
    return list(range(numbers[0], numbers[-1] + 1))


def _sentences(agreed: bool) -> None:
    """Try every sentence on what stands beside it; if `agreed`, note first that all were read as they are now."""
    from tlbook import disk
    from tlbook.record import conditions, paths, prose

    book = conditions.Book(paths.ROOT)
    if agreed:
        book.ledger = prose.agreed(book)
    wrong = prose.problems(book)
    print("\n".join(wrong) or "Every sentence rests on what stands beside it.")
    do = "mend sentence or marker; CONTRIBUTING.md says how"
    require(not wrong, "sentences", "what stands beside them, and true", f"{len(wrong)} that do not fit", do)
    if agreed:
        disk.write({paths.SENTENCES: book.ledger})


def _fit_together(arguments) -> None:
    """Refuse options of `record` that would change nothing where they stand: who wrote them wanted something."""
    runs = not (arguments.stale or arguments.prose or arguments.replay)
    idle = {
        "--out": (arguments.out and arguments.seed is None, "--seed beside it", "record CHAPTER --seed 0 --out FOLDER"),
        "--agreed": (arguments.agreed and not arguments.prose, "--prose beside it", "add  --prose"),
        "--fresh": (arguments.fresh and not runs, "a recording beside it", "leave it out"),
        arguments.chapter: (arguments.chapter and arguments.prose, "no chapter beside --prose", "leave it out"),
    }
    for what, (alone, expected, do) in idle.items():
        require(not alone, what, expected, "something that would change nothing", do)


def record(arguments) -> None:
    """Run chapters and write what came out."""
    from tlbook import disk
    from tlbook.record import book, code, conditions, paths, runs

    project = (paths.ROOT / "_toc.yml").is_file() and paths.CHAPTERS.is_dir()
    do = "in a clone of the book:  make lab, then  .venv/bin/python -m tlbook record …"
    require(project, str(paths.ROOT), "the book's folder, with _toc.yml and book/chapters", "another folder", do)
    _fit_together(arguments)
    chapter = arguments.chapter
    if arguments.stale:
        found = {name: code.stale(name) for name in ([chapter] if chapter else code.chapters())}
        changed = [f"{name} ({', '.join(parts)})" for name, parts in found.items() if parts]
        print("\n".join(changed) or "Every chapter is as it was recorded.")
        if changed:
            do = f"make record CHAPTER={changed[0].partition(' ')[0]}"
            raise TlbookError("what changed since it was recorded", "nothing", "; ".join(changed), do)
    elif arguments.replay:
        wrong = []
        for name in [chapter] if chapter else code.chapters():
            try:
                book.replay(name)
            except TlbookError as error:  # the other chapters are computed all the same
                wrong.append(error)
        if len(wrong) == 1:
            raise wrong[0]
        found = "; ".join(f"{error.what}: {error.found}" for error in wrong)
        require(not wrong, "replay", "what was recorded", found, "record these chapters anew")
    elif arguments.prose:
        conditions.Book(paths.ROOT)  # which says what cannot be read before anything is written
        book.write_prose()
        _sentences(arguments.agreed)
    elif arguments.seed is not None:
        out = disk.named("--out", arguments.out or ".")
        profile = run.requested_profile() or "full"
        done = runs.run_seed(chapter, *_seeds(arguments.seed, most=1), out, profile, arguments.fresh)
        print(f"{len(done['numbers'])} numbers of the {done['profile']} profile in {out}")
    else:
        book.record(chapter, _seeds(arguments.seeds), **{"fresh": True} if arguments.fresh else {})


def course(arguments) -> None:
    """Begin a course, grade what students handed in, write its tables anew, or the teacher's kit."""
    from tlbook.course import commands

    commands.run(arguments)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line; `do` is the function to call."""
    top = argparse.ArgumentParser(prog="python -m tlbook", description="Tools of the book.", epilog=HELP)
    verbs = top.add_subparsers(required=True, metavar="VERB")
    parsers = {}
    for do in (doctor, data, weights, record, course):
        parsers[do] = verbs.add_parser(do.__name__, help=do.__doc__)
        parsers[do].set_defaults(do=do)
    parsers[data].add_argument("action", choices=("list", "verify", "fetch", "pack"))
    parsers[data].add_argument("name", nargs="?", help="of a data set; with pack, a folder")
    add = parsers[record].add_argument
    add("chapter", nargs="?", default="")
    add = parsers[record].add_mutually_exclusive_group().add_argument
    add("--seeds", default="0-4", help="for instance 0-2; without it 0-4")
    add("--seed", help="one run only, changing nothing of the book")
    add("--stale", action="store_true", help="list what changed since it was recorded")
    add("--replay", action="store_true", help="compute one seed anew, nothing answered, and compare")
    add("--prose", action="store_true", help="write the numbers in prose anew, run nothing")
    parsers[record].add_argument(
        "--agreed", action="store_true", help="with --prose: every sentence that changed was read"
    )
    parsers[record].add_argument("--fresh", action="store_true", help="compute all, answer nothing from the store")
    parsers[record].add_argument("--out", type=Path, help="with --seed: folder for that run's files")
    add = parsers[course].add_argument
    add("action", choices=("begin", "grade", "grades", "kit"))
    add("folder", help="of the course, or of the kit")
    add("assignment", nargs="?", default="", help="with grade")
    add("--unprotected", action="store_true", help="with grade: run submissions as programs of your own")
    add("--student", help="with grade: this one's submission alone")
    add("--seconds", help="with grade: for each submission; without it what the assignment says")
    return top.parse_args(argv)


def _unexpected(error: Exception) -> TlbookError:
    """Return an error that is not ours in our words."""
    found = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    if isinstance(error, ImportError):
        return TlbookError(error.name or "this Python", "a package that can be imported", found, INSTALL)
    if isinstance(error, MemoryError):
        return TlbookError("this machine", "enough memory", "too little", "close other programs, or take a larger one")
    what = str(getattr(error, "filename", None) or "this machine")
    if isinstance(error, SyntaxError):  # of our own files: chapters are looked at by the recorder
        return TlbookError(what, "a file of Python", found, f"git diff {shlex.quote(what)}   or install tlbook again")
    if isinstance(error, OSError):
        return TlbookError(what, "a file that can be used", found, "check permissions and free space")
    do = "report it, please, with what the same command says after  export TLBOOK_TRACEBACK=1"
    return TlbookError("tlbook itself", "to finish", found, do)


def _hang_up() -> int:
    """Let the last flush of standard output go nowhere: who read it has gone (``| head``), and that is no fault."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13  # as a shell says it of SIGPIPE


def main(argv: list[str] | None = None) -> int:
    """Run one command; an error is one last line on standard error, and an exit status that is not 0."""
    arguments, status = parse(argv), 1
    try:
        arguments.do(arguments)
        print(end="", flush=True)
        return 0
    except BrokenPipeError:
        return _hang_up()
    except KeyboardInterrupt as stop:
        verb, status = arguments.do.__name__, 128 + (stop.args or (signal.SIGINT,))[0]
        goes_on = "; what was finished is not done again" * (verb == "record")
        found = f"an interrupt; {KEPT.get(verb, 'nothing is half-written')}"
        wrong = TlbookError("stopped", "to finish", found, f"run the same command again{goes_on}")
    except Exception as error:
        wrong = error if isinstance(error, TlbookError) else _unexpected(error)
        if os.environ.get("TLBOOK_TRACEBACK"):
            traceback.print_exception(error)
    print(f"tlbook: {wrong}", file=sys.stderr)
    return status


def _stop(number, _) -> None:
    raise KeyboardInterrupt(number)


def _wake(number) -> None:
    """Send a signal to the main thread, so that it need not finish what it waits for (Windows knows no such way)."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, number)
    else:
        signal.raise_signal(number)


def _once_more(dropped) -> None:
    """Send a signal again that came while Python was cleaning up: what is raised there goes nowhere."""
    if isinstance(dropped.exc_value, KeyboardInterrupt):
        number = (dropped.exc_value.args or (signal.SIGINT,))[0]
        threading.Timer(0.1, _wake, (number,)).start()
    else:
        sys.__unraisablehook__(dropped)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGTERM, _stop)  # ends like an interrupt: cleaned up, with one line
    sys.unraisablehook = _once_more
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")
    sys.exit(main())
