"""How the settings of chapter 1 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/01_transfer_concepts.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is left, the
target from what was held out: other signs in another style, as digits are. Networks, training and label propagation
are those of the chapter: the program takes them out of its cells. Writes the measured part of the page beside it.
"""

from types import SimpleNamespace

import keras
import numpy as np
import page
import stand_ins

import tlbook as tl
from tlbook.record import definitions

CHAPTER = "01_transfer_concepts"
USED = "fit, with_head, keep, logistic, flat, features, graph, propagate, STEPS, SHORT"
SETS = (0, 1)  # each holds out other letters and fonts
SOURCE, TARGET, TEST = 40_000, 10_000, 4_000  # images
COUNTS, HUNDRED = (5, 50), 20  # labels per class; of five classes, as in the chapter's section 4
RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)  # the largest learning rate
LONGER = 3  # times as many steps, for the patient control
PRICES = (1e-3, 1e-2, 1e-1, 1)  # C: the smaller, the more large weights cost
ROUNDS, DRAWS = (20, 50, 100, 200), 3


def held_out(which):
    """Return a source without ten letters and five fonts, and those letters in those fonts as a target."""
    lower, target, others, fonts = stand_ins.draw(which)
    source = tl.data.letters(SOURCE, 1, without=lower + lower.upper(), fonts=fonts[5:], seed=which)
    return target, source, tl.data.letters(TARGET, TEST, without=others, fonts=fonts[:5], seed=1000 + which)


def right(network, images, labels):
    """Return the share of images that a network names right."""
    return np.mean(network.predict(images, batch_size=1_000, verbose=0).argmax(axis=1) == labels)


def networks(use, backbone, d):
    """Measure the learning rates: from scratch, fine-tuned, and with some stages kept."""
    found = {}

    def whole(base, rate, n, steps=None):
        rows = tl.data.few_of_each(d.y_train, n, 0)
        network = use.fit(use.with_head(base), d.x_train[rows], d.y_train[rows], rate, steps)
        return right(network, d.x_test, d.y_test)

    rows, five = tl.data.few_of_each(d.y_train, HUNDRED, 0)[: 5 * HUNDRED], d.y_test < 5

    def cut(rate, count, learn):
        network = use.with_head(use.keep(backbone, count, learn), classes=5)
        use.fit(network, d.x_train[rows], d.y_train[rows], rate, use.SHORT)
        return right(network, d.x_test[five], d.y_test[five])

    for rate in RATES:
        scratch = [whole(tl.backbones.small_cnn(weights=None), rate, n) for n in COUNTS]
        tuned = [whole(tl.backbones.duplicate(backbone), rate, n) for n in COUNTS]
        cuts = [cut(rate, count, learn) for count in (2, 4) for learn in (False, True)]
        ways = {"from scratch": scratch, "fine-tuned": tuned, "some stages kept": cuts}
        found |= {f"{way}, learning rate {rate:g}": np.mean(scores) for way, scores in ways.items()}
    for rate in RATES[2:4]:
        base, steps = tl.backbones.small_cnn(weights=None), LONGER * use.STEPS
        found[f"from scratch, {LONGER} times the steps, 5 labels per class, learning rate {rate:g}"] = whole(
            base, rate, 5, steps
        )
        base = tl.backbones.small_cnn(weights=None)
        found[f"from scratch, as long as the others, 5 labels per class, learning rate {rate:g}"] = whole(base, rate, 5)
    return found


def heads(use, z, z_test, d):
    """Measure what large weights should cost, for features and for pixels."""
    found = {}
    for name, x, x_test in (("features", z, z_test), ("pixels", use.flat(d.x_train), use.flat(d.x_test))):
        for price in PRICES:
            scores = []
            for n in COUNTS:
                rows = tl.data.few_of_each(d.y_train, n, 0)
                head = use.logistic(price).fit(x[rows], d.y_train[rows])
                scores.append(head.score(x_test, d.y_test))
            found[f"linear head on {name}, C {price:g}"] = np.mean(scores)
    return found


def propagation(use, z, z_test, d):
    """Measure rounds and balance of label propagation, with 1 and 5 labels per class."""
    (joined, near_test), found = use.graph(z, z_test), {}
    for balanced in (True, False):
        for rounds in ROUNDS:
            scores = []
            for n in (1, 5):
                for draw in range(DRAWS):
                    rows = tl.data.few_of_each(d.y_train, n, draw)
                    p = use.propagate(joined, rows, d.y_train[rows], rounds, balanced)
                    scores.append(np.mean(p[near_test].mean(axis=1).argmax(axis=1) == d.y_test))
            found[f"labels spread, {rounds} rounds, {'equal' if balanced else 'free'} mass"] = np.mean(scores)
    return found


def measure(which, run):
    """Return the accuracy of every setting on one held-out set, and the letters of the set."""
    chapter = {"run": run}
    exec(definitions(CHAPTER, USED), chapter)  # the chapter's own code
    use = SimpleNamespace(**chapter)
    keras.utils.set_random_seed(which)
    letters, source, d = held_out(which)
    backbone = tl.backbones.small_cnn(weights=None)
    tl.backbones.train_source(backbone, source, epochs=4)
    z, z_test = use.features(backbone, d.x_train), use.features(backbone, d.x_test)
    found = {}
    for measured, *given in ((heads, z, z_test), (propagation, z, z_test), (networks, backbone)):
        part = measured(use, *given, d)
        found |= part
        for setting, value in part.items():
            print(f"{letters}, {setting}: {value:.1%}", flush=True)
    return letters, found


if __name__ == "__main__":
    page.main(__file__, measure, SETS)
