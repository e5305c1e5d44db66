"""A small project that is fast to record, and what the tests of the recorder do with it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
TOY = "01_toy"
FULL = {"TLBOOK_PROFILE": "full"}
# A row of the register of another chapter.
ROW = {"chapter": "02_x", "name": "x", "unit": "fraction", "profile": "full", "dataset": "MNIST"}
ROW |= {"mean": 0.5, "sd": 0.5**0.5, "seeds": [0, 1], "values": [0.0, 1.0]}


def tree(root: Path) -> dict[str, str]:
    """Return the digest of every file in a folder, what Python and the recorder keep for themselves aside."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    kept = (path for path in files if not {"__pycache__", "_build"} & set(path.relative_to(root).parts))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def tlbook_command(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run ``python -m tlbook`` of the project in `root`."""
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "tlbook", *arguments]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=600)


def last_line(done: subprocess.CompletedProcess) -> str:
    return done.stderr.strip().splitlines()[-1]


def interrupted_in_second_seed(root, which=signal.SIGINT):
    """Start recording two seeds, and stop it with Ctrl-C, or another signal, while the second one runs."""
    command = [sys.executable, "-u", "-m", "tlbook", "record", TOY, "--seeds", "0-1"]
    running = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    first = root / "_build" / "record" / f"{TOY}-seed-0.json"
    began = time.monotonic()
    while not first.is_file() and running.poll() is None and time.monotonic() - began < 300:
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(which)
    stdout, stderr = running.communicate(timeout=300)
    return subprocess.CompletedProcess(command, running.returncode, stdout, stderr)


def in_run(change, seed=1):
    """Make a defect of a change to a kept run."""

    def plant(runs):
        run = json.loads((runs / f"{TOY}-seed-{seed}.json").read_text())
        change(run)
        (runs / f"{TOY}-seed-{seed}.json").write_text(json.dumps(run))

    return plant


KERAS = """
# Stands in for Keras, so that a kernel starts fast.
import numpy

__version__ = "3.0"


class utils:
    set_random_seed = staticmethod(numpy.random.seed)


class backend:
    backend = staticmethod(lambda: "tensorflow")


class config:
    image_data_format = staticmethod(lambda: "channels_last")
    floatx = staticmethod(lambda: "float32")


class distribution:
    list_devices = staticmethod(lambda: [])
"""


def make_toy(root: Path) -> Path:
    """Write a project with one small chapter, which takes a second to run."""
    (root / "book" / "chapters").mkdir(parents=True)
    shutil.copytree(ROOT / "tlbook", root / "tlbook", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "keras.py").write_text(KERAS)
    (root / "_toc.yml").write_text("format: jb-book\n")
    (root / "README.md").write_text(f"It reaches **?**<!-- num: {TOY}.toy_acc -->.\n", encoding="utf-8")
    cells = [
        new_markdown_cell("# Toy\n\nIt reaches **?**<!-- num: toy_acc -->, at most **?**<!-- num: toy_acc | max -->."),
        new_code_cell(
            f'import numpy as np\n\nimport tlbook as tl\n\nrun = tl.start("{TOY}")\nd = tl.data.letters(4, 1)'
        ),
        new_code_cell('value = float(np.random.rand())\ntl.number("toy_acc", value)\nprint("other = 3")'),
        new_code_cell('tl.claim("it is above zero", value > 0)\ntl.claim("it is above a half", value > 0.5)'),
        new_code_cell('tl.plots.gallery(d.x_train[:2], "ab", title="Two", alt="Two letters in a row", columns=2)'),
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, root / "book" / "chapters" / f"{TOY}.ipynb")
    return root


def change_toy(root: Path, old: str, new: str) -> None:
    """Change the source of the toy chapter."""
    path = root / "book" / "chapters" / f"{TOY}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)
