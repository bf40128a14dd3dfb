"""The endpoints under ``/users`` and ``/groups``."""

from __future__ import annotations

from crosskey_sandbox.entra.call import Answer, Call
from crosskey_sandbox.entra.delta import delta
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.listing import collection, count, one_of, relationship
from crosskey_sandbox.entra.schema import SCHEMAS, Sort
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = (
    "count_groups",
    "count_users",
    "delete_group",
    "delete_user",
    "direct_reports",
    "group",
    "groups",
    "groups_delta",
    "manager",
    "member_of",
    "members",
    "transitive_member_of",
    "transitive_members",
    "user",
    "users",
    "users_delta",
)


def users(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users``: eleven properties unless ``$select`` names others."""
    return collection(tenant, call, "user")


def count_users(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/$count``."""
    del tenant
    return count(call, "user")


def users_delta(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/delta``."""
    return delta(tenant, call, "user")


def user(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/{id}`` by id or principal name; a deleted user is 404."""
    return one_of(tenant, call, call.view.find(call.params["id"], "user"))


def manager(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/{id}/manager``: 404 when there is none."""
    boss = call.view.live(call.view.find(call.params["id"], "user").manager)
    if boss is None:
        raise GraphError.missing("manager")
    return one_of(tenant, call, boss)


def direct_reports(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/{id}/directReports``: whoever has the user as manager."""
    return relationship(tenant, call, tenant.reports(call.view, call.view.find(call.params["id"], "user").id))


def member_of(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/{id}/memberOf``: the groups that hold the user itself."""
    found = call.view.above(call.view.find(call.params["id"]).id, all_levels=False)
    return relationship(tenant, call, found, _cast(call))


def transitive_member_of(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /users/{id}/transitiveMemberOf``: and the groups that hold those."""
    found = call.view.above(call.view.find(call.params["id"]).id, all_levels=True)
    return relationship(tenant, call, found, _cast(call))


def delete_user(tenant: EntraTenant, call: Call) -> Answer:
    """``DELETE /users/{id}``: into the recycle bin."""
    tenant.directory.delete(call.view.find(call.params["id"], "user").id)
    return Answer(status=204)


def groups(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups``."""
    return collection(tenant, call, "group")


def count_groups(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups/$count``."""
    del tenant
    return count(call, "group")


def groups_delta(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups/delta``: with ``members@delta`` unless ``$select`` leaves members out."""
    return delta(tenant, call, "group")


def group(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups/{id}``: by id only, names are not unique."""
    return one_of(tenant, call, call.view.find(call.params["id"], "group"))


def members(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups/{id}/members``: direct members of any type, or of one after a cast."""
    return relationship(tenant, call, call.view.places(_group_id(call)), _cast(call))


def transitive_members(tenant: EntraTenant, call: Call) -> Answer:
    """``GET /groups/{id}/transitiveMembers``: each once; the groups on the way are among them."""
    return relationship(tenant, call, tenant.within(call.view, _group_id(call)), _cast(call))


def delete_group(tenant: EntraTenant, call: Call) -> Answer:
    """``DELETE /groups/{id}``: into the recycle bin."""
    tenant.directory.delete(_group_id(call))
    return Answer(status=204)


def _group_id(call: Call) -> str:
    return call.view.find(call.params["id"], "group").id


def _cast(call: Call) -> Sort | None:
    name = call.params.get("cast")
    if name is None:
        return None
    for sort in SCHEMAS:
        if name == f"microsoft.graph.{sort}":
            return sort
    raise GraphError.bad_request(f"Resource not found for the segment '{name}'.", "BadRequest")
