"""Other answers to assignment 3: wrong ones with the points that each loses, and right ones written differently."""

NAME = "3_pseudo_labels"

# Of each submission: the cells that differ from the solution, and the points lost in which tests.
SUBMISSIONS = {
    "written differently": (
        {
            "count": """
def count_table(labels, ids):
    return [[int(sum((ids == i) & (labels == j))) for j in range(max(labels) + 1)] for i in range(max(ids) + 1)]
""",
            "purity": """
def purity(labels, ids):
    return sum(np.bincount(labels[ids == i]).max() for i in np.unique(ids)) / len(ids)


purities, accuracies = {}, {}
for k in (10, 50, 200):
    found = KMeans(n_clusters=k, n_init=2, random_state=0).fit_predict(x_train)
    purities[k] = float(purity(y_train, found))
    accuracies[k] = tl.clusters.accuracy(y_train, found)
""",
            "stop": """
from sklearn.metrics import adjusted_rand_score


def last_good(history):
    for place in range(1, len(history)):
        lost = set(history[0].tolist()) - set(history[place].tolist())
        if lost or adjusted_rand_score(history[0], history[place]) < 0.6:
            return place - 1
    return len(history) - 1
""",
        },
        {},
    ),
    "first mistakes": (
        {
            # Rows and columns swapped: the names, which are made from the table, come out wrong too.
            "count": """
def count_table(labels, ids):
    table = np.zeros((max(labels) + 1, max(ids) + 1), int)
    np.add.at(table, (labels, ids), 1)
    return table
""",
            "purity": """
def purity(labels, ids):
    return 0.7346


purities = {10: 0.73, 50: 0.93, 200: 0.98}
accuracies = {10: 0.73, 50: 0.93, 200: 0.98}
""",
            # An id is taken for a digit.
            "network": """
network = MLPClassifier(64, max_iter=30, random_state=0).fit(x_train, ids)
network_accuracy = np.mean(network.predict(x_test) == y_test)
""",
            # Each round learns the first ids again.
            "generations": """
def generations(images, ids, rounds, epochs):
    history = [ids]
    for r in range(1, rounds + 1):
        student = MLPClassifier(64, max_iter=epochs, random_state=r)
        history.append(student.fit(images, ids).predict(images))
    return history


hurried = generations(x_train, ids, rounds=5, epochs=1)
patient = generations(x_train, ids, rounds=5, epochs=30)
""",
            # Looks at one round before only, and never at clusters that vanish.
            "stop": """
def last_good(history):
    return len(history) - 1
""",
        },
        {
            "count-tests": 3,
            "name-tests": 5,
            "purity-tests": 4,
            "network-tests": 4,
            "generations-tests": 4,
            "stop-tests": 5,
        },
    ),
    "a greedy naming": (
        {
            "name": """
def names_of_clusters(labels, ids):
    table = np.array(count_table(labels, ids))
    names = np.full(len(table), -1)
    for cluster in range(len(table)):
        if table.max() > 0:
            names[cluster] = table[cluster].argmax()
            table[:, names[cluster]] = -1
    return names
""",
        },
        {"name-tests": 5, "purity-tests": 4},  # whose accuracies are under these names
    ),
}
