import io
import itertools
import sys
from unittest.mock import Mock

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from PIL import Image

from tlbook import plots


@pytest.fixture
def shown(monkeypatch):
    """Collect what a notebook would display."""
    seen = []
    monkeypatch.setattr("IPython.get_ipython", Mock)
    monkeypatch.setattr("IPython.display.display", lambda thing, **options: seen.append((thing, options)))
    return seen


def picture(shown, alt):
    """Return the one picture that was shown, after checking that its alt text goes with it."""
    ((bundle, options),) = shown
    assert options == {"raw": True}
    assert bundle["text/plain"] == f"Figure: {alt}"
    image = Image.open(io.BytesIO(bundle["image/png"]))
    assert image.format == "PNG"
    pixels = np.asarray(image.convert("RGB")).astype(int)
    assert (pixels[0, 0] == 255).all(), "the ground is white"
    assert (pixels.min(axis=2) < 100).any(), "something is drawn"
    return pixels


def drawn(monkeypatch):
    """Collect the figures, to look at their texts."""
    figures, real = [], plots._show
    monkeypatch.setattr(plots, "_show", lambda figure, alt: (figures.append(figure), real(figure, alt)))
    return figures


def colour(number):
    return np.array([int(plots.COLOURS[number][i : i + 2], 16) for i in (1, 3, 5)])


