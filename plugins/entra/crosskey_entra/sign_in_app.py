"""The app registration that a door's people sign in to, its service principal, and who is assigned to it.

Rules: names are not unique, so the client id decides where it is known; a new registration takes up to two minutes to
be seen by every server; a client secret is shown only when it is made (Graph: application, servicePrincipal).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from crosskey.clock import Clock
from crosskey.connector.sign_in import Difference, SetUp, SignInApp, SignInGroup, Survey
from crosskey.errors import AuthError, ConfigError, CrosskeyError, RejectedError
from crosskey.settings import Secret
from crosskey_entra.advice import PERMISSION
from crosskey_entra.graph import Graph, Page

__all__ = ("CLAIMS", "SignInApps")

_APPS, _PRINCIPALS = "/applications", "/servicePrincipals"
_DEFAULT_ROLE: Final = "00000000-0000-0000-0000-000000000000"
CLAIMS: Final = ("acct", "auth_time", "login_hint", "sid", "email", "acrs")
_SHOWN: Final = "WindowsAzureActiveDirectoryIntegratedApp"
"""The tag that lets the admin center list the service principal among enterprise applications."""
_MANAGE, _ASSIGN = "Application.ReadWrite.OwnedBy", "AppRoleAssignment.ReadWrite.All"
_TRIES, _PAUSE = 8, 15.0

_ROW = msgspec.json.Decoder(dict[str, Any])
_ROWS = msgspec.json.Decoder(Page[dict[str, Any]])
_NOTHING = msgspec.json.Decoder(msgspec.Raw)
_Json = dict[str, Any]


class _Found(msgspec.Struct, frozen=True):
    """What is there, what would be patched of the registration, and the groups (id, name) that are not assigned."""

    app: _Json | None
    patch: _Json
    principal: _Json | None
    lacking: tuple[tuple[str, str], ...]
    differences: tuple[Difference, ...]


class SignInApps:
    """App registrations of one tenant that people sign in to."""

    def __init__(self, graph: Graph, *, clock: Clock, instance: str) -> None:
        self._graph = graph
        self._clock = clock
        self._instance = instance

    async def survey(self, wanted: SignInApp) -> Survey:
        """Compare; costs four requests, and one for each group that is not pinned."""
        found = await self._found(wanted)
        app = found.app or {}
        return Survey(
            what=f'Entra app registration "{app.get("displayName") or wanted.name}"',
            key=str(app.get("id", "")),
            client_id=str(app.get("appId", "")),
            differences=found.differences,
            duties=_duties(found, wanted),
        )

    async def set_up(self, wanted: SignInApp) -> SetUp:
        """Make or mend registration and service principal, assign groups, make a client secret where one is needed.

        Groups that this credential may not assign become a duty: the permission for it amounts to every other one.
        """
        found = await self._found(wanted)
        duties = list(_duties(found, wanted))
        app, principal = found.app, found.principal
        if app is None:
            app = await self._write("POST", _APPS, {"displayName": wanted.name, **_FRESH, **found.patch})
        elif found.patch:
            await self._write("PATCH", _one(_APPS, app), found.patch)
        if principal is None:
            principal = await self._write_soon("POST", _PRINCIPALS, {"appId": app["appId"]}, fresh=found.app is None)
        fresh = found.principal is None
        if patch := _principal_patch(principal):
            await self._write_soon("PATCH", _one(_PRINCIPALS, principal), patch, fresh=fresh)
        refused = await self._assign(principal, found.lacking, fresh=fresh)
        if refused:
            duties.append(f"assign {', '.join(refused)} to the enterprise application, or grant {_ASSIGN}")
        secret = await self._secret(app, wanted, fresh=found.app is None) if wanted.new_secret else None
        return SetUp(
            client_id=str(app["appId"]),
            written=len(found.differences) - len(refused),
            secret=secret,
            duties=tuple(duties),
        )

    async def _found(self, wanted: SignInApp) -> _Found:
        app = await self._app(wanted)
        patch, differences = _compared(app or {}, wanted)
        if app is None:
            differences.insert(0, Difference("app registration", "none", wanted.name))
        principal = None if app is None else await self._by_app_id(_PRINCIPALS, str(app["appId"]))
        if principal is None or not principal.get("appRoleAssignmentRequired"):
            differences.append(Difference("assignment required", "no", "yes"))
        groups = [(await self._group(group), group.name) for group in wanted.groups]
        there = set[str]() if principal is None else await self._assigned(principal)
        lacking = tuple(pair for pair in groups if pair[0] not in there)
        differences += [Difference("group", "not assigned", name) for _, name in lacking]
        return _Found(app, patch, principal, lacking, tuple(differences))

    async def _app(self, wanted: SignInApp) -> _Json | None:
        """The registration of the configured client id, else the one of our name. Raises where several bear it."""
        if wanted.client_id and (app := await self._by_app_id(_APPS, wanted.client_id)) is not None:
            return app
        named = await self._named(_APPS, wanted.name)
        if len(named) > 1:
            raise ConfigError(
                f'{len(named)} app registrations are called "{wanted.name}"',
                code="entra-app-twice",
                where=f"sso.{wanted.door}.client_id",
                fix="write the client_id of the right one: " + ", ".join(str(app.get("appId")) for app in named),
            )
        return named[0] if named else None

    async def _by_app_id(self, path: str, app_id: str) -> _Json | None:
        try:
            found = await self._graph.get(
                f"{path}(appId='{quote(app_id, safe='')}')", _ROW, template=f"{path}(appId='{{id}}')"
            )
        except RejectedError as error:
            if error.status in (400, 404):  # a client id of another vendor is no GUID: Graph cannot know it either
                return None
            raise
        return found.value

    async def _named(self, path: str, name: str) -> list[_Json]:
        told = name.replace("'", "''")
        pages = self._graph.listing(path, _ROWS, {"$filter": f"displayName eq '{told}'"})
        return [row async for page in pages for row in page.value.value]

    async def _group(self, group: SignInGroup) -> str:
        if group.id:
            return group.id
        found = await self._named("/groups", group.name)
        if len(found) != 1:
            raise ConfigError(
                f'the tenant has {len(found) or "no"} groups called "{group.name}"',
                code="entra-group",
                where=f"{self._instance}.groups",
                fix=f'pin the right one: "{group.name}" = "<object id>"',
            )
        return str(found[0]["id"])

    async def _assigned(self, principal: _Json) -> set[str]:
        template = f"{_PRINCIPALS}/{{id}}/appRoleAssignedTo"
        pages = self._graph.listing(f"{_one(_PRINCIPALS, principal)}/appRoleAssignedTo", _ROWS, template=template)
        return {str(row.get("principalId")) async for page in pages for row in page.value.value}

    async def _assign(self, principal: _Json, groups: tuple[tuple[str, str], ...], *, fresh: bool) -> list[str]:
        """Assign groups; the names of those that this credential may not assign."""
        path = f"{_one(_PRINCIPALS, principal)}/appRoleAssignedTo"
        for index, (group, _) in enumerate(groups):
            body = {"principalId": group, "resourceId": principal["id"], "appRoleId": _DEFAULT_ROLE}
            try:
                await self._write_soon("POST", path, body, fresh=fresh)
            except AuthError as error:
                if error.code != PERMISSION:
                    raise
                return [name for _, name in groups[index:]]
        return []

    async def _secret(self, app: _Json, wanted: SignInApp, *, fresh: bool) -> Secret:
        body = {"passwordCredential": {"displayName": f"crosskey {wanted.door}"}}
        answer = await self._write_soon("POST", f"{_one(_APPS, app)}/addPassword", body, fresh=fresh)
        return Secret(str(answer.get("secretText") or ""))

    async def _write_soon(self, method: str, path: str, json: Mapping[str, object], *, fresh: bool) -> _Json:
        """A write; to something ``fresh`` again and again, since servers that do not see it yet answer 400 or 404."""
        tries = _TRIES if fresh else 1
        while True:
            tries -= 1
            try:
                return await self._write(method, path, json)
            except RejectedError as error:
                if error.status not in (400, 404) or not tries:
                    raise
            await self._clock.sleep(_PAUSE)

    async def _write(self, method: str, path: str, json: Mapping[str, object]) -> _Json:
        try:
            if method == "PATCH":
                await self._graph.send(method, path, _NOTHING, json)
                return {}
            return await self._graph.send(method, path, _ROW, json)
        except AuthError as error:
            raise self._lacking(error, path) from None

    def _lacking(self, error: AuthError, path: str) -> CrosskeyError:
        if error.code != PERMISSION:
            return error
        permission = _ASSIGN if path.endswith("appRoleAssignedTo") else _MANAGE
        return AuthError(error.message, code=PERMISSION, where=error.where, fix=self._graph.advice.grant(permission))


_FRESH: Final[Mapping[str, object]] = {"signInAudience": "AzureADMyOrg", "api": {"requestedAccessTokenVersion": 2}}


def _compared(app: _Json, wanted: SignInApp) -> tuple[_Json, list[Difference]]:
    """What to patch of the registration, and what differs; what somebody added stays."""
    patch: _Json = {}
    differences: list[Difference] = []
    web: _Json = dict(app.get("web") or {})
    there = list(web.get("redirectUris") or [])
    missing = [uri for uri in wanted.redirect_uris if uri not in there]
    if missing:
        differences.append(Difference("redirectUris", ", ".join(there) or "none", ", ".join([*there, *missing])))
        patch["web"] = {"redirectUris": [*there, *missing]}
    implicit: _Json = dict(web.get("implicitGrantSettings") or {})
    if wanted.hybrid and not implicit.get("enableIdTokenIssuance"):
        differences.append(Difference("ID tokens", "no", "yes"))
        patch.setdefault("web", {})["implicitGrantSettings"] = {**implicit, "enableIdTokenIssuance": True}
    optional: _Json = dict(app.get("optionalClaims") or {})
    claims: list[_Json] = list(optional.get("idToken") or [])
    names = [str(claim.get("name")) for claim in claims]
    if more := [name for name in CLAIMS if name not in names]:
        differences.append(Difference("optional claims", ", ".join(names) or "none", ", ".join([*names, *more])))
        patch["optionalClaims"] = {**optional, "idToken": [*claims, *({"name": name} for name in more)]}
    return patch, differences


def _principal_patch(principal: _Json) -> _Json:
    tags = list(principal.get("tags") or [])
    patch: _Json = {} if principal.get("appRoleAssignmentRequired") else {"appRoleAssignmentRequired": True}
    return patch if _SHOWN in tags else {**patch, "tags": [*tags, _SHOWN]}


def _duties(found: _Found, wanted: SignInApp) -> tuple[str, ...]:
    duties: list[str] = []
    if found.principal is None:
        duties.append(
            "grant admin consent for openid, profile and email (App registrations > the app > API permissions)"
        )
        duties.append(
            "let a Conditional Access policy ask for a second factor in the authentication context of this door"
        )
        if wanted.auth == "private_key_jwt":
            duties.append("upload the certificate (App registrations > the app > Certificates & secrets)")
    return tuple(duties)


def _one(path: str, row: _Json) -> str:
    return f"{path}/{quote(str(row['id']), safe='')}"
