"""What the dear calls of these tests are given, and the mark of tests that make such calls."""

import keras
import numpy as np
import pytest

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
on_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="answers are given on TensorFlow alone")

X = np.random.default_rng(0).random((24, 6, 6)).astype("float32")
Y = np.arange(24) % 3