ALT = "What is seen"
RNG = np.random.default_rng(0)
IMAGES, POINTS = RNG.integers(0, 256, (13, 28, 28)), RNG.normal(size=(30, 2))
CALLS = {
    "gallery": lambda: plots.gallery(IMAGES, list("abcdefghijklm"), title="T", alt=ALT),
    "bars": lambda: plots.bars(["a", "b"], [0.2, 0.9], title="T", xlabel="x (unit)", alt=ALT, mark={"chance": 0.1}),
    "lines": lambda: plots.lines([1, 5], {"p": [1, 2], "q": [2, 1]}, title="T", xlabel="x", ylabel="y", alt=ALT),
    "bar_panels": lambda: plots.bar_panels("ab", {"P": [0.1, 0.9]}, title="T", xlabel="x", ylabel="y", alt=ALT),
    "tradeoff": lambda: plots.tradeoff({"p": [("a", 1, 0.5)]}, title="T", xlabel="x", ylabel="y", alt=ALT),
    "confusion": lambda: plots.confusion([0, 0, 1], [0, 1, -1], "ab", title="T", alt=ALT),
    "embedding": lambda: plots.embedding({"P": POINTS}, np.arange(30) % 3, "abc", title="T", alt=ALT),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_figure_is_shown_as_a_png_with_its_title_and_its_alt_text(name, shown, monkeypatch):
    figures = drawn(monkeypatch)
    before = dict(matplotlib.rcParams)
    CALLS[name]()
    picture(shown, ALT)
    (figure,) = figures
    titles = [figure.get_suptitle(), *(axis.get_title(loc) for axis in figure.axes for loc in ("left", "center"))]
    assert "T" in titles
    assert dict(matplotlib.rcParams) == before, "the reader's own settings stay as they are"


@pytest.mark.parametrize("name", CALLS)
def test_a_figure_looks_the_same_whatever_style_the_reader_has_chosen(name, shown):
    for chosen in ("default", "dark_background", {"font.size": 30, "savefig.bbox": "tight", "axes.grid": True}):
        with matplotlib.style.context(chosen):
            CALLS[name]()
    assert len(shown) == 3 and len({bundle["image/png"] for bundle, _ in shown}) == 1


def test_in_a_plain_script_the_alt_text_is_printed(capsys, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    CALLS["bars"]()
    assert capsys.readouterr().out == f"Figure: {ALT}\n"


def test_alt_text_and_tables_are_printed_on_a_terminal_that_knows_few_letters(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written := io.BytesIO(), "ascii"))
    plots.bars(["a"], [1], title="T", xlabel="x", alt="A bar → one")
    plots.table(["½"], [["✓"]])
    sys.stdout.flush()
    assert written.getvalue() == b"Figure: A bar ? one\n| ? |\n|---|\n| ? |\n"


def test_each_public_function_has_such_a_test():
    public = {name for name, thing in vars(plots).items() if getattr(thing, "__module__", "") == plots.__name__}
    assert {name for name in public if not name.startswith("_")} == {*CALLS, "table"}


def test_a_gallery_shows_every_image_under_its_title(shown, monkeypatch):
    figures = drawn(monkeypatch)
    images = np.stack([np.full((4, 4), 10 * i) for i in range(7)])
    plots.gallery(images, [f"n{i}" for i in range(7)], title="T", alt=ALT, columns=3)
    used = [axis for axis in figures[0].axes if axis.images]
    assert [axis.get_title() for axis in used] == [f"n{i}" for i in range(7)]
    assert [axis.images[0].get_array().max() for axis in used] == [10 * i for i in range(7)]
    assert {axis.images[0].get_clim() for axis in used} == {(0, 255)}


def test_bars_stand_in_panels_on_one_scale(monkeypatch):
    figures = drawn(monkeypatch)
    panels = {"T = 1": [0.9, 0.1], "T = 20": [0.6, 0.4]}
    plots.bar_panels(range(2), panels, title="T", xlabel="digit", ylabel="probability", alt=ALT)
    axes = figures[0].axes
    assert [axis.get_title("left") for axis in axes] == list(panels)
    heights = [[bar.get_height() for bar in axis.patches] for axis in axes]
    assert heights == list(panels.values())
    assert {axis.get_ylim() for axis in axes} == {(0, 0.9 * 1.05)}
    assert [[tick.get_text() for tick in axis.get_xticklabels()] for axis in axes] == [["0", "1"]] * 2


IMAGE, NAN, INF, MASKED = IMAGES[:2], np.nan, np.inf, np.ma.array([1, 2], mask=[False, True])
DATA = {  # what each function takes: the arguments by their order, all fit
    "gallery": {"images": IMAGE, "titles": "ab"},
    "bars": {"names": "ab", "values": [1, 2], "xlabel": "x"},
    "lines": {"x": [1, 2], "series": {"p": [1, 2]}, "xlabel": "x", "ylabel": "y"},
    "bar_panels": {"names": "ab", "panels": {"P": [1, 2]}, "xlabel": "x", "ylabel": "y"},
    "tradeoff": {"series": {"p": [("a", 1, 2)]}, "xlabel": "x", "ylabel": "y"},
    "confusion": {"y_true": [0, 1], "y_pred": [0, -1], "class_names": "ab"},
    "embedding": {"panels": {"P": POINTS[:2]}, "labels": [0, 1], "class_names": "ab"},
}
UNFIT = [
    (
        "gallery",
        "images",
        [IMAGES[0], IMAGES[:0], [], None, "ab", np.ma.masked_less(IMAGE, 9), IMAGE[..., None]],
    ),
    ("gallery", "images", [IMAGE / 255, IMAGE / 127.5 - 1, IMAGE > 99, IMAGE * 9, IMAGE - 99.0, [IMAGES[0], IMAGE]]),
    ("gallery", "images", [np.zeros((501, 2, 2)), IMAGE.astype(complex), IMAGE + NAN]),
    ("gallery", "titles", ["a", "abc", [], None, 2, [None, "a"], [["a"], ["b"]]]),
    ("gallery", "columns", [0, -1, 2.5, "3", None, 10**6]),
    ("bars", "names", ["", None, [None, "a"], [b"a", b"b"]]),
    (
        "bars",
        "values",
        [[1], [1, 2, 3], [], 1, None, [1, NAN], [1, INF], [1, -0.1], ["1", "2"], [[1, 2]], MASKED, [1, [2]]],
    ),
    ("bars", "label", ["{:d", "{:q}", "{x}", "{1}", None]),
    ("bars", "mark", [0.5, ["chance"], {"chance": None}, {"chance": NAN}, {"chance": -1}, {1: 0.5}, np.ones(2)]),
    ("lines", "x", [[], None, [1, NAN], ["a", "b"], MASKED, 1]),
    ("lines", "series", [{}, None, [1, 2], {"p": [1]}, {"p": [1, NAN]}, {"p": MASKED}, {"p": None}, {1: [1, 2]}]),
    ("bar_panels", "names", ["", None, [None, "a"], range(41)]),
    ("bar_panels", "panels", [{}, None, {"P": [1]}, {"P": [1, -1]}, {"P": [1, NAN]}, {"P": MASKED}, {1: [1, 2]}]),
    ("bar_panels", "panels", [{f"P{n}": [1, 2] for n in range(7)}]),
    ("tradeoff", "series", [{}, None, {"p": []}, {"p": [("a", 1)]}, {"p": [("a", 0, 1)]}, {"p": [("a", -1, 1)]}]),
    ("tradeoff", "series", [{"p": None}, {"p": [("a", NAN, 1)]}, {"p": [("a", 1, INF)]}, {"p": [(None, 1, 1)]}]),
    ("confusion", "y_true", [[0, -1], [0, 2], [], None, [0.0, 1.0], [True, False], [[0], [1]], MASKED]),
    ("confusion", "y_pred", [[0, 2], [0], [0, 1, 1], [0, 0.5], [[0, 1]], MASKED, None]),
    ("confusion", "class_names", ["", None, [None, None]]),
    ("embedding", "panels", [{}, None, POINTS, {"P": POINTS}, {"P": POINTS[:2] * NAN}, {"P": [1, 2]}, {"P": IMAGE}]),
    ("embedding", "labels", [[0, 2], [0.0, 1.0], [[0, 1]], MASKED, None, []]),
    ("embedding", "class_names", ["", None, [None, None]]),
    *((name, "title", ["", " ", None, 3]) for name in DATA),
    *((name, "alt", ["", "A", "Two words", None, 3]) for name in DATA),
    *((name, axis, ["", None, 3]) for name in DATA for axis in ("xlabel", "ylabel") if axis in DATA[name]),
]


@pytest.mark.parametrize(
    ("name", "argument", "values"), UNFIT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_cannot_be_drawn_is_refused_by_its_name(name, argument, values, shown, refused):
    getattr(plots, name)(**DATA[name], title="T", alt=ALT)
    assert len(shown) == 1
    for value in values:
        with refused(f"{name}(): {argument}", "To mend it"):
            getattr(plots, name)(**DATA[name] | {"title": "T", "alt": ALT, argument: value})
    assert len(shown) == 1, "nothing is drawn"


def test_a_line_on_a_logarithmic_axis_has_no_zero(refused):
    with refused("lines(): x", "numbers above 0", "found 0"):
        plots.lines([0, 1], {"p": [1, 2]}, title="T", xlabel="x", ylabel="y", alt=ALT, xlog=True)


def test_pixels_that_would_be_drawn_black_are_refused_with_the_cure(shown, refused):
    for images, cure in ((IMAGE / 255, "multiply them by 255"), (IMAGE / 127.5 - 1, "bring them back to 0 to 255")):
        with refused("gallery(): images", "pixels from 0 to 255", cure):
            plots.gallery(images, "ab", title="T", alt=ALT)
    for images in (np.zeros((2, 4, 4)), IMAGE.astype("float32"), IMAGE[..., None].repeat(3, axis=-1), list(IMAGE)):
        plots.gallery(images, [1, ""], title="T", alt=ALT)
    assert len(shown) == 4


def test_a_mark_beyond_the_bars_and_bars_of_nothing_are_within_the_axis(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.bars("ab", [0.1, 0.2], title="T", xlabel="x", alt=ALT, mark={"before": 0.9})
    plots.bars("ab", [0, 0], title="T", xlabel="x", alt=ALT)
    assert figures[0].axes[0].get_xlim()[1] > 0.9
    assert figures[1].axes[0].get_xlim() == (0, 1)


def test_bars_stand_in_order_with_their_values_beside_them(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.bars(["first", "first"], [0.513, 0.914], title="T", xlabel="accuracy", alt=ALT, mark={"chance": 0.1})
    axis = figures[0].axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0.513, 0.914]
    assert axis.patches[0].get_y() < axis.patches[1].get_y() and axis.yaxis_inverted()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "first"]
    texts = {text.get_text().strip() for text in axis.texts}
    assert texts == {"51.3%", "91.4%", "chance"}
    assert axis.get_xlabel() == "accuracy"
    assert axis.get_title("left") == "T"


def test_bars_take_another_format(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.bars(["a"], [3.14], title="T", xlabel="seconds", alt=ALT, label="{:.0f} s")
    assert figures[0].axes[0].texts[0].get_text() == "3 s"


def test_bars_can_be_written_as_the_same_svg_each_time_with_its_alt_text(shown, tmp_path):
    for name in ("one.svg", "two.svg"):
        plots.bars(["a"], [0.5], title="A title", xlabel="accuracy", alt="Half of it.", path=tmp_path / name)
    text = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert text == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert "<svg" in text and "Half of it." in text and ">A title</text>" in text
    assert shown == []


def test_a_figure_may_be_written_into_the_home_folder_by_a_tilde(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    plots.bars(["a"], [0.5], title="T", xlabel="x", alt=ALT, path="~/a.svg")
    assert (tmp_path / "home" / "a.svg").is_file() and not (tmp_path / "~").exists()
    with refused("bars(): path", "a user whom this system knows"):
        plots.bars(["a"], [0.5], title="T", xlabel="x", alt=ALT, path="~nouser/a.svg")


def test_a_figure_that_cannot_be_written_leaves_no_half_of_it(tmp_path, refused):
    with refused(str(tmp_path), "found a folder", "name another file"):
        plots.bars(["a"], [0.5], title="T", xlabel="x", alt=ALT, path=tmp_path)


def test_lines_have_their_own_colours_and_markers_and_are_all_there(shown, monkeypatch):
    figures = drawn(monkeypatch)
    series = {f"s{i}": [i, i + 1, i + 2] for i in range(12)}
    plots.lines([1, 10, 100], series, title="T", xlabel="x", ylabel="y", alt=ALT, xlog=True)
    axis = figures[0].axes[0]
    assert len(axis.lines) == 12
    assert [line.get_label() for line in axis.lines] == list(series)
    looks = {(line.get_color(), line.get_marker()) for line in axis.lines[:10]}
    assert len(looks) == 10
    assert axis.get_xscale() == "log"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "10", "100"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")


def test_one_line_needs_no_legend(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.lines([1, 2], {"only": [1, 2]}, title="T", xlabel="x", ylabel="y", alt=ALT)
    assert figures[0].axes[0].get_legend() is None
    assert figures[0].axes[0].get_xscale() == "linear"


def test_a_tradeoff_names_every_point_beside_its_marker_and_joins_those_of_a_series(shown, monkeypatch):
    figures = drawn(monkeypatch)
    series = {"cuts": [("one", 100, 0.2), ("two", 2000, 0.9), ("three", 50_000, 0.6)], "small": [("s", 300, 0.4)]}
    plots.tradeoff(series, title="T", xlabel="parameters", ylabel="accuracy", alt=ALT)
    (figure,), axis = figures, figures[0].axes[0]
    assert {line.get_label(): line.get_xydata().tolist() for line in axis.lines} == {
        name: [[x, y] for _, x, y in points] for name, points in series.items()
    }
    assert len({line.get_color() for line in axis.lines}) == 2
    assert all(line.get_linestyle() == "-" and line.get_marker() != "None" for line in axis.lines)
    named = {text.get_text(): (*text.xy, text.get_color()) for text in axis.texts}
    own = {name: line.get_color() for name, line in zip(series, axis.lines, strict=True)}
    assert named == {point: (x, y, own[name]) for name, points in series.items() for point, x, y in points}
    for text in axis.texts:
        box, (x, y) = text.get_window_extent(), axis.transData.transform(text.xy)
        reach = axis.lines[0].get_markersize() / 2 * figure.dpi / 72
        assert box.y0 >= y + reach or box.x1 <= x - reach or box.x0 >= x + reach, f"{text.get_text()} is on its marker"
        assert axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1, f"{text.get_text()} is beyond the axes"
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "linear")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("parameters", "accuracy")
    assert {label.get_text()[-1] for label in axis.get_yticklabels()} == {"%"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cuts", "small"]


def test_confusion_is_in_percent_of_each_true_class_and_minus_one_counts_in_the_row(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.confusion([0, 0, 0, 0, 1, 1], [0, 0, 1, -1, 1, 1], ["zero", "one", "never"], title="T", alt=ALT)
    axis = figures[0].axes[0]
    np.testing.assert_allclose(axis.images[0].get_array(), [[50, 25, 0], [0, 100, 0], [0, 0, 0]])
    assert sorted(text.get_text() for text in axis.texts) == ["100", "25", "50"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["zero", "one", "never"]


def test_an_embedding_names_each_class_at_its_median_in_each_panel(shown, monkeypatch):
    figures = drawn(monkeypatch)
    points = np.array([[0.0, 0.0], [2.0, 2.0], [10.0, 4.0], [10.0, 6.0]])
    plots.embedding({"P": points, "Q": -points}, [0, 0, 2, 2], ["a", "absent", "c"], title="T", alt=ALT)
    first, second = figures[0].axes
    assert {text.get_text(): text.get_position() for text in first.texts} == {"a": (1, 1), "c": (10, 5)}
    assert {text.get_text(): text.get_position() for text in second.texts} == {"a": (-1, -1), "c": (-10, -5)}
    assert [axis.get_title("left") for axis in (first, second)] == ["P", "Q"]


def test_points_of_no_class_lie_below_the_others_grey_and_without_a_name(shown, monkeypatch):
    figures = drawn(monkeypatch)
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    plots.embedding({"P": points}, [1, -1, 0, -7], ["a", "b"], title="T", alt=ALT)
    axis = figures[0].axes[0]
    assert [text.get_text() for text in axis.texts] == ["a", "b"]
    assert [dots.get_offsets().tolist() for dots in axis.collections] == [[[1, 1], [3, 3]], [[2, 2]], [[0, 0]]]
    red, green, blue, _ = axis.collections[0].get_facecolor()[0]
    assert red == green == blue and not any(plots.NO_CLASS == colour for colour in plots.COLOURS)


def test_labels_without_a_sign_have_their_own_colours(shown, monkeypatch):
    figures = drawn(monkeypatch)
    plots.embedding({"P": POINTS[:2]}, np.array([0, 1], "uint8"), "ab", title="T", alt=ALT)
    assert [text.get_text() for text in figures[0].axes[0].texts] == ["a", "b"]


def test_colours_can_be_told_apart_by_their_lightness_or_hue():
    assert len(set(plots.COLOURS)) == len(plots.COLOURS) == 10
    apart = [np.abs(colour(a) - colour(b)).sum() for a in range(10) for b in range(a)]
    assert min(apart) > 60


def test_a_table_is_printed_as_markdown_outside_of_a_notebook(capsys, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    plots.table(["method", "accuracy"], [["raw pixels", "51.3 %"], ["letters", 0.9]])
    assert capsys.readouterr().out == ("| method | accuracy |\n|---|---|\n| raw pixels | 51.3 % |\n| letters | 0.9 |\n")


def test_a_table_is_displayed_as_markdown_in_a_notebook(shown, capsys, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    plots.table(["method"], [["raw pixels"]])
    ((thing, _),) = shown
    assert thing.data == "| method |\n|---|\n| raw pixels |"
    assert capsys.readouterr().out == ""


def test_rows_of_a_table_are_as_long_as_its_header_and_no_cell_breaks_it(capsys, monkeypatch, refused):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    plots.table(["a", "b"], [["p(x|y)", "two\nlines"]])
    assert capsys.readouterr().out.splitlines()[-1] == r"| p(x\|y) | two lines |"
    for rows in ([["a", "b"], ["a"]], [["a", "b"], ["a", "b", "c"]], [["a", "b"], "ab"], [["a", "b"], None]):
        with refused("table(): rows[1]", "2 cells"):
            plots.table(["a", "b"], rows)
    for header in ([], None, [["a"]]):
        with refused("table(): header"):
            plots.table(header, [])
    with refused("table(): rows", "a list of rows"):
        plots.table(["a"], None)
    assert capsys.readouterr().out == ""


def test_colour_images_of_floats_are_drawn_in_their_own_colours(shown, monkeypatch):
    figures = drawn(monkeypatch)
    images = np.stack([np.full((4, 4, 3), each) for each in (10.4, 128.0, 255.4)])
    plots.gallery(images, "abc", title="T", alt=ALT)
    drawn_ones = [axis.images[0].get_array() for axis in figures[0].axes if axis.images]
    assert [int(image.max()) for image in drawn_ones] == [10, 128, 255]
    assert {image.dtype for image in drawn_ones} == {np.dtype("uint8")}


MONEY = "cost $5 and $6", r"a broken $\frac{1$", "$x^2$", r"100 \$"


@pytest.mark.parametrize("text", MONEY)
@pytest.mark.parametrize("name", DATA)
def test_dollars_in_any_text_are_drawn_as_dollars(name, text, shown, monkeypatch):
    named = {
        "gallery": {"titles": [text] * 2},
        "bars": {"names": [text] * 2, "mark": {text: 1}, "label": text.replace("{", "{{") + " {}"},
        "lines": {"series": {text: [1, 2], "other": [2, 1]}},
        "bar_panels": {"names": [text] * 2, "panels": {text: [1, 2]}},
        "tradeoff": {"series": {text: [(text, 1, 2)]}},
        "confusion": {"class_names": [text] * 2},
        "embedding": {"panels": {text: POINTS[:2]}, "class_names": [text] * 2},
    }[name]
    axes = {axis: text for axis in ("xlabel", "ylabel") if axis in DATA[name]}
    figures, alt = drawn(monkeypatch), f"What is seen: {text}"
    getattr(plots, name)(**DATA[name] | named | axes | {"title": text, "alt": alt})
    assert shown[0][0]["text/plain"] == f"Figure: {alt}"
    with_dollars = [each for each in figures[0].findobj(matplotlib.text.Text) if "$" in each.get_text()]
    tick_labels = [each for each in with_dollars if "mathdefault" in each.get_text()]  # powers of ten are our own
    read = {each._preprocess_math(each.get_text()) for each in with_dollars if each not in tick_labels}
    assert len(read) >= 1 and not any(math for _, math in read)
    assert all(text in drawn_text for drawn_text, _ in read)


def test_dollars_in_a_table_are_no_mathematics(shown, capsys, monkeypatch):
    plots.table(["in $"], [["$5 and $6"]])
    assert shown[0][0].data.splitlines()[::2] == [r"| in \$ |", r"| \$5 and \$6 |"]
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    plots.table(["in $"], [["$5 and $6"]])
    assert capsys.readouterr().out == "| in $ |\n|---|\n| $5 and $6 |\n"


LONG, MANY = "word " * 100, range(201)
MORE_UNFIT = [
    *((name, "title", [LONG, "lone \ud800", "nul \0"]) for name in DATA),
    *((name, "alt", [LONG * 20, "two words and \udcff", "two words and \0"]) for name in DATA),
    ("gallery", "columns", [True, 10**5000]),
    ("gallery", "images", [IMAGE // 255, (IMAGE > 99).astype("uint8"), IMAGE * 257, (IMAGE - 33.3) / 78.6]),
    ("gallery", "titles", [["a", LONG], ["a", "\ud800"], ["a", 10**5000], iter(MANY)]),
    ("bars", "names", [["a", LONG], ["a", "\0"], itertools.count()]),
    ("bars", "values", [[1, 1.7e308], [1, 10**200], [1, np.longdouble("1e4000")]]),
    ("bars", "mark", [{"a": 1.7e308}, {LONG: 1}, {str(each): 1 for each in MANY}]),
    ("bars", "label", ["{:>1000000000}", "{:.1000f}", LONG, "{}\ud800"]),
    ("bars", "path", [3, b"", b"a.svg", "", ".", "a\0b", "\ud800.svg", io.StringIO(), True]),
    ("lines", "x", [[1, 1.7e308], range(501)]),
    ("lines", "series", [{"p": [0, -1.7e308]}, {"_raw": [1, 2]}, {"": [1, 2]}, {LONG: [1, 2]}]),
    ("lines", "series", [{str(each): [1, 2] for each in MANY}]),
    ("tradeoff", "series", [{"_p": [("a", 1, 2)]}, {"p": [("a", 1e-300, 1)]}, {"p": [("a", 1, 1e200)]}]),
    ("tradeoff", "series", [{"p": [("a", 1, 1) for _ in MANY]}, {"p": (("a", 1, 1) for _ in itertools.count())}]),
    ("confusion", "class_names", [MANY, itertools.count()]),
    ("embedding", "class_names", [MANY]),
    ("embedding", "panels", [{"P": POINTS[:2] * 1e300}, {LONG: POINTS[:2]}]),
]


@pytest.mark.parametrize(
    ("name", "argument", "values"), MORE_UNFIT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_would_fill_the_memory_or_end_in_an_error_of_matplotlibs_is_refused(
    name, argument, values, shown, refused
):
    for value in values:
        with refused(f"{name}(): {argument}"):
            getattr(plots, name)(**DATA[name] | {"title": "T", "alt": ALT, argument: value})
    assert shown == []


def test_numbers_of_16_bits_and_up_to_the_largest_are_drawn(shown):
    half = np.array([100, 60000], "float16")
    plots.bars("ab", half, title="T", xlabel="x", alt=ALT, label="{:.0f}")
    plots.lines(half, {"p": half}, title="T", xlabel="x", ylabel="y", alt=ALT, xlog=True)
    plots.tradeoff({"p": [("a", half[0], 0.1), ("b", half[1], 1)]}, title="T", xlabel="x", ylabel="y", alt=ALT)
    plots.embedding({"P": np.stack([half, -half], axis=1)}, [0, 1], "ab", title="T", alt=ALT)
    plots.lines([1, 1e100], {"p": [0, 1e100]}, title="T", xlabel="x", ylabel="y", alt=ALT, percent=False)
    assert len(shown) == 5


def test_of_many_places_on_an_axis_not_each_has_its_tick(shown, monkeypatch):
    figures = drawn(monkeypatch)
    for n in (40, 500):
        plots.lines(range(n), {"p": range(n)}, title="T", xlabel="x", ylabel="y", alt=ALT)
    counts = [len(figure.axes[0].get_xticks()) for figure in figures]
    assert counts[0] == 40 and 20 < counts[1] <= 40


def test_bytes_can_be_written_to_an_open_file(shown):
    plots.bars("a", [0.5], title="T", xlabel="x", alt=ALT, path=(there := io.BytesIO()))
    assert there.getvalue().startswith(b"<?xml") and shown == []
