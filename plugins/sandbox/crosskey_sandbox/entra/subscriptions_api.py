"""The endpoints under ``/subscriptions``."""

from __future__ import annotations

from crosskey_sandbox.entra.call import Answer, Call, reply
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.permissions import READS, any_of
from crosskey_sandbox.entra.subscriptions import Row
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = ("create", "list_all", "prolong", "read", "reauthorize", "remove")

_NEEDS = {"users": READS["user"], "groups": any_of("Group.Read.All", "Directory.Read.All")}
"""Members of groups alone are not enough to subscribe to groups."""


def list_all(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /subscriptions``: the app's own."""
    rows = [one.row() for one in tenant.subscriptions.live(call.grant.client_id)]
    return reply({"@odata.context": call.context("subscriptions"), "value": rows})


def create(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /subscriptions``: 201, once the gateway has heard from its addresses."""
    document = call.document()
    needed = _NEEDS.get(str(document.get("resource") or "").strip("/"), READS["user"])
    if not call.grant.roles & needed:
        raise GraphError.denied()
    made = tenant.subscriptions.create(document, call.grant.client_id)
    return _one(call, {**made.row(), "clientState": made.client_state or None}, 201)


def read(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /subscriptions/{id}``."""
    return _one(call, tenant.subscriptions.find(call.params["id"], call.grant.client_id).row())


def prolong(tenant: EntraTenant, call: Call) -> Answer:
    """``PATCH /subscriptions/{id}``: another end."""
    found = tenant.subscriptions.find(call.params["id"], call.grant.client_id)
    tenant.subscriptions.prolong(found, call.document())
    return _one(call, found.row())


def reauthorize(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /subscriptions/{id}/reauthorize``: the end stays."""
    tenant.subscriptions.find(call.params["id"], call.grant.client_id).warned = False
    return Answer(status=204)


def remove(tenant: EntraTenant, call: Call) -> Answer:
    """``DELETE /subscriptions/{id}``."""
    tenant.subscriptions.remove(tenant.subscriptions.find(call.params["id"], call.grant.client_id))
    return Answer(status=204)


def _one(call: Call, row: Row, status: int = 200) -> Answer:
    return reply({"@odata.context": f"{call.context('subscriptions')}/$entity", **row}, status)
