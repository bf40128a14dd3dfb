"""Accounts of First Target."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from crosskey import (
    Account,
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    Catalogue,
    CatalogueEntry,
    Change,
    Context,
    ContractError,
    CrosskeyError,
    Diagnostic,
    Lookup,
    Outcome,
    RejectedError,
    RetryableError,
    TargetSchema,
    TargetSpec,
)

from crosskey_first_target.rows import AccountRow, AccountsRows, Me, RolesRows
from crosskey_first_target.schema import SCHEMA, USER
from crosskey_first_target.settings import FirstTargetSettings

if TYPE_CHECKING:
    from crosskey.http import Client

__all__ = ("SPEC", "FirstTargetTarget")

SCOPES = ("accounts:read", "accounts:write")

TERMS = 40
"""Search terms that the service takes in one request."""

EXISTS = 409
"""How the service says that an external id is taken."""


class FirstTargetTarget:
    """The open target. What cannot be told for certain is raised, or is an ``unknown`` outcome."""

    def __init__(self, client: Client, settings: FirstTargetSettings, instance: str) -> None:
        self._client = client
        self._settings = settings
        self._instance = instance

    async def check(self) -> Sequence[Diagnostic]:
        """Whether the token works and may do what a run needs. Costs one request, writes nothing."""
        try:
            me = (await self._client.call("GET", "/v1/me", decode=Me)).value
        except CrosskeyError as error:
            return [error.diagnostic()]
        missing = [scope for scope in SCOPES if scope not in me.scopes]
        if missing:
            return [
                Diagnostic(
                    severity="error",
                    code="first-target-scope",
                    summary=f"the token may not {' and '.join(missing)}",
                    path=f"{self._instance}.token",
                    fix=f"make a token with the scopes {', '.join(SCOPES)}",
                )
            ]
        summary = f"signed in as {me.name}"
        return [Diagnostic(severity="ok", code="first-target", summary=summary, path=self._instance)]

    async def schema(self) -> TargetSchema:
        """What accounts can hold. Costs no request."""
        return SCHEMA

    async def catalogue(self) -> Catalogue:
        """The roles, by name."""
        pages = self._client.pages("/v1/roles", decode=RolesRows, next_url=lambda reply: reply.value.next)
        return Catalogue(
            tuple([CatalogueEntry("roles", row.id, row.name) async for page in pages for row in page.value.roles])
        )

    # -- reading ------------------------------------------------------------------------------------------------------

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """All accounts, inactive ones included."""
        if USER.name not in request.kinds:
            yield AccountsComplete()
            return
        seen: set[str] = set()
        total = 0
        async for rows in self._accounts({"limit": self._settings.page_size}):
            total = rows.total
            seen.update(row.id for row in rows.accounts)
            yield AccountsPage([account(row) for row in rows.accounts])
        if len(seen) < total:
            # Whoever did not come would be created a second time.
            raise ContractError(
                f"the list of accounts has {len(seen)} rows, and the service says that there are {total}",
                where=self._instance,
                fix="run again; report it to First Target if it stays",
            )
        yield AccountsComplete(counts={USER.name: total})

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """The accounts of these keys, markers and values."""
        terms = [f"id:{key}" for key in lookup.keys]
        terms += [f"external_id:{marker}" for marker in lookup.markers]
        terms += [f"{field}:{value}" for field, values in lookup.values.items() for value in values]
        found: dict[str, Account] = {}
        for start in range(0, len(terms), TERMS):
            async for rows in self._accounts([("any", term) for term in terms[start : start + TERMS]]):
                found |= {row.id: account(row) for row in rows.accounts}
        return list(found.values())

    async def find(self, change: Change) -> Account | None:
        """The account of a change as it is now: a create is found by its marker, anything else by its key."""
        keys = (change.key,) if change.key is not None else ()
        markers = () if keys else (change.marker,)
        found = await self.look_up(Lookup(kind=change.kind, keys=keys, markers=markers))
        return found[0] if found else None

    async def _accounts(self, query: dict[str, int] | list[tuple[str, str]]) -> AsyncGenerator[AccountsRows]:
        """The pages of a list. The client follows ``next``, and refuses a page that comes again or leads elsewhere."""
        pages = self._client.pages(
            f"/v1/accounts?{urlencode(query)}",
            decode=AccountsRows,
            template="/v1/accounts",
            next_url=lambda reply: reply.value.next,
        )
        async for page in pages:
            yield page.value

    # -- writing ------------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Write each change; ``batch`` holds one, as the schema says."""
        return [await self._outcome(change) for change in batch]

    async def _outcome(self, change: Change) -> Outcome:
        """What became of a change. What surely was not written is raised, so that it is tried again later."""
        try:
            row = await (self._create(change) if change.action == "create" else self._update(change))
        except RejectedError as error:
            if error.status == EXISTS and (twin := await self.find(change)):
                return Outcome(change=change.id, result="already", key=twin.key)
            return Outcome(change=change.id, result="rejected", code=error.code, message=error.message)
        except RetryableError as error:
            if error.code == "rate-limited":  # a request that was turned away at the door
                raise
            return Outcome(change=change.id, result="unknown", code=error.code, message=error.message)
        except ContractError as error:  # a success that cannot be read is no success that one may tell
            return Outcome(change=change.id, result="unknown", code=error.code, message=error.message)
        return Outcome(change=change.id, result="applied", key=row.id)

    async def _create(self, change: Change) -> AccountRow:
        """Sent once: a create that is repeated blindly makes two. The external id lets the service refuse a twin."""
        body: dict[str, object] = {name: field.after or "" for name, field in change.fields.items()}
        body["external_id"] = change.marker
        body["active"] = change.active is None or change.active.after
        body["roles"] = change.references["roles"].after if "roles" in change.references else ()
        return (await self._client.call("POST", "/v1/accounts", decode=AccountRow, json=body)).value

    async def _update(self, change: Change) -> AccountRow:
        """What is named changes, everything else stays. Sent again it does nothing more, so it may be repeated."""
        body: dict[str, object] = {name: field.after or "" for name, field in change.fields.items()}
        if change.active is not None:
            body["active"] = change.active.after
        if change.action == "release":
            body["external_id"] = None
        elif change.marker:
            body["external_id"] = change.marker
        if (roles := change.references.get("roles")) is not None:
            # The difference, not the list: what somebody gave by hand meanwhile stays.
            body["add_roles"] = sorted(set(roles.after) - set(roles.before))
            body["remove_roles"] = sorted(set(roles.before) - set(roles.after))
        path = f"/v1/accounts/{quote(change.key or '', safe='')}"
        reply = await self._client.call(
            "PATCH", path, decode=AccountRow, json=body, template="/v1/accounts/{id}", repeatable=True
        )
        return reply.value


def account(row: AccountRow) -> Account:
    """A row in crosskey's words. The only place that makes accounts."""
    return Account(
        kind=USER.name,
        key=row.id,
        label=row.name,
        active=row.active,
        marker=row.external_id or "",
        fields={"name": row.name, "email": row.email, "title": row.title, "phone": row.phone},
        references={"roles": row.roles},
    )


@asynccontextmanager
async def open_target(
    settings: FirstTargetSettings,
    context: Context,
) -> AsyncGenerator[FirstTargetTarget]:
    """Open the target on the client that the core lends: retries, pacing, deadlines and recordings are its business."""
    headers = {"Authorization": f"Bearer {settings.token.reveal()}"}
    async with context.http(settings.url, headers=headers) as client:
        yield FirstTargetTarget(client, settings, context.instance)


SPEC = TargetSpec(
    name="first-target",
    summary="Accounts of First Target",
    settings=FirstTargetSettings,
    open=open_target,
)
