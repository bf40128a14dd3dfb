"""What a round that went wrong means for the next ones."""

from __future__ import annotations

import re

import msgspec

from crosskey.engine.run import RunResult
from crosskey.errors import AuthError, ConfigError, CrosskeyError, ExitCode, PluginError, RejectedError, RetryableError

__all__ = ("Failure", "failure_in", "failure_of", "stalled")

_ADDRESS = re.compile(r"\S+@\S+")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a round did not do its work. ``at_once``: trying again soon is pointless or does harm.

    ``text`` and ``fix`` go into notices: they hold nobody's data.
    """

    code: str
    text: str
    place: str = ""
    fix: str = ""
    exit_code: ExitCode = ExitCode.INTERNAL
    at_once: bool = False
    wait: float = 0.0


def failure_of(error: BaseException) -> Failure:
    """What an exception means, whatever it is."""
    if not isinstance(error, CrosskeyError):
        return Failure(
            code="internal",
            text=f"crosskey met something it did not expect ({type(error).__name__})",
            fix="run `crosskey sync` with CROSSKEY_DEBUG=1 and report what it prints",
        )
    return Failure(
        code=error.code,
        place=error.where,
        text=_sentence(error),
        fix=_masked(error.fix),
        exit_code=error.exit_code,
        at_once=isinstance(error, AuthError | ConfigError),
        wait=error.wait if isinstance(error, RetryableError) else 0.0,
    )


def failure_in(result: RunResult) -> Failure | None:
    """Whether a run that came to an end went wrong: an error stopped it, or the target refuses nearly everything."""
    applied = result.applied
    if applied.stopped is not None:
        return failure_of(applied.stopped)
    failing = next((held for held in applied.held if held.rail == "failing"), None)
    if failing is None:
        return None
    return Failure(
        code=failing.rail,
        text=failing.summary,
        fix=f"see why with `crosskey history {result.run}`",
        exit_code=ExitCode.QUARANTINED,
        at_once=True,
    )


def stalled(minutes: float) -> Failure:
    """A round that showed no sign of life and was ended."""
    return Failure(
        code="stalled",
        text=f"a round showed no sign of life for {minutes:.0f} minutes and was ended",
        fix="see what it waited for with `crosskey sync --log info`",
        exit_code=ExitCode.RETRYABLE,
    )


def _sentence(error: CrosskeyError) -> str:
    """The error's own sentence, but for classes whose words may come from anywhere or be about one person."""
    if isinstance(error, PluginError):
        return "a plugin failed, or a vendor broke its own rules"
    if isinstance(error, RejectedError):
        return "a request was refused"
    return _masked(error.message)


def _masked(text: str) -> str:
    from crosskey.http.redaction import scrub_text  # noqa: PLC0415 - only when something went wrong

    return _ADDRESS.sub("(address)", scrub_text(text))
