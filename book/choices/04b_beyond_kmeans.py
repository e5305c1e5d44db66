"""How the settings of chapter 4 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/04b_beyond_kmeans.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is
left, the target from what was held out: other signs in another style, as digits are. Labels of the target
are used to compare the settings, which no digit's label is. Writes the measured part of the page beside it.
"""

import itertools
from dataclasses import replace

import keras
import numpy as np
import page
import stand_ins
from keras import layers, ops
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

import tlbook as tl

SETS = (0, 1)  # each holds out other letters and fonts
SOURCE, TARGET, TEST = 40_000, 60_000, 10_000  # images: as many as in the chapter
PART = 20_000  # images of the trials with the neighbour loss
HERE, THERE = 10_000, 1_300  # images of the two places of section 9
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # pixels down and right


def held_out(which):
    """Return ten letters; a source without them and without five fonts; them in those fonts; them elsewhere, coarse."""
    lower, target, others, fonts = stand_ins.draw(which)
    source = tl.data.letters(SOURCE, 1, without=lower + lower.upper(), fonts=fonts[5:], seed=which)
    fine = tl.data.letters(TARGET, TEST, without=others, fonts=fonts[:5], seed=1000 + which)
    return target, source, fine, tl.data.letters(THERE, 1, without=others, fonts=fonts[5:10], through=8, seed=which)


def upright(d):
    """Deskew both parts of a data set."""
    return replace(d, x_train=tl.augment.deskew(d.x_train), x_test=tl.augment.deskew(d.x_test))


def features(backbone, images, seed):
    """Return the features of the last layer, and those with the maps of an earlier one beside them."""
    last = tl.features.extract(backbone, images, cache=False)
    scaled = tl.features.normalise((last - last.mean(axis=0)) / (last.std(axis=0) + 1e-6))
    maps = keras.Model(backbone.inputs, layers.Flatten()(backbone.layers[7].output))
    early = tl.features.extract(maps, images, cache=False)
    early = PCA(64, random_state=seed).fit(early[:10_000]).transform(early)
    early = tl.features.normalise(early)
    each = {"last layer": [last], "two depths, last on one scale": [early, scaled], "two depths": [early, last]}
    return {name: np.hstack(parts).astype("float32") for name, parts in each.items()}


def averaged(ids, neighbours, rounds=50, equal_mass=True):
    """Average labels over neighbours; return the most likely one of each image."""
    p = np.eye(10)[ids]
    for _ in range(rounds):
        p = (p + p[neighbours].mean(axis=1)) / 2
        if equal_mass:
            p /= np.maximum(p.sum(axis=0), 1e-9)
            p /= p.sum(axis=1, keepdims=True)
    return p.argmax(axis=1)


def small(augment):
    """Return the network that learns the averaged labels."""
    parts = [keras.Input((28, 28)), augment, layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    for filters in (16, 32):
        parts += [layers.Conv2D(filters, 5, padding="same", activation="relu"), layers.MaxPooling2D()]
        parts += [layers.BatchNormalization(momentum=0.9)]
    return keras.Sequential([*parts, layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)])


def headed(backbone):
    """Return a backbone under augmentation and a new head."""
    return keras.Sequential([keras.Input((28, 28)), tl.augment.RandomAffine(), backbone, layers.Dense(10)])


def trained(network, images, labels, run, epochs=6):
    """Train a network on fixed labels."""
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(labels) // 256))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=run.jit)
    network.fit(images, labels, batch_size=256, epochs=epochs, verbose=0)
    return network


def probabilities(network, images, shifts=SHIFTS[:1]):
    """Return the mean prediction over shifted copies of the images."""
    moved = (np.roll(images, shift, axis=(1, 2)) for shift in shifts)
    return sum(ops.convert_to_numpy(ops.softmax(network.predict(x, batch_size=1000, verbose=0))) for x in moved)


