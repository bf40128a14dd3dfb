"""Who is in which group. A user's own ``groups`` cannot be written (RFC 7643 §4.1.2), so groups are read and written.

Only members who are added or taken away are named in a write: whoever somebody else put into a group stays in it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from typing import Any, cast

import msgspec
from crosskey import Catalogue, CatalogueEntry, RejectedError, RetryableError

from crosskey_scim.accounts import GROUP
from crosskey_scim.directory import Directory, Operation, version_of
from crosskey_scim.places import Resource

__all__ = ("Memberships",)


class Memberships:
    """The service's groups."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def catalogue(self) -> Catalogue:
        """All groups by name; their members are not asked for."""
        found = [group async for group in self._all({"excludedAttributes": "members"})]
        return Catalogue(
            tuple(CatalogueEntry(GROUP, group["id"], str(group.get("displayName") or group["id"])) for group in found)
        )

    async def by_user(self) -> dict[str, tuple[str, ...]]:
        """Ids of groups by id of user; a list of all groups, whoever is asked for."""
        held: dict[str, dict[str, None]] = {}
        async for group in self._all({"attributes": "displayName,members"}):
            for member in _members(group):
                held.setdefault(member, {})[group["id"]] = None
        return {user: tuple(sorted(groups)) for user, groups in held.items()}

    async def write(self, group: str, *, add: AbstractSet[str], remove: AbstractSet[str]) -> None:
        """Put users into a group and take others out. Raises what the service said when it is not done.

        A refusal may be about something that is so already (RFC 7644 §3.5.2.2 refuses to take out who is not in), and
        an answer may be lost: then the group is looked at, and only what is missing is written, once more.
        """
        try:
            await self._write(group, add, remove)
        except (RejectedError, RetryableError):
            now = _members(await self._one(group))
            add, remove = add - now, remove & now
            if add or remove:
                await self._write(group, add, remove)

    async def _write(self, group: str, add: AbstractSet[str], remove: AbstractSet[str]) -> None:
        endpoint = (await self._directory.service()).groups
        if (await self._directory.service()).patch:
            await self._directory.patch(endpoint, group, _operations(add, remove))
            return
        found = await self._one(group)
        kept = [each for each in _rows(found) if each.get("value") not in remove | add]
        whole = {**found, "members": [*kept, *({"value": user} for user in sorted(add))]}
        await self._directory.put(endpoint, group, whole, version_of(found))

    async def _one(self, group: str) -> Resource:
        found = await self._directory.one((await self._directory.service()).groups, group)
        if found is None:
            raise RejectedError("the group is not there any more", code="scim-no-group", where=self._directory.where)
        return found

    async def _all(self, params: dict[str, str]) -> AsyncGenerator[Resource]:
        endpoint = (await self._directory.service()).groups
        if not endpoint:
            return
        async with aclosing(self._directory.pages(endpoint, params)) as pages:
            async for page in pages:
                for group in page:
                    yield group


def _operations(add: Iterable[str], remove: Iterable[str]) -> list[Operation]:
    values = [{"value": user} for user in sorted(add)]
    added: list[Operation] = [{"op": "add", "path": "members", "value": values}] if values else []
    return [*added, *({"op": "remove", "path": f"members[value eq {_quoted(user)}]"} for user in sorted(remove))]


def _rows(group: Resource) -> list[dict[str, Any]]:
    members = group.get("members")
    return [each for each in cast("list[Any]", members) if isinstance(each, dict)] if isinstance(members, list) else []


def _members(group: Resource) -> frozenset[str]:
    """Ids of the users in it; groups may be in it too."""
    rows = [each for each in _rows(group) if str(each.get("type") or "User").casefold() == "user"]
    return frozenset(each["value"] for each in rows if isinstance(each.get("value"), str))


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
