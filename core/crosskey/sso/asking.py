"""Asking a provider for a document: bounded, never redirected, JSON of one meaning, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.errors import ContractError, CrosskeyError, RetryableError
from crosskey.http import Client
from crosskey.http.wire import BodyTooLarge
from crosskey.sso.strict_json import NotStrict, strict_object

__all__ = ("get_object", "is_json", "post_form", "refusal_for")

_LARGEST: Final = 512 * 1024

_CODES: Final = {
    "redirected": "metadata-redirect",
    "address-refused": "address-refused",
    "url-insecure": "endpoint-insecure",
    "foreign-host": "endpoint-moved",
}


async def get_object(
    client: Client, url: str, *, invalid: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The object at an address. Raises :class:`SsoRefused`, with the code ``invalid`` for an answer that is none."""
    try:
        reply = await client.call("GET", url, decode=msgspec.Raw, headers=headers)
    except CrosskeyError as error:
        raise refusal_for(error, invalid=invalid) from error
    if not is_json(reply.headers.get("content-type", "")):
        raise SsoRefused(invalid, f"{reply.url.path} answered with something else than JSON")
    try:
        return strict_object(bytes(reply.value), most=_LARGEST)
    except NotStrict as error:
        raise SsoRefused(invalid, f"what {reply.url.path} answered: {error}") from None


async def post_form(
    client: Client, url: str, form: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """Send a form once; status and object of the answer, whatever the status. Raises :class:`SsoRefused`.

    Not repeated: a code and a refresh token are good for one use.
    """
    try:
        response = await client.post(url, data=dict(form), headers=dict(headers))
    except CrosskeyError as error:
        raise refusal_for(error, invalid="token-answer-invalid") from error
    except (BodyTooLarge, httpx.DecodingError) as error:
        raise SsoRefused("token-answer-invalid", f"the answer cannot be read ({type(error).__name__})") from None
    except httpx.HTTPError as error:  # its text may quote headers
        detail = f"{url.partition('?')[0]} could not be asked ({type(error).__name__})"
        raise SsoRefused("provider-unreachable", detail) from None
    if 300 <= response.status_code < 400:
        raise SsoRefused("token-answer-invalid", f"answered {response.status_code}: redirects are not followed")
    if response.status_code >= 500:
        raise SsoRefused("provider-unreachable", f"the token endpoint answered {response.status_code}")
    if not is_json(response.headers.get("content-type", "")):
        raise SsoRefused("token-answer-invalid", f"answered {response.status_code} with something else than JSON")
    try:
        return response.status_code, strict_object(response.content, most=_LARGEST)
    except NotStrict as error:
        raise SsoRefused("token-answer-invalid", f"the answer: {error}") from None


def refusal_for(error: CrosskeyError, *, invalid: str) -> SsoRefused:
    """The refusal that an error of the HTTP stack comes to."""
    if isinstance(error, SsoRefused):
        return error
    if code := _CODES.get(error.code):
        return SsoRefused(code, error.message, where=error.where)
    if isinstance(error, ContractError) and not isinstance(error, RetryableError):
        return SsoRefused(invalid, error.message, where=error.where)
    return SsoRefused("provider-unreachable", error.message, where=error.where)


def is_json(content_type: str) -> bool:
    """Whether a content type is one of JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
