"""The change that takes one earlier write back, as far as what that write left is still there.

Each part of a write stands for itself: its switch, each field, each id of a reference. A part is given back only where
the target shows today exactly what the write left; where it shows what was there before, there is nothing to do; where
it shows anything else, somebody has changed it since, and it is left alone and told.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crosskey.connector.target import KindSpec
from crosskey.engine.diff import is_cut
from crosskey.engine.marker import marker
from crosskey.engine.shown import holds
from crosskey.journal import Link, OperationRecord
from crosskey.model import Account, Scalar, Subject
from crosskey.plan import Action, Change, FieldChange, ReferenceChange

__all__ = ("Compensation", "Conflict", "compensate")

_OFF = FieldChange(before=True, after=False)
_ON = FieldChange(before=False, after=True)


class Conflict(msgspec.Struct, frozen=True):
    """What is not taken back: the rail that tells of it, why, and what a person can do."""

    rail: str
    summary: str
    fix: str = ""


class Compensation(msgspec.Struct, frozen=True):
    """What takes a write back (``None``: nothing is left to do), and what of it cannot be."""

    change: Change | None
    conflicts: list[Conflict]


def compensate(
    operation: OperationRecord,
    account: Account | None,
    link: Link | None,
    kind: KindSpec,
    others: Mapping[Subject, Link],
) -> Compensation:
    """Take a write back. ``link`` is the account's today, ``others`` are links of the same kind by subject."""
    change, key = operation.change, operation.key or operation.change.key
    if account is None or key is None:
        return Compensation(None, [_changed(f"{kind.name} {key} is not there any more")])
    subject = change.subject if link is None else link.subject
    stop = _stranger(change, account, link, others)
    if stop is not None:
        return Compensation(None, [stop])
    conflicts: list[Conflict] = []
    switch = _switch(change, account, link, conflicts)
    # the fields of an account that the run made are its own: it is switched off with them
    whole = change.action == "create"
    fields = {} if whole else _fields(change, account, link, kind, conflicts)
    references = {} if whole else _references(change, account, link, kind, conflicts)
    action = _action(change, switch)
    if action == "update" and not (fields or references):
        return Compensation(None, conflicts)
    former = change.subject if change.action == "relink" else None
    if change.action == "relink" and change.former is not None:
        subject = change.former
    mark = _mark(change, account, subject)
    taken = Change(
        id=f"{kind.name}:{marker(subject)}",
        action=action,
        kind=kind.name,
        subject=subject,
        label=account.label or change.label,
        key=key,
        marker=mark,
        active=switch,
        fields=fields,
        references=references,
        why={"": f"takes back what run {operation.run} did ({change.action})"},
        end_sessions=switch == _OFF,
        former=former,
        bore=account.marker if action == "adopt" else "",
        undoes=operation.id,
    )
    return Compensation(taken, conflicts)


def _stranger(change: Change, account: Account, link: Link | None, others: Mapping[Subject, Link]) -> Conflict | None:
    """Why the account is not the one that the write left behind: whose it is has changed since."""
    place, reason = f"{change.kind} {account.key}", ""
    if change.action == "release":
        other = others.get(change.subject)
        if link is not None:
            reason = f"{place} is linked again since"
        elif other is not None:
            reason = f"{change.kind} {other.key} is linked to the same person since"
    elif link is None:
        reason = f"{place} is linked to nobody any more"
    elif change.action in ("adopt", "relink") and link.subject != change.subject:
        reason = f"{place} is linked to somebody else since ({link.subject})"
    elif change.action == "relink" and change.former in others:
        reason = f"another {change.kind} is linked to the same person of the former directory since"
    elif change.action == "relink" and change.marker and account.marker not in ("", change.marker):
        reason = f"{place} bears another external id since"
    return _changed(reason) if reason else None


