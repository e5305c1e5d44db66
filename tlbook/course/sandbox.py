"""What a submission may see, touch and use up while it is graded: Linux with bubblewrap.

A submission sees Python, this package and a copy of its own files. It has no network, writes into memory that is
thrown away afterwards, starts no second process, and has its time, memory and output limited. The gradebook, other
submissions, the sources of the assignments and the teacher's own files are not there at all. The tests run in a box
of the same kind, since what they are answered is a stranger's too.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tlbook
from tlbook.course import answers
from tlbook.run import require, tell

INSTALL = "sudo apt install bubblewrap   (Debian, Ubuntu; on macOS and Windows grade in WSL or on a Linux machine)"
ALLOW_IT = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu forbids bubblewrap its namespaces)"
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives")
CPUS = "/sys/devices/system/cpu"  # where libraries count the cores
LONGEST = answers.MOST + 10_000_000  # bytes of one reply; more ends the process

# Numbers of system calls. Refused is what makes another process, looks into one, leaves the sandbox, or takes memory
# that no limit counts; a thread is let through.
CALLS = {
    "x86_64": (0xC000003E, {"clone": 56, "clone3": 435, "fork": 57, "vfork": 58},
               (29, 101, 165, 248, 249, 250, 272, 298, 308, 310, 311, 319, 321, 323, 425, 447)),
    "aarch64": (0xC00000B7, {"clone": 220, "clone3": 435},
                (40, 97, 117, 194, 217, 218, 219, 241, 268, 270, 271, 279, 280, 282, 425, 447)),
}  # fmt: skip
THREAD = 0x00010000  # CLONE_THREAD
LOAD, EQUAL, SET, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
NOT_PERMITTED, AGAIN, NO_SUCH_CALL = (0x00050000 | number for number in (1, 11, 38))


@dataclass(frozen=True)
class Limits:
    """How much one submission may use up."""

    seconds: float = 600  # in all, by the clock
    cell_seconds: float = 240  # of one cell or one answer
    gigabytes: float = 8  # of addresses: some more than of memory
    written_megabytes: int = 500  # of files, in memory


class Stopped(Exception):
    """A submission's process has ended: of itself, or because it used up what it had."""


def _filter() -> bytes:
    """Return the seccomp program, in classic BPF, that lets no process begin another one."""
    machine, calls, refused = CALLS[platform.machine()]
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, machine), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    program += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, NO_SUCH_CALL)]  # another table of calls
    program += [(EQUAL, 0, 1, calls["clone3"]), (RETURN, 0, 0, NO_SUCH_CALL)]  # then `clone` is tried, which shows why
    for number in (*refused, *(calls[name] for name in ("fork", "vfork") if name in calls)):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, NOT_PERMITTED)]
    program += [(EQUAL, 0, 3, calls["clone"]), (LOAD, 0, 0, 16), (SET, 1, 0, THREAD), (RETURN, 0, 0, AGAIN)]
    program += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *line) for line in program)


def _command(beside: Path | None, limits: Limits, hidden: tuple[Path, ...], seccomp: int, info: int) -> list[str]:
    """Return the call of bubblewrap, without what is to be run in it."""
    own = [sys.prefix, sys.base_prefix, str(Path(tlbook.__file__).parent)]
    seen = [path for path in (*SYSTEM, CPUS, *own) if os.path.exists(path)]
    memory = ["--size", str(limits.written_megabytes * 1_000_000), "--tmpfs"]
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--proc", "/proc", "--dev", "/dev", *memory, "/dev/shm", "--remount-ro", "/dev"]
    command += [*memory, "/tmp", *memory, "/box"]
    command += [part for path in seen for part in ("--ro-bind", path, path)]
    command += [part for path in hidden for part in ("--ro-bind", "/dev/null", str(path))]
    command += ["--ro-bind", str(beside), "/hand-in"] if beside else []
    command += ["--remount-ro", "/", "--chdir", "/box", "--hostname", "sandbox"]
    command += ["--clearenv", *(part for item in _environment("/box").items() for part in ("--setenv", *item))]
    return [*command, "--seccomp", str(seccomp), "--info-fd", str(info), "--"]


