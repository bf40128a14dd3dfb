"""How somebody stands with the sync: the one account that is theirs, or what keeps them from having one."""

from __future__ import annotations

import msgspec

from crosskey.journal import waiting
from crosskey.journal.database import Database
from crosskey.model import Subject

__all__ = ("Standing", "standing")

_LEAD = "SELECT lead_issuer, lead_subject FROM voucher WHERE connection = ? AND issuer = ? AND subject = ?"
_KNOWN = """SELECT EXISTS (SELECT 1 FROM link WHERE connection = ? AND issuer = ?)
    OR EXISTS (SELECT 1 FROM voucher WHERE connection = ? AND issuer = ?)
    OR EXISTS (SELECT 1 FROM held WHERE connection = ? AND issuer = ?)"""
_LINKS = "SELECT kind, key, active FROM link WHERE connection = ? AND issuer = ? AND subject = ?"
# A write that switches the account off and whose outcome nobody knows yet.
_SWITCHING = """SELECT 1 FROM operation WHERE connection = ? AND kind = ? AND issuer = ? AND subject = ?
    AND state IN ('intent', 'uncertain') AND json_extract(change, '$.action') IN ('disable', 'release')"""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the sync knows of one person and one kind of account.

    ``subject`` is the one that links are under. ``known_issuer``: the sync knows somebody of that issuer at all.
    ``key`` is the account's, ``None`` without a link; ``held`` are the codes of what waits for a decision about them,
    ``elsewhere`` the other kinds of which they have an account that is on.
    """

    subject: Subject
    known_issuer: bool
    key: str | None = None
    active: bool = False
    held: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def standing(database: Database, connection: str, person: Subject, kind: str) -> Standing:
    """Look. Only the immutable subject counts: neither name nor mail is looked at."""
    lead = database.row(_LEAD, (connection, person.issuer, person.id))
    subject = Subject(*lead) if lead else person
    who = (connection, subject.issuer, subject.id)
    links = {row[0]: (row[1], bool(row[2])) for row in database.rows(_LINKS, who)}
    key, active = links.pop(kind, (None, False))
    switching = database.row(_SWITCHING, (connection, kind, subject.issuer, subject.id))
    held = [each.held for each in waiting.about(database, connection, subject) if each.held.kind in ("", kind)]
    return Standing(
        subject=subject,
        known_issuer=bool(database.value(_KNOWN, (connection, person.issuer) * 3)),
        key=key,
        active=active and switching is None,
        held=tuple(each.rail for each in held),
        elsewhere=tuple(sorted(kind for kind, (_, on) in links.items() if on)),
    )
