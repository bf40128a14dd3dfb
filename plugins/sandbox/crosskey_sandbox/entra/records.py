"""One object of the directory, and one entry of its history."""

from __future__ import annotations

import msgspec

from crosskey_sandbox.entra.schema import Sort, Values

__all__ = ("Change", "Record")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A user, group, service principal or device as it is at one moment; a change makes a new one.

    ``values`` are Graph's properties, ``id`` among them; one that was never set is not there. ``deleted`` is the
    second of a soft deletion, or "".
    """

    id: str
    sort: Sort
    values: Values
    manager: str = ""
    deleted: str = ""

    @property
    def name(self) -> str:
        """The display name."""
        return str(self.values.get("displayName") or "")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an object.

    ``before`` is the object as it was (None: it was not). ``names`` are the properties that changed, None for all
    of them: it came, went, or came back. A change of membership is the group's: ``member`` joined or left.
    """

    at: float
    sort: Sort
    id: str
    before: Record | None
    names: frozenset[str] | None = None
    member: str = ""
    joined: bool = False
    by_deletion: bool = False  # the member itself was deleted or restored; its place in the group stayed
