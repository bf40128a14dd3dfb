"""The directory as one read sees it: up to date, or some seconds behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.schema import Sort

__all__ = ("View", "cut", "seen_by")


class View:
    """The directory as it was when its log had ``upto`` entries.

    Later entries are undone in memory, so a view costs as much as what it must forget.
    """

    def __init__(self, directory: Directory, upto: int) -> None:
        self._directory = directory
        self.upto = upto
        self._late: dict[str, Record | None] = {}
        self._members: dict[str, dict[str, bool]] = {}
        for change in reversed(directory.log[upto:]):
            if not change.member:
                self._late[change.id] = change.before
            else:
                self._members.setdefault(change.id, {})[change.member] = not change.joined

    def get(self, key: str) -> Record | None:
        """The object of this id, soft-deleted or not."""
        return self._late[key] if key in self._late else self._directory.records.get(key)

    def live(self, key: str) -> Record | None:
        """The object of this id unless it is deleted."""
        record = self.get(key)
        return None if record is None or record.deleted else record

    def find(self, who: str, sort: Sort | None = None) -> Record:
        """As :meth:`Directory.find`; an object that this read does not see yet is 404."""
        record = self.live(who) or self.live(self._directory.id_of(who))
        if record is None or sort not in {None, record.sort}:
            raise GraphError.missing(who)
        return record

    def order(self, sort: Sort) -> Sequence[str]:
        """Every id of one type that ever was, oldest first: a place in it stays good."""
        return self._directory.order[sort]

    def binned(self, sort: Sort) -> list[str]:
        """The recycle bin's objects of one type, first deleted first."""
        found = [record for key in self.order(sort) if (record := self.get(key)) is not None and record.deleted]
        return [record.id for record in sorted(found, key=lambda record: record.deleted)]

    def places(self, group_id: str) -> Sequence[str | None]:
        """The ids that a group holds, deleted objects' too; None where one left."""
        roll = self._directory.members.get(group_id)
        slots: Sequence[str | None] = () if roll is None else roll.slots
        late = self._members.get(group_id)
        if late is None:
            return slots
        kept = [None if key is None or not late.get(key, True) else key for key in slots]
        return [*kept, *(key for key, was_in in late.items() if was_in and (roll is None or key not in roll))]

    def members(self, group_id: str) -> Iterator[Record]:
        """The live direct members of a group."""
        return (record for key in self.places(group_id) if key and (record := self.live(key)) is not None)

    def within(self, group_id: str) -> list[str]:
        """Everything in a group and in the groups within it, each once, nearest first; circles end."""
        found: dict[str, None] = {}
        queue = [group_id]
        for holder in queue:
            for member in self.members(holder):
                if member.id not in found:
                    found[member.id] = None
                    if member.sort == "group":
                        queue.append(member.id)
        return list(found)

    def above(self, key: str, *, all_levels: bool) -> list[str]:
        """The live groups that an object is in, directly or through others."""
        found: dict[str, None] = {}
        queue = [key]
        for member in queue:
            for holder in self._directory.groups_of.get(member, ()):
                if holder not in found and self.live(holder) is not None:
                    found[holder] = None
                    if all_levels:
                        queue.append(holder)
        return list(found)


def seen_by(directory: Directory, cell: Cell, reads: int) -> View:
    """What the read with this number sees (``EntraQuirks.replication_lag``)."""
    quirks, upto = cell.quirks, len(directory.log)
    if quirks.replication_lag > 0 and reads % max(1, quirks.lagging_reads) == 0:
        horizon = cell.epoch() - quirks.replication_lag
        while upto > 0 and directory.log[upto - 1].at > horizon:
            upto -= 1
    return View(directory, upto)


def cut(
    ids: Sequence[str | None],
    start: int,
    limit: int,
    read: Callable[[str], Record | None],
    keep: Callable[[Record], bool] | None = None,
) -> tuple[list[Record], int | None]:
    """The rows of one page, and the place where the next one starts or None at the end."""
    rows: list[Record] = []
    for place in range(start, len(ids)):
        key = ids[place]
        record = None if key is None else read(key)
        if record is None or (keep is not None and not keep(record)):
            continue
        if len(rows) == limit:
            return rows, place
        rows.append(record)
    return rows, None
