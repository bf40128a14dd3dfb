"""The page on which operators see who tries to sign in, as it happens, and why somebody did not come in."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from crosskey.connector.reasons import REASONS
from crosskey.journal import AttemptRecord
from crosskey.web.doors.answering import Asked
from crosskey.web.doors.operating import stopped
from crosskey.web.doors.pages import Action, Page, Row, Rows

__all__ = ("attempts",)

_SHOWN: Final = 50
_SECONDS: Final = 10
"""How soon it loads itself again. That keeps nobody inside for long: it wants a fresh sign-in after half an hour."""


async def attempts(asked: Asked) -> Response:
    """The last attempts at either door. What only the journal may say is not among it."""
    if (answer := stopped(asked, "/attempts")) is not None:
        return answer
    found, words = asked.door.book.attempts(limit=_SHOWN), asked.words
    table = Rows(words.attempts_heads, [_row(asked, each) for each in found]) if found else None
    return asked.page(
        Page(
            title=words.attempts_title,
            text=(words.attempts if found else words.attempts_none,),
            table=table,
            actions=(Action(label=words.sessions_title, href=asked.at("/sessions"), primary=False),),
            onward=asked.at("/attempts"),
            after=_SECONDS,
        )
    )


def _row(asked: Asked, attempt: AttemptRecord) -> Row:
    reason = REASONS.get(attempt.code)
    what = attempt.code if attempt.times == 1 else f"{attempt.code} ({attempt.times})"
    return Row(
        (
            f"{attempt.at:%Y-%m-%d %H:%M:%S}",
            asked.words.doors[attempt.door],
            what if attempt.purpose == "login" else f"{what}, {attempt.purpose}",
            reason.fix if reason is not None else "",
            attempt.reference,
            f"{attempt.kind} {attempt.key}" if attempt.key else "",
            "; ".join(f"{name}: {value}" for name, value in attempt.claims.items()),
        )
    )
