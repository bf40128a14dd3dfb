"""Groups and apps of all sources of one run, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from crosskey.engine.stage.people import StagedPeople
from crosskey.engine.stage.scratch import Scratch, decoder
from crosskey.model import Group, Subject

__all__ = ("StagedGroups",)

_encode = msgspec.msgpack.Encoder().encode
_decode: Final = decoder(Group)


class StagedGroups:
    """Groups by source. Whoever joins or leaves one is touched in a partial stage."""

    def __init__(self, scratch: Scratch, people: StagedPeople) -> None:
        self._db = scratch
        self._people = people

    def ref(self, issuer: str, group: str) -> str:
        """Under which name the stage keeps a group: two sources may use one id."""
        return self._people.ref(Subject(issuer, group))

    def add(self, issuer: str, groups: Iterable[Group]) -> None:
        """Stage groups and apps."""
        rows = [(self.ref(issuer, group.id), _encode(group)) for group in groups]
        self._db.many("INSERT OR REPLACE INTO grp VALUES (?, ?)", rows)

    def remove(self, issuer: str, groups: Iterable[str]) -> None:
        """Forget groups that the source says were deleted; nobody is in them any more."""
        for group in groups:
            self.empty(issuer, group)
            self._db.execute("DELETE FROM grp WHERE id = ?", (self.ref(issuer, group),))

    def add_members(self, issuer: str, group: str, members: Sequence[str]) -> None:
        """Stage who is in a group."""
        ref, refs = self.ref(issuer, group), self._refs(issuer, members)
        if self._people.partial:
            sql = "SELECT person, grp FROM member WHERE grp = ? AND person IN ({})"
            known = {person for person, _ in self._db.among(sql, (ref,), refs)}
            refs = [person for person in refs if person not in known]
            self._people.touch_refs(refs)
        self._db.many("INSERT OR IGNORE INTO member VALUES (?, ?)", [(person, ref) for person in refs])

    def remove_members(self, issuer: str, group: str, members: Sequence[str]) -> None:
        """Note who is in a group no longer."""
        ref, refs = self.ref(issuer, group), self._refs(issuer, members)
        self._db.many("DELETE FROM member WHERE person = ? AND grp = ?", [(person, ref) for person in refs])
        self._people.touch_refs(refs)

    def keep_members(self, issuer: str, group: str, members: Iterable[str]) -> None:
        """Note that nobody else than these is in a group."""
        wanted = set(self._refs(issuer, members))
        ref = self.ref(issuer, group)
        gone = [person for (person,) in self._members(ref) if person not in wanted]
        self._db.many("DELETE FROM member WHERE person = ? AND grp = ?", [(person, ref) for person in gone])
        self._people.touch_refs(gone)

    def empty(self, issuer: str, group: str) -> None:
        """Note that nobody is in a group."""
        self.keep_members(issuer, group, ())

    def set_groups_of(self, subject: Subject, groups: Iterable[str], among: Iterable[str]) -> None:
        """Note which of the groups ``among`` (ids) somebody is in; all other memberships stay."""
        person = self._people.ref(subject)
        held = set(groups)
        for group in among:
            row = (person, self.ref(subject.issuer, group))
            sql = "INSERT OR IGNORE INTO member VALUES (?, ?)"
            self._db.execute(sql if group in held else "DELETE FROM member WHERE person = ? AND grp = ?", row)
        self._people.touch_refs([person])

    def of(self, subject: Subject) -> set[str]:
        """Names in the stage of the groups that somebody is known to be in."""
        rows = self._db.execute("SELECT grp FROM member WHERE person = ?", (self._people.ref(subject),)).fetchall()
        return {ref for (ref,) in rows}

    def all(self, issuer: str) -> list[Group]:
        """Every group and app of one source."""
        prefix = self.ref(issuer, "")
        rows = self._db.execute(
            "SELECT body FROM grp WHERE id >= ? AND id < ? ORDER BY id", (prefix, prefix[:-1] + ";")
        ).fetchall()
        return [_decode(body) for (body,) in rows]

    def sizes(self) -> dict[str, int]:
        """How many members each group has, by its name in the stage; a group without any is not in it."""
        return dict(self._db.execute("SELECT grp, count(*) FROM member GROUP BY grp").fetchall())

    def members(self, refs: Iterable[str]) -> set[Subject]:
        """Who is in any of these groups (names in the stage)."""
        return {self._people.subject(person) for ref in refs for (person,) in self._members(ref)}

    def _members(self, ref: str) -> list[tuple[str]]:
        return self._db.execute("SELECT person FROM member WHERE grp = ?", (ref,)).fetchall()

    def _refs(self, issuer: str, members: Iterable[str]) -> list[str]:
        prefix = self.ref(issuer, "")
        return [prefix + member for member in members]
