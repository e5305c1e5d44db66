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


THIRD, NEW, ROADS = (
    {row["name"]: row["mean"] for row in ROWS if row["chapter"] == chapter}
    for chapter in ("03_kmeans_pseudo_labels", "04_beyond_kmeans", "roads")
)
BEYOND = (ROOT / "book" / "chapters" / "04_beyond_kmeans.ipynb").read_text(encoding="utf-8")


EACH = {row["name"]: row["values"] for row in ROWS if row["chapter"] == "04_beyond_kmeans"}


def both_roads(one: str, other: str):
    """Return the accuracies of two roads, seed by seed."""
    values = {row["name"]: row["values"] for row in ROWS if row["chapter"] == "roads"}
    return list(zip(values[f"{one}_acc"], values[f"{other}_acc"], strict=True))


def both(one: str, other: str):
    """Return the values of two numbers, seed by seed."""
    return zip(EACH[one], EACH[other], strict=True)


def printed(pattern: str) -> float:
    """Return what the printed run of chapter 4 says at a pattern."""
    return float(re.search(pattern, BEYOND)[1])


def falling(pattern: str) -> list[float]:
    """Return the shares that the printed run lists at a pattern."""
    return [float(share) for share in re.search(pattern, BEYOND)[1].split("%, ")]


