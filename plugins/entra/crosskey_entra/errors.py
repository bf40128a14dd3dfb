"""What refusals of Microsoft Graph and of the sign-in service mean.

Every sentence holds the ids that Microsoft's support asks for. Decisions are made on codes, never on texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import msgspec

from crosskey.errors import UNREADABLE, CrosskeyError, RejectedError

__all__ = ("GraphProblem", "SignInProblem", "code_of", "explain", "is_expired_page", "is_gone", "sign_in_problem")

_MEANINGS: Mapping[str, str] = {
    "Authentication_MSGraphPermissionMissing": "the app lacks a permission, or admin consent for it",
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": "this needs a premium licence, which the tenant lacks",
    "Authorization_IdentityNotFound": "the app is not known in the tenant: admin consent was never given, or withdrawn",
    "Authorization_RequestDenied": "the app lacks a permission, or admin consent for it",
    "BadRequest": "Graph refused the request",
    "Directory_ExpiredPageToken": "Graph does not know this page any more",
    "Forbidden": "the app lacks a permission, or admin consent for it",
    "InvalidAuthenticationToken": "Graph does not accept the access token",
    "NotImplemented": "Graph cannot bring a property together with a list of people",
    "Request_BadRequest": "Graph refused the request",
    "Request_ResourceNotFound": "Graph has no such object",
    "Request_UnsupportedQuery": "Graph does not support the query",
    "TooManyRequests": "the rate limit is used up",
}

_CODE = re.compile(r"\[([A-Z]\w+)\b")


class _Inner(msgspec.Struct):
    request_id: str = msgspec.field(name="request-id", default="")


class GraphProblem(msgspec.Struct):
    """The body of a refusal by Graph. ``code`` may be empty; the inner error is spelled in two ways."""

    code: str = ""
    message: str = ""
    inner: _Inner | None = msgspec.field(name="innerError", default=None)


class _GraphBody(msgspec.Struct):
    error: GraphProblem


class SignInProblem(msgspec.Struct):
    """The body of a refusal by the token endpoint: OAuth's ``error`` decides, ``error_codes`` only explain."""

    error: str = ""
    error_description: str = ""
    error_codes: list[int] = []
    trace_id: str = ""
    correlation_id: str = ""

    @property
    def number(self) -> int:
        """The first AADSTS number, or 0."""
        return self.error_codes[0] if self.error_codes else 0

    @property
    def said(self) -> str:
        """The service's own sentence, without ids and time behind it."""
        return re.split(r"\s*Trace ID:", self.error_description, maxsplit=1)[0].strip()


_GRAPH = msgspec.json.Decoder(_GraphBody)
_SIGN_IN = msgspec.json.Decoder(SignInProblem)


def sign_in_problem(response: httpx.Response) -> SignInProblem:
    """What the token endpoint says; empty for a gateway's page."""
    try:
        return _SIGN_IN.decode(response.content)
    except UNREADABLE:
        return SignInProblem()


def explain(response: httpx.Response) -> str:
    """One sentence for a refusal by Graph: the meaning, the code, the request's id, and Graph's own words."""
    try:
        problem = _GRAPH.decode(response.content).error
    except UNREADABLE:
        return ""
    request_id = response.headers.get("request-id") or (problem.inner.request_id if problem.inner else "")
    ids = ", ".join(part for part in (problem.code, f"request {request_id}" if request_id else "") if part)
    meaning = _MEANINGS.get(problem.code, "Graph refused")
    # The ids stand before Graph's own words: a long sentence is cut at its end.
    return meaning + (f" [{ids}]" if ids else "") + (f": {problem.message}" if problem.message else "")


def code_of(error: CrosskeyError) -> str:
    """Graph's code in an error whose sentence :func:`explain` wrote, or nothing."""
    found = _CODE.search(error.message)
    return found.group(1) if found else ""


def is_gone(error: RejectedError) -> bool:
    """Whether Graph says for certain that the object does not exist; any other 404 proves nothing."""
    return error.status == 404 and code_of(error) == "Request_ResourceNotFound"


def is_expired_page(error: RejectedError) -> bool:
    """Whether a page's token is no longer good: the list must start again, and is never "finished"."""
    return error.status == 400 and code_of(error) == "Directory_ExpiredPageToken"
