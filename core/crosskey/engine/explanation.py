"""Everything crosskey knows about one person, from the last read's snapshot and the journal; no network, no secrets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from crosskey.config import Config
from crosskey.connector.mapper import Candidate, Desired
from crosskey.connector.target import TargetSchema
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.rules import compile_mappings
from crosskey.engine.stage import Stage
from crosskey.engine.waiting import held_in_class
from crosskey.errors import ConfigError
from crosskey.journal import Absence, Journal, Link, OperationRecord
from crosskey.model import Account, Catalogue, Person, Subject
from crosskey.plan import Held

__all__ = ("AccountExplained", "Entry", "Explanation", "explain")


class AccountExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of account of one person: what the rules say, what is linked, what is there, what was held and done."""

    kind: str
    desired: Desired | None
    link: Link | None
    account: Account | None
    leaving_since: datetime | None
    missing: Absence | None
    held: list[Held]
    operations: list[OperationRecord]


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

    ``entries`` are those of all sources where several tell of them. ``absent_reads`` confirmations make a leaver of who
    is missing.
    """

    subject: Subject
    person: Person | None
    groups: list[str]
    apps: list[str]
    read_at: datetime
    entries: list[Entry]
    accounts: list[AccountExplained]
    absent_reads: int
    schema: TargetSchema
    catalogue: Catalogue


def explain(config: Config, journal: Journal, snapshot: Stage, who: str) -> list[Explanation]:
    """Everyone whom ``who`` names: an id, e-mail address or user name of the source, or ``kind:key`` of the target.

    Raises :class:`ConfigError` when nobody is known under it.
    """
    schema = snapshot.read_note("schema", TargetSchema)
    catalogue = snapshot.read_note("catalogue", Catalogue)
    mappings = compile_mappings(config, schema, catalogue)
    logical = LogicalGroups(
        snapshot.read_note("groups", dict[str, list[str]]), snapshot.read_note("apps", dict[str, list[str]])
    )
    people = {each.person.subject: each for each in snapshot.people.candidates_of(snapshot.people.search(who), logical)}
    subjects = [*people, *(subject for subject in _by_account(journal, who) if subject not in people)]
    if not subjects:
        raise ConfigError(
            f'nobody is known as "{who}"',
            code="who-unknown",
            where="explain",
            fix="give an e-mail address, a user name or an id of the source, or an account as kind:key (user:123)",
        )
    read_at = snapshot.read_note("read_at", datetime)
    explanations: list[Explanation] = []
    for subject in subjects:
        candidate = people.get(subject) or _candidate(snapshot, subject, logical)
        accounts: list[AccountExplained] = []
        for kind, mapping in mappings.items():
            link = journal.links(kind, [subject]).get(subject)
            accounts.append(
                AccountExplained(
                    kind=kind,
                    desired=mapping([candidate])[0] if candidate is not None else None,
                    link=link,
                    account=snapshot.accounts.by_key(kind, [link.key]).get(link.key) if link else None,
                    leaving_since=journal.leaving(kind, [subject]).get(subject),
                    missing=journal.absences(kind, [subject]).get(subject),
                    held=[*snapshot.proposals.held(kind, subject), *held_in_class(journal, kind, subject)],
                    operations=[op for op in journal.operations(subject=subject, limit=20) if op.change.kind == kind],
                )
            )
        explanations.append(
            Explanation(
                subject=subject,
                person=candidate.person if candidate else None,
                groups=sorted(candidate.groups) if candidate else [],
                apps=sorted(candidate.apps) if candidate else [],
                read_at=read_at,
                entries=_entries(journal, snapshot, subject, logical),
                accounts=accounts,
                absent_reads=config.rails.absent_reads,
                schema=schema,
                catalogue=catalogue,
            )
        )
    return explanations


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


def _by_account(journal: Journal, who: str) -> Iterable[Subject]:
    kind, _, key = who.partition(":")
    if key:
        link = journal.links_by_key(kind, [key]).get(key)
        if link is not None:
            yield link.subject
