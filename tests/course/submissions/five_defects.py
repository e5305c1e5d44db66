"""Other answers to assignment 2: wrong ones with the points that each loses, and right ones written differently."""

NAME = "2_five_defects"

# Of each submission: the cells that differ from the solution, and the points lost in which tests.
SUBMISSIONS = {
    "written differently": (
        {
            "spread": """
def feature_spread(images):
    z = ops.convert_to_numpy(tl.backbones.small_cnn()(images.astype("float32")))
    return float(np.mean([np.sqrt(np.mean((z[:, j] - z[:, j].mean()) ** 2)) for j in range(z.shape[1])]))
""",
            "mend-1": """
def prepare(images):
    return images


network, accuracy = pipeline()
""",
            "agreement": """
from sklearn.neighbors import NearestNeighbors


def neighbour_agreement(images, labels):
    z = tl.features.extract(tl.backbones.small_cnn(), images, cache=False)
    near = NearestNeighbors(n_neighbors=3).fit(z).kneighbors(return_distance=False)  # never an image itself
    return sum(int(labels[i] == labels[j]) for i in range(len(z)) for j in near[i]) / (3 * len(z))


train, test = split(labels, PER_CLASS, seed=0)
""",
            "mend-2": """
from sklearn.utils import shuffle


def shuffled(images, labels, seed):
    return tuple(shuffle(images, labels, random_state=seed))


network, accuracy = pipeline()
""",
            "lowest": """
def lowest_loss(classes):
    said = np.eye(classes, dtype="float32")[:1]
    return float(keras.losses.sparse_categorical_crossentropy(np.array([0]), said, from_logits=True)[0])
""",
            "mend-3": """
def build():
    network = keras.Sequential([keras.Input((28, 28))])
    for layer in tl.backbones.small_cnn().layers:
        network.add(layer)
    network.add(layers.Dense(10, activation="linear", kernel_initializer="he_normal"))
    return network


keras.utils.set_random_seed(0)
untrained = build()
network, accuracy = pipeline()
""",
            "changed": """
def weights_changed(before, after):
    count = 0
    for one, other in zip(before, after):
        if np.any(np.asarray(one) != np.asarray(other)):
            count += 1
    return count


before = build().get_weights()
""",
            # Everything learns from the beginning, which is fine-tuning too.
            "mend-4": """
def fine_tune(network, images, labels):
    network.compile(keras.optimizers.Adam(5e-4), cross_entropy, jit_compile=False)
    network.fit(images, labels, epochs=15, batch_size=20, verbose=0)
    return network


network, accuracy = pipeline()
""",
            "memory": """
from scipy.spatial.distance import cdist


def memorised(images, train, test, seed):
    names = np.random.default_rng(seed).integers(0, 10, len(images))
    rows = images.reshape(len(images), 784).astype(float)
    nearest = cdist(rows[test], rows[train]).argmin(axis=1)
    return float((names[train][nearest] == names[test]).mean())
""",
            "mend-5": """
def split(labels, n, seed):
    rng, train, test = np.random.default_rng(seed), [], []
    for label in sorted(set(labels.tolist())):
        order = rng.permutation(np.flatnonzero(labels == label))
        train.extend(order[:n].tolist())
        test.extend(order[n : n + 50].tolist())
    return train, test


train, test = split(labels, PER_CLASS, seed=0)
""",
            "final": """
final_network, final_accuracy = pipeline()
final_accuracy = float(final_accuracy)


def name_digits(images):
    return [int(np.argmax(row)) for row in final_network.predict(prepare(images), verbose=0)]
""",
        },
        {},
    ),
    "wrong measurements": (
        {
            # All features and images thrown together.
            "spread": """
def feature_spread(images):
    return tl.backbones.small_cnn().predict(images, verbose=0).std()
""",
            # Another range, and again not the network's; the last number is poor because of it.
            "mend-1": """
def prepare(images):
    return images.astype("float32") / 127.5 - 1


network, accuracy = pipeline()
""",
            # The first neighbour of each image is the image itself.
            "agreement": """
from sklearn.neighbors import NearestNeighbors


def neighbour_agreement(images, labels):
    z = tl.features.extract(tl.backbones.small_cnn(), images)
    near = NearestNeighbors(n_neighbors=3).fit(z).kneighbors(z, return_distance=False)
    return np.mean(labels[near] == labels[:, None])


train, test = split(labels, PER_CLASS, seed=0)
""",
            # The loss of a guess, in place of that of a perfect answer.
            "lowest": """
def lowest_loss(classes):
    return np.log(classes)
""",
            # Numbers are counted, not arrays.
            "changed": """
def weights_changed(before, after):
    return sum(int(np.sum(one != other)) for one, other in zip(before, after))


before = build().get_weights()
""",
            # The test images get random labels of their own.
            "memory": """
from sklearn.neighbors import KNeighborsClassifier


def memorised(images, train, test, seed):
    rng, flat = np.random.default_rng(seed), images.reshape(len(images), -1).astype("float32")
    memory = KNeighborsClassifier(1).fit(flat[train], rng.integers(0, 10, len(train)))
    return np.mean(memory.predict(flat[test]) == rng.integers(0, 10, len(test)))
""",
        },
        {
            "spread-tests": 2,
            "mend-1-tests": 2,
            "agreement-tests": 2,
            "lowest-tests": 2,
            "changed-tests": 1,
            "memory-tests": 2,
            "final-tests": 3,
        },
    ),
    "wrong cures": (
        {
            # Pairs stay together, since nothing is shuffled.
            "mend-2": """
def shuffled(images, labels, seed):
    return images, labels


network, accuracy = pipeline()
""",
            # No softmax, but no logits either.
            "mend-3": """
def build():
    body = tl.backbones.small_cnn()
    return keras.Sequential([keras.Input((28, 28)), *body.layers, layers.Dense(10, activation="relu")])


keras.utils.set_random_seed(0)
untrained = build()
network, accuracy = pipeline()
""",
            # Everything learns, at a rate that ruins it.
            "mend-4": """
def fine_tune(network, images, labels):
    for layer in network.layers:
        layer.trainable = True
    network.compile(keras.optimizers.Adam(0.1), cross_entropy, jit_compile=False)
    network.fit(images, labels, epochs=15, verbose=0)
    return network


network, accuracy = pipeline()
""",
            # Two parts with nothing in common, but not so many of each class.
            "mend-5": """
def split(labels, n, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    classes = len(np.unique(labels))
    return order[: n * classes], order[n * classes : (n + 50) * classes]


train, test = split(labels, PER_CLASS, seed=0)
""",
            # Scored on the images that it learned from.
            "final": """
keras.utils.set_random_seed(0)
body = tl.backbones.small_cnn()
final_network = keras.Sequential([keras.Input((28, 28)), *body.layers, layers.Dense(10)])
final_network.compile(keras.optimizers.Adam(1e-3), cross_entropy, jit_compile=False)
final_network.fit(images[train], labels[train], epochs=15, verbose=0)


def name_digits(images):
    return final_network.predict(images, verbose=0).argmax(axis=1)


final_accuracy = np.mean(name_digits(images[train]) == labels[train])
""",
        },
        {
            "mend-2-tests": 2,
            "mend-3-tests": 2,
            "mend-4-tests": 4,
            "mend-5-tests": 2,
            "final-tests": 3,
        },
    ),
}
