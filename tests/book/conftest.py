"""What the checks of the book share."""

import shutil

import pytest
from copies import ROOT


@pytest.fixture
def project(tmp_path):
    """Return a copy of the whole project, without what was built."""
    for name in (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
        "_config.yml",
        "_toc.yml",
        "pyproject.toml",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("book", "tlbook"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.h5")
        )
    return tmp_path
