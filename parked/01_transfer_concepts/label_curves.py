"""Draws the label-efficiency curves of chapter 1 with their bands, from the results register.

    python book/figures/label_curves.py

Writes ``label_curves.svg`` beside it. One run has no band, so the chapter itself cannot draw this figure.
"""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tlbook import plots, register
from tlbook.run import TlbookError

CHAPTER, COUNTS = "01_transfer_concepts", (1, 5, 10, 50, 100, 500, 1_000)  # labels a class
WAYS = {"scratch": "from scratch", "frozen": "frozen", "finetuned": "fine-tuned"}
ALT = (
    "Three label-efficiency curves with bands: from scratch begins lowest and has the widest band, "
    "frozen begins high and flattens, fine-tuned begins high too and goes on rising"
)


def figure(rows: list[dict]) -> str:
    """Return the figure as SVG; `TlbookError` if the register lacks one of its points."""
    kept = {row["name"]: row for row in rows if row["chapter"] == CHAPTER}
    missing = [f"{way}_acc_at_{n}" for way in WAYS for n in COUNTS if f"{way}_acc_at_{n}" not in kept]
    if missing:
        found, mend = f"no {', '.join(missing)}", f"make record CHAPTER={CHAPTER}"
        raise TlbookError(str(register.REGISTER), "all points of the curves", found, mend)
    with rc_context(plots.STYLE):
        drawn = Figure(figsize=(6, 3.8), layout="constrained")
        axis = drawn.subplots()
        for way, name in WAYS.items():
            points = [kept[f"{way}_acc_at_{n}"] for n in COUNTS]
            mean, sd = (np.array([point[key] for point in points]) for key in ("mean", "sd"))
            (line,) = axis.plot(COUNTS, mean, label=name)
            axis.fill_between(COUNTS, mean - sd, mean + sd, color=line.get_color(), alpha=0.2, linewidth=0)
        runs = len(kept[f"scratch_acc_at_{COUNTS[0]}"]["values"])
        axis.set(title=f"Accuracy against labels: mean of {runs} runs, band of one standard deviation")
        axis.set(xlabel="labels a class", ylabel="test accuracy", xscale="log")
        axis.set_xticks(COUNTS, [f"{n:,}" for n in COUNTS])
        axis.minorticks_off()
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        axis.grid(axis="y", alpha=0.3)
        drawn.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
        picture = io.StringIO()
        drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": ALT})
    return picture.getvalue()


def main():
    """Write the figure."""
    register.write({Path(__file__).with_suffix(".svg"): figure(register.rows())})


if __name__ == "__main__":
    sys.exit(main())
