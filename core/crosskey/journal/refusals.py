"""Creates that the target refused, and under which configuration: what a pause before the next try counts from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from crosskey.journal.database import Database, moment
from crosskey.journal.lookups import lookups
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("UNSENT", "Refusal", "creates")

UNSENT: Final = "unsent"
"""The code of a change that never left: the target refused nothing."""

_change = msgspec.json.Decoder(Change)

# Newest first. What was never sent (no credential, nobody there) was not refused.
_SQL = """SELECT subject, change, state, intent_at, outcome_code, message, config_digest
    FROM operation JOIN run ON run.id = operation.run
    WHERE operation.connection = ? AND issuer = ? AND operation.kind = ? AND outcome_code <> ?
    AND subject IN (SELECT value FROM json_each(?)) ORDER BY operation.id DESC"""


class Refusal(msgspec.Struct, frozen=True):
    """A write that the target refused."""

    change: Change
    at: datetime
    code: str
    message: str
    config_digest: str


def creates(
    database: Database, connection: str, kind: str, subjects: Iterable[Subject]
) -> dict[Subject, list[Refusal]]:
    """The refused creates of each of those subjects since anything else became of one, newest first."""
    found: dict[Subject, list[Refusal]] = {}
    ended: set[Subject] = set()
    for issuer, ids in lookups(subjects):
        for subject, body, state, at, code, message, digest in database.rows(
            _SQL, (connection, issuer, kind, UNSENT, ids)
        ):
            who, change = Subject(issuer, subject), _change.decode(body)
            if who in ended or state != "failed" or change.action != "create":
                ended.add(who)
                continue
            found.setdefault(who, []).append(Refusal(change, moment(at), code, message, digest))
    return found
