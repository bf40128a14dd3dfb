"""Everything in a tenant's directory, how it changes, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from crosskey_sandbox.entra.cell import Cell, time_text
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.records import Change, Record
from crosskey_sandbox.entra.schema import SCHEMAS, Sort
from crosskey_sandbox.okta.roll import Roll

__all__ = ("Directory",)

_KEPT = timedelta(days=30)  # in the recycle bin; then gone for good


class Directory:
    """Users, groups, service principals and devices. Each method takes the lock: call from any thread.

    Objects are values: a change puts a new :class:`Record` in place of the old one and notes the old one in ``log``,
    from which delta rounds and late reads are told. Ids are never used again. A deleted user or group keeps its
    place in its groups, unseen, until it is gone for good.
    """

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.records: dict[str, Record] = {}
        self.order: dict[Sort, list[str]] = {sort: [] for sort in SCHEMAS}
        self.gone: set[str] = set()
        self.members: dict[str, Roll[str]] = {}
        self.groups_of: dict[str, dict[str, None]] = {}
        self.log: list[Change] = []
        self._names: dict[str, str] = {}
        self._bin: dict[str, None] = {}

    # -------------------------------------------------------------------------------------------------------- finding

    def find(self, who: str, sort: Sort | None = None) -> Record:
        """A live object by id, or a user by principal name (case does not matter); 404 for anything else."""
        record = self.records.get(who) or self.records.get(self.id_of(who))
        if record is None or record.deleted or sort not in {None, record.sort}:
            raise GraphError.missing(who)
        return record

    def id_of(self, principal_name: str) -> str:
        """The id of the live user of this principal name, or ""."""
        return self._names.get(principal_name.lower(), "")

    def live(self, sort: Sort) -> Iterator[Record]:
        """All live objects of one type, oldest first."""
        return (found for key in self.order[sort] if (found := self.records.get(key)) and not found.deleted)

    def named(self, name: str, sort: Sort = "group") -> list[Record]:
        """All live objects of this display name: names are not unique."""
        return [record for record in self.live(sort) if record.name == name]

    def deleted(self, sort: Sort) -> list[Record]:
        """The recycle bin's objects of one type, first deleted first."""
        return [record for key in self._bin if (record := self.records[key]).sort == sort]

    # ------------------------------------------------------------------------------------------------------- changing

    def create(self, sort: Sort, values: Mapping[str, object], *, manager: str = "") -> Record:
        """Add an object; ``id`` and ``createdDateTime`` are made when not given. 400 for a principal name in use."""
        with self._cell.lock:
            upn = str(values.get("userPrincipalName") or "").lower()
            if upn in self._names:
                raise _name_taken("userPrincipalName")
            key = str(values.get("id") or self._cell.guid())
            created = values.get("createdDateTime") or self._cell.now()
            record = Record(
                id=key, sort=sort, values={**values, "id": key, "createdDateTime": created}, manager=manager
            )
            self._note(record, None)
            self.records[key] = record
            self.order[sort].append(key)
            if upn:
                self._names[upn] = key
            if sort == "group":
                self.members[key] = Roll()
            return record

    def update(self, who: str, values: Mapping[str, object]) -> Record:
        """Change some properties; None clears one (it was set, so a delta tells it as null)."""
        with self._cell.lock:
            record = self.find(who)
            changed = frozenset(name for name, value in values.items() if record.values.get(name) != value)
            if "userPrincipalName" in changed:
                upn = str(values["userPrincipalName"]).lower()
                if upn in self._names:
                    raise _name_taken("userPrincipalName")
                del self._names[str(record.values["userPrincipalName"]).lower()]
                self._names[upn] = record.id
            if changed:
                record = self._replace(record, changed, values={**record.values, **values})
            return record

    def set_manager(self, who: str, manager: str) -> Record:
        """Give a user a manager, or "" for none."""
        with self._cell.lock:
            record = self.find(who, "user")
            boss = self.find(manager, "user").id if manager else ""
            return self._replace(record, frozenset({"manager"}), manager=boss)

    def delete(self, who: str, *, at: datetime | None = None) -> Record:
        """Into the recycle bin. A user's principal name gets its id in front, so that it is free again."""
        with self._cell.lock:
            record = self.find(who)
            deleted = time_text(at or self._cell.clock.now())
            values = {**record.values, "deletedDateTime": deleted}
            if record.sort == "user":
                upn = str(record.values["userPrincipalName"])
                del self._names[upn.lower()]
                values["userPrincipalName"] = record.id.replace("-", "") + upn
            record = self._replace(record, None, values=values, deleted=deleted)
            self._bin[record.id] = None
            self._tell_groups(record, joined=False)
            return record

    def restore(self, who: str) -> Record:
        """Out of the recycle bin with the same id, principal name and groups. 404 when it is not in there."""
        with self._cell.lock:
            record = self._binned(who)
            values = {name: value for name, value in record.values.items() if name != "deletedDateTime"}
            if record.sort == "user":
                upn = str(values["userPrincipalName"])[32:]
                if upn.lower() in self._names:
                    raise _name_taken("userPrincipalName")
                values["userPrincipalName"] = upn
                self._names[upn.lower()] = record.id
            del self._bin[record.id]
            record = self._replace(record, None, values=values, deleted="")
            self._tell_groups(record, joined=True)
            return record

    def purge(self, who: str) -> None:
        """Out of the recycle bin for good, and out of every group."""
        with self._cell.lock:
            record = self._binned(who)
            self._note(record, record)
            del self._bin[record.id]
            del self.records[record.id]
            self.gone.add(record.id)
            for group_id in self.groups_of.pop(record.id, {}):
                self.members[group_id].remove(record.id)
            for key in self.members.pop(record.id, ()):
                del self.groups_of[key][record.id]

    def purge_due(self) -> None:
        """What was deleted 30 days ago is gone for good."""
        last = time_text(self._cell.clock.now() - _KEPT)
        for key in [key for key in self._bin if self.records[key].deleted <= last]:
            self.purge(key)

    def add_member(self, group_id: str, who: str) -> None:
        """Put a user, group, service principal or device into a group; again is no change."""
        with self._cell.lock:
            group, member = self.find(group_id, "group"), self.find(who)
            if member.id not in self.members[group.id]:
                self.members[group.id].add(member.id, member.id)
                self.groups_of.setdefault(member.id, {})[group.id] = None
                self._moved(group, member.id, joined=True)

    def remove_member(self, group_id: str, who: str) -> None:
        """Take a member out of a group; again is no change."""
        with self._cell.lock:
            group, member = self.find(group_id, "group"), self.find(who)
            if self.members[group.id].remove(member.id):
                del self.groups_of[member.id][group.id]
                self._moved(group, member.id, joined=False)

    def settle(self) -> None:
        """Forget how the directory came to be as it is: whatever happened so far happened long ago."""
        with self._cell.lock:
            self.log.clear()

    # ----------------------------------------------------------------------------------------------------------- inner

    def _binned(self, who: str) -> Record:
        record = self.records.get(who)
        if record is None or not record.deleted:
            raise GraphError.missing(who)
        return record

    def _replace(self, record: Record, names: frozenset[str] | None, **changes: object) -> Record:
        made = msgspec.structs.replace(record, **changes)
        self._note(record, record, names)
        self.records[record.id] = made
        return made

    def _note(self, record: Record, before: Record | None, names: frozenset[str] | None = None) -> None:
        self.log.append(Change(at=self._cell.epoch(), sort=record.sort, id=record.id, before=before, names=names))

    def _tell_groups(self, member: Record, *, joined: bool) -> None:
        for group_id in self.groups_of.get(member.id, ()):
            self._moved(self.records[group_id], member.id, joined=joined, by_deletion=True)

    def _moved(self, group: Record, member: str, *, joined: bool, by_deletion: bool = False) -> None:
        self.log.append(
            Change(
                at=self._cell.epoch(),
                sort="group",
                id=group.id,
                before=group,
                names=frozenset({"members"}),
                member=member,
                joined=joined,
                by_deletion=by_deletion,
            )
        )


def _name_taken(name: str) -> GraphError:
    return GraphError.bad_request(f"Another object with the same value for property {name} already exists.")
