"""Networks that somebody else trained, made again from plain values: counted and tried by nobody's code but ours."""

from __future__ import annotations

import numpy as np

from tlbook.course.answers import is_setting
from tlbook.run import TlbookError, require

# Layers that do what their settings say, and run no code that comes with them.
KNOWN = (
    "Activation Add AveragePooling2D BatchNormalization Conv2D Dense DepthwiseConv2D Dropout Flatten "
    "GlobalAveragePooling2D GlobalMaxPooling2D InputLayer LayerNormalization LeakyReLU MaxPooling2D "
    "ReLU Rescaling Reshape SeparableConv2D Softmax SpatialDropout2D ZeroPadding2D"
).split()
LARGEST = 10_000  # number in a setting: of units, say
MOST = 2_000_000  # numbers in all weights together


def parameters(network: dict) -> int:
    """Return how many numbers a network has learned, moving averages included, and the scales of `Rescaling`.

    >>> parameters({"layers": [{"weights": [np.zeros((3, 2)), np.zeros(2)]}]})
    8
    """
    weights = sum(np.size(part) for layer in network["layers"] for part in layer["weights"])
    lists = [value for layer in network["layers"] for value in layer.get("config", {}).values()]
    return weights + sum(isinstance(each, float) for value in lists if isinstance(value, list) for each in value)


def build(network: dict):
    """Return the `keras.Sequential` that `tlbook.course.answers.network` wrote down.

    Each layer is made from its class, of a short list, and its plain settings: nothing that a layer brings along is
    run or imported. `TlbookError` if a layer is of no class in the list, or settings and weights do not fit.
    """
    import keras

    try:
        shape, parts = tuple(int(side) for side in network["input_shape"]), list(network["layers"])
        total = parameters(network)
        names = [str(part["class"]) for part in parts]
    except (KeyError, TypeError, ValueError) as error:
        raise TlbookError(
            "network", "layers one after the other", str(error)[:80], "send a keras.Sequential"
        ) from error
    do = f"use these: {', '.join(KNOWN)}"
    strange = [name for name in names if name not in KNOWN]
    require(not strange, "network", "layers whose settings say all that they do", ", ".join(strange)[:80], do)
    require(total <= MOST, "network", f"at most {MOST:,} parameters", f"{total:,}", "make it smaller")
    require(len(parts) <= 100, "network", "at most 100 layers", len(parts), "make it smaller")
    try:
        layers = [getattr(keras.layers, part["class"])(**_settings(part["config"])) for part in parts]
        layers = [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]
        model = keras.Sequential([keras.Input(shape), *layers])
        require(model.count_params() <= MOST, "network", f"at most {MOST:,} parameters", model.count_params(), "")
        weights = [part["weights"] for part in parts if part["class"] != "InputLayer"]
        for layer, own in zip(model.layers, weights, strict=True):
            layer.set_weights([np.asarray(part) for part in own])
    except TlbookError:
        raise
    except Exception as error:  # of any layer's settings, each has its own
        found = " ".join(str(error).split())[:150]
        raise TlbookError("network", "settings and weights that fit", found, "send the network as it is") from error
    return model


def _settings(config: dict) -> dict:
    """Return what a layer is made with: how weights began and what names they had changes nothing now."""
    drop = ("name", "trainable", "dtype", "seed", "batch_shape", "build_config", "quantization_config")
    skip = ("_initializer", "_regularizer", "_constraint")
    kept = {key: value for key, value in config.items() if key not in drop and not key.endswith(skip)}
    for key, value in kept.items():
        found, do = f"{key}={value!r}"[:80], "use layers as Keras makes them"
        require(is_setting(value), "network", "settings that are numbers and texts, up to four", found, do)
        numbers = [each for each in np.ravel(value) if isinstance(each, int | float | np.number)]
        require(all(abs(each) <= LARGEST for each in numbers), "network", f"settings up to {LARGEST:,}", found, do)
    return {key: value for key, value in kept.items() if value is not None}
