"""Answers are plain values, written down and read again; whatever else a notebook holds stays there."""

import json
import math

import numpy as np
import pytest

import tlbook as tl
from tlbook.course import Answers, answers, networks

PLAIN = [None, True, 3, -0.5, "seven", [1, [2.5, "x"]], {"acc": [0.1, 0.2], 10: None}, math.inf, 2**62]
ARRAYS = [np.arange(6).reshape(2, 3), np.zeros((0, 4), "float32"), np.array(True), np.asfortranarray(np.eye(3))[::2]]


@pytest.mark.parametrize("value", PLAIN, ids=str)
def test_plain_values_come_back_as_they_were(value):
    assert Answers({"x": value})["x"] == value


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_come_back_with_dtype_and_shape_and_are_copies(array):
    found = Answers({"x": array})["x"]
    np.testing.assert_array_equal(found, array, strict=True)
    found[...] = 0
    np.testing.assert_array_equal(Answers({"x": array})["x"], array)


def test_nan_tuples_and_numpy_scalars_become_python():
    found = Answers({"x": (np.float32(0.5), np.nan, np.int8(3))})["x"]
    assert found[0] == 0.5 and math.isnan(found[1]) and type(found[2]) is int


def test_functions_get_copies_and_cannot_change_what_the_test_holds():
    def spoil(x):
        x[:] = 0
        return {"sum": x.sum()}

    asked = np.array([1.0, 2.0])
    assert Answers({"spoil": spoil}).call("spoil", asked) == {"sum": 0.0} and asked.tolist() == [1, 2]


class Sly:
    def __reduce__(self):
        return print, ("run while unpickled",)

    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Sly(), "x: expected a plain value; found Sly"),
        (np.array([Sly()]), "x: expected a plain value; found ndarray"),
        (np.array(["a"]), "x: expected a plain value; found ndarray"),
        (lambda: 3, "x: expected a plain value; found function"),
        ({(1, 2): 3}, "x: expected a dictionary whose keys are texts or numbers"),
        (10**30, "x: expected a number of at most 63 bits"),
        (np.zeros(10_000_000), "x: expected at most 40,000,000 bytes"),
    ],
    ids=lambda part: part if isinstance(part, str) else type(part).__name__,
)
def test_what_is_not_plain_is_refused(value, said):
    with pytest.raises(tl.TlbookError, match=said):
        Answers({"x": value})["x"]


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(tl.TlbookError, match="lists within lists without end"):
        Answers({"x": endless})["x"]


def test_missing_answers_and_what_is_no_function_are_named():
    with pytest.raises(tl.TlbookError, match=r"acc: expected an answer of this name; found none.*acc = …"):
        Answers({})["acc"]
    with pytest.raises(tl.TlbookError, match="acc: expected a function; found float"):
        Answers({"acc": 0.5}).call("acc")
    with pytest.raises(ZeroDivisionError):
        Answers({"f": lambda: 1 / 0}).call("f")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"array": "AAAA", "shape": [1], "dtype": "|O"}',
        '{"array": "!!", "shape": [1], "dtype": "|u1"}',
        '{"array": "AAAA", "shape": [1000000000], "dtype": "|u1"}',
        '{"array": "AAAA", "shape": ["3"], "dtype": "|u1"}',
        '{"array": "AAAA", "shape": [3], "dtype": "no"}',
        '{"keys": [[1]], "values": [2]}',
        '{"keys": [1], "values": []}',
        '{"number": "seven"}',
        '{"array": "", "shape": [1000000000, 0], "dtype": "<f8"}',
        f"[{2**61 * 2_000}]",
        '{"odd": 1}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_nobody_wrote_is_no_answer(text):
    with pytest.raises(ValueError, match=None):
        answers.read(text)


# --- Networks ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    import keras

    layers = keras.layers
    parts = [layers.Rescaling(1 / 255), layers.Reshape((8, 8, 1)), layers.Conv2D(4, 3, activation="relu")]
    parts += [layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(3)]
    return keras.Sequential([keras.Input((8, 8)), *parts])


def test_a_network_comes_back_the_same_and_is_counted(model):
    found = Answers({"student": model}).network("student")
    again = networks.build(found)
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype("float32")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    assert networks.parameters(found) == model.count_params() == 167


def test_scales_that_were_learned_count_as_parameters():
    layers = [{"class": "Rescaling", "config": {"scale": [0.1, 0.2, 0.3]}, "weights": []}]
    assert networks.parameters({"layers": layers}) == 3


def test_what_is_no_network_is_refused():
    with pytest.raises(tl.TlbookError, match=r"network: expected a keras\.Sequential that was built; found int"):
        Answers({"student": 3}).network("student")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda n: n["layers"][1].update({"class": "Lambda"}),
            "layers whose settings say all that they do; found Lambda",
        ),
        (lambda n: n["layers"][1].update({"class": "__class__"}), "found __class__"),
        (lambda n: n["layers"].append({"class": "Dense", "config": {"units": 10**9}, "weights": []}), "network"),
        (lambda n: n["layers"][2]["weights"].pop(), "settings and weights that fit"),
        (
            lambda n: n["layers"][2]["config"].update({"filters": {"module": "os"}}),
            "settings that are numbers and texts",
        ),
        (lambda n: n["layers"][2]["config"].update({"activation": {"class_name": "Sequential"}}), "numbers and texts"),
        (lambda n: n["layers"][-1]["config"].update({"units": 200_000}), "settings up to 10,000"),
        (lambda n: n["layers"][0]["config"].update({"scale": [0.5] * 784}), "settings that are numbers and texts"),
        (lambda n: n.pop("input_shape"), "layers one after the other"),
        (lambda n: n["layers"][2]["weights"].append(np.zeros(3_000_000, "uint8")), "at most 2,000,000 parameters"),
        (lambda n: n.update(layers=n["layers"] * 20), "at most 100 layers"),
    ],
)
def test_a_network_that_nobody_could_send_is_refused(model, spoil, said):
    found = json.loads(answers.write(answers.network(model)))
    network = answers.read(json.dumps(found))
    spoil(network)
    with pytest.raises(tl.TlbookError, match=said):
        networks.build(network)


# --- Tests at home -------------------------------------------------------------------------------


def test_tests_at_home_leave_the_notebooks_names_alone(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_cell("import tlbook as tl\nanswers = tl.course.Answers(globals())\nx, hidden = 3, 4", silent=True)
    passed = shell.run_cell("%%tests\nx = answers['x'] + 1\nassert x == 4")
    assert passed.success and "✓ passed" in capsys.readouterr().out and shell.user_ns["x"] == 3
    leaning = shell.run_cell("%%tests\nassert hidden == 4")
    assert isinstance(leaning.error_in_exec, NameError)  # as it would be when it is graded
    failing = shell.run_cell("%%tests\nassert answers['x'] == 5, 'three is not five'")
    assert str(failing.error_in_exec) == "three is not five"
    InteractiveShell.clear_instance()
