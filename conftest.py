"""How every test runs: quick profile, false claims stop, no network, no cache but its own."""

import os
import tempfile

import pytest

os.environ.update(
    TLBOOK_PROFILE="quick",
    TLBOOK_SEED="0",
    # Claims in quick were written with TensorFlow's random numbers: elsewhere a false one of small data only warns.
    TLBOOK_CLAIMS="raise" if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow" else "warn",
    TLBOOK_CACHE=tempfile.mkdtemp(prefix="tlbook-test-cache-"),
    TF_CPP_MIN_LOG_LEVEL="3",
    # Nobody listens there: whatever tries to reach the network fails at once.
    HTTP_PROXY="http://127.0.0.1:9",
    HTTPS_PROXY="http://127.0.0.1:9",
    http_proxy="http://127.0.0.1:9",
    https_proxy="http://127.0.0.1:9",
    NO_PROXY="127.0.0.1,localhost",
    no_proxy="127.0.0.1,localhost",
)


def pytest_configure():
    """Give each worker cores of its own: two that share them wait for each other's threads more than they compute."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):  # Linux
        cores, workers = sorted(os.sched_getaffinity(0)), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        os.sched_setaffinity(0, cores[int(worker.removeprefix("gw")) % len(cores) :: workers])


@pytest.fixture(scope="session")
def not_here():
    """Skip where a reader's machine lacks something; fail where everything should be there."""
    return pytest.fail if os.environ.get("CI") == "true" else pytest.skip


def pytest_collection_modifyitems(items):
    """On JAX, skip the cells from a network's export to ONNX to the last that uses its file; the others run."""
    if os.environ.get("KERAS_BACKEND") != "jax":
        return
    reason = "from JAX, Keras exports to ONNX through jax2onnx, whose max-pooling onnxruntime refuses"
    for notebook in {item.parent for item in items if hasattr(item, "cell")}:
        cells = [item for item in items if item.parent is notebook]
        onnx = [at for at, item in enumerate(cells) if "onnx" in item.cell.source]
        for item in cells[min(onnx) : max(onnx) + 1] if onnx else ():
            item.add_marker(pytest.mark.skip(reason=reason))
