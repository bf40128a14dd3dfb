"""The file's bytes, read at rest: what somebody is still writing is never taken for the whole."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from crosskey import Clock, RetryableError

__all__ = ("HrFile", "Print")


class Print(NamedTuple):
    """By what it is seen that the file is another one than before."""

    inode: int
    size: int
    changed: int


class HrFile:
    """One file that another program replaces or rewrites whenever it likes."""

    def __init__(self, path: Path, *, settle: timedelta, clock: Clock, instance: str) -> None:
        self._path = path
        self._settle = settle.total_seconds()
        self._clock = clock
        self._instance = instance

    @property
    def name(self) -> str:
        """How to name the file to a reader."""
        return self._path.name

    async def at_rest(self) -> Print:
        """Wait until nobody wrote for a while. Raises :class:`RetryableError` when somebody goes on writing."""
        seen = self._print()
        age = self._clock.now().timestamp() - seen.changed / 1e9
        if 0 <= age < self._settle:
            await self._clock.sleep(self._settle - age)
            if self._print() != seen:
                raise self._restless("is still being written")
        return seen

    def read(self, seen: Print) -> bytes:
        """Everything in it. Raises :class:`RetryableError` unless it is the file of ``seen`` to the last byte."""
        try:
            with self._path.open("rb") as file:
                data = file.read()
                after = _print_of(os.fstat(file.fileno()))
        except OSError as error:
            raise self._unreadable(error) from error
        if after != seen or len(data) != seen.size or self._print() != seen:
            raise self._restless("changed while it was read")
        return data

    def _print(self) -> Print:
        try:
            return _print_of(self._path.stat())
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> RetryableError:
        return RetryableError(
            f"{self._path} cannot be read: {error.strerror}",
            code="csv-unreadable",
            where=f"{self._instance}.path",
            fix="put the file there, let crosskey's user read it, or correct `path`",
        )

    def _restless(self, what: str) -> RetryableError:
        return RetryableError(
            f"{self.name} {what}",
            code="csv-restless",
            where=self._instance,
            fix="run again later; let the HR system write another file and rename it when it is whole",
            wait=self._settle,
        )


def _print_of(stat: os.stat_result) -> Print:
    return Print(stat.st_ino, stat.st_size, stat.st_mtime_ns)
