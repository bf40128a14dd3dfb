"""What ``crosskey check`` says about an Okta source: what works, what is missing, and the fix."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import httpx
import msgspec

from crosskey.connector.context import Context
from crosskey.errors import ContractError, CrosskeyError, Diagnostic, ExitCode, RejectedError, Severity, close_matches
from crosskey.http import Reply
from crosskey_okta.address import Address
from crosskey_okta.advice import INSUFFICIENT
from crosskey_okta.groups import APPS, GROUPS, MEMBERS
from crosskey_okta.log import EVENTS, LOGS
from crosskey_okta.org import Org, Parameters
from crosskey_okta.settings import HOOKS_SCOPE, LOG_SCOPE, NEEDED_SCOPES, OktaSettings
from crosskey_okta.status import DEFAULT_VERDICTS

__all__ = ("Check",)

T = TypeVar("T")

_SLOW = 30
"""Requests a minute below which an admin turned the credential's share down (recorded: 6, 5 and 1)."""
_SKEWED = 60.0
_ENGINES = {"idx": "Identity Engine", "v1": "Classic Engine"}


class _Profile(msgspec.Struct):
    login: str = ""


class _User(msgspec.Struct):
    id: str
    profile: _Profile = msgspec.field(default_factory=_Profile)


_ME = msgspec.json.Decoder(_User)
_USERS = msgspec.json.Decoder(list[_User])


