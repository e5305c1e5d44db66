"""What the measurements of several chapters share: which letters stand in for the digits, and in what run.

Whatever a program's `measure` mentions here counts as a part of it: change it, and the page must be measured anew.
"""

import string
from dataclasses import replace

import numpy as np

import tlbook as tl


def draw(which):
    """Draw ten letters to be held out, and the order of the fonts, of which the first five are held out.

    Parameters
    ----------
    which : int
        The number of the stand-in, from which all is drawn.

    Returns
    -------
    lower, target, others : str
        The ten letters in lower case; each in one of its cases, as the target has them; all letters but these.
    fonts : list of str
        The names of all fonts.
    """
    rng = np.random.default_rng(which)
    of_ten = rng.permutation([letter in range(10) for letter in range(26)])
    lower = "".join(letter for letter, held in zip(string.ascii_lowercase, of_ten, strict=True) if held)
    target = "".join(rng.choice([letter, letter.upper()]) for letter in lower)
    fonts = rng.permutation(tl.glyphs.FONTS).tolist()
    others = "".join(set(tl.glyphs.LETTERS) - set(target))
    return lower, target, others, fonts


def start(chapter):
    """Return the run of a measurement: that of the full profile, whatever is asked of the chapters."""
    return replace(tl.start(chapter), profile="full")
