"""The digest of code is of what it means, and of what it reaches."""

import shutil

import pytest
from toy import TOY

from tlbook.__main__ import main
from tlbook.record import code, paths
from tlbook.record.code import code_digest


def test_digest_of_code_is_of_what_it_means():
    code = 'def f(x):\n    return f"{x:>{2}}" + "a"\n'
    same = 'def f(x):  # a comment\n    """Say more."""\n\n    return f"{x:>{2}}" + ("a")\n'
    assert code_digest(code) == code_digest(same)
    assert code_digest(code) != code_digest(code.replace("2", "3"))
    assert code_digest("a = 1", "b = 2") != code_digest("a = 1\nb = 2")


def test_digest_of_code_is_that_of_the_full_profile():
    code = "a, b = run.pick(quick=2, full=3), run.pick(full=[1], quick=[0])"
    for quick in (code.replace("quick=2", "quick=(4, 'x')"), code.replace("quick=[0]", "quick=None")):
        assert code_digest(code) == code_digest(quick)
    for other in ("quick=g()", "quick=2 * n", "quick=a", "quick={[]: 1}"):  # what does something, or may
        assert code_digest(code) != code_digest(code.replace("quick=2", other))
    for other in (code.replace("full=3", "full=4"), code.replace("run.", "walk."), code.replace("pick", "choose")):
        assert code_digest(code) != code_digest(other)


def test_digest_of_code_is_the_same_in_every_python():
    # Computed with Python 3.11, 3.12 and 3.13.
    code = 'async def f(*a: int, k=None, **kw) -> "x":\n    return f"{a!r:>{k}} {{}} {kw=}" f"{1:.1f}" "b"\n'
    code += "\n\nclass C: ...\n"
    assert code_digest(code)[:16] == "929ce4b769ec2d9e"


def test_reaches_the_files_that_a_chapter_uses():
    assert set(code.package_digests(["import tlbook as tl\ntl.start('a')\ntl.number('b', 1)"])) == {
        "arguments",
        "claims",
        "run",
    }
    through = code.package_digests(["import tlbook as tl\ntl.features.extract"])
    assert {"features", "run"} <= set(through)
    assert "weights" in code.package_digests(["from tlbook.backbones import small_cnn"])


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("def nmi(", "def of_no_use():\n    return 1\n\n\ndef nmi(", set()),  # new, and nobody's business yet
        ("metrics.normalized_mutual_info_score", "metrics.mutual_info_score", set()),  # not used by this code
        ("float(np.mean(rename(", "float(np.median(rename(", {"clusters"}),  # used
        ('"equal lengths"', '"the same length"', {"clusters"}),  # used by what is used
        (
            "import numpy as np\n",
            "import dataclasses\nimport numpy as np\n",
            set(),
        ),  # an import that nothing reached uses
        ("def nmi(", "ODD = [accuracy for accuracy in 'ab']\n\n\ndef nmi(", set()),  # no other accuracy
        ("import linear_sum_assignment", "import linprog as linear_sum_assignment", {"clusters"}),
    ],
)
def test_only_what_is_reached_counts(old, new, changed, tmp_path, monkeypatch):
    cells = ["import tlbook as tl\ntl.clusters.accuracy([0], [0])"]
    before = code.package_digests(cells)
    shutil.copytree(paths.ROOT / "tlbook", tmp_path / "tlbook")
    path = tmp_path / "tlbook" / "clusters.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    after = code.package_digests(cells)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


def test_stale_lists_a_chapter_whose_part_of_the_package_changed(recorded, tmp_path, inside, capsys):
    plots = inside(shutil.copytree(recorded["root"], tmp_path / "stale")) / "tlbook" / "plots.py"
    text = plots.read_text(encoding="utf-8") + "\n# a comment changes nothing\nNOR_WHAT_NOBODY_USES = 1\n"
    plots.write_text(text, encoding="utf-8")
    assert main(["record", "--stale", TOY]) == 0
    plots.write_text(f"{text}\nSTYLE = {{}}\n", encoding="utf-8")
    assert main(["record", "--stale", TOY]) == 1
    said = capsys.readouterr()
    assert f"{TOY} (tlbook.plots)" in said.out
    assert "make record CHAPTER=0" in said.err.splitlines()[-1]
