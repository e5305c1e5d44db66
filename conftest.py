"""How every test runs: quick profile, false claims stop, no network, no cache but its own."""

import os
import tempfile

os.environ.update(
    TLBOOK_PROFILE="quick",
    TLBOOK_SEED="0",
    TLBOOK_CLAIMS="raise",
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
