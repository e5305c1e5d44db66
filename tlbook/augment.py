"""Affine distortions of images: random ones while training, and the one that sets a glyph upright."""

import keras
import numpy as np
from keras import ops

from tlbook.arguments import numbers, real, whole
from tlbook.run import require


@keras.saving.register_keras_serializable("tlbook")
class RandomAffine(keras.layers.Layer):
    """Rotates, scales, shears and shifts each image by its own random draw, while training.

    One affine matrix a sample is drawn and applied once; stacked ``RandomRotation``,
    ``RandomZoom`` and ``RandomTranslation`` layers would resample three times. Outside of
    training the images stay as they are. Input: images of shape (n, h, w) or (n, h, w, channels),
    any real dtype; output: the same, float32. What comes in from outside the image is 0 (black).

    Keras knows this layer once this file is imported. Before you load a saved network that has it:
    ``import tlbook.augment``

    Parameters
    ----------
    rotation, zoom, shear, shift : float
        Largest angle in radians, largest change of size as a fraction, largest shear (shift in x
        for each pixel of y) and largest shift in pixels (x and y drawn apart); each either way.
        `TlbookError` if one is negative or not finite, or `zoom` is 1 or more.
    seed : int, optional
        Seed of the layer's own generator; by default drawn from Keras's global one.

    Examples
    --------
    >>> import numpy as np
    >>> layer = RandomAffine(rotation=0.2, seed=0)
    >>> tuple(layer(np.zeros((2, 28, 28), "uint8"), training=True).shape)
    (2, 28, 28)
    """

    def __init__(self, rotation=0.3, zoom=0.15, shear=0.2, shift=2.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        for name, limit in {"rotation": rotation, "zoom": zoom, "shear": shear, "shift": shift}.items():
            high = 1 if name == "zoom" else np.inf
            setattr(self, name, real(f"RandomAffine(): {name}", limit, 0, high, f"{name}=0 for none"))
        self.seed = None if seed is None else whole("RandomAffine(): seed", seed, 0)
        self.generator = keras.random.SeedGenerator(self.seed)

    def build(self, input_shape):
        """Refuse what are not images; `TlbookError` then."""
        good = isinstance(input_shape, list | tuple) and len(input_shape) in (3, 4) and None not in input_shape[1:3]
        expected = "images of shape (n, height, width) or (n, height, width, channels)"
        require(good, "RandomAffine(): images", expected, f"shape {input_shape}", "put it where the images are")

    def call(self, images, training=False):
        """Return the images as floats, distorted if `training`."""
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        flat = len(images.shape) == 3
        if flat:
            images = images[..., None]
        n, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]

        def draw(limit):
            return keras.random.uniform((n,), -limit, limit, dtype=self.compute_dtype, seed=self.generator)

        angle, shear = draw(self.rotation), draw(self.shear)
        cos, sin, zoom = ops.cos(angle), ops.sin(angle), 1 + draw(self.zoom)
        # (x, y) of the output -> (a x + b y + c, d x + e y + f) of the input.
        a, b = cos * zoom, (shear * cos - sin) * zoom
        d, e = sin * zoom, (shear * sin + cos) * zoom
        x0, y0 = (width - 1) / 2, (height - 1) / 2  # turn about the middle, not the corner
        c = x0 - a * x0 - b * y0 + draw(self.shift)
        f = y0 - d * x0 - e * y0 + draw(self.shift)
        none = ops.zeros_like(a)
        matrix = ops.stack([a, b, c, d, e, f, none, none], axis=1)
        images = ops.image.affine_transform(
            images, matrix, interpolation="bilinear", fill_mode="constant", data_format="channels_last"
        )
        return images[..., 0] if flat else images

    def compute_output_shape(self, input_shape):
        """Return `input_shape`: the layer changes no shape."""
        return input_shape

    def get_config(self):
        """Return what rebuilds the layer."""
        own = {name: getattr(self, name) for name in ("rotation", "zoom", "shear", "shift", "seed")}
        return {**super().get_config(), **own}


def deskew(images: np.ndarray, *, batch_size: int = 5_000) -> np.ndarray:
    """Set what each image shows upright and in the middle: one affine warp an image.

    The centre of mass moves to the middle. The slant, the covariance of x and y over the variance of y,
    each pixel weighed by its brightness, is taken out by a shear along x. An image without ink stays as
    it is. Upright once, upright for good: a second call changes little more than the interpolation.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A, for deslanting by moments of inertia.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), uint8
        Grey images, light on black; n at least 1. `TlbookError` if the shape or the dtype is another.
    batch_size : int
        Images warped at once, at least 1.

    Returns
    -------
    ndarray of shape (n, height, width), uint8

    Examples
    --------
    >>> slanted = np.eye(7, dtype="uint8")[None] * 255
    >>> deskew(slanted)[0, :, 3].tolist()
    [255, 255, 255, 255, 255, 255, 255]
    """
    do = "pass grey images from 0 to 255, one channel"
    images, batch_size = numbers("deskew(): images", images, do=do), whole("deskew(): batch_size", batch_size)
    expected, found = "uint8 of shape (n, height, width), n at least 1", f"{images.dtype} of shape {images.shape}"
    require(images.ndim == 3 and images.size and images.dtype == np.uint8, "deskew(): images", expected, found, do)
    return np.concatenate([_deskew(images[at : at + batch_size]) for at in range(0, len(images), batch_size)])


def _deskew(images: np.ndarray) -> np.ndarray:
    n, height, width = images.shape
    ink = images.sum(axis=(1, 2), keepdims=True)
    mass = images.astype("float32") / np.maximum(ink, 1)
    x, y = np.arange(width, dtype="float32"), np.arange(height, dtype="float32")[:, None]
    x_mean, y_mean = (mass * x).sum(axis=(1, 2)), (mass * y).sum(axis=(1, 2))
    dx, dy = x - x_mean[:, None, None], y - y_mean[:, None, None]
    slant = (mass * dx * dy).sum(axis=(1, 2)) / np.maximum((mass * dy * dy).sum(axis=(1, 2)), 1e-3)
    x0, y0, blank = (width - 1) / 2, (height - 1) / 2, ink[:, 0, 0] == 0
    # (x, y) of the output -> (x + slant (y - y0) + x_mean - x0, y + y_mean - y0) of the input.
    c, f = (np.where(blank, 0, shift) for shift in (x_mean - x0 - slant * y0, y_mean - y0))
    one, none = np.ones(n), np.zeros(n)
    matrix = np.stack([one, slant, c, none, one, f, none, none], axis=1).astype("float32")
    moved = ops.image.affine_transform(images[..., None].astype("float32"), matrix, data_format="channels_last")
    return np.clip(np.round(ops.convert_to_numpy(moved)[..., 0]), 0, 255).astype(np.uint8)
