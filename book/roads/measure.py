"""Measure every road of `roads.py` on all training images of MNIST, and write the register, the page and the figure.

    python book/roads/measure.py              three seeds of each (the GAN one); finished runs are kept
    python book/roads/measure.py ROAD SEED    one run, in this process

To measure a road anew, remove its runs from `_build/roads`. Each run has a process of its own, so that time and memory are its own. Runs wait in `_build/roads`; only when all
are there is anything of the book written.
"""

import datetime
import importlib.util
import io
import json
import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from types import ModuleType

import matplotlib.style
import numpy as np
import roads
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

import tlbook as tl
from tlbook import disk, plots
from tlbook.claims import written
from tlbook.record import book, code, pages, paths, register
from tlbook.run import TlbookError, peak_memory_mb, versions

HERE, RUNS = Path(__file__).parent, paths.ROOT / "_build" / "roads"
CHAPTER, NAME, SEEDS, ONCE = "04b_beyond_kmeans", "roads", (0, 1, 2), ("gan",)
ROADS = ("raw", "pixels", "untrained", "letters", "umap", "spectral", "autoencoder", "rotations", "views", "gan")
UNITS = {"acc": "fraction", "nmi": "fraction", "ari": "fraction", "seconds": "seconds", "megabytes": "MB"}
K, MASS = "k", "k, equal mass"
UPRIGHT, BOTH = f"{K}, upright", f"{MASS}, upright"
ROWS = {  # what each row of the table is called: its features, what is done with them, and what it is told
    "raw_kmeans": ("pixels as written", "K-means", K),
    "pixels_kmeans": ("deskewed pixels", "K-means", UPRIGHT),
    "pixels_averaged": ("deskewed pixels", "averaged labels", BOTH),
    "spectral": (f"deskewed pixels ({roads.SPECTRAL:,} images)", "spectral clustering", UPRIGHT),
    "umap_gmm": ("UMAP of pixels as written", "Gaussian mixture", K),
    "umap_hdbscan": ("UMAP of pixels as written", "HDBSCAN", "nothing"),
    "untrained_kmeans": ("untrained network", "K-means", UPRIGHT),
    "untrained_averaged": ("untrained network", "averaged labels", BOTH),
    "rotations_kmeans": ("rotations", "K-means", UPRIGHT),
    "rotations_averaged": ("rotations", "averaged labels", BOTH),
    "views_kmeans": ("two views", "K-means", f"{UPRIGHT}, distortions"),
    "views_averaged": ("two views", "averaged labels", f"{BOTH}, distortions"),
    "gan_kmeans": ("GAN's discriminator", "K-means", UPRIGHT),
    "gan_averaged": ("GAN's discriminator", "averaged labels", BOTH),
    "autoencoder_kmeans": ("autoencoder", "K-means", UPRIGHT),
    "dec": ("autoencoder", "refined as in DEC", UPRIGHT),
    "autoencoder_averaged": ("autoencoder", "averaged labels", BOTH),
    "letters_kmeans": ("letters", "K-means", f"{UPRIGHT}, letters"),
    "letters_averaged": ("letters", "averaged labels", f"{BOTH}, letters"),
    "letters_network": ("letters", "a network on averaged labels", f"{BOTH}, letters, distortions"),
    "neighbour_loss": ("letters", "neighbours as a loss", f"{BOTH}, letters, distortions"),
}
OPEN = {
    "spectral": "spectral",
    "umap_gmm": "mixture",
    "umap_hdbscan": "HDBSCAN",
    "dec": "DEC",
    "neighbour_loss": "loss",
}
ALONG = ("K-means", "averaged labels", "a network on averaged labels")  # steps of one road, joined in the figure


def digests(*roads_of: str) -> dict[str, str]:
    """Return digests of some roads, or of all: of what they reach here and on the chapter's page, and of the package.

    Each road has a digest of its own, so a new road does not make the others be measured again.
    """
    text = (HERE / "roads.py").read_text(encoding="utf-8")
    own = code.reached([text], {*(roads_of or ROADS)})
    cells = [own, code.definitions(CHAPTER, own)]
    return {"code": code.code_digest(*cells), "package": code.code_digest(repr(code.package_digests(cells)))}


