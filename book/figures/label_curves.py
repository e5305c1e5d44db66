"""Draws the label-efficiency curves of chapter 1 with their bands, from the results register.

    python book/figures/label_curves.py

Writes ``label_curves.svg`` beside it. One run has no band, so the chapter itself cannot draw this figure.
"""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tlbook import disk, plots
from tlbook.record import paths, register
from tlbook.run import TlbookError

CHAPTER, COUNTS = "01_transfer_concepts", (1, 5, 10, 50, 100, 500, 1_000)  # labels a class
WAYS = {"scratch": "from scratch", "frozen": "frozen", "finetuned": "fine-tuned"}
ALT = (
    "Three label-efficiency curves with bands: from scratch begins lowest, frozen highest, fine-tuned between them; "
    "they draw together from left to right, and the bands grow thin"
)


def figure(rows: list[dict]) -> str:
    """Return the figure as SVG; `TlbookError` if the register lacks one of its points."""
    kept = {row["name"]: row for row in rows if row["chapter"] == CHAPTER}
    names = [f"{way}_acc_at_{n}" for way in WAYS for n in COUNTS]
    if missing := [name for name in names if name not in kept]:
        found, mend = f"no {', '.join(missing)}", f"make record CHAPTER={CHAPTER}"
        raise TlbookError(str(paths.REGISTER), "all points of the curves", found, mend)
    shown = {name: kept[name] for name in names}  # written into the file, so that a test sees that they changed
    with style.context(["default", plots.STYLE]):
        drawn = Figure(figsize=(7.5, 4.2), layout="constrained")
        axis = drawn.subplots()
        for way, name in WAYS.items():
            points = [shown[f"{way}_acc_at_{n}"] for n in COUNTS]
            mean, sd = (np.array([point[key] for point in points]) for key in ("mean", "sd"))
            (line,) = axis.plot(COUNTS, mean, label=name)
            axis.fill_between(COUNTS, mean - sd, mean + sd, color=line.get_color(), alpha=0.2, linewidth=0)
        runs = len(shown[names[0]]["values"])
        axis.set(title=f"Accuracy against labels: mean and spread of {runs} runs")
        axis.set(xlabel="labels a class", ylabel="test accuracy", xscale="log")
        axis.set_xticks(COUNTS, [f"{n:,}" for n in COUNTS])
        axis.minorticks_off()
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        axis.grid(axis="y", alpha=0.3)
        drawn.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
        picture = io.StringIO()
        values = "; ".join(f"{name} {row['mean']:.4f} ± {row['sd']:.4f}" for name, row in shown.items())
        drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": ALT, "Description": values})
    return picture.getvalue()


def main():
    """Write the figure."""
    disk.write({Path(__file__).with_suffix(".svg"): figure(register.rows())})


if __name__ == "__main__":
    sys.exit(main())