def by_neighbours(way: str) -> float:
    """Return the share of what adapting gains that a copy on raw guesses does not."""
    only, copied, adapted = (NEW[f"shift_{way}_{name}_acc"] for name in ("source_only", "copied", "adapted"))
    return (adapted - copied) / (adapted - only)


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [
        (
            "So what our network misses beyond that is the fault of its labels",
            NEW["true_labels_acc"] > NEW["neighbours_acc"],
        ),
        (
            "On these digits the step does not help: it costs a little, in each of the seeds",
            all(0 < free - equal < 0.005 for free, equal in both("free_mass_labels_acc", "averaged_labels_acc")),
        ),
        (
            "It even leaves the labels worse than it found them",
            NEW["unequal_equal_mass_acc"] < NEW["unequal_kmeans_acc"] < NEW["unequal_free_mass_acc"],
        ),
        (
            "That last figure lies below what K-means alone named in chapter 3",
            NEW["slanted_labels_acc"] < THIRD["letters_kmeans_acc"],
        ),
        (
            "In three of the five seeds it is nearly all of them, in the other two about half",
            [round(value, 1) >= 0.9 for value in sorted(EACH["collapsed_share"])] == [False] * 2 + [True] * 3
            and all(0.4 < value < 0.6 for value in sorted(EACH["collapsed_share"])[:2]),
        ),
        (
            "after averaging, what was learned from 0 to 4 is on average no better than pixels",
            NEW["novel_averaged_acc"] <= NEW["novel_raw_averaged_acc"],
        ),
        (
            "The printed run is the worst of the five. In it the trained network ends no better than the untrained one",
            [one > other for one, other in both("novel_averaged_acc", "novel_untrained_averaged_acc")]
            == [False] + [True] * 4
            and min(EACH["novel_averaged_acc"]) == EACH["novel_averaged_acc"][0],
        ),
        (
            "on the same 10,000 digits, averaged labels are right more often than those of the loss",
            printed(r"10 neighbours: ([\d.]+)%") > printed(r"on the same images: .*the loss ([\d.]+)%"),
        ),
        (
            "Both are far from what averaging makes of the same kind of features",
            max(NEW["gaussian_mixture_acc"], NEW["spectral_clustering_acc"]) < NEW["pixels_averaged_acc"] - 0.1,
        ),
        (
            "it hardly tells the untrained network from rotations, which are far more accurate",
            abs(printed(r"\| random network \| ([\d.]+) \|") - printed(r"\| rotations \| ([\d.]+) \|")) < 0.02
            and NEW["selfsupervised_kmeans_acc"] > NEW["random_features_kmeans_acc"] + 0.05,
        ),
        (
            "On the way there it is next to nothing, on the way back some points",
            NEW["shift_there_copied_acc"] - NEW["shift_there_source_only_acc"]
            < 0.01
            < 0.03
            < NEW["shift_back_copied_acc"] - NEW["shift_back_source_only_acc"],
        ),
        ("Augmentation helps a little", NEW["no_augmentation_acc"] < NEW["neighbours_acc"]),
        ("The shifts at test time change little", abs(NEW["no_shifts_acc"] - NEW["neighbours_acc"]) < 0.002),
        ("and yet the network that learns from them names", NEW["sure_half_acc"] < NEW["random_half_acc"]),
        (
            "but they do not get better by it",
            abs(NEW["relabelled_acc"] - NEW["before_relabelling_acc"]) < 0.005,
        ),
        (
            "In the printed run every further copy lost a little",
            sorted(falling(r"round by round: [\d.]+%, ([\d.%, ]+)%"), reverse=True)
            == falling(r"round by round: [\d.]+%, ([\d.%, ]+)%"),
        ),
        (
            "A recipe that assumes equal classes must not be handed unequal ones",
            NEW["unequal_equal_mass_acc"] < NEW["unequal_free_mass_acc"],
        ),
        ("they are not the only way", 0.95 < NEW["selfsupervised_averaged_acc"] < NEW["letters_road_averaged_acc"]),
        ("That is more than in chapter 3", NEW["kmeans_acc"] > THIRD["letters_kmeans_acc"]),
        ("Not quite", NEW["network_labels_acc"] > NEW["averaged_labels_acc"]),
        (
            "In chapter 3 random weights ruined everything",
            THIRD["random_features_kmeans_acc"] < THIRD["raw_kmeans_acc"],
        ),
        (
            "pixels do a little better",
            0.03 > NEW["pixels_averaged_acc"] - NEW["neighbours_without_transfer_acc"] > 0.005,
        ),
        (
            "We had aimed at 98.9 %<!-- given: our aim -->, and missed it by a little",
            0.002 > 0.989 - NEW["neighbours_acc"] > 0,
        ),
        (
            "forging and squeezing brought hardly more than doing nothing, or less",
            max(NEW["gan_averaged_acc"], NEW["autoencoder_averaged_acc"]) < NEW["random_features_averaged_acc"] + 0.01
            and NEW["autoencoder_averaged_acc"] < NEW["random_features_averaged_acc"],
        ),
        (
            "In one seed of the five the autoencoder went wrong, which lowers its mean",
            [value < 0.9 for value in EACH["autoencoder_averaged_acc"]].count(True) == 1,
        ),
        (
            "only letters and rotations were worth theirs",
            NEW["selfsupervised_averaged_acc"] > NEW["random_features_averaged_acc"] + 0.02,
        ),
        (
            "That is what letters reach",
            abs(ROADS["rotations_averaged_acc"] - ROADS["letters_averaged_acc"]) < 0.001,
        ),
        (
            "K-means alone still does a little better on letters",
            0 < ROADS["letters_kmeans_acc"] - ROADS["rotations_kmeans_acc"] < 0.02,
        ),
        ("And letters are there sooner", ROADS["rotations_averaged_seconds"] > ROADS["letters_averaged_seconds"]),
        (
            "ahead in one run, and behind by a point in two",
            sorted(
                round(100 * (loss - averaged)) for loss, averaged in both_roads("neighbour_loss", "letters_averaged")
            )
            == [-1, -1, 0]
            and sum(loss > averaged for loss, averaged in both_roads("neighbour_loss", "letters_averaged")) == 1,
        ),
        (
            "below the untrained one. So to learn without labels promises nothing by itself",
            ROADS["views_averaged_acc"] < ROADS["untrained_averaged_acc"],
        ),
        (
            "On all 60,000 the autoencoder did so, too, and rotations ended level with letters",
            ROADS["autoencoder_averaged_acc"] > ROADS["untrained_averaged_acc"] + 0.02,
        ),
        ("both ways it is most of what adapting gains", min(map(by_neighbours, ("there", "back"))) > 0.6),
        (
            "where one guess in three or four is wrong, neighbours can still outvote most of the wrong ones",
            1 / 4.5 < 1 - NEW["shift_back_source_only_acc"] < 1 / 2.5
            and NEW["shift_back_adapted_acc"] > (1 + NEW["shift_back_source_only_acc"]) / 2,
        ),
        ("the starts agree most on rotations", "highest starts agree: rotations" in BEYOND),
        (
            "In the printed run the silhouette and the neighbours point to the letters",
            "highest silhouette: letters" in BEYOND and "highest neighbours agree: letters" in BEYOND,
        ),
    ],
)
def test_chapter_4_says_it_and_the_register_agrees(sentence, holds):
    assert sentence in BEYOND
    assert holds


