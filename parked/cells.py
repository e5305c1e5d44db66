md('''
# K-means pseudo-labels

**Can a network learn to name handwritten digits if nobody ever tells it the name of one?**

When you have worked through this chapter you can

- cluster images with K-means, and say what a cluster id is and what it is not;
- match clusters to classes before you score them;
- carry features over from a labelled source to an unlabelled target;
- say what a network trained on cluster ids adds, and whether the gain is more than chance;
- spend a few labels well, and spot how learning from one's own labels goes wrong.

You need to know what a neural network with a softmax output is. No more. Plan ninety minutes, exercises aside. Each run prints its own numbers, and beside them the recorded ones.
''')
code('''
import importlib.util
import subprocess
import sys

# A notebook on its own, in Colab say: put this file, from the page Setting up, beside it.
WHEEL = "tlbook-0.1.0-py3-none-any.whl"
if importlib.util.find_spec("tlbook") is None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
    subprocess.run(command, check=True)
''')
code('''
import keras
import numpy as np
import tlbook as tl
from keras import layers
from sklearn.cluster import KMeans

run = tl.start("03_kmeans_pseudo_labels", data_on_disk=tl.data.on_disk("mnist"))
''')
md('''
:::{admonition} Two profiles, one story
:class: note

The *full* profile takes all 70,000 digits of MNIST. *Quick* takes a tenth of them, which comes with the book, and fewer steps. Its numbers lie a little lower.
:::
''')
code('''
d = tl.data.mnist() if run.full else tl.data.mnist_small()
x_train, y_train = d.x_train, d.y_train
x_test, y_test = d.x_test, d.y_test
print(d.provenance.name, x_train.shape, x_test.shape, x_train.dtype)
''')
md('''
## 1. Groups without names

There are labels in this data set, `y_train` and `y_test`. We pretend that we do not have them. They come in where we want to know how well we did, and in section 5, which says so.
''')
code('''
tl.plots.gallery(
    x_train[:20],
    y_train[:20],
    title="Twenty training images and their true labels",
    alt="Two rows of ten handwritten digits, white on black",
)
''')
md('''
**K-means** finds $k$ groups by two steps, again and again {cite:p}`lloyd1982least`. Each point goes to its nearest centre. Each centre goes to the mean of its points. When nothing moves any more, it ends.

![Six panels: the first centre is any point, the next ones are likely far from it; points go to the nearest centre, centres go to the mean of their points, until each heap has its centre.](../figures/kmeans_steps.svg)

The start matters. **k-means++** draws the first centre at random, and each further one with a chance that grows with its squared distance to the centres so far {cite:p}`arthur2007kmeans`. scikit-learn does this for us. It can still go wrong, as in the picture, so we let it try ten times and keep the best.

For K-means an image is a row of 784 numbers, one a pixel. There are ten digits, so we ask for ten groups.
''')
code('''
def flat(images):
    return images.reshape(len(images), -1).astype("float32") / 255


raw = KMeans(10, n_init=10, random_state=run.seed).fit(flat(x_train))
''')
md('''
A centre is a mean of images, so it is an image too. **Predict first:** what will the ten centres look like? Ten digits?
''')
code('''
tl.plots.gallery(
    255 * raw.cluster_centers_.reshape(-1, 28, 28),
    [f"id {number}" for number in range(10)],
    title="The ten centres that K-means found among the pixels",
    alt="Ten blurred shapes; some are digits, some lie between two digits, and some digits appear twice",
)
print("the first twenty cluster ids:", raw.labels_[:20])
print("the first twenty labels:     ", y_train[:20])
''')
md('''
Not quite. Some shapes are a digit, some lie between two, and some digits have more than one.

Now look at the two rows. The ids are not the digits. Id 3 does not mean "three". It means "the fourth centre in the list". Keep that in mind, because the next step is where many tutorials stumble.

### As it is usually printed

The plan sounds good: take the cluster ids as **pseudo-labels** {cite:p}`caron2018deep`, train a network on them, and evaluate it. In print it often looks like this.
''')
code('''
def printed_network():
    hidden, last = layers.Dense(256, "relu"), layers.Dense(10, "softmax")
    return keras.Sequential([keras.Input((784,)), hidden, last])
''')
md('''
None of it runs. `tl.symptom` runs a line that is expected to fail, and prints how it does.
''')
code('''
network, ids = printed_network(), raw.labels_[:100]
network.compile("adam", "categorical_crossentropy", jit_compile=run.jit)
squares = x_train[:100]
tl.symptom(lambda: KMeans(10).fit(squares), ValueError)
tl.symptom(lambda: network.fit(squares, ids, verbose=0), ValueError)
tl.symptom(lambda: network.fit(flat(squares), ids, verbose=0), ValueError)
''')
md('''
K-means and the network want rows, not squares: that is what `flat` is for. And the loss compares two rows of ten probabilities, where a cluster id is one whole number. For those there is `SparseCategoricalCrossentropy`. Below, scaling and flattening are part of the network, so that it takes images as they are. It ends in *logits*, the ten numbers before the softmax, which is numerically safer. The learning rate falls to zero along a cosine {cite:p}`loshchilov2017sgdr`.
''')
code('''
def dense_network(*first):
    body = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(256, "relu")]
    return keras.Sequential([keras.Input((28, 28)), *first, *body, layers.Dense(10)])


def fit(network, images, labels, epochs, batch=256, rate=2e-3):
    steps = epochs * -(-len(images) // batch)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(schedule), loss, jit_compile=run.jit)
    network.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0)
    return network


def predict(network, images):
    return network.predict(images, batch_size=512, verbose=0).argmax(axis=1)
''')
code('''
epochs = run.pick(quick=10, full=3)
pseudo_raw = fit(dense_network(), x_train, raw.labels_, epochs)
predicted = predict(pseudo_raw, x_test)
tl.number("naive_score", np.mean(predicted == y_test))
''')
md('''
**A meaningless number.** It says how often the *name* of a cluster happens to be the digit. Give the same clusters other names, and the score changes, although nothing was learned or lost. Here are a thousand random ways to name them.
''')
code('''
rng = np.random.default_rng(run.seed)
namings = [rng.permutation(10) for _ in range(1_000)]
scores = [np.mean(naming[predicted] == y_test) for naming in namings]
tl.number("naive_score_lowest", min(scores))
tl.number("naive_score_highest", max(scores))
tl.claim(
    "by name alone the same clusters score under 3 % or over 25 %",
    min(scores) < 0.03 and max(scores) > 0.25,
)
''')
md('''
A single score of this kind is a lottery ticket: the draws run from **?**<!-- num: naive_score_lowest --> to **?**<!-- num: naive_score_highest -->, and chance is their mean. If you see one in print, ask how the clusters got their names.

### The cure: match, then score

We look for the one-to-one naming that makes the most training images agree. With a table of counts, "which cluster holds how many of which digit", this is the assignment problem. The Hungarian method solves it {cite:p}`kuhn1955hungarian`, and SciPy has one like it.
''')
code('''
from scipy.optimize import linear_sum_assignment

table = np.zeros((10, 10), int)
np.add.at(table, (raw.labels_, y_train), 1)
clusters, classes = linear_sum_assignment(table, maximize=True)
matching = dict(zip(clusters.tolist(), classes.tolist(), strict=True))
print("cluster → digit:", matching)
assert matching == tl.clusters.match(y_train, raw.labels_)  # the same in one line
''')
code('''
def right(ids, matching):
    return tl.clusters.rename(ids, matching) == y_test


raw_ids = raw.predict(flat(x_test))
raw_acc = right(raw_ids, matching).mean()
pseudo_raw_acc = right(predicted, matching).mean()
tl.number("raw_kmeans_acc", raw_acc)
tl.number("pseudo_raw_acc", pseudo_raw_acc)
''')
md('''
The names come from the training set, the score from the test set. That is the honest order. Matching needs labels, of course. It is part of the *evaluation*: no network sees the answer. Two other scores need no matching, since they only ask which images are together: normalised mutual information {cite:p}`strehl2002cluster` and the adjusted Rand index {cite:p}`hubert1985comparing`. Both are 1 for a perfect clustering, and the latter is about 0 for a random one.
''')
code('''
nmi, ari = tl.clusters.nmi(y_test, raw_ids), tl.clusters.ari(y_test, raw_ids)
print(f"NMI {nmi:.2f}, ARI {ari:.2f}")
''')
md('''
## 2. What can the network add?

K-means on pixels names **?**<!-- num: raw_kmeans_acc --> of the test digits, and the network trained on its ids **?**<!-- num: pseudo_raw_acc -->. Did the network add anything? Ask how often the two agree. Then try augmentation: it tells the network something that K-means does not know, namely that a digit shifted a little is the same digit.
''')
code('''
agreement = np.mean(predicted == raw_ids)
shifted = dense_network(tl.augment.RandomAffine())
fit(shifted, x_train, raw.labels_, epochs)
raw_augmented_acc = right(predict(shifted, x_test), matching).mean()
''')
checks('''
tl.number("pseudo_raw_agreement", agreement)
tl.number("pseudo_raw_gain", 100 * (pseudo_raw_acc - raw_acc), "points")
tl.number("pseudo_raw_augmented_acc", raw_augmented_acc)
tl.claim(
    "the network repeats K-means on at least nine of ten new images",
    agreement > 0.9,
)
tl.claim("its gain over K-means is less than three points", pseudo_raw_acc - raw_acc < 0.03)
tl.claim("with augmentation it gains more", raw_augmented_acc > pseudo_raw_acc)
''')
md('''
The network learned what it was taught: the borders that K-means drew, mistakes and all. It repeats them on **?**<!-- num: pseudo_raw_agreement --> of the new images. Augmentation helps, up to **?**<!-- num: pseudo_raw_augmented_acc -->. But the labels are too wrong, and wrong in too regular a way. We need better clusters, and for those a better space to cluster in.

## 3. Transfer: features of a network that knows letters

In pixels, a 1 that leans left is far from a 1 that leans right. So let a network learn to *look*, where names cost nothing, and let K-means work on what it sees.

![Above, printed letters go through a network's body and head, which learns their names. Below, digits without names go through the same body; K-means groups the features that come out.](../figures/letters_to_digits.svg)

Write $x$ for an image, and $z = f(x)$ for what the **body** of a network makes of it: its **features**. On the *source* there are labels $y_i$, and training makes a loss $L$ small:

$$
\\min_w \\; \\frac1n \\sum_{i=1}^n L\\bigl(y_i, f_w(x_i)\\bigr).
$$ (supervised)

On the *target* there are none. What is left is to describe the data by something simple: to make the distance $D(P_x, P_z)$ between their distribution and that of a few representatives small. K-means is the simplest case. The representatives are the centres $\\mu_j$, and the distance is the cost of moving each point to its nearest one:

$$
\\min_{\\mu_1,\\dots,\\mu_k} \\; \\frac1n \\sum_{i=1}^n \\min_{j} \\lVert z_i - \\mu_j \\rVert^2 .
$$ (kmeans)

**Transfer** joins the two: solve {eq}`supervised` on the source, keep the body, and solve {eq}`kmeans` on the target's features.

### A source that costs nothing

Letters that we draw ourselves carry their labels with them. `tl.data.letters` draws a–z and A–Z in the fonts that come with matplotlib, and rotates, slants, bends and thickens each one at random {cite:p}`simard2003best`. There is no digit among them.
''')
code('''
count = run.pick(quick=12_000, full=40_000)
letters = tl.data.letters(count, seed=run.seed)
names = [letters.class_names[label] for label in letters.y_train[:20]]
tl.plots.gallery(
    letters.x_train[:20],
    names,
    title="Twenty letters of the source",
    alt="Two rows of ten printed letters, white on black, slanted and bent at random",
)
''')
md('''
The body is a small convolutional network, which ends in 128 numbers for each image. On top goes a head with one output a letter. `tl.backbones.train_source` trains both for a few epochs, just as `fit` above, and leaves the body.
''')
code('''
epochs = run.pick(quick=5, full=4)
body = tl.backbones.small_cnn(weights=None)
classifier = tl.backbones.train_source(body, letters, epochs)
letters_acc = np.mean(predict(classifier, letters.x_test) == letters.y_test)
tl.number("letters_source_acc", letters_acc, dataset="rendered letters")
''')
md('''
It cannot reach perfection: o and O look the same once they are drawn at one size. That does not matter. We throw the head away.

**Which layer?** Late layers serve the source most closely, earlier ones are more general {cite:p}`yosinski2014how`. Without labels of digits nobody can see which is better here. So we hedge, and take the last two side by side. **Which scale?** Some features vary much among letters and little among digits. We put all on one scale, measured on the unlabelled digits: mean 0, standard deviation 1, and then each row to length 1.
''')
code('''
def two_layers(network, images):
    before = keras.Model(network.inputs, network.layers[-2].output)
    return np.hstack([tl.features.extract(net, images) for net in (before, network)])


def on_one_scale(z_train, z_test):
    mean, spread = z_train.mean(axis=0), z_train.std(axis=0) + 1e-6
    return [tl.features.normalise((z - mean) / spread) for z in (z_train, z_test)]


def features(network, *image_sets):
    return on_one_scale(*[two_layers(network, images) for images in image_sets])


z_train, z_test = features(body, x_train, x_test)
print(z_train.shape, z_train.dtype)
''')
md('''
Now the same K-means in the other space, matched on the training set, scored on the test set. **Predict first:** how much will it gain over the pixels?
''')
code('''
def clustered(z_train, z_test):
    kmeans = KMeans(10, n_init=10, random_state=run.seed).fit(z_train)
    matching = tl.clusters.match(y_train, kmeans.labels_)
    return kmeans, matching, right(kmeans.predict(z_test), matching).mean()


kmeans, matching, letters_kmeans_acc = clustered(z_train, z_test)
tl.number("letters_kmeans_acc", letters_kmeans_acc)
tl.number("transfer_gain", 100 * (letters_kmeans_acc - raw_acc), "points")
''')
md('''
From **?**<!-- num: raw_kmeans_acc --> to **?**<!-- num: letters_kmeans_acc -->, and not one digit had a label. Look at the clusters themselves. Each row is one of them: first the mean of its images, then the four that lie nearest to its centre, then five that lie farthest.
''')
code('''
distance = kmeans.transform(z_train)
rows = []
for number in sorted(range(10), key=matching.get):
    own = np.flatnonzero(kmeans.labels_ == number)
    order = own[distance[own, number].argsort()]
    picked = np.concatenate([order[:4], order[-5:]])
    rows.append([x_train[own].mean(axis=0), *x_train[picked]])
''')
code('''
tl.plots.gallery(
    np.array(rows).reshape(100, 28, 28),
    [f"as {row}" if column == 0 else "" for row in range(10) for column in range(10)],
    title="Ten clusters: mean, four nearest, five farthest",
    alt="Ten rows of digits; the means are clear digits, the nearest images alike, and among the farthest are other digits",
)
''')
md('''
### Four controls

A good number is not yet an explanation. Is it the network's *shape* that helps? Then random weights would do. Is it that some letters *are* digits, almost: O a zero, l a one, S a five? Then the gain would go with them. So we leave out every letter that could pass for a digit, and train again.
''')
code('''
untrained = tl.backbones.small_cnn(weights=None)
*_, random_acc = clustered(*features(untrained, x_train, x_test))

lookalikes = "OoDQIlijtLZzSsBbGgqaAyTe"
fewer = tl.data.letters(count, without=lookalikes, seed=run.seed)
other = tl.backbones.small_cnn(weights=None)
tl.backbones.train_source(other, fewer, epochs)
*_, without_acc = clustered(*features(other, x_train, x_test))
''')
checks('''
tl.number("random_features_kmeans_acc", random_acc)
tl.number("letters_without_lookalikes_kmeans_acc", without_acc)
tl.claim("features of letters beat raw pixels by at least 25 points", letters_kmeans_acc - raw_acc > 0.25)
tl.claim("features of an untrained network are no better than pixels", random_acc <= raw_acc)
tl.claim(
    "most of the gain is left without look-alikes",
    without_acc - raw_acc > 0.5 * (letters_kmeans_acc - raw_acc),
)
''')
md('''
Random weights: **?**<!-- num: random_features_kmeans_acc -->, no better than pixels. Without look-alikes: **?**<!-- num: letters_without_lookalikes_kmeans_acc -->, most of the gain. Strokes, corners, loops and crossings are common to all writing.

Third, was it wise to take both layers? Here is each alone. And fourth, is it K-means that got lucky? Ask single images instead: how often does a digit's nearest neighbour show the same digit?
''')
code('''
before = keras.Model(body.inputs, body.layers[-2].output)
alone, purity, part = {}, {}, slice(0, 10_000)
for name, net in (("layer_before", before), ("last_layer", body)):
    z = [tl.features.extract(net, images) for images in (x_train, x_test)]
    *_, alone[name] = clustered(*on_one_scale(*z))
for name, z in (("raw", flat(x_train[part])), ("letters", z_train[part])):
    neighbours = tl.neighbours.nearest(z, k=10)
    purity[name] = tl.neighbours.agreement(neighbours, y_train[part])
''')
checks('''
for name, acc in alone.items():
    tl.number(f"{name}_kmeans_acc", acc)
for name, share in purity.items():
    tl.number(f"{name}_neighbour_purity", share)
tl.claim("two layers together beat the worse of the two alone", letters_kmeans_acc > min(alone.values()))
tl.claim("in pixels, neighbours agree far more often than clusters do", purity["raw"] > raw_acc + 0.1)
''')
md('''
The layer before the last reaches **?**<!-- num: layer_before_kmeans_acc --> alone, the last one **?**<!-- num: last_layer_kmeans_acc -->. A hedge need not win. It is meant to avoid the worst.

The neighbours hold a surprise: even in pixels they agree in **?**<!-- num: raw_neighbour_purity --> of the cases. So it is the *clusters* that are bad there, not the distances. [The next chapter](04_beyond_kmeans.ipynb) builds on that. A sketch shows the difference. (t-SNE {cite:p}`vandermaaten2008visualizing` keeps neighbours together and tells little about distances between groups.)
''')
code('''
from sklearn.manifold import TSNE

some = slice(0, run.pick(quick=800, full=1_500))
flatten = TSNE(init="pca", random_state=run.seed)
panels = {"raw pixels": flat(x_test[some]), "features of letters": z_test[some]}
tl.plots.embedding(
    {name: flatten.fit_transform(z) for name, z in panels.items()},
    y_test[some],
    d.class_names,
    title="The same test digits in two spaces, flattened with t-SNE",
    alt="Two clouds of points coloured by digit; on the right the ten colours are more clearly apart",
)
''')
md('''
## 4. Pseudo-labels on top

Now the plan of section 1 again, with better labels: a *fresh* network learns the cluster ids.
''')
code('''
def pseudo_network(*first):
    body = tl.backbones.small_cnn(weights=None)
    return keras.Sequential([*first, body, layers.Dense(10)]), body


pseudo_labels, epochs = kmeans.labels_, run.pick(quick=12, full=3)
network, pseudo_body = pseudo_network()
fit(network, x_train, pseudo_labels, epochs)
predicted = predict(network, x_test)
kmeans_right = right(kmeans.predict(z_test), matching)
network_right = right(predicted, matching)
''')
checks('''
pseudo_letters_acc = network_right.mean()
tl.number("pseudo_letters_acc", pseudo_letters_acc)
tl.claim("the new network beats the clusters it learned from", pseudo_letters_acc > letters_kmeans_acc)
''')
md('''
The network names **?**<!-- num: pseudo_letters_acc -->: more than the labels that it learned from. How can that be? Here is a likely reason, which we have not tested. A wrong label often stands among right ones on images that look much the same. In a few epochs the network cannot learn the exceptions by heart. It learns the rule. In section 2 the rule itself was wrong.

### Is the gain more than chance?

A test set is a sample. With $n$ images and accuracy $p$, the standard deviation of the measured accuracy is about $\\sqrt{p(1-p)/n}$. For 93 %<!-- given: a round figure --> of 10,000 images that is a quarter of a point. It comes on top of the spread between seeds that this book prints, because all seeds share one test set.

Two methods on the *same* images can be compared more sharply. Where both are right or both wrong, nothing is learned. **McNemar's test** looks at the others {cite:p}`mcnemar1947note`: if there were no difference, each method would win about half of them, like tossing a coin.
''')
code('''
from scipy.stats import binomtest

won = np.sum(network_right & ~kmeans_right)
lost = np.sum(kmeans_right & ~network_right)
chance = binomtest(int(won), int(won + lost)).pvalue
print(f"only the network right: {won}, only K-means right: {lost}")
print(f"so uneven by chance: once in {1 / max(chance, 1e-9):,.0f} test sets")
''')
checks('''
tl.number("network_only_right", won, "errors")
tl.number("kmeans_only_right", lost, "errors")
tl.claim("McNemar's test finds the gain of the network", won > lost and chance < 0.01)
''')
md('''
:::{admonition} What these numbers take for granted
:class: important

- Somebody told us that there are ten classes, about equally many of each.
- Letters had labels, which cost nothing. Some of them look like digits.
- The digits are centred, and of one size.
- Labels of digits name the clusters *for the score*. The method itself sees none.
- The settings were compared on letters that were held out, not on digits. But the authors had seen figures on digits while they wrote: [how the settings came about](../choices/03_kmeans_pseudo_labels.md).
:::

Augmentation helped in section 2. Does it help here? Each training image is turned, scaled, slanted and shifted a little differently every time.
''')
code('''
augmented, _ = pseudo_network(tl.augment.RandomAffine())
fit(augmented, x_train, pseudo_labels, epochs)
augmented_acc = right(predict(augmented, x_test), matching).mean()
tl.number("pseudo_letters_augmented_acc", augmented_acc)
''')
md('''
With augmentation the network names **?**<!-- num: pseudo_letters_augmented_acc -->. [Held-out letters](../choices/03_kmeans_pseudo_labels.md) had said before that it would not pay, so we go on without.

## 5. A few true labels

*Here the method sees labels of the target: one or five for each digit. Exercise 3 does so too.*

Structure found in many unlabelled images, then a few labels: that is how such features are mostly used. There are at least three ways to spend them. **Name the clusters**: each label votes for the name of the cluster that its image is in. **Linear probe**: keep the features as they are, and fit a linear classifier. **Fine-tune**: let the labels train the whole network on. As a control, the same network learns from scratch. Scratch and fine-tuning get the same images, augmentation and steps.
''')
code('''
from sklearn.linear_model import LogisticRegression

ids_train = predict(network, x_train)
z_pseudo = [tl.features.extract(pseudo_body, images) for images in (x_train, x_test)]


def named(rows):
    return right(predicted, tl.clusters.match(y_train[rows], ids_train[rows])).mean()


def probed(rows):
    probe = LogisticRegression(C=10, max_iter=1_000)
    return probe.fit(z_pseudo[0][rows], y_train[rows]).score(z_pseudo[1], y_test)
''')
code('''
def tuned(rows, body, steps=run.pick(quick=200, full=400)):
    draws = np.random.default_rng(run.seed).choice(rows, 64 * steps)
    first, head = tl.augment.RandomAffine(), layers.Dense(10)
    network = keras.Sequential([first, body, head])
    fit(network, x_train[draws], y_train[draws], 1, batch=64, rate=1e-3)
    return np.mean(predict(network, x_test) == y_test)


ways = {name: [] for name in ("from scratch", "fine-tuned", "linear probe", "names for clusters")}
for n in (1, 5, 10):
    draws = [tl.data.few_of_each(y_train, n, seed=100 * run.seed + i) for i in range(10)]
    copy = tl.backbones.duplicate(pseudo_body)
    ways["from scratch"].append(tuned(draws[0], tl.backbones.small_cnn(weights=None)))
    ways["fine-tuned"].append(tuned(draws[0], copy))
    ways["linear probe"].append(np.mean([probed(rows) for rows in draws]))
    ways["names for clusters"].append(np.mean([named(rows) for rows in draws]))
''')
code('''
tl.plots.lines(
    (1, 5, 10),
    ways,
    title="Four ways to spend a few labels",
    xlabel="labels per class",
    ylabel="test accuracy",
    alt="Four lines over one, five and ten labels per class; names for clusters lie highest, then the linear probe, then fine-tuning, and learning from scratch lies lowest",
)
''')
checks('''
short = {"from scratch": "scratch", "fine-tuned": "pseudo_finetuned"}
short |= {"linear probe": "linear_probe", "names for clusters": "cluster_names"}
for way, accs in ways.items():
    for n, acc in zip((1, 5, 10), accs, strict=True):
        tl.number(f"{short[way]}_acc_at_{n}", acc)
scratch, fine, probe, names = (np.array(accs) for accs in ways.values())
tl.claim("at each number of labels fine-tuning beats scratch", (fine > scratch).all())
tl.claim("at one and five labels per class names for clusters beat fine-tuning", (names > fine)[:2].all())
tl.claim("at five labels per class the linear probe beats fine-tuning", probe[1] > fine[1])
''')
md('''
With five labels per class, names for the clusters reach **?**<!-- num: cluster_names_acc_at_5 -->, the probe **?**<!-- num: linear_probe_acc_at_5 -->, fine-tuning **?**<!-- num: pseudo_finetuned_acc_at_5 -->, and scratch **?**<!-- num: scratch_acc_at_5 -->. With one: **?**<!-- num: cluster_names_acc_at_1 -->, **?**<!-- num: linear_probe_acc_at_1 -->, **?**<!-- num: pseudo_finetuned_acc_at_1 --> and **?**<!-- num: scratch_acc_at_1 -->.

Take it as a warning. The clusters knew nearly everything but their names. Fine-tuning hands every weight of the network to a handful of images, and so undoes part of what sixty thousand had taught it.
''')
md('''
## 6. How it fails

In this section accuracies are matched and scored on the same training images.

### Teaching oneself, round after round

If pseudo-labels help once, why not again and again? A fresh network learns the labels, relabels the images, and hands them to the next one. We take 5,000 images (2,000 in quick), and vary one thing at a time: long or short training, with augmentation or without.
''')
code('''
count = run.pick(quick=2_000, full=5_000)
images, digits = x_train[:count], y_train[:count]


def generations(epochs, *first, rounds=5):
    labels = pseudo_labels[:count]
    accs = [tl.clusters.accuracy(digits, labels)]
    for _ in range(rounds):
        student, _ = pseudo_network(*first)
        labels = predict(fit(student, images, labels, epochs), images)
        accs.append(tl.clusters.accuracy(digits, labels))
    return accs
''')
code('''
short, long = run.pick(quick=(10, 20), full=(5, 15))
kinds = {"short": (short,), "long": (long,)}
kinds |= {"short, augmented": (short, tl.augment.RandomAffine())}
kinds |= {"long, augmented": (long, tl.augment.RandomAffine())}
drift = {name: generations(*kind) for name, kind in kinds.items()}
''')
code('''
tl.plots.lines(
    range(6),
    drift,
    title="A copy of a copy of a copy",
    xlabel="generation",
    ylabel="right labels",
    alt="ALT",
)
''')
checks('''
tl.number("selftraining_acc", drift["short, augmented"][-1])
tl.number("selftraining_long_acc", drift["long"][-1])
''')
md('''
SELFTRAINING
''')
md('''
### More or fewer clusters than classes

Nobody tells us that there are ten digits. What if we ask for another number of clusters? With more clusters than classes, one-to-one matching leaves some without a name, and their images count as wrong. Majority naming gives each cluster its most frequent digit, so many clusters flatter it. Neither score can choose $k$ for you.
''')
code('''
ks, part = (5, 8, 10, 12, 15, 20, 50), slice(0, 20_000)
scores = {"one-to-one matching": [], "majority naming": [], "NMI": []}
for k in ks:
    ids = KMeans(k, n_init=4, random_state=run.seed).fit_predict(z_train[part])
    one, many = (tl.clusters.accuracy(y_train[part], ids, how=how) for how in ("one-to-one", "majority"))
    found = one, many, tl.clusters.nmi(y_train[part], ids)
    for row, score in zip(scores.values(), found, strict=True):
        row.append(score)
''')
code('''
tl.plots.lines(
    ks,
    scores,
    title="The wrong number of clusters",
    xlabel="clusters asked for (there are 10 digits)",
    ylabel="score",
    xlog=True,
    percent=False,
    alt="One-to-one accuracy peaks near ten clusters and falls on both sides; majority accuracy is low at 5 clusters, higher at 10 and highest at 50",
)
''')
checks('''
one, majority = scores["one-to-one matching"], scores["majority naming"]
tl.claim("one-to-one accuracy is lower at 5 and at 50 clusters than at 10", one[2] > max(one[0], one[-1]))
tl.claim("named by majority, 50 clusters score above 10, and 10 above 5", majority[-1] > majority[2] > majority[0])
''')
md('''
### Unequal classes, missing pixels, little time

K-means likes heaps of similar size; *class imbalance* breaks them. Let each digit be a little rarer than the one before, until nine is twenty times rarer than zero. Then, on all digits, let a share of the pixels be lost, and read black. The network never saw a letter with holes.
''')
code('''
def thinned(ratio):
    rng = np.random.default_rng(run.seed)
    keep = (1 / ratio) ** (np.arange(10) / 9)
    return np.flatnonzero(rng.random(len(y_train)) < keep[y_train])


balance = {}
for ratio in (1, 5, 20):
    rows = thinned(ratio)
    ids = KMeans(10, n_init=4, random_state=run.seed).fit_predict(z_train[rows])
    balance[ratio] = tl.clusters.accuracy(y_train[rows], ids)
    print(f"most frequent : rarest = {ratio:2} : 1   accuracy {balance[ratio]:.1%}")
''')
code('''
def damaged(images, share):
    rng = np.random.default_rng(run.seed)
    return np.where(rng.random(images.shape) < share, 0, images).astype("uint8")


missing = {0.0: letters_kmeans_acc}
for share in (0.25, 0.5):
    z = features(body, damaged(x_train, share), damaged(x_test, share))
    *_, missing[share] = clustered(*z)
    print(f"{share:.0%} of the pixels missing: accuracy {missing[share]:.1%}")
''')
md('''
And where data do not fit into memory, `MiniBatchKMeans` {cite:p}`sculley2010web` reads them in small batches.
''')
code('''
import time

from sklearn.cluster import MiniBatchKMeans

timed = {}
for method in (KMeans, MiniBatchKMeans):
    began = time.perf_counter()
    ids = method(10, n_init=4, random_state=run.seed).fit_predict(z_train)
    timed[method] = time.perf_counter() - began
    acc = tl.clusters.accuracy(y_train, ids)
    print(f"{method.__name__:16} {timed[method]:5.2f} s in this run, accuracy {acc:.1%}")
''')
checks('''
tl.number("imbalanced_kmeans_acc", balance[20])
tl.number("missing_quarter_kmeans_acc", missing[0.25])
tl.number("minibatch_kmeans_acc", acc)
tl.number("minibatch_speedup", timed[KMeans] / timed[MiniBatchKMeans], "×")
tl.claim("unequal classes hurt K-means", balance[20] < balance[1])
tl.claim("missing pixels hurt, the more the worse", missing[0.0] > missing[0.25] > missing[0.5])
''')
md('''
At twenty to one K-means falls to **?**<!-- num: imbalanced_kmeans_acc -->, and with a quarter of the pixels gone to **?**<!-- num: missing_quarter_kmeans_acc -->.

## 7. What is left

Which digits does the pseudo-label network still confuse?
''')
code('''
said = tl.clusters.rename(predicted, matching)
tl.plots.confusion(
    y_test,
    said,
    d.class_names,
    title="Percent of each digit that got each name",
    alt="Confusion matrix with a strong diagonal",
)
''')
code('''
wrong = np.flatnonzero(said != y_test)[:20]
pairs = zip(y_test[wrong], said[wrong], strict=True)
tl.plots.gallery(
    x_test[wrong],
    [f"{true} as {name}" for true, name in pairs],
    title="The first mistakes in the test set",
    alt="Handwritten digits with their true and their predicted name, many of them written unusually",
)
''')
md('''
Everything side by side. Each row was scored on the same test images, with clusters matched on the training set. No label of a digit was used.
''')
code('''
steps = {
    "random features, K-means": random_acc,
    "raw pixels, K-means": raw_acc,
    "letters without look-alikes, K-means": without_acc,
    "features of letters, K-means": letters_kmeans_acc,
    "a fresh network on those ids": pseudo_letters_acc,
}
tl.plots.table(["step", "test accuracy"], [(name, f"{acc:.1%}") for name, acc in steps.items()])
''')
code('''
tl.plots.bars(
    list(steps),
    list(steps.values()),
    title="No label of any digit was used",
    xlabel="test accuracy",
    mark={"chance": 0.1},
    alt="Five bars of test accuracy, growing from features of an untrained network to a fresh network on the ids of letters' features",
)
''')
checks('''
tl.claim("each step of the table beats the one above it", (np.diff(list(steps.values())) > 0).all())
''')
md('''
## Summary

1. A cluster id is a name without meaning. Match clusters to classes before you score them.
2. A network trained on cluster ids mostly repeats the clustering, mistakes and all.
3. In features learned on labelled letters, K-means finds digits far better than in pixels.
4. On top of good clusters, a fresh network is better than its own labels, by more than chance.
5. A few labels are spent well on naming clusters, and badly on moving every weight.

## Exercises

### Exercise 1: predict first

You ask for twenty clusters in place of ten, and name them by majority. Does the accuracy rise or fall? And by one-to-one matching? Write down both guesses before you look at the figure "The wrong number of clusters".

<details><summary>Self-check</summary>

By majority it rises, by matching it falls. Ten of the twenty clusters get no name by matching.

</details>

### Exercise 2: on paper

Four numbers lie on a line: 0, 2, 4 and 12. Begin with centres at 0 and 2. Do K-means's two steps until nothing moves. Then begin at 0 and 12. Do both starts end alike?

<details><summary>Hint</summary>

Write three columns: the centres, who belongs to them, the new means.

</details>

<details><summary>Self-check</summary>

From 0 and 2: the groups {0} and {2, 4, 12} have the means 0 and 6, then {0, 2} and {4, 12} the means 1 and 8, then {0, 2, 4} and {12} the means 2 and 12. Nothing moves any more. From 0 and 12 the end is the same, in fewer rounds.

</details>

### Exercise 3: fifty labels

After an idea of {cite:t}`geron2022hands`: ask for fifty clusters, label only the one image nearest to each centre, and give its label to the whole cluster. How accurate is that on the test set?

<details><summary>Hint</summary>

`KMeans.transform` returns the distance of every image to every centre. `argmin(axis=0)` then gives one image a centre.

</details>

<details><summary>Self-check</summary>

The result should lie above that of ten clusters on the same features. You have used fifty labels, so say so when you report it.

</details>
''')
solution('''
# Solution
fifty = KMeans(50, n_init=4, random_state=run.seed).fit(z_train)
nearest = fifty.transform(z_train).argmin(axis=0)
fifty_acc = np.mean(y_train[nearest][fifty.predict(z_test)] == y_test)
tl.number("fifty_labels_acc", fifty_acc)
tl.claim("fifty labelled clusters beat ten clusters on the same features", fifty_acc > letters_kmeans_acc)
''')
md('''
### Exercise 4: only the sure ones

This idea is also in {cite:t}`geron2022hands`: keep the half of the training images that lie nearest to their centre. How right are their pseudo-labels? And which digits do you lose?

<details><summary>Hint</summary>

The smallest distance to a centre is `kmeans.transform(z_train).min(axis=1)`. Compare it with its median.

</details>

<details><summary>Self-check</summary>

The labels that you keep are right more often than all together. The digits that you keep are not equally many.

</details>
''')
solution('''
# Solution
near = distance.min(axis=1)
sure = near < np.median(near)
named_train = tl.clusters.rename(pseudo_labels, matching)
sure_acc, all_acc = (np.mean(named_train[keep] == y_train[keep]) for keep in (sure, slice(None)))
kept = np.bincount(y_train[sure], minlength=10) / np.bincount(y_train, minlength=10)
print(f"right among the sure: {sure_acc:.1%}, among all: {all_acc:.1%}")
print(f"share of each digit that is kept: {kept.round(2)}")
tl.claim("labels near a centre are right more often", sure_acc > all_acc)
tl.claim("being choosy drops some digits more than others", kept.max() > 1.3 * kept.min())
''')
md('''
### Exercise 5: open

Choose a source of your own in place of letters: letters in one font only, letters with holes, half of the alphabet. Say beforehand which number will change, and by about how much. Design a control that could prove you wrong, and run both with three seeds.

## Further reading

DeepCluster alternates clustering and training on the cluster ids {cite:p}`caron2018deep`. Pseudo-labels in the older sense are a network's own answers to unlabelled images, beside some labelled ones {cite:p}`lee2013pseudo`. DEC trains features and centres together, and made clustering accuracy after matching the usual yardstick {cite:p}`xie2016unsupervised`. SCAN learns from neighbours instead of centres {cite:p}`vangansbeke2020scan`. On how self-training confirms its own mistakes, see {cite:t}`arazo2020pseudo`.
''')
