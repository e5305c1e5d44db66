"""What surrounds the book: locks, workflows, the Makefile, line ends, and how a lone notebook gets the package."""

import re
import subprocess
import tomllib

import checks
import pytest
import yaml
from copies import ROOT


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
    command = ["git", "check-attr", "eol", "--", ".ci/run", "Makefile", "tlbook/run.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.rpartition(": ")[2] for line in listed.stdout.splitlines()] == ["lf"] * 3


# --- Workflows -----------------------------------------------------------------------------------


@pytest.fixture(params=sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def workflow(request):
    return yaml.safe_load(request.param.read_text(encoding="utf-8"))


def steps(workflow: dict):
    return [(job, step) for job in workflow["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_by_commit(workflow):
    used = [step["uses"] for _, step in steps(workflow) if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    # A checkout leaves no token behind for what runs later.
    checkouts = [step for _, step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_a_job_that_may_write_runs_nothing_of_ours_or_of_strangers(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    for job, step in steps(workflow):
        if "write" in job.get("permissions", {}).values():
            assert "checkout" not in step.get("uses", "")
            assert not re.search(r"\b(make|pip|python|npm)\b", step.get("run", ""))
        # What others can choose (a tag, a branch) comes as a variable, not as text of the script.
        assert not re.search(r"\$\{\{ *github\.(ref|head_ref|event)", step.get("run", ""))


# --- The Makefile --------------------------------------------------------------------------------


@pytest.fixture
def make(tmp_path):
    """Return a function that makes a goal, where programs only write down what they are given, and returns that."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    for program in (tmp_path / "python", tmp_path / "jupyter"):
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >said\n')
        program.chmod(0o755)

    def run(*goal):
        command = ["make", "-f", str(ROOT / "Makefile"), "--old-file=.venv/ready", f"BIN={tmp_path}", *goal]
        done, said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True), tmp_path / "said"
        assert not (tmp_path / "done").exists()  # what a name, run as a command, would leave
        return done, said.read_text() if said.exists() else ""

    return run


@pytest.mark.parametrize("goal", ["record", "choices"])
def test_a_name_is_never_run_as_a_command(goal, make, tmp_path):
    evil = f"x; touch {tmp_path}/done; `touch {tmp_path}/done`"
    done, said = make(goal, f"CHAPTER={evil}", f"SEEDS={evil}")
    assert done.returncode == 0, done.stderr
    assert evil in said


@pytest.mark.parametrize("backend", ["x; touch done", "jax torch", "jax;touch done", "$$(touch done)", "numpy"])
def test_a_backend_is_one_of_two_words(backend, make):
    done, said = make("test", f"BACKEND={backend}")
    assert done.returncode != 0 and said == ""
    assert "BACKEND: expected jax or torch" in done.stderr


@pytest.mark.parametrize("workers", ["2; touch done", "two", "0", "2 3"])
def test_workers_are_a_small_number(workers, make):
    done, said = make("test", f"WORKERS={workers}")
    assert done.returncode != 0 and said == ""
    assert "WORKERS: expected a number" in done.stderr


def test_options_for_the_lab_are_words_and_no_commands(make):
    options = "--no-browser --port=9999 ; touch done `touch done` *"
    done, said = make("lab", f"LAB={options}")
    assert done.returncode == 0, done.stderr
    assert said.split()[-8:] == options.split()


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
