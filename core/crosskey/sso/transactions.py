"""Sign-ins under way: each belongs to the browser that began it, and comes back once.

Nonce and PKCE verifier are derived from a secret that only this browser has and from the state, so that an answer
which comes back in another browser cannot be completed at all, and nothing that is stored helps anybody.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Final, Literal

import msgspec

from crosskey.clock import Clock
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Callback, Door, LoginRequest
from crosskey.journal import Doorbook, LoginRecord, Purpose
from crosskey.settings import Secret
from crosskey.sso.callback import Returned
from crosskey.sso.tickets import base64url, derived, fingerprint, is_ticket

__all__ = ("LONGEST", "Terms", "begin_login", "find_login", "take_login")

LONGEST: Final = timedelta(minutes=10)
"""How long a sign-in may take: a second factor that must be fetched from another room, and no longer."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in asks for besides what is made for it alone."""

    redirect_uri: str
    response_type: Literal["code", "code id_token"] = "code"
    mfa: bool = False
    max_age: int | None = None
    prompt: Literal["", "login", "select_account", "none"] = ""

    def request(self, state: str, browser: str, *, login_hint: str = "", locales: str = "") -> LoginRequest:
        """The whole request. ``code id_token`` comes back as a form: a token has no business in an address."""
        return LoginRequest(
            redirect_uri=self.redirect_uri,
            state=state,
            nonce=derived(browser, "nonce", state),
            code_challenge=base64url(hashlib.sha256(_verifier(browser, state).encode()).digest()),
            response_type=self.response_type,
            response_mode="query" if self.response_type == "code" else "form_post",
            mfa=self.mfa,
            max_age=self.max_age,
            prompt=self.prompt,
            login_hint=login_hint,
            locales=locales,
        )


def begin_login(
    book: Doorbook,
    clock: Clock,
    *,
    door: Door,
    flow: str,
    issuer: str,
    terms: Terms,
    browser: str,
    state: str,
    purpose: Purpose,
    return_to: str,
    login_hint: str = "",
    locales: str = "",
) -> LoginRequest:
    """Note a sign-in of this browser; the request that belongs to it."""
    book.begin_login(
        LoginRecord(
            state=fingerprint(state),
            door=door,
            browser=fingerprint(browser),
            flow=flow,
            issuer=issuer,
            purpose=purpose,
            request=msgspec.json.encode(terms).decode(),
            return_to=return_to,
            begun_at=clock.now(),
        )
    )
    return terms.request(state, browser, login_hint=login_hint, locales=locales)


def find_login(book: Doorbook, returned: Returned, browser: str) -> LoginRecord:
    """The sign-in that came back, in the browser that began it. Raises :class:`SsoRefused`; nothing is used up."""
    login = book.login(fingerprint(returned.parameters.get("state", "")))
    if login is None:
        raise SsoRefused("state-unknown")
    if not is_ticket(browser):
        raise SsoRefused("cookie-missing")
    if not hmac.compare_digest(fingerprint(browser), login.browser):
        raise SsoRefused("other-browser")
    return login


def take_login(
    book: Doorbook,
    clock: Clock,
    login: LoginRecord,
    returned: Returned,
    browser: str,
    *,
    door: Door,
    flow: str,
    issuer: str,
    redirect_uri: str,
) -> Callback:
    """Use the sign-in up; what the flow needs to complete it. Raises :class:`SsoRefused`.

    It must have been begun at this door, with this provider and for this address, whatever has been configured since.
    """
    if login.door != door:
        raise SsoRefused("other-door", f"begun at {login.door}")
    terms = msgspec.json.decode(login.request, type=Terms)
    if (login.flow, login.issuer, terms.redirect_uri) != (flow, issuer, redirect_uri):
        raise SsoRefused("other-provider", f"begun with {login.flow} ({login.issuer})")
    if not book.use_login(login.state):
        raise SsoRefused("state-used")
    if clock.now() - login.begun_at > LONGEST:
        raise SsoRefused("login-expired")
    state = returned.parameters["state"]
    return Callback(
        parameters=returned.parameters,
        method=returned.method,
        request=terms.request(state, browser),
        code_verifier=Secret(_verifier(browser, state)),
        asked_at=login.begun_at,
    )


def _verifier(browser: str, state: str) -> str:
    return derived(browser, "verifier", state)