def _environment(home: str) -> dict[str, str]:
    """Return the variables that a submission finds, and no others."""
    return {
        "HOME": home,
        "TMPDIR": "/tmp",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": str(os.cpu_count() or 2),
        "PYTHONPATH": str(Path(tlbook.__file__).parents[1]),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "KERAS_HOME": f"{home}/.keras",
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND") or "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TLBOOK_CACHE": f"{home}/.cache",
        "TLBOOK_PROFILE": "quick",
        "TLBOOK_SEED": "0",
    }


def protected() -> bool:
    """Return whether this machine can run a submission protected; a real one is tried."""
    if platform.machine() not in CALLS or not shutil.which("bwrap"):
        return False
    with tempfile.TemporaryDirectory() as empty:
        try:
            with Sandbox(Path(empty), Limits(seconds=60)) as box:
                return box.run("1 + 1")[0]["data"]["text/plain"] == "2"
        except (OSError, Stopped, LookupError):
            return False


class Box:
    """A process of this package in a sandbox, and two pipes: a line of JSON to it, a line of JSON back.

    Parameters
    ----------
    module : str
        What runs in it; its arguments are the folder beside it and the numbers of its ends of the pipes.
    beside : Path, optional
        Folder that it may read.
    limits : Limits
        How much it may use up.
    hidden : tuple of Path
        Files of this package that it cannot read.
    unprotected : bool
        Run it as any program of this user, with limits of time and memory alone.

    `send` and `receive` raise `Stopped` when the process has ended, or is ended because a limit was reached. Neither
    waits longer than that for a process that neither reads nor writes.
    """

    def __init__(self, module: str, beside=None, limits: Limits | None = None, hidden=(), *, unprotected: bool = False):
        self.module, self.beside, self.limits, self.hidden = module, beside, limits or Limits(), tuple(hidden)
        self.unprotected, self.deadline = unprotected, time.monotonic() + self.limits.seconds
        self._home, self._init = None, 0

    def __enter__(self):
        """Start the process."""
        to_it, self._commands = os.pipe()
        self._replies, from_it = os.pipe()
        os.set_blocking(self._commands, False)
        self._rest, kept, told = b"", [to_it, from_it], None
        if self.unprotected:
            self._home = tempfile.mkdtemp(prefix="tlbook-unprotected-")
            command, where, environment = [], str(self.beside), _environment(self._home)
        else:
            program, end = os.pipe()
            os.write(end, _filter())
            os.close(end)
            told, info = os.pipe()
            kept += [program, info]
            command, where = _command(self.beside, self.limits, self.hidden, program, info), "/hand-in"
            # Its own process shows these in the sandbox: they are none of the teacher's.
            environment = {"PATH": os.environ.get("PATH", os.defpath)}
        command += [sys.executable, "-m", self.module, where, str(to_it), str(from_it)]
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        options |= {"env": environment, "cwd": self._home, "pass_fds": kept, "preexec_fn": self._limit}
        try:
            self._process = subprocess.Popen(command, **options)
        finally:
            for end in kept:
                os.close(end)
        if told is not None:
            self._init = _first_process(told)
        return self

    def _limit(self) -> None:
        """Set the limits that the system itself keeps, in the new process."""
        import resource

        size, seconds = int(self.limits.gigabytes * 1e9), int(self.limits.seconds * (os.cpu_count() or 1)) + 5
        written = self.limits.written_megabytes * 1_000_000
        limits = {"AS": size, "CPU": seconds, "FSIZE": written, "CORE": 0, "NOFILE": 256, "NPROC": 2_000}
        for what, most in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))

    def __exit__(self, *_):
        """End it."""
        self.stop()
        os.close(self._commands)
        os.close(self._replies)
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def stop(self) -> None:
        """End the process and all that it began: with the first process of a sandbox the system ends every other."""
        if self._init and self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.kill(self._init, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def send(self, command: dict, seconds: float) -> None:
        """Send a line; `Stopped` if it is not taken within some seconds."""
        rest, until = memoryview(json.dumps(command).encode() + b"\n"), self._until(seconds)
        while rest:
            _, ready, _ = select.select([], [self._commands], [], max(0, until - time.monotonic()))
            if not ready:
                self._give_up()
            try:
                rest = rest[os.write(self._commands, rest) :]
            except OSError as error:
                raise Stopped(self._why()) from error

    def receive(self, seconds: float) -> dict:
        """Return what a line says; `Stopped` if none comes within some seconds, or it is no JSON object."""
        try:
            reply = json.loads(self._line(self._until(seconds)))
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            self.stop()
            raise Stopped("its process said something else than it was asked")
        return reply

    def _until(self, seconds: float) -> float:
        return min(self.deadline, time.monotonic() + seconds)

    def _line(self, until: float) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while b"\n" not in parts[-1]:
            ready, _, _ = select.select([self._replies], [], [], max(0, until - time.monotonic()))
            if length > LONGEST:
                self.stop()
                raise Stopped("it said too much")
            if not ready:
                self._give_up()
            part = os.read(self._replies, 2**20)
            if not part:
                raise Stopped(self._why())
            parts.append(part)
            length += len(part)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def _give_up(self) -> None:
        self.stop()
        limits = self.limits
        raise Stopped(f"it took longer than {limits.cell_seconds:.0f} s, or {limits.seconds:.0f} s in all")

    def _why(self) -> str:
        try:
            status = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:  # it only closed its ends of the pipes
            self.stop()
            return "its process no longer listened"
        return f"its process ended (status {status}), of itself or for want of memory"


def _first_process(told: int) -> int:
    """Return the number of a sandbox's first process, which bubblewrap tells on a pipe; 0 if it told none."""
    try:
        with os.fdopen(told, encoding="utf-8") as pipe:
            return int(json.load(pipe)["child-pid"])
    except (ValueError, KeyError, TypeError):
        return 0


class Sandbox(Box):
    """A submission's process, from outside: cells to run, and questions about what they defined."""

    def __init__(self, hand_in: Path, limits: Limits | None = None, hidden=(), *, unprotected: bool = False):
        super().__init__("tlbook.course.worker", hand_in, limits, hidden, unprotected=unprotected)

    def run(self, source: str) -> list[dict]:
        """Run a cell; return its outputs, as notebooks keep them."""
        return plain_outputs(self.ask({"do": "run", "source": source}).get("outputs"))

    def ask(self, question: dict) -> dict:
        """Send a question, or a cell, and return the reply."""
        self.send(question, self.limits.cell_seconds)
        return self.receive(self.limits.cell_seconds)


def plain_outputs(outputs) -> list[dict]:
    """Return outputs of a cell as a notebook may keep them; whatever else was said is dropped."""
    outputs = json.loads(json.dumps(outputs, ensure_ascii=False).encode("utf-8", "replace")) if outputs else []
    kept = []
    for output in outputs if isinstance(outputs, list) else []:
        match output:
            case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
                kept.append({"output_type": "stream", "name": name, "text": text[:200_000]})
            case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
                data = {key: str(value) for key, value in data.items() if key in ("text/plain", "image/png")}
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append({"output_type": kind, "data": data, "metadata": {}, **more})
            case {"output_type": "error", "ename": str(name), "evalue": str(said), "traceback": list(lines)}:
                lines = [str(line)[:5_000] for line in lines[:20]]
                kept.append({"output_type": "error", "ename": name[:200], "evalue": said[:2_000], "traceback": lines})
    return kept[:200]


def require_protection(unprotected: bool) -> None:
    """Raise `TlbookError` unless submissions run protected, or somebody said that they need not."""
    if unprotected:
        tell("UNPROTECTED: submissions run as programs of yours. They can read your files, and change them")
        return
    there = shutil.which("bwrap") is not None and platform.machine() in CALLS
    found = "one that does not work here" if there else "none"
    do = f"{ALLOW_IT if there else INSTALL}, or, for code that you trust as your own,  --unprotected"
    require(protected(), "grading", "bubblewrap, which keeps submissions apart", found, do)
