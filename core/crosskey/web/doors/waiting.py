"""The page before which somebody waits while they are looked at: it tries again by itself, and ends in a reason."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from crosskey.connector.refusal import SsoRefused
from crosskey.model import Subject
from crosskey.sso.linking import require_account
from crosskey.sso.tickets import is_ticket, ticket
from crosskey.web.doors import cookies
from crosskey.web.doors.answering import Asked
from crosskey.web.doors.pages import Page, redirect

__all__ = ("Waiting",)

_SECONDS: Final = 5
_TIMES: Final = 24
"""So many times a page asks again, so many seconds apart: a look at one person takes a few of them."""
_MOST: Final = 1_000


class _Waits(msgspec.Struct):
    """Somebody before the door: who the provider said they are, where they wanted to go, how often they asked."""

    person: Subject
    return_to: str
    reference: str
    times: int = 0


class Waiting:
    """Those who wait at one door, known by a cookie that is good for nothing else; forgotten when the process ends."""

    def __init__(self) -> None:
        self._waits: OrderedDict[str, _Waits] = OrderedDict()

    def begin(self, asked: Asked, refused: SsoRefused) -> Response | None:
        """Have somebody without an account looked at, and the page that says so; ``None`` where that is not to be.

        Only somebody whom the provider has just vouched for, and of an issuer that the sync knows.
        """
        rules = asked.door.section.rules
        if not rules.on_demand or refused.code != "not-provisioned" or refused.person is None:
            return None
        sought = asked.hall.seeker.seek(refused.person)
        if sought != "asked":
            return asked.refusal(refused, asked.words.not_sought[sought])
        kept = ticket()
        self._waits[kept] = _Waits(person=refused.person, return_to=refused.return_to, reference=refused.reference)
        while len(self._waits) > _MOST:
            self._waits.popitem(last=False)
        response = self._page(asked, refused)
        cookies.leave(response, asked.name, "waiting", kept)
        return response

    async def again(self, asked: Asked) -> Response:
        """What became of it: back to the provider once there is an account, the reason once there will be none."""
        kept = cookies.read(asked.request, asked.name, "waiting")
        waits = self._waits.get(kept) if is_ticket(kept) else None
        if waits is None:
            return redirect(asked.at("/sign-in"), asked.door.public_url)
        still = asked.hall.seeker.is_sought(waits.person)  # before what came of it is looked at
        try:
            require_account(asked.door.book.standing(waits.person, asked.door.section.kind))
        except SsoRefused as refused:
            refused.reference = waits.reference
            waits.times += 1
            if still and refused.code == "not-provisioned" and waits.times < _TIMES:
                return self._page(asked, refused)
            del self._waits[kept]
            more = asked.words.not_sought["long" if still else "over"] if refused.code == "not-provisioned" else ""
            return asked.refusal(refused, more)
        del self._waits[kept]
        to = f"?to={quote(waits.return_to, safe='')}" if waits.return_to not in ("", "/") else ""
        response = redirect(asked.at("/sign-in/start") + to, asked.door.public_url)
        cookies.drop(response, asked.name, "waiting")
        return response

    def _page(self, asked: Asked, refused: SsoRefused) -> Response:
        words = asked.words
        return asked.page(
            Page(
                title=words.sought_title,
                text=(words.sought,),
                status=refused.reason.status,
                code=refused.code,
                reference=refused.reference,
                onward=asked.at("/sign-in/waiting"),
                after=_SECONDS,
            )
        )
