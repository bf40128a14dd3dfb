"""The groups of one person."""

from __future__ import annotations

from urllib.parse import quote

from crosskey_entra.graph import TOP, Graph
from crosskey_entra.groups import MEMBERS

__all__ = ("groups_of",)


async def groups_of(graph: Graph, person: str, *, transitive: bool) -> frozenset[str]:
    """Ids of the groups that hold a person, themselves or through other groups; one request for each 999.

    Directory roles and administrative units come in the same list, and are no groups. Raises for whoever is not there.
    """
    relation = "transitiveMemberOf" if transitive else "memberOf"
    path, template = f"/users/{quote(person, safe='')}/{relation}", f"/users/{{id}}/{relation}"
    found: set[str] = set()
    async for reply in graph.listing(path, MEMBERS, {"$select": "id", "$top": TOP}, template=template):
        found.update(row.id for row in reply.value.value if row.is_group)
    return frozenset(found)
