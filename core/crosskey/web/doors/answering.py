"""What the doors answer: pages in the reader's language, the doors' own troubles, and who may ask at all."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from crosskey.connector.reasons import REASONS
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Door
from crosskey.errors import StorageError
from crosskey.sso.tickets import derived, is_ticket
from crosskey.web.body import BadBody, read_body
from crosskey.web.doors import cookies
from crosskey.web.doors.hall import Hall, OpenDoor
from crosskey.web.doors.pages import Action, Page, shown
from crosskey.web.doors.words import Words, words_for
from crosskey.web.flood import Bucket

__all__ = ("Answering", "Asked")

_log = logging.getLogger("crosskey.sso")

_FORM: Final = 8 * 1024
_SECONDS: Final = 10.0


class Asked:
    """One request at an open door."""

    def __init__(self, request: Request, door: OpenDoor, hall: Hall) -> None:
        self.request = request
        self.door = door
        self.hall = hall
        self.words: Words = words_for(request.headers.get("accept-language", ""))

    @property
    def name(self) -> Door:
        """Which door it is."""
        return self.door.section.door

    @property
    def session_ticket(self) -> str:
        """The ticket of this browser's session, whatever it is worth."""
        return cookies.read(self.request, self.name, "session")

    def at(self, place: str) -> str:
        """The path of one of this door's pages."""
        return f"/{self.name}{place}"

    def page(self, page: Page) -> Response:
        """The page in the reader's language."""
        return shown(page, self.words, self.name, self.door.public_url)

    def refusal(self, refused: SsoRefused, more: str = "") -> Response:
        """What a page says of a refusal: what to do about it, and by which code an administrator finds out more."""
        title, text = self.words.trouble[refused.reason.page]
        if refused.code == "cookie-missing":
            title, text = self.words.cookies_title, self.words.cookies
        if refused.code == "sign-in-loop":
            title, text = self.words.loop_title, self.words.loop
        # a provider that knows the person would else answer at once, again without the factor
        way = "/sign-in/start?prompt=login" if refused.reason.page == "second-factor" else "/sign-in?sso=off"
        again = (Action(label=self.words.try_again, href=self.at(way)),)
        if refused.reason.page == "not-yet":
            local = self.door.section.rules.local
            again = (Action(label=self.words.own_button, href=local),) if local else ()
        return self.page(
            Page(
                title=title,
                text=(text, more) if more else (text,),
                status=refused.reason.status,
                code=refused.code,
                reference=refused.reference,
                actions=again,
            )
        )

    # ----------------------------------------------------------------------------------------------------------- forms

    def token(self, session_ticket: str) -> str:
        """What each form of this session bears, so that no other site can post one."""
        return derived(session_ticket, "form", self.name)

    async def form(self) -> dict[str, str] | None:
        """The fields of a form that was made here for this session; ``None`` for any other. Raises :class:`BadBody`."""
        body = await self.body(_FORM)
        try:
            fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=16))
        except ValueError:
            return None
        ticket, origin = self.session_ticket, self.request.headers.get("origin")
        parts = urlsplit(self.door.public_url)
        if origin not in (None, f"{parts.scheme}://{parts.netloc}") or not is_ticket(ticket):
            return None
        if self.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return None
        return fields if hmac.compare_digest(fields.get("token", "").encode(), self.token(ticket).encode()) else None

    async def body(self, limit: int) -> bytes:
        """The body, as far as it is allowed to be long. Raises :class:`BadBody`."""
        return await read_body(self.request, limit=limit, seconds=_SECONDS, clock=self.hall.clock)


class Answering:
    """Turns what is done at a door into an endpoint that never shows an error of its own."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._writes = {door: Bucket(hall.clock, rate=50.0, burst=300) for door in hall.sections}

    def endpoint(
        self, name: Door, do: Callable[[Asked], Awaitable[Response]], *, writes: bool = False, programs: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint; ``writes``: anybody can have something noted with it; ``programs``: it has no pages."""

        async def answer(request: Request) -> Response:
            door = await self._hall.door(name)
            if door is None:
                return self._closed(request, name)
            if not programs and request.headers.get("host", "") != urlsplit(door.public_url).netloc:
                return self._nowhere(request, 421)  # the request came by an address that is not the door's
            if writes and not self._writes[name].take():
                return self._busy(request, 429)
            asked = Asked(request, door, self._hall)
            try:
                return await do(asked)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong, people get a page and strangers nothing
                return self._failed(asked, error)

        return answer

    def _failed(self, asked: Asked, error: Exception) -> Response:
        if isinstance(error, SsoRefused):
            return asked.refusal(error)
        if isinstance(error, BadBody):
            refused = asked.door.keeper.note_refusal(SsoRefused("callback-malformed", error.reason))
            response = asked.refusal(refused)
            response.status_code = error.status
            return response
        if isinstance(error, ClientDisconnect):
            return Response(status_code=400)
        if isinstance(error, StorageError):
            _log.error("the journal failed: %s", error.code)
            self._hall.open_anew()
        else:
            _log.error("a request to %s failed", asked.door.section.path, exc_info=error)
        return self._busy(asked.request, 503)

    def nowhere(self, request: Request) -> Response:
        """The page of an address that is none."""
        return self._nowhere(request, 404)

    def _closed(self, request: Request, name: Door) -> Response:
        if name in self._hall.sections:
            return self._busy(request, 503)  # it is being opened anew
        words = _words(request)
        page = Page(title=words.nowhere_title, text=(words.nowhere,), status=404, code=REASONS["door-off"].code)
        return shown(page, words, None, "")

    def _nowhere(self, request: Request, status: int) -> Response:
        words = _words(request)
        return shown(Page(title=words.nowhere_title, text=(words.nowhere,), status=status), words, None, "")

    def _busy(self, request: Request, status: int) -> Response:
        words = _words(request)
        title, text = words.trouble["later"]
        response = shown(Page(title=title, text=(text,), status=status), words, None, "")
        response.headers["Retry-After"] = "5"
        return response


def _words(request: Request) -> Words:
    return words_for(request.headers.get("accept-language", ""))
