"""Lies in what a chapter recorded, or in code that was not recorded, and a register of other values."""

import copy

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


CLAIM = "with up to 10 labels a class, fine-tuning beats scratch"


def without_a_claim(notebook):
    call = f'tl.claim(\n    "{CLAIM}",\n    all(acc["finetuned"][n] > acc["scratch"][n] for n in FIRST),\n)'
    in_code(call, "")(notebook)
    notebook.metadata["tlbook"]["claims"].pop(CLAIM)
    output_says(f"✓ {CLAIM} (in 5 of 5 seeds)\n", "")(notebook)
    stamped(notebook)


def claim_of_one_seed(notebook):
    notebook.metadata["tlbook"]["claims"][CLAIM] = [True, False, False, False, False]
    output_says(f"{CLAIM} (in 5 of 5 seeds)", f"{CLAIM} (in 1 of 5 seeds)")(notebook)
    stamped(notebook)


def drawn(notebook):
    return [cell for cell in code_of(notebook) if "mystnb" in cell.metadata]


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
    data["text/markdown"] = data["text/markdown"].replace("90.0%", "96.0%")


def best_three(notebook):
    about = notebook.metadata["tlbook"]
    about["seeds"] = [0, 2, 4]
    about["claims"] = {text: held[::2] for text, held in about["claims"].items()}
    provenance_says("0, 1, 2, 3, 4", "0, 2, 4")(notebook)
    stamped(notebook)


TOLD = {
    "a claim of True": in_code('all(acc["frozen"][n] > acc["scratch"][n] for n in FIRST)', "True"),
    "a claim of a constant": in_code("apart > 0.6", "0.7 > 0.6"),
    "a claim of a thing against itself": in_code("apart > 0.6", "apart == apart"),
    "a claim that is true or": in_code("apart > 0.6", "apart > 0.6 or 1 < 2"),
    "a claim reworded": in_code("they beat the pixels", "they always beat the pixels"),
    "a claim deleted": without_a_claim,
    "a claim of one seed": claim_of_one_seed,
    "a claim's seeds in print": output_says(
        "letting it spread beats a linear head (in 5 of 5", "letting it spread beats a linear head (in 4 of 5"
    ),
    "a false claim in print": output_says("(in 4 of 5 seeds)", "(in 5 of 5 seeds)"),
    "a claim's seeds in the metadata": lambda book: book.metadata["tlbook"]["claims"].update(
        {"fine-tuned, too, a spoiled source is worse than no source at all": [True] * 5}
    ),
    "a title": in_code('title="Accuracy against labels, in this run"', 'title="Transfer always pays"'),
    "a title that compares": in_code(
        'title="Accuracy against labels, in this run"', 'title="Scratch is ahead of letters"'
    ),
    "an alt text in code": in_code(
        "from scratch begins lowest and rises most", "from scratch begins highest and falls"
    ),
    "an alt text": alt_in_metadata,
    "an alt text and its figure's": alt_in_both,
    "pictures swapped": swapped_pictures,
    "a printed line": output_says("scratch is behind frozen with", "scratch is ahead of frozen with"),
    "a printed number": output_says("frozen_acc_at_5 = this run 90.0 %", "frozen_acc_at_5 = this run 92.0 %"),
    "a printed mean": output_says("mean of 5 seeds 88.7 ± 0.8 %", "mean of 5 seeds 90.7 ± 0.8 %"),
    "a table": in_table,
    "the minutes": provenance_says(r"[\d.]+ to [\d.]+ min", "1.0 to 2.0 min"),
    "the memory": provenance_says(r"memory [\d.]+ GB", "memory 1.0 GB"),
    "the date": provenance_says(r"2026-\d\d-\d\d", "2026-12-31"),
    "the cores": provenance_says("1 to 2 CPU cores", "1 CPU core"),
    "the best three of five seeds": best_three,
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
