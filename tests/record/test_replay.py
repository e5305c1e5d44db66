"""A replay: a recorded seed, computed anew and compared."""

import shutil

from toy import TOY, tlbook_command, tree

from tlbook.__main__ import main
from tlbook.record import runs


def test_a_replay_computes_a_seed_anew_and_agrees(recorded, tmp_path):
    root = shutil.copytree(recorded["root"], tmp_path / "replay")
    before = tree(root)
    done = tlbook_command(root, "record", TOY, "--replay")
    assert done.returncode == 0, done.stderr
    assert f"{TOY}: all 1 numbers of seed 0 as recorded" in done.stdout
    assert tree(root) == before


def test_a_replay_finds_a_number_that_was_not_measured_and_tells_of_claims(again, monkeypatch, capsys):
    _, ran = again
    real = runs.run_seed

    def other(chapter, seed, out, **how):
        assert how == {"fresh": True}
        run = real(chapter, seed, out)
        run["claims"]["it is above zero"] = False
        run["numbers"]["toy_acc"] += added
        return run

    monkeypatch.setattr(runs, "run_seed", other)
    added = 0
    assert main(["record", "--replay"]) == 0
    assert "false this time: it is above zero" in capsys.readouterr().out
    added = 1e-9
    assert main(["record", "--replay"]) == 1
    said = capsys.readouterr().err
    assert ran == [0, 0] and f"{TOY}: 1 of 1 numbers: expected what was recorded; found toy_acc: 0." in said


def test_what_was_never_recorded_has_no_replay(toy, inside, capsys):
    inside(toy)
    assert main(["record", TOY, "--replay"]) == 1
    assert "expected a chapter that was recorded" in capsys.readouterr().err
