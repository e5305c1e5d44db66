"""The numbers in a text: those at a marker are the register's, and each that could be measured has a marker."""

import re

from tlbook.claims import written
from tlbook.record import pages
from tlbook.record.prose import without_code
from tlbook.run import TlbookError

UNIT = (
    r"(?:%|(?:per ?cent|points?|errors?|seconds?|minutes?|hours?|times|weights|s|min|h|[kMG]B|(?:mega|giga)bytes?)\b"
    r"|images/s|[×x](?![\w ]*\d))"
)
NUMBER = re.compile(rf"(?<![\w.,])\d[\d.,]*(?:[ \n-]+|(?=[%×x]|[kMG]B)){UNIT}|(?<![\w.,])\d+\.\d+(?!\w|\.\d)")
GIVEN = re.compile(r"([−\d][\d.,]*(?:\s?[^\s<>]+){0,2}?)<!-- given: [^>]+-->")
OTHERS = re.compile(r"([−\d][\d.,]*(?: %)?)<!-- fact: (\w+) -->")
VERSION = re.compile(r"\b3\.1[1-3]\b(?! ?%)|(?:CC BY|Attribution) 4\.0|Keras 3[\d.]*")
CODE = re.compile(rf"`(?!\d[\d.,]*\s*{UNIT}`)[^`\n]+`")
QUIET = re.compile(r"<!--.*?-->|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)\n]*\)|</?\w[^>\n]*>", re.S)
CELL = re.compile(r"(?<=\|) *[−-]?\d[\d.,]*(?: ± [\d.,]+)? *(?=\|)")
EXTREME = re.compile(r"best|worst|(?:high|low|larg|small|long|short|few|fast|slow)est|most|least|up to|above", re.I)


def blank(found: re.Match) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _marked(text: str, register_rows: list[dict], chapter: str):
    """Go through the numbers at a marker: the place, and what is wrong there."""
    for mark in pages.MARKED.finditer(text):
        try:
            right = pages.MARKED.match(pages.fill(mark[0], register_rows, chapter))[1]
        except TlbookError as error:
            yield mark.start(), str(error)
            continue
        if right != mark[1]:
            yield mark.start(), f"says {mark[1]}, the register says {right}"
        before = re.split(r"[.!?]\s|\n\n", text[: mark.start()])[-1]
        if mark[3] in ("min", "max") and not EXTREME.search(before):
            yield mark.start(), f"shows the {mark[3]} of the seeds, and does not say so"

    for place in pages.loose(text):
        yield place, "a marker without a number in ** before it"


def _given(text: str, register_rows: list[dict], chapter: str, others: dict):
    """Go through the numbers that are given, or other people's: the place, and what is wrong there."""
    own = [row for row in register_rows if row["chapter"] == chapter or not chapter]
    measured = {written(row["mean"], row["unit"]) for row in own} | {str(round(row["mean"], 3)) for row in own}
    for mark in GIVEN.finditer(text):
        telling = len(re.sub(r"\D", "", mark[1]).lstrip("0")) > 1  # many a setting is 0.003, and so is a measurement
        if mark[1] in measured and "." in mark[1] and telling:
            yield mark.start(), f"gives {mark[1]}, which was measured"
    for mark in OTHERS.finditer(text):
        if mark[2] in others and mark[1] != others[mark[2]]["number"]:
            yield mark.start(), f"says {mark[1]}, others.toml says {others[mark[2]]['number']}"


def numbers_in(text: str, register_rows: list[dict], chapter: str = "", others: dict | None = None) -> list:
    """Find measured numbers that differ from the register or stand without a marker: line and fault."""
    found = [*_marked(text, register_rows, chapter), *_given(text, register_rows, chapter, others or {})]
    bare = text
    for pattern in (pages.MARKED, GIVEN, OTHERS):
        bare = pattern.sub(blank, bare)
    bare = re.sub(r"[^\n]*<!-- holds: [^\n]*", _tested, bare)
    bare = CODE.sub(blank, VERSION.sub(blank, without_code(bare)))
    bare = QUIET.sub(blank, re.sub(r"^.*\n(?= *\|--)|^ *\|[^|\n]*", blank, bare, flags=re.M))
    found += [
        (mark.start(), f"{' '.join(mark[0].split())!r} has no marker")
        for pattern in (NUMBER, CELL)
        for mark in pattern.finditer(bare)
    ]
    return sorted({(text.count("\n", 0, place) + 1, fault) for place, fault in found})


def _tested(line: re.Match) -> str:
    """Blank the numbers of a line that a condition of the same line names."""
    named = set(re.findall(r"(?<![\w.])\d+\.\d+", " ".join(re.findall(r"<!-- holds: (.*?) -->", line[0]))))
    return re.sub(r"(?<![\w.])\d+\.\d+(?![^<]*-->)", lambda part: blank(part) if part[0] in named else part[0], line[0])
