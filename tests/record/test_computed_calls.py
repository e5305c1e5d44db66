"""What is computed, whatever is kept: calls that are not known for certain, have effects, or are being timed."""

import keras
import numpy as np
import pytest
from arrays import X, Y, on_tensorflow
from keras import layers
from sklearn.cluster import KMeans

from tlbook import TlbookError
from tlbook.record import calls

pytestmark = on_tensorflow


def fitted(**options):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((6, 6)), layers.Flatten(), layers.Dense(3)])
    network.compile("sgd", "mse", jit_compile=False)
    return network.fit(**{"x": X, "y": np.eye(3)[Y], "verbose": 0, **options})


class Mute(keras.callbacks.Callback):
    pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"callbacks": [Mute()]}, "has callbacks"),
        ({"verbose": 2}, "shows its progress"),
        ({"x": lambda: ((X, np.eye(3)[Y]) for _ in range(1)), "y": None}, "is given no arrays"),
    ],
    ids=["a callback", "progress", "a generator"],
)
def test_what_is_unknown_is_computed(options, words, kept):
    for _ in range(2):
        given = {name: value() if callable(value) and name == "x" else value for name, value in options.items()}
        fitted(**given)
    assert kept.said() == [words] * 2
    assert not list(kept.folder.glob("*"))


def test_code_with_effects_is_computed(kept):
    heard = []

    def loud(y, u):
        heard.append(1)
        return keras.ops.mean(u)

    for _ in range(2):
        network = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
        network.compile("sgd", loud, jit_compile=False)
        network.fit(X[:, 0, :2], X[:, 0, :1], verbose=0)
    assert "changed what it was given" in kept.said()
    assert len(heard) >= 2


AROUND = """
import contextlib, time
from time import perf_counter

def plainly(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

def by_name(call):
    began = perf_counter()
    call()
    return perf_counter() - began

@contextlib.contextmanager
def clock():
    time.perf_counter()
    yield

def by_a_context(call):
    with clock():
        call()

class Clock:
    def __enter__(self):
        time.monotonic()

    def __exit__(self, *_):
        pass

def by_a_class(call):
    with Clock():
        call()
"""


@pytest.mark.parametrize("how", ["plainly", "by_name", "by_a_context", "by_a_class"])
def test_what_is_being_timed_is_computed(how, kept):
    scope = {"__name__": "__main__"}
    exec(AROUND, scope)
    for _ in range(2):
        scope[how](lambda: KMeans(3, n_init=1, random_state=0).fit(X.reshape(24, -1)))
    assert kept.said() == ["timed", "timed"]


def test_a_change_that_keras_would_not_have_seen_is_no_silent_answer(kept):
    def tell(rate):
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((6, 6)), layers.Flatten(), layers.Dense(3)])
        network.compile("sgd", "mse", jit_compile=False)
        network.fit(X, np.eye(3)[Y], verbose=0)
        network.layers[1].trainable = False  # without compiling anew: Keras goes on as before
        network.optimizer.learning_rate = rate
        network.fit(X, np.eye(3)[Y], verbose=0)
        return network.get_weights()

    first, again = tell(0.1), tell(0.1)
    np.testing.assert_array_equal(first[0], again[0])
    with pytest.raises(TlbookError, match=r"Sequential\.fit: expected trainable as at its first fit.*--fresh"):
        tell(0.2)


def test_what_is_short_is_not_kept(kept, monkeypatch):
    monkeypatch.setattr(calls, "LEAST", 60)
    KMeans(3, n_init=1, random_state=0).fit(X.reshape(24, -1))
    assert kept.said() == [] and not list(kept.folder.glob("*"))
