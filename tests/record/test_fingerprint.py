"""What decides the result of a call is part of its key, and what cannot decide is not."""

import keras
import numpy as np
import pytest
from arrays import X, Y, on_tensorflow
from keras import layers

import tlbook as tl
from tlbook import run
from tlbook.record import calls, fingerprint

pytestmark = on_tensorflow


OWN = '''
import keras
import numpy as np

scale, weights = 2.0, np.ones(3, "float32")


class Scaled(keras.Layer):
    def __init__(self, by=1.0):
        super().__init__()
        self.by = by

    def call(self, x):
        """Scale."""
        return scale * self.by * x  # a comment


class Own(keras.Model):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def call(self, x, training=False):
        return self.body(x, training=training)

    def train_step(self, data):
        return super().train_step(data)


def own_loss(power):
    def loss(y, u):
        return keras.ops.mean(keras.ops.abs(u) ** power * weights, axis=-1)

    return loss


class Slow(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient / 2, variable, learning_rate)
'''


def key(old="", new="", after=None, **options):
    """Return the key of a training, in which something of its code, its parts or its arguments may be another."""
    scope = {}  # without a name of its own, as where a program runs a chapter's definitions
    assert old in OWN
    exec(OWN.replace(old, new), scope)
    keras.utils.set_random_seed(options.pop("seed", 0))
    for _ in range(options.pop("before", 0)):
        layers.Dense(2)
    body = [keras.Input((6, 6)), layers.Flatten(), scope["Scaled"](options.pop("by", 1.0))]
    body += [layers.Dense(options.pop("units", 4), "relu"), layers.Dropout(options.pop("rate", 0.1)), layers.Dense(3)]
    network = scope["Own"](keras.Sequential(body))
    network(X[:1])
    network.body.layers[2].set_weights([np.ones_like(each) for each in network.body.layers[2].get_weights()])
    optimizer = options.pop("optimizer", None) or scope["Slow"](options.pop("learning_rate", 0.1))
    loss = options.pop("loss", None) or scope["own_loss"](options.pop("power", 2))
    network.compile(optimizer, loss, metrics=options.pop("metrics", None), jit_compile=options.pop("jit", False))
    network.optimizer.build(network.trainable_variables)
    if after:
        after(network)
    given = {"x": X, "y": Y, "verbose": 0, "batch_size": 8, **options}
    return calls._Fit(keras.Model.fit, (network,), given).key


def one_pixel():
    other = X.copy()
    other[5, 2, 2] += 1e-6
    return other


def another_weight(network):
    network.body.layers[2].kernel.assign_add(np.eye(36, 4) * 1e-6)


