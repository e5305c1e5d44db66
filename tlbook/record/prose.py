"""What the sentences of the book rest on: the markers beside them are tried, and who compares or counts needs one.

A marker covers the sentence that it stands in; after the last full stop of a paragraph, all of the paragraph; alone in
a paragraph that begins or ends a cell, the title and alt text of the figure drawn after or before it. Its kinds:

- ``<!-- holds: mean.a_acc > mean.b_acc -->``: a condition on the register, see `tlbook.record.conditions`;
- ``<!-- claim: the text … -->``: a ``tl.claim`` of the chapter (``claim: ch3 the text``: of another), or its beginning;
- ``<!-- fact: key -->``: a key of ``others.toml`` or of the bibliography, or where to look, in two words or more;
- ``<!-- opinion -->``: our judgement, which no number decides.

A number with its marker and a citation cover their sentence, too. ``book/reference/sentences.txt`` lists each sentence
that compares, counts, has a marker or names a figure, as it was last read beside what it rests on: one that changed
has to be read again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from typing import NamedTuple

from tlbook.record.conditions import Book, Condition
from tlbook.run import TlbookError

MARKER = re.compile(r"<!-- (holds|claim|fact|opinion|num|given)(?:: ((?:[^<>-]|-(?!-)| [<>]=? )*?))? -->")
NUMBER = re.compile(r"\*\*[^*\n]+\*\*(?=<!-- num: )")
BY_PROGRAM = "(?:(?:code|page|measured): |end of what was measured)"  # how a program marks what it writes
EXEMPT = ("CHANGELOG.md", "CONTRIBUTING.md")

# --- Sentences ------------------------------------------------------------------------------------

FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*(\{[\w:-]+\})?")
BLOCK = re.compile(r"^\s*(?:[-*+>] |\d+\. |#+ |\||:alt:|</?(?:details|summary)>)")
SENTENCE = re.compile(r".+?(?:[.!?:][)\"*_”]*[\ue000-\uf8ff]*(?= )(?! [a-z])|$)")
PLACE = "[\ue000-\uf8ff]"  # where a marker stood
SILENT = re.compile(r"`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)\n]*\)|\{[\w:]+\}|</?\w[^>\n]*>|:alt:|<!--.*?-->", re.S)


class Sentence(NamedTuple):
    """A sentence, a row of a table, a title or an alt text: page, place, and the markers that cover it."""

    page: str
    where: str
    text: str
    marks: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """What is read: without code, mathematics and addresses."""
        return " ".join(SILENT.sub(" ", self.text).split())

    @property
    def digest(self) -> str:
        """A digest of the sentence and its markers; values that are filled in from the register aside."""
        return hashlib.sha256(" ".join([self.text, *map(": ".join, self.marks)]).encode()).hexdigest()[:10]

    @property
    def covered(self) -> bool:
        """Whether something stands beside it that it rests on."""
        return "{cite" in self.text or any(kind != "given" for kind, _ in self.marks)


def without_code(text: str) -> str:
    """Blank out blocks of code; what stands in a directive (a note, a caption) is prose and stays."""
    lines, fences = text.split("\n"), []
    for number, line in enumerate(lines):
        fence, hidden = FENCE.match(line), any(hides for _, hides in fences)
        closes = fence and fences and not fence[2] and line.strip() == fence[1] and len(fence[1]) >= len(fences[-1][0])
        if closes:
            fences.pop()
        elif fence and not hidden:
            fences.append((fence[1], not fence[2] or bool(re.match(r"\{(code|math|bibliography)", fence[2]))))
        elif not hidden and not re.match(r"\s*:(?!alt)[\w-]+:", line):
            continue
        lines[number] = " " * len(line)
    return "\n".join(lines)


def blocks(text: str):
    """Go through paragraphs, items, rows and headings: the first line of each, and its text in one line."""
    begin, lines = 1, []
    for number, line in enumerate([*without_code(text).split("\n"), "# "], 1):
        alone = lines == [line for line in lines if ":alt:" in line]  # an alt text goes with its caption
        if lines and (BLOCK.match(line) or not (line.strip() or alone)):
            yield begin, re.sub(r"^(#+) \d+\. ", r"\1 ", " ".join(" ".join(lines).split()))
            lines = []
        if line.strip():
            begin, lines = begin if lines else number, [*lines, line]


@functools.cache
def sentences(text: str, page: str, cell: str = "") -> list[Sentence]:
    """Return the sentences of a text in Markdown, each with the markers that cover it."""
    marks, code, found = [], [], []

    def kept(part: re.Match) -> str:
        if not part[1]:
            code.append(part[0])
            return chr(0xF0000 + len(code) - 1)
        marks.append((part[1], part[2] or ""))
        return chr(0xE000 + len(marks) - 1)

    text = re.sub(
        rf"{MARKER.pattern}|`[^`\n]+`|<!-- {BY_PROGRAM}.*? -->",
        kept,
        NUMBER.sub("", text),
    )
    for line, block in blocks(text):
        own = [block] if block.startswith("|") else [part[0].strip() for part in SENTENCE.finditer(block)]
        closing = re.search(rf"[.!?:][)\"*_”]*({PLACE}+)$", block) if len(own) > 1 else None
        for part in own:
            over = [*re.findall(PLACE, part), *(closing[1] if closing and part != own[-1] else "")]
            covered = tuple(marks[ord(char) - 0xE000] for char in over)
            part = re.sub(
                "[\U000f0000-\U000ffffd]", lambda place: code[ord(place[0]) - 0xF0000], re.sub(PLACE, "", part)
            )
            found.append(Sentence(page, f"{page}{cell}, line {line}", part, covered))
    return found


def figures(notebook, page: str):
    """Go through the titles and alt texts of a notebook's code, with the markers alone before or after the figure."""
    drawn, edges = [], [()]
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and "alt=" in cell.source:
            drawn.append((number, cell))
            edges.append(())
        elif cell.cell_type == "markdown":
            own = sentences(cell.source, page) or [Sentence(page, "", " ", ())]
            ends = [() if edge.text else edge.marks for edge in (own[0], own[-1])]
            edges[-1] = (*edges[-1], ends)
    for (number, cell), before, after in zip(drawn, edges, edges[1:], strict=False):
        marks = (*(before[-1][1] if before else ()), *(after[0][0] if after else ()))
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.keyword) and node.arg in ("title", "alt"):
                text = getattr(node.value, "value", None) or ast.unparse(node.value)
                yield Sentence(page, f"{page}, cell {number}, {node.arg}", f"{node.arg}: {text}", marks)


