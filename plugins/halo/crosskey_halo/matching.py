"""Which record of an answer belongs to which change of an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from crosskey.plan import Change
from crosskey_halo.accounts import AccountKind
from crosskey_halo.rows import AgentRow, UserRow, as_text

__all__ = ("created", "is_refusal", "natural", "refusal", "updated")

A = TypeVar("A", UserRow, AgentRow)


def created(kind: AccountKind[A], sent: Sequence[Change], rows: Sequence[A]) -> dict[str, A]:
    """By change id, the records (or reported refusals) that an answer to creates holds and that are surely told apart.

    By marker first; where an instance does not show it, by place in an array of equal length; else by name and e-mail
    where only one change has them. What nothing tells apart is left out.
    """
    if len(sent) == len(rows) == 1 and rows[0].key and kind.marker_of(rows[0]) in ("", sent[0].marker):
        return {sent[0].id: rows[0]}
    marked = {marker: row for row in rows if row.key and (marker := kind.marker_of(row))}
    matched = {change.id: marked[change.marker] for change in sent if change.marker in marked}
    taken = {row.key for row in matched.values()}
    rest = [change for change in sent if change.id not in matched]
    unmarked = [row for row in rows if row.key and row.key not in taken and not kind.marker_of(row)]
    if len(rows) == len(sent) and len({row.key for row in rows if row.key}) == sum(bool(row.key) for row in rows):
        by_place = {change.id: row for change, row in zip(sent, rows, strict=True) if change.id not in matched}
        fitting = {id_: row for id_, row in by_place.items() if _fits(kind, row, next(c for c in rest if c.id == id_))}
        if len(fitting) == len(by_place):
            return {**matched, **fitting}
    by_name = {change.id: row for change in rest if (row := only(natural(kind, change, unmarked))) is not None}
    used = [row.key for row in by_name.values()]
    matched |= {id_: row for id_, row in by_name.items() if used.count(row.key) == 1}
    left = [change for change in sent if change.id not in matched]
    refusals = [row for row in rows if is_refusal(row)]
    if len(rows) == len(sent) and len(left) == len(refusals):  # every record is accounted for: the others were refused
        matched |= {change.id: row for change, row in zip(left, refusals, strict=True)}
    return matched


def updated(sent: Sequence[Change], rows: Sequence[A]) -> dict[str, A]:
    """By change id, the records that an answer to updates holds; refusals by place in an array of equal length."""
    by_key = {row.key: row for row in rows if row.key}
    matched = {change.id: by_key[change.key] for change in sent if change.key in by_key}
    if len(rows) == len(sent):
        reported = {c.id: row for c, row in zip(sent, rows, strict=True) if c.id not in matched and is_refusal(row)}
        matched |= reported
    return matched


def natural(kind: AccountKind[A], change: Change, rows: Sequence[A]) -> list[A]:
    """Rows without a marker that have the name and e-mail address that the change writes."""
    return [row for row in rows if not kind.marker_of(row) and not is_refusal(row) and _same(kind, row, change)]


def only(rows: Sequence[A]) -> A | None:
    """The one row, or nothing."""
    return rows[0] if len(rows) == 1 else None


def is_refusal(row: UserRow | AgentRow) -> bool:
    """Whether this place of an answer reports an error instead of a record."""
    return not row.key and bool(refusal(row))


def refusal(row: UserRow | AgentRow) -> str:
    """What an answer says is wrong with a record."""
    return row.message or row.error_message or row.error or row.warning or ""


def _fits(kind: AccountKind[A], row: A, change: Change) -> bool:
    return is_refusal(row) or (bool(row.key) and not kind.marker_of(row) and _same(kind, row, change))


def _same(kind: AccountKind[A], row: A, change: Change) -> bool:
    shown: Mapping[str, str] = {member: as_text(getattr(row, member)) for member in ("name", kind.mail)}
    return all(_folded(text) == _folded(_written(change, member)) for member, text in shown.items())


def _written(change: Change, member: str) -> str:
    field = change.fields.get(member)
    return "" if field is None else as_text(field.after)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
