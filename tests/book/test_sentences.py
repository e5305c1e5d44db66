"""Sentences that compare the means of all seeds, which no claim within one run can: held to the register."""

import json

import pytest
from copies import ROOT

ROWS = json.loads((ROOT / "book" / "reference" / "results.json").read_text(encoding="utf-8"))
MEAN, SD = (
    {row["name"]: row[key] for row in ROWS if row["chapter"] == "02_vgg16_fine_tuning"} for key in ("mean", "sd")
)
TWO_BLOCKS, PHOTOS = MEAN["letters_finetuned_acc_at_20"], MEAN["imagenet_mobilenet_frozen_acc_at_100"]


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
        ("no better here than the blunt single one", TWO_BLOCKS <= MEAN["at_once_acc_at_20"]),
        (
            "Here they bring no gain",
            max(MEAN["discriminative_acc_at_20"], MEAN["gradual_acc_at_20"]) <= TWO_BLOCKS,
        ),
        ("Let the rate fall", MEAN["constant_rate_acc_at_20"] < min(TWO_BLOCKS, MEAN["warm_up_acc_at_20"])),
        (
            "a wrong augmentation can cost more than a right one brings",
            TWO_BLOCKS - MEAN["mirrored_augmentation_acc"] > TWO_BLOCKS - MEAN["unaugmented_acc"] > 0,
        ),
        (
            "Both lie below the frozen features",
            max(MEAN[f"imagenet_mobilenet_{kind}_acc_at_100"] for kind in ("finetuned", "batchnorm_free")) < PHOTOS,
        ),
        (
            "smaller than the spread of the runs",
            abs(MEAN["imagenet_mobilenet_finetuned_acc_at_100"] - MEAN["imagenet_mobilenet_batchnorm_free_acc_at_100"])
            < SD["imagenet_mobilenet_batchnorm_free_acc_at_100"],
        ),
        (
            "the shortened VGG16 is the best of the three",
            MEAN["letters_cut_4_acc"] > max(MEAN["small_cnn_acc_at_20"], MEAN["letters_cut_5_acc"]),
        ),
        ("it is about as good", abs(MEAN["small_cnn_acc_at_20"] - MEAN["letters_cut_5_acc"]) < 0.01),
    ],
)
def test_chapter_2_says_it_and_the_register_agrees(sentence, holds):
    text = (ROOT / "book" / "chapters" / "02_vgg16_fine_tuning.ipynb").read_text(encoding="utf-8")
    assert sentence in text
    assert holds
