"""People, groups and members of all sources of one run, and which of the people are the same human.

A person is kept under the source's number and the source's id, because two directories may use one id. Everywhere else
a :class:`Subject` stands for somebody: whoever was found in several sources bears the subject of their *lead*, under
which accounts are linked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from crosskey.connector.mapper import Candidate
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.merging import Preference, Voice, merged
from crosskey.engine.stage.scratch import CHUNK, Scratch, decoder
from crosskey.model import Person, Subject

__all__ = ("PEOPLE_SCHEMA", "StagedPeople")

PEOPLE_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS person(id TEXT PRIMARY KEY, email TEXT NOT NULL, user_name TEXT NOT NULL,
                                  body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS grp(id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member(person TEXT NOT NULL, grp TEXT NOT NULL, PRIMARY KEY(person, grp)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS same(id TEXT PRIMARY KEY, lead TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recognised(attribute TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
                                      PRIMARY KEY(attribute, value, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS same_lead ON same(lead);
DROP TABLE IF EXISTS touched;
CREATE TABLE touched(id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_SOLO = "NOT EXISTS (SELECT 1 FROM same WHERE same.id = person.id)"

_encode = msgspec.msgpack.Encoder().encode
_decode_person = decoder(Person)

Row = tuple[str, bytes]


def _key(value: str) -> str:
    """A key as it is compared. Not case-folded: that makes one of what only looks alike, such as "ss" and a sharp s."""
    return value.strip().lower()


class StagedPeople:
    """Everybody that was read, under the sources' names (``issuers``) in their order of precedence.

    ``keys`` are the attributes by which people of several sources are recognised, except those whose ids are ``apart``.
    In a ``partial`` stage only people who were touched are candidates.
    """

    def __init__(
        self,
        scratch: Scratch,
        issuers: Sequence[str],
        *,
        keys: Sequence[str] = (),
        apart: Collection[str] = (),
        preference: Preference | None = None,
        partial: bool = False,
    ) -> None:
        self._db = scratch
        self._keys = tuple(keys)
        self.apart = frozenset(apart)
        self._preference = preference or Preference()
        self._replaced: list[Person] = []
        self.buried: set[Subject] = set()
        """Whom a source itself said to be deleted, in this run."""
        self.appeared: set[Subject] = set()
        """Whom changes told of and the last run did not know."""
        self.issuers = list(issuers)
        self._prefixes: dict[str, str] = {}
        self.partial = partial

    def ref(self, subject: Subject) -> str:
        """Under which name the stage keeps somebody."""
        prefix = self._prefixes.get(subject.issuer)
        return (self._prefix(subject.issuer) if prefix is None else prefix) + subject.id

    def _prefix(self, issuer: str) -> str:
        if issuer not in self.issuers:
            self.issuers.append(issuer)
        return self._prefixes.setdefault(issuer, f"{self.issuers.index(issuer)}:")

    def subject(self, ref: str) -> Subject:
        """Who is kept under a name."""
        number, _, id_ = ref.partition(":")
        return Subject(self.issuers[int(number)], id_)

    # -- writing ------------------------------------------------------------------------------------------------------

    def add(self, people: Sequence[Person]) -> None:
        """Stage people; one that came before is replaced (vendors page over moving data)."""
        refs = [self.ref(person.subject) for person in people]
        known = self._note_replaced(refs)
        if self.partial:
            self.appeared.update(person.subject for ref, person in zip(refs, people, strict=True) if ref not in known)
        pairs = list(zip(refs, people, strict=True))
        self._db.many(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)",
            [(ref, p.email.casefold(), p.user_name.casefold(), _encode(p)) for ref, p in pairs],
        )
        if self._keys:
            self._forget_keys(refs)
            there = [(ref, person) for ref, person in pairs if person.subject.id not in self.apart]
            rows = [(key, _key(person.text(key)), ref) for ref, person in there for key in self._keys]
            self._db.many("INSERT OR REPLACE INTO recognised VALUES (?, ?, ?)", [row for row in rows if row[1]])
        self.touch_refs(refs)

    def remove(self, subjects: Iterable[Subject]) -> None:
        """Forget people whom the source says were deleted, and all their memberships."""
        refs = [self.ref(subject) for subject in subjects]
        self._note_replaced(refs)
        rows = [(ref,) for ref in refs]
        self._db.many("DELETE FROM person WHERE id = ?", rows)
        self._db.many("DELETE FROM member WHERE person = ?", rows)
        self._forget_keys(refs)
        self.touch_refs(refs)

    def touch(self, subjects: Iterable[Subject]) -> None:
        """Make people candidates of a partial stage."""
        self.touch_refs([self.ref(subject) for subject in subjects])

    def touch_refs(self, refs: Sequence[str]) -> None:
        """The same, for people under the stage's own names."""
        if self.partial:
            self._db.many("INSERT OR IGNORE INTO touched VALUES (?)", [(ref,) for ref in refs])

    def touched(self) -> list[Subject]:
        """Whom a run over changes looks at."""
        return [self.subject(ref) for (ref,) in self._db.execute("SELECT id FROM touched ORDER BY id").fetchall()]

    def _note_replaced(self, refs: Sequence[str]) -> set[str]:
        """Remember what stood there in a partial stage; under which of the names there was anybody."""
        if not self.partial:
            return set()
        rows = self._db.among("SELECT id, body FROM person WHERE id IN ({})", (), refs)
        self._replaced += [_decode_person(body) for _, body in rows]
        return {str(ref) for ref, _ in rows}

    def touch_related(self) -> None:
        """Touch whoever shares a key with somebody touched, and everybody who is the same human as one of them."""
        self._db.execute(
            "INSERT OR IGNORE INTO touched SELECT other.id FROM touched JOIN recognised own ON own.id = touched.id"
            " JOIN recognised other ON other.attribute = own.attribute AND other.value = own.value"
        )
        self._db.execute(
            "INSERT OR IGNORE INTO touched SELECT other.id FROM touched JOIN same own ON own.id = touched.id"
            " JOIN same other ON other.lead = own.lead"
        )

    def touch_mistakable(self, waiting: Sequence[Subject], attributes: Iterable[str]) -> None:
        """Touch those of the ``waiting`` who share a value with somebody touched, as they are now or were before."""
        names = tuple(attributes)
        touched = [self.subject(ref) for (ref,) in self._db.execute("SELECT id FROM touched").fetchall()]
        known = {
            (name, value.casefold())
            for person in (*self._replaced, *self.rows(touched))
            for name in names
            if (value := person.text(name).strip())
        }
        self.touch(
            person.subject
            for person in self.rows(waiting)
            if any((name, person.text(name).strip().casefold()) in known for name in names)
        )

    def _forget_keys(self, refs: Sequence[str]) -> None:
        if self.partial and self._keys:
            rows = [(key, ref) for ref in refs for key in self._keys]
            self._db.many("DELETE FROM recognised WHERE attribute = ? AND id = ?", rows)

    def unite(self, lead: Subject, others: Iterable[Subject]) -> None:
        """Take people for the same human as ``lead``; the lead itself need not have been read."""
        ref = self.ref(lead)
        rows = [(ref, ref), *((self.ref(other), ref) for other in others)]
        self._db.many("INSERT OR REPLACE INTO same VALUES (?, ?)", rows)

    def together(self, subject: Subject) -> set[Subject]:
        """Everybody who is the same human as this subject, itself included."""
        ref = self.ref(subject)
        rows = self._db.execute("SELECT id FROM same WHERE lead = (SELECT lead FROM same WHERE id = ?)", (ref,))
        return {subject, *(self.subject(other) for (other,) in rows)}

    # -- reading ------------------------------------------------------------------------------------------------------

    def count(self, issuer: str | None = None) -> int:
        """How many people were read, from one source or all."""
        if issuer is None:
            return self._db.count("SELECT count(*) FROM person")
        number = self.issuers.index(issuer)
        return self._db.count("SELECT count(*) FROM person WHERE id >= ? AND id < ?", (f"{number}:", f"{number};"))

    def candidates(self, logical: LogicalGroups) -> Iterator[list[Candidate]]:
        """Everyone (or everyone touched) in batches, with the logical names of the groups and apps each is in."""
        yield from self._solo(logical)
        yield from self._united(logical)

    def candidates_of(self, subjects: Sequence[Subject], logical: LogicalGroups) -> list[Candidate]:
        """These people, as far as they were read; whoever is the same human as another comes as their lead."""
        refs = sorted({self.ref(subject) for subject in subjects})
        found = self._db.among("SELECT id, lead FROM same WHERE id IN ({})", (), refs)
        leads = sorted({str(lead) for _, lead in found})
        solo = self._db.among("SELECT id, body FROM person WHERE id IN ({}) AND " + _SOLO, (), refs)  # noqa: S608 - a constant
        return [*self._join(sorted(solo), logical, few=True), *self._lead(leads, logical)]

    def entries(self, subject: Subject, logical: LogicalGroups) -> list[Candidate]:
        """What each source that was read tells of one human, under its own subject."""
        refs = [self.ref(one) for one in sorted(self.together(subject))]
        rows = self._db.among("SELECT id, body FROM person WHERE id IN ({}) ORDER BY id", (), refs)
        return self._join(rows, logical, few=True)

    def present(self, subjects: Sequence[Subject]) -> set[Subject]:
        """Which of these people were read, in any source that tells of them."""
        by_ref = {self.ref(subject): subject for subject in subjects}
        read = self._db.among("SELECT id, '' FROM person WHERE id IN ({})", (), list(by_ref))
        led = self._db.among(
            "SELECT DISTINCT lead, '' FROM same JOIN person ON person.id = same.id WHERE lead IN ({})", (), list(by_ref)
        )
        return {by_ref[ref] for ref, _ in (*read, *led)}

    def rows(self, subjects: Iterable[Subject]) -> list[Person]:
        """Exactly these rows of the sources, as far as they were read."""
        refs = [self.ref(subject) for subject in subjects]
        return [
            _decode_person(body)
            for _, body in self._db.among("SELECT id, body FROM person WHERE id IN ({}) ORDER BY id", (), refs)
        ]

    def touched_absent(self) -> list[Subject]:
        """Who was touched and is in no source (any more), by the subject under which accounts are linked."""
        rows = self._db.execute(
            "SELECT DISTINCT coalesce(same.lead, touched.id) FROM touched LEFT JOIN same ON same.id = touched.id"
        ).fetchall()
        subjects = [self.subject(ref) for (ref,) in rows]
        present = self.present(subjects)
        return [subject for subject in subjects if subject not in present]

    def search(self, word: str) -> list[Subject]:
        """People whose id, e-mail address or user name is ``word`` (case-insensitive)."""
        folded = word.casefold()
        marks = ",".join("?" * len(self.issuers))
        rows = self._db.execute(
            f"SELECT id FROM person WHERE id IN ({marks}) OR email = ? OR user_name = ? ORDER BY id",  # noqa: S608 - only question marks
            (*(f"{number}:{word}" for number in range(len(self.issuers))), folded, folded),
        )
        return [self.subject(ref) for (ref,) in rows]

    def recognised(self, attribute: str, value: str) -> list[Subject]:
        """Everybody, of any source, who bears this value of a key attribute."""
        rows = self._db.execute(
            "SELECT id FROM recognised WHERE attribute = ? AND value = ? ORDER BY id",
            (attribute, _key(value)),
        )
        return [self.subject(ref) for (ref,) in rows]

    def of_source(self, issuer: str) -> Iterator[list[Person]]:
        """The people of one source (of a partial stage: those touched) as it tells them, in batches."""
        number = self.issuers.index(issuer)
        for rows in self._paged("1", start=f"{number}:", end=f"{number};"):
            yield [_decode_person(body) for _, body in rows]

    # -- making candidates ---------------------------------------------------------------------------------------------

    def _solo(self, logical: LogicalGroups) -> Iterator[list[Candidate]]:
        anybody = self._db.one("SELECT 1 FROM same LIMIT 1")
        for rows in self._paged(_SOLO if anybody else "1"):
            yield self._join(rows, logical, few=self.partial)

    def _paged(self, condition: str, *, start: str = "", end: str = "\U0010ffff") -> Iterator[list[Row]]:
        touched = "AND id IN (SELECT id FROM touched)" if self.partial else ""
        sql = f"SELECT id, body FROM person WHERE id > ? AND id < ? AND {condition} {touched} ORDER BY id LIMIT ?"  # noqa: S608 - constants of this module
        while rows := self._db.execute(sql, (start, end, CHUNK)).fetchall():
            yield rows
            start = rows[-1][0]

    def _united(self, logical: LogicalGroups) -> Iterator[list[Candidate]]:
        touched = "AND lead IN (SELECT s.lead FROM same s JOIN touched t ON t.id = s.id)" if self.partial else ""
        sql = f"SELECT DISTINCT lead FROM same WHERE lead > ? {touched} ORDER BY lead LIMIT ?"  # noqa: S608 - constants of this module
        after = ""
        while leads := [row[0] for row in self._db.execute(sql, (after, CHUNK))]:
            if candidates := self._lead(leads, logical):
                yield candidates
            after = leads[-1]

    def _lead(self, leads: Sequence[str], logical: LogicalGroups) -> list[Candidate]:
        """One candidate for each lead, made of everybody who is the same human and was read."""
        lead_of = dict(self._db.among("SELECT id, lead FROM same WHERE lead IN ({})", (), leads))
        rows = self._db.among("SELECT id, body FROM person WHERE id IN ({}) ORDER BY id", (), list(lead_of))
        together: dict[object, list[tuple[int, Candidate]]] = {}
        for (ref, _), candidate in zip(rows, self._join(rows, logical, few=True), strict=True):
            together.setdefault(lead_of[ref], []).append((int(ref.partition(":")[0]), candidate))
        return [self._one(self.subject(str(lead)), found) for lead, found in together.items()]

    def _one(self, lead: Subject, found: Sequence[tuple[int, Candidate]]) -> Candidate:
        """Memberships count in sources where the person is active: others keep deactivated people in their groups."""
        person = merged(lead, [Voice(number, candidate.person) for number, candidate in found], self._preference)
        heard = [candidate for _, candidate in found if candidate.person.active is not False or not person.active]
        groups = frozenset(name for candidate in heard for name in candidate.groups)
        apps = frozenset(name for candidate in heard for name in candidate.apps)
        return Candidate(person, groups, apps)

    def _join(self, rows: Sequence[Row], logical: LogicalGroups, *, few: bool) -> list[Candidate]:
        memberships: dict[str, list[str]] = {}
        if logical and rows:
            for person, group in self._members_of([ref for ref, _ in rows], few=few):
                memberships.setdefault(person, []).append(group)
        return [Candidate(_decode_person(body), *logical.names(memberships.get(ref, ()))) for ref, body in rows]

    def _members_of(self, refs: Sequence[str], *, few: bool) -> Iterable[tuple[str, str]]:
        if few:
            rows = self._db.among("SELECT person, grp FROM member WHERE person IN ({})", (), refs)
            return [(person, str(group)) for person, group in rows]
        span = (refs[0], refs[-1])
        return self._db.execute("SELECT person, grp FROM member WHERE person >= ? AND person <= ?", span).fetchall()
