"""How the settings of chapter 5 were chosen: on training images of MNIST that were put aside.

    python book/choices/05_distillation.py

Here labels of the digits may be used, but not those of the test images. So every setting learns from the first
50,000 training images and is scored on the other 10,000. The networks and their training are those of the
chapter: the program takes them out of its cells. Needs MNIST. Writes the page of the same name beside it.
"""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np

import tlbook as tl
from tlbook.record import code_digest, definitions, signed

CHAPTER, LEARN = "05_distillation", 50_000
EPOCHS = {"teacher": 30, "wide student": 10, "VGG16": 1, "compact student": 4}
DROPOUT = (0.2, 0.5), (0.0, 0.5), (0.0, 0.3)  # shares of pixels and of hidden units
RATES = {
    "teacher": (1e-3, 2e-3),
    "wide student": (5e-4, 1e-3, 2e-3),
    "VGG16": (3e-4, 1e-3, 3e-3),
    "compact student": (1e-3, 2e-3, 4e-3),
}
WIDE, SMALL = 20.0, (1.0, 4.0)  # temperatures: the paper's; those tried for the compact student
USED = "fit, large, plain, vgg, compact, soft_loss, named_by"


def measure(run):
    """Return the number of errors among the images put aside, for each setting."""
    chapter = {"run": run}
    exec(definitions(CHAPTER, USED), chapter)  # the chapter's own code
    use, found = SimpleNamespace(**chapter), {}
    label_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    d = tl.data.mnist()
    x, y, x_aside, y_aside = d.x_train[:LEARN], d.y_train[:LEARN], d.x_train[LEARN:], d.y_train[LEARN:]

    def trial(kind, setting, network, targets, loss, rate, jitter=2):
        use.fit(network, x, targets, loss, EPOCHS[kind], rate, jitter)
        wrong = int(np.sum(network.predict(x_aside, batch_size=1_000, verbose=0).argmax(axis=1) != y_aside))
        found[f"{kind}, {setting}, rate {rate:g}"] = wrong
        print(f"{kind}, {setting}, rate {rate:g}: {wrong}", flush=True)
        return wrong, network

    teachers = [
        trial("teacher", f"dropout {pixels:g} and {units:g}", use.large(1_200, pixels, units), y, label_loss, rate)
        for pixels, units in DROPOUT
        for rate in RATES["teacher"]
    ]
    v = best(teachers).predict(x, batch_size=1_000, verbose=0)
    for rate in RATES["wide student"]:
        trial("wide student", "labels", use.plain(800), y, label_loss, rate, 0)
        trial("wide student", "soft targets", use.plain(800), v, use.soft_loss(WIDE), rate, 0)
    big = best([trial("VGG16", "labels", use.vgg(), y, label_loss, rate) for rate in RATES["VGG16"]])
    for rate in RATES["compact student"]:
        trial("compact student", "labels", use.compact(), y, label_loss, rate)
        for temperature in SMALL:
            loss, setting = use.soft_loss(temperature), f"soft targets of VGG16 at T = {temperature:g}"
            trial("compact student", setting, use.compact(), use.named_by(big), loss, rate)
    return found


def best(trials):
    """Return the network that made the fewest errors."""
    return min(trials, key=lambda trial: trial[0])[1]


def main():
    """Measure all settings, then write the page."""
    run = replace(tl.start(CHAPTER), profile="full")
    rows = [f"| {setting} | {wrong} |" for setting, wrong in measure(run).items()]
    page = Path(__file__).with_suffix(".md")
    text = f"""# How chapter 5 was tuned

<!-- code: {code_digest(page.with_suffix(".py").read_text(encoding="utf-8"))} -->

Chapter 5 compares its networks by their errors on MNIST's test images, so these must not choose anything. But it has the labels of all training images. Of those, the last 10,000 were put aside: each setting below learned from the first {LEARN:,}, and the table says how many of the others it got wrong. To save time, trials were shorter than the chapter's runs<!-- fact: by the settings -->. A short trial favours a network that is held back less, and a larger rate.

*Dropout* gives the shares of pixels and of hidden units that are switched off. The teacher, VGG16 and the compact student learned from images jittered by up to two pixels, for {EPOCHS["teacher"]}, {EPOCHS["VGG16"]} and {EPOCHS["compact student"]} epochs; the wide student from images as they are, for {EPOCHS["wide student"]}. Its soft targets, at T = {WIDE:g}, come from the best teacher of the table, and those of the compact student from the best VGG16, which names the jittered images as they come<!-- fact: the code -->. VGG16 began with the letters weights of the book.

Each figure is one run. Between two runs that differ in their seed alone, a difference of ten errors is nothing special, so differences of that size decide little<!-- opinion -->. The program that measured them and wrote this page is `book/choices/{Path(__file__).name}`; it ran with Keras {keras.__version__} on {run.backend}.

"""
    head = "| setting | errors among 10,000 |\n|---|---|\n"
    page.write_text(signed(text + head + "\n".join(rows) + "\n"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
