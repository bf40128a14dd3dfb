"""A plugin of its own for engine tests: a directory and a desk in memory, with faults that a test switches on.

It comes in through an entry point like any other, so that the engine is tested through its public door.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    SourceSpec,
)
from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    FieldSpec,
    KindSpec,
    ReferenceSpec,
    Seats,
    TargetSchema,
    TargetSpec,
)
from crosskey.errors import AuthError, CursorExpiredError, RetryableError, UncertainError
from crosskey.hookspecs import hookimpl
from crosskey.model import Account, Catalogue, CatalogueEntry, Group, Person, Subject
from crosskey.plan import Duty, Outcome
from crosskey.settings import Settings

ISSUER = "https://directory.example"

KINDS = (
    KindSpec(
        name="user",
        summary="portal users",
        fields=(
            FieldSpec(name="name", required=True, max_length=50),
            FieldSpec(name="mail", also_matches=("mail2",)),
            FieldSpec(name="mail2"),
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
ENTRIES = tuple(
    CatalogueEntry(reference, f"{reference}-{name.lower().split()[-1]}", name)
    for reference, names in {
        "site": ("Acme / Main", "Acme / London", "Acme / Berlin"),
        "roles": ("Viewer", "Approver"),
        "teams": ("First", "Second"),
    }.items()
    for name in names
)


class Killed(BaseException):
    """The process is gone at this moment."""


class Directory:
    """The source's state; a test edits it between runs."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.hidden: set[str] = set()  # left out of lists, found by id
        self.slipped: set[tuple[str, str]] = set()  # group, who: left out of its list of members, a member by id
        self.memberships: list[str] = []  # who was asked for by id
        self.complete = True
        self.fail: BaseException | None = None
        self.can_find = True
        self.goes_on = False
        self.finds: list[str] = []
        self.reads: list[str] = []  # full | changes, as they were asked
        self.tells_changes = False
        self.lists_anew = False  # changed groups come as whole lists
        self.expired = False
        self.script: Sequence[object] | None = None  # what the next read or round of changes brings instead
        self.open = 0  # reads that are not closed
        self.buried: set[str] = set()  # told to be deleted, and there by id
        self.saved: list[tuple[dict[str, Person], dict[str, Group], dict[str, set[str]]]] = []

    def save(self) -> str:
        """A cursor for the state as it is now."""
        self.saved.append((dict(self.people), dict(self.groups), {name: set(of) for name, of in self.members.items()}))
        return f"{self.issuer}@{len(self.saved) - 1}"

    def add(self, id: str, *, groups: Sequence[str] = (), active: bool | None = True, **attributes: str) -> Person:
        attributes.setdefault("email", f"{id}@example.com")
        attributes.setdefault("display_name", id.title())
        status = {True: "ON", False: "OFF", None: "ODD"}[active]
        person = Person(subject=Subject(self.issuer, id), active=active, status=status, **attributes)
        self.people[id] = person
        for name in groups:
            self.group(name).add(id)
        return person

    def group(self, name: str) -> set[str]:
        self.groups.setdefault(name, Group(id=f"g-{name}", name=name))
        return self.members.setdefault(f"g-{name}", set())

    def move(self, issuer: str) -> None:
        """The same people under another issuer."""
        self.issuer = issuer
        for name, person in self.people.items():
            self.change(name, subject=msgspec.structs.replace(person.subject, issuer=issuer))

    def change(self, id: str, **attributes: object) -> None:
        self.people[id] = msgspec.structs.replace(self.people[id], **attributes)


