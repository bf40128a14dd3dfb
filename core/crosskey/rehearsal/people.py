"""People as a case describes them, and the source that they stand in for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from crosskey.config.decode import Decoder
from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadPage, ReadRequest
from crosskey.errors import ConfigError, Diagnostic, close_matches
from crosskey.model import PERSON_ATTRIBUTES, Group, GroupSelection, Person, Subject
from crosskey.settings import Settings

__all__ = ("DescribedPerson", "DescribedSource", "PersonKeys", "Told", "described_people")


class PersonKeys(Settings, frozen=True, kw_only=True):
    """What a case says of a person besides attributes. ``was`` holds any of all these keys as they were before."""

    id: Annotated[str, Meta(description="The source's own id. Left out: the e-mail address.")] = ""
    active: Annotated[
        bool | Literal["unknown"], Meta(description='Whether they should have accounts; "unknown": nobody can tell.')
    ] = True
    groups: Annotated[tuple[str, ...], Meta(description="Groups they are in, by the names that the rules use.")] = ()
    apps: Annotated[tuple[str, ...], Meta(description="Applications they are assigned to.")] = ()
    extra: Annotated[dict[str, Any], Meta(description="Other attributes, under the source's names.")] = msgspec.field(
        default_factory=dict[str, Any]
    )
    source: Annotated[str, Meta(description="The source that tells of them. Left out: the first.")] = ""
    was: Annotated[
        dict[str, Any],
        Meta(description="What was different when the configuration was last applied: { groups = [], active = true }."),
    ] = msgspec.field(default_factory=dict[str, Any])


_ATTRIBUTES = tuple(name for name in PERSON_ATTRIBUTES if name != "status")
_Person = msgspec.defstruct(
    "Person", [(name, str, "") for name in _ATTRIBUTES], bases=(PersonKeys,), frozen=True, kw_only=True
)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a person: what a source would tell, the subject's issuer left open."""

    id: str
    active: bool | None
    groups: tuple[str, ...]
    apps: tuple[str, ...]
    attributes: Mapping[str, Any]

    def person(self, issuer: str) -> Person:
        """The person as a source of that issuer tells them."""
        status = {True: "active", False: "inactive", None: "unknown"}[self.active]
        return Person(subject=Subject(issuer, self.id), active=self.active, status=status, **self.attributes)


class DescribedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One person now, and as they were before; ``source`` is the section that tells of them (``""``: the first)."""

    source: str
    now: Told
    before: Told


def described_people(decoder: Decoder, tables: Sequence[Mapping[str, Any]]) -> tuple[DescribedPerson, ...]:
    """The people behind the tables of a case; what is wrong with them becomes problems of the decoder."""
    people: list[DescribedPerson] = []
    for index, table in enumerate(tables):
        where = f"people[{index}]"
        now = decoder.struct(_Person, dict(table), where)
        if isinstance(now, msgspec.UnsetType):
            continue
        was = {**table, **cast("PersonKeys", now).was}
        before = decoder.struct(_Person, was, f"{where}.was")
        if isinstance(before, msgspec.UnsetType):
            continue
        told = _told(now)
        if not told.id:
            decoder.problem(where, "config-required", "nobody can tell who this is", 'write email = "…", or an id')
        if any(told.id == known.now.id for known in people):
            decoder.problem(where, "config-value", f'"{told.id}" is described twice', "describe each person once")
        people.append(DescribedPerson(source=cast("PersonKeys", now).source, now=told, before=_told(before, told.id)))
    return tuple(people)


def _told(given: msgspec.Struct, id_: str = "") -> Told:
    keys = cast("PersonKeys", given)
    attributes = {name: cast("str", getattr(given, name)) for name in _ATTRIBUTES}
    return Told(
        id=id_ or keys.id or attributes["email"] or attributes["user_name"],
        active=None if keys.active == "unknown" else keys.active,
        groups=keys.groups,
        apps=keys.apps,
        attributes={**_filled_in(attributes), "extra": keys.extra},
    )


def _filled_in(attributes: Mapping[str, str]) -> dict[str, str]:
    """With what every directory has and nobody wants to write: a user name, and names made from the address."""
    filled = dict(attributes)
    email, shown = filled["email"], filled["display_name"]
    from_address = [word.capitalize() for word in re.split(r"[._-]+", email.partition("@")[0]) if word]
    words = shown.split() or [filled["given_name"], filled["family_name"]]
    words = words if any(words) else from_address
    filled["user_name"] = filled["user_name"] or email
    filled["given_name"] = filled["given_name"] or " ".join(words[:1])
    filled["family_name"] = filled["family_name"] or " ".join(words[1:])
    filled["display_name"] = shown or f"{filled['given_name']} {filled['family_name']}".strip()
    return filled


class DescribedSource:
    """A source that holds exactly the people of a case, and every group that rules name.

    ``named`` gathers those, turn by turn. With ``closed`` a group that no rule ever named is refused: a mistake of the
    case, or the point of it, for the rules are no longer what it was written for.
    """

    def __init__(self, issuer: str, people: Sequence[Told], named: set[str], *, closed: bool) -> None:
        self._issuer = issuer
        self._people = people
        self._named = named
        self._closed = closed

    @property
    def issuer(self) -> str:
        """The section's path: nobody else's subjects bear it."""
        return self._issuer

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to say."""
        return []

    async def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """Everyone, and the groups and apps that rules name."""
        self._named.update(request.groups.names, request.apps.names)
        if self._closed:
            self._refuse_unnamed()
        yield PeoplePage([told.person(self._issuer) for told in self._people])
        for selection in (request.groups, request.apps):
            ids = {name: selection.pins.get(name, f"{selection.kind}:{name}") for name in sorted(selection.names)}
            yield GroupsPage([Group(id=id_, name=name, kind=selection.kind) for name, id_ in ids.items()])
            for name, id_ in ids.items():
                members = [told.id for told in self._people if name in _memberships(told, selection)]
                yield MembersPage(id_, members)
        yield ReadComplete()

    async def find(self, subject: Subject) -> Person | None:
        """The person of that id."""
        return next((told.person(self._issuer) for told in self._people if told.id == subject.id), None)

    def _refuse_unnamed(self) -> None:
        for told in self._people:
            for name in (*told.groups, *told.apps):
                if name not in self._named:
                    raise ConfigError(
                        f'no rule names "{name}", which {told.id} is in. {close_matches(name, self._named)}'.rstrip(),
                        code="case-group-unknown",
                        where="people",
                        fix="correct the name, or take it out of the case",
                    )


def _memberships(told: Told, selection: GroupSelection) -> tuple[str, ...]:
    return told.groups if selection.kind == "group" else told.apps
