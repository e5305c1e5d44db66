"""Draws the label-efficiency curves of chapter 1 with their bands, as errors, from the results register.

    python book/figures/label_curves.py

Writes ``label_curves.svg`` beside it.
"""

import from_register
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter
from schematic import write

from tlbook.record import register

CHAPTER, COUNTS = "01_transfer_concepts", (1, 5, 10, 50, 100, 500, 1_000)  # labels per class
WAYS = {"scratch": "from scratch", "frozen": "frozen, linear probe", "finetuned": "fine-tuned"}
ALT = (
    "Three label-efficiency curves of test error with bands, both axes logarithmic: from scratch begins highest, the "
    "linear probe on frozen features lowest, fine-tuning between them; further right they cross, and scratch and "
    "fine-tuning meet at the right edge"
)


def figure(rows: list[dict]) -> str:
    """Return the figure as SVG; `TlbookError` if the register lacks one of its points."""
    shown = from_register.points(rows, CHAPTER, [f"{way}_acc_at_{n}" for way in WAYS for n in COUNTS])
    drawn, (axis,) = from_register.panels(1)
    for way, name in WAYS.items():
        from_register.band(axis, COUNTS, [shown[f"{way}_acc_at_{n}"] for n in COUNTS], name, error=True)
    runs = len(next(iter(shown.values()))["values"])
    axis.set(title=f"Error against labels: mean and standard deviation of {runs} runs")
    axis.set(xlabel="labels per class", ylabel="test error", xscale="log", yscale="log")
    axis.set_xticks(COUNTS, [f"{n:,}" for n in COUNTS])
    axis.minorticks_off()
    axis.yaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.grid(axis="y", alpha=0.3)
    drawn.legend(*axis.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    return from_register.save(drawn, ALT, shown)


if __name__ == "__main__":
    write(__file__, figure(register.rows()))
