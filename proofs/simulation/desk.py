"""The service desk's side of the truth: accounts, who wrote what to them, and what is still on its way."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.model import Account, CatalogueEntry, Subject
from crosskey.plan import Change
from proofs.simulation.clock import SimClock

__all__ = ("ENTRIES", "KINDS", "LATEST", "TARGET_LAG", "Desk", "Key")

Key = tuple[str, str]

LATEST: Final = 45.0
"""Seconds after which no write arrives any more whose client gave up."""
TARGET_LAG: Final = 30.0
"""Seconds after which every list and look-up of the desk shows a write."""
_CUT: Final = 24

KINDS: Final = (
    KindSpec(
        name="user",
        summary="portal users",
        fields=(
            FieldSpec(name="name", required=True, max_length=60),
            FieldSpec(name="mail"),
            FieldSpec(name="title"),
            FieldSpec(name="note"),
        ),
        references=(ReferenceSpec(name="site", required=True), ReferenceSpec(name="roles", many=True)),
    ),
    KindSpec(
        name="agent",
        summary="technicians",
        fields=(FieldSpec(name="name", required=True), FieldSpec(name="mail", required=True)),
        references=(ReferenceSpec(name="teams", many=True),),
        seats=True,
    ),
)
ENTRIES: Final = tuple(
    CatalogueEntry(reference, f"{reference}-{name.lower().rsplit(' ', maxsplit=1)[-1]}", name)
    for reference, names in {
        "site": ("Acme / Main", "Acme / London"),
        "roles": ("Viewer", "Approver"),
        "teams": ("First", "Second"),
    }.items()
    for name in names
)


class _Late(msgspec.Struct):
    due: float
    change: Change


class Desk:
    """Accounts by kind and key. What crosskey made for whom is remembered here, whatever its journal knows."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self.accounts: dict[Key, Account] = {}
        self.history: list[tuple[float, dict[Key, Account]]] = [(0.0, {})]
        self.made: dict[Key, Subject] = {}
        """Accounts that creates made, and for whom."""
        self.owners: dict[Key, Subject] = {}
        """Accounts that crosskey wrote, and for whom it did so first."""
        self.first: dict[Key, Account] = {}
        """Accounts that were there, as they were before crosskey wrote them first."""
        self.born: dict[Key, float] = {}
        self.unmanaged: set[Key] = set()
        """Accounts that are nobody's of the directory, or protected: no write may ever reach them."""
        self.hand_roles: dict[Key, str] = {}
        self.given_at: dict[Key, float] = {}
        """When somebody gave a role by hand."""
        self.by_others: set[tuple[str, str, str]] = set()
        """Parts of accounts (kind, key, name) that ever held something else than crosskey had written there."""
        self.written: Counter[str] = Counter()
        """How often each change arrived, by its id."""
        self._late: list[_Late] = []
        self._next = 1

    def tick(self) -> None:
        """Let arrive what is due by now."""
        if not self._late:
            return
        due = sorted((one for one in self._late if one.due <= self._clock.elapsed), key=lambda one: one.due)
        for one in due:
            self._late.remove(one)
            if one.change.key is None or (one.change.kind, one.change.key) in self.accounts:
                self.write(one.change, at=one.due)

    def send_late(self, change: Change, after: float) -> None:
        """A write that its sender has given up, and that arrives all the same."""
        self._late.append(_Late(self._clock.elapsed + after, change))

    @property
    def now(self) -> float:
        """The desk's moment."""
        return self._clock.elapsed

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not self._late

    def as_of(self, at: float) -> dict[Key, Account]:
        """The accounts at a moment."""
        for since, accounts in reversed(self.history):
            if since <= at:
                return accounts
        return self.history[0][1]

    def put(self, account: Account, *, at: float | None = None, ours: bool = False) -> None:
        """An account as it is from now on, or since a moment that was not looked at yet.

        ``ours``: by crosskey's hand and no other.
        """
        if not ours:
            self._note_others(self.accounts.get((account.kind, account.key)), account)
        self.accounts[account.kind, account.key] = account
        self.history.append((self._clock.elapsed if at is None else at, dict(self.accounts)))

    def drop(self, key: Key) -> None:
        """An account is gone."""
        self.accounts.pop(key, None)
        self.history.append((self._clock.elapsed, dict(self.accounts)))

    def add(self, kind: str, *, active: bool = True, protected: str = "", **fields: str) -> Account:
        """An account that somebody makes by hand."""
        key = self._new_key()
        references = {"site": ("site-main",)} if kind == "user" else {}
        account = Account(
            kind=kind,
            key=key,
            label=fields["name"],
            active=active,
            fields=dict(fields),
            references=references,
            protected=protected,
        )
        self.put(account)
        return account

    def write(self, change: Change, *, cut: bool = False, without: str = "", at: float | None = None) -> str:
        """Carry a change out; the account's key. ``cut`` shortens texts, ``without`` leaves a field as it was."""
        key = change.key or self._new_key()
        place = (change.kind, key)
        self.written[change.id] += 1
        if change.key is None:
            self.made[place] = change.subject
            self.born[place] = self._clock.elapsed if at is None else at
        self.owners.setdefault(place, change.subject)
        before = self.accounts.get(place, Account(kind=change.kind, key=key))
        if change.key is not None and place not in self.made:
            self.first.setdefault(place, before)
        fields = dict(before.fields)
        for name, field in change.fields.items():
            if name != without:
                fields[name] = field.after[:_CUT] if cut and isinstance(field.after, str) else field.after
        references = {**before.references, **{name: ref.after for name, ref in change.references.items()}}
        if cut or without:
            self.by_others |= {(change.kind, key, name) for name in change.fields}
        self.put(
            msgspec.structs.replace(
                before,
                label=str(fields.get("name", "")),
                fields=fields,
                references=references,
                marker=change.marker or before.marker,
                active=before.active if change.active is None else bool(change.active.after),
            ),
            at=at,
            ours=True,
        )
        return key

    def _note_others(self, before: Account | None, after: Account) -> None:
        """By another hand than crosskey's, or by the desk's own will."""
        for old, new in (
            (before.fields if before else {}, after.fields),
            (before.references if before else {}, after.references),
        ):
            for name in {*old, *new}:
                if old.get(name) != new.get(name):
                    self.by_others.add((after.kind, after.key, name))

    def _new_key(self) -> str:
        key = str(self._next)
        self._next += 1
        return key
