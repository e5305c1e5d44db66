"""Every figure of the book: colours that colour-blind readers can tell apart, titles, units, alt text.

Each function shows its figure at once. All take `title`, the axes' names with their units where
there are axes, and `alt`: what the figure shows, for who cannot see it.
"""

import io

import numpy as np
from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Okabe and Ito (2008), "Color universal design".
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#000000", "#999999", "#7F3C8D")
STYLE = {
    "axes.prop_cycle": cycler(color=COLOURS, marker=list("os^Dv<>p*h")),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": "white",
    "figure.titlesize": 11,
    "svg.fonttype": "none",
    "svg.hashsalt": "tlbook",  # else the same figure is another file each time
}


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def _show(figure: Figure, alt: str) -> None:
    from IPython.display import display

    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    display({"image/png": picture.getvalue(), "text/plain": f"Figure: {alt}"}, raw=True)


@rc_context(STYLE)
def gallery(images, titles, *, title: str, alt: str, columns: int = 10) -> None:
    """Show grey images of shape (n, height, width), 0 to 255, in a grid, each under its own short title."""
    rows = -(-len(images) // columns)
    figure, axes = _figure(0.75 * columns, 0.95 * rows + 0.4, rows, columns)
    for axis in np.ravel(axes):
        axis.axis("off")
    for axis, image, name in zip(np.ravel(axes), images, titles, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(name, fontsize=8, loc="center", pad=2)
    figure.suptitle(title, x=0.01, ha="left")
    _show(figure, alt)


@rc_context(STYLE)
def bars(names, values, *, title: str, xlabel: str, alt: str, label="{:.1%}", mark=None, path=None) -> None:
    """Show one horizontal bar a row, with its value written beside it in the format `label`.

    `mark` names vertical lines (dict of str to float). With a `path` the figure goes there, as SVG,
    small enough to be read on a phone.
    """
    mark = mark or {}
    figure, axis = _figure(6 if path is None else 5, 0.42 * (len(names) + len(mark)) + 1.1)
    drawn = axis.barh(np.arange(len(names)), values, tick_label=names, color=COLOURS[0], height=0.65)
    axis.bar_label(drawn, [label.format(value) for value in values], padding=3, fontsize=9)
    for number, (name, x) in enumerate(mark.items()):
        axis.axvline(x, color=COLOURS[5], linestyle="--", linewidth=1, marker="")
        axis.text(x, -0.7 - number, f" {name}", color=COLOURS[5], fontsize=9)
    axis.set(title=title, xlabel=xlabel, xlim=(0, max(values) * 1.2), ylim=(len(names) - 0.5, -0.5 - len(mark)))
    if label.endswith("%}"):
        axis.xaxis.set_major_formatter(PercentFormatter(1))
    if path is None:
        _show(figure, alt)
    else:
        figure.savefig(path, format="svg", metadata={"Date": None, "Title": alt})


@rc_context(STYLE)
def lines(x, series: dict, *, title: str, xlabel: str, ylabel: str, alt: str, xlog=False, percent=True) -> None:
    """Show a line for each entry of `series` (its name to a value for each of `x`); `percent`: they are fractions."""
    figure, axis = _figure(6, 3.6)
    for name, values in series.items():
        axis.plot(x, values, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if xlog else "linear")
    axis.set_xticks(x, [f"{value:g}" for value in x])
    axis.minorticks_off()
    if percent:
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(axis="y", alpha=0.3)
    if len(series) > 1:
        figure.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    _show(figure, alt)


@rc_context(STYLE | {"axes.formatter.min_exponent": 4})  # 1000 rather than a power of ten
def tradeoff(series: dict, *, title: str, xlabel: str, ylabel: str, alt: str) -> None:
    """Show named points, x on a logarithmic scale and y a fraction, those of one series joined in their order.

    `series` gives the name of each series its points: a list of (short name, x, y).
    """
    figure, axis = _figure(6, 3.8)
    for name, points in series.items():
        names, x, y = zip(*points, strict=True)
        (line,) = axis.plot(x, y, linewidth=1, label=name)
        falls = np.diff(x, prepend=x[0]) * np.diff(y, prepend=y[0]) < 0
        for text, where, fallen in zip(names, zip(x, y, strict=True), falls, strict=True):
            # Above its point, on the side on which the line to it leaves room.
            place = {"xytext": (5 if fallen else -5, 4), "ha": "left" if fallen else "right"}
            axis.annotate(text, where, textcoords="offset points", fontsize=8, color=line.get_color(), **place)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log", xmargin=0.15, ymargin=0.1)
    axis.yaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(axis="y", alpha=0.3)
    figure.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    _show(figure, alt)


@rc_context(STYLE)
def confusion(y_true, y_pred, class_names, *, title: str, alt: str) -> None:
    """Show how often each true class (row) was given each name (column), in percent of the row.

    Predictions of -1 (no class) are left out of the columns but count in the rows' sums.
    """
    k = len(class_names)
    counts = np.zeros((k, k))
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    np.add.at(counts, (y_true[y_pred >= 0], y_pred[y_pred >= 0]), 1)
    share = 100 * counts / np.maximum(np.bincount(y_true, minlength=k), 1)[:, None]
    figure, axis = _figure(6, 5.2)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(share >= 0.5):
        colour = "white" if share[row, column] > 60 else "black"
        axis.text(column, row, f"{share[row, column]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axis.set_xticks(range(k), class_names)
    axis.set_yticks(range(k), class_names)
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    _show(figure, alt)


@rc_context(STYLE)
def embedding(panels: dict, labels, class_names, *, title: str, alt: str) -> None:
    """Show points in the plane, coloured by class, each class named at its median.

    One panel for each entry of `panels`: its name to an array of shape (n, 2); `labels`, int of
    shape (n,), are positions in `class_names`.
    """
    figure, axes = _figure(4.2 * len(panels), 4.4, 1, len(panels))
    box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
    for axis, (name, points) in zip(np.ravel(axes), panels.items(), strict=True):
        for which in np.unique(labels):
            own, colour = points[np.asarray(labels) == which], COLOURS[which % len(COLOURS)]
            axis.scatter(*own.T, s=3, color=colour, marker="o", alpha=0.5, linewidths=0)
            centre, text = np.median(own, axis=0), class_names[which]
            axis.text(*centre, text, fontsize=11, weight="bold", ha="center", va="center", bbox=box)
        axis.set(xticks=[], yticks=[], title=name)
    figure.suptitle(title, x=0.01, ha="left")
    _show(figure, alt)


def table(header, rows) -> None:
    """Show a table as Markdown, which reads well in JupyterLab, on the site and as text.

    Cells are written with ``str``: format numbers before.

    >>> table(["method", "accuracy"], [["raw pixels", "51.3 %"]])
    | method | accuracy |
    |---|---|
    | raw pixels | 51.3 % |
    """
    from IPython import get_ipython
    from IPython.display import Markdown, display

    first, *rest = ("| " + " | ".join(map(str, row)) + " |" for row in (header, *rows))
    text = "\n".join([first, "|" + "---|" * len(header), *rest])
    print(text) if get_ipython() is None else display(Markdown(text))
