"""People and groups of First Source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from crosskey import (
    Context,
    CrosskeyError,
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
    ReadPage,
    ReadRequest,
    RejectedError,
    SourceSpec,
    Subject,
)

from crosskey_first_source.rows import (
    ChangesRows,
    Deleted,
    GroupsRows,
    Joined,
    Left,
    Me,
    MembersRows,
    Page,
    PeopleRows,
    PersonRow,
    Written,
)
from crosskey_first_source.settings import FirstSourceSettings

if TYPE_CHECKING:
    from crosskey.http import Client, Reply

__all__ = ("SPEC", "FirstSourceSource")

P = TypeVar("P", bound=Page)

SCOPES = ("people:read", "groups:read")

ACTIVE = {"active": True, "suspended": False, "left": False}
"""What the service's words mean: ``True`` should have accounts, ``False`` should not. A word that is not here means
``None``, "nobody can tell": nothing is changed for that person.
"""

GONE = 410
"""How the service says that it no longer knows a cursor."""


class FirstSourceSource:
    """The open source. Whatever goes wrong is raised: what did not come must not look like somebody who left."""

    def __init__(self, client: Client, settings: FirstSourceSettings, instance: str) -> None:
        self._client = client
        self._settings = settings
        self._instance = instance

    @property
    def issuer(self) -> str:
        """The one stable name of this directory: links to accounts are kept under it."""
        return self._settings.url.rstrip("/")

    async def check(self) -> Sequence[Diagnostic]:
        """Whether the token works and may read what a run needs. Costs one request."""
        try:
            me = (await self._client.call("GET", "/v1/me", decode=Me)).value
        except CrosskeyError as error:
            return [error.diagnostic()]
        missing = [scope for scope in SCOPES if scope not in me.scopes]
        if missing:
            return [
                Diagnostic(
                    severity="error",
                    code="first-source-scope",
                    summary=f"the token may not {' and '.join(missing)}",
                    path=f"{self._instance}.token",
                    fix=f"make a token with the scopes {', '.join(SCOPES)}",
                )
            ]
        summary = f"signed in as {me.name}"
        return [Diagnostic(severity="ok", code="first-source", summary=summary, path=self._instance)]

    async def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """Everybody, all groups, and the members of the groups that rules name."""
        # The cursor comes first: what happens while the rest is read is told again by the next round.
        cursor = await self._now() if request.changes else ""
        seen = 0
        async for page in self._pages("/v1/people", PeopleRows):
            seen += len(page.value.people)
            yield PeoplePage([self._person(row) for row in page.value.people])
        groups = await self._groups()
        yield GroupsPage(groups)
        for group in request.groups.choose(groups).values():
            path = f"/v1/groups/{quote(group.id, safe='')}/members"
            async for page in self._pages(path, MembersRows, template="/v1/groups/{id}/members"):
                yield MembersPage(group.id, [row.id for row in page.value.members])
        yield ReadComplete(cursor=cursor, warnings=() if seen else (self._nobody(),))

    async def read_changes(self, cursor: str, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """What happened since the cursor, in order, ending with the next cursor."""
        groups = await self._groups()
        yield GroupsPage(groups)
        named = {group.id for group in request.groups.choose(groups).values()}
        try:
            async for page in self._pages("/v1/changes", ChangesRows, since=cursor):
                for row in page.value.changes:
                    if not isinstance(row, Joined | Left) or row.group in named:
                        yield self._change(row)
                cursor = page.value.cursor
        except RejectedError as error:
            if error.status == GONE:
                raise CursorExpiredError(error.message, where=self._instance, fix="everything is read again") from error
            raise
        yield ReadComplete(cursor=cursor)

    async def find(self, subject: Subject) -> Person | None:
        """The person of that id. A list that is surely empty says that there is nobody; a refusal never does."""
        rows = (await self._client.call("GET", "/v1/people", decode=PeopleRows, params={"id": subject.id})).value
        return next((self._person(row) for row in rows.people if row.id == subject.id), None)

    def _nobody(self) -> Diagnostic:
        """An empty directory and a token that may see nobody look alike: somebody must be told."""
        return Diagnostic(
            severity="warning",
            code="first-source-nobody",
            summary="the directory shows nobody",
            path=self._instance,
            fix="see whether the token may read people: `crosskey check`",
        )

    async def _now(self) -> str:
        reply = await self._client.call("GET", "/v1/changes", decode=ChangesRows, params={"since": "now"})
        return reply.value.cursor

    async def _groups(self) -> list[Group]:
        found: list[Group] = []
        async for page in self._pages("/v1/groups", GroupsRows):
            found += [Group(id=row.id, name=row.name) for row in page.value.groups]
        return found

    def _pages(self, path: str, decode: type[P], *, template: str = "", **params: str) -> AsyncGenerator[Reply[P]]:
        """The pages of a list. The client follows ``next``, and refuses a page that comes again or leads elsewhere."""
        return self._client.pages(
            path,
            decode=decode,
            params={**params, "limit": self._settings.page_size},
            template=template or path,
            next_url=lambda reply: reply.value.next,
        )

    def _change(self, row: Written | Deleted | Joined | Left) -> ReadPage:
        """One thing that happened, in crosskey's words."""
        match row:
            case Written(person):
                return PeoplePage([self._person(person)])
            case Deleted(id):
                return GonePage(people=[id])
            case Joined(group, id):
                return MembersPage(group, [id])
            case Left(group, id):
                return MembersLeftPage(group, [id])

    def _person(self, row: PersonRow) -> Person:
        """A row in crosskey's words. The only place that makes people."""
        return Person(
            subject=Subject(self.issuer, row.id),
            active=ACTIVE.get(row.status),
            status=row.status,
            user_name=row.login,
            email=row.email,
            display_name=f"{row.first_name} {row.last_name}".strip(),
            given_name=row.first_name,
            family_name=row.last_name,
            title=row.title,
            department=row.department,
        )


@asynccontextmanager
async def open_source(
    settings: FirstSourceSettings,
    context: Context,
) -> AsyncGenerator[FirstSourceSource]:
    """Open the source on the client that the core lends: retries, pacing, deadlines and recordings are its business."""
    headers = {"Authorization": f"Bearer {settings.token.reveal()}"}
    async with context.http(settings.url, headers=headers) as client:
        yield FirstSourceSource(client, settings, context.instance)


SPEC = SourceSpec(
    name="first-source",
    summary="People and groups of First Source",
    settings=FirstSourceSettings,
    open=open_source,
)
