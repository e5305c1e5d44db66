"""Lies in what a chapter recorded, or in code that was not recorded, and a register of other values."""

import copy
import re

import checks
import pytest
from checks import code_of
from copies import output_says, provenance_says
from in_memory import BOOK, other_book

from tlbook.record import code, pages, prose

ONE = "01_transfer_concepts"


def stamped(notebook):
    """Have a notebook say that its outputs are those that were recorded."""
    notebook.metadata["tlbook"]["outputs"] = pages.outputs(notebook)


def in_code(old, new, recorded=True):
    """Make a lie in code, recorded again: digests and outputs fit it."""

    def tell(notebook):
        cell = next(cell for cell in code_of(notebook) if old in cell.source)
        cell.source = cell.source.replace(old, new, 1)
        if recorded:
            notebook.metadata["tlbook"]["code"] = code.code_digest(*code.chapter_code(notebook))
            stamped(notebook)

    return tell


CLAIM = "with 1, 5 and 10 labels per class, fine-tuning beats scratch"


def without_a_claim(notebook):
    call = f'tl.claim(\n    "{CLAIM}",\n    all(acc["finetuned"][n] > acc["scratch"][n] for n in (1, 5, 10)),\n)'
    in_code(call, "")(notebook)
    notebook.metadata["tlbook"]["claims"].pop(CLAIM)
    output_says(f"✓ {CLAIM} (in 3 of 3 seeds)\n", "")(notebook)
    stamped(notebook)


def claim_of_one_seed(notebook):
    notebook.metadata["tlbook"]["claims"][CLAIM] = [True, False, False]
    output_says(f"{CLAIM} (in 3 of 3 seeds)", f"{CLAIM} (in 1 of 3 seeds)")(notebook)
    stamped(notebook)


def drawn(notebook):
    return [cell for cell in code_of(notebook) if "image" in cell.metadata.get("mystnb", {})]


def swapped_pictures(notebook):
    one, other = drawn(notebook)[:2]
    one.outputs, other.outputs = other.outputs, one.outputs


def alt_in_metadata(notebook):
    drawn(notebook)[1].metadata["mystnb"]["image"]["alt"] = "Three falling lines"


def alt_in_both(notebook):
    alt_in_metadata(notebook)
    output = next(output for output in drawn(notebook)[1].outputs if "image/png" in output.get("data", {}))
    output.data["text/plain"] = "Figure: Three falling lines"


def in_table(notebook):
    outputs = (output for cell in code_of(notebook) for output in cell.outputs)
    data = next(output.data for output in outputs if "text/markdown" in output.get("data", {}))
    data["text/markdown"] = re.sub(r"\d\d\.\d%", "11.1%", data["text/markdown"], count=1)


def best_two(notebook):
    about = notebook.metadata["tlbook"]
    about["seeds"] = [0, 2]
    about["claims"] = {text: held[::2] for text, held in about["claims"].items()}
    provenance_says("0, 1, 2", "0, 2")(notebook)
    stamped(notebook)


TOLD = {
    "a claim of True": in_code('all(acc["finetuned"][n] > acc["scratch"][n] for n in (1, 5, 10))', "True"),
    "a claim of a constant": in_code("told_apart > 0.6", "0.7 > 0.6"),
    "a claim of a thing against itself": in_code("told_apart > 0.6", "told_apart == told_apart"),
    "a claim that is true or": in_code("told_apart > 0.6", "told_apart > 0.6 or 1 < 2"),
    "a claim reworded": in_code("unspoiled, as many letters help the probe", "as many letters help the probe"),
    "a claim deleted": without_a_claim,
    "a claim of one seed": claim_of_one_seed,
    "a claim's seeds in print": output_says(
        "over letters beats a linear probe (in 3 of 3", "over letters beats a linear probe (in 2 of 3"
    ),
    "a claim in fewer seeds, in print": output_says("(in 3 of 3 seeds)", "(in 2 of 3 seeds)"),
    "a claim's seeds in the metadata": lambda book: book.metadata["tlbook"]["claims"].update(
        {CLAIM: [True, True, False]}
    ),
    "a title": in_code('title="Above what we know, below what we want to know"', 'title="Transfer always pays"'),
    "a title that compares": in_code(
        'title="Above what we know, below what we want to know"', 'title="Scratch is ahead of letters"'
    ),
    "an alt text in code": in_code(
        "A row of ten printed letters, a little distorted", "A row of nine printed letters, upright"
    ),
    "an alt text": alt_in_metadata,
    "an alt text and its figure's": alt_in_both,
    "pictures swapped": swapped_pictures,
    "a printed line": output_says("B, from scratch: ", "B, tuned: "),
    "a printed number": output_says("frozen_acc_at_5 = this run ", "frozen_acc_at_5 = this run 1"),
    "a printed mean": output_says("mean of 3 seeds ", "mean of 3 seeds 1"),
    "a table": in_table,
    "the minutes": provenance_says(r"[\d.]+ to [\d.]+ min", "1.0 to 2.0 min"),
    "the memory": provenance_says(r"memory [\d.]+ GB", "memory 1.0 GB"),
    "the date": provenance_says(r"2026-\d\d-\d\d", "2026-12-31"),
    "the cores": provenance_says("2 CPU cores", "1 CPU core"),
    "the best two of three seeds": best_two,
    "code that was not recorded": in_code("PASSES = 5", "PASSES = 6", recorded=False),
}


READING = (
    checks.outputs_as_recorded,
    checks.claims_recorded,
    checks.claims_hold,
    checks.sentences,
    checks.results,
    checks.provenance,
    checks.outputs_of_this_code,
)


@pytest.mark.parametrize("name", TOLD)
def test_a_lie_in_a_recorded_chapter_is_caught(name):
    book = other_book(chapters={**BOOK.chapters, ONE: copy.deepcopy(BOOK.chapters[ONE])})
    TOLD[name](book.chapters[ONE])
    assert any(check(book) for check in READING)


def test_a_register_of_other_values_makes_sentences_false():
    """The means of two ways, exchanged in the register and in the text: their sentences are false."""
    rows = {name: dict(row) for name, row in BOOK.numbers.items()}
    one, other = rows[ONE, "frozen_acc_at_5"], rows[ONE, "scratch_acc_at_5"]
    one["mean"], other["mean"] = other["mean"], one["mean"]
    book = other_book(numbers=rows, tried={}, ledger="")
    assert sum("does not hold" in fault for fault in prose.problems(book)) > 3
