"""Accounts as a case describes them, and the target that they stand in for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from crosskey.connector.target import AccountsComplete, AccountsPage, AccountsRequest, KindSpec, TargetSchema
from crosskey.errors import ConfigError, Diagnostic, close_matches
from crosskey.model import Account, Catalogue, CatalogueEntry
from crosskey.plan import Change, Outcome
from crosskey.settings import Settings

__all__ = ("DescribedAccount", "DescribedTarget", "described_catalogue", "names_in_rules")

Names = str | tuple[str, ...]


class DescribedAccount(Settings, frozen=True, kw_only=True):
    """One account that is there before anything is planned."""

    kind: Annotated[str, Meta(description="The kind of account, such as `user`.")]
    key: Annotated[str, Meta(description="The target's id. Left out: its place in the list, from 1.")] = ""
    active: Annotated[bool, Meta(description="Whether it can work.")] = True
    protected: Annotated[str, Meta(description="Why the target itself lets nobody touch it.")] = ""
    fields: Annotated[dict[str, str | bool | int | float], Meta(description="What its fields hold.")] = msgspec.field(
        default_factory=dict[str, str | bool | int | float]
    )
    references: Annotated[
        dict[str, Names], Meta(description='What it refers to, by name: { site = "Acme / Main" }.')
    ] = msgspec.field(default_factory=dict[str, Names])


class DescribedTarget:
    """A target that holds exactly the accounts of a case, in the kinds and fields of the real one."""

    def __init__(self, schema: TargetSchema, catalogue: Catalogue, accounts: Sequence[DescribedAccount]) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._accounts = [
            _account(schema, catalogue, given, str(place), f"accounts[{place - 1}]")
            for place, given in enumerate(accounts, 1)
        ]

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to say."""
        return []

    async def schema(self) -> TargetSchema:
        """That of the real target."""
        return self._schema

    async def catalogue(self) -> Catalogue:
        """What the case or the rules name."""
        return self._catalogue

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """The accounts of the case."""
        found = [account for account in self._accounts if account.kind in request.kinds]
        yield AccountsPage(found)
        yield AccountsComplete(counts={kind: sum(one.kind == kind for one in found) for kind in request.kinds})

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Nothing is ever written here: :class:`crosskey.rehearsal.pretence.Pretence` keeps what would be."""
        raise NotImplementedError


def described_catalogue(schema: TargetSchema, names: Mapping[str, Sequence[str]]) -> Catalogue:
    """A catalogue of these names by listing. Raises :class:`ConfigError` for a listing that the target has not."""
    known = {reference.listing for kind in schema.kinds for reference in kind.references}
    for listing in names:
        if listing not in known:
            raise ConfigError(
                f'the target has no "{listing}" to refer to. {close_matches(listing, known)}'.rstrip(),
                code="case-unknown",
                where=f"catalogue.{listing}",
                fix="correct the name",
            )
    return Catalogue(
        tuple(CatalogueEntry(listing, name, name) for listing, all_ in names.items() for name in dict.fromkeys(all_))
    )


def names_in_rules(schema: TargetSchema, rules: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every name that stands in ``[map.…]`` under a reference, by listing: taken to exist where a case names none.

    Names that templates make are not among them.
    """
    found: dict[str, list[str]] = {}
    for kind in schema.kinds:
        listings = {reference.name: reference.listing for reference in kind.references}
        for key, text in _texts(rules.get(kind.name), ""):
            sort, _, rest = text.partition(":")
            if key in listings and "{{" not in text and "{%" not in text:
                found.setdefault(listings[key], []).append(text)
            elif sort in listings and rest:  # "team:2nd Line", who takes tickets over
                found.setdefault(listings[sort], []).append(rest)
    return found


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Every text in a table, with the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _texts(inner, key)


def _account(schema: TargetSchema, catalogue: Catalogue, given: DescribedAccount, place: str, where: str) -> Account:
    kind = _known(given.kind, {kind.name: kind for kind in schema.kinds}, "kind of account", f"{where}.kind")
    for name in given.fields:
        _known(name, {field.name: field for field in kind.fields}, f"field of a {kind.name}", f"{where}.fields")
    texts = [str(value) for value in given.fields.values() if isinstance(value, str)]
    return Account(
        kind=kind.name,
        key=given.key or place,
        label=texts[0] if texts else f"{kind.name} {given.key or place}",
        active=given.active,
        fields=dict(given.fields),
        references={
            name: tuple(_ids(kind, catalogue, name, named, f"{where}.references"))
            for name, named in given.references.items()
        },
        protected=given.protected,
    )


def _ids(kind: KindSpec, catalogue: Catalogue, reference: str, named: Names, where: str) -> Iterator[str]:
    specs = {spec.name: spec for spec in kind.references}
    spec = _known(reference, specs, f"reference of a {kind.name}", where)
    for name in (named,) if isinstance(named, str) else named:
        yield catalogue.resolve(spec.listing, name, where=f"{where}.{reference}")


def _known(name: str, known: Mapping[str, Any], what: str, where: str) -> Any:  # noqa: ANN401 - a value of the mapping
    if name in known:
        return known[name]
    raise ConfigError(
        f'"{name}" is no {what}. {close_matches(name, known)}'.rstrip(),
        code="case-unknown",
        where=where,
        fix="correct the name",
    )
