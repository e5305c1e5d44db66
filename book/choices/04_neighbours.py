"""How the settings of chapter 4 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/04_neighbours.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is left, the
target from what was held out: other signs in another style, as digits are. Features, graph and networks are those of
the chapter: the program takes them out of its cells. Writes the measured part of the page beside it.
"""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import page
import stand_ins

import tlbook as tl
from tlbook.record import definitions

CHAPTER = "04_neighbours"
USED = (
    "two_depths, side_by_side, on_one_scale, whitened, group, spread, learn, predict, cross_fitted, second_graph, "
    "carry_on, SHIFTS"
)
SETS = (0, 1)  # each holds out other letters and fonts
SOURCE, TARGET, TEST = 40_000, 30_000, 10_000  # images


def held_out(which):
    """Return a source without ten letters and five fonts, and those letters in those fonts as a target."""
    lower, target, others, fonts = stand_ins.draw(which)
    source = tl.data.letters(SOURCE, 1, without=lower + lower.upper(), fonts=fonts[5:], seed=which)
    return target, source, tl.data.letters(TARGET, TEST, without=others, fonts=fonts[:5], seed=1000 + which)


def upright(d):
    """Deskew both parts of a data set."""
    return replace(d, x_train=tl.augment.deskew(d.x_train), x_test=tl.augment.deskew(d.x_test))


def features(use, source, d):
    """Return the features of the images in each way: shown once or five times, the last layer rescaled or not."""
    backbone = tl.backbones.small_cnn(weights=None)
    tl.backbones.train_source(backbone, source, epochs=4)
    rescaled = {"last layer as it is": np.asarray, "on one scale": use.on_one_scale, "whitened": use.whitened}
    found = {}
    for views in (1, 5):
        early, last = use.two_depths(backbone, d.x_train, use.SHIFTS[:views])
        for name, rescale in rescaled.items():
            found[f"{name}, {'one view' if views == 1 else 'five views'}"] = use.side_by_side(early, last, rescale)
    return found


def measure(which, run):
    """Return what came out for every setting on one held-out set, and the letters of the set."""
    chapter = {"run": run}
    exec(definitions(CHAPTER, USED), chapter)  # the chapter's own code
    use, found = SimpleNamespace(**chapter), {}
    keras.utils.set_random_seed(which)
    letters, *drawn = held_out(which)

    def keep(name, accuracy):
        found[name] = float(accuracy)
        print(f"{which} {name}: {found[name]:.2%}", flush=True)

    def right(labels):
        return tl.clusters.accuracy(d.y_train, labels)

    for way in ("as drawn", "upright"):
        source, d = drawn if way == "as drawn" else map(upright, drawn)
        for name, z in features(use, source, d).items():
            ids, near = use.group(z), tl.neighbours.nearest(z, 20)
            ten = near[:, :10]
            keep(f"neighbours, {name}, {way}", tl.neighbours.agreement(ten, d.y_train))
            keep(f"K-means, {name}, {way}", right(ids))
            keep(f"averaged labels, {name}, {way}", right(use.spread(ids, ten)))
            if name == "on one scale, five views":
                chosen = z, ids, near

    z, ids, near = chosen  # of upright images
    for k, rounds, mass in itertools.product((5, 10, 20), (30, 100, 300), (True, False)):
        labels = use.spread(ids, near[:, :k], rounds, mass)
        keep(f"{k} neighbours, {rounds} rounds, {'equal' if mass else 'free'} mass", right(labels))

    labels = use.spread(ids, near[:, :10])

    def network(name, taught, **options):
        said = use.predict(use.learn(d.x_train, taught, **options), d.x_test).argmax(axis=1)
        keep(name, np.mean(tl.clusters.rename(said, tl.clusters.match(d.y_train, taught)) == d.y_test))

    for name, strength in (("no augmentation", 0), ("half the augmentation", 0.5), ("full augmentation", 1)):
        network(f"network on labels of the first graph, {name}", labels, strength=strength)
    answers, seen = use.cross_fitted(d.x_train, labels)
    second = use.second_graph(z, seen)
    keep("second neighbours", tl.neighbours.agreement(second, d.y_train))
    keep("answers about the other half", right(answers.argmax(axis=1)))
    keep("answers, 3 rounds over the second graph", right(taught := use.carry_on(answers, second, 3)))
    network("network on those answers", taught)
    for rounds in (30, 100, 300):
        taught = use.spread(ids, second, rounds)
        keep(f"cluster ids, {rounds} rounds over the second graph", right(taught))
        if rounds == 100:
            network("network on cluster ids averaged over the second graph", taught)
    return letters, found


if __name__ == "__main__":
    page.main(__file__, measure, SETS)