def read(book: Book) -> list[Sentence]:
    """Return every sentence of the book's pages and chapters, its figures' titles and alt texts too."""
    found = [sentence for name, text in book.pages.items() for sentence in sentences(text, name)]
    for chapter, notebook in book.chapters.items():
        for number, cell in enumerate(notebook.cells, 1):
            if cell.cell_type == "markdown" and "provenance" not in cell.metadata.get("tags", []):
                found += sentences(cell.source, chapter, f", cell {number}")
        found += figures(notebook, chapter)
    return [sentence for sentence in found if sentence.text]


# --- The lint -------------------------------------------------------------------------------------

COUNT = r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|nineteen|twenty|(?:a )?hundred)"
WORDS = (
    r"better|worse|worst|best(?! of| head| single)|best of (?:all|the)|(?<!to )beats?|beaten|wins?|overtakes?|ahead",
    r"(?:is|are|was|were|falls?|ends?|far|still|even|lies?|then) behind|behind (?:scratch|plain|both)|suffers",
    r"level with|lower than|higher|lowest|highest|faster|slower|sooner|hardly(?! ever)|nearly|almost|barely|all but",
    r"(?:comes?|gets?|brings?|spread) (?:it )?(?:further|closer)|as (?:good|bad|far|many|few|accurate|much) as",
    r"no (?:better|worse|more) than|(?:does|do|did) (?:\w+ )?as well|no different|about as good|little difference",
    r"twice (?:as|what|the)|half (?:of|as)|(?:more|fewer) than half|(?:third|quarter)s? of|per ?cent of",
    r"(?:most|much) of (?!the following)(?:it|them|that|what|the|those|our|their)|(?:more|most) often",
    r"(?:more|less|fewer|larger|smaller|longer|shorter|stronger|weaker|easier|harder|cheaper)\b[^.;:]{0,60}? than",
    r"worth (?:more|less)|(?:matter|change)(?:s|d|ed)? (?:little|less|nothing|more)|(?:does|did) harm",
    r"(?:helps?|pays?) most",
    r"(?<!the )(?<!will it )help(?:s|ed)?(?! to| of)|hurts?|lifts?|gains? (?:a|from|over)|mends",
    r"costs? (?:a|about|far|scratch|it)",
    rf"{COUNT} (?!rows )(?:[\w-]+ )?(?:in|out of|of) (?:ten|twenty|a hundred)\b(?! \w+s\b)",
    rf"(?:a point|an hour|a minute|{COUNT}(?: to {COUNT})? (?:per ?cent|points|errors|seconds|minutes|hours))",
    rf"{COUNT} times (?:as|more|the|fewer|smaller|larger|faster|slower|narrower|rarer|its)",
)
COMPARING = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.I)
MODAL = (
    r"should|would|may|might|perhaps|suppose|we (?:guess|expect)|it seems|asks? whether|tried on|is called"
    r"|means (?:that|here)"
)
VERBS = (
    "find|give|use|take|let|keep|choose|compare|train|look|think|draw|measure|show|say|write|do|try|run|ask|put|count"
    "|join|spot|tell|repeat|make|leave|set|open|read|mind|remember|begin|pick|cut|hand|mend|unfreeze|replace|change|add"
    "|call|copy|wait|expect|always|if|whether|when|where|what|how|why|further reading|better not"
)
HEDGED = re.compile(rf"\?\W*$|\b(?:{MODAL})\b|^(?:\W|\d\. |cure\b)*(?:{VERBS})\b", re.I)


