"""Networks that turn images into features, and the weights they can start from.

A backbone takes images in the range 0 to 255 (its own ``Rescaling`` inside) and ends at its
feature layer: the head is the chapter's business.
"""

import hashlib
import tempfile
from pathlib import Path

import keras
from keras import layers

from tlbook import data
from tlbook.run import TlbookError, jit

WEIGHTS = Path(__file__).parent / "weights"
SUMS = WEIGHTS / "SHA256SUMS"  # in the form that `sha256sum --check` reads
LETTERS = {"letters": {}, "letters-8x8": {"through": 8}}  # the weights that are shipped: how their letters were drawn
LETTERS_IMAGES, LETTERS_EPOCHS = 40_000, 4  # what these weights were trained with


def small_cnn(weights: str | None = "letters", image_size: int = 28) -> keras.Sequential:
    """Build a small convolutional network with 128 features.

    Three convolutions (32, 64 and 128 channels) with ReLU, the first two followed by max-pooling,
    each by batch normalisation; then the mean over all positions, and a dense layer with ReLU. The
    normalisation stands after the pooling, where there is a quarter as much to normalise, and
    forgets fast (momentum 0.9), since training here takes few steps.
    Source of batch normalisation: Ioffe and Szegedy (2015), section 3.

    Parameters
    ----------
    weights : {"letters", "letters-8x8", None}
        Weights trained on 52 rendered letters, or on letters that went through 8 x 8 pixels; or random
        ones drawn from Keras's global seed. `TlbookError` if their file is missing or has been changed.
    image_size : int
        Side of the images in pixels.

    Returns
    -------
    keras.Sequential
        Takes (n, image_size, image_size) in the range 0 to 255, gives float32 (n, 128).

    Examples
    --------
    >>> small_cnn(weights=None).output_shape
    (None, 128)
    """
    if weights not in (*LETTERS, None):
        raise TlbookError("small_cnn(): weights", f"{', '.join(LETTERS)} or None", repr(weights), "weights='letters'")
    network = keras.Sequential([keras.Input((image_size, image_size)), layers.Rescaling(1 / 255)], name="small_cnn")
    network.add(layers.Reshape((image_size, image_size, 1)))
    for filters, pool in ((32, True), (64, True), (128, False)):
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        if pool:
            network.add(layers.MaxPooling2D())
        network.add(layers.BatchNormalization(momentum=0.9))
    network.add(layers.GlobalAveragePooling2D())
    network.add(layers.Dense(128, "relu"))
    if weights:
        network.load_weights(checked(WEIGHTS / f"small_cnn_{weights}.weights.h5"))
    return network


def checked(path: Path) -> Path:
    """Return `path` if the file is the one that was shipped, by the list ``weights/SHA256SUMS``.

    Raises `TlbookError` if it is missing or its SHA-256 is not the listed one.
    """
    listed = dict(reversed(line.split()) for line in SUMS.read_text().splitlines()) if SUMS.is_file() else {}
    wanted = listed.get(path.name, "none listed")
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no such file"
    if found != wanted:
        raise TlbookError(str(path), f"SHA-256 {wanted[:16]}", found[:16], "python -m tlbook weights")
    return path


def train_source(backbone: keras.Model, source: data.Dataset, epochs: int, rate: float = 2e-3) -> keras.Sequential:
    """Train a backbone with a throw-away linear head on a labelled source data set, in place.

    Adam, its rate falling from `rate` to 0 along a cosine (Loshchilov and Hutter 2017, section 3); batches
    of 128; cross-entropy. Returns backbone and head as one network that gives logits, one a class.

    >>> net, source = small_cnn(weights=None), data.letters(n=256, n_test=1)
    >>> train_source(net, source, epochs=1).output_shape
    (None, 52)
    """
    if epochs < 1:
        raise TlbookError("train_source(): epochs", "at least 1", str(epochs), "epochs=1")
    classifier = keras.Sequential([backbone, layers.Dense(len(source.class_names))])
    steps = epochs * -(-len(source.x_train) // 128)
    classifier.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit(),
    )
    classifier.fit(source.x_train, source.y_train, batch_size=128, epochs=epochs, verbose=0)
    return classifier


def remake_weights() -> Path:
    """Train the shipped letters networks anew (seed 0); write their files and SHA-256; return their folder."""
    with tempfile.TemporaryDirectory(dir=WEIGHTS) as beside:
        for name, options in LETTERS.items():
            keras.utils.set_random_seed(0)
            network = small_cnn(weights=None)
            train_source(network, data.letters(LETTERS_IMAGES, seed=0, **options), LETTERS_EPOCHS)
            network.save_weights(Path(beside) / f"small_cnn_{name}.weights.h5")
        files, sums = sorted(Path(beside).iterdir()), Path(beside) / SUMS.name
        sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
        for file in (sums, *files):
            file.replace(WEIGHTS / file.name)
    return WEIGHTS
