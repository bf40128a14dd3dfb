"""Everything crosskey knows about one person, from a snapshot and the journal, now or as of a run that is past.

No network, no secrets. Where the snapshot of a run is gone, the journal alone tells what was written, when and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.connector.mapper import Candidate, CompiledMapping, Desired
from crosskey.connector.target import TargetSchema
from crosskey.engine.field_story import FieldStory, stories
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.past import Moment
from crosskey.engine.rules import compile_mappings
from crosskey.engine.stage import Stage
from crosskey.engine.waiting import held_in_class
from crosskey.errors import ConfigError, StorageError
from crosskey.journal import Absence, Drift, Journal, Link, OperationRecord
from crosskey.model import Account, Catalogue, Person, Subject
from crosskey.plan import Held

__all__ = (
    "AccountExplained",
    "Entry",
    "Explanation",
    "by_account",
    "explain",
    "explain_from_journal",
    "history_of",
    "nobody_known",
)

_ALL: Final = 100_000


class AccountExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of account of one person: what the rules say, what is linked, what is there, what was held and done.

    ``account`` is as it was read, ``active`` as it is by what was written since: ``None`` where none is known to be.
    """

    kind: str
    desired: Desired | None
    link: Link | None
    account: Account | None
    active: bool | None
    leaving_since: datetime | None
    missing: Absence | None
    held: list[Held]
    operations: list[OperationRecord]
    fields: list[FieldStory] = []
    drifts: list[Drift] = []


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One of several sources' entries of a person. ``person`` is ``None`` when the last read did not bring it.

    ``because`` says by what it was recognised, empty for the one under which accounts are linked.
    """

    subject: Subject
    person: Person | None
    groups: list[str]
    because: str
    since: datetime | None
    run: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One person. ``person`` is ``None`` when the last read did not bring them.

    ``entries`` are those of all sources where several tell of them. ``read_at`` and ``read_by`` say which read told all
    that; they are empty, and ``unknown`` says so, when none is left. ``absent_reads``
    confirmations make a leaver of who is missing.
    """

    subject: Subject
    person: Person | None
    groups: list[str]
    apps: list[str]
    read_at: datetime | None
    read_by: str
    unknown: str
    entries: list[Entry]
    accounts: list[AccountExplained]
    absent_reads: int
    schema: TargetSchema
    catalogue: Catalogue


def explain(config: Config, journal: Journal, snapshot: Stage, who: str, *, text: str = "") -> list[Explanation]:
    """Everyone whom ``who`` names: an id, e-mail address or user name of the source, or ``kind:key`` of the target.

    ``text`` is the file of the configuration, to name lines of it. Raises :class:`ConfigError` when nobody is known.
    """
    schema = snapshot.read_note("schema", TargetSchema)
    catalogue = snapshot.read_note("catalogue", Catalogue)
    mappings = compile_mappings(config, schema, catalogue)
    logical = LogicalGroups(
        snapshot.read_note("groups", dict[str, list[str]]), snapshot.read_note("apps", dict[str, list[str]])
    )
    people = {each.person.subject: each for each in snapshot.people.candidates_of(snapshot.people.search(who), logical)}
    subjects = [*people, *(subject for subject in by_account(journal, who) if subject not in people)]
    if not subjects:
        raise nobody_known(who)
    explanations: list[Explanation] = []
    for subject in subjects:
        candidate = people.get(subject) or _candidate(snapshot, subject, logical)
        told = [each.person for each in snapshot.people.entries(subject, logical)]
        accounts = [
            _account(kind, mapping, subject, candidate, told, journal, snapshot, text)
            for kind, mapping in mappings.items()
        ]
        explanations.append(
            Explanation(
                subject=subject,
                person=candidate.person if candidate else None,
                groups=sorted(candidate.groups) if candidate else [],
                apps=sorted(candidate.apps) if candidate else [],
                read_at=snapshot.read_note("read_at", datetime),
                read_by=_read_by(snapshot),
                unknown="",
                entries=_entries(journal, snapshot, subject, logical),
                accounts=accounts,
                absent_reads=config.rails.absent_reads,
                schema=schema,
                catalogue=catalogue,
            )
        )
    return explanations


def explain_from_journal(journal: Journal, subjects: Iterable[Subject], missing: str) -> list[Explanation]:
    """What the journal alone tells of people: what was written, when and why. ``missing`` says why it is alone."""
    return [
        Explanation(
            subject=subject,
            person=None,
            groups=[],
            apps=[],
            read_at=None,
            read_by="",
            unknown=missing,
            absent_reads=0,
            entries=[],
            accounts=[_account_written(journal, subject, kind) for kind in _kinds_written(journal, subject)],
            schema=TargetSchema(kinds=()),
            catalogue=Catalogue(()),
        )
        for subject in subjects
    ]


