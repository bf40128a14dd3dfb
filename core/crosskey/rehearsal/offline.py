"""Nothing leaves this process: no connection, no look-up of a name, no other program, whoever tries.

The guard is for plugins that go around the client they are lent. It sees everything that uses Python's own sockets and
processes; a library that brings sockets of its own in C is not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from crosskey.errors import ContractError

__all__ = ("offline",)

_FORBIDDEN: Final = {
    "socket.connect": "opened a connection",
    "socket.bind": "listened for connections",
    "socket.sendto": "sent a datagram",
    "socket.sendmsg": "sent a datagram",
    "socket.getaddrinfo": "looked a host name up",
    "socket.gethostbyname": "looked a host name up",
    "socket.gethostbyaddr": "looked a host name up",
    "subprocess.Popen": "started a program",
    "os.system": "started a program",
    "os.exec": "started a program",
    "os.posix_spawn": "started a program",
}
"""Events of the interpreter itself (https://docs.python.org/3/library/audit_events.html)."""


class _Guard:
    """The hook of this process. It can never be removed, so it only looks while somebody asked for it."""

    def __init__(self) -> None:
        self.wanted = 0
        self._installed = False

    def install(self) -> None:
        if not self._installed:
            sys.addaudithook(self._look)
            self._installed = True

    def _look(self, event: str, _arguments: tuple[object, ...]) -> None:
        if self.wanted and (what := _FORBIDDEN.get(event)):
            raise ContractError(
                f"something {what} ({event}), and a plan is tested with nothing live",
                code="not-offline",
                fix="plugins reach vendors through context.http only, which cassettes answer",
            )


_guard = _Guard()


@contextmanager
def offline() -> Generator[None]:
    """Whatever reaches out of the process inside the ``with``, in any thread, raises :class:`ContractError` instead."""
    _guard.install()
    _guard.wanted += 1
    try:
        yield
    finally:
        _guard.wanted -= 1
