"""A deadline around a plugin's own code, so that one that hangs cannot stop the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ("SlowError", "within")

T = TypeVar("T")
_SECONDS: Final = 20.0
"""Imports from a cold disk take seconds; nobody waits longer for ``crosskey --help``."""


class SlowError(Exception):
    """The plugin did not come to an end in time. It may still be at work in its thread, which ends with the process."""


def within(work: Callable[[], T]) -> T:
    """What ``work`` returns or raises. Raises :class:`SlowError` after a while (``CROSSKEY_PLUGIN_SECONDS``)."""
    seconds = float(os.environ.get("CROSSKEY_PLUGIN_SECONDS") or _SECONDS)
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="crosskey-plugin", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise SlowError(f"it did not come to an end within {seconds:g} s")
    return results[0]
