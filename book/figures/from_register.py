"""What the figures share that are drawn from the results register: one run has no band, so no chapter can draw them."""

import io

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from tlbook import plots
from tlbook.record import paths
from tlbook.run import TlbookError


def points(rows: list[dict], chapter: str, names: list[str]) -> dict[str, dict]:
    """Return the rows of a chapter by name; `TlbookError` if the register lacks one of them."""
    kept = {row["name"]: row for row in rows if row["chapter"] == chapter}
    if missing := [name for name in names if name not in kept]:
        found, mend = f"no {', '.join(missing)}", f"make record CHAPTER={chapter}"
        raise TlbookError(str(paths.REGISTER), "all points of the figure", found, mend)
    return {name: kept[name] for name in names}


def panels(columns: int, width: float = 7.5, height: float = 4.2):
    """Return an empty figure of so many inches, and its panels, which share their axes."""
    with style.context(["default", plots.STYLE]):
        drawn = Figure(figsize=(width, height), layout="constrained")
        return drawn, drawn.subplots(1, columns, sharex=True, sharey=True, squeeze=False)[0]


def band(axis, x, chosen: list[dict], name: str, error: bool = False, **line) -> None:
    """Draw the mean of some rows as a line, and a band of one standard deviation around it; `error`: one less each."""
    mean, sd = (np.array([row[key] for row in chosen]) for key in ("mean", "sd"))
    mean = 1 - mean if error else mean
    (drawn,) = axis.plot(x, mean, label=name, **line)
    axis.fill_between(x, mean - sd, mean + sd, color=drawn.get_color(), alpha=0.2, linewidth=0)


def save(drawn, alt: str, shown: dict[str, dict]) -> str:
    """Return a figure as SVG, with the values that it shows written into it: so a test sees that they changed."""
    picture = io.StringIO()
    values = "; ".join(f"{name} {row['mean']:.4f} ± {row['sd']:.4f}" for name, row in shown.items())
    with style.context(["default", plots.STYLE]):
        drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": alt, "Description": values})
    return picture.getvalue()
