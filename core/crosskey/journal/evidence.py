"""Is the journal what was written? Everything that events vouch for is compared with them, and they with each other.

Covered: every column of `event` and `segment`; of `meta` all; of `operation` all; what approvals let
through and why; every move of a door and proof of a local login; the links, as the last writer that
closed the journal in good order left them. Not covered: reads, plans and what a watcher notes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from crosskey.journal import approvals, events, outcomes, segments, steps
from crosskey.journal.database import Database, Row
from crosskey.journal.linksum import sum_links
from crosskey.journal.outcomes import STANDING, Standing
from crosskey.journal.records import Verification
from crosskey.journal.segments import Segment
from crosskey.model import Scalar
from crosskey.plan import Change

__all__ = ("verify",)

_QUIET = ("lease.", "watch.", "quarantine.", "segment.", "journal.")
"""Events of those kinds leave all links as they are."""

Facts = Mapping[str, Scalar]

_facts = msgspec.json.Decoder(dict[str, Scalar])
_change = msgspec.json.Decoder(Change)

_INTENDED = f"""SELECT run, connection, change_id, kind, issuer, subject, change, {STANDING} FROM operation
    WHERE event = ? ORDER BY id"""  # noqa: S608 - constants
_TOLD = f"SELECT {STANDING} FROM operation WHERE told = ? AND event <> told"  # noqa: S608 - constants


def verify(database: Database, *, since_sealed: bool = False) -> Verification:
    """Walk the chain of all connections, or only what follows the newest sealed segment. A run may be writing."""
    return _Walk(database, since_sealed=since_sealed).go()


class _Walk:
    def __init__(self, database: Database, *, since_sealed: bool) -> None:
        self.database = database
        (self.head_seq, self.head, self.pruned, self.lineage, self.created, self.newest) = database.rows(
            "SELECT head_seq, head_hash, pruned_seq, lineage, created_at, (SELECT max(seq) FROM event) FROM meta"
        )[0]
        self.segments = list(segments.stream(database))
        self.whole = not since_sealed
        self.start = self.segments[-1].last if since_sealed and self.segments else int(self.pruned)
        self.replaced = self._replaced()
        self.operations = 0
        self.outcomes = 0
        self.rows = 0
        self.through = 0
        self.taken: Facts = {}
        self.summed: Facts | None = None
        self.links_stand = False
        self.restored: list[str] = []

    def go(self) -> Verification:
        """The first thing that is not as it was written, if there is any."""
        seq, previous, problem = self.start, self._start_head(), ""
        if previous is None:
            problem, previous = "events were removed up to a place where no segment ends", ""
        else:
            for row in events.pages(self.database, after=self.start):
                if row[0] > self.head_seq:
                    break
                problem = self._problem(row, seq, previous)
                if problem:
                    break
                seq, previous = row[0], row[6]
        found = [(seq + 1, problem)] if problem else self._ends(seq, previous)
        found += self._bad_segments()
        bad, reason = min(found, default=(None, ""))
        return Verification(
            events=seq if bad is None else bad - 1,
            head=previous,
            first_bad=bad,
            reason=reason,
            first=self.start + 1,
            lineage=self.lineage,
            segments=len(self.segments),
            operations=self.operations,
            keys=tuple(dict.fromkeys(each.key for each in self.segments if each.key)),
            restored=tuple(self.restored),
        )

    def _start_head(self) -> str | None:
        """The hash that the first event to be looked at follows."""
        if self.start == 0:
            return ""
        return next((each.head for each in self.segments if each.last == self.start), None)

    # -- events -------------------------------------------------------------------------------------------------------

    def _problem(self, row: Row, before: int, previous: str) -> str:
        seq, at, connection, run, kind, text, mark = row
        if seq != before + 1:
            return f"event {before + 1} is missing"
        if mark != events.chained(previous, seq, at, connection, run, kind, text):
            return f"event {seq} is not what was written"
        facts = _facts.decode(text)
        if "changes_digest" in facts and not self._stands(lambda: self._intents_match(row, facts)):
            return f"an intended change of event {seq} is not what was written"
        if "outcomes_digest" in facts and not self._stands(lambda: self._outcomes_match(seq, facts)):
            return f"an outcome of event {seq} is not what was written"
        problem = self._row_problem(seq, kind, facts)
        if not problem:
            self._note(seq, kind, facts)
        return problem

    def _row_problem(self, seq: int, kind: str, facts: Facts) -> str:
        """What is wrong with the one row for which an event stands."""
        if "approval_digest" in facts and not self._stands(
            lambda: approvals.is_vouched_for(self.database, seq, facts["approval_digest"])
        ):
            return f"the approval of event {seq} is not what was written"
        if "row_digest" in facts:
            self.rows += 1
            if not self._stands(lambda: steps.is_vouched_for(self.database, seq, kind, facts["row_digest"])):
                return f"the row of event {seq} ({kind}) is not what was written"
        return ""

    def _stands(self, look: Callable[[], bool]) -> bool:
        """Look again where a run that is at work may have written between two looks."""
        if look():
            return True
        self.replaced = self._replaced()
        return look()

    def _intents_match(self, row: Row, facts: Facts) -> bool:
        seq, at, connection, run = row[:4]
        rows = self.database.rows(_INTENDED, (seq,))
        if events.digest(each[6] for each in rows) != facts["changes_digest"]:
            return False
        self.operations += len(rows)
        fresh = "first" in facts
        for number, each in enumerate(rows):
            change, standing = _change.decode(each[6]), Standing(*each[7:])
            subject = change.subject
            if each[:6] != (run, connection, change.id, change.kind, subject.issuer, subject.id):
                return False
            if not fresh:
                continue
            if standing.id != int(str(facts["first"])) + number or standing.told < seq:
                return False
            intent = Standing(
                standing.id,
                seq,
                seq,
                "intent",
                1,
                change.key,
                at,
                str(facts["settle_until"]),
                None,
                "",
                "",
                None,
                "",
                0,
            )
            if standing.told == seq and standing != intent:
                return False
        return True

    def _outcomes_match(self, seq: int, facts: Facts) -> bool:
        leaves = dict(self.replaced.get(seq, {}))
        rows = [Standing(*row) for row in self.database.rows(_TOLD, (seq,))]
        leaves.update((standing.id, standing.leaf) for standing in rows)
        if outcomes.digest(leaves) != facts["outcomes_digest"]:
            return False
        self.outcomes += len(rows)
        return True

    def _replaced(self) -> dict[int, dict[int, str]]:
        rows = self.database.rows(
            "SELECT json_extract(facts, '$.replaces') FROM event WHERE seq > ? AND facts LIKE '%\"replaces\"%'"
            " AND json_valid(facts)",
            (self.start,),
        )
        return outcomes.replaced(text for (text,) in rows if text)

    def _note(self, seq: int, kind: str, facts: Facts) -> None:
        """Remember what later checks compare with."""
        if "links_digest" in facts:
            self.summed = {name: facts[name] for name in ("links", "links_digest")}
        if not kind.startswith(_QUIET):
            self.links_stand = "links" in facts  # otherwise they may have changed since
        if "created_at" in facts:
            self.taken = facts
        if kind == "journal.pruned":
            self.through = int(str(facts["through"]))
        elif kind == "journal.restored":
            self.restored.append(f"{facts['former']}:{seq}")

    # -- what stands beside them --------------------------------------------------------------------------------------

    def _ends(self, seq: int, previous: str) -> list[tuple[int, str]]:
        """What is wrong with the end of the chain, and with what stands in no event."""
        if (seq, previous) != (self.head_seq, self.head):
            return [(seq + 1, "events at the end are missing")]
        if (self.newest or 0) > seq:
            return [(seq + 1, f"event {self.newest} was not appended by crosskey")]
        name = (self.taken.get("lineage"), self.taken.get("created_at"))
        if name not in ((self.lineage, self.created), (None, None)):
            return [(seq + 1, "the journal's name is not what was written")]
        told = "SELECT count(*) FROM operation WHERE told > ? AND event <> told"
        if self.database.value(told, (self.start,)) != self.outcomes and not self._moved():
            return [(seq + 1, "an outcome stands that no event vouches for")]
        return self._beside(seq) if self.whole else []

    def _beside(self, seq: int) -> list[tuple[int, str]]:
        """What only the whole of the chain can tell."""
        if self.through != self.pruned:
            return [(self.start + 1, "events were removed that nobody pruned")]
        sql = "SELECT count(*) FROM operation WHERE event > ? AND event <= ?"
        reason = ""
        if self.database.value(sql, (self.start, self.head_seq)) != self.operations:
            reason = "an operation stands that no event intended"
        elif steps.count(self.database, self.start) != self.rows:
            reason = "a door's move or proof stands that no event vouches for"
        elif self._links_changed():
            reason = "links are not what the last writer left"
        return [(seq + 1, reason)] if reason and not self._moved() else []

    def _links_changed(self) -> bool:
        # What was upgraded in memory, to be read only, has other columns than its last writer summed.
        told = self.summed if self.links_stand and not self.database.upgraded else None
        return told is not None and sum_links(self.database) != told

    def _moved(self) -> bool:
        """Whether somebody wrote meanwhile, so that tables are ahead of what was walked."""
        return bool(self.database.value("SELECT head_seq FROM meta") != self.head_seq)

    def _bad_segments(self) -> list[tuple[int, str]]:
        number, last, mark = 0, 0, ""
        for each in self.segments:
            number += 1
            expected = (number, last + 1, segments.mark_of(mark, each))
            if (each.number, each.first, each.mark) != expected or not self._sealed(each):
                return [(last + 1, f"segment {number} is not what was sealed")]
            if (each.key or each.signature) and not each.is_signed:
                return [(last + 1, f"the signature of segment {number} is not its key's")]
            last, mark = each.last, each.mark
        sealed = self.database.value(
            "SELECT count(*) FROM event WHERE kind = 'segment.sealed' AND seq > ?", (last + 1,)
        )
        if sealed and not self._moved():
            return [(last + 1, f"segment {number + 1} is missing")]
        return []

    def _sealed(self, segment: Segment) -> bool:
        """Whether the event right behind a segment says so. Where it was pruned, the next mark covers it."""
        if segment.last < self.start:
            return True
        row = self.database.row("SELECT kind, facts FROM event WHERE seq = ?", (segment.last + 1,))
        with suppress(msgspec.DecodeError):
            return row is not None and row[0] == "segment.sealed" and _facts.decode(row[1]) == segment.facts
        return False