@functools.cache
def compares(sentence: Sentence) -> str:
    """Return the words by which a sentence compares or counts; of questions, wishes and instructions none."""
    words = sentence.words
    if sentence.page.startswith("book/choices/") and words.startswith("|"):
        return ""  # the program's table, which has a digest of its own
    found = COMPARING.search(words)
    return found[0] if found and not HEDGED.search(words) else ""


# --- What is wrong --------------------------------------------------------------------------------


def condition(text: str, sentence: Sentence, book: Book) -> list[str]:
    """Return what is wrong with a condition: false (with every number in it), none at all, or one that cannot fail."""
    if (text, sentence.page) not in book.tried:
        tried, wrong = Condition(text, book, sentence.page), []
        try:
            if not tried.holds():
                wrong = [f"does not hold: {text}; {tried.shown()}"]
            elif not tried.could_fail():
                wrong = [f"cannot fail, whatever the numbers are: {text}"]
        except TlbookError as error:
            wrong = [str(error)]
        book.tried[text, sentence.page] = wrong
    return book.tried[text, sentence.page]


def claims_of(text: str, page: str, book: Book) -> dict[tuple[str, str], list[bool]]:
    """Return the claims that a marker means, each with whether it held, seed by seed."""
    short, _, rest = text.partition(" ")
    chapter, text = (book.chapter(short), rest) if re.fullmatch(r"ch\d+[a-z]?", short) else (page, text)
    held = book.chapters[chapter].metadata.get("tlbook", {}).get("claims", {}) if chapter in book.chapters else {}
    begin, _, end = text.partition("…")
    long = (lambda name: name.startswith(begin) and name.endswith(end)) if "…" in text else text.__eq__
    return {(chapter, name): values for name, values in held.items() if long(name)}


