"""Every figure of the book: colours that colour-blind readers can tell apart, titles, units, alt text.

Each function shows its figure at once, in a notebook; elsewhere it prints the alt text. All take `title`, the axes'
names with their units where there are axes, and `alt`: what the figure shows, for who cannot see it, in three words
or more. What is drawn are numbers, all of them finite, none masked or beyond 1e100, as many as there are names for
them, and texts of at most 300 letters, in which a dollar is one: all else, and more than fits into a figure, raises
`TlbookError`, which names the argument. Figures look the same whatever style was chosen for others.
"""

import functools
import io
import os
import re
from collections.abc import Mapping
from itertools import islice
from numbers import Real
from pathlib import Path

import numpy as np
from cycler import cycler
from matplotlib import rc_context, style
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tlbook.arguments import are_pixels, masked, shown, whole
from tlbook.disk import named, write
from tlbook.run import TlbookError, require, say

# Okabe and Ito (2008), "Color universal design".
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#000000", "#999999", "#7F3C8D")
NO_CLASS = "#BBBBBB"
BAR = r"\|"  # in a cell of Markdown
LARGEST, LONGEST, MOST = 1e100, 300, 200  # of what is drawn: numbers, letters of a text, rows or classes
POINTS, TICKS, SERIES = 500, 40, 50  # along an axis, and lines above it
PANELS = 6  # side by side
NO_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # what no SVG can hold
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


def _drawn(draw):
    """Have a function draw in the book's style, and no other, once its title, names and alt text are fit."""

    @functools.wraps(draw)
    def drawing(*arguments, **options):
        for name in {"title", "xlabel", "ylabel", "alt"} & options.keys():
            text, least = options[name], 3 if name == "alt" else 1
            good = isinstance(text, str) and len(text.split()) >= least
            what = f"{draw.__name__}(): {name}"
            require(good, what, f"a text of {least} or more words", shown(text), "write it out")
            options[name] = _text(what, text, drawn=name != "alt")
        with style.context(["default", STYLE]):
            return draw(*arguments, **options)

    return drawing


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def _show(figure: Figure, alt: str) -> None:
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:  # a plain script: there is nothing to show a picture on
        say(f"Figure: {alt}")
        return
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    display({"image/png": picture.getvalue(), "text/plain": f"Figure: {alt}"}, raw=True)


def _require(good, what: str, expected: str, found) -> None:
    do = f"compare with  help(tl.plots.{what.partition('(')[0]})"
    require(good, what, expected, found if isinstance(found, str) else shown(found), do)


def _numbers(what: str, values, *shapes: tuple, low: float = -np.inf, kinds: str = "biuf") -> np.ndarray:
    """Return finite numbers, from `low` on, as an array of one of these shapes (None: any length from 1), or refuse."""
    try:
        array, hidden = np.asarray(values), masked(values)
    except Exception:  # rows of different lengths, say
        array, hidden = np.array(None), False
    if array.dtype.kind == "f":  # matplotlib's arithmetic is too wide for 16 bits
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    pairs = (zip(array.shape, shape, strict=True) for shape in shapes if len(shape) == array.ndim)
    fit = array.dtype.kind in kinds and any(all(n and wanted in (None, n) for n, wanted in pair) for pair in pairs)
    wanted = " or ".join(str(shape).replace("None", "any") for shape in shapes)
    expected = f"{'finite' if 'f' in kinds else 'whole'} numbers of shape {wanted}, none masked"
    _require(fit and not hidden, what, expected, f"shape {array.shape}, {array.dtype}" + ", masked" * hidden)
    good, expected = (array >= max(low, -LARGEST)) & (array <= LARGEST), "finite numbers" + f", from {low}" * (low == 0)
    found = f"values from {array.min()} to {array.max()}"  # NaN, if there is one
    _require(good.all(), what, f"{expected}, up to {LARGEST:g}", found)
    return array


def _positive(what: str, values) -> None:
    _require(values.min() >= 1 / LARGEST, what, "numbers above 0, for an axis of powers", f"{min(values)}")


def _ids(what: str, ids, count: int | None, names: list, low: float = -np.inf) -> np.ndarray:
    """Return class ids as an array, -1 for all that are negative, or refuse them: each of the others needs a name."""
    ids = _numbers(what, ids, (count,), low=low, kinds="iu")
    _require(ids.max() < len(names), what, f"ids below {len(names)}, one for each name", f"{ids.max()}")
    return np.maximum(ids.astype("int64"), -1)


