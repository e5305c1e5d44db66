"""What a submission may not do: each attack is tried for real."""

import dataclasses
import time
from pathlib import Path

import pytest

from tlbook.course import sandbox, sources
from tlbook.course.answers import Remote, WrongAnswer
from tlbook.course.execute import Examiner, Session
from tlbook.course.sandbox import Limits, Sandbox, Stopped
from tlbook.record import paths
from tlbook.run import TlbookError

pytestmark = pytest.mark.usefixtures("sandboxed")


LIMITS = Limits(seconds=200, cell_seconds=60, gigabytes=2, written_megabytes=20)


@pytest.fixture
def session(tmp_path):
    """Return a submission that runs, with a file of its own beside it."""
    (tmp_path / "own.txt").write_text("mine", encoding="utf-8")
    session = Session(tmp_path, LIMITS)
    yield session
    session.close()


@pytest.fixture
def hasty(tmp_path):
    """Return one whose cells may take a few seconds only."""
    session = Session(tmp_path, dataclasses.replace(LIMITS, cell_seconds=8))
    yield session
    session.close()


@pytest.fixture(scope="module")
def examiner():
    """Return a box for tests."""
    examiner = Examiner()
    yield examiner
    examiner.close()


def errors(outputs):
    return [output["ename"] for output in outputs if output["output_type"] == "error"]


def text(outputs):
    return "".join(output.get("text", "") for output in outputs)


def test_cells_run_one_after_the_other_and_answer(session):
    assert session.run("x = 3\nprint('hello')\nx") == [
        {"output_type": "stream", "name": "stdout", "text": "hello\n"},
        {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": None},
    ]
    session.run("def f(a, b=1): return a + b + x")
    asked = Remote(session.ask)
    assert asked["x"] == 3 and asked.call("f", 1, b=10) == 14
    assert text(session.run("print(open('own.txt').read())")) == "mine\n"


def test_a_figure_is_kept_as_a_picture(session):
    outputs = session.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    assert outputs[-1]["output_type"] == "display_data" and len(outputs[-1]["data"]["image/png"]) > 1_000


WRITING = "open({!r}, 'w').write('x')"
SECRETS = [paths.ROOT / "book", paths.ROOT / "tests", paths.ROOT / ".git", sources.SOURCES]


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        ("import os\nwhile True: os.fork()", "BlockingIOError"),
        ("import subprocess\nsubprocess.run(['/bin/ls'])", "BlockingIOError"),
        (
            "import multiprocessing\nmultiprocessing.get_context('spawn').Process(target=print).start()",
            "BlockingIOError",
        ),
        ("import os\nos.posix_spawn('/bin/ls', ['ls'], {})", "BlockingIOError"),
        ("import socket\nsocket.create_connection(('1.1.1.1', 53), 2)", "OSError"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 22), 2)", "ConnectionRefusedError"),
        ("import urllib.request\nurllib.request.urlopen('http://example.org', timeout=2)", "URLError"),
        (WRITING.format("/etc/passwd"), "OSError"),
        (WRITING.format("/hand-in/own.txt"), "OSError"),
        (WRITING.format(f"{paths.ROOT}/tlbook/run.py"), "OSError"),
        ("open('big', 'wb').write(bytes(30_000_000))", "OSError"),
        ("for n in range(9): open(f'/dev/shm/{n}', 'wb').write(bytes(10_000_000))", "OSError"),
        ("open('/dev/x', 'w')", "OSError"),
        ("import os\nos.memfd_create('x')", "PermissionError"),
        ("x = bytearray(3_000_000_000)", "MemoryError"),
        ("import ctypes\nassert ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == 0", "AssertionError"),
        ("import os\nos.kill(-1, 9)", "ProcessLookupError"),  # there is nobody else
        ("import ctypes\nassert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0", "AssertionError"),
        *((f"import os\nos.listdir({str(path)!r})", "FileNotFoundError") for path in SECRETS),
    ],
)
def test_what_a_submission_may_not_do_fails_and_the_rest_goes_on(session, attack, error):
    assert errors(session.run(attack)) == [error]
    assert text(session.run("print('still here')")) == "still here\n"