class Desk:
    """The target's state and everything that was written to it."""

    def __init__(self) -> None:
        self.accounts: dict[tuple[str, str], Account] = {}
        self.writes: list[tuple[str, str, str]] = []  # action, kind, label
        self.batches: list[int] = []
        self.next = 1
        self.seats: Seats | None = Seats(100, 0)
        self.batch = 3
        self.fault = ""  # lost-answer | lost-request | late | auth | down | raise | silent | …
        self.bad: set[str] = set()  # labels, alone or behind a kind, that are refused
        self.poison: set[str] = set()  # labels whose whole array gets no clear answer and is not written
        self.can_find = False
        self.final: frozenset[str] = frozenset()  # codes of refusals that would come again
        self.goes_on = False
        self.counted = 0
        self.keeps_markers = True
        self.complete = True
        self.shows_unlisted = False
        self.kinds = KINDS
        self.entries = ENTRIES
        self.found: list[str] = []
        self.looks_up = False
        self.lookups: list[object] = []
        self.reads = 0
        self.told: dict[str, int] = {}
        self.duties: dict[str, list[Duty]] | BaseException | None = None  # what waits, by key
        self.asked: list[list[str]] = []
        self.hidden: set[str] = set()
        self.tells_time = False  # answers a request with a Date header
        self.before_write: Callable[[], object] | None = None  # somebody else's hand, between two writes
        self.late: list[object] = []  # writes that arrive after their sender gave up
        self.cut = 0  # text is cut to so many letters without a word
        self.ignored: set[str] = set()  # fields and references that are taken and not written
        self.script: Sequence[object] | None = None  # what the next read brings instead
        self.open = 0  # reads that are not closed

    def add_field(self, name: str, *, listed: bool) -> None:
        """One more field of users."""
        user, *others = self.kinds
        field = FieldSpec(name=name, listed=listed)
        self.kinds = (msgspec.structs.replace(user, fields=(*user.fields, field)), *others)

    def make_sites_optional(self) -> None:
        """Users need no site any more."""
        user, *others = self.kinds
        site, *rest = user.references
        site = msgspec.structs.replace(site, required=False)
        self.kinds = (msgspec.structs.replace(user, references=(site, *rest)), *others)

    def listed(self, account: Account) -> Account:
        """The account as lists show it."""
        if self.shows_unlisted:
            return account
        unlisted = {field.name for kind in self.kinds for field in kind.fields if not field.listed}
        fields = {name: value for name, value in account.fields.items() if name not in unlisted}
        return msgspec.structs.replace(account, fields=fields)

    def arrive(self) -> None:
        """What was on its way arrives."""
        for change in self.late:
            if change.key is None or (change.kind, change.key) in self.accounts:
                self.write(change)
        self.late = []

    def add(self, kind: str, *, active: bool = True, protected: str = "", **fields: str) -> Account:
        key = str(self.next)
        self.next += 1
        site = {"site": ("site-main",)} if kind == "user" else {}
        account = Account(
            kind=kind,
            key=key,
            label=fields.get("name", key),
            active=active,
            fields=dict(fields),
            references=site,
            protected=protected,
        )
        self.accounts[kind, key] = account
        return account

    def edit(self, kind: str, key: str, **changes: object) -> None:
        self.accounts[kind, key] = msgspec.structs.replace(self.accounts[kind, key], **changes)

    def of(self, kind: str) -> dict[str, Account]:
        return {account.label: account for (of, _), account in self.accounts.items() if of == kind}

    def _kept(self, value):
        return value[: self.cut] if self.cut and isinstance(value, str) else value

    def _marker(self, change, before: Account) -> str:
        if not self.keeps_markers or (change.action == "release" and change.marker):
            return ""
        return change.marker or before.marker

    def write(self, change) -> str:
        key = change.key or str(self.next)
        if change.key is None:
            self.next += 1
        before = self.accounts.get((change.kind, key), Account(kind=change.kind, key=key, active=True))
        fields = {**before.fields, **{name: self._kept(part.after) for name, part in change.fields.items()}}
        references = {**before.references, **{name: ref.after for name, ref in change.references.items()}}
        for kept, old in ((fields, before.fields), (references, before.references)):
            for name in self.ignored & kept.keys():
                kept.pop(name)
                kept.update({name: old[name]} if name in old else {})
        self.accounts[change.kind, key] = msgspec.structs.replace(
            before,
            label=str(fields.get("name", "")),
            fields=fields,
            references=references,
            marker=self._marker(change, before),
            active=before.active if change.active is None else bool(change.active.after),
        )
        self.writes.append((change.action, change.kind, change.label))
        return key


