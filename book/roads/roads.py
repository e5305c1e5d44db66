"""The roads of the page *Beyond K-means*, from unlabelled digits to one cluster id for each, on all training images.

A road takes the images (uint8, of shape (n, 28, 28)) and `c`, which holds what that page defines, so that what is
measured here is what the reader has read there. No road is handed a label of the target. It yields steps: a step's
name, the name of the step that it goes on from (None: from the images), and an id for each image, -1 where the
method gives none (None in place of all: a step on the way, which is no row of the table).
"""

from dataclasses import replace

import keras
import numpy as np
from keras import layers, ops
from sklearn.cluster import HDBSCAN, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

import tlbook as tl

LETTERS, LETTERS_EPOCHS, ROTATION_EPOCHS = 40_000, 4, 3  # images and epochs, as in the chapter; so are these:
GAN_EPOCHS, CODE_EPOCHS, DEC_ROUNDS = 20, 15, 5
VIEW_EPOCHS, VIEW_BATCH, TEMPERATURE = 5, 512, 0.2  # set once, not tuned
SPECTRAL = 10_000  # images: it needs the eigenvectors of a matrix with a row for each


def clusters(name, z, c):
    """Cluster features with K-means, then average the ids over neighbours; return the ids and the averaged labels."""
    yield name, None, None
    ids = c.group(z)
    yield f"{name}_kmeans", name, ids
    labels = c.spread(z, ids)
    yield f"{name}_averaged", f"{name}_kmeans", labels
    return ids, labels


# --- No network, or one that has learned nothing -------------------------------------------------


def raw(images, c):
    """K-means on pixels as they are."""
    yield "raw_kmeans", None, c.group(c.flat(images))


def pixels(images, c):
    """Deskewed pixels, in 50 principal components."""
    z = PCA(50, random_state=c.run.seed).fit_transform(c.flat(tl.augment.deskew(images)))
    yield from clusters("pixels", z, c)


def untrained(images, c):
    """Features of a network with random weights."""
    z = c.two_depths(tl.backbones.small_cnn(weights=None), tl.augment.deskew(images))
    yield from clusters("untrained", z, c)


# --- Features that no label helped to learn ------------------------------------------------------


def rotations(images, c):
    """Learn by how much an image was turned (Gidaris, Singh and Komodakis 2018)."""
    upright, network = tl.augment.deskew(images), tl.backbones.small_cnn(weights=None)
    turned = np.concatenate([np.rot90(upright, turns, axes=(1, 2)) for turns in range(4)])
    by, none = np.repeat(np.arange(4, dtype="uint8"), len(upright)), np.zeros(0, "uint8")
    about = tl.data.Provenance("turned images", "made of the images that are to be clustered", "as theirs", "")
    task = tl.data.Dataset(turned, by, turned[:0], none, ("0", "90", "180", "270"), about)
    tl.backbones.train_source(network, task, ROTATION_EPOCHS)
    yield from clusters("rotations", c.two_depths(network, upright), c)


class Views(keras.Model):
    """Shows a network each image in two distortions; `call` returns the directions of both: (n, 2, d)."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, images, training=False):
        """Return unit vectors of both views."""
        both = [self.network(images, training=training) for _ in range(2)]
        return ops.stack([ops.normalize(z, axis=-1) for z in both], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, *unused, **also):
        """Return the cross-entropy of picking an image's other view out of the batch."""
        z, n = ops.concatenate([y_pred[:, 0], y_pred[:, 1]], axis=0), ops.shape(y_pred)[0]
        alike = ops.matmul(z, ops.transpose(z)) / TEMPERATURE - 1e9 * ops.eye(2 * n)  # not with itself
        other = ops.concatenate([ops.arange(n) + n, ops.arange(n)], axis=0)
        return ops.mean(keras.losses.sparse_categorical_crossentropy(other, alike, from_logits=True))