def score(y_true, ids) -> dict[str, float]:
    """Score cluster ids as papers do, matched on the same images; an image without an id (-1) counts as wrong."""
    named = ids >= 0
    names = tl.clusters.match(y_true[named], ids[named])
    acc = float(np.mean(tl.clusters.rename(ids, names) == y_true))
    scores = {"acc": acc, "nmi": tl.clusters.nmi(y_true, ids), "ari": tl.clusters.ari(y_true, ids)}
    if not named.all():  # nor was it told how many clusters there are
        scores |= {"coverage": float(named.mean()), "clusters": len(np.unique(ids[named]))}
    return scores


def walk(road: str, d, c) -> dict[str, dict[str, float]]:
    """Go along one road; return what each of its rows scores, and the time and the memory that it took to get there."""
    rows, seconds, began = {}, {None: 0.0}, time.perf_counter()
    for step, before, ids in getattr(roads, road)(d.x_train, c):
        seconds[step] = seconds[before] + time.perf_counter() - began
        if ids is not None:
            rows[step] = score(d.y_train[: len(ids)], ids)
            rows[step] |= {"seconds": seconds[step], "megabytes": peak_memory_mb()}
            print(f"{road}, seed {c.run.seed}: {step} {rows[step]['acc']:.1%}, {seconds[step]:.0f} s", flush=True)
        began = time.perf_counter()  # scoring is not the road's
    return rows


def chapter(run) -> ModuleType:
    """Return what the roads use of its page, as a module."""
    c = ModuleType("chapter_4")
    c.run = run
    exec(code.definitions(CHAPTER, (HERE / "roads.py").read_text(encoding="utf-8")), vars(c))
    return c


def one(road: str, seed: int) -> None:
    """Walk one road in this process and keep what was found."""
    run, d = tl.start(NAME), tl.data.mnist()
    about = {**digests(road), "versions": versions(), "backend": run.backend, "device": run.device}
    about |= {"cores": os.cpu_count(), "data": d.provenance.digest, "date": datetime.date.today().isoformat()}
    if road == "umap":
        about["umap"] = metadata.version("umap-learn")
    text = json.dumps(about | {"rows": walk(road, d, chapter(run))}, indent=1)
    disk.write({RUNS / f"{road}-seed-{seed}.json": text + "\n"})


