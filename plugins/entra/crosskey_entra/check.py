"""What ``crosskey check`` says about an Entra source: what works, what is missing, and the fix."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from crosskey.connector.context import Context
from crosskey.errors import CrosskeyError, Diagnostic, ExitCode, Severity
from crosskey.http import Reply
from crosskey_entra.advice import PERMISSION
from crosskey_entra.credentials import Credential
from crosskey_entra.expiry import Expiry
from crosskey_entra.graph import Graph, Page, Parameters
from crosskey_entra.groups import APPS, GROUPS, MEMBERS
from crosskey_entra.settings import EntraSettings

__all__ = ("Check",)

T = TypeVar("T")

_SOON = 60
"""Days before the end of a credential from which it is told."""
_SKEWED = 60.0


class _Organization(msgspec.Struct, rename="camel"):
    id: str
    display_name: str | None = None


class _User(msgspec.Struct, rename="camel"):
    id: str
    account_enabled: bool | None = None


_ORGANIZATIONS = msgspec.json.Decoder(Page[_Organization])
_USERS = msgspec.json.Decoder(Page[_User])


class Check:
    """One check: each probe is a single cheap request and ends as findings, never as an error."""

    def __init__(self, graph: Graph, settings: EntraSettings, credential: Credential, context: Context) -> None:
        self._graph = graph
        self._settings = settings
        self._credential = credential
        self._context = context
        self._findings: list[Diagnostic] = []

    async def run(self) -> list[Diagnostic]:
        """All findings, in the order a person would look."""
        if await self._people():
            await self._tenant()
            await self._groups()
            await self._apps()
            await self._expiry()
        return self._findings

    async def _people(self) -> bool:
        """Read one person; ``False`` when the credential is bad: all else would only say the same again."""
        reply = await self._probe("/users", _USERS, {"$top": 1, "$select": "id,accountEnabled"})
        if reply is None:
            return self._findings[-1].code == PERMISSION
        self._clock(reply)
        if not reply.value.value:
            self._missing("entra-sees-nobody", "Graph shows the app no people at all", "User.Read.All")
        elif reply.value.value[0].account_enabled is None:
            summary = "Graph does not say whether people are enabled: nobody would be given or lose an account"
            self._missing(PERMISSION, summary, "User.Read.All")
        else:
            self._say("ok", "entra-users", "people can be read (User.Read.All)")
        return True

    def _clock(self, reply: Reply[Any]) -> None:
        if reply.date is None:
            return
        off = (self._context.clock.now() - reply.date).total_seconds()
        if abs(off) > _SKEWED:
            self._say(
                "warning",
                "clock",
                f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Microsoft's",
                "set the clock by NTP; sign-in will refuse tokens over it",
            )

    async def _tenant(self) -> None:
        params = {"$select": "id,displayName,verifiedDomains"}
        try:
            reply = await self._graph.get("/organization", _ORGANIZATIONS, params=params)
        except CrosskeyError:
            return  # nice to know, and needs a permission that nothing else here does
        for one in reply.value.value:
            if one.id.lower() != self._settings.tenant.strip().strip("{}").lower():
                fix = "write the `tenant` that the app belongs to, or check `authority` and `graph_url`"
                self._say("error", "entra-tenant", f"Graph answers for another tenant: {one.id}", fix)
            else:
                self._say("ok", "entra-tenant", f'the tenant is "{one.display_name or one.id}"')

    async def _groups(self) -> None:
        reply = await self._probe("/groups", GROUPS, {"$top": 1, "$select": "id,displayName"})
        if reply is None:
            return
        if not reply.value.value:
            self._say("warning", "entra-no-groups", "the tenant has no groups, or shows the app none")
            return
        group = reply.value.value[0]
        if not group.display_name:
            summary = "GroupMember.Read.All is missing: Graph shows the app groups without their names"
            self._missing(PERMISSION, summary, "GroupMember.Read.All")
            return
        relation = "transitiveMembers" if self._settings.members == "transitive" else "members"
        path, template = f"/groups/{group.id}/{relation}", f"/groups/{{id}}/{relation}"
        if await self._probe(path, MEMBERS, {"$top": 1, "$select": "id"}, template=template) is not None:
            self._say("ok", "entra-groups", "groups and their members can be read (GroupMember.Read.All)")

    async def _apps(self) -> None:
        reply = await self._probe("/servicePrincipals", APPS, {"$top": 1, "$select": "id"}, severity="warning")
        if reply is not None:
            self._say("ok", "entra-apps", "app assignments can be read (Application.Read.All)")
        elif self._findings[-1].code == PERMISSION:
            finding = self._findings.pop()
            self._findings.append(msgspec.structs.replace(finding, detail="Needed only when mappings name apps."))

    async def _expiry(self) -> None:
        """Tell when the credential ends: of a certificate it is known, of a secret where the app may read apps."""
        [credential] = await Expiry(self._graph, self._settings, self._credential).credentials()
        what, ends = credential.name, credential.expires_at
        if ends is None:
            return
        days = (ends - self._context.clock.now()).days
        if days < _SOON:
            self._say(
                "warning",
                "entra-credential-ends",
                f"the app's {what} {'ends' if days >= 0 else 'ended'} on {ends:%Y-%m-%d}",
                credential.fix,
            )
        else:
            self._say("ok", "entra-credential-ends", f"the app's {what} is good until {ends:%Y-%m-%d}")

    async def _probe(
        self,
        path: str,
        decode: msgspec.json.Decoder[T],
        params: Parameters,
        *,
        template: str = "",
        severity: Severity = "error",
    ) -> Reply[T] | None:
        try:
            return await self._graph.get(path, decode, params=params, template=template)
        except CrosskeyError as error:
            finding = error.diagnostic()
            fix = finding.fix or "ask Microsoft's support, with the ids in this message"
            self._findings.append(msgspec.structs.replace(finding, severity=severity, fix=fix))
            return None

    def _missing(self, code: str, summary: str, permission: str) -> None:
        """A permission that is not there although Graph answered 200."""
        fix = self._graph.advice.grant(permission)
        self._say("error", code, summary, fix, exit_code=ExitCode.AUTH)

    def _say(
        self, severity: Severity, code: str, summary: str, fix: str = "", *, exit_code: ExitCode = ExitCode.OK
    ) -> None:
        path = self._context.instance
        self._findings.append(
            Diagnostic(severity=severity, code=code, summary=summary, path=path, fix=fix, exit_code=exit_code)
        )
