"""Lies that a hurried maintainer might tell in the text of a page or a chapter: each is caught."""

import copy

import checks
import pytest
from in_memory import BOOK, other_book

from tlbook.record import pages

ONE, TWO, FOUR, _, SIX = (name for name in BOOK.chapters if name[2] == "_" and name[:2] != "03")
BEYOND = "04b_beyond_kmeans"
INDEX, QUESTIONS, GLOSSARY, ROADS = (
    f"book/{name}.md" for name in ("index", "guide/questions", "reference/glossary", "roads/roads")
)
num = "**{}**<!-- num: {} -->".format
BEST_CUT = 'mean.letters_cut_4_acc > max(mean["letters_cut_{1,2,3,5}_acc"])'


TEXT = {
    "the wrong marker": [
        (ONE, "<!-- num: scratch_augmented_acc_at_5 -->", "<!-- num: finetuned_acc_at_5 -->"),
        (ONE, "<!-- num: crossval_rule_right -->", "<!-- num: crossval_warns -->"),
        (ONE, num("77.6 ± 0.8 %", "domains_told_apart_acc"), "**78.0 %**<!-- num: domains_told_apart_acc | max -->"),
        (
            SIX,
            "**79.7 ± 7.5 errors**<!-- num: teacher_errors --><!-- claim: the teacher makes",
            "**71.0 errors**<!-- num: teacher_errors | min --><!-- claim: the teacher makes",
        ),
        (
            INDEX,
            num("37.0 ± 0.9 %", "03_kmeans_pseudo_labels.random_features_kmeans_acc"),
            "48.0 %<!-- given: a look -->",
        ),
        (ONE, num("77.6 ± 0.8 %", "domains_told_apart_acc"), "77.6 %<!-- given: a look -->"),
        (TWO, "<!-- num: mirrored_augmentation_acc -->", "<!-- num: unaugmented_acc -->"),
        (INDEX, "03_kmeans_pseudo_labels.letters_kmeans_acc -->.", "roads.letters_kmeans_acc -->."),
        (
            SIX,
            "The paper has 146<!-- fact: hinton_alone_errors -->.",
            "The paper has 164<!-- fact: hinton_alone_errors -->.",
        ),
        (
            SIX,
            "The paper has 146<!-- fact: hinton_alone_errors -->.",
            "Ours has 90.5 errors, the paper 146.",
        ),
        (BEYOND, "84.3 %<!-- fact: dec_acc -->", "94.3 %<!-- fact: dec_acc -->"),
        (FOUR, "97.9 %<!-- fact: n2d_acc -->", "98.7 %<!-- fact: n2d_acc -->"),
        (BEYOND, "84.3 %<!-- fact: dec_acc -->", "94.5 %<!-- fact: vade_acc -->"),
    ],
    "a number that escaped": [
        (ONE, "Mirrored letters do as well", "By 30 per cent. Mirrored letters do as well"),
        (TWO, "We throw its head away.", "Its area is 0.994."),
        (BEYOND, "Now the copies of copies", "It took 12 s. Now the copies of copies"),
        (SIX, "Never trust an export: compare.", "It is 30x smaller."),
        (SIX, "A network for a phone.", "It took 45 minutes. A network for a phone."),
        (ONE, "One run could be luck.", "It has `99 %`. One run could be luck."),
        (INDEX, ":alt: Bar chart of five methods.", ":alt: Bar chart of five methods, up to 98.9 %."),
        (TWO, "142,346<!-- given: 129 × 1,024 + 1,025 × 10 -->", "152,346"),
        (SIX, "Of 60 it is 0.95<!-- given: made up -->", "Of 60 it is 0.96<!-- given: made up -->"),
        (ONE, "40 classes are left.", "It reaches 95.1 %. 40 classes are left."),
        (BEYOND, "Both lie between 0.9", "Both lie between 0.97"),
        ("README.md", "Numbers like these", "It takes 2 hours. Numbers like these"),
        (QUESTIONS, "You do, by looking.", "You do, by looking, for 5 minutes."),
        (SIX, "| control: labels, jitter, dropout | – |", "| control: labels, jitter, dropout | 81 |"),
        (
            ONE,
            "<details><summary>Self-check</summary>\n\n40 classes",
            "<details><summary>Self-check</summary>\n\nIt is 0.83. 40 classes",
        ),
        ("book/guide/setup.md", "some 3 GB<!-- given: a round figure -->", "some 1 GB"),
    ],
    "a number in words": [
        (ONE, "Read it from left to right.", "Nine out of ten are right. Read it from left to right."),
        (BEYOND, "Some of them could pass.", "Half of them could pass."),
        (SIX, "As a rule the teacher is sure.", "A third of it comes from the images."),
        (TWO, "Section 4 says why.", "It is twice as fast. Section 4 says why."),
        (INDEX, "names half of the digits", "names a third of the digits"),
        (INDEX, "names most of them", "names nearly all of them"),
        (ONE, "less than four points", "more than ten points"),
        (SIX, "fewer than two answers in a hundred", "fewer than two answers in a thousand"),
    ],
    "a new false comparison": [
        (ONE, "Something must carry the knowledge across.", "It beats every other network."),
        (TWO, "No error, no warning.", "Ours do better with warm-up. No error, no warning."),
        (BEYOND, "That is a small forger", "It is ahead of the letters. That is a small forger"),
        (FOUR, "It is a different race.", "It beats them all. It is a different race."),
        (SIX, "So compare only within", "Soft targets win at every width. So compare only within"),
        (INDEX, "The site works without a network, too.", "Its students are as good as their teachers."),
        ("README.md", "How that works,", "Rotations do better than letters. How that works,"),
        (QUESTIONS, "Augmentation can bring in", "Augmentation always helps. Augmentation can bring in"),
        (GLOSSARY, "It needs no label.", "It is the best of all scores."),
        ("book/guide/classroom.md", "Matching.", "Matching costs about two points."),
        (ROADS, "More training might help some", "UMAP is the best of all. More training might help some"),
        ("book/choices/01_transfer_concepts.md", "Letters took their place.", "Letters are as good as digits."),
        ("book/choices/06_distillation.md", "VGG16 began with", "Jitter helps most. VGG16 began with"),
        (
            ONE,
            "It is a place to begin, not a law",
            "Transfer hardly ever hurts, and it beats scratch. It is a place to begin",
        ),
        (SIX, "That is what the temperature is for.", "A hotter teacher is always better."),
    ],
    "a sentence turned round": [
        (
            ONE,
            "Letters help, and they help most where labels are fewest",
            "Letters help, and they help most where labels are many",
        ),
        (ONE, "for the probe: behind plain pixels", "for the probe: ahead of plain pixels"),
        (TWO, "A hundred times the weights buy nothing here", "A hundred times the weights do pay here"),
        (
            TWO,
            "on average more than the right augmentation brings",
            "on average less than the right augmentation brings",
        ),
        (TWO, "how it begins matters less", "how it begins matters more"),
        (BEYOND, "On these digits the step does not help", "On these digits the step does help"),
        (BEYOND, "So equal mass does harm", "So equal mass does no harm"),
        (FOUR, "So early, equal mass matters little", "So early, equal mass matters much"),
        (FOUR, "most of the work was done by the first", "most of the work was done by the second"),
        (FOUR, "*Near* is more trustworthy than", "*Near* is less trustworthy than"),
        (BEYOND, "K-means alone still does a little better on letters", "K-means alone does far better on letters"),
        (SIX, "makes more errors throughout", "makes fewer errors throughout"),
        (SIX, "With either teacher the nine teach best", "With neither teacher the nine teach best"),
        (SIX, "The wide student likes it hot", "The wide student does not like it hot"),
        (BEYOND, "And letters are there sooner", "And rotations are there sooner"),
        (INDEX, "The shape of a network alone does not help here", "The shape of a network alone does help here"),
        (GLOSSARY, "likeness was the weakest of four signals", "likeness was the strongest of four signals"),
        (QUESTIONS, "which was the weakest of four signals", "which was the best of four signals"),
        (ROADS, "UMAP with a mixture lies between the two", "UMAP with a mixture lies above the two"),
    ],
    "a summary": [
        (ONE, "Early stages of another task do no harm", "Late stages of another task do no harm"),
        (
            ONE,
            "A source can hurt, and a few labels of the target can often tell",
            "A source never hurts",
        ),
        (TWO, "on digits and on photographs it was better", "on digits and on photographs it was worse"),
        (BEYOND, "All of them gain from neighbours", "None of them gains from neighbours"),
        (
            SIX,
            "true, they teach better than false",
            "true, they teach no better than false",
        ),
        (
            SIX,
            "jitter does without a teacher what the teacher does",
            "jitter does without a teacher less than the teacher does",
        ),
    ],
    "a condition or a marker": [
        (TWO, BEST_CUT, BEST_CUT.replace("> max", "< min")),
        (TWO, f"holds: {BEST_CUT}", "holds: mean.letters_cut_4_acc > 0"),
        (TWO, f"holds: {BEST_CUT}", "holds: 2 > 1"),
        (TWO, f"holds: {BEST_CUT}", "hold: mean.letters_cut_4_acc > 0.5"),
        (TWO, f"<!-- holds: {BEST_CUT} -->", ""),
        (TWO, f"<!-- holds: {BEST_CUT} -->", "<!-- opinion -->"),
        (SIX, "claim: without ever seeing a 3, …", "claim: without ever seeing a 4, …"),
        (SIX, "<!-- claim: without ever seeing a 3, … -->", ""),
        (SIX, "<!-- fact: hinton_7_8_bias -->", "<!-- fact: hinton_bias -->"),
        (ONE, "ends behind scratch in each run", "ends ahead of scratch in each run"),
        (TWO, "One run of the three refused far fewer", "No run refused far fewer"),
    ],
    "a picture in the text": [
        (ONE, "Near fifty scratch crosses the probe", "Near a thousand scratch crosses the probe"),
        (
            BEYOND,
            "letters and rotations end highest, and letters are there sooner",
            "letters end highest, and rotations are there sooner",
        ),
        (
            INDEX,
            "Features of a network that knows letters lift K-means far above raw pixels",
            "Raw pixels lift K-means far above letters",
        ),
    ],
}


LIES = [(kind, *lie) for kind, lies in TEXT.items() for lie in lies]


def changed(page: str, old: str, new: str):
    """Return the book with one place of its text changed."""
    old = pages.fill(old, BOOK.rows, page)  # a chapter that is recorded anew has other numbers, and the same lies
    if page in BOOK.pages:
        assert old in BOOK.pages[page], f"nothing to turn in {page}: {old}"
        return other_book(pages={**BOOK.pages, page: BOOK.pages[page].replace(old, new, 1)})
    chapter = copy.deepcopy(BOOK.chapters[page])
    cells = [cell for cell in chapter.cells if cell.cell_type == "markdown" and old in cell.source]
    assert cells, f"nothing to turn in {page}: {old}"
    cells[0].source = cells[0].source.replace(old, new, 1)
    return other_book(chapters={**BOOK.chapters, page: chapter})


@pytest.mark.parametrize(("kind", "page", "old", "new"), LIES)
def test_a_lie_in_the_text_is_caught(kind, page, old, new):
    book = changed(page, old, new)
    assert checks.sentences(book) or checks.prose(book)
