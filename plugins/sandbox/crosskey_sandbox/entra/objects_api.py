"""The endpoints of Graph that are not a user's or a group's: organization, recycle bin, applications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import msgspec

from crosskey_sandbox.entra import registrations_api
from crosskey_sandbox.entra.assignments import Assignment
from crosskey_sandbox.entra.call import Answer, Call, reply
from crosskey_sandbox.entra.cell import time_text
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.listing import any_writer, collection, listing, one_of, page, window, writer
from crosskey_sandbox.entra.permissions import any_of
from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.schema import SCHEMAS, Sort
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = (
    "application",
    "assigned_to",
    "assignments_of",
    "by_ids",
    "deleted_list",
    "deleted_one",
    "me",
    "organization",
    "purge",
    "restore",
    "service_principal",
    "service_principals",
)

_MOST_IDS = 1000
_BIN: dict[str, Sort] = {"microsoft.graph.user": "user", "microsoft.graph.group": "group"}
_BIN_READS = {
    "user": any_of("User.Read.All", "User.ReadWrite.All", "Directory.Read.All"),
    "group": any_of("Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"),
}
_BIN_WRITES = {"user": any_of("User.ReadWrite.All"), "group": any_of("Group.ReadWrite.All")}


def organization(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /organization``: one row."""
    used = sum(not record.deleted for record in tenant.directory.records.values())
    row: dict[str, object] = {
        "id": tenant.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "countryLetterCode": "GB",
        "displayName": tenant.name,
        "onPremisesSyncEnabled": None,
        "tenantType": "AAD",
        "directorySizeQuota": {"used": used, "total": 300_000},
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": name == tenant.domain,
                "isInitial": name == tenant.initial_domain,
                "name": name,
                "type": "Managed",
            }
            for name in (tenant.domain, tenant.initial_domain)
        ],
    }
    chosen = call.options.select
    if chosen is not None:
        row = {name: row.get(name) for name in chosen}
    return reply({"@odata.context": call.context("organization"), "value": [row]})


def me(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /me``: an application is nobody."""
    del tenant, call
    raise GraphError.bad_request("/me request is only valid with delegated authentication flow.", "BadRequest")


def by_ids(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /directoryObjects/getByIds``: what is not there is left out, without an error."""
    document = call.document()
    ids, types = document.get("ids"), document.get("types")
    if not isinstance(ids, list) or not 1 <= len(cast("list[object]", ids)) <= _MOST_IDS:
        raise GraphError.bad_request(f"'ids' must hold between 1 and {_MOST_IDS} ids.")
    kinds = [sort for sort in SCHEMAS if not isinstance(types, list) or sort in types]
    keys = [str(key) for key in dict.fromkeys(cast("list[object]", ids))]
    found = [key for key in keys if (record := call.view.live(key)) is not None and record.sort in kinds]
    write = any_writer(tenant, call)
    rows = [write(record) for key in found if (record := call.view.live(key)) is not None]
    return page(tenant, call, "directoryObjects", rows, None)


# ------------------------------------------------------------------------------------------------------- recycle bin


def deleted_list(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /directory/deletedItems/microsoft.graph.user``: the type is required."""
    sort = _BIN.get(call.params["type"])
    if sort is None:
        raise GraphError.bad_request(f"Resource not found for the segment '{call.params['type']}'.", "BadRequest")
    _allow(call, _BIN_READS[sort])
    name = f"directoryObjects/{SCHEMAS[sort].collection}"
    found = call.view.binned(sort)
    return listing(tenant, call, found, name, writer(tenant, call, sort), None, read=call.view.get)


def deleted_one(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /directory/deletedItems/{id}``."""
    record = _binned(tenant, call)
    _allow(call, _BIN_READS[record.sort])
    return one_of(tenant, call, record)


def restore(tenant: EntraTenant, call: Call) -> Answer:
    """``POST /directory/deletedItems/{id}/restore``: the object as it is again."""
    record = _binned(tenant, call)
    _allow(call, _BIN_WRITES[record.sort])
    return one_of(tenant, call, tenant.directory.restore(record.id))


def purge(tenant: EntraTenant, call: Call) -> Answer:
    """``DELETE /directory/deletedItems/{id}``: gone for good."""
    record = _binned(tenant, call)
    _allow(call, _BIN_WRITES[record.sort])
    tenant.directory.purge(record.id)
    return Answer(status=204)


def _binned(tenant: EntraTenant, call: Call) -> Record:
    record = tenant.directory.records.get(call.params["id"])
    if record is None or not record.deleted or record.sort not in _BIN_READS:
        raise GraphError.missing(call.params["id"])
    return record


def _allow(call: Call, roles: frozenset[str]) -> None:
    if not call.grant.roles & roles:
        raise GraphError.denied()


# ------------------------------------------------------------------------------------------------------ applications


def service_principals(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /servicePrincipals``."""
    return collection(tenant, call, "servicePrincipal")


def service_principal(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /servicePrincipals/{id}`` and ``/servicePrincipals(appId='…')``."""
    return one_of(tenant, call, _principal(call))


def application(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /applications(appId='…')``: a registration with the ends of its credentials, never their values."""
    made = registrations_api.read(tenant, call)
    if made is not None:
        return made
    app = tenant.applications.registered.get(call.params["id"].removeprefix("appId="))
    if app is None or not call.params["id"].startswith("appId="):
        raise GraphError.missing(call.params["id"])
    secrets = [(secret.value[:3], secret.expires) for secret in app.secrets]
    keys = [(certificate.sha1, certificate.ends) for certificate in app.certificates]
    row: dict[str, object] = {
        "id": app.principal_id,
        "appId": app.client_id,
        "displayName": app.name,
        "passwordCredentials": [{"hint": hint, "secretText": None, "endDateTime": _end(end)} for hint, end in secrets],
        "keyCredentials": [{"customKeyIdentifier": key, "key": None, "endDateTime": _end(end)} for key, end in keys],
    }
    names = call.options.select or tuple(row)
    return reply(
        {"@odata.context": f"{call.context('applications')}/$entity", **{name: row.get(name) for name in names}}
    )


def _end(moment: float | None) -> str | None:
    return None if moment is None else time_text(datetime.fromtimestamp(moment, UTC))


def assigned_to(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /servicePrincipals/{id}/appRoleAssignedTo``: who may use the application."""
    return _assignments(tenant, call, tenant.assignments.to(_principal(call)))


def assignments_of(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /servicePrincipals/{id}/appRoleAssignments``: what the application may use (its granted permissions)."""
    return _assignments(tenant, call, tenant.assignments.of(_principal(call), tenant.graph))


def _principal(call: Call) -> Record:
    key = call.params["id"]
    if not key.startswith("appId="):
        return call.view.find(key, "servicePrincipal")
    every = (call.view.live(found) for found in call.view.order("servicePrincipal"))
    wanted = key.removeprefix("appId=")
    found = next((record for record in every if record is not None and record.values.get("appId") == wanted), None)
    if found is None:
        raise GraphError.missing(wanted)
    return found


def _assignments(tenant: EntraTenant, call: Call, rows: list[Assignment]) -> Answer:
    call.options.only("$top")
    start, size = window(tenant, call)
    end = start + size
    written = [msgspec.json.encode(row) for row in rows[start:end]]
    return page(tenant, call, "appRoleAssignments", written, end if end < len(rows) else None)
