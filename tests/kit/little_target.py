"""A little desk over HTTP, and a target for it that is right; ``bug`` makes it wrong in one way (synthetic)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import msgspec

from crosskey import (
    Account,
    AccountsComplete,
    AccountsPage,
    AuthError,
    Catalogue,
    CatalogueEntry,
    Change,
    Clock,
    ContractError,
    Diagnostic,
    FieldSpec,
    KindSpec,
    Lookup,
    Outcome,
    ReferenceSpec,
    RejectedError,
    RetryableError,
    Secret,
    Settings,
    TargetSchema,
    TargetSpec,
    UncertainError,
    hookimpl,
)
from crosskey.errors import CrosskeyError
from crosskey.testing import FakeTarget

PAGE = 10
COUNTLESS = ("first_page_only", "an_empty_page_is_the_end")
FIELDS = ("name", "mail", "note", "phone")


class LittleDesk(FakeTarget):
    """Accounts with a marker, an on/off state, four fields and a set of roles."""

    secrets: ClassVar = {"LITTLE_TOKEN": "little-token-that-is-secret"}

    def __init__(self, clock: Clock) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self.number = 0
        self.clock = clock

    def answers(self):
        return self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != "Bearer little-token-that-is-secret":
            return httpx.Response(401, json={})
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", ["accounts"]:
                return self.listed(request)
            case "GET", ["accounts", key]:
                return httpx.Response(200, json=self.accounts[key]) if key in self.accounts else self.missing()
            case "POST", ["accounts"]:
                body = json.loads(request.content)
                return httpx.Response(201, json=self.accounts[self.put(**body)])
            case "PUT", ["accounts", key]:  # makes what is not there, as some vendors do
                body = json.loads(request.content)
                self.accounts.setdefault(key, {**blank(), "key": key}).update(body)
                return httpx.Response(200, json=self.accounts[key])
            case "PATCH", ["accounts", key] if key in self.accounts:
                self.accounts[key].update(json.loads(request.content))
                return httpx.Response(200, json=self.accounts[key])
            case "DELETE", ["accounts", key]:
                self.accounts.pop(key, None)
                return httpx.Response(200, json={**blank(), "key": key})
            case _:
                return self.missing()

    def missing(self) -> httpx.Response:
        return httpx.Response(404, json={"code": "no-such-account"})

    def listed(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        rows = [
            row
            for row in self.accounts.values()
            if ("marker" not in asked or row["marker"] == asked["marker"])
            and ("begins" not in asked or row["marker"].startswith(asked["begins"]))
            and ("mail" not in asked or row["mail"].casefold() == asked["mail"].casefold())
        ]
        start = int(asked.get("from", "0"))
        more = start + PAGE < len(rows)
        link = str(request.url.copy_set_param("from", str(start + PAGE))) if more else None
        return httpx.Response(200, json={"rows": rows[start : start + PAGE], "next": link, "count": len(rows)})

    def put(self, **members: Any) -> str:
        self.number += 1
        key = f"a{1000 + self.number}"
        self.accounts[key] = {**blank(), **members, "key": key}
        return key

    def bearing(self, kind: str, marker: str) -> int:
        return sum(row["marker"] == marker for row in self.accounts.values())

    def add(self, kind: str, name: str) -> str:
        return self.put(name=name, mail="by.hand@people.example", active=True)

    def edit(self, kind: str, key: str, field: str, value: str) -> None:
        self.accounts[key][field] = value

    def grant(self, kind: str, key: str, reference: str, id: str) -> None:
        self.accounts[key][reference] = [*self.accounts[key][reference], id]

    def sign_in(self, kind: str, key: str) -> None:
        self.accounts[key]["signed_in"] = self.clock.now().isoformat()

    def remove(self, kind: str, key: str) -> None:
        del self.accounts[key]


def blank() -> dict[str, Any]:
    return {"active": True, "marker": "", "roles": [], "signed_in": "", **dict.fromkeys(FIELDS, "")}


class LittleSettings(Settings):
    token: Secret
    bug: str = ""


class Row(msgspec.Struct):
    key: str
    active: bool
    marker: str
    name: str
    mail: str
    note: str
    phone: str
    roles: list[str]
    signed_in: str = ""


class Rows(msgspec.Struct):
    rows: list[Row]
    next: str | None
    count: int


class LittleTarget:
    def __init__(self, client: Any, settings: LittleSettings) -> None:
        self.client = client
        self.bug = settings.bug
        self.seen: dict[str, Row] = {}
        self.sign_ins: dict[str, datetime | None] = {}

    async def check(self) -> list[Diagnostic]:
        try:
            await self.client.call("GET", "/accounts", decode=Rows)
        except CrosskeyError as error:
            return [msgspec.structs.replace(error.diagnostic(), fix=error.fix or "see the vendor's status page")]
        return []

    async def schema(self) -> TargetSchema:
        if self.bug == "the_schema_is_asked_for":
            await self.client.call("GET", "/accounts", decode=Rows)
        longest = 40 if self.bug != "the_schema_says_too_much" else 4000
        fields = [
            FieldSpec(name="name", required=True),
            FieldSpec(name="mail"),
            FieldSpec(name="note", max_length=longest),
            FieldSpec(name="phone"),
        ]
        if self.bug == "the_schema_leaves_a_field_out":
            del fields[3]
        word = "groups" if self.bug == "a_reference_has_a_word_of_rules" else "roles"
        roles = ReferenceSpec(name=word, many=True, catalogue="role")
        batch = 0 if self.bug == "no_batch_at_all" else 5
        return TargetSchema(
            kinds=(KindSpec(name="user", summary="A user", fields=tuple(fields), references=(roles,)),), batch=batch
        )

    async def catalogue(self) -> Catalogue:
        word = "roles" if self.bug == "the_catalogue_has_another_word" else "role"
        return Catalogue((CatalogueEntry(word, "r1", "One"), CatalogueEntry(word, "r2", "Two")))

    def account(self, row: Row) -> Account:
        return Account(
            kind="user",
            key=row.key,
            label=row.name,
            active=row.active,
            marker=row.marker,
            fields={field: getattr(row, field) for field in FIELDS},
            references={"roles": tuple(row.roles)},
        )

    async def rows(self, path: str = "/accounts"):
        async for reply in self.client.pages(path, decode=Rows, next_url=lambda reply: reply.value.next):
            yield reply.value
            if self.bug == "first_page_only" or (self.bug == "an_empty_page_is_the_end" and not reply.value.rows):
                return

    async def read(self, request: Any):
        told = 0
        seen: set[str] = set()
        if request.kinds or self.bug == "kinds_are_not_heeded":
            try:
                async for page in self.rows():
                    told = page.count
                    seen.update(row.key for row in page.rows)
                    self.seen.update({row.key: row for row in page.rows})
                    yield AccountsPage([self.account(row) for row in page.rows])
            except (AuthError, RetryableError):
                if self.bug != "a_list_that_fails_is_over":
                    raise
                told = len(seen)
            if len(seen) < told and self.bug not in COUNTLESS:
                raise ContractError(f"{told} accounts are there, {len(seen)} came")
        counts = {} if self.bug in COUNTLESS else {"user": told}
        if self.bug == "nobody_comes_out":
            return
        yield AccountsComplete(counts=counts if request.kinds else {})

    async def find(self, change: Change) -> Account | None:
        try:
            if change.key is not None:
                return await self.one(change.key)
            word = "begins" if self.bug == "markers_are_found_by_their_beginning" else "marker"
            value = change.marker[:10] if word == "begins" else change.marker
            found = [self.account(row) async for page in self.rows(f"/accounts?{word}={value}") for row in page.rows]
        except CrosskeyError:
            if self.bug == "what_cannot_be_asked_is_not_there":
                return None
            raise
        return found[0] if found else None

    async def one(self, key: str) -> Account | None:
        try:
            reply = await self.client.call("GET", f"/accounts/{quote(key, safe='')}", decode=Row)
        except RejectedError as error:
            if error.status == 404 and self.bug == "the_removed_are_remembered":
                return Account(kind="user", key=key)
            if error.status == 404:
                return None
            raise
        return self.account(reply.value)

    async def last_sign_in(self, kind: str, key: str) -> datetime | None:
        if self.bug == "sign_ins_are_remembered" and key in self.sign_ins:
            return self.sign_ins[key]
        try:
            rows = [row async for page in self.rows() for row in page.rows]
        except CrosskeyError:
            if self.bug == "what_cannot_be_asked_never_signed_in":
                return None
            raise
        told = [row.signed_in for row in rows if row.signed_in and (row.key == key or self.bug == "anybodys_sign_in")]
        if self.bug == "who_is_not_there_signed_in" and key not in {row.key for row in rows}:
            return datetime(2026, 1, 1, tzinfo=UTC)
        self.sign_ins[key] = datetime.fromisoformat(max(told)) if told else None
        return self.sign_ins[key]

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        found = [account for key in lookup.keys if (account := await self.one(key)) is not None]
        for marker in lookup.markers:
            found += [self.account(row) async for page in self.rows(f"/accounts?marker={marker}") for row in page.rows]
        for value in lookup.values.get("mail", ()):
            asked = f"/accounts?mail={quote(value)}"
            found += [
                account
                async for page in self.rows(asked)
                for row in page.rows
                if (account := self.account(row)).fields["mail"] == value
                or self.bug != "addresses_are_compared_exactly"
            ]
        if self.bug == "inactive_accounts_are_not_looked_up":
            found = [account for account in found if account.active]
        return found

    # -- writing ----------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for change in batch:
            try:
                outcomes.append(await self.write(change))
            except UncertainError as error:
                settled = "rejected" if self.bug == "lost_answers_are_refusals" else "unknown"
                settled = "applied" if self.bug == "lost_answers_are_successes" else settled
                outcomes.append(Outcome(change=change.id, result=settled, code=error.code, message=error.message))
            except RejectedError as error:
                if self.bug == "one_bad_change_ends_the_batch":
                    return [
                        Outcome(change=one.id, result="rejected", code=error.code, message=error.message)
                        for one in batch
                    ]
                silent = self.bug == "refusals_say_nothing"
                message = "" if silent else error.message
                outcomes.append(Outcome(change=change.id, result="rejected", code=error.code, message=message))
            except (AuthError, RetryableError) as error:
                if not outcomes:
                    raise
                outcomes.append(Outcome(change=change.id, result="unknown", code=error.code, message=error.message))
        if self.bug == "answers_come_in_another_order":
            outcomes.reverse()
        if self.bug == "keys_are_mixed_up":
            keys = [outcome.key for outcome in outcomes]
            outcomes = [msgspec.structs.replace(one, key=key) for one, key in zip(outcomes, keys[::-1], strict=True)]
        return outcomes

    async def write(self, change: Change) -> Outcome:
        if self.bug == "a_cancelled_write_goes_on":
            return await asyncio.shield(asyncio.ensure_future(self._write(change)))
        return await self._write(change)

    async def _write(self, change: Change) -> Outcome:
        body = self.body(change)
        if change.key is None:
            repeatable = self.bug == "creates_are_repeated_blindly"
            try:
                reply = await self.client.call("POST", "/accounts", decode=Row, json=body, repeatable=repeatable)
            except ContractError as error:
                raise UncertainError(error.message) from None
            return Outcome(change=change.id, result="applied", key=reply.value.key)
        path = f"/accounts/{quote(change.key, safe='')}"
        method = "PATCH"
        if self.bug == "an_update_may_create":
            method = "PUT"
        if self.bug == "what_was_read_is_sent_back" and change.key in self.seen:
            row = self.seen[change.key]
            body = {**{field: getattr(row, field) for field in FIELDS}, **body}
        if self.bug == "whole_records_are_sent":
            method, body = "PUT", {**dict.fromkeys(FIELDS, ""), **body}
        if change.action == "disable" and self.bug == "disabling_deletes":
            method = "DELETE"
        try:
            await self.client.call(method, path, decode=Row, json=body, repeatable=True)
        except ContractError as error:
            raise UncertainError(error.message) from None
        return Outcome(change=change.id, result="applied", key=change.key)

    def body(self, change: Change) -> dict[str, Any]:
        body: dict[str, Any] = {name: field.after or "" for name, field in change.fields.items()}
        if self.bug == "nothing_can_be_cleared":
            body = {name: value for name, value in body.items() if value}
        if "note" in body:
            body["note"] = body["note"][:40]
        for name, reference in change.references.items():
            after = list(reference.after)
            if self.bug == "only_new_references_are_kept":
                after = [one for one in after if one not in reference.before]
            body[name] = after
        if change.marker and self.bug != "markers_are_not_written":
            body["marker"] = (
                "" if change.action == "release" and self.bug != "a_release_leaves_the_marker" else change.marker
            )
        if change.active is not None:
            body["active"] = (
                change.active.after if self.bug != "enabling_does_nothing" or not change.active.after else False
            )
        return body


@asynccontextmanager
async def open_little(settings: LittleSettings, context: Any):
    headers = {"Authorization": f"Bearer {settings.token.reveal()}"}
    async with context.http("https://little.example", headers=headers) as client:
        yield LittleTarget(client, settings)


@hookimpl
def crosskey_targets():
    return [TargetSpec(name="little", summary="A little desk", settings=LittleSettings, open=open_little)]
