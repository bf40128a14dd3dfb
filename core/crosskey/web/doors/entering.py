"""Coming in: the page with the button, the way to the provider, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from starlette.responses import Response

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.callback import LARGEST, Returned, read_callback
from crosskey.sso.doorkeeper import Admitted, Rehearsal
from crosskey.sso.offers import Offer, Way, offer_for
from crosskey.sso.return_path import return_path
from crosskey.web.doors import cookies
from crosskey.web.doors.answering import Asked
from crosskey.web.doors.forms import Forms
from crosskey.web.doors.pages import Action, Page, redirect
from crosskey.web.doors.waiting import Waiting

__all__ = ("Entering",)

_TRIPS: Final = 3
_WITHIN: Final = 60
"""So many times in so many seconds is somebody sent to the provider without having pressed anything."""
_FRESH: Final = 15 * 60
"""Seconds within which the provider must have asked somebody for what only operators may."""
_SETTLED: Final = frozenset({"state-used", "state-unknown"})


class Entering:
    """The pages by which somebody comes in to one door; with ``rehearses`` each sign-in is a test, told to it."""

    def __init__(self, forms: Forms, *, rehearses: Callable[[Rehearsal | SsoRefused], None] | None = None) -> None:
        self._forms = forms
        self._rehearses = rehearses
        self.waiting = Waiting()

    async def home(self, asked: Asked) -> Response:
        """Who is inside sees the way on and the way out; anybody else the way in."""
        try:
            session = asked.door.keeper.check(asked.session_ticket)
            await asked.door.keeper.stand_by(session, asked.session_ticket)
        except SsoRefused as refused:
            if refused.reason.page == "account-off":
                raise
            return redirect(asked.at("/sign-in"), asked.door.public_url)
        words = asked.words
        fields = {"token": asked.token(asked.session_ticket)}
        leave = Action(label=words.sign_out_button, href=asked.at("/sign-out"), fields=fields, primary=False)
        actions = (Action(label=words.go_on, href="/"), leave)
        return asked.page(Page(title=words.home_title, text=(words.home,), actions=actions))

    async def sign_in(self, asked: Asked) -> Response:
        """The page with the ways in that the door's step offers, or on to the provider at once.

        Never at once for somebody who has just signed out, or who asks for this page (``?sso=off``).
        """
        to = _wanted(asked)
        by_hand = _asks(asked, "sso") == "off"
        step = asked.door.step
        if step == "test":
            raise SsoRefused("door-testing")
        if not by_hand and _is_inside(asked):
            return redirect(to or asked.at(""), asked.door.public_url)
        offer = offer_for(step, pilot=bool(cookies.read(asked.request, asked.name, "pilot")))
        if offer.at_once and not by_hand and not cookies.read(asked.request, asked.name, "out"):
            return await self._send(asked, to, counted=True)
        words = asked.words
        actions = [action for way in offer.ways for action in _action(asked, way, to, offer)]
        text = (words.sign_in,) if "local" in offer.ways else (words.sign_in, words.whom_to_ask)
        return asked.page(Page(title=words.sign_in_title, text=text, actions=tuple(actions)))

    async def start(self, asked: Asked) -> Response:
        """On to the provider, because somebody pressed the button, or a third party sent them here (OIDC Core §4)."""
        issuer = _asks(asked, "iss")
        if issuer and issuer != (await asked.door.flow.discover()).issuer:
            raise asked.door.keeper.note_refusal(SsoRefused("iss-mismatch", "begun by somebody else's provider"))
        hint, by_hand = _asks(asked, "login_hint")[:200], _asks(asked, "prompt") == "login"
        return await self._send(asked, _wanted(asked), counted=bool(issuer), hint=hint, by_hand=by_hand)

    async def again(self, asked: Asked) -> Response:
        """On to the provider for a fresh sign-in of somebody who is inside, in place of their session."""
        return await self._send(asked, _wanted(asked), counted=True, fresh=True)

    async def callback(self, asked: Asked) -> Response:
        """Back from the provider, by GET or with a form."""
        request, keeper = asked.request, asked.door.keeper
        query = request.scope["query_string"]
        try:
            if request.method == "POST":
                body = await asked.body(LARGEST)
                kind = request.headers.get("content-type", "")
                returned = read_callback("POST", query, content_type=kind, body=body)
                kept = self._forms.keep(returned)
                return redirect(f"{urlsplit(keeper.addresses.callback).path}?kept={kept}", asked.door.public_url)
            returned = self._kept(query) or read_callback("GET", query)
        except SsoRefused as refused:
            raise keeper.note_refusal(refused) from None
        browser = cookies.read(request, asked.name, "browser")
        try:
            came_to = await keeper.finish(returned, browser=browser, replaces=asked.session_ticket)
        except SsoRefused as refused:
            if refused.code in _SETTLED and _is_inside(asked):
                return redirect(asked.at(""), asked.door.public_url)  # somebody went back to an old page
            if self._rehearses and refused.code not in _SETTLED:
                self._rehearses(refused)
            if (page := self.waiting.begin(asked, refused)) is not None:
                return page
            raise
        return self._inside(asked, came_to)

    def _kept(self, query: bytes) -> Returned | None:
        """The form that our own redirect speaks of; an answer of the provider has no such field."""
        if not query.startswith(b"kept="):
            return None
        found = self._forms.take(query.removeprefix(b"kept=").decode("latin-1"))
        if found is None:
            raise SsoRefused("state-used", "the form was asked for before, or too late")
        return found

    def _inside(self, asked: Asked, came_to: Admitted | Rehearsal) -> Response:
        if isinstance(came_to, Rehearsal):
            if self._rehearses:
                self._rehearses(came_to)
            words = asked.words
            page = Page(title=words.rehearsed_title, text=(words.rehearsed,), code=came_to.code)
            return asked.page(page)
        to = came_to.return_to if came_to.return_to != "/" else asked.at("")
        response = redirect(to, asked.door.public_url)
        cookies.leave_ticket(response, asked.name, came_to.ticket)
        if came_to.pilot:
            cookies.leave(response, asked.name, "pilot", "1")
        elif came_to.pilot is False:
            cookies.drop(response, asked.name, "pilot")
        return response

    async def _send(
        self, asked: Asked, to: str, *, counted: bool, fresh: bool = False, by_hand: bool = False, hint: str = ""
    ) -> Response:
        keeper = asked.door.keeper
        trips = _trips(asked) if counted else []
        if len(trips) >= _TRIPS:
            raise keeper.note_refusal(SsoRefused("sign-in-loop"))
        begun = await keeper.begin(
            browser=cookies.read(asked.request, asked.name, "browser"),
            return_to=to or "/",
            purpose="test" if self._rehearses else "step-up" if fresh else "login",
            prompt="login" if by_hand else "",
            max_age=_FRESH if fresh else None,
            login_hint=hint,
            locales=asked.words.language,
        )
        response = redirect(begun.url, asked.door.public_url)
        cookies.leave(response, asked.name, "browser", begun.browser)
        cookies.drop(response, asked.name, "out")
        if counted:
            now = int(asked.hall.clock.now().timestamp())
            cookies.leave(response, asked.name, "trips", ".".join(map(str, [*trips, now])))
        return response


def _action(asked: Asked, way: Way, to: str, offer: Offer) -> Iterator[Action]:
    """A way in as something to press; the desk's own only where the door knows it."""
    first = offer.equal or offer.ways[0] == way
    words, local = asked.words, asked.door.section.rules.local
    if way == "provider":
        yield Action(label=words.sign_in_button, href=asked.at("/sign-in/start") + _with(to), primary=first)
    elif local:
        yield Action(label=words.own_button if first else words.local_button, href=local, primary=first)


def _is_inside(asked: Asked) -> bool:
    try:
        asked.door.keeper.check(asked.session_ticket)
    except SsoRefused:
        return False
    return True


def _trips(asked: Asked) -> list[int]:
    """When this browser was sent away lately without having pressed anything."""
    now = int(asked.hall.clock.now().timestamp())
    parts = cookies.read(asked.request, asked.name, "trips")[:100].split(".")
    return [at for part in parts if part.isascii() and part.isdigit() and now - (at := int(part)) < _WITHIN]


def _asks(asked: Asked, name: str) -> str:
    return asked.request.query_params.get(name, "")


def _wanted(asked: Asked) -> str:
    """Where somebody wanted to go: ``to``, which comes last, encoded or (as proxies write it) as it was asked for."""
    query: str = asked.request.scope["query_string"].decode("latin-1")
    before, found, rest = f"&{query}".partition("&to=")
    if not found:
        target = dict(parse_qsl(before)).get("target_link_uri", "")
        return return_path(target.removeprefix(asked.door.public_url), otherwise="")
    return return_path(rest if rest.startswith("/") else unquote(rest.partition("&")[0]), otherwise="")


def _with(to: str) -> str:
    return f"?to={quote(to, safe='')}" if to else ""
