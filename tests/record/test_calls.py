"""Dear calls that are answered by what they gave before: to the last bit, or not at all."""

import random

import keras
import numpy as np
import pytest
from arrays import X, Y, on_tensorflow
from keras import layers
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

import tlbook as tl
from tlbook.record import calls, fingerprint

pytestmark = on_tensorflow

# --- A fit, and what comes after it --------------------------------------------------------------


def unbuilt():
    first = [tl.augment.RandomAffine(shift=1.0), layers.Reshape((6, 6, 1)), layers.Conv2D(2, 3)]
    then = [layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.2), layers.Dense(3)]
    return keras.Sequential(first + then)


class Pairs(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, x, training=False):
        return self.network(x, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, *unused, **also):
        return keras.ops.mean(y_pred**2)


def story(network, *data):
    """Train twice, and return all that could come out differently."""
    rates = keras.optimizers.schedules.CosineDecay(1e-2, 12)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if len(data) > 1 else None
    network.compile(keras.optimizers.Adam(rates), loss, metrics=["accuracy"] if loss else None, jit_compile=False)
    first = network.fit(*data, epochs=2, batch_size=8, verbose=0)
    second = network.fit(*data, batch_size=10, verbose=0)
    again = network.predict(X, verbose=0)
    seen = [first.history, first.params, first.epoch, second.history, network.history.history, network.stop_training]
    seen += [network.evaluate(*data, verbose=0)] if loss else []
    variables = [*network.variables, *network.optimizer.variables]
    seen += [[(fingerprint.unnumbered(each.path), each.dtype) for each in variables]]
    later = [np.random.rand(), random.random(), keras.random.normal((2,)).numpy(), unbuilt()(X[:2]).numpy()]  # noqa: NPY002
    return seen, [np.asarray(each) for each in variables], [again, *later]


@pytest.mark.parametrize("kind", ["unbuilt", "own"])
def test_an_answer_is_the_same_to_the_last_bit(kind, kept, tmp_path):
    told, files = [], []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        network, data = (unbuilt(), (X, Y)) if kind == "unbuilt" else (Pairs(unbuilt()), (X,))
        told.append(story(network, *data))
        network.save_weights(tmp_path / "kept.weights.h5")
        files.append(kept.said())
    assert set(files[0]) == {"new"} and set(files[1]) == {"answered"}
    (seen, *arrays), (other, *others) = told
    assert seen == other
    for one, two in zip(arrays[0] + arrays[1], others[0] + others[1], strict=True):
        np.testing.assert_array_equal(one, two, strict=True)


def test_after_an_answer_the_rest_is_computed_as_if_there_had_been_none(kept, monkeypatch):
    def tell():
        keras.utils.set_random_seed(3)
        return story(unbuilt(), X, Y)

    monkeypatch.setattr(calls, "_store", None)
    plain = tell()
    calls.install()
    tell()
    kept.said()
    for path in sorted(kept.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)[1:]:
        path.unlink()  # all but the first fit
    mixed = tell()
    assert kept.said()[:3] == ["answered", "new", "new"]
    assert plain[0] == mixed[0]
    for one, two in zip(plain[1] + plain[2], mixed[1] + mixed[2], strict=True):
        np.testing.assert_array_equal(one, two, strict=True)


# --- Random states -------------------------------------------------------------------------------


def drawing(how):
    """Return a network of which each prediction draws from a random state that is everybody's."""

    class Noisy(keras.Layer):
        def call(self, x):
            return x + how()

    return keras.Sequential([keras.Input((6, 6)), Noisy()])


@pytest.mark.parametrize("again", ["numpy", "python", "keras"])
def test_a_random_state_that_a_call_used_must_be_as_it_was(again, kept):
    how = {
        "numpy": lambda: np.random.rand(),  # noqa: NPY002
        "python": lambda: random.random(),
        "keras": lambda: keras.random.normal(()),
    }[again]

    def tell(seed):
        keras.utils.set_random_seed(0)
        network = drawing(how)
        keras.random.normal(())  # makes the generator
        np.random.seed(seed), random.seed(seed)  # noqa: NPY002
        [keras.random.normal(()) for _ in range(seed)]
        network.run_eagerly = True
        return network.predict(X, verbose=0), np.random.rand(), random.random(), keras.random.normal((2,)).numpy()  # noqa: NPY002

    first, other, third = tell(0), tell(1), tell(0)
    assert kept.said() == ["new", "new", "answered"]
    assert not np.array_equal(first[0], other[0])
    for one, two in zip(first, third, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_random_state_that_a_call_did_not_use_may_be_another(kept):
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002
        KMeans(3, n_init=1, random_state=0).fit(X.reshape(24, -1))
    assert kept.said() == ["new", "answered"]


# --- Estimators and functions --------------------------------------------------------------------


def test_estimators_are_left_as_their_call_left_them(kept):
    rows, told = X.reshape(24, -1), []
    for _ in range(2):
        kmeans = KMeans(3, n_init=2, random_state=0)
        ids = kmeans.fit_predict(rows)
        pca = PCA(2, random_state=0).fit(rows)
        state = {**vars(kmeans), **vars(pca)}
        told.append([ids, kmeans.predict(rows), pca.transform(rows), *(state[name] for name in sorted(state))])
    assert set(kept.said()[-3:]) == {"answered"}
    for one, two in zip(*told, strict=True):
        np.testing.assert_array_equal(one, two)
        assert type(one) is type(two)


@pytest.mark.parametrize("planted", [{"n_init": 3}, {"random_state": 1}, {"tol": 0.1}])
def test_an_estimator_s_argument_decides(planted, kept):
    KMeans(3, **{"n_init": 2, "random_state": 0}).fit(X.reshape(24, -1))
    KMeans(3, **{"n_init": 2, "random_state": 0, **planted}).fit(X.reshape(24, -1))
    assert kept.said() == ["new", "new"]


def test_functions_of_the_package(kept):
    told = []
    for _ in range(2):
        images = tl.data.letters(8, 1, seed=1).x_train
        backbone = tl.backbones.small_cnn("letters-8x8")
        layer_before = keras.Model(backbone.inputs, backbone.layers[-2].output)
        told.append([images, tl.features.extract(layer_before, images, cache=False)])
    assert kept.said() == ["new", "new", "answered", "answered"]
    for one, two in zip(*told, strict=True):
        np.testing.assert_array_equal(one, two, strict=True)
