import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tlbook as tl
from tlbook import claims


@pytest.fixture
def events(tmp_path, monkeypatch, quick):
    """Return a function that reads what the recorder was told."""
    file = tmp_path / "events.jsonl"
    monkeypatch.setenv("TLBOOK_LOG", str(file))
    return lambda: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@pytest.mark.parametrize("mode", ["warn", "raise", "log"])
@pytest.mark.parametrize("holds", [True, np.float32(2) > 1])
def test_a_true_claim_prints_a_tick_and_is_logged(mode, holds, events, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_CLAIMS", mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tl.claim("two is more than one", holds)
    assert capsys.readouterr().out == "✓ two is more than one\n"
    assert events() == [{"kind": "claim", "text": "two is more than one", "holds": True}]


FALSE = {"kind": "claim", "text": "one is more than two", "holds": False}


def test_a_false_claim_raises_when_told_to(events, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_CLAIMS", "raise")
    with pytest.raises(claims.FalseClaimError, match="one is more than two"):
        tl.claim("one is more than two", 1 > 2)
    assert "✗ FALSE: one is more than two" in capsys.readouterr().out
    assert events() == [FALSE]


@pytest.mark.parametrize("mode", ["warn", "", None])
def test_a_false_claim_warns_by_default(mode, events, monkeypatch):
    monkeypatch.delenv("TLBOOK_CLAIMS") if mode is None else monkeypatch.setenv("TLBOOK_CLAIMS", mode)
    with pytest.warns(UserWarning, match="one is more than two") as seen:
        tl.claim("one is more than two", np.bool_(False))
    assert seen[0].filename == __file__  # the line that makes the claim
    assert events() == [FALSE]


def test_a_false_claim_is_only_logged_while_recording(events, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_CLAIMS", "log")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tl.claim("one is more than two", 1 > 2)
    assert "✗ FALSE" in capsys.readouterr().out
    assert events() == [FALSE]


def test_a_claim_for_the_full_profile_is_left_open_in_quick(events, capsys):
    tl.claim("one is more than two", False, full_only="too few images here")
    assert "left open" in capsys.readouterr().out
    assert events() == []


def test_a_claim_for_the_full_profile_is_tested_there(events, monkeypatch):
    monkeypatch.setenv("TLBOOK_PROFILE", "full")
    monkeypatch.setenv("TLBOOK_CLAIMS", "raise")  # elsewhere than on TensorFlow a false one only warns
    tl.start("01_demo")
    with pytest.raises(claims.FalseClaimError):
        tl.claim("one is more than two", False, full_only="too few images here")


@pytest.mark.parametrize("text", [None, 3, "", " two", "two\nlines", ["two"]])
def test_a_claim_is_one_line_of_text(text, events, refused):
    with refused("claim(): text", repr(text)):
        tl.claim(text, True)
    assert events() == []


@pytest.mark.parametrize("reason", ["", "x", "too small", 3, ["a", "b", "c"]])
def test_full_only_needs_a_reason_in_words(reason, events, refused):
    with refused("full_only", "a reason in words", repr(reason)):
        tl.claim("two is more than one", True, full_only=reason)
    assert events() == []


@pytest.mark.parametrize("holds", [1, None, "yes", 0.0, np.array([True, False]), [True]])
def test_what_is_no_truth_value_is_no_claim(holds, events, refused):
    with refused("two is more than one", "True or False"):
        tl.claim("two is more than one", holds)
    assert events() == []


def test_an_unknown_mode_is_refused(events, monkeypatch, refused):
    monkeypatch.setenv("TLBOOK_CLAIMS", "ignore")
    with refused("TLBOOK_CLAIMS", "warn", "raise", "log", "'ignore'"):
        tl.claim("two is more than one", True)


def test_claims_and_numbers_need_a_run(monkeypatch, refused):
    monkeypatch.setattr("tlbook.run._current", None)
    with refused("tl.start"):
        tl.claim("two is more than one", True)
    with refused("tl.start"):
        tl.number("acc", 0.5)


@pytest.mark.parametrize("unit", claims.UNITS)
def test_a_number_is_printed_and_handed_to_the_recorder(unit, events, capsys):
    tl.number("some_acc_2", np.float32(0.5), unit, dataset="MNIST")
    assert events() == [{"kind": "number", "name": "some_acc_2", "value": 0.5, "unit": unit, "dataset": "MNIST"}]
    assert capsys.readouterr().out == f"some_acc_2 = {claims.written(0.5, unit)}\n"


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Put another register in the place of the book's."""
    monkeypatch.delenv("TLBOOK_LOG", raising=False)
    monkeypatch.setattr(claims, "REGISTER", tmp_path / "results.json")
    tl.start("01_demo")
    row = {"chapter": "01_demo", "name": "acc", "mean": 0.916, "sd": 0.004, "unit": "fraction"}
    return lambda content=None: claims.REGISTER.write_text(json.dumps([row]) if content is None else content)


def test_beside_a_number_stands_what_was_recorded(register, capsys):
    register()
    capsys.readouterr()
    tl.number("acc", 0.903)
    tl.number("new_acc", 0.903)
    assert capsys.readouterr().out == "acc = 90.3 % here · 91.6 ± 0.4 % recorded (full)\nnew_acc = 90.3 %\n"


def test_while_recording_nothing_of_the_last_time_is_printed(register, monkeypatch, tmp_path, capsys):
    register()
    monkeypatch.setenv("TLBOOK_LOG", str(tmp_path / "log"))
    capsys.readouterr()
    tl.number("acc", 0.903)
    assert capsys.readouterr().out == "acc = 90.3 %\n"


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", "[3]", '[{"chapter": "01_demo", "name": "acc"}]', "{}", "null"]
)
def test_a_number_needs_no_register(content, register, capsys):
    if content is not None:
        register(content)
    capsys.readouterr()
    tl.number("acc", 0.903)
    assert capsys.readouterr().out == "acc = 90.3 %\n"


@pytest.mark.parametrize("name", ["Acc", "raw acc", "raw-acc", "", "2nd", "acc%", "größe", None, 3, ["a"]])
def test_names_that_are_none_are_refused(name, events, refused):
    with refused("number(): name", "lower case", repr(name)):
        tl.number(name, 0.5)
    assert events() == []


@pytest.mark.parametrize("unit", ["percent", "%", "", "s", None, ["fraction"], np.array(["fraction", "MB"])])
def test_unknown_units_are_refused_with_the_known_ones(unit, events, refused):
    with refused("number acc: unit", "fraction", "images/s", repr(unit)):
        tl.number("acc", 0.5, unit)
    assert events() == []


@pytest.mark.parametrize("value", [51.3, -0.1, float("nan"), float("inf"), None, "0.5"])
def test_fractions_are_from_0_to_1(value, events, refused):
    with refused("number acc", "from 0 to 1", f"found {value}"):
        tl.number("acc", value)
    assert events() == []


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), None, "3", np.array([1.0, 2.0]), [1.0], 10**400, 1j],
    ids=lambda value: type(value).__name__,
)
def test_other_numbers_are_finite(value, events, refused):
    with refused("number time", "a finite number"):
        tl.number("time", value, "seconds")
    assert events() == []