def _text(what: str, text: str, drawn: bool = True) -> str:
    """Return a text as matplotlib draws it letter by letter, a dollar too: it sets mathematics between two of them."""
    longest = LONGEST if drawn else 20 * LONGEST
    found = f"{len(text)} letters" if len(text) > longest else ascii(text)[:80]
    good = len(text) <= longest and not NO_TEXT.search(text)
    _require(good, what, f"at most {longest} letters, and none that cannot be written", found)
    return text.replace("$", r"\$") if drawn else text


def _names(what: str, names, count: int | None = None, most: int = MOST) -> list[str]:
    """Return names (texts, or numbers) as texts, or refuse them."""
    found = list(islice(names, most + 1)) if np.iterable(names) else []
    good = found and all(map(_is_name, found)) and count in (None, len(found))
    wanted = f"{f'at most {most}' if count is None else count} texts or numbers"
    _require(good and len(found) <= most, what, wanted, names)
    return [_text(what, str(name)) for name in found]


def _is_name(name) -> bool:
    return isinstance(name, str) or (isinstance(name, Real) and not LARGEST < abs(name) < np.inf)


def _named(what: str, things, least: int = 1) -> Mapping:
    """Return a dict of things by their names, or refuse it."""
    good = isinstance(things, Mapping) and least <= len(things) <= SERIES
    good = good and all(isinstance(name, str) for name in things)
    _require(good, what, f"a dict of {least} to {SERIES} things by their names", things)
    if what.endswith("series"):
        hidden = [name for name in things if not name or name.startswith("_")]
        _require(not hidden, what, "names that a legend shows, without _ before them", hidden)
    return {_text(what, name): thing for name, thing in things.items()}


@_drawn
def gallery(images, titles, *, title: str, alt: str, columns: int = 10) -> None:
    """Show images in a grid, each under its own short title.

    `images` are grey, of shape (n, height, width), or in colour, of shape (n, height, width, 3), at most 500 of them,
    from 0 to 255. Numbers from -1 to 1, as networks are fed with, would be drawn black: they are refused.
    """
    grid = _numbers("gallery(): images", images, (None,) * 3, (None, None, None, 3))
    _require(len(grid) <= POINTS, "gallery(): images", f"at most {POINTS}", f"{len(grid)}")
    titles = _names("gallery(): titles", titles, len(grid), POINTS)
    columns = whole("gallery(): columns", columns, 1, 50)
    low, high = float(grid.min()), float(grid.max())
    do = "multiply them by 255" if 0 <= low and high <= 1 else "bring them back to 0 to 255"
    found = f"{grid.dtype} from {low:g} to {high:g}"
    require(are_pixels(grid), "gallery(): images", "pixels from 0 to 255", found, do)
    grid = np.clip(np.round(grid), 0, 255).astype("uint8")  # of floats in colour it would be 0 to 1 that is drawn
    rows = -(-len(grid) // columns)
    figure, axes = _figure(0.75 * columns, 0.95 * rows + 0.4, rows, columns)
    for axis in np.ravel(axes):
        axis.axis("off")
    for axis, image, name in zip(np.ravel(axes), grid, titles, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(name, fontsize=8, loc="center", pad=2)
    figure.suptitle(title, x=0.01, ha="left")
    _show(figure, alt)


@_drawn
def bars(names, values, *, title: str, xlabel: str, alt: str, label="{:.1%}", mark=None, path=None) -> None:
    """Show one horizontal bar a row, with its value written beside it in the format `label`.

    `values`, of shape (n,), and `mark`, which names vertical lines (dict of str to float), are not negative. With a
    `path` the figure goes there, as SVG, small enough to be read on a phone.
    """
    names = _names("bars(): names", names)
    values = _numbers("bars(): values", values, (len(names),), low=0)
    far = float(values.max())
    for name, x in (mark := _named("bars(): mark", {} if mark is None else mark, least=0)).items():
        far = max(far, float(_numbers(f"bars(): mark[{name!r}]", x, (), low=0)))
    try:
        wide = re.search(r"\{[^{}]*\d{3}", label)  # hundreds of digits, or gigabytes of blanks
        written = [] if wide else [label.format(value) for value in values.tolist()]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        wide = True
    require(not wide, "bars(): label", "a format of one number", shown(label), "label='{:.1%}', say")
    written = [_text("bars(): label", text) for text in written]
    if path is not None:
        path = _target(path)
    figure, axis = _figure(6 if path is None else 5, 0.42 * (len(names) + len(mark)) + 1.1)
    drawn = axis.barh(np.arange(len(names)), values.astype(float), tick_label=names, color=COLOURS[0], height=0.65)
    axis.bar_label(drawn, written, padding=3, fontsize=9)
    for number, (name, x) in enumerate(mark.items()):
        axis.axvline(x, color=COLOURS[5], linestyle="--", linewidth=1, marker="")
        axis.text(x, -0.7 - number, f" {name}", color=COLOURS[5], fontsize=9)
    axis.set(title=title, xlabel=xlabel, xlim=(0, far * 1.2 or 1), ylim=(len(names) - 0.5, -0.5 - len(mark)))
    if label.endswith("%}"):
        axis.xaxis.set_major_formatter(PercentFormatter(1))
    if path is None:
        _show(figure, alt)
        return
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None, "Title": alt})
    write({path: picture.getvalue()}) if isinstance(path, Path) else path.write(picture.getvalue())


