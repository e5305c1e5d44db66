import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tlbook import glyphs


def test_images_are_bytes_with_the_promised_shape_and_labels():
    images, labels, names = glyphs.render(130)
    assert images.shape == (130, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert "".join(names) == glyphs.LETTERS == "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_every_image_has_white_ink_on_a_black_ground():
    images, *_ = glyphs.render(300)
    assert (images.max(axis=(1, 2)) == 255).all()
    assert (images.min(axis=(1, 2)) == 0).all()
    assert 0.05 < images.mean() / 255 < 0.35


@pytest.mark.parametrize("n", [1, 51, 52, 53, 700])
def test_classes_are_as_equal_in_number_as_the_count_allows(n):
    _, labels, names = glyphs.render(n)
    counts = np.bincount(labels, minlength=len(names))
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1


def test_the_order_of_the_classes_is_random():
    _, labels, _ = glyphs.render(520)
    assert abs(np.corrcoef(labels[:-1], labels[1:])[0, 1]) < 0.2


def test_a_seed_gives_the_same_images_and_another_seed_others():
    first, again, other = (glyphs.render(60, seed=seed)[0] for seed in (5, 5, 6))
    assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2)).all()


class Backwards:
    """Stands in for a pool of threads and does the last piece of work first."""

    def __init__(self, _):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, function, *arguments):
        return [function(*each) for each in reversed(list(zip(*arguments, strict=True)))][::-1]


def test_neither_the_number_of_threads_nor_their_order_changes_anything(monkeypatch):
    n, rendered = 2 * glyphs.CHUNK + 7, []
    for threads in (1, 4):
        monkeypatch.setattr(glyphs, "cores", lambda threads=threads: threads)
        rendered.append(glyphs.render(n)[0])
    monkeypatch.setattr(glyphs, "ThreadPoolExecutor", Backwards)
    assert_array_equal(rendered[0], rendered[1])
    assert_array_equal(rendered[0], glyphs.render(n)[0])


def test_every_image_of_a_letter_is_its_own_draw():
    images, labels, names = glyphs.render(520)
    own = images[labels == names.index("a")].reshape(10, -1)
    assert len(np.unique(own, axis=0)) == 10


def test_images_show_the_letter_that_their_label_says():
    images, labels, names = glyphs.render(5200)
    means = np.stack([images[labels == i].mean(axis=0).ravel() for i in range(52)])
    new, truth, _ = glyphs.render(1040, seed=1)
    means -= means.mean(axis=1, keepdims=True)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    guessed = (new.reshape(1040, -1).astype(float) @ means.T).argmax(axis=1)
    same = [names[a].lower() == names[b].lower() for a, b in zip(guessed, truth, strict=True)]
    assert np.mean(same) > 0.15  # by the nearest mean image; chance is under 4 %


def test_letters_left_out_are_not_drawn_and_labels_close_up():
    _, labels, names = glyphs.render(500, without="OolIZ")
    assert len(names) == 47
    assert not set("OolIZ") & set(names)
    assert set(labels) == set(range(47))


@pytest.mark.parametrize("size", [8, 28, 33])
def test_any_size_is_rendered_about_the_middle(size):
    images, *_ = glyphs.render(208, size=size)
    assert images.shape == (208, size, size)
    at = np.arange(size) - (size - 1) / 2
    for axes in ((0, 1), (0, 2)):
        ink = images.sum(axis=axes, dtype=float)
        assert abs((ink * at).sum() / ink.sum()) < 0.75  # MNIST's own centre is half a pixel off, too


def test_through_a_small_resolution_images_lose_detail_and_keep_the_edge_of_the_target():
    plain, labels, _ = glyphs.render(520)
    coarse, same, _ = glyphs.render(520, through=8)
    assert_array_equal(labels, same)
    assert coarse.shape == plain.shape
    assert coarse[:, :2].max() == coarse[:, -2:].max() == coarse[:, :, :2].max() == coarse[:, :, -2:].max() == 0

    # What is written in 8 x 8 pixels and enlarged threefold is the same after averaging back and forth.
    def lost(images):
        inner = images[:, 2:26, 2:26] / 255
        small = inner.reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4))
        return np.abs(np.kron(small, np.ones((1, 3, 3))) - inner).mean() / inner.mean()

    assert lost(coarse) < 0.8 * lost(plain)


def sharper(images):
    return np.clip((images - 0.3) / 0.4, 0, 1)


