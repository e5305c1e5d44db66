"""Sentences that compare the means of all seeds, which no claim within one run can: held to the register."""

import json
import re

import pytest
from copies import ROOT

ROWS = json.loads((ROOT / "book" / "reference" / "results.json").read_text(encoding="utf-8"))
MEAN, SD, VALUES = (
    {row["name"]: row[key] for row in ROWS if row["chapter"] == "02_vgg16_fine_tuning"}
    for key in ("mean", "sd", "values")
)
TWO_BLOCKS, PHOTOS = MEAN["letters_finetuned_acc_at_20"], MEAN["imagenet_mobilenet_frozen_acc_at_100"]
TEXT = (ROOT / "book" / "chapters" / "02_vgg16_fine_tuning.ipynb").read_text(encoding="utf-8")
CONSTANT = MEAN["constant_rate_acc_at_20"]


def apart(name: str) -> float:
    """Return how far the worst of the runs lies below the second worst."""
    worst, second, *_ = sorted(VALUES[name])
    return second - worst


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [
        ("the features from letters were at least as good", MEAN["linear_head_acc_at_5"] >= MEAN["y2_acc_at_5"]),
        (
            "The frozen backbone is ahead of scratch only with the fewest labels",
            [MEAN[f"letters_frozen_acc_at_{n}"] > MEAN[f"letters_scratch_acc_at_{n}"] for n in (5, 20, 100)]
            == [True, False, False],
        ),
        ("We had hoped for more", MEAN["finetuning_gain_at_5"] < 10),
        ("there the ten points are, on average", MEAN["plain_gain_at_5"] >= 10),
        (
            "no better here than the blunt single one if two blocks learn, and about as good if all do",
            TWO_BLOCKS <= MEAN["at_once_acc_at_20"]
            and abs(MEAN["all_blocks_acc_at_20"] - MEAN["at_once_acc_at_20"])
            < min(SD["all_blocks_acc_at_20"], SD["at_once_acc_at_20"]),
        ),
        (
            "neither does better than one rate for all blocks after the head",
            max(MEAN["discriminative_acc_at_20"], MEAN["gradual_acc_at_20"]) <= MEAN["all_blocks_acc_at_20"],
        ),
        ("Let the rate fall", CONSTANT < min(TWO_BLOCKS, MEAN["warm_up_acc_at_20"])),
        (
            "a wrong augmentation can cost more than a right one brings",
            TWO_BLOCKS - MEAN["mirrored_augmentation_acc"] > TWO_BLOCKS - MEAN["unaugmented_acc"] > 0,
        ),
        (
            "On average both lie below the frozen features",
            max(MEAN[f"imagenet_mobilenet_{kind}_acc_at_100"] for kind in ("finetuned", "batchnorm_free")) < PHOTOS,
        ),
        (
            "the difference between the two means is smaller than the spread of those runs",
            abs(MEAN["imagenet_mobilenet_finetuned_acc_at_100"] - MEAN["imagenet_mobilenet_batchnorm_free_acc_at_100"])
            < SD["imagenet_mobilenet_finetuned_acc_at_100"],
        ),
        (
            "the shortened VGG16 is the best of the three",
            MEAN["letters_cut_4_acc"] > max(MEAN["small_cnn_acc_at_20"], MEAN["letters_cut_5_acc"]),
        ),
        ("the small one is the better of the two", MEAN["small_cnn_acc_at_20"] > MEAN["letters_cut_5_acc"]),
        (
            "a hundred times the weights buy nothing here",
            all(MEAN[f"dense_head_acc_at_{n}"] <= MEAN[f"linear_head_acc_at_{n}"] for n in (5, 20, 100)),
        ),
        (
            "much of that is mended by changing the last layer alone",
            1 - MEAN["y2_acc_at_100"] < (1 - MEAN["y1_acc"]) / 2,
        ),
        ("How it begins matters less", abs(TWO_BLOCKS - MEAN["warm_up_acc_at_20"]) < TWO_BLOCKS - CONSTANT),
        (
            "most of it will be augmentation's",
            MEAN["finetuning_gain_at_5"] / 100
            < (MEAN["letters_finetuned_acc_at_5"] - MEAN["plain_scratch_acc_at_5"]) / 2,
        ),
        ("One run of the five fell far below the others", apart("imagenet_mobilenet_finetuned_acc_at_100") > 0.1),
        ("One run of the five refused far fewer than the other four", apart("squares_refused") > 0.1),
        (
            "In the printed run the flower, too, lies below the threshold",
            float(re.search(r"the flower is a \d, says the network, with confidence ([\d.]+)", TEXT)[1])
            < VALUES["confidence_threshold"][0],
        ),
        ("giving nearly every image the same name", 0.09 < MEAN["wrong_preprocessing_acc"] < 0.12),
        ("may cost nearly everything or hardly anything", TWO_BLOCKS - MEAN["unscaled_acc"] < 0.01),
        (
            "They do better than the network with random weights",
            float(re.search(r"pixels, 8 × 8 \|.* ([\d.]+)% \|\\n", TEXT)[1])
            > float(re.search(r"mobilenet, random \|.* ([\d.]+)% \|\\n", TEXT)[1]),
        ),
        (
            "makes good a part of the damage",
            all(
                PHOTOS > MEAN[f"imagenet_mobilenet_{kind}_retrained_acc"] > MEAN[f"imagenet_mobilenet_{kind}_acc"]
                for kind in ("divided", "prepared_twice")
            ),
        ),
        (
            "The lead of the letters has shrunk to less than the spread of the runs",
            0
            < MEAN["swept_letters_acc"] - MEAN["swept_scratch_acc"]
            < min(SD["swept_letters_acc"], SD["swept_scratch_acc"]),
        ),
        (
            "chose the smallest of the rates for the network from letters",
            "letters: best rate on the fifty validation images 0.0001\\n" in TEXT and "full=(1e-4, 3e-4," in TEXT,
        ),
        (
            "Much of what transfer seems to bring, augmentation brings too",
            MEAN["finetuning_gain_at_5"] < MEAN["plain_gain_at_5"] / 2,
        ),
        (
            "Here a single one did as well",
            MEAN["at_once_acc_at_20"] > max(TWO_BLOCKS, MEAN["all_blocks_acc_at_20"]) - 0.01,
        ),
    ],
)
def test_chapter_2_says_it_and_the_register_agrees(sentence, holds):
    assert sentence in TEXT
    assert holds
