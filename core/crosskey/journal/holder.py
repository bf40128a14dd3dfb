"""Who holds the journal: host, boot, process and start time, so that a dead holder is told from a live one."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from pathlib import Path

import msgspec

__all__ = ("Holder", "is_alive", "this_process")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """One process on one machine, since when it holds the journal, and for which connection.

    ``boot`` (Linux) and ``started`` (where ``/proc`` tells) are ``""`` when not known. Process ids are used again, so a
    process is only the same one when its start time is the same too.
    """

    host: str
    boot: str
    pid: int
    started: str
    connection: str
    since: datetime

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine that is alive."""
        here = this_process(self.connection, self.since)
        return (here.host, here.boot) == (self.host, self.boot) and is_alive(self)

    def __str__(self) -> str:
        """For a message: what, where, since when."""
        return f"process {self.pid} on {self.host} ({self.connection}), since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def this_process(connection: str, now: datetime) -> Holder:
    """This process as a holder."""
    pid = os.getpid()
    return Holder(
        host=socket.gethostname(), boot=_boot_id(), pid=pid, started=_start(pid), connection=connection, since=now
    )


def is_alive(holder: Holder) -> bool:
    """Whether a process of this machine is still the one that held; ``False`` where the system does not tell."""
    return bool(holder.started) and _start(holder.pid) == holder.started


def _boot_id() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id")).strip()


def _start(pid: int) -> str:
    """Clock ticks between boot and the start of a process, ``""`` when there is no such process (proc_pid_stat(5))."""
    # The second field is the command in brackets and may itself hold blanks and brackets; `starttime` is field 22.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    zombie = bool(fields) and fields[0] == "Z"
    return fields[19] if len(fields) > 19 and not zombie else ""


def _read(path: Path) -> str:
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
