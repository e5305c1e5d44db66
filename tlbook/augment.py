"""Random distortions of images: one affine draw a sample, one resampling."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tlbook")
class RandomAffine(keras.layers.Layer):
    """Rotates, scales, shears and shifts each image by its own random draw, while training.

    One affine matrix a sample is drawn and applied once; stacked ``RandomRotation``,
    ``RandomZoom`` and ``RandomTranslation`` layers would resample three times. Outside of
    training the images stay as they are. Input: images of shape (n, h, w) or (n, h, w, channels),
    any real dtype; output: the same, float32. What comes in from outside the image is 0 (black).

    Parameters
    ----------
    rotation, zoom, shear, shift : float
        Largest angle in radians, largest change of size as a fraction, largest shear (shift in x
        for each pixel of y) and largest shift in pixels (x and y drawn apart); each either way.
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
        self.rotation, self.zoom, self.shear, self.shift, self.seed = rotation, zoom, shear, shift, seed
        self.generator = keras.random.SeedGenerator(seed)

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
