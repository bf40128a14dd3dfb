"""Drift that stands, shown offline from the journal and the last read's snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping, Desired
from crosskey.connector.target import TargetSchema
from crosskey.engine.drift.comparing import policy_of
from crosskey.engine.drift.writes import run_that_applied
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.rules import compile_mappings
from crosskey.engine.stage import Stage
from crosskey.journal import Drift, Journal, Link, OperationRecord, Value
from crosskey.model import Catalogue

__all__ = ("DriftReport", "DriftShown", "owner_of", "report")

_WILL: Final = {
    "reassert": "written again by the next run",
    "yield": "left to them until it says what the rules say",
    "alert": "held; to have it written again: crosskey approve drift --only {kind}:{key}",
}


class DriftShown(msgspec.Struct, frozen=True, kw_only=True):
    """One owned value that somebody else changed.

    ``applied_in`` is the run that last applied ``drift.ours`` (empty: it was found so, or that is long ago), ``wanted``
    what the rules want by the last read, ``policy`` what they say of it now, and ``will`` what comes of that.
    """

    drift: Drift
    label: str
    applied_in: str
    wanted: Value
    policy: str
    will: str


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """All drift that stands, ordered by person, and what names the ids in it."""

    drifts: list[DriftShown]
    schema: TargetSchema
    catalogue: Catalogue


def report(config: Config, journal: Journal, snapshot: Stage) -> DriftReport:
    """Everything that the journal knows to have drifted, with what the rules make of the last read."""
    schema = snapshot.read_note("schema", TargetSchema)
    catalogue = snapshot.read_note("catalogue", Catalogue)
    mappings = compile_mappings(config, schema, catalogue)
    logical = LogicalGroups(
        snapshot.read_note("groups", dict[str, list[str]]), snapshot.read_note("apps", dict[str, list[str]])
    )
    shown: list[DriftShown] = []
    for drift in journal.all_drifts():
        found = snapshot.people.candidates_of([drift.subject], logical)
        candidate = next((each for each in found if each.person.subject == drift.subject), None)
        mapping = mappings.get(drift.kind)
        desired = mapping([candidate])[0] if mapping is not None and candidate is not None else None
        account = snapshot.accounts.by_key(drift.kind, [drift.key]).get(drift.key)
        policy = drift.policy if mapping is None or drift.part == "active" else policy_of(mapping, drift.part)
        shown.append(
            DriftShown(
                drift=drift,
                label=candidate.person.label if candidate else drift.subject.id,
                applied_in=run_that_applied(journal.operations(key=(drift.kind, drift.key)), drift.part, drift.ours),
                wanted=_wanted(drift, desired),
                policy=policy,
                will=_will(drift, policy, mapping, off=account is not None and not account.active),
            )
        )
    return DriftReport(drifts=shown, schema=schema, catalogue=catalogue)


def owner_of(part: str, link: Link, operations: Sequence[OperationRecord], drifts: Sequence[Drift]) -> str:
    """Who owns a field or reference of a linked account, in words; empty when nobody does so far."""
    for drift in drifts:
        if drift.part == part:
            return f"somebody else since about {drift.since:%Y-%m-%d %H:%M} UTC"
    ours = link.fields.get(part, link.given.get(part))
    if ours is not None:
        run = run_that_applied(operations, part, ours)
        return f"crosskey since run {run}" if run else "crosskey"
    return "crosskey, as it was found" if part in link.seen else ""


def _wanted(drift: Drift, desired: Desired | None) -> Value:
    if desired is None:
        return None
    if drift.part == "active":
        return desired.in_scope
    return desired.fields.get(drift.part, desired.references.get(drift.part))


def _will(drift: Drift, policy: str, mapping: CompiledMapping | None, *, off: bool) -> str:
    if mapping is None:
        return "nothing: no rules are left for this kind"
    if drift.part == "active":
        return "switched off again" if drift.now else "left as it is: crosskey only enables what it disabled"
    if off:
        return "nothing while the account is switched off"
    return _WILL[policy].format(kind=drift.kind, key=drift.key)
