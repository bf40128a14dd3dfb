"""What a change leaves in crosskey's hands: the link after it, by the link before it."""

from __future__ import annotations

from datetime import datetime

from crosskey.journal.records import Link
from crosskey.plan import Change, ReferenceChange

__all__ = ("given_after", "link_after", "link_restored")


def link_after(change: Change, before: Link | None, *, key: str, now: datetime, run: str) -> Link:
    """The link once ``change`` holds in the target.

    A create, or an account that was not linked before, establishes it anew; any other change keeps how and when it was
    established, and what was given before. Pure.
    """
    if before is None or before.key != key or change.action == "create":
        base = _established(change, key, now, run)
    else:
        base = before
    active = base.active if change.active is None else bool(change.active.after)
    return Link(
        kind=base.kind,
        subject=base.subject,
        key=key,
        marker=change.marker or base.marker,
        active=active,
        established_by=base.established_by,
        since=base.since,
        given=_given(base.given, change),
        fields=base.fields | {name: field.after for name, field in change.fields.items()},
        disabled_by_us=_disabled_by_us(change, base),
        run=base.run,
        seen={name: value for name, value in base.seen.items() if name not in change.fields},
    )


def link_restored(change: Change, now: Link | None, before: Link | None, *, key: str, at: datetime, run: str) -> Link:
    """The link once ``change`` has taken a write back, before which the link was ``before``.

    In what was taken back crosskey owns what it owned then; in all else what it owns now. Pure.
    """
    base = now or before or _established(change, key, at, run)
    then = before or _established(change, key, at, run)
    fields = {name: value for name, value in base.fields.items() if name not in change.fields}
    fields |= {name: then.fields[name] for name in change.fields if name in then.fields}
    given = dict(base.given)
    for name, reference in change.references.items():
        moved, owned = {*reference.before} ^ {*reference.after}, then.given.get(name, ())
        kept = [one for one in given.get(name, ()) if one not in moved]
        given[name] = (*kept, *(one for one in owned if one in moved and one not in kept))
    parts = {*change.fields, *change.references}
    seen = {name: value for name, value in base.seen.items() if name not in parts}
    seen |= {name: then.seen[name] for name in parts if name in then.seen}
    active = base.active if change.active is None else bool(change.active.after)
    return Link(
        kind=base.kind,
        subject=base.subject,
        key=key,
        marker=change.marker or (then if change.former is not None else base).marker,
        active=active,
        established_by=base.established_by,
        since=base.since,
        given={name: ids for name, ids in given.items() if ids},
        fields=fields,
        disabled_by_us=base.disabled_by_us if change.active is None else not active,
        run=base.run,
        seen=seen,
    )


def given_after(given: tuple[str, ...], reference: ReferenceChange) -> tuple[str, ...]:
    """What crosskey owns of one reference after a change: what it owned or added, as far as it is still there.

    Ids that were there before and that crosskey never added belong to whoever set them.
    """
    if not reference.before:
        return tuple(dict.fromkeys(reference.after))
    mine = set(given) | (set(reference.after) - set(reference.before))
    return tuple(dict.fromkeys(one for one in reference.after if one in mine))


def _given(owned: dict[str, tuple[str, ...]], change: Change) -> dict[str, tuple[str, ...]]:
    if not change.references:
        return owned
    given = dict(owned)
    for name, reference in change.references.items():
        # Nobody can have given anything to an account that did not exist: a create owns all it wrote.
        whole = ReferenceChange((), reference.after) if change.action == "create" else reference
        given[name] = given_after(given.get(name, ()), whole)
    return {name: ids for name, ids in given.items() if ids}


def _disabled_by_us(change: Change, base: Link) -> bool:
    if change.action == "disable":
        return True
    return base.disabled_by_us and (change.active is None or not change.active.after)


def _established(change: Change, key: str, now: datetime, run: str) -> Link:
    return Link(
        kind=change.kind,
        subject=change.subject,
        key=key,
        marker="",
        active=change.action != "disable",
        established_by="created" if change.action == "create" else "adopted",
        since=now,
        given={},
        fields={},
        disabled_by_us=False,
        run=run,
    )
