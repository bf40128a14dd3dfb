"""Whether a record shows what a change wanted: a success status alone is not believed.

Halo may answer success and do something else: not disable an agent who has open work, keep a role that was taken off
the list, cut a text.
"""

from __future__ import annotations

from collections.abc import Callable

from crosskey.model import Account, Scalar
from crosskey.plan import Change
from crosskey_halo.rows import AgentRow, UserRow, as_text

__all__ = ("altered", "shortfalls")


def shortfalls(
    change: Change, row: UserRow | AgentRow, account: Account, name: Callable[[str, str], str], *, detail: bool
) -> list[str]:
    """What the record does not show as wanted; of a detail answer, what is absent is empty.

    ``name`` gives the name behind a reference's id. An answer that shows nothing about memberships is doubted only
    where some were to go. A relinked record whose details show no external id at all is for the caller to judge.
    """
    missing: list[str] = []
    if change.action == "relink" and account.marker != change.marker and (account.marker or not detail):
        missing.append("still bears another external id" if account.marker else "does not show its external id")
    if change.active is not None and change.key is not None:
        active = row.active is not False if detail else row.active
        if active != change.active.after:
            missing.append("is still inactive" if change.active.after else "is still active")
    for reference, wanted in change.references.items():
        shown = frozenset(account.references.get(reference, ()))
        removed = frozenset(wanted.before) - frozenset(wanted.after)
        added = frozenset(wanted.after) - frozenset(wanted.before)
        if not detail and not _shows(row, reference):
            if removed and reference not in ("site", "team"):
                missing.append(f"does not show its {reference}")
            continue
        for words, ids in (("still has", removed & shown), ("did not get", added - shown)):
            if ids:
                missing.append(f"{words} {reference} {', '.join(sorted(name(reference, id_) for id_ in ids))}")
    return missing


def altered(change: Change, row: UserRow | AgentRow, *, detail: bool = False) -> list[str]:
    """The fields that are shown otherwise than they were written (Halo cuts long text without a word).

    What an answer leaves out is not judged; of a detail answer, what is absent is empty.
    """
    return [
        name
        for name, field in change.fields.items()
        if (detail or getattr(row, name) is not None) and _plain(getattr(row, name)) != _plain(field.after)
    ]


def _plain(value: Scalar) -> str:
    return "" if value is False else as_text(value)


def _shows(row: UserRow | AgentRow, reference: str) -> bool:
    match reference:
        case "site":
            return isinstance(row, UserRow) and (row.site_id is not None or row.site_id_int is not None)
        case "team" | "teams":
            return getattr(row, reference, None) is not None
        case "departments":
            return row.departments is not None
        case _:
            return row.roles is not None or (isinstance(row, UserRow) and row.role_ids is not None)
