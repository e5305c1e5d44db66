"""How the settings of chapter 3 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/03_kmeans_pseudo_labels.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is
left, the target from what was held out: other signs in another style, as digits are. Labels of the target
are used to compare the settings, which no digit's label is. Writes the measured part of the page beside it.
"""

import keras
import numpy as np
import page
import stand_ins
from keras import layers
from sklearn.cluster import KMeans

import tlbook as tl

SETS = (0, 1, 2)  # each holds out other letters and fonts
SOURCE, TARGET, TEST = 40_000, 60_000, 10_000  # images: as many as in the chapter
EPOCHS = 3
STRENGTHS = {"none": 0, "half": 0.5, "full": 1}  # of the augmentation, as shares of the chapter's draws


def held_out(which):
    """Return a source without ten letters and five fonts, and those letters in those fonts as a target."""
    lower, target, others, fonts = stand_ins.draw(which)
    source = tl.data.letters(SOURCE, 1, without=lower + lower.upper(), fonts=fonts[5:], seed=which)
    return target, source, tl.data.letters(TARGET, TEST, without=others, fonts=fonts[:5], seed=1000 + which)


def clustered(d, z_train, z_test, seed):
    """Cluster; return the cluster ids, their matching and the accuracy on the test part."""
    kmeans = KMeans(10, n_init=4, random_state=seed).fit(z_train)
    matching = tl.clusters.match(d.y_train, kmeans.labels_)
    return kmeans.labels_, matching, np.mean(tl.clusters.rename(kmeans.predict(z_test), matching) == d.y_test)


def scaled(z_train, z_test):
    """Put every feature on one scale."""
    mean, spread = z_train.mean(axis=0), z_train.std(axis=0) + 1e-6
    return [tl.features.normalise((z - mean) / spread) for z in (z_train, z_test)]


def pseudo_labels(d, labels, matching, augment, run):
    """Train a fresh network on cluster ids; return its accuracy on the test part."""
    network = keras.Sequential([augment, tl.backbones.small_cnn(weights=None), layers.Dense(10)])
    rate = keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * -(-len(labels) // 256))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=run.jit)
    network.fit(d.x_train, labels, batch_size=256, epochs=EPOCHS, verbose=0)
    ids = network.predict(d.x_test, batch_size=512, verbose=0).argmax(axis=1)
    return np.mean(tl.clusters.rename(ids, matching) == d.y_test)


def measure(which, run):
    """Return the accuracy of every setting on one held-out set, and the letters of the set."""
    keras.utils.set_random_seed(which)
    letters, source, d = held_out(which)
    backbone = tl.backbones.small_cnn(weights=None)
    tl.backbones.train_source(backbone, source, epochs=4)
    found, images = {}, (d.x_train, d.x_test)
    before = keras.Model(backbone.inputs, backbone.layers[-2].output)
    last, earlier = ([tl.features.extract(net, part, cache=False) for part in images] for net in (backbone, before))
    both = [np.hstack(pair) for pair in zip(last, earlier, strict=True)]
    for cut, z in (("last layer", last), ("layer before it", earlier), ("both layers", both)):
        for scale, zs in (("as they are", z), ("on one scale", scaled(*z))):
            *answer, found[f"K-means, {cut}, features {scale}"] = clustered(d, *zs, which)
    labels, matching = answer  # of both layers on one scale
    for name, strength in STRENGTHS.items():
        limits = {"rotation": 0.3, "zoom": 0.15, "shear": 0.2, "shift": 2.5}
        augment = tl.augment.RandomAffine(**{key: strength * limit for key, limit in limits.items()})
        found[f"network on those ids, augmentation: {name}"] = pseudo_labels(d, labels, matching, augment, run)
    return letters, found


if __name__ == "__main__":
    page.main(__file__, measure, SETS)
