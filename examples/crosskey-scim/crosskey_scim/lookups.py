"""Looking single users up, by id, by marker (``externalId``) or by what a field holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from crosskey import Account, Change, ContractError, Lookup, RejectedError

from crosskey_scim.accounts import MEMBER_OF, account_of, marker_of
from crosskey_scim.directory import Directory
from crosskey_scim.memberships import Memberships
from crosskey_scim.places import Place, Resource
from crosskey_scim.service import Service

__all__ = ("Lookups", "by_marker", "by_value")

_INVALID_FILTER = 400  # RFC 7644 §3.4.2.2
_AT_ONCE = 20
"""So many comparisons stand in one filter, that its address stays short."""


class Lookups:
    """Finds users. A service that cannot filter is read whole instead."""

    def __init__(self, directory: Directory, memberships: Memberships) -> None:
        self._directory = directory
        self._memberships = memberships

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """The users as they are now. Costs a request for each id, and one for twenty markers or values."""
        service = await self._directory.service()
        found: dict[str, Resource] = {}
        for key in lookup.keys:
            user = await self._directory.one(service.users, key)
            if user is not None:
                found[user["id"]] = user
        conditions = list(_conditions(lookup, self._directory.places))
        for start in range(0, len(conditions), _AT_ONCE):
            for user in await self._matching(service, conditions[start : start + _AT_ONCE]):
                found[user["id"]] = user
        groups = await self._memberships.by_user() if found and MEMBER_OF in lookup.references else None
        return [account_of(user, self._directory.places, groups) for user in found.values()]

    async def find(self, change: Change) -> Account | None:
        """The user that a create made, or the user as it is now."""
        user = await self.user_of(change)
        if user is None:
            return None
        groups = await self._memberships.by_user() if MEMBER_OF in change.references else None
        return account_of(user, self._directory.places, groups)

    async def user_of(self, change: Change) -> Resource | None:
        """The same as the service tells it. Raises :class:`ContractError` where two users bear one marker."""
        service = await self._directory.service()
        if change.key is not None:
            return await self._directory.one(service.users, change.key)
        found = {user["id"]: user for user in await self._matching(service, [by_marker(change.marker)])}
        bearers = [user for user in found.values() if marker_of(user) == change.marker]
        if len(bearers) > 1:
            raise ContractError(
                f"{len(bearers)} users bear the same external id: {', '.join(sorted(found))}",
                code="scim-marker-twice",
                where=self._directory.where,
                fix="take the external id from all but one of them in the service",
            )
        return bearers[0] if bearers else None

    async def named(self, change: Change) -> Resource | None:
        """The user who has the name to sign in with that a create wants."""
        wanted = change.fields.get("user_name")
        if wanted is None or not isinstance(wanted.after, str):
            return None
        service = await self._directory.service()
        found = await self._matching(service, [by_value(self._directory.places["user_name"].filter, wanted.after)])
        same = [user for user in found if str(user.get("userName", "")).casefold() == wanted.after.casefold()]
        return same[0] if same else None

    async def _matching(self, service: Service, conditions: Sequence[str]) -> list[Resource]:
        if service.filter:
            try:
                return await self._directory.matching(service.users, " or ".join(conditions))
            except RejectedError as error:
                if error.status != _INVALID_FILTER:
                    raise
        return [user async for page in self._directory.pages(service.users) for user in page]


def _conditions(lookup: Lookup, places: Mapping[str, Place]) -> Iterator[str]:
    yield from (by_marker(marker) for marker in lookup.markers)
    for field, values in lookup.values.items():
        yield from (by_value(places[field].filter, value) for value in values)


def by_marker(marker: str) -> str:
    """The filter for the user that bears a marker."""
    return by_value("externalId", marker)


def by_value(attribute: str, value: str) -> str:
    """The filter for users of whom an attribute is this text."""
    return f"{attribute} eq {msgspec.json.encode(value).decode()}"
