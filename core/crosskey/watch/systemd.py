"""What systemd wants to hear (sd_notify(3)): ready, reloading, stopping, alive. Elsewhere nobody listens."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

__all__ = ("Systemd",)

_log = logging.getLogger("crosskey.watch")


class Systemd:
    """Sends to ``NOTIFY_SOCKET``. ``watchdog`` is the seconds between two signs of life that it wants, 0: none."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._address = found.get("NOTIFY_SOCKET", "")
        micros, pid = found.get("WATCHDOG_USEC", ""), found.get("WATCHDOG_PID", "")
        meant = not pid or pid == str(os.getpid())
        # half of the limit, as sd_watchdog_enabled(3) recommends
        self.watchdog = int(micros) / 2_000_000 if micros.isdecimal() and meant and self._address else 0.0
        self._status = ""

    def ready(self) -> None:
        """Started, or done with reloading."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The configuration is read again; systemd wants to know since when (Type=notify-reload)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Draining."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The loop went round once more. Only the loop calls this: no thread, no timer."""
        if self.watchdog:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        line = " ".join(text.split())
        if line != self._status:
            self._status = line
            self._send(f"STATUS={line}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # a leading @ means an abstract socket of Linux
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
                door.settimeout(1.0)
                door.sendto(message.encode(), address)
        except OSError as error:
            _log.debug("systemd was not told: %s", error.strerror)
