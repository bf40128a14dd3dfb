"""Targets: where accounts are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from crosskey.connector.context import Context
from crosskey.errors import Diagnostic
from crosskey.model import Account, Catalogue
from crosskey.plan import Change, Duty, Outcome
from crosskey.settings import Settings

__all__ = (
    "AccountsComplete",
    "AccountsPage",
    "AccountsRequest",
    "CountsSeats",
    "EndsSessions",
    "FieldSpec",
    "FindsChanges",
    "HasCatalogue",
    "KindSpec",
    "LooksUpAccounts",
    "Lookup",
    "ReferenceSpec",
    "Seats",
    "Target",
    "TargetSchema",
    "TargetSpec",
    "TellsDuties",
    "TellsSignIns",
)


class FieldSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a kind. ``max_length`` 0 means no limit known.

    ``also_matches`` are fields that hold alternatives of the same thing (further e-mail addresses): matching looks at
    them too. ``listed=False``: reads may not show it; what was last written then stands for what is there.
    """

    name: str
    summary: str = ""
    type: Literal["text", "flag", "number"] = "text"
    max_length: int = 0
    required: bool = False
    also_matches: tuple[str, ...] = ()
    listed: bool = True


class ReferenceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One thing accounts of a kind refer to: exactly one (``many=False``), or a set.

    ``catalogue`` is the catalogue's word for these things where it differs from the kind's (two kinds may each have
    "roles" that are not the same roles); look names up under :attr:`listing`.
    """

    name: str
    summary: str = ""
    many: bool = False
    required: bool = False
    catalogue: str = ""

    @property
    def listing(self) -> str:
        """The ``reference`` of the catalogue entries that this refers to."""
        return self.catalogue or self.name


class KindSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of account: its fields, its references, and whether active ones take a paid seat."""

    name: str
    summary: str
    fields: tuple[FieldSpec, ...]
    references: tuple[ReferenceSpec, ...] = ()
    seats: bool = False

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)

    def reference(self, name: str) -> ReferenceSpec | None:
        """The reference of that name."""
        return next((reference for reference in self.references if reference.name == name), None)


class TargetSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What a target can hold and take.

    ``batch`` is the largest list of changes that :meth:`Target.apply` takes at once, ``settle`` the seconds after which
    a write whose answer was lost is surely visible, if it happened. ``final`` are the codes of outcomes that would come
    again the same way: an update that ended so is held for a day, not sent with every run.
    """

    kinds: tuple[KindSpec, ...]
    batch: int = 1
    concurrency: int = 1
    settle: float = 120.0
    final: frozenset[str] = frozenset()

    def kind(self, name: str) -> KindSpec | None:
        """The kind of that name."""
        return next((kind for kind in self.kinds if kind.name == name), None)


class AccountsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which kinds of account to read.

    ``references`` names by kind those that the mapping manages: a target that needs further requests to tell a
    reference may leave out what is not named here.
    """

    kinds: frozenset[str]
    references: Mapping[str, frozenset[str]] = {}


class AccountsPage(msgspec.Struct, frozen=True):
    """Some accounts, inactive ones included."""

    accounts: Sequence[Account]


class AccountsComplete(msgspec.Struct, frozen=True, kw_only=True):
    """The last page of a read that missed nothing; ``counts`` is what the target itself said there is, by kind."""

    counts: Mapping[str, int] = {}
    warnings: tuple[Diagnostic, ...] = ()


class Seats(msgspec.Struct, frozen=True):
    """Paid seats of a kind: how many there are and how many are taken."""

    total: int
    used: int


class Target(Protocol):
    """An open target."""

    async def check(self) -> Sequence[Diagnostic]:
        """Try everything a run needs and say what works and what is missing, each with its fix. Writes nothing."""
        ...

    async def schema(self) -> TargetSchema:
        """The kinds, fields, references and limits of this instance. Costs no request."""
        ...

    def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """All accounts of those kinds, inactive ones included, ending in one :class:`AccountsComplete`.

        Raises instead of ending early.
        """
        ...

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out the changes (all of one kind and action) and say for **each** what became of it.

        ``unknown`` where no clear answer came. Never raises for one bad change; raises :class:`AuthError` or
        :class:`RetryableError` only when **nothing** of the batch was written.
        """
        ...


@runtime_checkable
class HasCatalogue(Protocol):
    """A target whose accounts refer to named things."""

    async def catalogue(self) -> Catalogue:
        """Everything accounts may refer to, by name."""
        ...


@runtime_checkable
class FindsChanges(Protocol):
    """A target that can say whether a change happened."""

    async def find(self, change: Change) -> Account | None:
        """The account that a create made (by its marker), or the account as it is now; ``None``: there is none."""
        ...


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts of one kind to look up: those of these keys, those that bear one of these markers, and those that
    hold one of these values (case-insensitive) in one of the fields it is listed under.

    ``references`` are those that the mapping manages, as in :class:`AccountsRequest`.
    """

    kind: str
    keys: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = {}
    references: frozenset[str] = frozenset()


@runtime_checkable
class LooksUpAccounts(Protocol):
    """A target that can bring single accounts, so that a run about few people need not read all accounts."""

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """The accounts as they are now, inactive ones included; what is not among them is not there.

        May bring more accounts of that kind. Raises instead of leaving one out.
        """
        ...


@runtime_checkable
class EndsSessions(Protocol):
    """A target that can end an account's sessions and tokens at once."""

    async def end_sessions(self, account: Account) -> None:
        """End all sessions and revoke all tokens of the account."""
        ...


@runtime_checkable
class CountsSeats(Protocol):
    """A target that sells seats and says how many are left."""

    async def seats(self) -> Mapping[str, Seats]:
        """Seats by kind; a kind that is missing has no limit that the target tells."""
        ...


@runtime_checkable
class TellsDuties(Protocol):
    """A target that says what would be left behind when accounts are switched off.

    A disable that names somebody to ``hand_over`` to is then carried out tickets first: what is handed over already
    stays so, and a disable that is sent again hands over the rest. Tickets that nobody could hand over never keep the
    account on; the outcome's message counts them.
    """

    async def duties(self, kind: str, keys: Sequence[str]) -> Mapping[str, Sequence[Duty]]:
        """What waits for each of these accounts, by key; one that is missing has nothing. Lists, not one request each.

        Raises where that cannot be told.
        """
        ...


@runtime_checkable
class TellsSignIns(Protocol):
    """A target that says when somebody last signed in to an account of its own: the proof that this still works."""

    async def last_sign_in(self, kind: str, key: str) -> datetime | None:
        """When that was, by the target's clock; ``None`` where nobody did yet, or there is no such account.

        Looks afresh each time.
        """
        ...


class TargetSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a target: its name in ``use = "…"``, its settings, and how to open it."""

    name: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, Context], AbstractAsyncContextManager[Target]]
