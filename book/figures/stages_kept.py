"""Draws chapter 1's experiment on which stages to keep, with bands, from the results register.

    python book/figures/stages_kept.py

Writes ``stages_kept.svg`` beside it.
"""

import from_register
from matplotlib.ticker import MultipleLocator, PercentFormatter
from schematic import write

from tlbook.record import register

CHAPTER, STAGES = "01_transfer_concepts", (1, 2, 3, 4)
FROM = {"lower": "0 to 4 (A)", "own": "5 to 9 itself (B)", "letters": "letters"}
PANELS = {"frozen": "kept stages frozen", "learning": "kept stages go on learning"}
ALT = (
    "Two panels of test accuracy on the digits 5 to 9 over the number of stages kept, with bands and a level line for "
    "training from scratch: where kept stages are frozen, the line of 0 to 4 falls at the third and fourth stage; "
    "where they go on learning, no line falls far"
)


def figure(rows: list[dict]) -> str:
    """Return the figure as SVG; `TlbookError` if the register lacks one of its points."""
    names = [f"{source}_{how}_stages_{n}_acc" for how in PANELS for source in FROM for n in STAGES]
    shown = from_register.points(rows, CHAPTER, [*names, "upper_scratch_acc"])
    drawn, axes = from_register.panels(2)
    for axis, (how, title) in zip(axes, PANELS.items(), strict=True):
        for source, name in FROM.items():
            from_register.band(axis, STAGES, [shown[f"{source}_{how}_stages_{n}_acc"] for n in STAGES], name)
        level = [shown["upper_scratch_acc"]] * len(STAGES)
        from_register.band(axis, STAGES, level, "none: B from scratch", color="#555555", linestyle="--", marker="")
        axis.set(title=title, xlabel="stages kept")
        axis.set_xticks(STAGES)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set(ylabel="test accuracy on 5 to 9")
    axes[0].yaxis.set_major_locator(MultipleLocator(0.05))
    axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    drawn.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=2, loc="outside lower center")
    return from_register.save(drawn, ALT, shown)


if __name__ == "__main__":
    write(__file__, figure(register.rows()))
