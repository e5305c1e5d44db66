"""How the settings of chapter 3 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/03_kmeans_pseudo_labels.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is
left, the target from what was held out: other signs in another style, as digits are. Labels of the target
are used to compare the settings, which no digit's label is. Writes the page of the same name beside it.
"""

import string
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.cluster import KMeans

import tlbook as tl
from tlbook.record import code_digest, signed

SETS = (0, 1, 2)  # each holds out other letters and fonts
SOURCE, TARGET, TEST = 40_000, 60_000, 10_000  # images: as many as in the chapter
EPOCHS = 3
STRENGTHS = {"none": 0, "half": 0.5, "full": 1}  # of the augmentation, as shares of the chapter's draws


def held_out(which):
    """Return a source without ten letters and five fonts, and those letters in those fonts as a target."""
    rng = np.random.default_rng(which)
    of_ten = rng.permutation([letter in range(10) for letter in range(26)])
    lower = "".join(letter for letter, held in zip(string.ascii_lowercase, of_ten, strict=True) if held)
    target = "".join(rng.choice([letter, letter.upper()]) for letter in lower)
    fonts = rng.permutation(tl.glyphs.FONTS).tolist()
    others = "".join(set(tl.glyphs.LETTERS) - set(target))
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


def main():
    """Measure all sets, then write the page."""
    run = tl.start("03_kmeans_pseudo_labels")
    sets = []
    for which in SETS:
        sets.append(measure(which, run))
        print(*sets[-1], sep="\n", flush=True)
    rows = [
        "| setting | " + " | ".join(f"`{letters}`" for letters, _ in sets) + " | mean |",
        "|---" * (len(sets) + 2) + "|",
    ]
    for setting in sets[0][1]:
        values = [found[setting] for _, found in sets]
        rows.append(f"| {setting} | " + " | ".join(f"{value:.1%}" for value in [*values, np.mean(values)]) + " |")
    page = Path(__file__).with_suffix(".md")
    text = f"""# How chapter 3 was tuned

<!-- code: {code_digest(page.with_suffix(".py").read_text(encoding="utf-8"))} -->

Without labels of the digits nobody can see which setting names them best<!-- fact: by construction -->. So letters took their place. Ten letters, and five of the sixteen fonts, were held out. A source network learned the other letters in the other fonts. The held-out letters in the held-out fonts were then the unlabelled target. Their names were used to compare the settings, which cost nothing: we drew them.

Each column of the table is one such target, headed by its letters. The figures are accuracies on its test images, with clusters matched on its training images. The program that measured them and wrote this page is `book/choices/{Path(__file__).name}`; it ran with Keras {keras.__version__} on {run.backend}.

"""
    page.write_text(signed(text + "\n".join(rows) + "\n"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
