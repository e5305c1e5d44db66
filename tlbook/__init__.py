"""Transfer Learning With and Without Labels: what the chapters call.

    import tlbook as tl

Each file is one subject and is imported when it is first used, so that ``import tlbook`` takes no time.
"""

import importlib

from tlbook.run import Run, TlbookError, start

_PARTS = (
    *("augment", "backbones", "clusters", "course", "data", "features", "glyphs", "neighbours", "photos", "plots"),
    "zero_labels",
)
_NAMES = {"check": "exercises", "claim": "claims", "number": "claims", "symptom": "claims"}

__all__ = ["Run", "TlbookError", "start", *_NAMES, *_PARTS]
__version__ = "0.1.0"


def __getattr__(name):
    if name in _PARTS:
        return importlib.import_module(f"tlbook.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"tlbook.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'tlbook' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
