"""The HTTP side of a desk: gate (latency, budget, token, rights, faults), then lists, single records, POST and DELETE.

Rules followed: only GET, POST and DELETE; resource names whatever their case; POST answers 201 with ONE object for
one record and an array for several; 401 without a valid token; 403 and 404 without a body; 400 as a serialised .NET
exception; 429 with a text that states the limit after ``budget`` requests in any rolling window. The 429's wording
and whether refused requests count (here they do not) are synthetic.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, cast

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crosskey_sandbox.halo.desk import HaloDesk, RequestLog, Write
from crosskey_sandbox.halo.faults import Fault
from crosskey_sandbox.halo.listing import list_body
from crosskey_sandbox.halo.records import Key
from crosskey_sandbox.halo.rows import ENCODER, single
from crosskey_sandbox.halo.saving import MODELS, BadItem, Draft, draft, save
from crosskey_sandbox.halo.sign_in import SignIn, may

__all__ = ("halo_app",)

ABORT: Final = "crosskey.abort"
"""Extension of the ASGI scope by which the server closes a connection without an answer."""


def halo_app(desk: HaloDesk) -> Starlette:
    """The desk as an ASGI application: serve it with :func:`crosskey_sandbox.server.serving`."""
    sign_in = SignIn(desk)
    api = _Api(desk, sign_in)
    methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    return Starlette(
        routes=[
            Route("/auth/token", sign_in.token, methods=["POST"]),
            Route("/auth/.well-known/openid-configuration", sign_in.configuration),
            Route("/api/{resource}", api.answer, methods=methods),
            Route("/api/{resource}/{key}", api.answer, methods=methods),
        ]
    )


class _Api:
    """Everything under ``/api``."""

    def __init__(self, desk: HaloDesk, sign_in: SignIn) -> None:
        self.desk = desk
        self.sign_in = sign_in
        self.recent: deque[float] = deque()
        self.names = {name.lower(): name for name in (*desk.tables, "InstanceInfo", "Control")}

    async def answer(self, request: Request) -> Response:
        """Gate, fault, work, log."""
        desk = self.desk
        named = str(request.path_params["resource"]).lower()
        if named == "authinfo":
            return self.sign_in.auth_info(request)
        resource = self.names.get(named, "")
        template = f"/api/{resource or '*'}" + ("/{id}" if "key" in request.path_params else "")
        body = await request.body()
        desk.faults.due(desk.clock.monotonic())
        if desk.quirks.latency_ms:
            await desk.clock.sleep(desk.quirks.latency_ms / 1000)
        response = self._gate(request, resource) or await self._carry_out(request, resource, body)
        status = response.status_code if response else 0
        desk.requests.append(RequestLog(request.method, template, dict(request.query_params), status))
        return response or await _hang_up(request)

    def _gate(self, request: Request, resource: str) -> Response | None:
        """What refuses a request before Halo looks at it."""
        quirks, now = self.desk.quirks, self.desk.clock.monotonic()
        if quirks.budget:
            while self.recent and self.recent[0] <= now - quirks.budget_seconds:
                self.recent.popleft()
            if len(self.recent) >= quirks.budget:
                wait = self.recent[0] + quirks.budget_seconds - now
                headers = {"Retry-After": str(int(wait) + 1)} if quirks.retry_after else None
                return PlainTextResponse(_throttle_text(self.desk), 429, headers)
            self.recent.append(now)
        scopes = self.sign_in.scopes_of(request)
        if scopes is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if not resource:
            return Response(status_code=404)
        if (resource == "TicketApproval" and quirks.approvals == "none") or (
            resource == "SingleSignOnApplication" and quirks.single_sign_on == "control"
        ):
            return Response(status_code=404)
        if resource in quirks.forbidden or not may(scopes, request.method, resource):
            return Response(status_code=403)
        return None

    async def _carry_out(self, request: Request, resource: str, body: bytes) -> Response | None:
        """Do it, unless a fault comes between; ``None``: the connection closes without an answer."""
        fault = self.desk.faults.next(request.method, resource)
        if fault is None:
            return self._work(request, resource, body)
        return self._faulty(fault, lambda: self._work(request, resource, body))

    def _faulty(self, fault: Fault, work: Callable[[], Response]) -> Response | None:
        if fault.effect in {"error_after", "lost_after"}:
            work()
        elif fault.effect == "late":
            self.desk.faults.postpone(self.desk.clock.monotonic() + fault.delay, work)
        match fault.effect:
            case "error_before" | "error_after":
                return PlainTextResponse("Internal Server Error", 500)
            case "unavailable":
                return PlainTextResponse("Service Unavailable", 503)
            case "throttled":
                return PlainTextResponse(_throttle_text(self.desk), 429)
            case "truncated":
                whole = work()
                return Response(
                    bytes(whole.body)[: len(whole.body) // 2], whole.status_code, media_type="application/json"
                )
            case "html":
                return Response("<!DOCTYPE html><html><title>Sign in</title></html>", media_type="text/html")
            case "lost_before" | "lost_after" | "late":
                return None

    def _work(self, request: Request, resource: str, body: bytes) -> Response:
        key = str(request.path_params.get("key", ""))
        query = {name.lower(): value for name, value in request.query_params.items()}
        try:
            if resource in {"InstanceInfo", "Control"} and request.method == "GET":
                return _json(self.desk.control if resource == "Control" else self._instance(request))
            if request.method == "GET":
                return self._one(resource, key, query) if key else _bytes(list_body(self.desk, resource, query))
            if request.method == "POST" and not key and resource in MODELS:
                return self._post(resource, body)
            if request.method == "DELETE" and key:
                return self._delete(resource, key)
        except BadItem as bad:
            return self._bad(str(bad))
        return Response(status_code=405)

    def _one(self, resource: str, key: str, query: dict[str, str]) -> Response:
        """One record; ``me`` is the agent that the application acts as."""
        if resource == "Agent" and key.lower() == "me":
            key = str(self.desk.application.agent_id)
        record = self.desk.tables[resource].get(_key(resource, key))
        if record is None:
            return Response(status_code=404)
        return _json(single(self.desk, record, details=query.get("includedetails", "").lower() == "true"))

    def _delete(self, resource: str, key: str) -> Response:
        found = _key(resource, key)
        if found not in self.desk.tables[resource]:
            return Response(status_code=404)
        row = single(self.desk, self.desk.tables[resource][found], details=False)
        before = self.desk.drop(resource, found)
        self.desk.writes.append(Write(resource, "delete", found, before, None, self.desk.clock.monotonic()))
        return _json(row)

    def _post(self, resource: str, body: bytes) -> Response:
        """An array of records, or one bare object."""
        quirks = self.desk.quirks
        try:
            posted = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._bad("Unexpected character encountered while parsing value.")
        items = cast("list[object]", posted) if isinstance(posted, list) else [cast("object", posted)]
        if not items:
            return self._bad("Object reference not set to an instance of an object.")
        if quirks.batch_limit and len(items) > quirks.batch_limit:
            return self._bad(f"The maximum number of records is {quirks.batch_limit}.")
        if quirks.many_saved == "first":
            items = items[:1]
        rows = self._save_all(resource, items)
        answer = rows[0] if len(rows) == 1 or quirks.many_reply == "object" else rows
        return Response(ENCODER.encode(answer), quirks.post_status, media_type="application/json")

    def _save_all(self, resource: str, items: list[object]) -> list[dict[str, object]]:
        """Save in order; what one bad record does to the others is a switch. Raises :class:`BadItem`."""
        desk, rule = self.desk, self.desk.quirks.bad_item
        if rule == "refuse_all":
            mark = len(desk.writes), len(desk.session_ends)
            try:
                return [self._save_one(resource, item) for item in items]
            except BadItem:
                desk.undo(*mark)
                raise
        rows: list[dict[str, object]] = []
        for item in items:
            try:
                rows.append(self._save_one(resource, item))
            except BadItem as bad:
                if rule == "save_before" or len(items) == 1:
                    raise
                rows.append(_exception(str(bad)))
        return rows

    def _save_one(self, resource: str, item: object) -> dict[str, object]:
        ready: Draft = draft(self.desk, resource, item)
        save(self.desk, resource, ready)
        row = single(self.desk, ready.after, details=True)
        if ready.warning:
            row["_warning"] = ready.warning
        if ready.demand:
            row["check_reassign01"] = True
        return row

    def _instance(self, request: Request) -> dict[str, object]:
        """``/InstanceInfo``: licences, versions, addresses."""
        base = str(request.base_url).rstrip("/")
        return {
            "dbid": 1,
            "app_name": "HaloITSM" if self.desk.product == "itsm" else "HaloPSA",
            "app_version": "2.216.1",
            "database_version": "2.216.1",
            "agent_count": self.desk.seats_used(),
            "licensed_agent_count": self.desk.seats,
            "online_agent_count": 0,
            "agent_url": base,
            "portal_url": f"{base}/portal",
            "auth_url": f"{base}/auth",
        }

    def _bad(self, message: str) -> Response:
        """A 400 in the shape the switch names."""
        match self.desk.quirks.error_body:
            case "exception":
                body = _exception(message)
            case "message":
                body = {"Message": message}
            case "error":
                body = {"error": message}
            case "result":
                body = {"resultCode": 1, "errorMessage": message}
        return Response(ENCODER.encode(body), 400, media_type="application/json")


def _exception(message: str) -> dict[str, object]:
    """A serialised .NET exception, with the members that serialisation always writes."""
    return {
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,
        "Source": None,
        "WatsonBuckets": None,
    }


def _throttle_text(desk: HaloDesk) -> str:
    """The text of a 429: it states the limit; the wording is synthetic."""
    return f"You have exceeded {desk.quirks.budget} requests per {desk.quirks.budget_seconds:.0f} seconds."


async def _hang_up(request: Request) -> Response:
    """Close the connection without an answer."""
    abort = cast("Callable[[], Awaitable[None]] | None", request.scope.get("extensions", {}).get(ABORT))
    if abort is None:
        raise ConnectionAbortedError("the local Halo dropped the connection")
    await abort()
    await asyncio.sleep(0)
    return Response()


def _key(resource: str, text: str) -> Key:
    return text if resource == "Roles" else int(text) if text.isdigit() else -1


def _json(value: object) -> Response:
    return _bytes(ENCODER.encode(value))


def _bytes(body: bytes) -> Response:
    return Response(body, media_type="application/json")