@pytest.mark.parametrize("dataset", [["x"], "", 3, "<script>alert(1)</script>", "two\nlines", "a | b", "`x`"])
def test_a_data_set_has_a_plain_name(dataset, events, refused):
    with refused("number acc: dataset", repr(dataset)):
        tl.number("acc", 0.5, dataset=dataset)
    assert events() == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.5127, "fraction"), "51.3 %"),
        ((0.91234, "fraction", 0.0101), "91.2 ± 1.0 %"),
        ((1.0, "fraction", 0.0), "100.0 ± 0.0 %"),
        ((-0.2, "points"), "−0.2 points"),
        ((40.04, "points", 1.26), "40.0 ± 1.3 points"),
        ((1234.6, "images/s"), "1,235 images/s"),
        ((1234.6, "images/s", 12.3), "1,235 ± 12 images/s"),
        ((99.9, "errors"), "99.9 errors"),
        ((3.14, "×"), "3.1 ×"),
    ],
)
def test_numbers_are_written_as_the_book_prints_them(arguments, text):
    assert claims.written(*arguments) == text


@given(st.floats(0, 1))
def test_a_written_fraction_is_within_rounding_of_its_value(value):
    assert float(claims.written(value, "fraction").removesuffix(" %")) == pytest.approx(100 * value, abs=0.0501)


def test_a_symptom_is_one_short_line_without_colours(events, capsys):
    def fails():
        raise ValueError("\x1b[1mtwo\n  lines\x1b[0m " + "x" * 200)

    tl.symptom(fails, ValueError)
    said = capsys.readouterr().out
    assert said.startswith("ValueError: two lines xxx")
    assert len(said) < 170
    assert events() == []


def test_a_symptom_that_does_not_show_is_a_false_claim(events, monkeypatch):
    monkeypatch.setenv("TLBOOK_CLAIMS", "raise")
    with pytest.raises(claims.FalseClaimError, match="this code ends in ValueError"):
        tl.symptom(lambda: None, ValueError)
    assert [event["holds"] for event in events()] == [False]


def test_another_error_is_no_symptom(quick):
    with pytest.raises(KeyError):
        tl.symptom(lambda: {}["missing"], ValueError)


@pytest.mark.parametrize(("action", "error"), [(3, ValueError), (print, "ValueError"), (print, KeyboardInterrupt)])
def test_a_symptom_is_of_a_function_and_an_error(action, error, quick, refused):
    with refused("symptom()"):
        tl.symptom(action, error)


@pytest.mark.parametrize("unit", ["fraction", "seconds"])
@pytest.mark.parametrize("value", [True, np.bool_(1), np.array(True), np.timedelta64(1, "s"), np.array(1, "m8[s]")])
def test_a_truth_value_and_a_span_of_time_are_no_numbers(value, unit, events, refused):
    with refused("number acc", "number"):
        tl.number("acc", value, unit)
    assert events() == []


@pytest.mark.parametrize("value", [10**5000, 10**400, np.longdouble("1e4000")], ids=lambda value: type(value).__name__)
def test_numbers_that_no_float_can_hold_are_refused(value, events, refused):
    with refused("number acc", "a finite number"):
        tl.number("acc", value, "seconds")
    for name, text in ((value, "x"), ("acc", value)):
        with refused("number"):
            tl.number(name, 0.5, dataset=text)
    assert events() == []
