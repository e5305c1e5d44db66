"""Speeds on this machine, printed and never asserted: ``make bench``."""

import os
import tempfile
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TLBOOK_CACHE"] = tempfile.mkdtemp()

import tlbook as tl


def seconds(work, repeats=3):
    """Return the best time of a few repeats."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


tl.glyphs.render(1)  # prepares the glyphs once
n = 20_000
print(f"glyphs.render       {n / seconds(lambda: tl.glyphs.render(n)):10,.0f} images/s")

network = tl.backbones.small_cnn(weights=None)
images = tl.data.letters(n, 1).x_train
tl.features.extract(network, images[:512], cache=False)
plain = seconds(lambda: network.predict(images, batch_size=512, verbose=0))
ours = seconds(lambda: tl.features.extract(network, images, cache=False))
tl.features.extract(network, images)
cached = seconds(lambda: tl.features.extract(network, images))
print(f"model.predict       {n / plain:10,.0f} images/s")
print(f"features.extract    {n / ours:10,.0f} images/s, {ours / plain:.2f} of the time of predict")
print(f"the same, cached    {n / cached:10,.0f} images/s, {cached / ours:.3f} of the time of the first call")
