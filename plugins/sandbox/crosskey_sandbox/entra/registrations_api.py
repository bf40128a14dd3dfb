"""The endpoints that make and change app registrations, service principals and assignments.

Rules followed: names are not unique; ``PATCH`` of ``web`` replaces the members that are sent; a secret is shown only by
``addPassword``; a service principal is made of its own, and may not be seen at once (switch ``fresh_misses``).
Which app made a registration is not looked at: ``OwnedBy`` reaches all of them here, which is synthetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from crosskey_sandbox.entra.call import Answer, Call, reply
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.registrations import Registration
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = ("add_password", "assign", "change", "create", "list_all", "make_principal", "patch_principal", "read")

_NAMED = "displayName eq '"


def list_all(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /applications``: this tenant filters by the whole name only."""
    call.options.only("$filter", "$top")
    asked = call.options.filter or ""
    if not (asked.startswith(_NAMED) and asked.endswith("'")):
        raise GraphError.unsupported("Unsupported Query.")
    name = asked.removeprefix(_NAMED)[:-1].replace("''", "'").casefold()
    rows = [_row(each) for each in tenant.registrations.made.values() if each.name.casefold() == name]
    return reply({"@odata.context": call.context("applications"), "value": rows})


def read(tenant: EntraTenant, call: Call) -> Answer | None:
    """``GET /applications(appId='…')``; ``None`` for what was not made here."""
    found = tenant.registrations.by_app_id(call.params["id"].removeprefix("appId="))
    return None if found is None else reply({"@odata.context": call.context("applications/$entity"), **_row(found)})


def create(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /applications``: 201; two may have one name."""
    document = call.document()
    name = document.pop("displayName", None)
    if not isinstance(name, str) or not name:
        raise GraphError.bad_request("A value is required for property 'displayName' of resource 'Application'.")
    return reply(_row(tenant.registrations.create(name, document)), 201)


def change(tenant: EntraTenant, call: Call) -> Answer:
    """``PATCH /applications/{id}``: 204."""
    registration = _found(tenant, call)
    document = call.document()
    web = document.pop("web", None)
    if web is not None:
        there = cast("Mapping[str, object]", registration.values.get("web") or {})
        registration.values["web"] = {**there, **cast("dict[str, object]", web)}
    registration.values.update(document)
    return Answer(status=204)


def add_password(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /applications/{id}/addPassword``: the only answer that ever holds the secret."""
    asked = cast("dict[str, Any]", call.document().get("passwordCredential") or {})
    secret = tenant.registrations.add_secret(_found(tenant, call))
    return reply({"displayName": asked.get("displayName"), "secretText": secret, "hint": secret[:3]})


def make_principal(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /servicePrincipals`` with ``appId``: 201, or 400 while the registration is not seen yet."""
    registration = tenant.registrations.by_app_id(str(call.document().get("appId") or ""))
    if registration is None or tenant.registrations.misses():
        raise GraphError.bad_request("When using this permission, the backing application must be in the local tenant.")
    record = tenant.registrations.make_principal(registration)
    return reply({"id": record.id, **record.values}, 201)


def patch_principal(tenant: EntraTenant, call: Call) -> Answer:
    """``PATCH /servicePrincipals/{id}``: 204, or 404 while it is not seen yet."""
    tenant.directory.update(_principal(tenant, call).id, call.document())
    return Answer(status=204)


def assign(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /servicePrincipals/{id}/appRoleAssignedTo``: 201; the same again is 400."""
    principal, document = _principal(tenant, call), call.document()
    who = str(document.get("principalId") or "")
    if any(made.principal_id == who for made in tenant.assignments.to(principal)):
        raise GraphError.bad_request("Permission being assigned already exists on the object")
    made = tenant.assignments.assign(principal.id, who, str(document.get("appRoleId") or ""))
    return Answer(status=201, body=msgspec.json.encode(made))


def _found(tenant: EntraTenant, call: Call) -> Registration:
    found = tenant.registrations.made.get(call.params["id"])
    if found is None:
        raise GraphError.missing(call.params["id"])
    return found


def _principal(tenant: EntraTenant, call: Call) -> Record:
    if tenant.registrations.misses():
        raise GraphError.missing(call.params["id"])
    return tenant.directory.find(call.params["id"], "servicePrincipal")


def _row(registration: Registration) -> dict[str, object]:
    return {
        "id": registration.id,
        "appId": registration.app_id,
        "displayName": registration.name,
        "tags": [],
        **registration.values,
        "passwordCredentials": [{"hint": each[:3], "secretText": None} for each in registration.secrets],
    }
