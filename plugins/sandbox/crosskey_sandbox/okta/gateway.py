"""From a request to its answer: credentials, rate, rights, handler; then the headers that every answer carries."""

from __future__ import annotations

from email.utils import format_datetime

import msgspec

from crosskey.clock import SystemClock
from crosskey_sandbox.okta.access import Principal, Rights, covers
from crosskey_sandbox.okta.call import Answer, Call
from crosskey_sandbox.okta.dpop import ALGORITHMS
from crosskey_sandbox.okta.errors import ApiError, OAuthError, OktaError
from crosskey_sandbox.okta.faults import GATEWAY_PAGE
from crosskey_sandbox.okta.org import OktaOrg, Seen
from crosskey_sandbox.okta.quirks import Fault
from crosskey_sandbox.okta.routes import Operation

__all__ = ("NOBODY", "answer", "refuse")

NOBODY = Principal(key="nobody", rights=Rights(reads=False))
_EMPTY_FOR_NO_ROLE = "/api/v1/users"  # the one list that answers [] instead of 403


def answer(org: OktaOrg, operation: Operation, call: Call) -> Answer:
    """Answer one request; never raises for anything a client can do."""
    with org.cell.lock:
        rates: dict[str, str] = {}
        fault = org.faults.due(call.path)
        try:
            _spoil(org, operation, fault)
            principal = _authenticate(org, operation, call)
            if operation.bucket is not None:
                rates = org.limits.spend(principal.key, operation.bucket)
            _authorize(operation, call, principal)
            given = operation.handler(org, msgspec.structs.replace(call, principal=principal))
        except OktaError as error:
            given = _refusal(org, error)
        except _Page as page:
            given = Answer(status=page.status, body=GATEWAY_PAGE, media_type="text/html")
        if fault is not None and fault.kind == "truncated":
            given.body = given.body[: len(given.body) // 2]
        given.headers = [*given.headers, *rates.items()]
        return _finish(org, given, operation.method, operation.template)


def refuse(org: OktaOrg, error: OktaError, method: str, template: str) -> Answer:
    """The answer for a request that never reached a handler."""
    with org.cell.lock:
        return _finish(org, _refusal(org, error), method, template)


class _Page(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, status: int) -> None:
        self.status = status


def _spoil(org: OktaOrg, operation: Operation, fault: Fault | None) -> None:
    if fault is None or fault.kind == "truncated":
        return
    if fault.kind == "html":
        raise _Page(fault.status or 503)
    if fault.kind == "minute_429":
        raise org.limits.exceeded(operation.bucket or "other", fault.wait)
    if fault.kind == "concurrency_429":
        raise org.limits.crowded(fault.wait)
    raise ApiError("E0000010" if fault.status == 503 else "E0000009", status=fault.status)


def _authenticate(org: OktaOrg, operation: Operation, call: Call) -> Principal:
    if operation.scope is None:
        return NOBODY
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme == "SSWS":
        return org.access.api_token(token)
    if scheme not in {"Bearer", "DPoP"}:
        raise ApiError("E0000005")
    grant = org.access.grant(token, scheme)
    if grant.thumbprint is not None:
        _prove(org, call, scheme, token, grant.thumbprint)
    client = grant.client
    return Principal(key=client.client_id, rights=client.rights, scopes=grant.scopes, scheme=scheme)


def _prove(org: OktaOrg, call: Call, scheme: str, token: str, thumbprint: str) -> None:
    proof = call.headers.get("dpop")
    url, nonce = f"{call.base}{call.path}", org.quirks.resource_nonce
    try:
        if scheme != "DPoP" or proof is None:
            found = None
        else:
            found = org.proofs.check(proof, method=call.method, url=url, token=token, nonce=nonce)
    except OAuthError as error:
        raise _unproven(error) from error
    if found is None:
        raise _unproven(OAuthError("invalid_dpop_proof", "The DPoP proof JWT header is missing."))
    if found != thumbprint:
        raise _unproven(OAuthError("invalid_dpop_proof", "The DPoP proof is not made with the key of the token."))


def _unproven(error: OAuthError) -> ApiError:
    algorithms = " ".join(ALGORITHMS)
    challenge = f'DPoP algs="{algorithms}", error="{error.error}", error_description="{error.description}"'
    return ApiError("E0000011", headers={"www-authenticate": challenge, **error.headers})


def _authorize(operation: Operation, call: Call, principal: Principal) -> None:
    """A missing scope or role is 403 E0000006, but the users list gives an app without a role ``[]``."""
    if operation.scope is None:
        return
    if principal.scopes is not None and not covers(principal.scopes, operation.scope):
        host = call.base.replace("https://", "http://")
        algorithms = f'algs="{" ".join(ALGORITHMS)}", ' if principal.scheme == "DPoP" else ""
        challenge = (
            f'{principal.scheme} {algorithms}authorization_uri="{host}/oauth2/v1/authorize", realm="{host}", '
            f'scope="{operation.scope}", error="insufficient_scope", '
            'error_description="The access token provided does not contain the required scopes.", '
            f'resource="{call.path}"'
        )
        raise ApiError("E0000006", headers={"www-authenticate": challenge})
    rights = principal.rights
    if rights.reads and (rights.writes or not operation.writes):
        return
    if rights.reads or operation.writes or operation.template != _EMPTY_FOR_NO_ROLE:
        raise ApiError("E0000006")


def _refusal(org: OktaOrg, error: OktaError) -> Answer:
    body = error.body(f"oae{org.cell.noise(22)}")
    if org.quirks.empty_scope_error and "insufficient_scope" in error.headers.get("www-authenticate", ""):
        body = b""
    return Answer(status=error.status, body=body, headers=list(error.headers.items()))


def _finish(org: OktaOrg, given: Answer, method: str, template: str) -> Answer:
    org.requests.append(Seen(method, template, given.status))
    if org.quirks.joined_links:
        links = [value for name, value in given.headers if name == "link"]
        others = [(name, value) for name, value in given.headers if name != "link"]
        given.headers = [*others, *([("link", ", ".join(links))] if links else [])]
    given.headers += [("server", "nginx"), ("x-okta-request-id", org.cell.noise(32))]
    if not isinstance(org.cell.clock, SystemClock):  # on the machine's clock the server's own Date is right
        given.headers.append(("date", format_datetime(org.cell.clock.now(), usegmt=True)))
    if not any(name == "cache-control" for name, _ in given.headers):
        given.headers.append(("cache-control", "no-cache, no-store"))
    return given
