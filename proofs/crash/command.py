"""The real command, in a process forked after its imports; where asked, under strace, which kills it or fails a call.

Forking saves half a second of imports for each point and changes nothing else: the entry point is the one of the
installed command, and every system call of the journal is its own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from crosskey.cli.main import main
from crosskey.clock import SystemClock

__all__ = ("CALLS", "FOLDER", "Call", "Ended", "Fault", "Injection", "Running", "start_command", "strace")

Fault = Literal["kill", "ENOSPC", "EIO", "full"]
"""Killed before the call; the call fails once; ``full``: it and every later one of its kind fail."""

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "rename")
"""Every system call by which the journal's folder changes or is made durable (of Python's and SQLite's on Linux)."""

FOLDER = ".crosskey"
"""Where the configuration's default puts the journal."""

_LINE = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\((.*)$")
_PATH = re.compile(r"<([^>]+)>|\"([^\"]+)\"")
_ATTACH = 20.0
_LONGEST = 120.0


class Injection(msgspec.Struct, frozen=True):
    """The n-th call of a name, counted over the watched paths, and what happens to it."""

    call: str
    n: int
    fault: Fault

    def words(self) -> str:
        """As strace wants it."""
        effect = "signal=KILL" if self.fault == "kill" else f"error={'ENOSPC' if self.fault == 'full' else self.fault}"
        return f"{self.call}:{effect}:when={self.n}{'+' if self.fault == 'full' else ''}"


class Call(msgspec.Struct, frozen=True):
    """One watched call: its name, the file, when, and whether strace failed it."""

    name: str
    file: str
    at: float
    injected: bool

    @property
    def is_told(self) -> bool:
        """Whether the command learns that the call failed.

        SQLite tells nobody when the folder could not be synced (``unixSync`` in its ``os_unix.c``), so nobody can stop
        for it; crosskey syncs the folder itself once its files are there, and hears of that.
        """
        return self.injected and not (self.name == "fdatasync" and self.file == FOLDER)


class Ended(msgspec.Struct, frozen=True):
    """What a command came to; ``code`` is negative for a signal."""

    code: int
    out: str
    err: str
    calls: list[Call]

    @property
    def injected_at(self) -> float | None:
        """When the first call failed of which the command learns."""
        return next((call.at for call in self.calls if call.is_told), None)

    @property
    def disturbed(self) -> bool:
        """Whether anything was injected."""
        return self.code == -signal.SIGKILL or any(call.injected for call in self.calls)


def strace() -> str | None:
    """Where strace is, if it is installed and may trace here."""
    path = shutil.which("strace")
    if path is None:
        return None
    tried = subprocess.run([path, "-qqq", "-o", os.devnull, "true"], check=False, capture_output=True)
    return path if tried.returncode == 0 else None


class Running:
    """A command that runs in a process of its own."""

    def __init__(self, pid: int, files: tuple[Path, Path, Path], tracer: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self._out, self._err, self._log = files
        self._tracer = tracer

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def ended(self) -> Ended:
        """Wait for its end. One that hangs is killed, and that is what its code says."""
        end = time.monotonic() + _LONGEST
        while (done := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
            time.sleep(0.0005)
        code = os.waitstatus_to_exitcode(done[1])
        if self._tracer is not None:
            self._tracer.wait(_LONGEST)
        calls = _read(self._log) if self._log.exists() else []
        return Ended(code, self._out.read_text("utf-8"), self._err.read_text("utf-8"), calls)


def start_command(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    name: str = "",
    watched: Path | None = None,
    injection: Injection | None = None,
    wal: bool = False,
    ahead: timedelta = timedelta(0),
) -> Running:
    """Start ``crosskey WORDS`` in ``folder``. With ``watched`` (a folder) its calls there are noted, one is injected.

    ``name`` tells commands apart that run at once; ``ahead`` is by how much its machine's clock is.
    """
    out, err, log = (folder.with_name(f"{folder.name}{name}.{kind}") for kind in ("out", "err", "calls"))
    log.unlink(missing_ok=True)
    ready, go = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(go)
        _be_the_command(words, folder, environment, out, err, ready, wal=wal, ahead=ahead)
    os.close(ready)
    try:
        tracer = None if watched is None else _attached(pid, watched, log, injection)
    finally:
        os.close(go)
    return Running(pid, (out, err, log), tracer)


def _be_the_command(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: Path,
    err: Path,
    ready: int,
    *,
    wal: bool,
    ahead: timedelta,
) -> NoReturn:
    code = 70
    try:
        os.chdir(folder)
        os.environ.update(environment)
        for number, path, flags in (
            (0, Path(os.devnull), os.O_RDONLY),
            (1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(path, flags, 0o600), number)
        # Whatever this process had made of its streams (a test runner captures them), the command has its own.
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115 - until the end
        sys.argv = ["crosskey", *words]
        if wal:
            # What a machine with a fixed SQLite would say; the linked library is the same, and so are its calls.
            sqlite3.sqlite_version_info = (3, 51, 3)
        if ahead:
            SystemClock.now = lambda self: datetime.now(UTC) + ahead  # noqa: ARG005 - what that machine would say
        os.read(ready, 1)  # ends when the tracer has attached
        main()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
    except BaseException:  # noqa: BLE001 - the parent reads it; what follows must not be the parent's own end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _attached(pid: int, watched: Path, log: Path, injection: Injection | None) -> subprocess.Popen[bytes]:
    path = strace()
    if path is None:
        raise RuntimeError("strace is not installed, or may not trace here")
    files = [word for file in _files(watched) for word in ("-P", str(file))]
    inject = [] if injection is None else ["-e", f"inject={injection.words()}"]
    words = [path, "-f", "-qqq", "-ttt", "-y", "-o", str(log), "-e", "signal=none", "-e", f"trace={','.join(CALLS)}"]
    process = subprocess.Popen([*words, *inject, *files, "-p", str(pid)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + _ATTACH
    while f"TracerPid:\t{process.pid}\n" not in Path(f"/proc/{pid}/status").read_text("ascii"):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("strace did not attach")
        time.sleep(0.001)
    return process


def _files(folder: Path) -> list[Path]:
    """Everything that may appear in the folder of the journal; strace must know the names beforehand."""
    names = [f"journal.sqlite{suffix}" for suffix in ("", "-journal", "-wal", "-shm", ".lock", ".head", ".head.new")]
    names += ["journal.sqlite.new", "journal.sqlite.new-journal"]
    names += [f"{stage}.sqlite{suffix}" for stage in ("snapshot", "reading") for suffix in ("", "-journal")]
    now = datetime.now(UTC)
    for seconds in range(-1, 8):  # copies made before an upgrade are named by version and time
        stamp = f"{now + timedelta(seconds=seconds):%Y%m%dT%H%M%S}"
        names += [f"journal.sqlite.v{_version(folder)}-{stamp}.bak{end}" for end in ("", ".partial")]
    return [folder, *(folder / name for name in names)]


def _version(folder: Path) -> int:
    """The schema's version, from the file's header (https://sqlite.org/fileformat2.html#user_version_number)."""
    try:
        head = (folder / "journal.sqlite").read_bytes()[60:64]
    except FileNotFoundError:
        return 0
    return int.from_bytes(head, "big")


def _read(log: Path) -> list[Call]:
    calls: list[Call] = []
    for line in log.read_text("utf-8", errors="replace").splitlines():
        found = _LINE.match(line)
        if found is not None:
            path = _PATH.search(found[3])
            file = Path((path[1] or path[2]) if path else "?").name
            calls.append(Call(name=found[2], file=file, at=float(found[1]), injected="(INJECTED)" in line))
    return calls