def _switch(change: Change, account: Account, link: Link | None, conflicts: list[Conflict]) -> FieldChange | None:
    """On or off as before, if it is as the write left it, and nobody else switched meanwhile (G13)."""
    if change.active is None or account.active != change.active.after:
        return None
    if change.active.after:
        return _OFF
    if change.action != "release" and (link is None or not link.disabled_by_us):
        conflicts.append(_changed(f"{change.kind} {account.key} is switched off, but not by crosskey"))
        return None
    return _ON


def _action(change: Change, switch: FieldChange | None) -> Action:
    match change.action:
        case "adopt":
            return "release"
        case "release":
            return "adopt"
        case "relink":
            return "relink"
        case _ if switch is None:
            return "update"
        case _:
            return "enable" if switch.after else "disable"


def _mark(change: Change, account: Account, subject: Subject) -> str:
    """The external id that must be written, or cleared: what others keep in its place stays."""
    match change.action:
        case "adopt":
            return change.marker if account.marker == change.marker != change.bore else ""
        case "release":
            return change.marker
        case "relink":
            return marker(subject) if change.marker else ""
        case _:
            return ""


def _fields(
    change: Change, account: Account, link: Link | None, kind: KindSpec, conflicts: list[Conflict]
) -> dict[str, FieldChange]:
    back: dict[str, FieldChange] = {}
    for name, part in change.fields.items():
        spec, now = kind.field(name), account.fields.get(name)
        if spec is not None and not spec.listed and now is None:
            last = None if link is None else link.fields.get(name)
            if part.before is None or last != part.after:
                conflicts.append(_unprovable(f"nobody can see what {name} of {kind.name} {account.key} holds"))
                continue
            now = last
        if holds(now, FieldChange(None, part.before), listed=True):
            continue
        if not holds(now, part, listed=True) and not is_cut(now, part.after):
            conflicts.append(
                _changed(f"{name} is {_word(now)} now; the run left {_word(part.after)}, before {_word(part.before)}")
            )
        elif spec is not None and spec.required and part.before in (None, ""):
            conflicts.append(_unprovable(f"{name} was empty before and must not be"))
        else:
            back[name] = FieldChange(now, part.before)
    return back


def _references(
    change: Change, account: Account, link: Link | None, kind: KindSpec, conflicts: list[Conflict]
) -> dict[str, ReferenceChange]:
    back: dict[str, ReferenceChange] = {}
    for name, part in change.references.items():
        spec, now = kind.reference(name), account.references.get(name, ())
        if spec is None or spec.many:
            owned = set(part.after) if link is None else set(link.given.get(name, ()))
            after = _given_back(part, now, owned, name, conflicts)
        elif set(now) == set(part.after):
            after = part.before
        else:
            after = now
            if set(now) != set(part.before):
                conflicts.append(
                    _changed(f"{name} is {_ids(now)} now; the run left {_ids(part.after)}, before {_ids(part.before)}")
                )
        if spec is not None and spec.required and not after and now:
            conflicts.append(_unprovable(f"{name} was empty before and must not be"))
        elif set(after) != set(now):
            back[name] = ReferenceChange(now, after)
    return back


def _given_back(
    part: ReferenceChange, now: tuple[str, ...], owned: set[str], name: str, conflicts: list[Conflict]
) -> tuple[str, ...]:
    """Exactly what the run gave is taken, as far as it is still crosskey's, and what it took is given."""
    gave = set(part.after) - set(part.before)
    taken = [id_ for id_ in part.before if id_ not in part.after and id_ not in now]
    theirs = gave & set(now) - owned
    if theirs:
        conflicts.append(_changed(f"{name} {_ids(tuple(sorted(theirs)))} was given by somebody else since"))
    return (*(id_ for id_ in now if id_ not in gave or id_ in theirs), *taken)


def _changed(summary: str) -> Conflict:
    return Conflict("changed-since", summary, "look at it in the target: whoever changed it last meant something")


def _unprovable(summary: str) -> Conflict:
    return Conflict("unprovable", summary, "set it by hand in the target")


def _word(value: Scalar) -> str:
    return "empty" if value is None or value == "" else f'"{value}"'


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(ids) or "empty"