directory = Directory()
acquired = Directory("https://acquired.example")
third = Directory("https://third.example")
desk = Desk()


def reset() -> None:
    """Forget everything."""
    directory.__init__()
    acquired.__init__("https://acquired.example")
    third.__init__("https://third.example")
    desk.__init__()


async def scripted(of: Directory | Desk, pages: AsyncGenerator[object]) -> AsyncGenerator[object]:
    """The pages, or those of the script, which is played once."""
    script, of.script = of.script, None
    of.open += 1
    try:
        async with aclosing(pages):
            if script is None:
                async for page in pages:
                    yield page
        for page in script or ():
            yield page
    finally:
        of.open -= 1


class OpenDirectory:
    def __init__(self, of: Directory) -> None:
        self.of = of

    @property
    def issuer(self) -> str:
        return self.of.issuer

    async def check(self):
        return []

    def read(self, request) -> AsyncIterator[object]:
        return scripted(self.of, self._all(request))

    async def _all(self, request) -> AsyncGenerator[object]:
        of = self.of
        of.reads.append("full")
        cursor = of.save() if of.tells_changes and request.changes else ""
        yield GroupsPage(list(of.groups.values()))
        people = [person for person in of.people.values() if person.subject.id not in of.hidden]
        for start in range(0, len(people), 4):
            yield PeoplePage(people[start : start + 4])
        if of.fail:
            raise of.fail
        for group in request.groups.choose(of.groups.values()).values():
            yield MembersPage(
                group.id, sorted(who for who in of.members.get(group.id, ()) if (group.name, who) not in of.slipped)
            )
        if of.complete:
            yield ReadComplete(cursor=cursor)
        if of.goes_on:
            yield PeoplePage([])


class Finds:
    async def find(self, subject):
        self.of.finds.append(subject.id)
        return self.of.people.get(subject.id)

    async def groups_of(self, subject):
        self.of.memberships.append(subject.id)
        return frozenset(group for group, members in self.of.members.items() if subject.id in members)


class TellsChanges:
    def read_changes(self, cursor, request) -> AsyncIterator[object]:
        return scripted(self.of, self._changes(cursor, request))

    async def _changes(self, cursor, request) -> AsyncGenerator[object]:
        of = self.of
        of.reads.append("changes")
        if of.expired:
            raise CursorExpiredError("the cursor is too old")
        if of.fail:
            raise of.fail
        issuer, _, number = cursor.rpartition("@")
        assert issuer == of.issuer
        people, groups, members = of.saved[int(number)]
        upto = of.save()
        yield PeoplePage([person for id_, person in of.people.items() if people.get(id_) != person])
        yield GroupsPage([group for id_, group in of.groups.items() if groups.get(id_) != group])
        for group in request.groups.choose(of.groups.values()).values():
            before, now = members.get(group.id, set()), of.members[group.id]
            if before == now:
                continue
            if of.lists_anew:
                rest = sorted(now)
                yield MembersPage(group.id, rest[:2], whole=True)
                yield MembersPage(group.id, rest[2:])
            else:
                yield MembersPage(group.id, sorted(now - before))
                yield MembersLeftPage(group.id, sorted(before - now))
        gone = sorted({*(people.keys() - of.people.keys()), *of.buried})
        yield GonePage(people=gone, groups=sorted(groups.keys() - of.groups.keys()))
        if of.complete:
            yield ReadComplete(cursor=upto)


