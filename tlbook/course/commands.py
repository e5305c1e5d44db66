"""What ``python -m tlbook course`` does."""

from __future__ import annotations

import re

from tlbook import disk
from tlbook.run import require


def _limit(text: str | None) -> float:
    """Return the seconds of an option, 0 where it was not given."""
    good = text is None or re.fullmatch("[1-9][0-9]{0,4}", text)
    require(good, "--seconds", "a whole number from 1 to 99999", repr(text)[:40], "--seconds 300")
    return float(text or 0)


def run(arguments) -> None:
    """Do what was asked for; `TlbookError` for options that would change nothing, too."""
    folder, action = disk.named("FOLDER", arguments.folder).absolute(), arguments.action
    of_one = action in ("grade", "grades")
    found = arguments.assignment or "none"
    do = f"python -m tlbook course {action} FOLDER" + " 3_pseudo_labels" * of_one
    expected = "an assignment" if of_one else f"no assignment with {action}"
    require(bool(arguments.assignment) == of_one, f"course {action}", expected, found, do)
    for name in ("unprotected", "seconds", "student"):
        idle = getattr(arguments, name) and action != "grade"
        require(not idle, f"--{name}", "grade beside it", "something that would change nothing", "leave it out")
    if of_one:
        from tlbook.course import grade

        if action == "grades":
            print(f"{len(grade.write_tables(folder, arguments.assignment))} submissions: {folder}/grades-*.csv")
            return
        options = {"unprotected": arguments.unprotected, "seconds": _limit(arguments.seconds)}
        done = grade.grade(folder, arguments.assignment, only=arguments.student or "", **options)
        print(f"{len(done)} graded, {sum(each.seconds for each in done) / 60:.1f} minutes: {folder}/grades-*.csv")
    elif action == "begin":
        from tlbook.course import build

        print(f"{folder}: {', '.join(build.begin(folder))}")
    else:
        from tlbook.course import kit

        print(f"{folder}: {kit.write(folder)} files")
