"""Notices to a program: JSON on standard input, no shell, killed when it takes too long."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.notifier import Notice
from crosskey.errors import RetryableError
from crosskey_notify.settings import CommandSettings

__all__ = ("CommandNotifier",)

# The environment of a watcher holds the vendors' credentials: the program gets none of it but these.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


class CommandNotifier:
    """Runs a program once for each notice."""

    def __init__(self, settings: CommandSettings, context: Context) -> None:
        self._settings = settings
        self._where = context.instance

    async def send(self, notice: Notice) -> None:
        """Run it. Raises when it cannot be started, takes too long, or ends with another code than 0."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._settings.command,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env={name: os.environ[name] for name in _PASSED if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise self._failure(f"could not be started ({error.strerror})") from None
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                await process.communicate(msgspec.json.encode(notice))
        except TimeoutError:
            raise self._failure("took too long and was killed") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise self._failure(f"ended with exit code {process.returncode}")

    def _failure(self, what: str) -> RetryableError:
        return RetryableError(
            f"the program {what}", code="notify-command", where=self._where, fix="try it by hand with a notice as JSON"
        )
