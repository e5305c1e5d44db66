"""Other answers to assignment 1: wrong ones with the points that each loses, and right ones written differently."""

NAME = "1_label_efficiency"

# Of each submission: the cells that differ from the solution, and the points lost in which tests.
SUBMISSIONS = {
    "written differently": (
        {
            # Another target, of another size.
            "choose": """
target = tl.data.digits()
x_train, y_train = target.x_train, target.y_train
x_test, y_test = target.x_test, target.y_test
""",
            "few": """
import random


def few(labels, n, seed):
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    taken = {int(each): [] for each in labels}
    for place in order:
        if len(taken[int(labels[place])]) < n:
            taken[int(labels[place])].append(place)
    if any(len(places) < n for places in taken.values()):
        raise ValueError(f"a class has fewer than {n} images")
    return sum(taken.values(), [])
""",
            "probe": """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def probe_accuracy(z_train, y_train, z_test, y_test):
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    return head.fit(z_train, y_train).score(z_test, y_test)
""",
            "needed": """
def labels_needed(curve, wanted):
    for n in sorted(curve):
        if sum(curve[n]) / len(curve[n]) >= wanted:
            return n


wanted = sum(curves["letters"][2]) / 3
needed = labels_needed(curves["raw pixels"], wanted)
""",
        },
        {},
    ),
    "first mistakes": (
        {
            "choose": """
target = tl.data.digits()
x_train, y_train = target.x_train, target.y_train
x_test, y_test = target.x_test, target.y_test
""",
            # No number at all.
            "guess": "guess = 'about ten'",
            # The same ones whatever the seed, since each call begins anew with seed 0.
            "few": """
def few(labels, n, seed):
    rng = np.random.default_rng(0)
    return np.concatenate([rng.choice(np.flatnonzero(labels == k), n, replace=False) for k in np.unique(labels)])
""",
            # The scaling is learned from both parts.
            "probe": """
from sklearn.preprocessing import StandardScaler


def probe_accuracy(z_train, y_train, z_test, y_test):
    scaler = StandardScaler().fit(np.concatenate([z_train, z_test]))
    head = LogisticRegression(max_iter=1_000).fit(scaler.transform(z_train), y_train)
    return head.score(scaler.transform(z_test), y_test)
""",
            # The largest of three is taken for their mean.
            "needed": """
def labels_needed(curve, wanted):
    return min([n for n in curve if max(curve[n]) >= wanted], default=None)


wanted = max(curves["letters"][2])
needed = labels_needed(curves["raw pixels"], wanted)
""",
            # The standard deviation of these three values, not the one that they let expect.
            "spread": """
def spread(accuracies):
    return float(np.mean(accuracies)), float(np.std(accuracies))


def sampling_error(accuracy, n):
    return float(np.sqrt(accuracy * (1 - accuracy) / n))
""",
        },
        {"choose-tests": 2, "few-tests": 4, "probe-tests": 6, "needed-tests": 4, "spread-tests": 4},
    ),
    "other mistakes": (
        {
            "choose": """
target = tl.data.digits()
x_train, y_train = target.x_train, target.y_train
x_test, y_test = target.x_test, target.y_test
""",
            # An image may come twice.
            "few": """
def few(labels, n, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(np.flatnonzero(labels == k), n) for k in np.unique(labels)])
""",
            # The test part is scaled by its own mean and standard deviation.
            "probe": """
from sklearn.preprocessing import StandardScaler


def probe_accuracy(z_train, y_train, z_test, y_test):
    head = LogisticRegression(max_iter=1_000).fit(StandardScaler().fit_transform(z_train), y_train)
    return head.score(StandardScaler().fit_transform(z_test), y_test)
""",
            # Letters get other images than raw pixels, and the seeds are all the same.
            "curves": """
curves = {
    name: {n: [probe_accuracy(z_train[name][rows], y_train[rows], z_test[name], y_test)] * 3
           for n in counts for rows in [few(y_train, n, 7)]}
    for name in z_train
}
""",
            # The first that is enough, in whatever order the keys come.
            "needed": """
def labels_needed(curve, wanted):
    for n, found in curve.items():
        if np.mean(found) >= wanted:
            return n


wanted = np.mean(curves["letters"][2])
needed = labels_needed(curves["raw pixels"], wanted)
""",
            # A share of all images, without a root.
            "spread": """
def spread(accuracies):
    return float(np.mean(accuracies)), float(np.std(accuracies, ddof=1))


def sampling_error(accuracy, n):
    return float(accuracy * (1 - accuracy) / n)
""",
        },
        {"few-tests": 4, "probe-tests": 6, "curves-tests": 5, "needed-tests": 4, "spread-tests": 4},
    ),
}
