"""What one run worked out: newcomers and who claims what, changes, who is held, and who must be looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from crosskey.engine.stage.lookalikes import alike, shape, shapes
from crosskey.engine.stage.people import StagedPeople
from crosskey.engine.stage.scratch import CHUNK, Scratch, decoder
from crosskey.model import Subject
from crosskey.plan import Action, Change, Held

__all__ = ("PROPOSALS_SCHEMA", "SCRATCH_TABLES", "StagedProposals")

SCRATCH_TABLES: Final = ("newcomer", "claim", "claimed", "change")
"""What is of no use once the run is over."""

PROPOSALS_SCHEMA: Final = """
CREATE TABLE newcomer(kind TEXT NOT NULL, id TEXT NOT NULL, wanted INTEGER NOT NULL, body BLOB NOT NULL,
                      PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE TABLE claim(kind TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL);
CREATE TABLE claimed(kind TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE change(rank INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, id TEXT NOT NULL,
                    action TEXT NOT NULL, body BLOB NOT NULL, rail TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS held(id TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS due(id TEXT NOT NULL, change TEXT NOT NULL, at TEXT NOT NULL,
                               PRIMARY KEY(id, change)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waits(id TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY(other, id)) WITHOUT ROWID;
"""

_encode = msgspec.msgpack.Encoder().encode
_decode_held = decoder(Held)
_decode_change = decoder(Change)


class StagedProposals:
    """The plan while it is being made.

    Somebody is *due* until everything that was planned for them is done, change by change, whatever a rail takes out
    of the plan: a later run that reads only changes looks at them too. Whoever *waits* for others is looked at whenever
    those are, and once what was planned for those is done.
    """

    def __init__(self, scratch: Scratch, people: StagedPeople) -> None:
        self._db = scratch
        self._people = people

    # -- changes ------------------------------------------------------------------------------------------------------

    def add_change(self, rank: int, changes: Sequence[Change]) -> None:
        """Stage changes; a lower ``rank`` is applied earlier. Their people are due until they are settled."""
        self._db.many(
            "INSERT INTO change (rank, kind, label, id, action, body) VALUES (?, ?, ?, ?, ?, ?)",
            [(rank, change.kind, change.label, change.id, change.action, _encode(change)) for change in changes],
        )
        self._note_due([(self._people.ref(change.subject), change.id, "") for change in changes])

    def drop_changes(self, kind: str, action: str, *, ids: Sequence[str] | None = None) -> None:
        """Forget the changes of one kind and action, all or those with these ids."""
        chosen = None if ids is None else msgspec.json.encode(ids).decode()
        self._db.execute(
            "DELETE FROM change WHERE kind = ? AND action = ?"
            " AND (? IS NULL OR id IN (SELECT value FROM json_each(?)))",
            (kind, action, chosen, chosen),
        )

    def hold_changes(self, rail: str, kind: str, action: str, ids: Sequence[str]) -> None:
        """Move changes of one kind and action aside: no part of the plan, and not forgotten."""
        self._db.execute(
            "UPDATE change SET rail = ? WHERE kind = ? AND action = ? AND rail = ''"
            " AND id IN (SELECT value FROM json_each(?))",
            (rail, kind, action, msgspec.json.encode(ids).decode()),
        )

    def held_changes(self) -> Iterator[tuple[str, Change]]:
        """What was moved aside, by which rail, in the order in which it would be applied."""
        cursor = self._db.execute(
            "SELECT rail, body FROM change WHERE rail <> '' ORDER BY rail, kind, action, label, id"
        )
        for rail, body in cursor:
            yield rail, _decode_change(body)

    def change_counts(self) -> dict[tuple[str, Action], int]:
        """How many changes there are by kind and action."""
        rows = self._db.execute("SELECT kind, action, count(*) FROM change WHERE rail = '' GROUP BY kind, action")
        return {(kind, action): count for kind, action, count in rows}

    def changes(self, kind: str = "", action: str = "", limit: int = -1) -> Iterator[Change]:
        """Changes in the order in which they are applied, all or of one kind and action."""
        # The cross join keeps bodies out of the sort: only its short keys have to fit into memory.
        cursor = self._db.execute(
            "SELECT body FROM (SELECT rowid AS place FROM change WHERE rail = ''"
            " AND (? = '' OR kind = ?) AND (? = '' OR action = ?)"
            " ORDER BY rank, kind, action, label, id LIMIT ?) CROSS JOIN change ON change.rowid = place",
            (kind, kind, action, action, limit),
        )
        for (body,) in cursor:
            yield _decode_change(body)

    # -- newcomers and their claims -----------------------------------------------------------------------------------

    def add_newcomer(
        self, kind: str, person: Subject, *, wanted: bool, body: bytes, values: Iterable[tuple[str, str]]
    ) -> None:
        """Remember somebody without a link, and the values (attribute, value) by which an account may be theirs."""
        ref = self._people.ref(person)
        self._db.execute("INSERT OR REPLACE INTO newcomer VALUES (?, ?, ?, ?)", (kind, ref, int(wanted), body))
        self._db.many(
            "INSERT INTO claim VALUES (?, ?, ?, ?)",
            [
                (kind, kept, shown, ref)
                for attribute, value in values
                if value
                for kept, shown in shapes(attribute, value)
            ],
        )

    def index_claims(self) -> None:
        """Make claims findable by value. Call once, after the newcomers are in."""
        self._db.execute("CREATE INDEX IF NOT EXISTS claim_value ON claim(kind, attribute, value)")

    def newcomers(self, kind: str) -> Iterator[tuple[Subject, bool, bytes]]:
        """People of a kind without a link, in order: who, whether they want an account, the encoded desire."""
        after = ""
        while True:
            rows = self._db.execute(
                "SELECT id, wanted, body FROM newcomer WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
                (kind, after, CHUNK),
            ).fetchall()
            if not rows:
                return
            for ref, wanted, body in rows:
                yield self._people.subject(ref), bool(wanted), body
            after = rows[-1][0]

    def claimants(self, kind: str, attribute: str, value: str) -> list[Subject]:
        """The newcomers who bear this value of an attribute."""
        rows = self._db.execute(
            "SELECT DISTINCT id FROM claim WHERE kind = ? AND attribute = ? AND value = ? ORDER BY id",
            (kind, attribute, value.casefold()),
        )
        return [self._people.subject(ref) for (ref,) in rows]

    def lookalikes(self, kind: str, attribute: str, value: str) -> list[Subject]:
        """The newcomers whose value of an attribute looks like this one."""
        rows = self._db.execute(
            "SELECT DISTINCT id FROM claim WHERE kind = ? AND attribute IN (?, ?) AND value = ? ORDER BY id",
            (kind, attribute, alike(attribute), shape(value)),
        )
        return [self._people.subject(ref) for (ref,) in rows]

    def claim_account(self, kind: str, key: str, person: Subject) -> Subject:
        """Note that an account looks like this person's; whoever came first."""
        self._db.execute("INSERT OR IGNORE INTO claimed VALUES (?, ?, ?)", (kind, key, self._people.ref(person)))
        first = self._db.execute("SELECT id FROM claimed WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return self._people.subject(str(first[0]))

    def withdraw_adoption(self, kind: str, key: str) -> Change | None:
        """Take back the adoption of an account; the change as it was, ``None`` when there is none."""
        for change in self.changes(kind, "adopt"):
            if change.key == key:
                self.drop_changes(kind, "adopt", ids=[change.id])
                return change
        return None

    # -- who waits ----------------------------------------------------------------------------------------------------

    def add_held(self, held: Iterable[Held]) -> None:
        """Keep who is held and why, for ``crosskey explain`` and for runs that do not look at them.

        They need not be looked at before something about them, or about whoever they are mistaken for, changes.
        """
        rows = [(self._people.ref(each.subject), each.kind, _encode(each)) for each in held if each.subject is not None]
        self._db.many("INSERT INTO held VALUES (?, ?, ?)", rows)

    def standing(self) -> Iterator[Held]:
        """Who was held by an earlier run and was not touched since."""
        cursor = self._db.execute("SELECT body FROM held WHERE id NOT IN (SELECT id FROM touched)")
        for (body,) in cursor.fetchall():
            yield _decode_held(body)

    def all_held(self) -> Iterator[Held]:
        """Everybody who is held, by this run or by an earlier one that looked at them last."""
        for (body,) in self._db.execute("SELECT body FROM held ORDER BY rowid"):
            yield _decode_held(body)

    def wait(self, person: Subject, others: Iterable[Subject]) -> None:
        """Note for whom somebody who is held waits: who has, or also claims, the account that would be theirs."""
        rows = [(self._people.ref(person), self._people.ref(other)) for other in others]
        self._db.many("INSERT OR IGNORE INTO waits VALUES (?, ?)", rows)

    def touch_waiting(self) -> None:
        """Touch whoever waits for somebody touched, and whoever waits for those."""
        self._db.execute(
            "INSERT OR IGNORE INTO touched WITH RECURSIVE looked(id) AS ("
            " SELECT coalesce(same.lead, touched.id) FROM touched LEFT JOIN same ON same.id = touched.id"
            " UNION SELECT waits.id FROM waits JOIN looked ON waits.other = looked.id"
            ") SELECT waits.id FROM waits JOIN looked ON waits.id = looked.id"
        )

    def forget_held(self) -> None:
        """Forget what earlier runs said of people who are looked at again, and that they waited or were due."""
        for table in ("held", "waits", "due"):
            self._db.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM touched)")  # noqa: S608 - constants

    def begin_again(self) -> None:
        """Forget what was said of everybody who is planned for: in a partial stage of those touched, else of all."""
        for table in ("held", "waits", "due"):
            touched = "id IN (SELECT id FROM touched)" if self._people.partial else "1"
            self._db.execute(f"DELETE FROM {table} WHERE {touched}")  # noqa: S608 - constants

    def held(self, kind: str, person: Subject) -> list[Held]:
        """Why that person's account of a kind was held back when they were last looked at."""
        rows = self._db.execute(
            "SELECT body FROM held WHERE id = ? AND kind IN (?, '')", (self._people.ref(person), kind)
        )
        return [_decode_held(body) for (body,) in rows]

    def make_due(self, people: Iterable[Subject], *, at: datetime | None = None) -> None:
        """Look at these people again in the next run, or in the first one after ``at``."""
        when = "" if at is None else at.isoformat()
        self._note_due([(self._people.ref(person), "", when) for person in people])

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are done: their people are due for whatever else there is, and whoever waited for them is."""
        rows = [(self._people.ref(change.subject), change.id) for change in changes]
        self._db.many("DELETE FROM due WHERE id = ? AND change = ?", rows)
        self._db.many(
            "INSERT OR IGNORE INTO due SELECT id, '', '' FROM waits WHERE other = ?", [(ref,) for ref, _ in rows]
        )

    def due(self, now: datetime) -> list[Subject]:
        """Whom to look at now although nothing about them changed."""
        rows = self._db.execute("SELECT DISTINCT id FROM due WHERE at <= ?", (now.isoformat(),))
        return [self._people.subject(ref) for (ref,) in rows]

    def _note_due(self, rows: Sequence[tuple[str, str, str]]) -> None:
        sql = "INSERT INTO due VALUES (?, ?, ?) ON CONFLICT (id, change) DO UPDATE SET at = min(at, excluded.at)"
        self._db.many(sql, rows)
