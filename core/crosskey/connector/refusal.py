"""The refusal to sign somebody in."""

from __future__ import annotations

from crosskey.connector.reasons import REASONS
from crosskey.errors import CrosskeyError, ExitCode
from crosskey.model import Subject

__all__ = ("SsoRefused",)


class SsoRefused(CrosskeyError):  # noqa: N818 - a refusal is a verdict, not a mishap
    """Nobody is signed in, for a reason that has a code in :data:`crosskey.connector.reasons.REASONS`.

    ``message`` is the real reason, for the journal only: it may say what was expected and what was seen, never a token
    or a secret. What a browser may be told is the code, the page that belongs to it, and the ``reference`` by which an
    administrator finds the attempt. The core adds that, and of somebody whom the provider vouched for ``person`` and
    where they wanted to go.
    """

    exit_code = ExitCode.REJECTED
    default_code = "provider-error"

    def __init__(self, code: str, detail: str = "", *, where: str = "") -> None:
        reason = REASONS[code]
        super().__init__(detail or reason.text, code=code, where=where, fix=reason.fix)
        self.reason = reason
        self.reference = ""
        self.person: Subject | None = None
        self.return_to = ""
