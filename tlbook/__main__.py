"""The command line: ``python -m tlbook doctor | data | weights | record``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tlbook import run
from tlbook.run import TlbookError


def _keras() -> str:
    keras = run.quiet_keras()
    return f"{keras.__version__} on {keras.backend.backend()}, computing on the {run.device().upper()}"


def _weights() -> str:
    from tlbook import backbones

    files = [backbones.checked(backbones.WEIGHTS / f"{name}.weights.h5") for name in backbones.SHIPPED]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return f"{len(files)} files of weights, {megabytes:.2f} MB, shipped with this package, SHA-256 right"


def _where(name: str) -> str:
    from tlbook import data

    if name in data.MADE:
        return "always there, made from what scikit-learn and matplotlib ship"
    offered = f"to get it:  python -m tlbook data fetch {name}" if "url" in data._entry(name) else "in data packs only"
    return str(data.locate(name) or f"not on this disk; {offered}")


def _pack() -> str:
    from tlbook import data

    asked = os.environ.get("TLBOOK_DATA")
    names = [entry["file"] for entry in data._entries().values()]
    if asked and not any(Path(asked).expanduser().joinpath(name).is_file() for name in names):
        do = f"export TLBOOK_DATA=/the/folder/with/{names[0]}   (or: unset TLBOOK_DATA)"
        raise TlbookError(f"TLBOOK_DATA={asked}", "a folder with the data pack", "no file of the pack in it", do)
    return f"TLBOOK_DATA={asked or '(not set)'}"


def doctor(_) -> None:
    """Say what this machine can do, and what is amiss."""
    from tlbook import data

    unset = "TLBOOK_PROFILE not set: full if its data are on this disk, else quick"
    asked = {
        "Python": lambda: f"{sys.version.split()[0]} on {sys.platform}, {run.cores()} cores, {sys.executable}",
        "Profile": lambda: run.requested_profile() or unset,
        "Keras": _keras,
        "Versions": lambda: ", ".join(f"{name} {text}" for name, text in run.versions().items()),
        "Seed": lambda: str(run.requested_seed()),
        "Data pack": _pack,
        **{name: lambda name=name: _where(name) for name in data.all_names()},
        "our own weights": _weights,
    }
    amiss = []
    for name, answer in asked.items():
        try:
            text = answer()
        except Exception as error:  # whatever is broken, the rest is still said
            amiss.append(name)
            text = f"✗ {error or type(error).__name__}"
        print(f"{name:22} {text}")
    if amiss:
        raise TlbookError("this machine", "nothing amiss", ", ".join(amiss), "do what the lines marked ✗ say")


def data(arguments) -> None:
    """List, verify or fetch data sets."""
    from tlbook import data

    if arguments.action == "fetch":
        _keras()  # so that its import is quiet
        print(data.fetch(arguments.name or ""))
        return
    if arguments.action == "verify":
        _pack()
    for name in [arguments.name] if arguments.name else data.all_names():
        text, here = _where(name), data.on_disk(name)
        if arguments.action == "verify" and not here and arguments.name:
            raise TlbookError(name, "a file on this disk", "none", f"python -m tlbook data fetch {name}")
        if arguments.action == "verify" and here:
            text = data.verify(name)
        print(f"{name:22} {text}")


def weights(_) -> None:
    """Train the shipped letters networks anew."""
    _keras()
    from tlbook import backbones

    print("Training the letters networks (a few minutes) …", flush=True)
    print(backbones.remake_weights())


def record(arguments) -> None:
    """Run chapters and write what came out."""
    from tlbook import record, register

    chapter = arguments.chapter
    if arguments.stale:
        found = {name: record.stale(name) for name in ([chapter] if chapter else record.chapters())}
        changed = [f"{name} ({', '.join(parts)})" for name, parts in found.items() if parts]
        print("\n".join(changed) or "Every chapter is as it was recorded.")
        if changed:
            do = f"make record CHAPTER={changed[0].partition(' ')[0]}"
            raise TlbookError("what changed since it was recorded", "nothing", "; ".join(changed), do)
    elif arguments.prose:
        record.write_book(register.rows())
    elif arguments.seed is not None:
        done = record.run_seed(chapter, arguments.seed, arguments.out, run.requested_profile() or "full")
        print(f"{len(done['numbers'])} numbers of the {done['profile']} profile in {arguments.out}")
    else:
        first, _, last = arguments.seeds.partition("-")
        record.record(chapter, list(range(int(first), int(last or first) + 1)))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line; `do` is the function to call."""
    top = argparse.ArgumentParser(prog="python -m tlbook", description="Tools of the book.")
    verbs = top.add_subparsers(required=True, metavar="VERB")
    parsers = {}
    for do in (doctor, data, weights, record):
        parsers[do] = verbs.add_parser(do.__name__, help=do.__doc__)
        parsers[do].set_defaults(do=do)
    parsers[data].add_argument("action", choices=("list", "verify", "fetch"))
    parsers[data].add_argument("name", nargs="?")
    add = parsers[record].add_argument
    add("chapter", nargs="?", default="")
    add("--seeds", default="0-4", help="for instance 0-2; without it 0-4")
    add("--seed", type=int, help="one run only, changing nothing of the book")
    add("--out", type=Path, default=Path("."), help="folder for that run's files")
    add("--stale", action="store_true", help="list what changed since it was recorded")
    add("--prose", action="store_true", help="write the numbers in prose anew, run nothing")
    return top.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one command; an error is one last line on standard error, and an exit status that is not 0."""
    arguments, status = parse(argv), 1
    try:
        arguments.do(arguments)
        return 0
    except TlbookError as error:
        wrong = error
    except KeyboardInterrupt:
        do, status = "run the same command again, it goes on where it stopped", 130
        wrong = TlbookError("stopped", "to finish", "an interrupt; the book is as it was", do)
    except (ImportError, OSError) as error:
        what = getattr(error, "filename", None) or getattr(error, "name", None) or "this machine"
        do = "check permissions and free space; if a package is missing:  make book"
        wrong = TlbookError(str(what), "a file or package that can be used", str(error).lower(), do)
    print(f"tlbook: {wrong}", file=sys.stderr)
    return status


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
