"""How the rates of chapter 2 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/02_vgg16_fine_tuning.py

Ten letters are held out, in both cases, and five of the sixteen fonts. The source is drawn from what is
left, the target from what was held out: other signs in another style, as digits are. Every method gets
four settings; those that train on images get the same steps and the same augmentation. Writes the page of
the same name beside it.
"""

import string
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tlbook as tl
from tlbook.record import code_digest, signed

SETS = (0, 1)  # each holds out other letters and fonts
SOURCE, TARGET, TEST, STEPS = 40_000, 2_000, 3_000, 300
COUNTS = (5, 20)  # labels a class
SETTINGS = {  # the largest rate; of logistic regression, the inverse price of large weights
    "from scratch": (2.5e-4, 5e-4, 1e-3, 2e-3),
    "frozen backbone, linear head": (1e-2, 2e-2, 5e-2, 1e-1),
    "head first, then two blocks": (1e-4, 3e-4, 1e-3, 3e-3),
    "all blocks at once": (1e-4, 3e-4, 1e-3, 3e-3),
    "dense head on features": (3e-5, 1e-4, 3e-4, 1e-3),
    "logistic regression on features, C": (1e-3, 1e-2, 1e-1, 1),
}
HEAD = 1e-2  # the head's rate while it trains before two blocks do


def held_out(which):
    """Return a source without ten letters and five fonts, and those letters in those fonts as a target."""
    rng = np.random.default_rng(which)
    of_ten = rng.permutation([letter in range(10) for letter in range(26)])
    lower = "".join(letter for letter, held in zip(string.ascii_lowercase, of_ten, strict=True) if held)
    target = "".join(rng.choice([letter, letter.upper()]) for letter in lower)
    fonts = rng.permutation(tl.glyphs.FONTS).tolist()
    others = "".join(set(tl.glyphs.LETTERS) - set(target))
    source = tl.data.letters(SOURCE, 1, without=lower + lower.upper(), fonts=fonts[5:], seed=which)
    return target, *map(coloured, (source, tl.data.letters(TARGET, TEST, without=others, fonts=fonts[:5], seed=which)))


def coloured(d):
    """Return a data set whose images have three channels."""
    return replace(d, x_train=tl.data.as_rgb(d.x_train), x_test=tl.data.as_rgb(d.x_test))


def fit(network, images, labels, rate, steps, run):
    """Train for so many steps of 32 images, the rate falling to 0 along a cosine."""
    rng = np.random.default_rng(run.seed)
    picks = np.concatenate([rng.permutation(len(images)) for _ in range(-(-32 * steps // len(images)))])[: 32 * steps]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    network.compile(keras.optimizers.Adam(schedule), loss, jit_compile=run.jit)
    network.fit(images[picks], labels[picks], batch_size=32, shuffle=False, verbose=0)


def score(method, value, weights, d, few, run):
    """Return the test accuracy of one method with one setting."""
    x, y, x_test = d.x_train[few], d.y_train[few], d.x_test
    base = tl.backbones.vgg16(weights=None)
    network = keras.Sequential([keras.Input((32, 32, 3)), tl.augment.RandomAffine(), base, layers.Dense(10)])
    if method != "from scratch":
        base.set_weights(weights)
    if "on features" in method:
        x, x_test = (base.predict(images, batch_size=512, verbose=0) for images in (x, x_test))
    if method == "logistic regression on features, C":
        head = make_pipeline(StandardScaler(), LogisticRegression(C=value, max_iter=1_000))
        return head.fit(x, y).score(x_test, d.y_test)
    if method == "dense head on features":
        network = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(1024, "relu"), layers.Dense(10)])
    if method == "frozen backbone, linear head":
        base.trainable = False
    steps = STEPS
    if method == "head first, then two blocks":
        steps = STEPS // 2
        base.trainable = False
        fit(network, x, y, HEAD, steps, run)
        base.trainable = True
        for layer in base.layers:
            layer.trainable = layer.name.startswith(("block4", "block5"))
    fit(network, x, y, value, steps, run)
    return np.mean(network.predict(x_test, batch_size=512, verbose=0).argmax(axis=1) == d.y_test)


def measure(which, run):
    """Return the accuracy of every setting on one held-out set, and the letters of the set."""
    keras.utils.set_random_seed(which)
    letters, source, d = held_out(which)
    backbone = tl.backbones.vgg16(weights=None)
    tl.backbones.train_source(backbone, source, epochs=8, rate=7e-4)
    order, found = np.random.default_rng(which).permutation(TARGET), {}
    for method, values in SETTINGS.items():
        for value in values:
            for n in COUNTS:
                few = np.concatenate([order[d.y_train[order] == letter][:n] for letter in range(10)])
                found[method, value, n] = score(method, value, backbone.get_weights(), d, few, run)
                print(which, method, value, n, f"{found[method, value, n]:.1%}", flush=True)
    return letters, found


def main():
    """Measure all sets, then write the page."""
    run = tl.start("02_vgg16_fine_tuning")
    sets = [measure(which, run) for which in SETS]
    names = [f"`{letters}`, {n} labels a class" for letters, _ in sets for n in COUNTS]
    rows = ["| method, setting | " + " | ".join(names) + " | mean |", "|---" * (len(names) + 2) + "|"]
    for method, values in SETTINGS.items():
        for value in values:
            scores = [found[method, value, n] for _, found in sets for n in COUNTS]
            shown = " | ".join(f"{share:.1%}" for share in [*scores, np.mean(scores)])
            rows.append(f"| {method}: {value:g} | {shown} |")
    page = Path(__file__).with_suffix(".md")
    text = f"""# How chapter 2 was tuned

<!-- code: {code_digest(page.with_suffix(".py").read_text(encoding="utf-8"))} -->

A method that was tuned beats one that was not, whatever they are<!-- opinion -->. So each method of chapter 2 was given four settings to choose from, the control from scratch as well: of networks, the largest rate; of logistic regression, `C`, which makes large weights cheaper the larger it is. To choose by accuracy on digits would have used up their test labels. Letters took their place. Ten letters, and five of the sixteen fonts, were held out. A source network learned the other letters in the other fonts. The held-out letters in the held-out fonts were then the target.

Each column of the table is one such target, headed by its letters, with so many labelled images a class. The figures are accuracies on {TEST:,} test images. Networks were trained for {STEPS} steps of 32 images. The program that measured them and wrote this page is `book/choices/{Path(__file__).name}`; it ran with Keras {keras.__version__} on {run.backend}.

"""
    page.write_text(signed(text + "\n".join(rows) + "\n"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