def claimed(text: str, sentence: Sentence, book: Book) -> list[str]:
    """Return what is wrong with a marker of a claim: no such claim, several, or one that failed and is not said to."""
    found = claims_of(text, sentence.page, book)
    if not found or (len(found) > 1 and not text.startswith("…")):
        return [f"the claim {text!r} is that of {len(found)} lines of code"]
    failed = [name for (_, name), held in found.items() if not all(held)]
    said = re.search(r"\b(?:seeds?|runs?)\b", sentence.words)
    return [f"does not say that {name!r} failed in a seed" for name in failed if not said]


def fact(text: str, sentence: Sentence, book: Book) -> list[str]:
    """Return what is wrong with a source: one word that is no key."""
    known = text in book.others or text in book.keys or len(text.split()) > 1
    return [] if known else [f"{text!r} is no key of others.toml or the bibliography, and no source in words"]


def of_sentence(sentence: Sentence, book: Book) -> list[str]:
    """Return what is wrong with a sentence and its markers."""
    tests = {"holds": condition, "claim": claimed, "fact": fact}
    found = [fault for kind, text in sentence.marks if kind in tests for fault in tests[kind](text, sentence, book)]
    comments = re.findall(
        rf"<!--(?! {BY_PROGRAM})[^\n]{{0,60}}",
        re.sub(r"`[^`\n]+`", "", sentence.text),
    )
    return found + [f"holds a comment that is no marker: {comment}" for comment in comments]


def unused(every: list[Sentence], book: Book) -> list[str]:
    """Return the claims that no sentence uses."""
    used = {
        name
        for each in every
        for kind, text in each.marks
        if kind == "claim"
        for name in claims_of(text, each.page, book)
    }
    return [
        f"{chapter}: no sentence uses the claim {text!r}; mark one with <!-- claim: {text} -->"
        for chapter, notebook in book.chapters.items()
        for text in notebook.metadata.get("tlbook", {}).get("claims", {})
        if (chapter, text) not in used
    ]


def problems(book: Book) -> list[str]:
    """Return every sentence that does not rest on what stands beside it, one line each."""
    every, listed = read(book), set(book.ledger.splitlines()[1:])
    found = [f"{each.where}: {each.words[:90]!r} {fault}" for each in every for fault in of_sentence(each, book)]
    found += unused(every, book) if book.rows else []
    for each in asked(every):
        if compares(each) and not each.covered:
            found.append(f"{each.where}: {each.words[:90]!r} says {compares(each)!r} without a marker")
        elif book.ledger and line(each) not in listed:
            found.append(f"{each.where}: {each.words[:90]!r} changed; read it anew with its marker, then {AGREED}")
    gone = listed - set(map(line, asked(every)))
    return found + [f"sentences.txt: nothing on the page is {text!r}; {AGREED}" for text in sorted(gone)]


# --- Sentences that were read ---------------------------------------------------------------------

AGREED = "python -m tlbook record --prose --agreed"


def asked(every: list[Sentence]) -> list[Sentence]:
    """Return the sentences that the list holds: those that compare or count, have a marker, or name a figure."""
    figure = re.compile(r"title: |alt: |!\[")
    every = [each for each in every if each.page not in EXEMPT]
    return [each for each in every if each.marks or compares(each) or figure.match(each.text)]


def line(sentence: Sentence) -> str:
    """Return the line of the list that stands for a sentence."""
    return f"{sentence.page} {sentence.digest} {sentence.words[:60].strip()}"


def agreed(book: Book) -> str:
    """Return the list of sentences anew."""
    lines = sorted(set(map(line, asked(read(book)))))
    return "\n".join([f"# As last read beside what they rest on. Written by  {AGREED}", *lines, ""])
