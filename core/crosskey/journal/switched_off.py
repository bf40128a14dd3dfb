"""Whoever's account is switched off loses their sessions in the same transaction, when it is intended already.

A kill between the desk's answer and its record leaves the intent, and with it nobody inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crosskey.journal import sessions
from crosskey.journal.database import Database
from crosskey.journal.records import Link
from crosskey.plan import Change

__all__ = ("end_intended", "end_recorded")

_OFF = ("disable", "release")


def end_intended(database: Database, now: datetime, connection: str, run: str, changes: Iterable[Change]) -> None:
    """End inside the caller's transaction the sessions of accounts that are about to be switched off."""
    off = [change for change in changes if change.action in _OFF]
    for kind in sorted({change.kind for change in off}):
        subjects = [change.subject for change in off if change.kind == kind]
        sessions.end_accounts(database, now, connection, kind, subjects, "account-disabled", run=run)


def end_recorded(database: Database, now: datetime, connection: str, run: str, links: Iterable[Link]) -> None:
    """End inside the caller's transaction the sessions of accounts that turned out to be off."""
    off = [link for link in links if not link.active]
    for kind in sorted({link.kind for link in off}):
        subjects = [link.subject for link in off if link.kind == kind]
        sessions.end_accounts(database, now, connection, kind, subjects, "account-disabled", run=run)
