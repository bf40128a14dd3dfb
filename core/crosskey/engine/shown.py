"""What an account, looked at again, shows of a change that was sent.

Two ask: recovery, whether it happened at all, and verification, whether the target did what it said.
"""

from __future__ import annotations

import msgspec

from crosskey.connector.target import KindSpec
from crosskey.engine.diff import is_cut
from crosskey.engine.marker import bears_anothers
from crosskey.model import Account, Scalar
from crosskey.plan import Change, FieldChange, ReferenceChange

__all__ = ("holds", "lacking", "shown")


def shown(account: Account, change: Change, kind: KindSpec) -> tuple[Change | None, bool]:
    """What the account shows of a change (``None``: nothing), and whether that is all that lists can show of it.

    A create only has to be there.
    """
    if change.action == "create":
        return change, True
    switched = change.active is not None and account.active == change.active.after
    if change.action in ("adopt", "release") and change.active is not None and not switched:
        return None, False  # taken for linked, it would look switched off by somebody else; for free, it would stay on
    marked = bool(change.marker) and (account.marker == change.marker) == (change.action != "release")
    unlisted = {field.name for field in kind.fields if not field.listed}
    fields = {
        name: field
        for name, field in change.fields.items()
        if holds(account.fields.get(name), field, listed=name not in unlisted)
    }
    references = {name: _shown(account.references.get(name, ()), each) for name, each in change.references.items()}
    found = msgspec.structs.replace(
        change,
        active=change.active if switched else None,
        marker=change.marker if marked else "",
        fields=fields,
        references=references,
    )
    given = any(set(each.after) - set(each.before) for each in references.values())
    taken = any(set(each.before) - set(each.after) for each in references.values())
    if not (switched or marked or fields or given or taken):
        return None, False
    whole = (
        switched == (change.active is not None)
        and marked == bool(change.marker)
        and not change.fields.keys() - fields.keys() - unlisted
        and all(set(references[name].after) == set(each.after) for name, each in change.references.items())
    )
    return found, whole


def holds(now: Scalar, field: FieldChange, *, listed: bool) -> bool:
    """Whether a value is the one that a change wrote; where lists show it, empty is empty in whatever form."""
    return now == field.after or (listed and _empty(now) and _empty(field.after))


def _empty(value: Scalar) -> bool:
    return value is None or value == ""


def _shown(now: tuple[str, ...], wanted: ReferenceChange) -> ReferenceChange:
    """The part of a reference's change that holds: what others gave meanwhile is not ours."""
    known = {*wanted.before, *wanted.after}
    return ReferenceChange(wanted.before, tuple(id_ for id_ in now if id_ in known))


def lacking(account: Account | None, change: Change, kind: KindSpec) -> list[str]:
    """What an account does not show of a change that the target says it carried out, in words; values stay out.

    What lists cannot show is not judged, nor is a marker that an old version of the target does not keep.
    """
    if account is None:
        return ["it is not there"]
    unlisted = {field.name for field in kind.fields if not field.listed}
    lacks: list[str] = []
    if change.active is not None and account.active != change.active.after:
        lacks.append("it is still switched off" if change.active.after else "it is still switched on")
    if change.action != "release" and bears_anothers(account, change.subject):
        lacks.append("it bears the marker of somebody else")
    for name, field in change.fields.items():
        now = account.fields.get(name)
        if name in unlisted and now is None:
            continue
        if not holds(now, field, listed=True):
            lacks.append(f"{name} was cut short" if is_cut(now, field.after) else f"{name} holds something else")
    for name, reference in change.references.items():
        now = set(account.references.get(name, ()))
        if missing := set(reference.after) - set(reference.before) - now:
            lacks.append(f"{name} lacks {', '.join(sorted(missing))}")
        if left := (set(reference.before) - set(reference.after)) & now:
            lacks.append(f"{name} still has {', '.join(sorted(left))}")
    return lacks
