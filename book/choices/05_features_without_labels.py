"""How the settings of chapter 5 were chosen: on held-out letters, which play the part of the digits.

    python book/choices/05_features_without_labels.py

Ten letters are held out in five fonts that serve here alone; a network learns from their images, without a name,
by each pretext of the chapter in several settings. The program takes the pretexts out of the chapter's cells. Writes
the measured part of the page beside it.
"""

from types import SimpleNamespace

import keras
import page
import stand_ins

import tlbook as tl
from tlbook.record import definitions

CHAPTER = "05_features_without_labels"
USED = "by_rotations, by_views, by_squeezing"
SETS = (0, 1)  # each holds out other letters and fonts
TARGET, BUDGET = 20_000, 80_000  # images that there are, and images that are shown
BATCHES = (64, 128, 256)
VIEWS = {
    f"T = {temperature}, {share} distortion": {"temperature": temperature, "strength": strength}
    for temperature in (0.1, 0.2)
    for share, strength in (("a quarter of the", 0.25), ("half the", 0.5), ("the full", 1.0))
}


def measure(which, run):
    """Return what came out for every setting on one held-out set, and the letters of the set."""
    chapter, recipe, found = {"run": run}, tl.zero_labels, {}
    exec(definitions(CHAPTER, USED), chapter)  # the chapter's own code
    use = SimpleNamespace(**chapter)
    _, letters, others, fonts = stand_ins.draw(which)
    d = tl.data.letters(TARGET, 1, without=others, fonts=fonts[:5], seed=1000 + which)
    upright = tl.augment.deskew(d.x_train)

    def keep(name, backbone):
        z = recipe.two_depths(backbone, upright, seed=which)
        ids, near = recipe.group(z, seed=which), tl.neighbours.nearest(z, 5)
        found[f"neighbours, {name}"] = tl.neighbours.agreement(near, d.y_train)
        found[f"averaged labels, {name}"] = tl.clusters.accuracy(d.y_train, recipe.spread(ids, near))
        print(f"{which} {name}: {found[f'averaged labels, {name}']:.2%}", flush=True)

    def start():
        keras.utils.set_random_seed(which)  # every setting begins with the same weights

    start()
    keep("untrained", tl.backbones.small_cnn(weights=None))
    for batch in BATCHES:
        start()
        keep(f"rotations, batches of {batch}", use.by_rotations(upright, BUDGET, batch)[0])
    for name, how in VIEWS.items():
        start()
        keep(f"two views, {name}", use.by_views(upright, BUDGET, **how))
    for batch in BATCHES:
        start()
        keep(f"squeezing, batches of {batch}", use.by_squeezing(upright, BUDGET, batch)[0])
    return letters, found


if __name__ == "__main__":
    page.main(__file__, measure, SETS)