PLANTED = {
    "a layer's argument": {"units": 5},
    "a layer's number": {"rate": 0.2},
    "an attribute of a layer of one's own": {"by": 2.0},
    "the code of a layer": {"old": "self.by * x", "new": "self.by + x"},
    "a train_step": {"old": "return super().train_step(data)", "new": "return super().train_step(data[::1])"},
    "a loss's code": {"old": "** power * weights", "new": "** power + weights"},
    "a loss's closure": {"power": 3},
    "an array that a loss reads": {"old": "np.ones(3", "new": "2 * np.ones(3"},
    "a global that a layer reads": {"old": "scale, weights = 2.0", "new": "scale, weights = 3.0"},
    "the code of an optimiser": {"old": "gradient / 2", "new": "gradient / 3"},
    "another optimiser": {"optimizer": keras.optimizers.Adam(0.1)},
    "its learning rate": {"learning_rate": 0.2},
    "its state": {"after": lambda network: network.optimizer.iterations.assign(1)},
    "a loss": {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
    "an argument of a loss": {"loss": keras.losses.SparseCategoricalCrossentropy()},
    "metrics": {"metrics": ["accuracy"]},
    "the compiler": {"jit": True},
    "a weight": {"after": another_weight},
    "a seed generator": {"after": lambda network: network.body.layers[3].seed_generator.next()},
    "what is frozen": {"after": lambda network: setattr(network.body.layers[2], "trainable", False)},
    "one pixel": {"x": one_pixel()},
    "the type of the pixels": {"x": X.astype("float64")},
    "labels": {"y": Y[::-1].copy()},
    "epochs": {"epochs": 2},
    "batch_size": {"batch_size": 12},
    "shuffle": {"shuffle": False},
    "sample_weight": {"sample_weight": np.ones(24)},
    "class_weight": {"class_weight": {0: 1.0, 1: 2.0, 2: 1.0}},
    "validation data": {"validation_data": (X, Y)},
    "validation_split": {"validation_split": 0.5},
    "the seed": {"seed": 1},
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_decides_is_part_of_the_key(planted):
    assert key() != key(**planted)


@pytest.mark.parametrize(
    "planted",
    [
        {},
        {"old": '"""Scale."""', "new": '"""Scale what comes."""'},
        {"old": '        """Scale."""\n', "new": ""},
        {"old": "# a comment", "new": "# another"},
        {"old": "class Scaled", "new": "\n\n\nunused = 1\n\n\nclass Scaled"},
    ],
    ids=["nothing", "a docstring", "no docstring", "a comment", "lines"],
)
def test_what_cannot_decide_is_not(planted):
    assert key() == key(**planted)


def test_what_a_try_holds_is_part_of_the_key():
    def inside(a, b):
        try:
            a()
            b()
        except ValueError:
            pass

    def beside(a, b):
        try:
            a()
        except ValueError:
            pass
        else:
            b()

    beside.__code__ = beside.__code__.replace(co_name="inside")
    assert fingerprint.plain_digest(inside) != fingerprint.plain_digest(beside)


def test_the_numbers_in_names_that_keras_counts_up_are_not_part_of_the_key():
    first = key(after=lambda network: [each.assign(each * 0) for each in network.variables])
    layers.Conv2D(1, 1), layers.Dense(2), layers.Flatten()
    assert key(after=lambda network: [each.assign(each * 0) for each in network.variables]) == first


@pytest.mark.parametrize(
    ("where", "what", "value"),
    [
        (run, "versions", lambda: {"keras": "0.1"}),
        (run, "device", lambda: "gpu"),
        (run, "cores", lambda: 99),
        (keras.backend, "backend", lambda: "other"),
        (calls.platform, "machine", lambda: "other"),
        (keras.config, "floatx", lambda: "float64"),
    ],
    ids=["a library", "the device", "cores", "the backend", "the machine", "floatx"],
)
def test_the_machine_and_its_libraries_decide(where, what, value, monkeypatch):
    before = calls._context()
    monkeypatch.setattr(where, what, value)
    assert fingerprint.plain_digest(calls._context()) != fingerprint.plain_digest(before)


def test_a_setting_of_tensorflow_decides(monkeypatch):
    before = calls._context()
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "7")
    assert calls._context() != before


def test_where_keras_keeps_its_files_decides_nothing(monkeypatch, tmp_path):
    before = calls._context()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert calls._context() == before


def test_what_hangs_on_a_function_is_part_of_the_key():
    def loss(y, u):
        return loss.power * keras.ops.mean(u)

    loss.power = 1.0
    before = fingerprint.plain_digest(loss)
    loss.power = 2.0
    assert fingerprint.plain_digest(loss) != before


def counting():
    count = 0

    def count_on(y, u):
        nonlocal count
        count += 1
        return keras.ops.mean(u)

    return count_on


def telling(y, u):
    tl.claim("it is told", True)
    return keras.ops.mean(u)


@pytest.mark.parametrize("loss", [counting(), telling], ids=["it counts on", "it makes a claim"])
def test_what_would_not_happen_in_an_answered_call_is_computed(loss):
    with pytest.raises(fingerprint.Unknown, match="code that"):
        fingerprint.plain_digest(loss)
