"""Microsoft Graph's application permissions, as far as this tenant knows them, and what each lets an app read.

Ids are those of the real Graph service principal, which are the same in every tenant.
"""

from __future__ import annotations

from crosskey_sandbox.entra.schema import Sort

__all__ = ("GRAPH_APP_ID", "PERMISSIONS", "READS", "any_of")

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

PERMISSIONS: dict[str, str] = {
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Device.Read.All": "7438b122-aefc-4978-80ed-43db9fcc7715",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    # what this sandbox's own writes need; the ids are not recorded, so these are made up
    "User.ReadWrite.All": "00000000-0000-4000-8000-000000000001",
    "Group.ReadWrite.All": "00000000-0000-4000-8000-000000000002",
}


def any_of(*names: str) -> frozenset[str]:
    """One of these is enough. Misspelling one fails at import."""
    return frozenset(name for name in names if PERMISSIONS[name])


READS: dict[Sort, frozenset[str]] = {
    "user": any_of("User.Read.All", "User.ReadWrite.All", "Directory.Read.All"),
    "group": any_of("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"),
    "servicePrincipal": any_of(
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
    ),
    "device": any_of("Device.Read.All", "Directory.Read.All"),
}
"""A member of a collection whose type the app may not read comes with type and id, and null for the rest."""