DISTILLED = {row["name"]: row["values"] for row in ROWS if row["chapter"] == "05_distillation"}
MEAN_5 = {row["name"]: row["mean"] for row in ROWS if row["chapter"] == "05_distillation"}
CHAPTER_5 = (ROOT / "book" / "chapters" / "05_distillation.ipynb").read_text(encoding="utf-8")


def wrong(name: str) -> float:
    """Return the mean number of errors of chapter 5 under a name."""
    return MEAN_5[f"{name}_errors"]


def each(*names: str):
    """Return the numbers of errors of chapter 5 under some names, seed by seed."""
    return list(zip(*(DISTILLED[f"{name}_errors"] for name in names), strict=True))


BY_HEAT = {which: [wrong(f"temperature_{heat}_{which}") for heat in (1, 2, 4, 8, 20)] for which in ("wide", "narrow")}
MIXED = [wrong(f"alpha_{tenths}") for tenths in ("00", "01", "05", "09")]
LEADS = sorted(distilled - jittered for distilled, jittered in each("student_distilled", "student_jittered"))
OTHER_STUDENTS = ("from_smoothed_labels", "from_one", "from_smooth", "from_two", "from_conv")


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [
        (
            "Soft targets recover more than half of the gap between the student alone and its teacher, in each seed",
            all(
                alone - distilled > (alone - teacher) / 2
                for alone, distilled, teacher in each("student_alone", "student_distilled", "teacher")
            ),
        ),
        ("We missed both", wrong("teacher") > 70 and wrong("student_distilled") > 80),
        (
            "makes fewer errors than the distilled one, in two seeds by a little and in the third by much",
            0 < LEADS[0] <= LEADS[1] < 15 < LEADS[2],
        ),
        (
            "With dropout as well, it is about as good",
            abs(wrong("student_restrained") - wrong("student_jittered")) < 10,
        ),
        (
            "a teacher on top of the jitter brings nothing that we could tell from luck",
            wrong("distilled_jittered") > min(wrong("student_jittered"), wrong("student_restrained")) - 5,
        ),
        (
            "The distilled one makes less than a third of its errors",
            all(3 * distilled < alone for distilled, alone in each("shifted_distilled", "shifted_alone")),
        ),
        (
            "But it is still far from its teacher",
            all(distilled > 2 * teacher for distilled, teacher in each("shifted_distilled", "shifted_teacher")),
        ),
        (
            "So it does name most threes, without ever having seen one",
            max(DISTILLED["without_threes_on_threes_errors"]) < 1_010 / 2,
        ),
        (
            "no worse in any seed and a little prettier on average, but chosen with the answers in view",
            all(
                0 <= corrected - tuned < 20
                for tuned, corrected in each("without_threes_tuned", "without_threes_corrected")
            )
            and wrong("without_threes_tuned") < wrong("without_threes_corrected"),
        ),
        (
            "So the correction alone does not name the threes",
            all(
                by_labels > 10 * by_teacher
                for by_labels, by_teacher in each(
                    "without_threes_labels_on_threes", "without_threes_corrected_on_threes"
                )
            ),
        ),
        (
            "For the wide student, the hotter the better, with little to gain above 8",
            BY_HEAT["wide"] == sorted(BY_HEAT["wide"], reverse=True)
            and BY_HEAT["wide"][3] - BY_HEAT["wide"][4] < (BY_HEAT["wide"][0] - BY_HEAT["wide"][4]) / 5,
        ),
        (
            "on average $T = 1$ is best, $T = 20$ is worst in each seed, and labels without a teacher are better still",
            wrong("short_labels_narrow") < min(BY_HEAT["narrow"]) == BY_HEAT["narrow"][0],
        ),
        (
            "the means of the first four rows lie not much further apart",
            max(MIXED) - min(MIXED) < 1.5 * abs(wrong("alpha_00") - wrong("temperature_4_narrow")),
        ),
        (
            "Labels alone are ahead of all of them, in each seed",
            all(
                labels < min(mixed)
                for labels, *mixed in each("short_labels_narrow", "alpha_00", "alpha_01", "alpha_05", "alpha_09")
            ),
        ),
        (
            "In one seed more weight for the labels made it worse step by step; in the other two",
            [
                "worse" if list(rows) == sorted(rows) else "best" if rows[-1] == min(rows) else ""
                for rows in sorted(each("alpha_00", "alpha_01", "alpha_05", "alpha_09"))
            ]
            == ["worse", "best", "best"],
        ),
        (
            "At $T = 1$ it has no advantage over labels",
            wrong("temperature_1_wide") > wrong("short_labels_wide") - 10,
        ),
        (
            "about nine times as many errors as on the images as they are",
            all(8 < shifted / still < 10 for shifted, still in each("shifted_alone", "student_alone")),
        ),
        (
            "for every two errors fewer on threes there is about one more on the other digits",
            all(
                0.35 < ((after - after_3) - (before - before_3)) / (before_3 - after_3) < 0.65
                for before, before_3, after, after_3 in each(
                    "without_threes",
                    "without_threes_on_threes",
                    "without_threes_corrected",
                    "without_threes_corrected_on_threes",
                )
            ),
        ),
        (
            "but fewer than half of the threes are among them",
            min(DISTILLED["without_threes_labels_on_threes_errors"]) > 1_010 / 2,
        ),
        (
            "our student without 3s is behind the paper's, and the one with 7s and 8s ahead",
            min(DISTILLED["without_threes_corrected_errors"]) > 109
            and max(DISTILLED["only_7_8_corrected_error_rate"]) < 0.132,
        ),
        (
            "At each size soft targets win, and clearly",
            all(
                soft < 0.9 * labels
                for n in (300, 1000, 3000)
                for soft, labels in each(f"images_{n}_soft", f"images_{n}_labels")
            ),
        ),
        (
            "about half as many errors as a plain student that has only the labels, and nearly as few as its tutor",
            wrong("unlabelled") < 0.6 * wrong("few_labels") and wrong("unlabelled") < 1.1 * wrong("tutor"),
        ),
        (
            "more than half is due to what the tutor says of the labelled images",
            0.5 < (wrong("few_labels") - wrong("tutor_at_home")) / (wrong("few_labels") - wrong("unlabelled")) < 0.75,
        ),
        (
            "more than nineteen digits in twenty, though it has never met one, and the second is not far behind",
            min(DISTILLED["letters_taught_acc"]) > 0.95
            and MEAN_5["letters_taught_acc"] - MEAN_5["letters_without_lookalikes_taught_acc"] < 0.03,
        ),
        (
            "its student does about as well as one that had the labels",
            abs(wrong("from_one") - wrong("short_labels_wide")) < 25,
        ),
        ("Two such teachers help no more than one", wrong("from_two") > wrong("from_one") - 10),
        (
            "Smoothed labels do better than both, and need no teacher",
            all(smoothed < min(others) for smoothed, *others in each("from_smoothed_labels", "from_one", "from_two")),
        ),
        (
            "Scrambled, they make the worst student of the table",
            wrong("from_scrambled") > max(wrong("short_labels_wide"), *map(wrong, OTHER_STUDENTS)),
        ),
        (
            "the convolutional teacher, which makes the fewest errors, has the best student",
            wrong("from_conv") < min(wrong("short_labels_wide"), *map(wrong, set(OTHER_STUDENTS) - {"from_conv"}))
            and wrong("teacher_conv") < min(map(wrong, ("teacher_one", "teacher_smooth", "teacher_two"))),
        ),
        (
            "makes fewer errors than its twin, and teaches a little better, not worse",
            wrong("teacher_smooth") < wrong("teacher_one") and wrong("from_smooth") < wrong("from_one"),
        ),
        (
            "In each seed the student is within 0.3 points<!-- given: our aim --> of its teacher",
            max(DISTILLED["compression_loss"]) < 0.3,
        ),
        (
            "the same small network does a little better in each seed, and by a hair it is even ahead of the teacher",
            all(
                max(student, teacher) < control < max(student, teacher) + 0.002
                for student, teacher, control in zip(
                    DISTILLED["compressed_student_acc"],
                    DISTILLED["vgg_teacher_acc"],
                    DISTILLED["compact_labels_acc"],
                    strict=True,
                )
            ),
        ),
        (
            "In each seed it loses less than a point to its teacher. Once more the control does about as well",
            0 < MEAN_5["zero_label_teacher_acc"] - MEAN_5["zero_label_student_acc"] < 0.01
            and abs(MEAN_5["zero_label_control_acc"] - MEAN_5["zero_label_student_acc"]) < 0.003,
        ),
        (
            "near 0.5 in the printed run",
            0.45 < float(re.search(r"4: '([\d.]+)', 100: '", CHAPTER_5)[1]) < 0.55,
        ),
        (
            "no probability differs from that of Keras by 0.0001 or more",
            max(DISTILLED["onnx_max_difference"]) < 1e-4,
        ),
        ("tells the ten digits apart, all but two in a hundred", round(100 * MEAN_5["zero_label_student_acc"]) == 98),
        (
            "Before the correction both our students do better than the paper's",
            wrong("without_threes") < 206 and MEAN_5["only_7_8_error_rate"] < 0.473,
        ),
    ],
)
def test_chapter_5_says_it_and_the_register_agrees(sentence, holds):
    assert sentence in CHAPTER_5
    assert holds


