"""A little directory over HTTP, and a source for it that is right; ``bug`` makes it wrong in one way (synthetic)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import msgspec

from crosskey import (
    AuthError,
    Clock,
    ContractError,
    CursorExpiredError,
    Diagnostic,
    GonePage,
    Group,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    Person,
    ReadComplete,
    RejectedError,
    RetryableError,
    Secret,
    Settings,
    SourceSpec,
    Subject,
    hookimpl,
)
from crosskey.errors import CrosskeyError
from crosskey.testing import FakeDirectory

PAGE = 10
ACTIVE: Mapping[str, bool] = {"active": True, "suspended": False}


class LittleDirectory(FakeDirectory):
    """People, groups, and a feed of what happened to them."""

    statuses: ClassVar[Mapping[str, bool | None]] = ACTIVE
    secrets: ClassVar[Mapping[str, str]] = {"LITTLE_TOKEN": "little-token-that-is-secret"}

    def __init__(self, clock: Clock) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.feed: list[dict[str, Any]] = []
        self.kept = 0

    def answers(self):
        return self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {self.secrets['LITTLE_TOKEN']}":
            return httpx.Response(401, json={})
        parts = request.url.path.strip("/").split("/")
        match parts:
            case ["people"]:
                return self.page(request, list(self.people.values()))
            case ["people", id]:
                return httpx.Response(200, json=self.people[id]) if id in self.people else self.missing()
            case ["people", id, "groups"] if id in self.people:
                inside = [{"id": key} for key, group in self.groups.items() if id in group["members"]]
                return self.page(request, inside)
            case ["groups"]:
                return self.page(request, [{"id": key, "name": one["name"]} for key, one in self.groups.items()])
            case ["groups", id, "members"] if id in self.groups:
                return self.page(request, [{"id": who} for who in self.groups[id]["members"]])
            case ["changes"]:
                since = int(request.url.params["since"])
                if not self.kept <= since <= len(self.feed):
                    return httpx.Response(410, json={"code": "forgotten"})
                return httpx.Response(200, json={"rows": self.feed[since:], "cursor": str(len(self.feed))})
            case _:
                return self.missing()

    def missing(self) -> httpx.Response:
        return httpx.Response(404, json={"code": "no-such-thing"})

    def page(self, request: httpx.Request, rows: list[dict[str, Any]]) -> httpx.Response:
        after = request.url.params.get("after", "")
        ids = [row["id"] for row in rows]
        start = next((place for place, one in enumerate(sorted(ids)) if one > after), len(ids)) if after else 0
        part = sorted(rows, key=lambda row: row["id"])[start : start + PAGE]
        more = start + PAGE < len(rows)
        link = str(request.url.copy_set_param("after", part[-1]["id"])) if more else None
        return httpx.Response(200, json={"rows": part, "next": link})

    # -- what a test does -------------------------------------------------------------------------------------------

    def hire(self, name: str) -> str:
        key = f"p{len(self.people) + len(self.feed) + 1000}"
        self.people[key] = {"id": key, "name": name, "mail": f"{name}@people.example", "status": "active"}
        self.changed(key)
        return key

    def changed(self, id: str) -> None:
        self.feed.append({"what": "person", "row": dict(self.people[id])})

    def rename(self, person: str, name: str) -> None:
        self.people[person]["name"] = name
        self.changed(person)

    def set_status(self, person: str, status: str) -> None:
        self.people[person]["status"] = status
        self.changed(person)

    def suspend(self, person: str) -> None:
        self.set_status(person, "suspended")

    def restore(self, person: str) -> None:
        self.set_status(person, "active")

    def delete(self, person: str) -> None:
        del self.people[person]
        self.feed.append({"what": "gone", "row": {"id": person}})
        for group in self.groups.values():
            if person in group["members"]:
                group["members"].remove(person)

    def form(self, name: str) -> str:
        key = f"g{len(self.groups) + 1}"
        self.groups[key] = {"name": name, "members": []}
        return key

    def disband(self, group: str) -> None:
        del self.groups[group]
        self.feed.append({"what": "disbanded", "row": {"id": group}})

    def join(self, group: str, person: str) -> None:
        self.groups[group]["members"].append(person)
        self.feed.append({"what": "joined", "row": {"id": person}, "group": group})

    def leave(self, group: str, person: str) -> None:
        self.groups[group]["members"].remove(person)
        self.feed.append({"what": "left", "row": {"id": person}, "group": group})

    def expire(self, cursor: str) -> None:
        self.kept = len(self.feed) + 1
        self.feed.append({"what": "nothing", "row": {"id": ""}})


class LittleSettings(Settings):
    token: Secret
    bug: str = ""


class Row(msgspec.Struct):
    id: str
    name: str = ""
    mail: str = ""
    status: str = ""


class Rows(msgspec.Struct):
    rows: list[Row]
    next: str | None


class Event(msgspec.Struct):
    what: str
    row: Row
    group: str = ""


class Feed(msgspec.Struct):
    rows: list[Event]
    cursor: str


class Lenient(msgspec.Struct):
    """The bug of a list that may be left out."""

    rows: list[Row] = []
    next: str | None = None


class NamelessRow(msgspec.Struct):
    id: str | None = None
    name: str = ""
    mail: str = ""
    status: str = ""


class Nameless(msgspec.Struct):
    """The bug of an id that may be left out."""

    rows: list[NamelessRow]
    next: str | None


class LittleSource:
    issuer = "https://little.example"

    def __init__(self, client: Any, settings: LittleSettings, context: Any) -> None:
        self.client = client
        self.bug = settings.bug
        self.token = settings.token
        self.context = context
        self.number = 0

    async def check(self) -> list[Diagnostic]:
        try:
            anybody = [row async for rows in self.pages("/people") for row in rows]
        except CrosskeyError as error:
            if self.bug == "check_raises":
                raise
            if self.bug == "check_says_nothing":
                return []
            return [msgspec.structs.replace(error.diagnostic(), fix=error.fix or "see the vendor's status page")]
        if not anybody and self.bug != "nobody_is_nothing_to_tell":
            return [Diagnostic(severity="warning", code="little-nobody", summary="the directory shows nobody")]
        return [Diagnostic(severity="ok", code="little", summary="people can be read")]

    async def pages(self, path: str):
        """Pages of rows, each followed by the one that it names."""
        decode = {"lists_may_be_left_out": Lenient, "rows_without_an_id_are_passed_over": Nameless}.get(self.bug, Rows)
        if self.bug == "own_paging":
            link: str | None = path
            while link:
                reply = await self.client.call("GET", link, decode=decode)
                yield reply.value.rows
                link = reply.value.next
            return
        async for reply in self.client.pages(path, decode=decode, next_url=lambda reply: reply.value.next):
            rows = reply.value.rows
            if not rows and self.bug == "empty_page_is_the_end":
                return
            yield rows
            if self.bug == "first_page_only":
                return

    def person(self, row: Row) -> Person:
        active = ACTIVE.get(row.status, False if self.bug == "unknown_status_is_off" else None)
        key = row.id
        if self.bug == "id_is_the_address":
            key = row.mail
        if self.bug == "id_is_a_number_of_its_own":
            self.number += 1
            key = f"{row.id}-{self.context.clock.now().timestamp():.0f}"
        if self.bug == "text_is_none":
            return Person(subject=Subject(self.issuer, key), active=active, display_name=row.name, title=None)
        return Person(
            subject=Subject(self.issuer, key), active=active, status=row.status, display_name=row.name, email=row.mail
        )

    async def read(self, request: Any):
        if self.bug == "raises_a_key_error" and self.context.clock.elapsed > 3600:
            raise KeyError("rows")
        if self.bug == "tells_the_secret":
            try:
                await self.client.call("GET", "/people", decode=Rows)
            except CrosskeyError as error:
                raise AuthError(f"{error.message} with the header Bearer {self.token.reveal()}") from None
        groups: list[Group] = []
        async for rows in self.pages("/groups"):
            groups += [Group(id=row.id, name=row.name) for row in rows]
        chosen = request.groups.choose(groups)
        cursor = (
            (await self.client.call("GET", "/changes?since=0", decode=Feed)).value.cursor if request.changes else ""
        )
        try:
            async for rows in self.pages("/people"):
                kept = [row for row in rows if row.status != "suspended" or self.bug != "suspended_people_are_left_out"]
                kept = [row for row in kept if row.id]
                if self.bug == "a_row_too_many_is_an_error" and len({row.id for row in rows}) < len(rows):
                    raise ContractError("a row came twice")
                yield PeoplePage([self.person(row) for row in kept])
        except RetryableError:
            if self.bug != "a_breakdown_ends_the_list":
                raise
        if self.bug != "members_before_groups":
            yield GroupsPage(groups)
        for group in chosen.values():
            try:
                async for rows in self.pages(f"/groups/{group.id}/members"):
                    yield MembersPage(group.id, [row.id for row in rows])
            except AuthError:
                if self.bug != "refused_members_are_none":
                    raise
        if self.bug == "a_read_brings_tombstones":
            yield GonePage(people=("nobody",))
        if self.bug == "swallows_cancellation":
            with suppress(asyncio.CancelledError):
                await self.context.clock.sleep(5.0)
            await self.context.clock.sleep(5.0)
        if self.bug == "leaves_a_task":
            self.task = asyncio.ensure_future(self.context.clock.sleep(100_000.0))
        if self.bug != "never_says_complete":
            yield ReadComplete(cursor=cursor)

    async def read_changes(self, cursor: str, request: Any):
        if not cursor.isdigit() and self.bug != "any_cursor_will_do":
            raise CursorExpiredError("no cursor of this source", where=self.context.instance)
        try:
            since = cursor if cursor.isdigit() else "0"
            feed = (await self.client.call("GET", f"/changes?since={since}", decode=Feed)).value
        except RejectedError as error:
            if error.status != 410 or self.bug == "a_forgotten_place_is_a_rejection":
                raise
            raise CursorExpiredError("the directory forgot the place", where=self.context.instance) from None
        wanted = request.groups.names | set(request.groups.pins.values())
        told: list[str] = []
        for event in feed.rows:
            row, group = event.row, event.group
            told.append(row.id)
            match event.what:
                case "person":
                    person = self.person(row)
                    if self.bug == "changes_come_in_part":
                        person = Person(subject=person.subject, active=person.active, display_name=person.display_name)
                    if self.bug == "suspensions_are_no_change" and row.status == "suspended":
                        continue
                    yield PeoplePage([person])
                case "gone" if self.bug != "deletions_are_no_change":
                    yield GonePage(people=(row.id,))
                case "disbanded":
                    yield GonePage(groups=(row.id,))
                case "joined" if wanted:
                    yield MembersPage(group, [row.id])
                case "left" if self.bug != "nobody_ever_leaves_a_group":
                    yield MembersLeftPage(group, [row.id])
                case _:
                    pass
        if self.bug == "absence_is_a_tombstone":
            everybody = [row.id async for rows in self.pages("/people") for row in rows]
            yield GonePage(people=[one for one in everybody if one not in told][:3])
        yield ReadComplete(cursor=feed.cursor)

    async def find(self, subject: Subject) -> Person | None:
        try:
            reply = await self.client.call("GET", f"/people/{quote(subject.id, safe='')}", decode=Row)
        except RejectedError as error:
            if error.status == 404:
                return None
            raise
        except CrosskeyError:
            if self.bug == "whoever_cannot_be_asked_is_nobody":
                return None
            raise
        return self.person(reply.value) if reply.value.id == subject.id else None

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        try:
            return frozenset([row.id async for rows in self.pages(f"/people/{subject.id}/groups") for row in rows])
        except CrosskeyError:
            if self.bug == "groups_that_cannot_be_asked_are_none":
                return frozenset()
            raise


@asynccontextmanager
async def open_little(settings: LittleSettings, context: Any):
    headers = {"Authorization": f"Bearer {settings.token.reveal()}"}
    async with context.http("https://little.example", headers=headers) as client:
        yield LittleSource(client, settings, context)


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="little", summary="A little directory", settings=LittleSettings, open=open_little)]
