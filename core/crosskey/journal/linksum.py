"""A digest over all links, told in the chain whenever a run ends: who is whose is evidence too."""

from __future__ import annotations

import hashlib

import msgspec

from crosskey.journal.database import Database
from crosskey.journal.links import LINKS
from crosskey.model import Scalar

__all__ = ("LinkSum", "sum_links")

_PAGE = 5_000
_COLUMNS = """connection, issuer, subject, kind, key, marker, active, established_by, since, given, fields,
    disabled_by_us, run, seen"""

_facts = msgspec.json.Decoder(dict[str, Scalar])


class LinkSum:
    """Says what the links add up to, and works it out anew only where this writer changed any.

    ``afresh``: what was told last may not be so, because a writer before was killed or the schema changed.
    """

    def __init__(self, database: Database, *, afresh: bool) -> None:
        self._database = database
        self._told: dict[str, Scalar] | None = None if afresh else _last_told(database)
        database.changed.discard(LINKS)

    @property
    def is_due(self) -> bool:
        """Whether links changed since they were summed last."""
        return self._told is None or LINKS in self._database.changed

    def facts(self) -> dict[str, Scalar]:
        """What an event must say, inside the caller's transaction: the digest, or only the number where it stands."""
        if self._told is not None and not self.is_due:
            return {"links": self._told["links"]}
        self._told = sum_links(self._database)
        self._database.changed.discard(LINKS)
        return self._told


def sum_links(database: Database) -> dict[str, Scalar]:
    """How many links there are, of all connections, and a digest over everything in them."""
    digest, count = hashlib.sha256(), 0
    after: tuple[object, ...] = ("", "", "", "")
    sql = f"""SELECT {_COLUMNS} FROM link WHERE (connection, issuer, subject, kind) > (?, ?, ?, ?)
        ORDER BY connection, issuer, subject, kind LIMIT {_PAGE}"""  # noqa: S608 - constants of this module
    while page := database.rows(sql, after):
        digest.update(msgspec.json.encode(page))
        count += len(page)
        after = page[-1][:4]
    return {"links": count, "links_digest": digest.hexdigest()}


def _last_told(database: Database) -> dict[str, Scalar] | None:
    """What was told since the last segment was sealed: each segment tells it once, because earlier ones may go."""
    text = database.value(
        "SELECT facts FROM event WHERE seq > (SELECT coalesce(max(last_seq), 0) FROM segment)"
        " AND kind IN ('run.closed', 'links.summed') AND facts LIKE '%links_digest%' ORDER BY seq DESC LIMIT 1"
    )
    facts = _facts.decode(text) if text else {}
    return {name: facts[name] for name in ("links", "links_digest")} if facts else None
