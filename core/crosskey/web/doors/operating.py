"""The page on which operators see who is inside and end sessions. They are agents who signed in afresh."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.responses import Response

from crosskey.connector.refusal import SsoRefused
from crosskey.journal import SessionRecord, Whom
from crosskey.web.doors.answering import Asked
from crosskey.web.doors.pages import Action, Page, Row, Rows, redirect

__all__ = ("end_session", "sessions", "stopped")

_FRESH = timedelta(minutes=30)
_AFRESH = frozenset({"session-stale", "session-assurance"})
_SHOWN = 200


async def sessions(asked: Asked) -> Response:
    """Everybody who is inside, by either door."""
    if (answer := stopped(asked, "/sessions")) is not None:
        return answer
    token = asked.token(asked.session_ticket)
    found = asked.door.book.sessions(limit=_SHOWN)
    words = asked.words
    table = Rows(words.sessions_heads, [_row(asked, each, token) for each in found]) if found else None
    text = words.sessions if found else words.sessions_none
    beside = Action(label=words.attempts_title, href=asked.at("/attempts"), primary=False)
    return asked.page(Page(title=words.sessions_title, text=(text,), table=table, actions=(beside,)))


async def end_session(asked: Asked) -> Response:
    """End the session of a number."""
    if (answer := stopped(asked, "/sessions")) is not None:
        return answer
    fields = await asked.form()
    number = (fields or {}).get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        words = asked.words
        return asked.page(Page(title=words.form_title, text=(words.form,), status=403))
    asked.door.book.end_sessions(Whom(number=int(number)), "operator")
    return redirect(asked.at("/sessions"), asked.door.public_url)


def stopped(asked: Asked, place: str) -> Response | None:
    """What is answered to anybody but an operator who signed in lately; they come back to the place."""
    try:
        session = asked.door.keeper.check(asked.session_ticket)
        if session.key not in asked.hall.config.serve.operators:
            words = asked.words
            return asked.page(Page(title=words.nowhere_title, text=(words.nowhere,), status=404))
        asked.door.keeper.check(asked.session_ticket, fresh=_FRESH)
    except SsoRefused as refused:
        where = "/sign-in/again" if refused.code in _AFRESH else "/sign-in"
        to = quote(asked.at(place), safe="")
        return redirect(f"{asked.at(where)}?to={to}", asked.door.public_url)
    return None


def _row(asked: Asked, session: SessionRecord, token: str) -> Row:
    cells = (
        str(session.number),
        asked.words.doors[session.door],
        f"{session.kind} {session.key}",
        f"{session.begun_at:%Y-%m-%d %H:%M}",
        f"{session.seen_at:%Y-%m-%d %H:%M}",
        asked.words.proven[session.mfa.verdict],
    )
    fields = {"token": token, "number": str(session.number)}
    action = Action(
        label=asked.words.end_button,
        href=asked.at("/sessions"),
        fields=fields,
        primary=False,
        about=str(session.number),
    )
    return Row(cells, action)
