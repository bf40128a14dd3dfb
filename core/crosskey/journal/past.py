"""What earlier runs did, as rails ask for it: the rules that were applied last, and who was disabled since."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from crosskey.journal import approvals
from crosskey.journal.database import Database, stamp
from crosskey.journal.lookups import in_json, lookups
from crosskey.model import Subject

__all__ = ("applied_configuration", "disabled_since", "tried_to_make")

# A run that a rail held whole did nothing, and one whose rules were held did not apply them.
_APPLIED = """SELECT text FROM run JOIN config_generation ON config_generation.digest = run.config_digest
    LEFT JOIN plan ON plan.id = run.id
    WHERE run.connection = ?1 AND run.kind IN ('sync', 'apply') AND run.verdict IN ('clean', 'partial', 'held')
    AND EXISTS (SELECT 1 FROM json_each(text, '$.map') AS rules WHERE rules.key = ?2)
    AND NOT EXISTS (SELECT 1 FROM json_each(plan.header, '$.held') AS hold
        WHERE json_extract(hold.value, '$.scope') = 'run'
        OR json_extract(hold.value, '$.rail') IN ('first-run', 'mass-change')
        AND json_extract(hold.value, '$.kind') = ?2)
    ORDER BY run.rowid DESC LIMIT 1"""

_DISABLED = """SELECT operation.run, operation.issuer, operation.subject, operation.key FROM operation
    LEFT JOIN link ON link.connection = operation.connection AND link.kind = operation.kind
        AND link.key = operation.key
    WHERE operation.connection = ? AND operation.intent_at >= ? AND operation.kind = ?
    AND json_extract(operation.change, '$.action') = 'disable'
    AND (SELECT kind FROM run WHERE run.id = operation.run) <> 'undo'
    AND (operation.state IN ('intent', 'uncertain')
        OR operation.state IN ('done', 'resolved_present') AND coalesce(link.active, 0) = 0)"""

_TRIED = """SELECT DISTINCT subject FROM operation WHERE connection = ? AND issuer = ? AND kind = ?
    AND subject IN (SELECT value FROM json_each(?)) AND json_extract(change, '$.action') = 'create'"""

_ALLOWED = """SELECT id FROM plan WHERE id IN (SELECT value FROM json_each(?)) AND EXISTS (
    SELECT 1 FROM json_each(header, '$.allowed') AS word
    WHERE word.value LIKE 'mass-disable=%' OR word.value LIKE 'rolling-disable=%')"""


def applied_configuration(database: Database, connection: str, kind: str) -> str | None:
    """The configuration of the last run that applied rules for a kind of account; ``None`` when none ever did."""
    text = database.value(_APPLIED, (connection, kind))
    return None if text is None else str(text)


def tried_to_make(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> set[Subject]:
    """Those of the people for whom a run has sent a new account before, whatever became of it."""
    return {
        Subject(issuer, str(subject))
        for issuer, ids in lookups(subjects)
        for (subject,) in database.rows(_TRIED, (connection, issuer, kind, ids))
    }


def disabled_since(database: Database, connection: str, kind: str, since: datetime) -> int:
    """How many accounts were disabled since then, or may have been, without the word of a person, and still are."""
    rows = database.rows(_DISABLED, (connection, stamp(since), kind))
    runs = {str(run) for run, _, _, _ in rows}
    allowed = _runs_allowed(database, runs)
    approved = {
        (run, item.subject)
        for run, given in approvals.used_by(database, runs).items()
        for approval in given
        for item in approval.items
        if item.kind == kind
    }
    return len(
        {
            key
            for run, issuer, subject, key in rows
            if run not in allowed and (run, Subject(issuer, subject)) not in approved
        }
    )


def _runs_allowed(database: Database, runs: Collection[str]) -> set[str]:
    """Those of the runs for which a person named a number of disables on the command line."""
    return {str(run) for (run,) in database.rows(_ALLOWED, (in_json(sorted(runs)),))}
