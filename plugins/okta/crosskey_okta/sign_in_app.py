"""The web app that a door's people sign in to: found by its client id or label, made, or mended.

Rules: ``PUT /api/v1/apps/{id}`` replaces the whole object, so what is there is read, changed and written back; labels
are not unique; the client secret comes with the answer to a write and with no other (Apps API).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import msgspec

from crosskey.connector.sign_in import Difference, SetUp, SignInApp, SignInGroup, Survey
from crosskey.errors import ConfigError, RejectedError
from crosskey.settings import Secret
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import GROUPS
from crosskey_okta.org import Org
from crosskey_okta.settings import APPS_SCOPE

__all__ = ("SignInApps",)

_PATH = "/api/v1/apps"
_ONE = f"{_PATH}/{{id}}"
_GROUPS_OF = f"{_ONE}/groups"
_KIND: Final = "oidc_client"
_Json = dict[str, Any]

_APP = msgspec.json.Decoder(dict[str, Any])
_APPS = msgspec.json.Decoder(list[dict[str, Any]])
_NOTHING = msgspec.json.Decoder(msgspec.Raw)


class _Found(msgspec.Struct, frozen=True):
    """The app as it is and as it should be, and the groups (id, name) that it still lacks."""

    before: _Json | None
    after: _Json
    lacking: tuple[tuple[str, str], ...]
    differences: tuple[Difference, ...]


class SignInApps:
    """OpenID Connect web apps of one org."""

    def __init__(self, org: Org, *, instance: str) -> None:
        self._org = org
        self._instance = instance

    async def survey(self, wanted: SignInApp) -> Survey:
        """Compare; costs three requests and one for each group that is not pinned."""
        found = await self._found(wanted)
        return Survey(
            what=f'Okta app "{found.after["label"]}"',
            key=str(found.after.get("id", "")),
            client_id=_client_id(found.after),
            differences=found.differences,
            duties=_duties(found, wanted),
        )

    async def set_up(self, wanted: SignInApp) -> SetUp:
        """Make or mend the app, let its groups in, and bring a client secret where a new one is needed."""
        found = await self._found(wanted)
        app, written = found.after, len(found.differences)
        if found.before is None:
            app = await self._write("POST", _PATH, found.after)
        elif found.before != found.after or wanted.new_secret:
            app = await self._write("PUT", _path(app), found.after)
        if app.get("status") == "INACTIVE":
            turn = f"{_ONE}/lifecycle/activate"
            await self._org.send("POST", f"{_path(app)}/lifecycle/activate", _NOTHING, template=turn, scope=APPS_SCOPE)
        for group, _ in found.lacking:
            path = f"{_path(app)}/groups/{quote(group, safe='')}"
            template = f"{_GROUPS_OF}/{{group}}"
            await self._org.send("PUT", path, _NOTHING, template=template, scope=APPS_SCOPE, json={})
        return SetUp(
            client_id=_client_id(app),
            written=written,
            secret=_secret(app) if wanted.new_secret else None,
            duties=_duties(found, wanted),
        )

    async def _found(self, wanted: SignInApp) -> _Found:
        before = await self._app(wanted)
        after = _fresh(wanted) if before is None else _mended(before, wanted)
        differences = _differences(before, after)
        groups = [(await self._group(group), group.name) for group in wanted.groups]
        there = set[str]() if before is None else await self._assigned(before)
        lacking = tuple(pair for pair in groups if pair[0] not in there)
        differences += [Difference("group", "not assigned", name) for _, name in lacking]
        if before is not None and before.get("status") == "INACTIVE":
            differences.append(Difference("status", "inactive", "active"))
        return _Found(before, after, lacking, tuple(differences))

    async def _app(self, wanted: SignInApp) -> _Json | None:
        """The app of the configured client id, else the one of our label. Raises where several bear it."""
        if wanted.client_id:
            try:
                reply = await self._org.get(f"{_PATH}/{quote(wanted.client_id, safe='')}", _APP, template=_ONE)
            except RejectedError as error:
                if not is_gone(error):
                    raise
            else:
                if reply.value.get("name") == _KIND:
                    return reply.value
                raise ConfigError(
                    f"the app {wanted.client_id} is none of OpenID Connect",
                    code="okta-app-kind",
                    where=f"sso.{wanted.door}.client_id",
                    fix="write the client ID of a web app, or take it out to have one made",
                )
        named: list[_Json] = []
        async for page in self._org.listing(_PATH, _APPS, {"q": wanted.name, "limit": 200}):
            named += [app for app in page.value if app.get("label") == wanted.name and app.get("name") == _KIND]
        if len(named) > 1:
            raise ConfigError(
                f'{len(named)} apps of this org are called "{wanted.name}"',
                code="okta-app-twice",
                where=f"sso.{wanted.door}.client_id",
                fix="write the client_id of the right one: " + ", ".join(_client_id(app) for app in named),
            )
        return named[0] if named else None

    async def _group(self, group: SignInGroup) -> str:
        if group.id:
            return group.id
        found: list[str] = []
        async for page in self._org.listing("/api/v1/groups", GROUPS, {"q": group.name, "limit": 200}):
            found += [row.id for row in page.value if row.profile.name == group.name]
        if len(found) != 1:
            raise ConfigError(
                f'Okta has {len(found) or "no"} groups called "{group.name}"',
                code="okta-group",
                where=f"{self._instance}.groups",
                fix=f'pin the right one: "{group.name}" = "00g…"',
            )
        return found[0]

    async def _assigned(self, app: _Json) -> set[str]:
        there: set[str] = set()
        async for page in self._org.listing(f"{_path(app)}/groups", _APPS, {"limit": 200}, template=_GROUPS_OF):
            there |= {str(row["id"]) for row in page.value}
        return there

    async def _write(self, method: str, path: str, app: Mapping[str, object]) -> _Json:
        template = _PATH if path == _PATH else _ONE
        reply = await self._org.send(method, path, _APP, template=template, scope=APPS_SCOPE, json=app)
        return reply.value


def _fresh(wanted: SignInApp) -> _Json:
    """A new app; Okta assigns nobody to it by itself."""
    app: _Json = {
        "name": _KIND,
        "label": wanted.name,
        "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": wanted.auth, "autoKeyRotation": True}},
        "settings": {
            "oauthClient": {
                "application_type": "web",
                "consent_method": "TRUSTED",
                "redirect_uris": [],
                "post_logout_redirect_uris": [],
                "response_types": [],
                "grant_types": [],
            }
        },
    }
    return _mended(app, wanted)


def _mended(app: _Json, wanted: SignInApp) -> _Json:
    """A copy with what is missing added; what somebody added stays."""
    copy = cast("_Json", msgspec.json.decode(msgspec.json.encode(app)))
    client = copy.setdefault("settings", {}).setdefault("oauthClient", {})
    responses, grants = ["code"], ["authorization_code"]
    if wanted.hybrid:  # Okta takes `implicit` only where an ID token may come from the authorization endpoint
        responses, grants = [*responses, "id_token"], [*grants, "implicit"]
    if wanted.refresh:
        grants.append("refresh_token")
    for name, needed in (
        ("redirect_uris", wanted.redirect_uris),
        ("post_logout_redirect_uris", wanted.logout_uris),
        ("response_types", responses),
        ("grant_types", grants),
    ):
        client[name] = _joined(client.get(name) or [], needed)
    client["wildcard_redirect"] = "DISABLED"
    credentials = copy.setdefault("credentials", {}).setdefault("oauthClient", {})
    credentials["token_endpoint_auth_method"] = wanted.auth
    return copy


def _joined(there: Sequence[str], needed: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*there, *needed)))


def _differences(before: _Json | None, after: _Json) -> list[Difference]:
    was, then = _fields(before or {}), _fields(after)
    return [Difference(name, was.get(name, "") or "none", text) for name, text in then.items() if text != was.get(name)]


def _fields(app: _Json) -> dict[str, str]:
    """What is compared, as text."""
    client = _part(app, "settings")
    texts = {
        name: ", ".join(client.get(name) or [])
        for name in ("redirect_uris", "post_logout_redirect_uris", "response_types", "grant_types")
    }
    # an app that never had the member does not take wildcards
    texts["wildcard_redirect"] = str(client.get("wildcard_redirect") or ("DISABLED" if client else ""))
    texts["token_endpoint_auth_method"] = str(_part(app, "credentials").get("token_endpoint_auth_method") or "")
    return {"label": str(app.get("label", "")), **texts}


def _part(app: _Json, name: str) -> _Json:
    """``settings.oauthClient`` or ``credentials.oauthClient``, empty where there is none."""
    outer = cast("_Json", app.get(name) or {})
    return cast("_Json", outer.get("oauthClient") or {})


def _client_id(app: _Json) -> str:
    return str(_part(app, "credentials").get("client_id") or app.get("id") or "")


def _secret(app: _Json) -> Secret | None:
    value = _part(app, "credentials").get("client_secret")
    return Secret(value) if isinstance(value, str) and value else None


def _duties(found: _Found, wanted: SignInApp) -> tuple[str, ...]:
    if found.before is not None:
        return ()
    duties = ["give the app a sign-in policy that asks for a second factor (Okta: Security > Authentication Policies)"]
    if wanted.auth == "private_key_jwt":
        duties.append("add the public half of private_key to the app (Okta: Applications > the app > Public keys)")
    return tuple(duties)


def _path(app: _Json) -> str:
    return f"{_PATH}/{quote(str(app['id']), safe='')}"
