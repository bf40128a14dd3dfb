"""Vouchers: further subjects, in other sources, of people who are linked under their lead's subject.

Recognised once by configured keys, two subjects stay one person, whatever becomes of the keys: only ids are identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crosskey.journal.database import Database, moment
from crosskey.journal.lookups import lookups
from crosskey.journal.records import Voucher
from crosskey.model import Subject

__all__ = ("follow", "forget", "noted", "of_leads", "rename", "save", "stream")

_PAGE = 2_000


def stream(database: Database, connection: str) -> Iterator[tuple[Subject, Subject]]:
    """Every voucher and the lead it stands by, a page at a time."""
    after = ("", "")
    sql = f"""SELECT issuer, subject, lead_issuer, lead_subject FROM voucher
        WHERE connection = ? AND (issuer, subject) > (?, ?) ORDER BY issuer, subject LIMIT {_PAGE}"""  # noqa: S608 - a constant of this module
    while page := database.rows(sql, (connection, *after)):
        for issuer, subject, lead_issuer, lead_subject in page:
            yield Subject(issuer, subject), Subject(lead_issuer, lead_subject)
        after = (page[-1][0], page[-1][1])


def of_leads(database: Database, connection: str, leads: Iterable[Subject]) -> dict[Subject, list[Subject]]:
    """Who vouches for each of these leads besides the lead itself."""
    found: dict[Subject, list[Subject]] = {}
    for issuer, ids in lookups(leads):
        rows = database.rows(
            "SELECT issuer, subject, lead_subject FROM voucher WHERE connection = ? AND lead_issuer = ?"
            " AND lead_subject IN (SELECT value FROM json_each(?)) ORDER BY issuer, subject",
            (connection, issuer, ids),
        )
        for own_issuer, subject, lead in rows:
            found.setdefault(Subject(issuer, lead), []).append(Subject(own_issuer, subject))
    return found


def noted(database: Database, connection: str, lead: Subject) -> list[Voucher]:
    """Everything that is noted of who vouches for a lead."""
    rows = database.rows(
        "SELECT issuer, subject, because, since, run FROM voucher WHERE connection = ? AND lead_issuer = ?"
        " AND lead_subject = ? ORDER BY issuer, subject",
        (connection, lead.issuer, lead.id),
    )
    return [Voucher(Subject(row[0], row[1]), lead, row[2], moment(row[3]), row[4]) for row in rows]


def save(database: Database, connection: str, vouchers: Iterable[Voucher], now: str, run: str) -> None:
    """Write vouchers inside the caller's transaction. What is known already stays, except for another lead.

    Nobody vouches for somebody who vouches for somebody else: whoever has a new lead takes everybody along.
    """
    found = list(vouchers)
    for one in found:
        follow(database, connection, one.subject, one.lead)
    database.many(
        "INSERT INTO voucher (connection, issuer, subject, lead_issuer, lead_subject, because, since, run)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET lead_issuer = excluded.lead_issuer, lead_subject = excluded.lead_subject",
        (
            (
                connection,
                one.subject.issuer,
                one.subject.id,
                one.lead.issuer,
                one.lead.id,
                one.because,
                now,
                run,
            )
            for one in found
        ),
    )


def follow(database: Database, connection: str, former: Subject, subject: Subject) -> None:
    """Inside the caller's transaction: whoever vouched for ``former`` vouches for ``subject`` from now on."""
    database.run(
        "DELETE FROM voucher WHERE connection = ? AND issuer = ? AND subject = ?",
        (connection, subject.issuer, subject.id),
    )
    database.run(
        "UPDATE voucher SET lead_issuer = ?, lead_subject = ?"
        " WHERE connection = ? AND lead_issuer = ? AND lead_subject = ?",
        (subject.issuer, subject.id, connection, former.issuer, former.id),
    )


def rename(database: Database, connection: str, old: Subject, new: Subject) -> None:
    """Inside the caller's transaction: the subject itself is another one now, as voucher and as lead."""
    follow(database, connection, old, new)
    database.run(
        "UPDATE OR REPLACE voucher SET issuer = ?, subject = ? WHERE connection = ? AND issuer = ? AND subject = ?",
        (new.issuer, new.id, connection, old.issuer, old.id),
    )


def forget(database: Database, connection: str, subject: Subject) -> None:
    """Inside the caller's transaction: this subject vouches for nobody any more."""
    database.run(
        "DELETE FROM voucher WHERE connection = ? AND issuer = ? AND subject = ?",
        (connection, subject.issuer, subject.id),
    )
