"""Folders of pictures that a reader made: what lies in them, read whole or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tlbook.arguments import shown
from tlbook.disk import words
from tlbook.photos import read_photo
from tlbook.run import TlbookError, require

MOST = 20_000  # pictures: more are a data set for a program that reads them as it trains
LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "__macosx"}
FLAT = 8  # grey levels, of 256, below which a picture shows nothing
GREY = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue seem: ITU-R BT.601


def _inside(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted by name, without what file managers leave behind."""
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        do = f"name the folder of your pictures; a relative name starts at {Path.cwd()}"
        raise TlbookError(str(folder), "a folder that can be read", words(error), do) from error
    return [path for path in found if not path.name.startswith(".") and path.name.lower() not in LEFT_BY_SYSTEMS]


def pictures(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each class, by its name; of a folder without subfolders, all of them under ``""``.

    `TlbookError` if there are files beside subfolders, folders within these, one class alone, fewer than two files of
    a class, or more than 20,000 in all.
    """
    found = _inside(folder)
    classes = [path for path in found if path.is_dir()]
    beside = [path.name for path in found if path not in classes]
    do = "put every picture into the subfolder of its class, or all of them into one folder without subfolders"
    both = f"{len(beside)} files beside {len(classes)} subfolders: {', '.join(beside[:3])}"
    require(not (classes and beside), str(folder), "either subfolders or pictures", both, do)
    require(len(classes) != 1, str(folder), "two classes or more, or pictures alone", "one subfolder", do)
    files = {path.name: _inside(path) for path in classes} if classes else {"": found}
    for name, own in files.items():
        deeper = [path.name for path in own if path.is_dir()]
        require(not deeper, str(folder / name), "pictures", f"subfolders: {', '.join(deeper[:3])}", do)
        what, enough = str(folder / name), len(own) >= 2
        require(enough, what, "two pictures or more, one to test with", f"{len(own)}", "add pictures")
    total = sum(map(len, files.values()))
    require(total <= MOST, str(folder), f"at most {MOST:,} pictures", f"{total:,}", "take a part of them")
    return files


def read(files: list[Path], size: int, colour: bool) -> np.ndarray:
    """Return pictures as uint8 of shape (n, size, size), or (n, size, size, 3) in colour.

    `TlbookError` of the first that `read_photo` refuses, that shows nothing, or that is there twice: one copy would
    be learned, and the other test what was learned.
    """
    images = np.empty((len(files), size, size) + (3,) * colour, np.uint8)
    seen = {}
    for at, file in enumerate(files):
        picture = read_photo(file, size=size)
        images[at] = picture if colour else np.round(picture @ GREY)
        spread = int(images[at].max()) - int(images[at].min())
        do = "take it out, or make it again with more light"
        require(spread >= FLAT, str(file), f"at least {FLAT} grey levels between dark and light", spread, do)
        same = seen.setdefault(hashlib.sha256(images[at].tobytes()).digest(), file)
        require(same is file, str(file), "each picture once", f"the same as {same}", "remove one of the two")
    return images


def light_on_dark(images: np.ndarray, folder, invert: bool | None) -> np.ndarray:
    """Return grey pictures as light strokes on black: inverted, if that is asked for.

    `TlbookError` if nothing is asked for and the edges of most pictures are lighter than their middle: dark strokes on
    light paper, of which a network that knows white on black makes nonsense without a word.
    """
    if invert is None:
        edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
        paper = int(np.sum(np.median(edge, axis=1) > 127))
        found = f"light edges, as of paper, in {paper} of {len(images)} pictures"
        do = "invert=True for dark strokes on light paper, or invert=False to take the pictures as they are"
        require(2 * paper <= len(images), f"{shown(folder, str)}: polarity", "light strokes on black", found, do)
    return 255 - images if invert else images
