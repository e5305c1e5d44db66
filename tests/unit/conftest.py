"""What the unit tests share."""

import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

import tlbook as tl

# The same examples each time: a test that passed here passes elsewhere.
settings.register_profile("book", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("book")
set_hypothesis_home_dir(tempfile.mkdtemp(prefix="tlbook-test-hypothesis-"))


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Redirect every folder that data and features may be looked for in; all of them are empty."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "features"))
    monkeypatch.delenv("TLBOOK_DATA", raising=False)
    pack = tmp_path / "pack"
    pack.mkdir()
    return SimpleNamespace(
        pack=pack, cache=tmp_path / "keras" / "datasets", features=tmp_path / "features" / "features"
    )


class Handler(BaseHTTPRequestHandler):
    content = b""

    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/silent":
            time.sleep(30)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        body = {"/good": self.content, "/wrong": self.content[::-1]}.get(
            self.path, self.content[: len(self.content) // 2]
        )
        self.wfile.write(body)
        self.wfile.flush()
        if self.path == "/stuck":
            time.sleep(30)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Serve a file on this machine: whole at /good, else /short, /wrong, /stuck half-way, /silent, or /missing."""
    servers = []

    def start(content: bytes) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Serving", (Handler,), {"content": content}))
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def quick(monkeypatch):
    """Begin a run in the quick profile."""
    monkeypatch.setenv("TLBOOK_PROFILE", "quick")
    monkeypatch.setattr("tlbook.run._current", None)
    return tl.start("01_demo")


@pytest.fixture
def refused():
    """Return a context manager in which a `TlbookError` must come up that says all these words."""

    class Refused:
        def __init__(self, *words):
            self.words = words

        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert kind is tl.TlbookError, f"expected a TlbookError, got {error!r}"
            self.text = str(error)
            missing = [word for word in self.words if word not in self.text]
            assert not missing, f"{missing} not in {self.text}"
            return True

    return Refused
