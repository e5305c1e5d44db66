"""What surrounds the book: locks, workflows, the Makefile, line ends, and how a lone notebook gets the package."""

import os
import re
import subprocess
import tomllib

import checks
import pytest
import yaml
from copies import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def lock(name: str) -> dict[str, set[str]]:
    """Return what a lock file pins: versions (more than one where systems differ) by the name of the package."""
    found = {}
    for package, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / name).read_text(encoding="utf-8"), re.M):
        found.setdefault(package, set()).add(version)
    return found


def test_the_site_needs_a_small_part_of_the_lock_and_no_tensorflow():
    site, every = lock("requirements-site.lock"), lock("requirements.lock")
    assert "jupyter-book" in site
    assert not {"tensorflow", "keras", "numpy", "scikit-learn", "jupyterlab"} & site.keys()
    assert {name: versions for name, versions in site.items() if not versions <= every.get(name, set())} == {}


def test_pillow_has_no_known_holes_and_the_lock_agrees():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert "pillow>=10.3" in wanted
    assert [version for version in lock("requirements.lock")["pillow"] if int(version.split(".")[0]) < 11] == []


def test_scripts_keep_their_line_feeds_in_every_clone():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(
        ["git", "check-attr", "eol", "--", ".ci/run", "Makefile", "tlbook/run.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.rpartition(": ")[2] for line in listed.stdout.splitlines()] == ["lf"] * 3


# --- Workflows -----------------------------------------------------------------------------------


def steps(workflow: dict):
    return [(job, step) for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    used = [step["uses"] for _, step in steps(workflow) if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    # A checkout leaves no token behind for what runs later.
    checkouts = [step for _, step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_that_may_write_runs_nothing_of_ours_or_of_strangers(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job, step in steps(workflow):
        if "write" in job.get("permissions", {}).values():
            assert "checkout" not in step.get("uses", "")
            assert not re.search(r"\b(make|pip|python|npm)\b", step.get("run", ""))
        # What others can choose (a tag, a branch) comes as a variable, not as text of the script.
        assert not re.search(r"\$\{\{ *github\.(ref|head_ref|event)", step.get("run", ""))


# --- The Makefile --------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", ["record", "choices"])
def test_a_name_is_never_run_as_a_command(goal, tmp_path):
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$SAID"\n')
    (tmp_path / "python").chmod(0o755)
    evil, said = f"x; touch {tmp_path}/done; `touch {tmp_path}/done`", tmp_path / "said"
    command = ["make", "--old-file=.venv/ready", f"BIN={tmp_path}", goal, f"CHAPTER={evil}", f"SEEDS={evil}"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "SAID": str(said)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert evil in said.read_text()
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("backend", ["x; touch done", "jax torch", "jax;touch done", "$$(touch done)", "numpy"])
def test_a_backend_is_one_of_two_words(backend, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\n")
    (tmp_path / "python").chmod(0o755)
    command = ["make", "-f", str(ROOT / "Makefile"), "--old-file=.venv/ready", f"BIN={tmp_path}", "test"]
    done = subprocess.run([*command, f"BACKEND={backend}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "BACKEND: expected jax or torch" in done.stderr
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("workers", ["2; touch done", "two", "0", "2 3"])
def test_workers_are_a_small_number(workers, tmp_path):
    command = ["make", "-f", str(ROOT / "Makefile"), "--old-file=.venv/ready", f"BIN={tmp_path}", "test"]
    done = subprocess.run([*command, f"WORKERS={workers}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "WORKERS: expected a number" in done.stderr
    assert not (tmp_path / "done").exists()


def test_options_for_the_lab_are_words_and_no_commands(tmp_path):
    (tmp_path / "jupyter").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >said\n')
    (tmp_path / "jupyter").chmod(0o755)
    command = ["make", "-f", str(ROOT / "Makefile"), "--old-file=.venv/ready", f"BIN={tmp_path}", "lab"]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    options = "--no-browser --port=9999 ; touch done `touch done` *"
    done = subprocess.run([*command, f"LAB={options}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said").read_text().split()[-8:] == options.split()
    assert not (tmp_path / "done").exists()


# --- A notebook that was downloaded alone ---------------------------------------------------------


def test_each_chapter_says_at_its_top_how_to_get_the_package():
    for name, notebook in checks.chapters(ROOT).items():
        assert "`tlbook`. The page *Setting up*" in notebook.cells[0].source, name


def test_the_page_that_they_name_offers_the_package_in_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    page = (ROOT / "book" / "guide" / "setup.md").read_text(encoding="utf-8")
    assert set(re.findall(r"tlbook-[\d.]+-py3-none-any\.whl", page)) == {f"tlbook-{version}-py3-none-any.whl"}
    assert f'<a href="../../tlbook-{version}-py3-none-any.whl">' in page


def test_no_page_says_the_same_paragraph_twice():
    """A merge can double half a page, and every other check passes."""
    found = []
    for path in sorted((ROOT / "book").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        blocks = [
            " ".join(block.split()) for block in text.split("\n\n") if len(block.split()) > 12 or block[:2] == "##"
        ]
        found += [f"{path.relative_to(ROOT)}: {block[:80]}" for block in {*blocks} if blocks.count(block) > 1]
    assert found == []