def _target(path):
    """Return the file of a name, or what is open as it is; refuse what is neither, or takes no bytes."""
    try:
        if hasattr(path, "write"):
            path.write(b"")
            return path
        name = os.fspath(path)
        good = isinstance(name, str) and Path(name).name and b"\0" not in os.fsencode(name)
    except (TypeError, ValueError):
        good = False
    _require(good, "bars(): path", "the name of a file, or a file open for bytes", path)
    return named("bars(): path", name)


@_drawn
def bar_panels(names, panels: dict, *, title: str, xlabel: str, ylabel: str, alt: str) -> None:
    """Show panels side by side on one scale, each with a vertical bar for each name.

    `panels` gives the title of each panel, of at most six, its values: fractions of shape (n,), not negative.
    """
    names, what = _names("bar_panels(): names", names, most=TICKS), "bar_panels(): panels"
    panels = {
        name: _numbers(f"{what}[{name!r}]", values, (len(names),), low=0)
        for name, values in _named(what, panels).items()
    }
    _require(len(panels) <= PANELS, what, f"at most {PANELS}", f"{len(panels)}")
    figure, axes = _figure(0.6 + 2.1 * len(panels), 2.6, columns=len(panels))
    far = max(values.max() for values in panels.values())
    for number, (axis, (name, values)) in enumerate(zip(np.atleast_1d(axes), panels.items(), strict=True)):
        axis.bar(np.arange(len(names)), values.astype(float), tick_label=names, color=COLOURS[number], width=0.75)
        axis.set(title=name, xlabel=xlabel, ylim=(0, far * 1.05 or 1))
        axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.tick_params(labelsize=8, labelleft=number == 0)
        axis.title.set_fontsize(10)
    figure.axes[0].set_ylabel(ylabel)
    figure.suptitle(title, x=0.01, ha="left")
    _show(figure, alt)