def views(images, c):
    """Learn to know an image again in another distortion (SimCLR: Chen et al. 2020, section 2)."""
    upright, backbone = tl.augment.deskew(images), tl.backbones.small_cnn(weights=None)
    head = layers.Dense(128, "relu"), layers.Dense(64)
    model = Views(keras.Sequential([keras.Input((28, 28)), c.augment(1), backbone, *head]))
    rate = keras.optimizers.schedules.CosineDecay(1e-3, VIEW_EPOCHS * -(-len(upright) // VIEW_BATCH))
    model.compile(keras.optimizers.Adam(rate), jit_compile=c.run.jit)
    model.fit(upright, batch_size=VIEW_BATCH, epochs=VIEW_EPOCHS, verbose=0)
    yield from clusters("views", c.two_depths(backbone, upright), c)


def gan(images, c):
    """Play forger and detective; cluster its last maps (after Radford, Metz and Chintala 2016, section 5, who take all)."""
    real, game = tl.augment.deskew(images)[..., None].astype("float32") / 255, c.GAN()
    game.compile(keras.optimizers.Adam(4e-4, beta_1=0.5), c.gan_loss, jit_compile=c.run.jit)
    game.fit(real, np.zeros(len(real)), batch_size=128, epochs=GAN_EPOCHS, verbose=0)
    maps = keras.Model(game.judge.inputs, game.judge.layers[-2].output)
    z = PCA(64, random_state=c.run.seed).fit_transform(tl.features.extract(maps, real, cache=False))
    yield from clusters("gan", tl.features.normalise(z), c)


def autoencoder(images, c):
    """Squeeze images into ten numbers; then refine network and clusters together (DEC: Xie et al. 2016, section 3)."""
    x = c.flat(tl.augment.deskew(images))
    encoder, decoder = c.dense(500, 500, 2000, 10), c.dense(2000, 500, 500, 784)
    whole = keras.Sequential([keras.Input((784,)), encoder, decoder])
    whole.compile("adam", "mse", jit_compile=c.run.jit)
    whole.fit(x, x, batch_size=256, epochs=CODE_EPOCHS, verbose=0)
    z = encoder.predict(x, batch_size=1_000, verbose=0)
    ids, _ = yield from clusters("autoencoder", z, c)
    belonging = c.Belonging()
    dec = keras.Sequential([keras.Input((784,)), encoder, belonging])
    belonging.set_weights([np.stack([z[ids == j].mean(axis=0) for j in range(10)])])
    dec.compile("adam", "kl_divergence", jit_compile=c.run.jit)
    for _ in range(DEC_ROUNDS):
        q = dec.predict(x, batch_size=1_000, verbose=0)
        goal = q**2 / q.sum(axis=0)
        dec.fit(x, goal / goal.sum(axis=1, keepdims=True), batch_size=256, verbose=0)
    yield "dec", "autoencoder_kmeans", c.named(dec, x)


# --- What others would reach for -----------------------------------------------------------------


def umap(images, c):
    """UMAP on pixels as they are; then a Gaussian mixture, or HDBSCAN, which may leave images out."""
    from umap import UMAP  # an optional extra, and slow to import

    z = UMAP(n_neighbors=30, min_dist=0.0, random_state=c.run.seed, n_jobs=1).fit_transform(c.flat(images))
    yield "umap", None, None
    yield "umap_gmm", "umap", GaussianMixture(10, n_init=4, random_state=c.run.seed).fit_predict(z)
    yield "umap_hdbscan", "umap", HDBSCAN(min_cluster_size=len(z) // 100, min_samples=10, copy=True).fit_predict(z)


def spectral(images, c):
    """Spectral clustering of some of the images (Ng, Jordan and Weiss 2002)."""
    method = SpectralClustering(10, affinity="nearest_neighbors", n_neighbors=10, random_state=c.run.seed)
    yield "spectral", None, method.fit_predict(c.flat(tl.augment.deskew(images[:SPECTRAL])))


# --- Features of a network that knows letters ----------------------------------------------------


def letters(images, c):
    """Take the road of the page *Beyond K-means*: K-means, averaged labels, a network on these; and neighbours as a loss."""
    source = tl.data.letters(LETTERS, seed=c.run.seed)
    source = replace(source, x_train=tl.augment.deskew(source.x_train))
    tl.backbones.train_source(backbone := tl.backbones.small_cnn(weights=None), source, LETTERS_EPOCHS)
    upright = tl.augment.deskew(images)
    z = c.two_depths(backbone, upright)
    _, labels = yield from clusters("letters", z, c)
    network = c.fit(c.small_network(c.augment()), upright, labels)
    yield "letters_network", "letters_averaged", c.named(network, upright)
    scan = c.agree(c.with_head(backbone), upright, tl.neighbours.nearest(z, 10))
    yield "neighbour_loss", "letters", c.named(scan, upright)