class Check:
    """One check: each probe is a single cheap request and ends as findings, never as an error."""

    def __init__(self, org: Org, settings: OktaSettings, address: Address, context: Context) -> None:
        self._org = org
        self._settings = settings
        self._address = address
        self._app = org.app
        self._context = context
        self._findings: list[Diagnostic] = []

    async def run(self) -> list[Diagnostic]:
        """All findings, in the order a person would look."""
        self._findings += self._address.notes
        self._statuses()
        if await self._address_answers() and await self._credential_works():
            self._scopes()
            await self._groups()
            await self._apps()
            await self._log()
            self._hooks()
        return self._findings

    def _statuses(self) -> None:
        for name in self._settings.statuses:
            if name.upper() not in DEFAULT_VERDICTS:
                self._say(
                    "warning",
                    "okta-status",
                    f'"{name}" is no status that Okta documents. {close_matches(name, DEFAULT_VERDICTS)}',
                    fix=f"correct or remove it in [{self._context.instance}.statuses]",
                )

    async def _address_answers(self) -> bool:
        """Ask who the host is before it sees any credential."""
        try:
            reply = await self._org.facts()
        except (RejectedError, ContractError) as error:
            self._say(
                "error",
                "okta-host",
                f"{self._address.base} is not an Okta org",
                detail=error.message,
                path=f"{self._context.instance}.url",
                fix='write the address that people sign in at, such as url = "https://acme.okta.com"',
            )
            return False
        except CrosskeyError as error:
            self._findings.append(error.diagnostic())
            return False
        engine = _ENGINES.get(reply.value.pipeline, "unknown engine")
        self._say("ok", "okta-host", f"{self._address.base} is Okta org {reply.value.id} ({engine})")
        self._clock(reply)
        return True

    def _clock(self, reply: Reply[Any]) -> None:
        if reply.date is None:
            return
        off = (self._context.clock.now() - reply.date).total_seconds()
        if abs(off) > _SKEWED:
            self._say(
                "warning",
                "clock",
                f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Okta's",
                fix="set the clock by NTP; sign-in will refuse tokens over it",
            )

    async def _credential_works(self) -> bool:
        """Read one person: shows a bad credential, a missing scope or role, and the credential's rate limit."""
        reply = await self._probe("/api/v1/users", _USERS, {"limit": 1})
        if reply is None:
            # Whatever else would be asked with a bad credential would only say the same again.
            return self._findings[-1].code in INSUFFICIENT
        if not reply.value:
            self._say(
                "error",
                "okta-sees-nobody",
                "Okta accepts the credential but shows it no people: it lacks an admin role",
                fix=self._org.advice.role,
                exit_code=ExitCode.AUTH,
            )
            return True
        await self._probe("/api/v1/users", _USERS, {"limit": 1, "filter": 'status eq "DEPROVISIONED"'})
        self._say("ok", "okta-users", "people can be read")
        self._rate(reply.headers)
        if self._app is None:
            await self._owner()
        elif self._app.bound:
            self._say("ok", "okta-dpop", "access tokens are bound to a key of this process (DPoP)")
        return True

    def _rate(self, headers: httpx.Headers) -> None:
        limit = headers.get("x-rate-limit-limit", "")
        if limit.isdigit() and 0 < int(limit) < _SLOW:
            minutes = math.ceil(10_000 / 200 / int(limit))
            self._say(
                "warning",
                "okta-rate",
                f"the credential may ask for people only {limit} times a minute",
                detail=f"10,000 people take about {minutes} minutes.",
                fix="raise its share of the rate limit in Okta (the token's or the app's rate limit setting)",
            )

    async def _owner(self) -> None:
        try:
            reply = await self._org.get("/api/v1/users/me", _ME, template="/api/v1/users/{id}")
        except CrosskeyError:
            return  # nice to know, and nothing depends on it
        owner = reply.value.profile.login or reply.value.id
        self._say("ok", "okta-token", f"the API token has the rights of {owner}, and dies when they are deactivated")

    def _scopes(self) -> None:
        if self._app is None:
            return
        for scope in dict.fromkeys((*NEEDED_SCOPES, *self._settings.scopes)):
            if self._app.holds(scope) or scope == LOG_SCOPE:
                continue
            vital = scope in NEEDED_SCOPES[:2]
            self._say(
                "error" if vital else "warning",
                scope.replace("okta.", "okta-"),
                f"the access token lacks {scope}",
                detail="" if vital else "Needed only when mappings name apps." if scope in NEEDED_SCOPES else "",
                fix=self._org.advice.scope([scope])
                if scope in self._settings.scopes
                else f'add "{scope}" to {self._context.instance}.scopes',
                exit_code=ExitCode.AUTH,
            )

    async def _groups(self) -> None:
        if self._app is not None and not self._app.holds("okta.groups.read"):
            return
        reply = await self._probe("/api/v1/groups", GROUPS, {"limit": 1})
        if reply is None:
            return
        if not reply.value:
            self._say(
                "error",
                "okta-sees-no-group",
                "Okta shows the credential no groups",
                fix=self._org.advice.role,
                exit_code=ExitCode.AUTH,
            )
            return
        path = f"/api/v1/groups/{reply.value[0].id}/users"
        if await self._probe(path, MEMBERS, {"limit": 1}, template="/api/v1/groups/{id}/users") is None:
            return
        self._say("ok", "okta-groups", "groups and their members can be read")
        built_in = await self._probe("/api/v1/groups", GROUPS, {"limit": 10, "filter": 'type eq "BUILT_IN"'})
        if built_in is not None and not built_in.value:
            # Every org has the group Everyone; an admin of some groups only never sees it, nor all people.
            self._say(
                "warning",
                "okta-partial",
                "the group Everyone is hidden from the credential: it probably sees only part of the org",
                fix=self._org.advice.role,
            )

    async def _apps(self) -> None:
        if self._app is not None and not self._app.holds("okta.apps.read"):
            return
        reply = await self._probe("/api/v1/apps", APPS, {"limit": 1}, severity="warning")
        if reply is not None:
            self._say("ok", "okta-apps", "apps can be read")

    async def _log(self) -> None:
        """Whether the System Log can be read: nothing depends on it, and following changes is better with it."""
        if self._app is None or self._app.holds(LOG_SCOPE):
            try:
                await self._org.get(LOGS, EVENTS, params={"limit": 1}, template=LOGS)
            except CrosskeyError as error:
                fix = error.fix or "try again later"
            else:
                self._say("ok", "okta-log", "the System Log can be read")
                return
        else:
            asked = LOG_SCOPE in self._settings.scopes
            fix = self._org.advice.scope([LOG_SCOPE])
            fix = fix if asked else f'add "{LOG_SCOPE}" to {self._context.instance}.scopes, and {fix}'
        self._say(
            "info",
            "okta-log",
            "the System Log cannot be read: changes are followed all the same",
            detail="Who was deleted is then seen by the next full read, and large groups cost more requests.",
            fix=fix,
        )

    def _hooks(self) -> None:
        """Whether crosskey could keep an event hook itself; one that was made by hand does as well."""
        if self._settings.hook_secret is None or self._app is None or self._app.holds(HOOKS_SCOPE):
            return
        self._say(
            "info",
            "okta-hooks",
            f"crosskey cannot set its event hook up: the access token lacks {HOOKS_SCOPE}",
            fix=f"make the hook by hand in Okta (Workflow > Event Hooks), or add {HOOKS_SCOPE} to "
            f"{self._context.instance}.scopes and grant it",
        )

    async def _probe(
        self,
        path: str,
        decode: msgspec.json.Decoder[T],
        params: Parameters | None = None,
        *,
        template: str = "",
        severity: Severity = "error",
    ) -> Reply[T] | None:
        try:
            return await self._org.get(path, decode, params=params, template=template)
        except CrosskeyError as error:
            finding = error.diagnostic()
            fix = finding.fix or "ask Okta's support, with the ids in this message"
            self._findings.append(msgspec.structs.replace(finding, severity=severity, fix=fix))
            return None

    def _say(
        self,
        severity: Severity,
        code: str,
        summary: str,
        *,
        detail: str = "",
        path: str = "",
        fix: str = "",
        exit_code: ExitCode = ExitCode.OK,
    ) -> None:
        self._findings.append(
            Diagnostic(
                severity=severity,
                code=code,
                summary=summary,
                detail=detail,
                path=path or self._context.instance,
                fix=fix,
                exit_code=exit_code,
            )
        )
