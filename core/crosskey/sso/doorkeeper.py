"""A door: sends people to their provider, takes them in when they come back, and knows who is inside.

Whatever goes wrong leaves as :class:`SsoRefused` with a stable code, and is in the journal with its real reason.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal

import msgspec

from crosskey.clock import Clock
from crosskey.config import DoorSection
from crosskey.connector.reasons import REASONS
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import (
    EndsLogins,
    HearsSignals,
    Identity,
    LogoutRequest,
    SignalEvent,
    SignalMessage,
    SsoFlow,
)
from crosskey.errors import CrosskeyError, RetryableError
from crosskey.journal import SIGNED_IN, AttemptRecord, Doorbook, LoginRecord, Purpose, SessionRecord, Standing, Whom
from crosskey.model import Subject
from crosskey.settings import Secret
from crosskey.sso.addresses import DoorAddresses, door_addresses
from crosskey.sso.callback import Returned
from crosskey.sso.claims import masked
from crosskey.sso.heartbeat import ask_again, is_due
from crosskey.sso.linking import require_account
from crosskey.sso.return_path import return_path
from crosskey.sso.sessions import check_session, draft_session, kept_of
from crosskey.sso.signals import SignalReply, accepted, refused, whom_it_ends
from crosskey.sso.tickets import fingerprint, is_ticket, ticket
from crosskey.sso.transactions import Terms, begin_login, find_login, take_login

__all__ = ("Admitted", "Begun", "Doorkeeper", "Rehearsal")

_log = logging.getLogger("crosskey.sso")

_NOISE: Final = frozenset(
    {"state-unknown", "cookie-missing", "other-browser", "callback-malformed", "door-off", "sign-in-loop"}
)
"""Refusals that anybody can cause at will, as often as they like."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and the secret to leave with it in a cookie that the callback will see."""

    url: str
    browser: str
    form_post: bool


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is in. ``ticket`` goes into the session cookie and nowhere else.

    ``pilot``: whether they are of the pilot; ``None`` where that is not the door's step.
    """

    ticket: str
    session: SessionRecord
    return_to: str
    pilot: bool | None = None


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a test sign-in came to: no session was opened. ``code`` is ``tested``, or why nobody would have come in."""

    code: str
    detail: str
    identity: Identity
    standing: Standing
    claims: dict[str, str]
    reference: str


