"""What Okta's refusals mean, and what to do about them.

Codes are from Okta's error code list. Every sentence holds the ids that Okta's support asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import msgspec

from crosskey.errors import UNREADABLE, CrosskeyError, RejectedError

__all__ = ("OktaProblem", "code_of", "explain", "is_bad_cursor", "is_gone", "problem_of")

_MEANINGS: Mapping[str, str] = {
    "E0000003": "Okta could not read the request",
    "E0000004": "Okta does not accept the credential",
    "E0000005": "Okta does not accept the credential any more",
    "E0000006": "the credential may not do this: a scope or an admin role is missing",
    "E0000007": "Okta has no such object",
    "E0000008": "this address has no Okta API",
    "E0000009": "Okta had an internal error",
    "E0000010": "Okta is in read-only mode for maintenance",
    "E0000011": "the token is wrong or dead: revoked, unused for 30 days, or its admin was deactivated",
    "E0000015": "this feature is not enabled in the org",
    "E0000019": "Okta refused the request's headers",
    "E0000029": "Okta does not know this page any more",
    "E0000031": "Okta refused the expression, or does not know this page any more",
    "E0000047": "the rate limit is used up",
    "invalid_client": "Okta does not accept the app's client id or key",
    "invalid_scope": "none of the scopes asked for is granted to the app",
    "invalid_dpop_proof": "the app demands DPoP, or Okta refused the proof",
    "use_dpop_nonce": "Okta demands a nonce in the DPoP proof",
    "unauthorized_client": "the app may not use client credentials",
    "insufficient_scope": "a scope is missing",
    "access_denied": "a policy of the org refuses the app",
}

_CHALLENGE = re.compile(r'error="(insufficient_scope|invalid_dpop_proof|use_dpop_nonce)"')
_CODE = re.compile(r"\[(E\d{7}|[a-z_]+)\b")


class _Cause(msgspec.Struct, rename="camel"):
    error_summary: str = ""


class OktaProblem(
    msgspec.Struct,
    rename={
        "error_code": "errorCode",
        "error_summary": "errorSummary",
        "error_id": "errorId",
        "error_causes": "errorCauses",
    },
):
    """The body of a refusal: Okta's own shape, or OAuth's (the last two members) on ``/oauth2/*``."""

    error_code: str = ""
    error_summary: str = ""
    error_id: str = ""
    error_causes: list[_Cause] = []
    error: str = ""
    error_description: str = ""

    @property
    def code(self) -> str:
        """Okta's code or OAuth's error word."""
        return self.error_code or self.error


_PROBLEM = msgspec.json.Decoder(OktaProblem)


def problem_of(response: httpx.Response) -> OktaProblem:
    """What the body says; empty for a gateway's page or anything else that is not Okta's."""
    try:
        return _PROBLEM.decode(response.content)
    except (*UNREADABLE, httpx.ResponseNotRead):
        return OktaProblem()


def explain(response: httpx.Response) -> str:
    """One sentence for an error answer: the meaning, Okta's own words, the code and the ids for Okta's support."""
    problem = problem_of(response)
    challenge = _CHALLENGE.search(response.headers.get("www-authenticate", ""))
    # The challenge is the more exact: the body then only says that a token is bad or a permission missing.
    code = challenge.group(1) if challenge else problem.code
    if not code:
        return ""
    own = [problem.error_summary or problem.error_description]
    own += [cause.error_summary for cause in problem.error_causes]
    said = "; ".join(text for text in own if text)
    ids = [code]
    if problem.error_id:
        ids.append(f"errorId {problem.error_id}")
    request_id = response.headers.get("x-okta-request-id", "")
    if request_id:
        ids.append(f"request {request_id}")
    # The ids stand before Okta's own words: a long sentence is cut at its end.
    return f"{_MEANINGS.get(code, 'Okta refused')} [{', '.join(ids)}]" + (f": {said}" if said else "")


def code_of(error: CrosskeyError) -> str:
    """Okta's code in an error whose sentence :func:`explain` wrote, or nothing."""
    found = _CODE.search(error.message)
    return found.group(1) if found else ""


def is_gone(error: RejectedError) -> bool:
    """Whether Okta says for certain that the object does not exist; any other 404 proves nothing."""
    return error.status == 404 and code_of(error) == "E0000007"


def is_bad_cursor(error: RejectedError) -> bool:
    """Whether a page's cursor is no longer good: the listing must start again, and is never "finished"."""
    return error.status == 400 and code_of(error) in ("E0000029", "E0000031")
