"""How the settings of chapter 6 were chosen: on training images of MNIST that were put aside.

    python book/choices/06_distillation.py

Here labels of the digits may be used, but not those of the test images. So every setting learns from the first
50,000 training images and is scored on the other 10,000. The networks and their training are those of the
chapter: the program takes them out of its cells. Needs MNIST. Writes the measured part of the page beside it.
"""

from types import SimpleNamespace

import keras
import numpy as np
import page

import tlbook as tl
from tlbook.record import definitions

CHAPTER, LEARN = "06_distillation", 50_000
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


def table(sets):
    """Return the table of errors."""
    (_, found), *_ = sets
    return page.table(["setting", "errors among 10,000"], [[setting, str(wrong)] for setting, wrong in found.items()])


if __name__ == "__main__":
    page.main(__file__, lambda which, run: (which, measure(run)), ["aside"], table)
