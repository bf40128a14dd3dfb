"""The token endpoint: a code or a refresh token for an ID token that is yet to be believed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Callback
from crosskey.http import Client
from crosskey.settings import Secret
from crosskey.sso.asking import post_form
from crosskey.sso.credentials import ClientCredential

__all__ = ("TokenAnswer", "redeem_code", "renew")

_ERRORS: Final = {
    "invalid_grant": "code-refused",
    "invalid_client": "client-refused",
    "unauthorized_client": "client-refused",
}


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoint gave; ``""`` for what it did not."""

    id_token: str
    access_token: str
    refresh_token: str


async def redeem_code(
    client: Client, endpoint: str, credential: ClientCredential, *, code: str, callback: Callback, now: datetime
) -> TokenAnswer:
    """Redeem a code with the verifier that only this browser's sign-in has. Raises :class:`SsoRefused`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback.request.redirect_uri,
        "code_verifier": callback.code_verifier.reveal(),
    }
    answer = await _ask(client, endpoint, credential, form, now, refused=_ERRORS)
    if not answer.id_token:
        raise SsoRefused("token-answer-invalid", "the answer holds no ID token")
    return answer


async def renew(
    client: Client, endpoint: str, credential: ClientCredential, *, refresh_token: Secret, now: datetime
) -> TokenAnswer:
    """Ask whether the provider still stands by a sign-in. Raises :class:`SsoRefused`."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
    refused = {**_ERRORS, "invalid_grant": "refresh-refused"}
    answer = await _ask(client, endpoint, credential, form, now, refused=refused)
    if not answer.access_token:  # RFC 6749 §5.1: without one, what came with 200 is no answer of a token endpoint
        raise SsoRefused("token-answer-invalid", "the answer holds no access token")
    return answer


async def _ask(
    client: Client,
    endpoint: str,
    credential: ClientCredential,
    form: dict[str, str],
    now: datetime,
    *,
    refused: dict[str, str],
) -> TokenAnswer:
    headers = {"Accept": "application/json"}
    credential.apply(form, headers, endpoint=endpoint, now=now)
    status, answer = await post_form(client, endpoint, form, headers)
    if status >= 400:
        error = answer.get("error")
        known = refused.get(error, "provider-error") if isinstance(error, str) else "token-answer-invalid"
        raise SsoRefused(known, f"the token endpoint answered {status}: {str(error)[:100]}")
    kind = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SsoRefused("token-answer-invalid", "the access token is of a type that nobody can use")
    return TokenAnswer(
        id_token=_text(answer, "id_token"),
        access_token=_text(answer, "access_token"),
        refresh_token=_text(answer, "refresh_token"),
    )


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str):
        raise SsoRefused("token-answer-invalid", f"{name} is no text")
    return value
