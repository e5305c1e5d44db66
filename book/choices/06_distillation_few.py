"""How chapter 6 was tuned where labels are few or networks small: on training images that were put aside.

    python book/choices/06_distillation_few.py

Like `06_distillation.py`: labels of digits may be used, but not those of the test images. What is tried here learns
from 10,000 images (small budgets, photographs: 8,000) or from 20,000, fifty of them labelled. It is scored on training
images that no network saw. Each trial begins with the same random state, so that their order does not matter. Needs
MNIST, the subset of CIFAR-10 and the weights of EfficientNet-Lite0. Writes the measured part of the page beside it.
"""

from types import SimpleNamespace

import keras
import numpy as np
import page

import tlbook as tl
from tlbook.record import definitions

CHAPTER, LEARN, FEW, FREE, PHOTOS = "06_distillation", 50_000, 10_000, 20_000, 8_000
EPOCHS = {"teacher": 12, "pupil": 6, "photo student": 6}
RATES = {
    "wide student": (1e-3, 2e-3, 4e-3, 8e-3),
    "narrow student": (2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2),
    "pupil": (2e-3, 4e-3, 8e-3, 1.6e-2),
    "photo student": (2e-3, 4e-3, 8e-3, 1.6e-2),
}
WIDTHS = {"wide student": 800, "narrow student": 30}  # units a layer
HOT, SMALL = (1.0, 4.0, 20.0), (1.0, 4.0)  # temperatures
WEIGHTS, MILD = (0.0, 0.1, 1.0, 10.0), 4.0  # of the features; the temperature beside them
USED = (
    "fit, briefly, large, plain, convolutional, thin, by_features, pupil, photo_backbone, photo_student, photo_head, "
    "soft_loss, logits_of, repeated"
)


class Trials:
    """What is tried, and how many images put aside each trial gets wrong."""

    def __init__(self, run):
        self.run, chapter = run, {"run": run}
        exec(definitions(CHAPTER, USED), chapter)  # the chapter's own code
        self.use, self.found = SimpleNamespace(**chapter), {}
        self.by_label = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        d = tl.data.mnist()
        self.x, self.y, self.aside = d.x_train[:LEARN], d.y_train[:LEARN], (d.x_train[LEARN:], d.y_train[LEARN:])

    def begin(self):
        """Set the random state from which every trial begins."""
        keras.utils.set_random_seed(self.run.seed)

    def keep(self, name, network, aside=None):
        """Count a network's errors on what was put aside, and return the network."""
        images, labels = aside or self.aside
        self.found[name] = int(np.sum(self.use.logits_of(network, images).argmax(axis=1) != labels))
        print(f"{name}: {self.found[name]}", flush=True)
        return network


def measure(which, run):
    """Return the number of errors among the images put aside, for each setting of one part of the chapter."""
    trials = Trials(run)
    {"small": on_small_budgets, "pupil": with_fifty_labels, "photographs": on_photographs}[which](trials)
    return trials.found


def on_small_budgets(t):
    """Try what learns from 10,000 images: narrow students, copied features, students born again."""
    use, x, y = t.use, t.x[:FEW], t.y[:FEW]
    t.begin()
    teacher = use.fit(use.large(1_200), t.x, t.y, t.by_label, EPOCHS["teacher"], jitter=2)
    v = use.logits_of(teacher, x)
    lessons = {"labels": (y, t.by_label)}
    lessons |= {f"soft targets at T = {hot:g}": (v, use.soft_loss(hot)) for hot in HOT}
    for kind, width in WIDTHS.items():
        for rate in RATES[kind]:
            for name, lesson in lessons.items():
                t.begin()
                t.keep(f"{kind}, {name}, rate {rate:g}", use.briefly(use.plain(width), x, *lesson, rate=rate))
    t.begin()
    conv = use.briefly(use.convolutional(), x, y, t.by_label, jitter=2)
    for weight in WEIGHTS:
        t.begin()
        t.keep(f"thin student, features weigh {weight:g}", use.by_features(conv, use.thin(), x, y, weight))
    t.begin()
    parent = t.keep("parent of the born again", use.briefly(use.plain(800), x, y, t.by_label))
    for hot in HOT:
        t.begin()
        own = use.logits_of(parent, x), use.soft_loss(hot)
        t.keep(f"born again, T = {hot:g}", use.briefly(use.plain(800), x, *own))


def with_fifty_labels(t):
    """Try the pupil: from fifty labels, and from a network that sorted the images by their neighbours."""
    use, recipe, seed = t.use, tl.zero_labels, t.run.seed
    (x, upright_aside), y = map(tl.augment.deskew, (t.x[:FREE], t.aside[0])), t.y[:FREE]
    told, aside = tl.data.few_of_each(y, 5, seed=seed), (upright_aside, t.aside[1])
    t.begin()
    z = recipe.two_depths(tl.backbones.small_cnn(weights="letters"), x, seed=seed)
    heaps = recipe.spread(recipe.group(z, seed=seed), tl.neighbours.nearest(z, k=5))
    order = sorted(tl.clusters.match(y, heaps).items(), key=lambda pair: pair[1])
    v, rows = use.logits_of(recipe.learn(x, heaps), x)[:, [heap for heap, _ in order]], use.repeated(told, len(x))
    lessons = {"fifty labels": (x[rows], y[rows], t.by_label)}
    lessons |= {f"soft targets of the sorter at T = {hot:g}": (x, v, use.soft_loss(hot)) for hot in SMALL}
    learn_at_all_rates(t, "pupil", use.pupil, lessons, aside)


def on_photographs(t):
    """Try the small network for photographs: from labels, and from EfficientNet-Lite0 with a head."""
    use, photos = t.use, tl.data.cifar10()
    x, y, aside = photos.x_train[:PHOTOS], photos.y_train[:PHOTOS], (photos.x_train[PHOTOS:], photos.y_train[PHOTOS:])
    told = tl.data.few_of_each(y, 100, seed=t.run.seed)
    t.begin()
    z = use.photo_backbone().predict(x, batch_size=100, verbose=0)
    v = use.photo_head(z[told], y[told]).decision_function(z).astype("float32")
    rows = use.repeated(told, len(x))
    lessons = {"a thousand labels": (x[rows], y[rows], t.by_label)}
    lessons |= {f"soft targets of EfficientNet at T = {hot:g}": (x, v, use.soft_loss(hot)) for hot in SMALL}
    learn_at_all_rates(t, "photo student", use.photo_student, lessons, aside)


def learn_at_all_rates(t, kind, make, lessons, aside):
    """Try each lesson at each rate."""
    for rate in RATES[kind]:
        for name, lesson in lessons.items():
            t.begin()
            network = t.use.fit(make(), *lesson, EPOCHS[kind], rate, batch=64)
            t.keep(f"{kind}, {name}, rate {rate:g}", network, aside)


def table(sets):
    """Return the table of errors."""
    head = ["setting", "errors among 10,000 (photographs: 2,000)"]
    return page.table(head, [[setting, str(wrong)] for _, found in sets for setting, wrong in found.items()])


if __name__ == "__main__":
    page.main(__file__, lambda which, run: (which, measure(which, run)), ["small", "pupil", "photographs"], table)
