"""Other answers to assignment 4: wrong ones with the points that each loses, and right ones written differently."""

NAME = "4_zero_labels"

# Of each submission: the cells that differ from the solution, and the points lost in which tests.
SUBMISSIONS = {
    "written differently": (
        {
            "scale": """
from sklearn.preprocessing import StandardScaler, normalize


def on_one_scale(features):
    return normalize(StandardScaler().fit_transform(features))
""",
            "slant": """
def slant(image):
    rows, columns = np.nonzero(image)
    if len(np.unique(rows)) < 2:
        return 0
    (yy, xy), _ = np.cov(rows, columns, aweights=image[rows, columns].astype(float), bias=True)
    return float(xy / yy)
""",
            # Row by row, each shifted by what it has drifted, and without a matrix.
            "upright": """
def upright(images):
    n, height, width = images.shape
    done = np.zeros((n, height, width), "uint8")
    for i in range(n):
        light = images[i].astype(float)
        if light.sum() == 0:
            continue
        cy = np.average(np.arange(height), weights=light.sum(axis=1))
        cx = np.average(np.arange(width), weights=light.sum(axis=0))
        drift = slant(images[i])
        rows = np.arange(height) - (height - 1) / 2 + cy
        low, part = np.floor(rows).astype(int), rows - np.floor(rows)
        padded = np.vstack([light, np.zeros((1, width))])
        inside = lambda at: np.where((at >= 0) & (at < height), at, height)
        moved = padded[inside(low)] * (1 - part)[:, None] + padded[inside(low + 1)] * part[:, None]
        for y in range(height):
            at = np.arange(width) - (width - 1) / 2 + cx + drift * (y - (height - 1) / 2)
            done[i, y] = np.rint(np.interp(at, np.arange(width), moved[y], left=0, right=0))
    return done
""",
            "vote": """
def vote(ids, neighbours, rounds):
    n, k = neighbours.shape
    step = np.zeros((n, n))
    np.add.at(step, (np.repeat(np.arange(n), k), neighbours.ravel()), 0.5 / k)
    step += np.eye(n) / 2
    p = (np.asarray(ids)[:, None] == np.arange(max(ids) + 1)).astype(float)
    return np.linalg.matrix_power(step, rounds).dot(p).argmax(axis=1)
""",
            # A mixture of Gaussians on a few components: no K-means, and no vote.
            "cluster": """
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture


def cluster(images, body=LETTERS):
    outputs = layers.concatenate([layer.output for layer in body.layers[-2:]])
    features = on_one_scale(keras.Model(body.inputs, outputs).predict(images, verbose=0))
    features = PCA(20, random_state=0).fit_transform(features)
    mixture = GaussianMixture(10, covariance_type="diag", n_init=3, random_state=0)
    return [int(number) for number in mixture.fit_predict(features)]
""",
        },
        {},
    ),
    "first mistakes": (
        {
            # One mean and one standard deviation for all columns.
            "scale": """
def on_one_scale(features):
    scaled = (features - features.mean()) / features.std()
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
""",
            # Over the variance of x, in place of that of y.
            "slant": """
def slant(image):
    y, x = np.indices(image.shape)
    mass = image / max(image.sum(dtype=float), 1e-9)
    dx, dy = x - np.sum(mass * x), y - np.sum(mass * y)
    return np.sum(mass * dx * dy) / max(np.sum(mass * dx**2), 1e-9)
""",
            # Rows replaced one after the other.
            "vote": """
def vote(ids, neighbours, rounds):
    p = np.eye(np.max(ids) + 1)[ids]
    for _ in range(rounds):
        for i in range(len(p)):
            p[i] = (p[i] + p[neighbours[i]].mean(axis=0)) / 2
    return p.argmax(axis=1)
""",
            # The slant is taken out the wrong way round: it doubles.
            "upright": """
from scipy import ndimage


def upright(images):
    turned = np.zeros_like(images)
    for place, image in enumerate(images):
        if image.any():
            matrix = np.array([[1, 0], [-own_slant(image), 1]])
            offset = np.array(ndimage.center_of_mass(image)) - matrix @ ((np.array(image.shape) - 1) / 2)
            turned[place] = ndimage.affine_transform(image.astype("float32"), matrix, offset, order=1)
    return turned


def own_slant(image):
    y, x = np.indices(image.shape)
    both = np.cov(y.ravel(), x.ravel(), aweights=image.ravel().astype(float))
    return both[0, 1] / both[0, 0]
""",
            # The baseline itself: a good answer to the form, and no better than what was given.
            "cluster": """
def cluster(images, body=LETTERS):
    return baseline(images, body)
""",
        },
        {"scale-tests": 3, "slant-tests": 2, "upright-tests": 3, "vote-tests": 3, "signs-tests": 8},
    ),
    "too slow and too curious": (
        {
            # Rows first, so that they have no length 1 in the end.
            "scale": """
def on_one_scale(features):
    rows = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    return (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-9)
""",
            # A majority in each round, which forgets how sure a vote was.
            "vote": """
def vote(ids, neighbours, rounds):
    ids = np.array(ids)
    for _ in range(rounds):
        ids = np.array([np.bincount(np.append(ids[near], ids[i])).argmax() for i, near in enumerate(neighbours)])
    return ids
""",
            # Many images take too long; few are compared with the labels of the small MNIST, which are not there.
            "cluster": """
def cluster(images, body=LETTERS):
    if len(images) >= 1_500:
        time.sleep(61)
        return baseline(images, body)
    known = tl.data.mnist_small()
    from sklearn.neighbors import KNeighborsClassifier

    flat = known.x_train.reshape(len(known.x_train), -1)
    return KNeighborsClassifier(1).fit(flat, known.y_train).predict(images.reshape(len(images), -1))
""",
        },
        {"scale-tests": 3, "vote-tests": 3, "cluster-tests": 1, "signs-tests": 8},
    ),
}
