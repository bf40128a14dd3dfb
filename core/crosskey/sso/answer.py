"""The provider's answer to a sign-in, as the browser brought it back: whose it is, how it came, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Callback, Provider
from crosskey.http.redaction import scrub_text

__all__ = ("Answer", "read_answer")

_LONGEST_CODE: Final = 8 * 1024
_MAIL = re.compile(r"[^\s@'\"]+@[^\s@'\"]+")

_ERRORS: Final = {
    "access_denied": "provider-refused",
    "unauthorized_client": "client-refused",
    "login_required": "interaction-needed",
    "interaction_required": "interaction-needed",
    "consent_required": "interaction-needed",
    "account_selection_required": "interaction-needed",
    "unmet_authentication_requirements": "mfa-unmet",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The code, and the ID token of the hybrid flow (``""`` in the plain one)."""

    code: str
    id_token: str


def read_answer(callback: Callback, provider: Provider) -> Answer:
    """Read it. Raises :class:`SsoRefused`.

    Whose answer it is comes before anything else, also before an error in it (RFC 9207 §2.4).
    """
    said, asked = callback.parameters, callback.request
    _require_issuer(said, provider)
    if (callback.method == "POST") != (asked.response_mode == "form_post"):
        raise SsoRefused("callback-mode", f"came back by {callback.method}, asked for {asked.response_mode}")
    if "access_token" in said:
        raise SsoRefused("callback-mode", "an access token came through the browser, and nobody asked for one")
    if asked.response_type == "code" and "id_token" in said:
        raise SsoRefused("callback-mode", "an ID token came through the browser, and nobody asked for one")
    if "error" in said:
        words = f"{said['error']}: {said.get('error_description', '')}"
        raise SsoRefused(_ERRORS.get(said["error"], "provider-error"), _shown(words))
    code, id_token = said.get("code", ""), said.get("id_token", "")
    if not code or len(code) > _LONGEST_CODE:
        raise SsoRefused("callback-malformed", "no code came back, or none that can be one")
    if asked.response_type == "code id_token" and not id_token:
        raise SsoRefused("callback-malformed", "no ID token came back with the code")
    return Answer(code=code, id_token=id_token)


def _require_issuer(said: Mapping[str, str], provider: Provider) -> None:
    """Refuse the answer of another provider, and one that does not say whose it is though its provider always does.

    RFC 9207 §2.4: who is known to support ``iss`` must not be believed without it. §4 lets ``iss`` be left out where an
    ID token comes beside the code: it names the issuer, and is verified before the code is used. Where both come, both
    must be of this provider: the one is compared here, the other when the token is verified. In an error nobody looks
    at an ID token, so it excuses nothing.
    """
    if "iss" not in said:
        if provider.tells_issuer and ("id_token" not in said or "error" in said):
            raise SsoRefused("response-iss-missing")
    elif said["iss"] != provider.issuer:
        raise SsoRefused("response-iss-mismatch", f"the answer is of {said['iss'][:200]}")


def _shown(words: str) -> str:
    """The provider's own words for the journal: without secrets and addresses of people."""
    return _MAIL.sub("…@…", scrub_text(" ".join(words.split())))[:300]