class Doorkeeper:
    """One door. ``flow`` must stay open as long as this is used; ``book`` is used from the caller's thread."""

    def __init__(
        self,
        section: DoorSection,
        flow: SsoFlow,
        book: Doorbook,
        clock: Clock,
        *,
        is_of_pilot: Callable[[Subject], bool] = lambda _: False,
    ) -> None:
        self.section = section
        self.addresses: DoorAddresses = door_addresses(
            section.rules.public_url, section.door, section.provided.value.name
        )
        self._flow = flow
        self._book = book
        self._clock = clock
        self._is_of_pilot = is_of_pilot

    # ------------------------------------------------------------------------------------------------------ signing in

    async def begin(
        self,
        *,
        browser: str = "",
        return_to: str = "",
        purpose: Purpose = "login",
        prompt: Literal["", "login", "select_account", "none"] = "",
        max_age: int | None = None,
        login_hint: str = "",
        locales: str = "",
    ) -> Begun:
        """Begin a sign-in. ``browser`` is the secret that it bears already, if any: two tabs share one.

        Raises :class:`SsoRefused`.
        """
        try:
            self._require_open(purpose)
            provider = await self._flow.discover()
            state = ticket()
            browser = browser if is_ticket(browser) else ticket()
            request = begin_login(
                self._book,
                self._clock,
                door=self.section.door,
                flow=self.section.provided.value.name,
                issuer=provider.issuer,
                terms=Terms(
                    redirect_uri=self.addresses.callback,
                    response_type=self.section.rules.response,
                    mfa=self.section.rules.mfa == "required" or purpose == "test",
                    max_age=max_age,
                    prompt=prompt,
                ),
                browser=browser,
                state=state,
                purpose=purpose,
                return_to=return_path(return_to),
                login_hint=login_hint,
                locales=locales,
            )
            redirect = await self._flow.authorize(request)
        except CrosskeyError as error:
            raise self._refused(error, None, purpose) from error
        return Begun(url=redirect.url, browser=browser, form_post=request.response_mode == "form_post")

    async def finish(self, returned: Returned, *, browser: str, replaces: str = "") -> Admitted | Rehearsal:
        """Complete a sign-in in the browser that began it; ``replaces`` is the ticket of a session that it renews.

        A test comes to a rehearsal. Raises :class:`SsoRefused`.
        """
        login: LoginRecord | None = None
        identity: Identity | None = None
        try:
            if not self._is_open():  # before anything is looked at: a test needs its state known
                self._require_test(returned, browser)
            login = find_login(self._book, returned, browser)
            provider = await self._flow.discover()
            callback = take_login(
                self._book,
                self._clock,
                login,
                returned,
                browser,
                door=self.section.door,
                flow=self.section.provided.value.name,
                issuer=provider.issuer,
                redirect_uri=self.addresses.callback,
            )
            identity = await self._flow.complete(callback)
            if login.purpose == "test":
                return self._rehearse(identity)
            self._require_factor(identity)
            return self._admit(login, identity, replaces)
        except CrosskeyError as error:
            raise self._refused(error, login, login.purpose if login else "login", identity) from error
        except Exception as error:
            _log.exception("a sign-in at %s failed", self.section.path)
            failure = SsoRefused("provider-error", f"the flow failed with {type(error).__name__}")
            raise self._refused(failure, login, login.purpose if login else "login", identity) from error

    def note_refusal(self, refused: SsoRefused) -> SsoRefused:
        """Keep a refusal that came about before the door was asked (a broken callback); the same, with a reference."""
        return self._refused(refused, None, "login")

    def _admit(self, login: LoginRecord, identity: Identity, replaces: str) -> Admitted:
        session_ticket, draft = draft_session(self.section, identity, self._clock, asked_at=login.begun_at)
        attempt = self._attempt(SIGNED_IN, "", login.purpose, identity)
        replaced = fingerprint(replaces) if is_ticket(replaces) else ""
        at_pilot = self._book.step(self.section.door).step == "pilot"
        pilot = self._is_of_pilot(identity.subject) if at_pilot else None

        def decide(standing: Standing, told_to_go: str | None) -> None:
            self._require_step()  # again, now that nobody can move the door until the session is there
            require_account(standing, told_to_go)

        session = self._book.admit(draft, attempt, decide, replaces=replaced, pilot=pilot is True)
        return Admitted(ticket=session_ticket, session=session, return_to=login.return_to, pilot=pilot)

    def _rehearse(self, identity: Identity) -> Rehearsal:
        standing = self._book.standing(identity.subject, self.section.kind)
        code, detail = "tested", ""
        try:
            self._require_factor(identity)
            require_account(standing)
        except SsoRefused as refused:
            code, detail = refused.code, refused.message
        attempt = self._attempt(code, detail, "test", identity)
        self._book.note_attempt(attempt)
        return Rehearsal(
            code=code,
            detail=detail,
            identity=identity,
            standing=standing,
            claims=masked(identity.claims, identity.open_claims),
            reference=attempt.reference,
        )

    def _require_open(self, purpose: Purpose) -> None:
        if purpose != "test":
            self._require_on()
            self._require_step()

    def _require_on(self) -> None:
        if not self.section.rules.enabled:
            raise SsoRefused("door-off")

    def _require_step(self) -> None:
        if self._book.step(self.section.door).step == "test":
            raise SsoRefused("door-testing")

    def _is_open(self) -> bool:
        return self.section.rules.enabled and self._book.step(self.section.door).step != "test"

    def _require_test(self, returned: Returned, browser: str) -> None:
        """A door that lets nobody in takes back tests only: whatever else comes is as if there were no door."""
        try:
            login = find_login(self._book, returned, browser)
        except SsoRefused:
            raise SsoRefused("door-testing" if self.section.rules.enabled else "door-off") from None
        self._require_open(login.purpose)

    def _require_factor(self, identity: Identity) -> None:
        if self.section.rules.mfa == "required" and identity.mfa.verdict != "proven":
            raise SsoRefused("mfa-missing", f"no proof of a second factor: {identity.mfa.because or 'no evidence'}")

    # ---------------------------------------------------------------------------------------------------------- inside

    def check(self, session_ticket: str, *, fresh: timedelta | None = None) -> SessionRecord:
        """The session behind a ticket, if it still stands now. Raises :class:`SsoRefused`."""
        return check_session(self._book, self.section, self._clock, session_ticket, fresh=fresh)

    async def stand_by(self, session: SessionRecord, session_ticket: str) -> None:
        """Ask the provider whether it still stands by a session, if that is due. Raises :class:`SsoRefused`."""
        if is_due(self.section, session, self._clock):
            await ask_again(self._flow, self._book, session, session_ticket)

    async def leave(self, session_ticket: str) -> str | None:
        """End a session here at once; where to send the browser to be signed out at the provider too, if anywhere.

        It comes back to :attr:`DoorAddresses.signed_out`. That the provider cannot be asked keeps nobody inside.
        """
        session = self._book.session(fingerprint(session_ticket)) if is_ticket(session_ticket) else None
        if session is None or session.door != self.section.door or session.revoked_at is not None:
            return None
        kept = kept_of(session, session_ticket)
        self._book.end_session(session.id, "signed-out")
        if not isinstance(self._flow, EndsLogins):
            return None
        request = LogoutRequest(
            return_to=self.addresses.signed_out,
            state=ticket(),
            id_token=Secret(kept.id_token) if kept.id_token else None,
            logout_hint=kept.logout_hint,
        )
        try:
            redirect = await self._flow.end_session(request)
        except CrosskeyError as error:
            _log.warning("%s: the provider's sign-out cannot be had: %s", self.section.path, error.code)
            return None
        return redirect.url if redirect else None

    # ------------------------------------------------------------------------------------------------ told to end some

    async def hear(self, message: SignalMessage) -> SignalReply:
        """What the provider sends to end sessions: verified, noted once, carried out. Never raises for a message."""
        try:
            return await self._hear(message)
        except CrosskeyError as error:
            told = error if isinstance(error, SsoRefused) else _translated(error)
        except Exception:  # noqa: BLE001 - whatever a stranger sends, the door goes on
            _log.exception("a message to %s could not be read", self.section.path)
            told = SsoRefused("provider-error")
        _log.warning("%s: a message by %s was refused: %s", self.section.path, message.channel, told.code)
        return refused(message.channel, told)

    async def _hear(self, message: SignalMessage) -> SignalReply:
        self._require_on()
        if not isinstance(self._flow, HearsSignals):
            raise SsoRefused("signal-refused", "this flow hears no signals")
        event = await self._flow.hear(message)
        if event.channel == "token-revocation" and not self._knows(event):
            raise SsoRefused("subject-unknown")
        ended = self._book.hear(self.section.door, event, whom_it_ends(event), event.kind)
        return accepted(event, ended)

    def _knows(self, event: SignalEvent) -> bool:
        """Whether the person was ever here, or has an account."""
        if event.subject is not None and self._book.standing(event.subject, self.section.kind).key is not None:
            return True
        return any(self._book.has_sessions(each) for each in whom_it_ends(event))

    def front_channel(self, *, iss: str, sid: str, session_ticket: str) -> int:
        """The browser says that the provider signed somebody out; how many sessions ended.

        With issuer and session it is that session; without, whatever session this browser has. Nothing here is signed,
        so it can end no more than that.
        """
        ended = 0
        if iss and sid:
            ended = self._book.end_sessions(Whom(iss=iss, sid=sid, door=self.section.door), "front-channel")
        elif not (iss or sid) and is_ticket(session_ticket):  # both or neither (Front-Channel Logout 1.0 §2)
            ended = self._book.end_session(fingerprint(session_ticket), "front-channel")
        if ended:  # nothing else says that this was the provider
            self._book.spoke(self.section.door, "front-channel", ended=True)
        return ended

    # ------------------------------------------------------------------------------------------------------ the journal

    def _refused(
        self, error: CrosskeyError, login: LoginRecord | None, purpose: Purpose, identity: Identity | None = None
    ) -> SsoRefused:
        """The refusal for an error, kept in the journal, with the reference by which it is found there."""
        told = error if isinstance(error, SsoRefused) else _translated(error)
        attempt = self._attempt(told.code, told.message, purpose, identity)
        self._book.note_attempt(attempt, noise=login is None or told.code in _NOISE)
        told.reference = attempt.reference
        told.person = identity.subject if identity is not None else None
        told.return_to = login.return_to if login is not None else ""
        told.where = told.where or self.section.path
        return told

    def _attempt(self, code: str, detail: str, purpose: Purpose, identity: Identity | None) -> AttemptRecord:
        attempt = AttemptRecord(
            door=self.section.door,
            at=self._clock.now(),
            code=code,
            reference=secrets.token_hex(4),
            purpose=purpose,
            flow=self.section.provided.value.name,
            kind=self.section.kind,
            detail=detail,
        )
        if identity is None:
            return attempt
        return msgspec.structs.replace(
            attempt,
            subject=identity.subject,
            mfa=identity.mfa.verdict,
            claims=masked(identity.claims, identity.open_claims),
            skew=identity.skew,
        )


def _translated(error: CrosskeyError) -> SsoRefused:
    """What the HTTP stack or a flow raised, as a reason of ours; its own words go to the journal only."""
    code = error.code if error.code in REASONS else "provider-error"
    code = "provider-unreachable" if isinstance(error, RetryableError) else code
    return SsoRefused(code, f"{error.code}: {error.message}", where=error.where)