class OpenDesk:
    async def check(self):
        return []

    async def schema(self):
        return TargetSchema(kinds=desk.kinds, batch=desk.batch, settle=60.0, final=desk.final)

    async def catalogue(self):
        return Catalogue(desk.entries)

    def read(self, request):
        return scripted(desk, self._all(request))

    async def _all(self, request):
        desk.reads += 1
        accounts = [
            desk.listed(account)
            for account in desk.accounts.values()
            if account.kind in request.kinds and account.key not in desk.hidden
        ]
        for start in range(0, len(accounts), 5):
            yield AccountsPage(accounts[start : start + 5])
        counts = {kind: sum(account.kind == kind for account in accounts) for kind in request.kinds}
        if desk.complete:
            yield AccountsComplete(counts={**counts, **desk.told})
        if desk.goes_on:
            yield AccountsPage([])

    async def apply(self, batch):
        desk.batches.append(len(batch))
        if desk.before_write is not None:
            desk.before_write()
        match desk.fault:
            case "auth":
                raise AuthError("the credential was withdrawn", where="target.desk")
            case "down":
                raise RetryableError("the desk is down", where="target.desk")
            case "late":
                desk.late += batch
                raise UncertainError("no answer", where="target.desk")
            case "lost-request":
                raise UncertainError("no answer", where="target.desk")
            case "raise":
                raise KeyError("oops")
            case "killed-before":
                raise Killed
            case "silent":
                return []
        if any(change.label in desk.poison for change in batch):
            return [Outcome(change=change.id, result="unknown", message="HTTP 500") for change in batch]
        outcomes = []
        for change in batch:
            gone = change.key is not None and (change.kind, change.key) not in desk.accounts
            if {change.label, f"{change.kind} {change.label}"} & desk.bad or gone:
                outcomes.append(Outcome(change=change.id, result="rejected", code="bad", message="the desk says no"))
                continue
            key = desk.write(change)
            told = {"wrong-key": "1", "no-key": None}.get(desk.fault, key)
            result = "already" if desk.fault == "already" else "applied"
            outcomes.append(Outcome(change=change.id, result=result, key=told))
        if desk.fault == "half-silent":
            return outcomes[:1]
        if desk.fault == "cancelled":
            raise asyncio.CancelledError
        if desk.fault == "killed-after":
            raise Killed
        if desk.fault == "lost-answer":
            raise UncertainError("no answer", where="target.desk")
        return outcomes


class CountsSeats:
    async def seats(self):
        desk.counted += 1
        return {"agent": desk.seats}


class TellsDuties:
    async def duties(self, kind, keys):
        desk.asked.append(list(keys))
        if isinstance(desk.duties, BaseException):
            raise desk.duties
        return {key: desk.duties[key] for key in keys if key in desk.duties}


class LooksUp:
    async def look_up(self, lookup):
        desk.lookups.append(lookup)
        values = {(field, value.casefold()) for field, found in lookup.values.items() for value in found}
        return [
            desk.listed(account)
            for account in desk.accounts.values()
            if account.kind == lookup.kind
            and account.key not in desk.hidden
            and (
                account.key in lookup.keys
                or account.marker in lookup.markers
                or any((name, str(value).casefold()) in values for name, value in account.fields.items())
            )
        ]


class FindsChanges:
    async def find(self, change):
        desk.found.append(change.label)
        if change.key is not None:
            return desk.accounts.get((change.kind, change.key))
        return next((account for account in desk.accounts.values() if account.marker == change.marker), None)


@asynccontextmanager
async def open_directory(settings, context):
    of = {"corp": directory, "acquired": acquired, "third": third}[settings.which]
    abilities = [Finds] * of.can_find + [TellsChanges] * of.tells_changes
    yield type("OpenDirectory", (*abilities, OpenDirectory), {})(of)


@asynccontextmanager
async def open_desk(settings, context):
    abilities = [CountsSeats] * (desk.seats is not None) + [FindsChanges] * desk.can_find + [LooksUp] * desk.looks_up
    abilities += [TellsDuties] * (desk.duties is not None)
    if desk.tells_time:
        async with context.http("https://desk.example") as client:
            await client.call("GET", "/time", decode=object)
    yield type("OpenDesk", (*abilities, OpenDesk), {})()


class NoSettings(Settings):
    pass


class DirectorySettings(Settings):
    which: str = "corp"


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="directory", summary="in memory", settings=DirectorySettings, open=open_directory)]


@hookimpl
def crosskey_targets():
    return [TargetSpec(name="bench", summary="in memory", settings=NoSettings, open=open_desk)]