@_drawn
def lines(x, series: dict, *, title: str, xlabel: str, ylabel: str, alt: str, xlog=False, percent=True) -> None:
    """Show a line for each entry of `series` (its name to a value for each of `x`); `percent`: they are fractions."""
    x = _numbers("lines(): x", x, (None,))
    _require(len(x) <= POINTS, "lines(): x", f"at most {POINTS}", f"{len(x)}")
    if xlog:
        _positive("lines(): x", x)
    series = {
        name: _numbers(f"lines(): series[{name!r}]", values, x.shape)
        for name, values in _named("lines(): series", series).items()
    }
    figure, axis = _figure(6, 3.6)
    for name, values in series.items():
        axis.plot(x, values, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if xlog else "linear")
    ticks = x[:: -(-len(x) // TICKS)]
    axis.set_xticks(ticks, [f"{value:g}" for value in ticks])
    axis.minorticks_off()
    if percent:
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(axis="y", alpha=0.3)
    if len(series) > 1:
        figure.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    _show(figure, alt)


@_drawn
@rc_context({"axes.formatter.min_exponent": 4})  # 1000 rather than a power of ten
def tradeoff(series: dict, *, title: str, xlabel: str, ylabel: str, alt: str) -> None:
    """Show named points, x on a logarithmic scale and y a fraction, those of one series joined in their order.

    `series` gives the name of each series its points: a list of (short name, x, y).
    """
    figure, axis = _figure(6, 3.8)
    for name, points in _named("tradeoff(): series", series).items():
        what = f"tradeoff(): series[{name!r}]"
        try:
            names, x, y = zip(*islice(points, MOST + 1), strict=True)
        except (TypeError, ValueError) as error:
            raise TlbookError(what, "a list of (name, x, y)", shown(points), "give all three") from error
        names = _names(f"{what}, names", names)
        x, y = (_numbers(f"{what}, {name}", each, (None,)).astype(float) for name, each in (("x", x), ("y", y)))
        _positive(f"{what}, x", x)
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


@_drawn
def confusion(y_true, y_pred, class_names, *, title: str, alt: str) -> None:
    """Show how often each true class (row) was given each name (column), in percent of the row.

    `y_true` and `y_pred`, int of shape (n,), are positions in `class_names`. Negative predictions (no class) are left
    out of the columns but count in the rows' sums.
    """
    class_names = _names("confusion(): class_names", class_names)
    k = len(class_names)
    y_true = _ids("confusion(): y_true", y_true, None, class_names, low=0)
    y_pred = _ids("confusion(): y_pred", y_pred, len(y_true), class_names)
    counts = np.zeros((k, k))
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


@_drawn
def embedding(panels: dict, labels, class_names, *, title: str, alt: str) -> None:
    """Show points in the plane, coloured by class, each class named at its median.

    One panel for each entry of `panels`: its name to an array of shape (n, 2); `labels`, int of
    shape (n,), are positions in `class_names`. Points whose label is negative (no class) lie below the others, in grey.
    """
    class_names = _names("embedding(): class_names", class_names)
    labels = _ids("embedding(): labels", labels, None, class_names)
    panels = {
        name: _numbers(f"embedding(): panels[{name!r}]", points, (len(labels), 2))
        for name, points in _named("embedding(): panels", panels).items()
    }
    figure, axes = _figure(4.2 * len(panels), 4.4, 1, len(panels))
    box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
    for axis, (name, points) in zip(np.ravel(axes), panels.items(), strict=True):
        for which in np.unique(labels):
            own, colour = points[labels == which], COLOURS[which % len(COLOURS)] if which >= 0 else NO_CLASS
            axis.scatter(*own.T, s=3, color=colour, marker="o", alpha=0.5, linewidths=0)
            if which < 0:
                continue
            centre, text = np.median(own, axis=0), class_names[which]
            axis.text(*centre, text, fontsize=11, weight="bold", ha="center", va="center", bbox=box)
        axis.set(xticks=[], yticks=[], title=name)
    figure.suptitle(title, x=0.01, ha="left")
    _show(figure, alt)


def table(header, rows) -> None:
    """Show a table as Markdown, which reads well in JupyterLab, on the site and as text.

    Cells are written with ``str``: format numbers before. `TlbookError` if a row has not as many as the header.

    >>> table(["method", "accuracy"], [["raw pixels", "51.3 %"]])
    | method | accuracy |
    |---|---|
    | raw pixels | 51.3 % |
    """
    from IPython import get_ipython
    from IPython.display import Markdown, display

    names = _names("table(): header", [header] if isinstance(header, str) else header)
    header = [name.replace(r"\$", "$") for name in names]
    _require(np.iterable(rows), "table(): rows", "a list of rows", rows)
    lines = []
    for number, row in enumerate((header, *rows)):
        cells = list(row) if np.iterable(row) and not isinstance(row, str) else [row]
        _require(len(cells) == len(header), f"table(): rows[{number - 1}]", f"{len(header)} cells", row)
        # A bar or the end of a line within a cell would end the cell.
        lines.append(f"| {' | '.join(' '.join(str(cell).splitlines()).replace('|', BAR) for cell in cells)} |")
    text = "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])
    # Between two dollars a notebook, too, would set mathematics.
    say(text) if get_ipython() is None else display(Markdown(text.replace("$", r"\$")))
