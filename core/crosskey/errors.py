"""Everything crosskey can say went wrong, classed by what to do next.

    CrosskeyError
    ├── ConfigError      the operator must change the configuration      exit 2
    ├── AuthError        stop this instance: credential, scope or role   exit 3
    ├── RetryableError   try again later; ``wait`` says when             exit 4
    │   ├── UncertainError   a write left us and no clear answer came back
    │   └── CursorExpiredError   changes cannot be told from there: read everything
    ├── RejectedError    this change only was refused                    exit 5
    ├── RailError        a person must look and decide                   exit 6
    ├── PluginError      a plugin failed                                 exit 7
    │   └── ContractError    a plugin or vendor broke its contract
    ├── StorageError     the journal or the disk                         exit 8
    ├── LockedError      another run holds the journal                   exit 9
    └── StaleError       a saved plan no longer fits                     exit 10

Each error carries a stable ``code``, one sentence, the place (``where``) and the
``fix`` as a command or key to write. None may ever hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import ClassVar, Final, Literal

import msgspec

__all__ = (
    "UNREADABLE",
    "AuthError",
    "ConfigError",
    "ContractError",
    "CrosskeyError",
    "CursorExpiredError",
    "Diagnostic",
    "ExitCode",
    "LockedError",
    "PluginError",
    "RailError",
    "RejectedError",
    "RetryableError",
    "Severity",
    "StaleError",
    "StorageError",
    "UncertainError",
    "close_matches",
)

Severity = Literal["ok", "info", "warning", "error"]


UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what was expected: of another shape, no UTF-8, or nested too deeply."""


class ExitCode(IntEnum):
    """What the process returns; the README's table is compared with this class."""

    OK = 0
    INTERNAL = 1
    CONFIG = 2
    AUTH = 3
    RETRYABLE = 4
    REJECTED = 5
    HELD = 6
    PLUGIN = 7
    STORAGE = 8
    LOCKED = 9
    STALE = 10
    QUARANTINED = 11
    OVERDUE = 12
    ALTERED = 13
    INTERRUPTED = 130


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: what was seen, where, and the fix. ``ok`` says that something works.

    ``exit_code`` is the class of the error that a finding stands for; ``OK``: it stands for none.
    """

    severity: Severity
    code: str
    summary: str
    detail: str = ""
    path: str = ""
    fix: str = ""
    exit_code: ExitCode = ExitCode.OK

    def __str__(self) -> str:
        """The finding as one paragraph: place, sentence, detail, fix."""
        place = f"{self.path}: " if self.path else ""
        tail = f" {self.detail}" if self.detail else ""
        fix = f"\n  fix: {self.fix}" if self.fix else ""
        return f"{place}{self.summary}{tail}{fix}"


class CrosskeyError(Exception):
    """Base of all errors a user can cause or must act on."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    default_code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, code: str = "", where: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        """What happened, where, and the fix."""
        return str(self.diagnostic())

    def diagnostic(self) -> Diagnostic:
        """The same error as data, for ``--json`` and for lists of findings."""
        return Diagnostic(
            severity="error",
            code=self.code,
            summary=self.message,
            path=self.where,
            fix=self.fix,
            exit_code=self.exit_code,
        )


class ConfigError(CrosskeyError):
    """The configuration is wrong; holds every problem found, not only the first."""

    exit_code = ExitCode.CONFIG
    default_code = "config"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        where: str = "",
        fix: str = "",
        problems: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message, code=code, where=where, fix=fix)
        self.problems: tuple[Diagnostic, ...] = tuple(problems)

    def __str__(self) -> str:
        """Every problem on its own lines."""
        head = super().__str__()
        return "\n".join([head, *(f"- {problem}" for problem in self.problems)])


class AuthError(CrosskeyError):
    """The credential, scope or role does not allow what was asked: stop this instance."""

    exit_code = ExitCode.AUTH
    default_code = "auth"


class RetryableError(CrosskeyError):
    """The other side could not answer now; ``wait`` is the pause in seconds, if it said one."""

    exit_code = ExitCode.RETRYABLE
    default_code = "retryable"

    def __init__(self, message: str, *, code: str = "", where: str = "", fix: str = "", wait: float = 0.0) -> None:
        super().__init__(message, code=code, where=where, fix=fix)
        self.wait = wait


class UncertainError(RetryableError):
    """A write may or may not have happened: look before writing again, never repeat blindly."""

    default_code = "uncertain"


class CursorExpiredError(RetryableError):
    """The vendor no longer knows the place from which changes were asked: everything must be read again."""

    default_code = "cursor-expired"


class RejectedError(CrosskeyError):
    """The other side refused this one request (``status``); others may go on."""

    exit_code = ExitCode.REJECTED
    default_code = "rejected"

    def __init__(self, message: str, *, code: str = "", where: str = "", fix: str = "", status: int = 0) -> None:
        super().__init__(message, code=code, where=where, fix=fix)
        self.status = status


class RailError(CrosskeyError):
    """A safety rail holds the plan until a person decides."""

    exit_code = ExitCode.HELD
    default_code = "held"


class PluginError(CrosskeyError):
    """A plugin could not be loaded or raised something unexpected; names plugin and distribution."""

    exit_code = ExitCode.PLUGIN
    default_code = "plugin"


class ContractError(PluginError):
    """A plugin or its vendor broke the contract (repeated cursor, HTML for JSON, …), with evidence."""

    default_code = "contract"


class StorageError(CrosskeyError):
    """The journal or the disk failed; nothing was written to the target after it."""

    exit_code = ExitCode.STORAGE
    default_code = "storage"


class LockedError(CrosskeyError):
    """Another run is at work on this journal."""

    exit_code = ExitCode.LOCKED
    default_code = "locked"


class StaleError(CrosskeyError):
    """A saved plan was made for another configuration, journal state or time."""

    exit_code = ExitCode.STALE
    default_code = "stale"


def close_matches(word: str, known: Iterable[str], *, limit: int = 3) -> str:
    """A sentence naming the closest known words, or the known words when none is close, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when something is wrong

    names = sorted(set(known))
    lowered = {name.casefold(): name for name in names}
    close = [lowered[hit] for hit in get_close_matches(word.casefold(), lowered, n=limit, cutoff=0.6)]
    if close:
        return "Did you mean " + " or ".join(f'"{name}"' for name in close) + "?"
    if not names:
        return ""
    shown = ", ".join(f'"{name}"' for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"Known: {shown}{more}."
