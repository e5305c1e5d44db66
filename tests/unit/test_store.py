"""Dear calls that are answered by what they gave before: to the last bit, or not at all."""

import json
import os
import random
import signal
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

import tlbook as tl
from tlbook import run
from tlbook.record import calls, fingerprint, store

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="answers are given on TensorFlow alone")

X = np.random.default_rng(0).random((24, 6, 6)).astype("float32")
Y = np.arange(24) % 3


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Switch the store on, for calls however short; `said()` lists what became of the calls since it was last asked."""
    log = tmp_path / "log"
    monkeypatch.setenv("TLBOOK_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TLBOOK_LOG", str(log))
    monkeypatch.setattr(calls, "LEAST", 0)
    monkeypatch.setattr(calls, "_store", None)
    calls.install()

    def events():
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return list(map(json.loads, lines))

    def said():
        return [event["what"] for event in events() if event["kind"] == "store"]

    return SimpleNamespace(said=said, events=events, folder=tmp_path / "store")


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


# --- What decides, and what does not -------------------------------------------------------------

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


# --- What is computed, whatever is kept ----------------------------------------------------------


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


def test_what_hangs_on_a_function_is_part_of_the_key():
    def loss(y, u):
        return loss.power * keras.ops.mean(u)

    loss.power = 1.0
    before = fingerprint.plain_digest(loss)
    loss.power = 2.0
    assert fingerprint.plain_digest(loss) != before


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


def test_a_change_that_keras_would_not_have_seen_is_no_silent_answer(kept, refused):
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
    with refused("Sequential.fit: expected trainable as at its first fit", "--fresh"):
        tell(0.2)


def test_what_is_short_is_not_kept(kept, monkeypatch):
    monkeypatch.setattr(calls, "LEAST", 60)
    KMeans(3, n_init=1, random_state=0).fit(X.reshape(24, -1))
    assert kept.said() == [] and not list(kept.folder.glob("*"))


# --- The folder ----------------------------------------------------------------------------------


def cluster(seed=0):
    return KMeans(3, n_init=1, random_state=seed).fit(X.reshape(24, -1)).labels_


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def foreign(path):
    cluster(1)
    (other,) = (each for each in path.parent.glob("*.npz") if each != path)
    other.replace(path)


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("plant", [cut, changed, foreign, lambda path: path.write_bytes(b""), a_folder])
def test_a_broken_entry_is_computed_anew(plant, kept, capsys):
    labels = cluster()
    (path,) = kept.folder.glob("*.npz")
    plant(path)
    kept.said()
    np.testing.assert_array_equal(cluster(), labels)
    events = kept.events()
    assert [each["what"] for each in events if "what" in each] == ["not kept" if plant is a_folder else "new"]
    notes = [each["text"] for each in events if each["kind"] == "note"]
    assert notes[0].startswith("A broken answer was computed anew: ")
    assert capsys.readouterr().out == ""  # which would stand on the page


def test_entries_are_data_and_never_code(kept):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    with pytest.raises(fingerprint.Unknown):
        store._sealed("x", {"result": np.array([Evil()], object)})


def test_beyond_its_limit_the_folder_loses_what_was_not_used_for_longest(kept, monkeypatch):
    for seed in range(3):
        cluster(seed)
        for age, path in enumerate(sorted(kept.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)):
            os.utime(path, (1_000 + age, 1_000 + age))
    cluster(0)  # used just now
    size = max(path.stat().st_size for path in kept.folder.glob("*.npz"))
    monkeypatch.setattr(store, "LIMIT", 2 * size + 100)
    cluster(3)
    assert len(list(kept.folder.glob("*.npz"))) == 2
    kept.said()
    cluster(0), cluster(3), cluster(1)
    assert kept.said() == ["answered", "answered", "new"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tlbook.record import store
real = Path.replace
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before":
    Path.replace = kill
store.Store(Path(sys.argv[1])).write("a-b-c.npz", b"0" * 1_000_000)
"""


def test_a_killed_process_leaves_no_half_entry_and_its_leftovers_go(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run([*command, "before"]).returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("*.npz"))
    (left,) = tmp_path.iterdir()
    for path in (*left.iterdir(), left):
        os.utime(path, (1, 1))
    subprocess.run([*command, "not"], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a-b-c.npz"]


def test_two_processes_at_once(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path), "not"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a-b-c.npz"]


def test_fresh_computes_and_keeps(kept, monkeypatch):
    cluster()
    monkeypatch.setenv("TLBOOK_FRESH", "1")
    calls.install()
    cluster()
    monkeypatch.setenv("TLBOOK_FRESH", "")
    calls.install()
    cluster()
    assert kept.said() == ["new", "new", "answered"]


def test_where_nothing_is_asked_for_nothing_is_switched_on(monkeypatch):
    monkeypatch.delenv("TLBOOK_STORE", raising=False)
    monkeypatch.setattr(calls, "_store", None)
    tl.start("01_demo")
    assert calls._store is None
