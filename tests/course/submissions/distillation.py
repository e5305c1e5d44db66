"""Other answers to assignment 5: wrong ones with the points that each loses, and right ones written differently."""

NAME = "6_distillation"

# Of each submission: the cells that differ from the solution, and the points lost in which tests.
SUBMISSIONS = {
    "written differently": (
        {
            "soften": """
from scipy.special import softmax


def soften(logits, temperature):
    return softmax(np.asarray(logits) / temperature, axis=-1)
""",
            "loss": """
from scipy.special import rel_entr


def distillation_loss(student_logits, teacher_logits, temperature):
    p, q = (soften(logits, temperature) for logits in (teacher_logits, student_logits))
    return temperature**2 * rel_entr(p, q).sum() / len(p)
""",
            "count": """
def count_conv(kernel, channels_in, channels_out):
    layer = layers.Conv2D(channels_out, kernel)
    layer.build((None, 28, 28, channels_in))
    return layer.count_params()


def count_dense(units_in, units_out):
    return units_in * units_out + units_out


shared = count_conv(3, 1, 8) + count_conv(3, 8, 16) + count_dense(32, 10)
paper = {"average": shared + count_dense(16, 32), "flatten": shared + count_dense(7 * 7 * 16, 32)}
""",
            # Two wide convolutions, another temperature, and cross-entropy, whose slope is the same.
            "student": """
def tiny():
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 127.5, -1), layers.Reshape((28, 28, 1))])
    for channels in (12, 24):
        network.add(layers.Conv2D(channels, 5, strides=2, padding="same"))
        network.add(layers.BatchNormalization(momentum=0.9))
        network.add(layers.ReLU())
    network.add(layers.Flatten())
    network.add(layers.Dense(10))
    return network


def loss(v, u):
    return -4 * ops.sum(ops.softmax(v / 2) * ops.log_softmax(u / 2), axis=-1)


student = train(tiny(), x_all, v_all, loss)
hard = train(tiny(), x_all, v_all.argmax(axis=1), label_loss, steps=100)
control = train(tiny(), x_few, y_few, label_loss, steps=100)
accuracies = {"teacher": accuracy(teacher), "control": accuracy(control)}
accuracies |= {"student": accuracy(student), "hard": accuracy(hard)}
""",
            "worth": "",
        },
        {},
    ),
    "first mistakes": (
        {
            # Logits times the temperature: harder in place of softer.
            "soften": """
def soften(logits, temperature):
    scaled = logits * temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
""",
            # No T².
            "loss": """
from scipy.special import log_softmax


def distillation_loss(student_logits, teacher_logits, temperature):
    log_p = log_softmax(teacher_logits / temperature, axis=1)
    log_q = log_softmax(student_logits / temperature, axis=1)
    return float(np.mean(np.sum(np.exp(log_p) * (log_p - log_q), axis=1)))
""",
            # Flattened, 16 channels count as 16 numbers.
            "count": """
def count_conv(kernel, channels_in, channels_out):
    return kernel**2 * channels_in * channels_out + channels_out


def count_dense(units_in, units_out):
    return units_in * units_out + units_out


paper = {"flatten": 2_122, "average": 2_122}
""",
            # The network of part 3 with its 26,698 parameters.
            "student": """
def large():
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1)),
        layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(10),
    ])


student = train(large(), x_all, v_all, "mse", steps=100)
hard = train(large(), x_all, v_all.argmax(axis=1), label_loss, steps=100)
control = train(large(), x_few, y_few, label_loss, steps=100)
networks = {"teacher": teacher, "student": student, "hard": hard, "control": control}
accuracies = {name: accuracy(network) for name, network in networks.items()}
""",
            "worth": "",
        },
        {"soften-tests": 4, "loss-tests": 5, "count-tests": 4, "student-tests": 7},
    ),
    "other mistakes": (
        {
            # Infinite for large logits.
            "soften": """
def soften(logits, temperature):
    powers = np.exp(logits / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
""",
            # Student and teacher swapped.
            "loss": """
from scipy.special import log_softmax


def distillation_loss(student_logits, teacher_logits, temperature):
    log_p = log_softmax(teacher_logits / temperature, axis=1)
    log_q = log_softmax(student_logits / temperature, axis=1)
    return float(temperature**2 * np.mean(np.sum(np.exp(log_q) * (log_q - log_p), axis=1)))
""",
            # One bias for a whole layer.
            "count": """
def count_conv(kernel, channels_in, channels_out):
    return kernel**2 * channels_in * channels_out + 1


def count_dense(units_in, units_out):
    return units_in * units_out + 1


paper = {"flatten": 26_635, "average": 2_059}
""",
            # A linear student, stopped early; and a control that is another network.
            "student": """
def linear(*hidden):
    keras.utils.set_random_seed(1)
    front = [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()]
    return keras.Sequential([*front, *hidden, layers.Dense(10)])


student = train(linear(), x_all, v_all.argmax(axis=1), label_loss, steps=60)
hard = train(linear(), x_all, v_all.argmax(axis=1), label_loss, steps=100)
control = train(linear(layers.Dense(8, "relu")), x_few, y_few, label_loss, steps=100)
networks = {"teacher": teacher, "student": student, "hard": hard, "control": control}
accuracies = {name: accuracy(network) for name, network in networks.items()}
""",
            "worth": "",
        },
        {"soften-tests": 4, "loss-tests": 5, "count-tests": 4, "student-tests": 6, "control-tests": 3},
    ),
}