def test_enlarge_puts_the_picture_in_the_middle_with_more_contrast():
    small = np.random.default_rng(0).random((5, 8, 8))
    large = glyphs.enlarge(small)
    assert large.shape == (5, 28, 28)
    assert large.dtype == np.float32
    assert_allclose(large[:, 3:26:3, 3:26:3], sharper(small), atol=1e-5)
    assert large[:, :2].max() == large[:, :, 26:].max() == 0
    assert large.min() >= 0 and large.max() <= 1


def test_enlarge_to_the_same_width_changes_the_contrast_only():
    small = np.random.default_rng(0).random((2, 8, 8))
    assert_allclose(glyphs.enlarge(small, size=8, width=8), sharper(small), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, ["n:", "at least 1", "found 0"]),
        ({"n": 2.0}, ["n:", "whole number", "found 2.0"]),
        ({"n": True}, ["n:", "whole number", "found True"]),
        ({"n": 2**70}, ["n:", "below 2**32"]),
        ({"n": [5]}, ["n:", "found list"]),
        ({"n": 5, "seed": -1}, ["seed:", "at least 0", "found -1"]),
        ({"n": 5, "seed": None}, ["seed:", "NoneType"]),
        ({"n": 5, "size": 28.0}, ["size:", "found 28.0"]),
        ({"n": 5, "without": None}, ["without:", "a text"]),
        ({"n": 5, "fonts": "cmr10"}, ["fonts:", "a list of names", "'cmr10'"]),
        ({"n": 5, "fonts": None}, ["fonts:", "a list of names"]),
        ({"n": 5, "through": 8.0}, ["through:", "found 8.0"]),
        ({"n": 5, "size": 7}, ["size", "from 8 to 4096", "found 7"]),
        ({"n": 5, "size": 2**20}, ["size", "from 8 to 4096", "found 1048576"]),
        ({"n": 5, "without": "a3é"}, ["without", "['3', 'é']"]),
        ({"n": 5, "without": glyphs.LETTERS[1:]}, ["without", "two letters", "found 1"]),
        ({"n": 5, "fonts": ["cmr10", "Arial"]}, ["fonts", "cmr10", "found ['Arial']"]),
        ({"n": 5, "fonts": []}, ["fonts", "found none"]),
        ({"n": 5, "through": 3}, ["through", "from 4 to 28", "found 3"]),
        ({"n": 5, "through": 29}, ["through", "from 4 to 28", "found 29"]),
        ({"n": 5, "through": 0}, ["through", "found 0"]),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(options, words, refused):
    with refused("render()", *words):
        glyphs.render(**options)


def test_fonts_can_be_held_out():
    font = glyphs.FONTS[3:4]
    images, labels, _ = glyphs.render(300, fonts=font, seed=1)
    again, other = (glyphs.render(300, fonts=fonts, seed=1) for fonts in (font, glyphs.FONTS[4:5]))
    assert_array_equal(images, again[0])
    assert_array_equal(labels, other[1])  # the same letters
    assert (images != other[0]).any(axis=(1, 2)).mean() > 0.9  # drawn otherwise


def test_missing_fonts_are_named(monkeypatch, tmp_path, refused):
    import matplotlib

    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    glyphs._masters.cache_clear()
    with refused(str(tmp_path), "DejaVuSans", "matplotlib"):
        glyphs.render(5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"small": np.ones((8, 8))}, ["small", "shape (n, s, s)", "shape (8, 8)"]),
        ({"small": np.ones((2, 8, 9))}, ["small", "shape (2, 8, 9)"]),
        ({"small": np.ones((0, 8, 8))}, ["small", "shape (0, 8, 8)"]),
        ({"small": np.full((1, 8, 8), 255)}, ["small", "from 0 to 1", "255 to 255", "divide bytes by 255"]),
        ({"small": np.full((1, 8, 8), np.nan)}, ["small", "nan to nan"]),
        ({"small": "no array"}, ["small", "<U8"]),
        ({"small": np.ones((1, 8, 8)), "width": 29}, ["width", "from 1 to 28", "found 29"]),
        ({"small": np.ones((1, 8, 8)), "size": 0}, ["size", "found 0"]),
        ({"small": np.ones((1, 8, 8)), "size": 2**31}, ["size", "from 1 to 4096"]),
    ],
)
def test_images_that_cannot_be_enlarged_are_refused(options, words, refused):
    with refused("enlarge()", *words):
        glyphs.enlarge(**options)
