"""The endpoints under ``/api/v1/eventHooks``."""

from __future__ import annotations

import msgspec

from crosskey_sandbox.okta.call import Answer, Call, listing, reply
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.hooks import EventHook, HookRequest, without_secret
from crosskey_sandbox.okta.org import OktaOrg

__all__ = ("challenge", "create", "delete", "lifecycle", "list_hooks", "read", "replace")


def list_hooks(org: OktaOrg, call: Call) -> Answer:
    """``GET /eventHooks``: all at once."""
    return listing([msgspec.json.encode(_row(hook, call)) for hook in org.hooks.roll])


def read(org: OktaOrg, call: Call) -> Answer:
    """``GET /eventHooks/{id}``."""
    return reply(_row(org.hooks.find(call.params["id"]), call))


def create(org: OktaOrg, call: Call) -> Answer:
    """``POST /eventHooks``: active and unverified."""
    return reply(_row(org.hooks.create(_wanted(call), call.principal.user_id or ""), call))


def replace(org: OktaOrg, call: Call) -> Answer:
    """``PUT /eventHooks/{id}``."""
    return reply(_row(org.hooks.replace(call.params["id"], _wanted(call)), call))


def delete(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /eventHooks/{id}``: only when inactive."""
    org.hooks.delete(call.params["id"])
    return Answer(status=204)


async def challenge(org: OktaOrg, call: Call) -> None:
    """Before ``verify`` is answered, its receiver is: other requests go on meanwhile."""
    hook = org.hooks.roll.get(call.params["id"])
    if hook is not None and call.params["action"] == "verify":
        org.hooks.proved[hook.id] = await org.hooks.courier.challenge(hook.uri, hook.headers)


def lifecycle(org: OktaOrg, call: Call) -> Answer:
    """``POST /eventHooks/{id}/lifecycle/verify``, ``activate`` or ``deactivate``."""
    action, hook_id = call.params["action"], call.params["id"]
    if action == "verify":
        return reply(_row(org.hooks.verify(hook_id), call))
    if action not in {"activate", "deactivate"}:
        raise ApiError("E0000008")
    return reply(_row(org.hooks.set_active(hook_id, active=action == "activate"), call))


def _wanted(call: Call) -> HookRequest:
    try:
        return msgspec.json.decode(call.body, type=HookRequest)
    except msgspec.ValidationError as error:
        raise ApiError.invalid("eventHook", str(error)) from None
    except msgspec.DecodeError:
        raise ApiError("E0000003") from None


def _row(hook: EventHook, call: Call) -> dict[str, object]:
    href = f"{call.shown}/api/v1/eventHooks/{hook.id}"
    turn = "deactivate" if hook.status == "ACTIVE" else "activate"
    links: dict[str, object] = {"self": {"href": href}}
    for action in (turn, "verify") if turn == "deactivate" else (turn,):
        links[action] = {"href": f"{href}/lifecycle/{action}", "hints": {"allow": ["POST"]}}
    if turn == "activate":
        links["delete"] = {"href": href, "hints": {"allow": ["DELETE"]}}
    return {
        "id": hook.id,
        "status": hook.status,
        "verificationStatus": hook.verification_status,
        "name": hook.wanted.name,
        "created": hook.created,
        "createdBy": hook.created_by,
        "lastUpdated": hook.last_updated,
        "events": hook.wanted.events,
        "channel": without_secret(hook.wanted),
        "_links": links,
    }
