"""What a recording does not compute again: its dear calls are answered from the store, and its run says so."""

import json

from toy import TOY, change_toy, in_run, tlbook_command

from tlbook.record import book, runs


def dear_toy(toy):
    """Have the toy's number come from K-means, of which its store believes that it takes a minute."""
    dear = "from sklearn.cluster import KMeans\n\nrows = np.random.rand(100, 10)\n"
    dear += "value = float(KMeans(3, n_init=1, random_state=0).fit(rows).inertia_ % 1)"
    change_toy(toy, "value = float(np.random.rand())", dear)
    path, measured = toy / "tlbook" / "record" / "calls.py", "seconds = time.perf_counter() - computing"
    text = path.read_text(encoding="utf-8")
    assert text.count(measured) == 1
    path.write_text(text.replace(measured, f"{measured} + 60 * (function.__qualname__ == 'KMeans.fit')"))


def one_run(toy, out, *arguments):
    done = tlbook_command(toy, "record", TOY, "--seed", "0", "--out", str(out), *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads((out / f"{TOY}-seed-0.json").read_text()), done.stdout


def test_a_second_recording_computes_nothing_and_says_what_it_would_have_cost(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBOOK_STORE", str(tmp_path / "store"))
    dear_toy(toy)
    first, said = one_run(toy, tmp_path / "first")
    assert first["store"]["answered"] == 0 and first["store"]["why"] == {"KMeans.fit: new": 1}
    assert " s (as computed: " in said and "; 0 answers, 1 computed)" in said
    assert [cell[::2] for cell in first["cells"]] == [
        [1, "import numpy as np"],
        [2, "from sklearn.cluster import KMeans"],
        [3, 'tl.claim("it is above zero", value > 0)'],
        [4, 'tl.plots.gallery(d.x_train[:2], "ab", title="Two", alt="Two letters in a row", columns=2)'],
    ]
    change_toy(toy, 'print("other = 3")', 'print("other = 4")')
    second, said = one_run(toy, tmp_path / "second")
    assert "; 1 answers, 0 computed)" in said
    assert second["numbers"] == first["numbers"] and second["claims"] == first["claims"]
    assert second["seconds"] > second["store"]["seconds"] + 30
    assert runs.alike(second) | {"code": 0} == runs.alike(first) | {"code": 0}
    fresh, said = one_run(toy, tmp_path / "fresh", "--fresh")
    assert "; 0 answers, 1 computed)" in said
    assert fresh["numbers"] == first["numbers"]


def test_a_run_that_was_answered_runs_again_where_all_shall_be_computed(again, capsys):
    root, ran = again
    in_run(lambda run: run["store"].update(answered=3))(root / "_build" / "record")
    book.record(TOY, [0, 1])
    assert ran == []
    book.record(TOY, [0, 1], fresh=True)
    assert ran == [1]
    assert "because what was kept differs in its answers from the store" in capsys.readouterr().out
