"""One field of an account: what it is made of, by which rule, who wrote it last and since when, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from crosskey.config import line_of
from crosskey.connector.mapper import CompiledMapping, Desired, Ownership, TellsOrigins
from crosskey.engine.drift.values import alike, same
from crosskey.journal import Drift, Link, OperationRecord, OperationState
from crosskey.model import Account, Person, Scalar, Subject

__all__ = ("OURS", "FieldStory", "Said", "Value", "WrittenOnce", "stories", "written_of")

Value = Scalar | tuple[str, ...]
"""A field's value, or the ids of a reference."""

OURS: Final = "crosskey's"
"""Whose a value is that crosskey wrote and that is still there."""

_NO_ACCOUNT: Final = "nobody's: there is no account of crosskey's"
_UNREAD: Final = "not known: the last read did not show the account"
_WRITES: Final = "the next run writes the rule's value"
_OFF: Final = "nothing is written while the account is switched off"

Sort = Literal["field", "reference", "state"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one attribute held, and the source (its subject there) that said so."""

    attribute: str
    value: str
    subject: Subject


class WrittenOnce(msgspec.Struct, frozen=True, kw_only=True):
    """One write that changed a field, its reason, and what became of it. ``undoes``: the run that it took back."""

    at: datetime
    run: str
    operation: str
    action: str
    before: Value
    after: Value
    why: str
    state: OperationState
    undoes: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether it is known that nothing came of it."""
        return self.state in ("failed", "resolved_absent", "superseded")

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet what became of it."""
        return self.state in ("intent", "uncertain")

    def is_newer(self, mark: int) -> bool:
        """Whether it is known to have happened, and after ``mark``, the last write before the account was read."""
        return self.state in ("done", "resolved_present") and int(self.operation) > mark


class FieldStory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one field or reference.

    ``rule`` is the path of its key in the configuration, ``line`` its line there where that is known, ``text`` how the
    rule reads. ``said`` is what the sources held. ``last`` is the write that made it what it is, as far as crosskey
    did. ``owner`` says whose it is now.
    """

    name: str
    sort: Sort
    value: Value
    wanted: Value
    said: list[Said]
    rule: str
    line: int | None
    text: str
    write: Ownership
    owner: str
    last: WrittenOnce | None


def stories(
    kind: str,
    mapping: CompiledMapping,
    desired: Desired | None,
    link: Link | None,
    account: Account | None,
    operations: Sequence[OperationRecord],
    *,
    person: Person | None,
    entries: Sequence[Person],
    text: str,
    mark: int,
    off: bool = False,
    drifts: Sequence[Drift] = (),
) -> list[FieldStory]:
    """The story of every field and reference that rules write or crosskey wrote; ``text`` is the file of the rules.

    ``mark`` is the last write before the account was read; what was written since is what it holds. ``off``: the
    account is switched off, and no field of it is written.
    """
    fields = {**(desired.fields if desired else {}), **({} if link is None else link.fields)}
    references = {**(desired.references if desired else {}), **({} if link is None else link.given)}
    told: list[FieldStory] = []
    for name in dict.fromkeys((*mapping.fields, *fields)):
        last = _last(operations, name)
        written = last is not None and last.is_newer(mark)
        read = account.fields.get(name) if account else None
        value = last.after if last and written and not isinstance(last.after, tuple) else read
        unread = _UNREAD if link is not None and account is None and not written else ""
        wanted = desired.fields.get(name) if desired else None
        write = mapping.fields.get(name)
        rule, reads = _rule(kind, name, desired, f"map.{kind}.fields.{name}")
        told.append(
            FieldStory(
                name=name,
                sort="field",
                value=value,
                wanted=wanted,
                said=_said(mapping, name, person, entries),
                rule=rule,
                line=line_of(text, rule) if text else None,
                text=reads,
                write=write or "always",
                owner=_drifted(name, drifts) or unread or _owner(value, wanted, write, last, link, off=off),
                last=last,
            )
        )
    for name in references:
        last = _last(operations, name)
        there = account.references.get(name, ()) if account else None
        now = last.after if last and last.is_newer(mark) and isinstance(last.after, tuple) else there
        told.append(_reference(kind, name, now, desired, link, text=text, last=last, drifts=drifts))
    return told


def _reference(
    kind: str,
    name: str,
    now: tuple[str, ...] | None,
    desired: Desired | None,
    link: Link | None,
    *,
    text: str,
    last: WrittenOnce | None,
    drifts: Sequence[Drift],
) -> FieldStory:
    rule, reads = _rule(kind, name, desired, f"map.{kind}.default")
    return FieldStory(
        name=name,
        sort="reference",
        value=now or (),
        wanted=desired.references.get(name, ()) if desired else (),
        said=[],
        rule=rule,
        line=line_of(text, rule) if text else None,
        text=reads,
        write="always",
        owner=_drifted(name, drifts) or _owner_of_ids(now, link, name),
        last=last,
    )


def written_of(operations: Sequence[OperationRecord], name: str) -> list[WrittenOnce]:
    """Every write of a field or reference, or of ``active`` (whether the account is on), newest first."""
    found: list[WrittenOnce] = []
    runs = {operation.id: operation.run for operation in operations}
    for operation in operations:
        change = operation.change
        part = change.active if name == "active" else change.fields.get(name) or change.references.get(name)
        if part is not None:
            found.append(
                WrittenOnce(
                    at=operation.intent_at,
                    run=operation.run,
                    operation=operation.id,
                    action=change.action,
                    before=part.before,
                    after=part.after,
                    why=change.why.get("" if name == "active" else name) or change.why.get("", ""),
                    state=operation.state,
                    undoes=runs.get(change.undoes, ""),
                )
            )
    return found


def _last(operations: Sequence[OperationRecord], name: str) -> WrittenOnce | None:
    """The write that made it what it is: the newest of which something came, or may have come."""
    return next((one for one in written_of(operations, name) if not one.has_failed), None)


def _said(mapping: CompiledMapping, name: str, person: Person | None, entries: Sequence[Person]) -> list[Said]:
    """Each attribute that the field is made of, with the first source that holds what counts."""
    origins: Mapping[str, tuple[str, ...]] = mapping.origins if isinstance(mapping, TellsOrigins) else {}
    if person is None:
        return []
    said: list[Said] = []
    for attribute in origins.get(name, ()):
        value = person.text(attribute)
        speaker = next((one for one in entries if one.text(attribute) == value), person)
        said.append(Said(attribute=attribute, value=value, subject=speaker.subject))
    return said


def _rule(kind: str, name: str, desired: Desired | None, otherwise: str) -> tuple[str, str]:
    """The path of the rule that decides a field, and what it reads like."""
    why = desired.why.get(name, "") if desired else ""
    path, _, text = why.partition(": ")
    return (path, text) if path.startswith(f"map.{kind}") else (otherwise, why)


def _drifted(name: str, drifts: Sequence[Drift]) -> str:
    """Who changed what crosskey owned, as the last look found it."""
    since = next((drift.since for drift in drifts if drift.part == name), None)
    return "" if since is None else f"somebody else since about {since:%Y-%m-%d %H:%M} UTC"


def _owner(
    value: Scalar, wanted: Scalar, write: Ownership | None, last: WrittenOnce | None, link: Link | None, *, off: bool
) -> str:
    """Whose a field is; ``write`` is ``None`` where no rule writes it any more."""
    if link is None:
        return _NO_ACCOUNT
    if write is None:
        return "no rule writes it any more: whoever edits it in the target"
    if write == "on_create":
        return "the target's: written with the create only"
    if last is None:
        if write == "if_empty" and value not in (None, ""):
            return "the target's: it was filled in there"
        return "crosskey's from now on: it was so already" if same(value, wanted) else "not written yet"
    return OURS if same(value, wanted) else _why_other(value, wanted, last, off=off)


def _why_other(value: Scalar, wanted: Scalar, last: WrittenOnce, *, off: bool) -> str:
    """Why a field that crosskey wrote is not as the rules say."""
    if last.is_open:
        return "not known yet: crosskey's last write of it got no answer, and the next run looks"
    if not same(value, last.after) and not alike(value, last.after):
        if same(value, last.before):
            return "crosskey's, and does not show: lists are late, or somebody put it back; the next run looks"
        return f"somebody else changed it in the target; {_OFF if off else _WRITES}"
    if last.after == wanted:
        return "crosskey's: the target shows what was written in its own way"
    if last.undoes:
        return "crosskey's: what it had written there was taken back, and waits for your word (crosskey held)"
    return f"crosskey's: {_OFF if off else f'{_WRITES}, unless something holds it'}"


def _owner_of_ids(now: Sequence[str] | None, link: Link | None, name: str) -> str:
    if link is None:
        return _NO_ACCOUNT
    if now is None:
        return _UNREAD
    if not now:
        return "nobody's: there is none"
    ours = [id_ for id_ in now if id_ in link.given.get(name, ())]
    if len(ours) == len(now):
        return OURS
    theirs = "was there before or was given by hand, and stays"
    return f"partly crosskey's: the rest {theirs}" if ours else f"not crosskey's: it {theirs}"