def test_an_endless_loop_is_stopped_and_left_out(hasty):
    hasty.run("x = 1")
    began = time.monotonic()
    (stopped,) = hasty.run("while True: pass")
    assert stopped["ename"] == "Stopped" and "longer than 8 s" in stopped["evalue"]
    assert time.monotonic() - began < 60
    assert Remote(hasty.ask)["x"] == 1  # in a new process, where the cells before ran again


@pytest.mark.parametrize(
    "attack",
    [
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_a_process_that_ends_itself_is_begun_again_without_that_cell(session, attack):
    session.run("x = 1")
    assert errors(session.run(attack)) == ["Stopped"]
    assert Remote(session.ask)["x"] == 1


SLEEP = "\nimport os, time\nos.closerange(3, 60)\ntime.sleep(1_000)"


@pytest.mark.parametrize("attack", ["closes its pipes", "replies and sleeps"])
def test_a_process_that_neither_reads_nor_ends_keeps_nobody_waiting(hasty, attack):
    hasty.run("x = 1")
    began = time.monotonic()
    hasty.run(SLEEP if attack == "closes its pipes" else replies("b'{}\\n'") + "\nimport time\ntime.sleep(1_000)")
    hasty.run("x = 2  # " + "é" * 49_000)  # more than a pipe holds
    hasty.run("y = 3")
    assert time.monotonic() - began < 150
    if attack == "closes its pipes":  # the other one seemed to have run, and is run again each time
        assert Remote(hasty.ask)["y"] == 3


def test_nothing_of_a_sandbox_is_left_when_it_is_closed(tmp_path):
    with Sandbox(tmp_path, Limits(seconds=90)) as box:
        box.run("1")
        first = Path(f"/proc/{box._init}")
        assert box._init and first.exists()
    deadline = time.monotonic() + 5
    while first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not first.exists()


LOOK = """
import glob
for path in glob.glob("/proc/*/environ"):
    try:
        print(open(path).read())
    except OSError:
        pass
"""


def test_the_teachers_variables_are_not_in_the_sandbox(tmp_path, monkeypatch):
    monkeypatch.setenv("TEACHERS_TOKEN", "s3cr3t")
    with Sandbox(tmp_path, Limits(seconds=90)) as box:
        said = text(box.run(LOOK))
    assert "PATH=" in said and "s3cr3t" not in said


def test_whoever_ends_it_again_and_again_gets_no_new_process(session):
    for _ in range(4):
        session.run("import os; os._exit(0)")
    (stopped,) = session.run("x = 1")
    assert "too often" in stopped["evalue"]
    with pytest.raises(WrongAnswer, match="too often"):
        Remote(session.ask)["x"]


def test_a_gigabyte_of_print_is_cut(session):
    outputs = session.run("for _ in range(1_000): print('x' * 100_000)")
    assert len(text(outputs)) < 110_000 and "letters more, which were not kept" in text(outputs)


def replies(line):
    """Return a cell that finds the pipe to the grader and writes to it."""
    return f"""
import fcntl, os
for number in range(3, 50):
    try:
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
            os.write(number, {line})
    except OSError:
        pass
"""


@pytest.mark.parametrize("line", ["b'[' * 60_000 + b'\\n'", "b'nonsense\\n'", "b'[1, 2]\\n'", "b'\\xff\\n'"])
def test_what_is_no_reply_ends_the_process_and_not_the_grader(session, line):
    assert errors(session.run(replies(line))) == ["Stopped"]
    assert text(session.run("print(1)")) == "1\n"


def test_a_flood_of_replies_ends_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "LONGEST", 5_000_000)
    with Sandbox(tmp_path, Limits(seconds=60, cell_seconds=20)) as box, pytest.raises(Stopped, match="said too much"):
        box.run(replies("b'x' * 1_000_000") * 20)


def test_outputs_that_were_forged_are_kept_only_as_a_notebook_keeps_them():
    odd = [{"output_type": "stream", "name": "points", "text": "x"}, {"output_type": "grade"}, 3, None]
    odd += [{"output_type": "display_data", "data": {"text/html": "<script>", "text/plain": "x"}}]
    kept = sandbox.plain_outputs(odd)
    assert kept == [{"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}]
    assert sandbox.plain_outputs("no list") == []


# --- Tests are run where the submission is not ----------------------------------------------------

TEST = "import numpy as np\nfor x in (2, 5):\n    assert np.array_equal(answers.call('f', x), 2 * x), 'twice x'"


@pytest.mark.parametrize(
    "attack",
    [
        "import numpy as np\nnp.array_equal = np.allclose = np.testing.assert_allclose = lambda *_, **__: True",
        "import builtins\nbuiltins.all = builtins.isinstance = lambda *_: True",
        "import tlbook.course.answers as a\na.Answers.call = lambda *_, **__: 4\nanswers = None",
        "get_ipython().run_cell = lambda *_, **__: None",
        "import sys\nsys.settrace(lambda *_: None)\nsys.modules['numpy'] = None",
        "class Any:\n    __eq__ = lambda *_: True\n    __array__ = lambda self, *_, **__: self\ndef f(x): return Any()",
        "def f(x): raise SystemExit",
        "def f(x): return 5",
    ],
)
def test_what_a_submission_does_to_its_own_python_earns_nothing(session, examiner, attack):
    session.run("def f(x): return x + 1")
    session.run(attack)
    (error,) = examiner.check(TEST, session)
    assert error["output_type"] == "error"


def test_a_test_tells_its_words_and_not_its_lines(session, examiner):
    session.run("def f(x): return 5")
    (error,) = examiner.check("secret = 4\nassert answers.call('f', 2) == secret, 'twice two is four'", session)
    assert error["traceback"] == ["AssertionError: twice two is four"]


def test_a_last_expression_is_the_points_and_what_a_test_prints_is_kept(session, examiner):
    session.run("def f(x): return 4")
    out, points = examiner.check("print('leaderboard: 4')\nanswers.call('f', 2) / 2", session)
    assert out["text"] == "leaderboard: 4\n" and points["data"]["text/plain"] == "2.0"


HIDDEN = "### BEGIN HIDDEN TESTS\nanswers.call('f', 4711)\n### END HIDDEN TESTS"


@pytest.mark.parametrize(
    "telling", ["raise ValueError(repr(x))", "raise type(f'X{x}', (Exception,), {})()", "return {x: object()}"]
)
def test_what_a_hidden_test_asked_is_not_repeated(session, examiner, telling):
    session.run(f"def f(x): {telling}")
    (error,) = examiner.check(HIDDEN, session)
    assert "4711" not in str(error) and "a hidden test asked for something" in error["evalue"]


COSTLY = {
    "nothing": ("def f(x): import numpy as np; return np.zeros((10**9, 0))", "len(answers.call('f', 1))"),
    "memory": ("def f(x): return [[]] * 3_000_000", "x = [list(range(500)) for _ in answers.call('f', 1)]"),
    "collisions": ("def f(x): return {k * (2**61 - 1): 0 for k in range(1, 9)}", "x = answers.call('f', 1)"),
    "time": ("f = None", "while True: pass"),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_an_answer_that_costs_too_much_costs_that_test_and_not_the_next(session, kind):
    answer, test = COSTLY[kind]
    examiner = Examiner(seconds=20)
    session.run(answer)
    (error,) = examiner.check(test, session)
    assert error["output_type"] == "error"
    session.run("def f(x): return 2 * x")
    assert examiner.check(TEST, session) == []
    examiner.close()


def test_a_test_finds_no_files_of_the_teacher(session, examiner):
    (error,) = examiner.check(f"open({str(paths.ROOT / 'README.md')!r})", session)
    assert error["ename"] == "FileNotFoundError"


def test_hidden_files_cannot_be_read(tmp_path):
    import tlbook

    hidden = Path(tlbook.__file__).parent / "samples" / "mnist_small.npz"
    with Sandbox(tmp_path, Limits(seconds=60), [hidden]) as box:
        assert errors(box.run(f"open({str(hidden)!r}, 'rb').read()")) == ["PermissionError"]


# --- Where nothing protects ----------------------------------------------------------------------


def test_without_bubblewrap_nothing_is_graded_unless_somebody_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    with pytest.raises(TlbookError, match=r"bubblewrap, which keeps submissions apart.*--unprotected"):
        sandbox.require_protection(False)
    sandbox.require_protection(True)
    assert "UNPROTECTED" in "".join(capsys.readouterr())
    with Sandbox(tmp_path, Limits(seconds=60, cell_seconds=8), unprotected=True) as box:
        assert box.run("1 + 1")[0]["data"]["text/plain"] == "2"
        with pytest.raises(Stopped):
            box.run("while True: pass")