def history_of(journal: Journal, subject: Subject, kind: str) -> list[OperationRecord]:
    """Every write to somebody's account of a kind, newest first; also those made under a subject they bore before."""
    found: dict[str, OperationRecord] = {}
    asked: set[Subject] = set()
    subjects = [subject]
    while subjects:
        asked.add(one := subjects.pop())
        for operation in journal.operations(subject=one, limit=_ALL):
            if operation.change.kind == kind:
                found[operation.id] = operation
                former = operation.change.former
                if former is not None and former not in asked:
                    subjects.append(former)
    return sorted(found.values(), key=lambda operation: int(operation.id), reverse=True)


def nobody_known(who: str) -> ConfigError:
    """Nobody is known under that name."""
    return ConfigError(
        f'nobody is known as "{who}"',
        code="who-unknown",
        where="explain",
        fix="give an e-mail address, a user name or an id of the source, or an account as kind:key (user:123)",
    )


def by_account(journal: Journal, who: str) -> Iterable[Subject]:
    """Whose account ``kind:key`` is."""
    kind, _, key = who.partition(":")
    if key:
        link = journal.links_by_key(kind, [key]).get(key)
        if link is not None:
            yield link.subject


def _account(
    kind: str,
    mapping: CompiledMapping,
    subject: Subject,
    candidate: Candidate | None,
    entries: list[Person],
    journal: Journal,
    snapshot: Stage,
    text: str,
) -> AccountExplained:
    link = journal.links(kind, [subject]).get(subject)
    account = snapshot.accounts.by_key(kind, [link.key]).get(link.key) if link else None
    desired = mapping([candidate])[0] if candidate is not None else None
    operations = history_of(journal, subject, kind)
    drifts = list(journal.drifts(kind, [subject]).values()) if link is not None else []
    mark = _read_after(snapshot, kind, link)
    person = candidate.person if candidate else None
    active = _is_active(link, account, operations, mark)
    return AccountExplained(
        kind=kind,
        desired=desired,
        link=link,
        account=account,
        active=active,
        leaving_since=journal.leaving(kind, [subject]).get(subject),
        missing=journal.absences(kind, [subject]).get(subject),
        held=[*snapshot.proposals.held(kind, subject), *held_in_class(journal, kind, subject)],
        operations=operations,
        drifts=drifts,
        fields=stories(
            kind,
            mapping,
            desired,
            link,
            account,
            operations,
            person=person,
            entries=entries,
            text=text,
            mark=mark,
            off=active is False,
            drifts=drifts,
        ),
    )


def _is_active(
    link: Link | None, account: Account | None, operations: Iterable[OperationRecord], mark: int
) -> bool | None:
    """Whether the linked account is on: as the newest write since it was read left it, else as it was read."""
    if link is None:
        return None
    since = (one for one in operations if one.holds and int(one.id) > mark)
    if any(one.change.action == "create" or one.change.active is not None for one in since):
        return link.active
    return account.active if account else None


def _account_written(journal: Journal, subject: Subject, kind: str) -> AccountExplained:
    link = journal.links(kind, [subject]).get(subject)
    return AccountExplained(
        kind=kind,
        desired=None,
        link=link,
        account=None,
        active=link.active if link else None,
        leaving_since=None,
        missing=None,
        held=[],
        operations=history_of(journal, subject, kind),
    )


def _kinds_written(journal: Journal, subject: Subject) -> list[str]:
    return list(dict.fromkeys(operation.change.kind for operation in journal.operations(subject=subject, limit=_ALL)))


def _read_by(snapshot: Stage) -> str:
    moment = _moment(snapshot)
    return moment.run if moment else ""


def _read_after(snapshot: Stage, kind: str, link: Link | None) -> int:
    """The last write of the journal before the linked account was read: what came later, a read cannot show.

    Numbers tell that, and times do not: a round of changes reads few accounts again, and a clock may be set back.
    """
    looked_up = snapshot.accounts.looked_up_after(kind, link.key) if link else None
    if looked_up is not None:
        return looked_up
    with suppress(StorageError):  # left by a version that did not note it
        return snapshot.read_note("read_mark", int)
    moment = _moment(snapshot)
    return moment.marks.get("operation", 0) if moment else 0


def _moment(snapshot: Stage) -> Moment | None:
    try:
        return snapshot.read_note("moment", Moment)
    except StorageError:  # left by a version that did not note it
        return None


def _candidate(snapshot: Stage, subject: Subject, logical: LogicalGroups) -> Candidate | None:
    found = snapshot.people.candidates_of([subject], logical)
    return next((each for each in found if each.person.subject == subject), None)


def _entries(journal: Journal, snapshot: Stage, subject: Subject, logical: LogicalGroups) -> list[Entry]:
    read = {each.person.subject: each for each in snapshot.people.entries(subject, logical)}
    vouchers = {voucher.subject: voucher for voucher in journal.recognised(subject)}
    entries: list[Entry] = []
    for one in sorted({subject, *read, *vouchers}, key=lambda each: (each != subject, each)):
        candidate, voucher = read.get(one), vouchers.get(one)
        entries.append(
            Entry(
                subject=one,
                person=candidate.person if candidate else None,
                groups=sorted(candidate.groups | candidate.apps) if candidate else [],
                because=voucher.because if voucher else "",
                since=voucher.since if voucher else None,
                run=voucher.run if voucher else "",
            )
        )
    return entries if len(entries) > 1 else []