def kept(road: str, seed: int) -> dict | None:
    """Return a run of today's code of its road, or None; the package may have changed since, and the page says so."""
    try:
        run = json.loads((RUNS / f"{road}-seed-{seed}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return run if run.get("code") == digests(road)["code"] else None


def older(runs: dict[str, list[dict]]) -> list[str]:
    """Return the roads that were measured with other parts of the package than today's."""
    return [road for road, each in runs.items() if {run["package"] for run in each} != {digests(road)["package"]}]


def register_rows(runs: dict[str, list[dict]]) -> list[dict]:
    """Make the register's rows of all runs of all roads."""
    rows = []
    for each in runs.values():
        flat = [
            {f"{row}_{key}": got[key] for row, got in run["rows"].items() for key in got if key != "clusters"}
            for run in each
        ]
        for name in flat[0]:
            unit = UNITS.get(name.rpartition("_")[2], "fraction")
            about = {name: {"unit": unit, "dataset": "MNIST"}}
            as_run = {"chapter": NAME, "profile": "full", "about": about}
            rows.append(
                register.row(name, [as_run | {"seed": seed, "numbers": numbers} for seed, numbers in enumerate(flat)])
            )
    return rows


def table(rows: list[dict]) -> str:
    """Return the table of all rows, in Markdown; units stand in its head, and no number is broken over lines."""
    kept = {row["name"]: row for row in rows}

    def cell(name: str) -> str:
        row = kept[name]
        if row["unit"] == "MB":
            return f"{row['mean'] / 1_000:.1f}"
        spread = name.endswith(("_acc", "_seconds")) and len(row["values"]) > 1  # the register has that of all
        number = written(row["mean"], row["unit"], row["sd"] if spread else None)
        return number.rpartition(" ")[0].replace(" ", "\u00a0")

    lines = ["| features | then | accuracy, % | NMI, % | ARI, % | time, s | GB | told |", "|" + "---|" * 8]
    for row, (features, then, told) in ROWS.items():
        cells = (features, then, *(cell(f"{row}_{key}") for key in UNITS), told)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@matplotlib.style.context(["default", plots.STYLE])
def figure(rows: list[dict], alt: str) -> str:
    """Draw accuracy over seconds: a line from K-means on, an open mark for any other method; return SVG."""
    means, groups = {row["name"]: row["mean"] for row in rows}, {}
    for row, (features, then, _) in ROWS.items():
        along, apart = groups.setdefault(features.partition(" (")[0], ([], []))
        (along if then in ALONG else apart).append((means[f"{row}_seconds"], means[f"{row}_acc"]))
    drawn = Figure(figsize=(6.4, 4.8), layout="constrained")
    axis = drawn.subplots()
    for (features, (along, apart)), style in zip(groups.items(), plots.STYLE["axes.prop_cycle"], strict=False):
        if along:
            axis.plot(*zip(*along, strict=True), **style, linewidth=1, label=features)
        if apart:
            unnamed = None if along else features
            axis.plot(*zip(*apart, strict=True), **style, linestyle="", markerfacecolor="white", label=unnamed)
    for row, text in OPEN.items():
        place = {"xytext": (0, -12), "textcoords": "offset points", "ha": "center", "fontsize": 7}
        axis.annotate(text, (means[f"{row}_seconds"], means[f"{row}_acc"]), **place)
    axis.set(title="Roads to digits without a label of a digit", xscale="log")
    axis.set(xlabel="seconds on two CPU cores, from the images on", ylabel="images with the right label")
    axis.set_xticks(ticks := (3, 10, 30, 100, 300, 1_000), map(str, ticks))
    axis.minorticks_off()
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.grid(axis="y", alpha=0.3)
    drawn.legend(frameon=False, fontsize=8, ncols=3, loc="outside lower center")
    picture = io.BytesIO()
    drawn.savefig(picture, format="svg", metadata={"Date": None, "Title": alt})
    return picture.getvalue().decode()


def page(rows: list[dict], runs: dict[str, list[dict]]) -> str:
    """Return the page: what was measured, how, and on what machine."""
    every = [run for each in runs.values() for run in each]
    used, first = every[0]["versions"], every[0]
    counts = ", ".join(str(run["rows"]["umap_hdbscan"]["clusters"]) for run in runs["umap"])
    before = [road.replace("_", " ") for road in older(runs)]
    which = "these roads" if len(before) == len(runs) else ", ".join(before)
    since = f" Parts of the package that are used by {which} have changed since." if before else ""
    dates = sorted({run["date"] for run in every})
    return f"""# All roads side by side

<!-- code: {digests()["code"]} package: {digests()["package"]} -->

[Beyond K-means](../chapters/{CHAPTER}.ipynb) shows each road on a part of the images, so that a reader can run it. Here each but spectral clustering takes all 60,000 training images of MNIST, on the same machine, with the chapter's own functions and settings.

```{{figure}} roads.svg
:alt: {ALT}
:width: 100%

The further to the right, the longer it takes. A line leads from K-means to averaged labels on the same features, and for letters on to a network that learns these. Open marks are other methods on the features of that colour. The one named *loss*, neighbours as a loss on features of letters, lies close to rotations.<!-- holds: min(mean.roads["{{letters,rotations}}_averaged_acc"]) > max(mean.roads["{{pixels,untrained,views,gan,autoencoder}}_averaged_acc"]) and mean.roads.letters_averaged_seconds < mean.roads.rotations_averaged_seconds -->
```

{table(rows)}

- **Labels.** No road uses a label of a digit. The rows on *letters* use printed letters and their names, which cost nothing, since we draw them. *Told* says what a row knows beyond the images: *k*, that there are ten classes; *equal mass*, that these are about equally frequent; *upright*, that a slant says nothing; *distortions*, what may be done to an image without changing its class; *letters*, printed letters with their names.
- **Accuracy, NMI and ARI** score the cluster ids of the training images, matched to the digits on the same images, as papers do. (The figures on the landing page are on test images. That page's **?**<!-- num: {CHAPTER}.neighbours_acc --> is the road *a network on averaged labels*, on new images, with five shifts averaged.) Images to which a method gives no id count as wrong in the accuracy, and are one more cluster in NMI and ARI. HDBSCAN gave an id to **?**<!-- num: {NAME}.umap_hdbscan_coverage --> of the images, in {counts} clusters (seed by seed). Where it joins two digits, one of them counts as wrong.
- **Time** is that of all steps from the images on: rendering letters, training, features and clustering. UMAP's includes its import and its compiling, and with a fixed seed UMAP uses one core. Reading the files and starting Python are not in it. The work is much the same for every seed, so a wide spread of times is the machine's.
- **GB** is the peak of the memory of the whole process up to that row, libraries included. Where a network's early maps are used, 3,136 numbers for each image, they are all held at once.
- **Spread.** Means of three seeds, with the standard deviation of accuracy and time; the [register](../reference/results.md) has every value. The GAN has one seed: it takes the longest<!-- holds: mean.roads.gan_averaged_seconds > max(mean.roads.neighbour_loss_seconds, mean.roads.rotations_averaged_seconds, mean.roads.views_averaged_seconds) -->.
- **Features.** *Untrained*, *rotations*, *two views* and *letters*: two depths of the same network, images upright. *Two views* learns to know an image again in another distortion, as SimCLR does {{cite:p}}`chen2020simple`. *GAN*: the last maps of the discriminator, in 64 principal components. *Autoencoder*: its ten numbers. DEC is done in the manner of its paper {{cite:p}}`xie2016unsupervised`, with one new goal an epoch. K-means is scikit-learn's; it takes seconds here, so faiss, which is faster, was not needed<!-- opinion -->.
- **Settings** are those of the chapter where it has the road. Rotations are trained on 720,000 turned images, letters on 160,000 (each image counted as often as it is seen). UMAP {{cite:p}}`mcinnes2018umap` and HDBSCAN {{cite:p}}`campello2013density` have nearly the settings of UMAP's manual, whose example is MNIST: 30 neighbours, a smallest distance of 0, clusters of at least a hundredth of the images, 10 images for a dense place. The mixture is started four times. Spectral clustering gets {roads.SPECTRAL:,} images as 784 pixels, since its time grows fast with their number. Two views take {roads.VIEW_EPOCHS} epochs, batches of {roads.VIEW_BATCH} and a temperature of {roads.TEMPERATURE}, set once and not tuned.
- **Fairness.** Deskewing, two depths, ten neighbours and equal mass come from earlier trials of ours on MNIST, made for the road of letters. So the roads that use them have an advantage. UMAP gets the images as written, since that is how users would run it. UMAP of upright images would be a stronger rival still; this table does not have it yet. On images as written averaged labels of our letters are right in **?**<!-- num: 04_neighbours.as_drawn_scaled_averaged_acc -->, if the last layer is put on one scale, and in **?**<!-- num: 04_neighbours.slanted_labels_acc --> if not ([chapter 4](../chapters/04_neighbours.ipynb), section 4). UMAP with a mixture lies between the two<!-- holds: mean.ch4.slanted_labels_acc < mean.roads.umap_gmm_acc < mean.ch4.as_drawn_scaled_averaged_acc -->. And an untrained network, which looks good here, names **?**<!-- num: 03_kmeans_pseudo_labels.random_features_kmeans_acc --> in chapter 3, with images as written and its last layers only.

Read the table as what these settings give, none of which takes a quarter of an hour<!-- holds: mean.roads.gan_averaged_seconds < 900 -->, and not as the last word on a method. More training might help some. [Chapter 5](../chapters/05_features_without_labels.ipynb) gives rotations and two views two budgets, with the last layer on one scale and other settings of the graph.

Made by `make roads`, whose roads are in `book/roads/roads.py`. Python {used["python"]}, Keras {used["keras"]} on {first["backend"]}, scikit-learn {used["scikit-learn"]}, umap-learn {runs["umap"][0]["umap"]}, {first["cores"]} CPU cores; MNIST with the SHA-256 {first["data"][:12]}; {" to ".join(sorted({dates[0], dates[-1]}))}.{since}
"""


ALT = "Accuracy over seconds for all roads; letters and rotations end highest, and letters are there sooner"


def main() -> None:
    """Run what is missing, then write register, figure and page."""
    if importlib.util.find_spec("umap") is None:
        do = ".venv/bin/python -m pip install -e '.[peers]'"
        raise TlbookError("umap-learn", "the packages of the extra `peers`", "not installed", do)
    for seed in SEEDS:
        for road in ROADS:
            if kept(road, seed) is None and not (seed and road in ONCE):
                env = os.environ | {"TLBOOK_SEED": str(seed), "TLBOOK_PROFILE": "full"}
                subprocess.run([sys.executable, __file__, road, str(seed)], check=True, env=env)
    runs = {road: [kept(road, seed) for seed in SEEDS[: 1 if road in ONCE else None]] for road in ROADS}
    rows = register_rows(runs)
    others = [row for row in register.rows() if row["chapter"] != NAME]
    disk.write({HERE / "roads.svg": figure(rows, ALT), HERE / "roads.md": pages.signed(page(rows, runs))})
    book.write_book(sorted(others + rows, key=lambda row: row["chapter"]))


if __name__ == "__main__":
    try:
        one(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
    except TlbookError as error:
        sys.exit(str(error))