class Neighbours(keras.Model):
    """Gives the classes of pairs of images; its loss asks that they agree, and that classes are equally frequent."""

    def __init__(self, network, balance):
        super().__init__()
        self.network, self.balance = network, balance

    def call(self, pairs, training=False):
        """Return the probabilities of both images: (n, 2, 10)."""
        logits = self.network(ops.reshape(pairs, (-1, 28, 28)), training=training)
        return ops.reshape(ops.softmax(logits), (-1, 2, 10))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the disagreement of neighbours minus the weighted entropy of the mean prediction."""
        agree = ops.sum(y_pred[:, 0] * y_pred[:, 1], axis=-1)
        mean = ops.mean(y_pred, axis=(0, 1))
        return -ops.mean(ops.log(agree + 1e-8)) + self.balance * ops.sum(mean * ops.log(mean + 1e-8))


def by_agreement(backbone, images, neighbours, balance, seed, run, epochs=6):
    """Train a copy of the backbone, with a new head, on pairs of neighbours."""
    base = keras.models.clone_model(backbone)
    base.set_weights(backbone.get_weights())
    model = Neighbours(network := headed(base), balance)
    rng, rows = np.random.default_rng(seed), np.arange(len(images))
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(images) // 256))
    model.compile(keras.optimizers.Adam(rate), jit_compile=run.jit)
    for _ in range(epochs):
        other = neighbours[rows, rng.integers(neighbours.shape[1], size=len(rows))]
        model.fit(images[np.stack([rows, other], axis=1)], batch_size=256, verbose=0)
    return network


def carried(here, there, epochs, seed, run):
    """Learn here; guess there; average the guesses over neighbours; yield each way and how often it is right."""
    network = trained(headed(tl.backbones.small_cnn(weights=None)), *here, run, epochs)
    images, truth = there
    guesses = probabilities(network, images).argmax(axis=1)
    near = tl.neighbours.nearest(features(network.layers[1], images, seed)["two depths"], 10)
    yield "guesses", np.mean(guesses == truth)
    for mass, rounds in itertools.product((True, False), (10, 20, 50, 100)):
        labels = averaged(guesses, near, rounds, mass)
        yield f"{rounds} rounds, {'equal' if mass else 'free'} mass", np.mean(labels == truth)


def measure(which, run):
    """Return the accuracy of every setting on one held-out set, and the letters of the set."""
    keras.utils.set_random_seed(which)
    letters, *drawn, coarse = held_out(which)
    found = {}

    def keep(name, accuracy):
        found[name] = float(accuracy)
        print(f"{which} {name}: {found[name]:.2%}", flush=True)

    def right(labels):
        return tl.clusters.accuracy(d.y_train, labels)

    for way in ("as drawn", "deskewed"):
        source, d = drawn if way == "as drawn" else map(upright, drawn)
        backbone = tl.backbones.small_cnn(weights=None)
        tl.backbones.train_source(backbone, source, epochs=4)
        for cut, z in features(backbone, d.x_train, which).items():
            near = tl.neighbours.nearest(z, 20)
            ids = KMeans(10, n_init=30, random_state=which).fit_predict(z)
            keep(f"K-means, {cut}, letters {way}", right(ids))
            keep(f"averaged labels, {cut}, letters {way}", right(averaged(ids, near[:, :10])))
    for k, rounds, mass in itertools.product((5, 10, 20), (10, 20, 50, 100), (True, False)):
        labels = averaged(ids, near[:, :k], rounds, mass)
        keep(f"{k} neighbours, {rounds} rounds, {'equal' if mass else 'free'} mass", right(labels))

    labels, raw = averaged(ids, near[:, :10], 100), drawn[1]
    names, each = tl.clusters.match(d.y_train, labels), {}
    for name, images, strength in (("none", d, 0), ("half", d, 0.5), ("full", d, 1), ("as drawn", raw, 1)):
        limits = {"rotation": 0.3, "zoom": 0.15, "shear": 0.2, "shift": 2.5}
        augment = tl.augment.RandomAffine(**{key: strength * limit for key, limit in limits.items()})
        network = trained(small(augment), images.x_train, labels, run)
        each[name] = {len(shifts): probabilities(network, images.x_test, shifts) for shifts in (SHIFTS[:1], SHIFTS)}
    predictions = {
        "network on deskewed images, no augmentation": each["none"][1],
        "network on deskewed images, half the augmentation": each["half"][1],
        "network on deskewed images": each["full"][1],
        "network on deskewed images, five shifts": each["full"][5],
        "network on images as drawn": each["as drawn"][1],
        "both networks, five shifts": each["full"][5] + each["as drawn"][5],
    }
    for name, p in predictions.items():
        keep(name, np.mean(tl.clusters.rename(p.argmax(axis=1), names) == d.y_test))

    part, neighbours = d.x_train[:PART], tl.neighbours.nearest(z[:PART], 10)
    for balance in (1.0, 2.0, 5.0, 10.0):
        network = by_agreement(backbone, part, neighbours, balance, which, run)
        ids_train, ids_test = (probabilities(network, images).argmax(axis=1) for images in (part, d.x_test))
        names = tl.clusters.match(d.y_train[:PART], ids_train)
        keep(f"neighbour loss, balance {balance}", np.mean(tl.clusters.rename(ids_test, names) == d.y_test))

    fine, coarse = (upright(each) for each in (drawn[1], coarse))
    places = (fine.x_train[:HERE], fine.y_train[:HERE]), (coarse.x_train, coarse.y_train)
    for name, here, there, epochs in (("coarse", *places, 5), ("fine", *places[::-1], 30)):
        for way, accuracy in carried(here, there, epochs, which, run):
            keep(f"carried to {name} letters, {way}", accuracy)
    return letters, found


if __name__ == "__main__":
    page.main(__file__, measure, SETS)