ONE = {row["name"]: row["mean"] for row in ROWS if row["chapter"] == "01_transfer_concepts"}
IN_EACH_1 = {row["name"]: row["values"] for row in ROWS if row["chapter"] == "01_transfer_concepts"}
CHAPTER_1 = (ROOT / "book" / "chapters" / "01_transfer_concepts.ipynb").read_text(encoding="utf-8")


def labels(way: str, n: int) -> float:
    """Return the mean accuracy of chapter 1 for a way to learn and a number of labels a class."""
    return ONE[f"{way}_acc_at_{n}"]


def kept(source: str, how: str) -> list[float]:
    """Return the mean accuracies of chapter 1's fourth section, from one stage kept to four."""
    return [ONE[f"{source}_{how}_stages_{n}_acc"] for n in (1, 2, 3, 4)]


def source(name: str, how: str) -> float:
    """Return the mean accuracy of chapter 1's seventh section for one of its five sources."""
    return ONE[f"source_{name}_{how}_acc"]


ALONE = ONE["upper_scratch_acc"]
LEAD = [labels("frozen", n) - labels("finetuned", n) for n in (1, 5, 10, 50)]
LETTERS_KEPT = {how: kept("letters", how) for how in ("frozen", "learning")}
OF_A = {how: kept("lower", how) for how in ("frozen", "learning")}
OF_B = kept("own", "frozen") + kept("own", "learning")
READ = {
    "frozen": ("frozen", "selfsupervised_frozen"),
    "propagation": ("label_propagation", "selfsupervised_propagation"),
}
BEST_READ = {
    (name, way, n): max(labels(pooled, n), ONE[f"{name}_maps_{way}_acc_at_{n}"])
    for way, both in READ.items()
    for name, pooled in zip(("letters", "rotations"), both, strict=True)
    for n in (1, 5)
}
JOINED_AND_BEST = ("stage_ensemble_acc", "best_single_stage_acc")
JOINED_AND_CHOSEN = ("stage_ensemble_acc", "chosen_single_stage_acc")
SHUFFLED_AND_NONE = ("source_shuffled_pixels_finetuned_acc", "scratch_acc_at_5")
SPOILED = ("inverted", "shuffled_pixels", "shuffled_names")


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [
        (
            "With one label a class they reach about twice what scratch does",
            1.8 < labels("frozen", 1) / labels("scratch", 1) < 2.4,
        ),
        (
            "Scratch is then behind even the pixels; with five or ten labels it is a little ahead of them",
            labels("scratch", 1) < labels("pixels", 1)
            and all(0 < labels("scratch", n) - labels("pixels", n) < 0.08 for n in (5, 10)),
        ),
        (
            "Untrained, its 128 features are worth less than plain pixels",
            all(labels("untrained", n) < labels("pixels", n) for n in (1, 5, 10)),
        ),
        (
            "With five labels the lead is small, with ten it is all but gone, and from fifty on fine-tuning is ahead",
            LEAD[0] > 0.08 and 0.01 < LEAD[1] < 0.04 and abs(LEAD[2]) < 0.01 and LEAD[3] < 0,
        ),
        (
            "Scratch is still behind the frozen features at 50 labels, on average, and ahead at 100",
            labels("scratch", 50) < labels("frozen", 50) and labels("scratch", 100) > labels("frozen", 100),
        ),
        (
            "On average it does not overtake fine-tuning within our range; at 1,000 the two are all but level",
            all(labels("scratch", n) < labels("finetuned", n) for n in (1, 5, 10, 50, 100, 500, 1000))
            and labels("finetuned", 1000) - labels("scratch", 1000) < 0.004,
        ),
        (
            "So augmentation alone gives scratch more than a third of what fine-tuning from letters gave",
            1 / 3
            < (ONE["scratch_augmented_acc_at_5"] - labels("scratch", 5))
            / (labels("finetuned", 5) - labels("scratch", 5))
            < 1 / 2,
        ),
        (
            "B does as well as from scratch, or better. The third stage costs a little, and the fourth a lot",
            min(OF_A["frozen"][:2]) > ALONE - 0.005
            and 0.01 < ALONE - OF_A["frozen"][2] < 0.05
            and ALONE - OF_A["frozen"][3] > 0.08,
        ),
        ("Whichever stages are copied, B is ahead of scratch on average", min(OF_A["learning"]) > ALONE),
        (
            "all eight entries are within a point and a half of B from scratch, some above and some below",
            max(abs(acc - ALONE) for acc in OF_B) < 0.015 and min(OF_B) < ALONE < max(OF_B),
        ),
        (
            "On average three stages are best, frozen or not, and no entry of A comes up to them",
            all(max(found) == found[2] for found in LETTERS_KEPT.values())
            and min(found[2] for found in LETTERS_KEPT.values()) > max(map(max, OF_A.values())),
        ),
        (
            "it costs far less than A's fourth",
            LETTERS_KEPT["frozen"][2] - LETTERS_KEPT["frozen"][3] < (OF_A["frozen"][2] - OF_A["frozen"][3]) / 3,
        ),
        (
            "the channel means of two trained networks say nearly the same about pairs of images",
            min(IN_EACH_1["cka_letters_twin_stage_1"] + IN_EACH_1["cka_lower_own_stage_1"]) > 0.9
            and sorted(IN_EACH_1["cka_letters_lower_stage_1"])[2] > 0.9,
        ),
        (
            "In two seeds letters and 0 to 4 agree less",
            sum(alike < 0.9 for alike in IN_EACH_1["cka_letters_lower_stage_1"]) == 2,
        ),
        (
            "two networks with the *same* task still have most in common, and two with different tasks about half",
            ONE["cka_letters_twin_stage_4"] > 0.85
            and all(0.4 < ONE[f"cka_{pair}_stage_4"] < 0.65 for pair in ("letters_lower", "lower_own")),
        ),
        (
            "in each seed the ensemble is behind it, on average by more than a point",
            all(joined < best for joined, best in zip(*map(IN_EACH_1.get, JOINED_AND_BEST), strict=True))
            and ONE["best_single_stage_acc"] - ONE["stage_ensemble_acc"] > 0.01,
        ),
        (
            "Nor, in most seeds, against the head that cross-validation picks",
            sum(joined < one for joined, one in zip(*map(IN_EACH_1.get, JOINED_AND_CHOSEN), strict=True))
            > len(IN_EACH_1["stage_ensemble_acc"]) / 2,
        ),
        (
            "They rank about nine pairs in ten right, and LogME named the worst source in each run",
            all(0.85 < ONE[f"{signal}_pairs_right"] < 0.95 for signal in ("crossval", "logme"))
            and min(IN_EACH_1["logme_warns"]) == 1,
        ),
        ("Cross-validation missed it once", IN_EACH_1["crossval_warns"].count(0) == 1),
        (
            "Likeness ranks no more than seven pairs in ten right",
            ONE["likeness_pairs_right"] < 0.71
            and ONE["neighbours_pairs_right"] < min(ONE["crossval_pairs_right"], ONE["logme_pairs_right"]),
        ),
        (
            "The four heads on stages of letters make a better ensemble than all eight",
            ONE["letters_ensemble_acc"] > ONE["stage_ensemble_acc"],
        ),
        (
            "that gets further than the ensemble",
            ONE["joined_features_acc"] > max(ONE["letters_ensemble_acc"], ONE["stage_ensemble_acc"]),
        ),
        (
            "over the letters' features, it names more digits than a linear head does with ten",
            labels("label_propagation", 1) > labels("frozen", 10),
        ),
        (
            "Under a linear head their pooled features are worth less than those of a network that has learned nothing",
            ONE["selfsupervised_frozen_acc_at_5"] < labels("untrained", 5),
        ),
        (
            "There a linear head finds more than in the untrained maps, and labels spread further",
            all(
                ONE[f"rotations_maps_{way}_acc_at_{n}"] > ONE[f"untrained_maps_{way}_acc_at_{n}"]
                for way in ("frozen", "propagation")
                for n in (1, 5)
            ),
        ),
        (
            "Over pixels it comes less far, and there the runs differ widely",
            ONE["pixels_propagation_acc_at_1"] < ONE["label_propagation_acc_at_1"]
            and max(IN_EACH_1["pixels_propagation_acc_at_1"]) - min(IN_EACH_1["pixels_propagation_acc_at_1"]) > 0.1,
        ),
        (
            "The run on this page is the mildest of the five",
            IN_EACH_1["propagation_draws_gap"][0] == min(IN_EACH_1["propagation_draws_gap"])
            and len(IN_EACH_1["propagation_draws_gap"]) == 5,
        ),
        (
            "most of it is the spreading, not the rotations",
            ONE["untrained_maps_propagation_acc_at_5"] - ONE["untrained_maps_frozen_acc_at_5"]
            > 2 * (ONE["rotations_maps_propagation_acc_at_5"] - ONE["untrained_maps_propagation_acc_at_5"]),
        ),
        (
            "With fifty a class and more, and no source, learn from scratch",
            labels("scratch", 50) > ONE["rotations_maps_propagation_acc_at_5"],
        ),
        ("it can matter a great deal which ten images have a label", max(IN_EACH_1["propagation_draws_gap"]) > 10),
        (
            "*Letters* stay ahead of rotations, if each is read in the way that suits it",
            all(BEST_READ["letters", way, n] > BEST_READ["rotations", way, n] for way in READ for n in (1, 5))
            and all(labels("finetuned", n) > ONE[f"selfsupervised_finetuned_acc_at_{n}"] for n in (1, 5)),
        ),
        (
            "Letters gain by it, too. With this augmentation and these steps, most of their lead stays",
            ONE["finetuned_augmented_acc_at_5"] > labels("finetuned", 5)
            and ONE["finetuned_augmented_acc_at_5"] - ONE["scratch_augmented_acc_at_5"]
            > (labels("finetuned", 5) - labels("scratch", 5)) / 2,
        ),
        (
            "By fine-tuning, *inverted* and *shuffled names* would change places",
            source("inverted", "frozen") < source("shuffled_names", "frozen")
            and source("inverted", "finetuned") > source("shuffled_names", "finetuned"),
        ),
        (
            "Wrong names end a little behind it, too",
            0 < labels("scratch", 5) - source("shuffled_names", "finetuned") < 0.05,
        ),
        (
            "yet it serves 5 to 9 better",
            LETTERS_KEPT["frozen"][3] > OF_A["frozen"][3] and ONE["cka_letters_lower_stage_4"] < 0.65,
        ),
        (
            "So most of the gain does not come from look-alikes",
            ONE["letters_without_lookalikes_acc"] - labels("scratch", 5)
            > (source("letters", "frozen") - labels("scratch", 5)) / 2,
        ),
        (
            "*Mirrored* letters do about as well as letters",
            all(abs(source("mirrored", how) - source("letters", how)) < 0.03 for how in ("frozen", "finetuned")),
        ),
        (
            "Frozen, letters under wrong names do about as well as a network that has learned nothing",
            abs(source("shuffled_names", "frozen") - labels("untrained", 5)) < 0.02
            and max(source("inverted", "frozen"), source("shuffled_pixels", "frozen")) < labels("untrained", 5) - 0.03
            and all(source(name, "frozen") < labels("pixels", 5) for name in SPOILED),
        ),
        (
            "But from shuffled pixels it ends behind scratch, on average and in all seeds but one",
            source("shuffled_pixels", "finetuned") < labels("scratch", 5) < source("inverted", "finetuned")
            and sum(spoiled > alone for spoiled, alone in zip(*map(IN_EACH_1.get, SHUFFLED_AND_NONE), strict=True)) == 1
            and all(source(name, "finetuned") > source(name, "frozen") for name in SPOILED),
        ),
        (
            "spreading labels over good features beats every network that learned from the same 1 or 5 labels a class",
            all(
                labels("label_propagation", n) > max(labels("finetuned", n), labels("scratch", n))
                and labels("label_propagation", n) > ONE[f"selfsupervised_finetuned_acc_at_{n}"]
                for n in (1, 5)
            ),
        ),
    ],
)
def test_chapter_1_says_it_and_the_register_agrees(sentence, holds):
    assert sentence in CHAPTER_1
    assert holds
