"""From a request to its answer: token, faults, resource units, permissions, handler; then what every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import urlsplit

import msgspec

from crosskey.clock import SystemClock
from crosskey_sandbox.entra.apps import Grant
from crosskey_sandbox.entra.batch import run_batch
from crosskey_sandbox.entra.call import Answer, Call, Request, reply
from crosskey_sandbox.entra.discovery import ANY_TENANT, discovery_document
from crosskey_sandbox.entra.errors import EntraError, GraphError, SignInError
from crosskey_sandbox.entra.faults import GATEWAY_PAGE, GatewayPage
from crosskey_sandbox.entra.limits import cost_of
from crosskey_sandbox.entra.odata import options
from crosskey_sandbox.entra.routes import BATCH, SUBSCRIBE, Operation, find_operation
from crosskey_sandbox.entra.tenant import EntraTenant, Seen
from crosskey_sandbox.entra.tokens import Authority, check_tenant

__all__ = ("graph_answer", "sign_in_answer")

_AGS = '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SANDBOX01"}}'


def graph_answer(tenant: EntraTenant, request: Request) -> Answer:
    """Answer one request to Graph; never raises for anything a client can do.

    A new subscription calls its own address first, without the lock: whoever is there may ask Graph meanwhile.
    """
    given = _answer(tenant, request)
    if (request.method, request.path, given.status) != ("POST", SUBSCRIBE, 201):
        return given
    made = next(one for one in tenant.subscriptions.live() if one.id == msgspec.json.decode(given.body)["id"])
    problem = tenant.courier.validate(made)
    if not problem:
        return given
    with tenant.cell.lock:
        tenant.subscriptions.remove(made)
        tenant.requests.remove(Seen("POST", SUBSCRIBE, 201))
        return _spoken_for(tenant, request, SUBSCRIBE, lambda: _invalid(problem))


def _invalid(problem: str) -> Answer:
    raise GraphError.bad_request(f"Subscription validation request failed. {problem}", "ValidationError")


def _answer(tenant: EntraTenant, request: Request) -> Answer:
    with tenant.cell.lock:
        tenant.directory.purge_due()
        if (request.method, request.path) == ("POST", BATCH):
            return _spoken_for(tenant, request, BATCH, lambda: _batch(tenant, request))
        found = find_operation(request.method, request.path)
        if found is None:
            return _spoken_for(tenant, request, request.path, lambda: _unknown(request))
        operation, params = found
        return _spoken_for(tenant, request, operation.template, lambda: _perform(tenant, request, operation, params))


def sign_in_answer(tenant: EntraTenant, request: Request, named: str, page: str) -> Answer:
    """Answer one request to the sign-in host: ``named`` is the tenant of its path, ``page`` what follows."""
    with tenant.cell.lock:
        authority = Authority(base=request.base, tenant=named, names=tenant.names, directory=tenant.name)
        fault = tenant.faults.due(request.path, following=False)
        try:
            tenant.faults.strike(fault, "")
            given = _sign_in(tenant, request, authority, page)
        except EntraError as error:
            given = _sign_in_refusal(tenant, request, error)
        tenant.requests.append(Seen(request.method, f"/{{tenant}}/{page}", given.status))
        given.headers |= {
            "cache-control": "no-store, no-cache" if page.endswith("token") else "max-age=86400, private",
            "x-ms-request-id": tenant.cell.guid(),
            "x-ms-ests-server": "2.1.0.0 - sandbox",
        }
        return _dated(tenant, given)


def _sign_in(tenant: EntraTenant, request: Request, authority: Authority, page: str) -> Answer:
    if page == "oauth2/v2.0/token":
        if authority.tenant in ANY_TENANT:
            message = "No tenant-identifying information found in either the request or implied by the credentials."
            raise SignInError(50059, "invalid_request", message)
        given = reply(tenant.tokens.answer(request.body, request.headers.get("authorization", ""), authority))
    else:
        if authority.tenant not in ANY_TENANT:
            check_tenant(authority)
        discovers = page.endswith("openid-configuration")
        given = reply(discovery_document(request.base, authority.tenant, tenant.id) if discovers else b'{"keys":[]}')
    given.media_type = "application/json; charset=utf-8"
    return given


def _sign_in_refusal(tenant: EntraTenant, request: Request, error: EntraError) -> Answer:
    if isinstance(error, GatewayPage):
        return Answer(status=error.status, body=GATEWAY_PAGE, media_type="text/html; charset=utf-8")
    if not isinstance(error, SignInError):  # a fault that speaks Graph: overload as the token endpoint says it
        overload = SignInError(90033, "temporarily_unavailable", "A transient error has occurred.", status=error.status)
        overload.headers = error.headers
        error = overload
    body = error.body(
        timestamp=tenant.cell.now().replace("T", " "),
        trace_id=tenant.cell.guid(),
        correlation_id=request.headers.get("client-request-id") or tenant.cell.guid(),
        base=request.base,
    )
    return Answer(
        status=error.status, body=body, headers=dict(error.headers), media_type="application/json; charset=utf-8"
    )


# --------------------------------------------------------------------------------------------------------------- Graph


def _perform(tenant: EntraTenant, request: Request, operation: Operation, params: dict[str, str]) -> Answer:
    grant = _grant(tenant, request)
    following = any(name.lower() == "$skiptoken" for name, _ in request.query)
    fault = tenant.faults.due(request.path, following=following)
    tenant.faults.strike(fault, grant.client_id)
    asked = options(request.query, request.headers)
    users = len(tenant.directory.order["user"])
    headers = tenant.limits.spend(grant.client_id, cost_of(operation.units, asked), users)
    try:
        if operation.roles is not None and not grant.roles & operation.roles:
            raise GraphError.denied()
        host = tenant.quirks.link_host
        shown = f"{urlsplit(request.base).scheme}://{host}" if host else request.base
        call = Call(request=request, params=params, options=asked, grant=grant, view=tenant.view(), shown=shown)
        given = operation.handler(tenant, call)
    except GraphError as error:
        error.headers = headers | error.headers
        raise
    given.headers = headers | given.headers
    if fault is not None and fault.kind == "truncated":
        given.body = given.body[: len(given.body) // 2]
    return given


def _batch(tenant: EntraTenant, request: Request) -> Answer:
    """The envelope costs nothing; its token is looked at before its items are."""
    grant = _grant(tenant, request)
    fault = tenant.faults.due(request.path, following=False)
    tenant.faults.strike(fault, grant.client_id)
    given = run_batch(tenant, request, lambda item: graph_answer(tenant, item))
    if fault is not None and fault.kind == "truncated":
        given.body = given.body[: len(given.body) // 2]
    return given


def _unknown(request: Request) -> Answer:
    if any(find_operation(method, request.path) for method in ("GET", "POST", "PATCH", "DELETE")):
        message = "Specified HTTP method is not allowed for the request target."
        raise GraphError(405, "Request_BadRequest", message)
    segment = request.path.rstrip("/").rpartition("/")[2]
    raise GraphError.bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")


def _grant(tenant: EntraTenant, request: Request) -> Grant:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise tenant.applications.empty()
    return tenant.applications.grant(token)


class _Ids(msgspec.Struct, frozen=True):
    request: str
    client: str


def _spoken_for(tenant: EntraTenant, request: Request, template: str, perform: Callable[[], Answer]) -> Answer:
    """Perform, turn a refusal into its answer, and write down what was asked."""
    own = tenant.cell.guid()
    ids = _Ids(own, request.headers.get("client-request-id") or own)
    try:
        given = perform()
    except GatewayPage as error:
        given = Answer(status=error.status, body=GATEWAY_PAGE, media_type="text/html; charset=utf-8")
    except GraphError as error:
        body = error.body(date=tenant.cell.now(), request_id=ids.request, client_request_id=ids.client)
        given = Answer(status=error.status, body=body, headers=dict(error.headers), media_type="application/json")
    tenant.requests.append(Seen(request.method, template, given.status, request.batched))
    if request.batched:
        given.headers.pop("x-ms-resource-unit", None)
        return given
    given.headers |= {
        "cache-control": "no-cache",
        "strict-transport-security": "max-age=31536000",
        "request-id": ids.request,
        "client-request-id": ids.client,
        "x-ms-ags-diagnostic": _AGS,
        "odata-version": "4.0",
    }
    return _dated(tenant, given)


def _dated(tenant: EntraTenant, given: Answer) -> Answer:
    """On the machine's clock the server's own Date is right."""
    if not isinstance(tenant.cell.clock, SystemClock):
        given.headers["date"] = format_datetime(tenant.cell.clock.now(), usegmt=True)
    return given
