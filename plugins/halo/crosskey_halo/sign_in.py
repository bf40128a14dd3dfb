"""Halo's own sign-in page: what it must know of a provider.

Since 2.210 there is a list of applications (``/SingleSignOnApplication``). Which numbers its choices have (type,
allowed logins, matching) is not published: they are copied from a record of ours for the same door, and else left to a
person. Before, the settings are a block of ``/Control``, of which the names are published, but not how they are saved:
it is only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from crosskey.connector.sign_in import Difference, SetUp, SignInAddresses, SignInLink, Survey
from crosskey.connector.sso import Door
from crosskey.errors import ContractError, RejectedError
from crosskey_halo.desk import Desk
from crosskey_halo.instance import InstanceInfo
from crosskey_halo.resources import APPLICATIONS
from crosskey_halo.rows import ApplicationRow

__all__ = ("SignInPage",)

_RESPONSES: Final[Mapping[str, str]] = {"okta": "openidresponse", "entra": "azureresponse"}
_WHERE: Final = "Halo (Configuration > Integrations > Single Sign-On)"
_COPIED: Final = ("allowed_entities", "user_matching_field")
_INFO = msgspec.json.Decoder(InstanceInfo)


class _Control(msgspec.Struct, frozen=True):
    """The few of some thousand settings that matter here."""

    enableoktasinglesignon: bool | None = None
    okta_url: str | None = None
    okta_client_id: str | None = None


_CONTROL = msgspec.json.Decoder(_Control | list[_Control])


class SignInPage:
    """Single sign-on of one instance."""

    def __init__(self, desk: Desk, address: str) -> None:
        self._desk = desk
        self._address = address

    async def addresses(self, door: Door, provider: str) -> SignInAddresses:
        """Where Halo takes browsers back; nowhere for a provider that its guides do not name. Costs one request."""
        response = _RESPONSES.get(provider)
        if response is None:
            return SignInAddresses(redirect_uris=())
        info = self._desk.decoded(_INFO.decode, await self._desk.get("/api/InstanceInfo"), "/api/InstanceInfo")
        page = (info.agent_url if door == "agents" else info.portal_url) or self._address
        parts = urlsplit(page)
        bases = (f"{parts.scheme}://{parts.netloc}/auth", (info.auth_url or f"{self._address}/auth").rstrip("/"))
        return SignInAddresses(
            redirect_uris=tuple(dict.fromkeys(f"{base}/account/{response}" for base in bases)),
            logout_uris=(page.rstrip("/"),),
            hybrid=provider == "okta",  # the guide asks for "ID Token with implicit grant" there
        )

    async def survey(self, link: SignInLink) -> Survey:
        """Compare; costs one request, two before 2.210."""
        rows = await self._rows()
        if rows is None:
            return await self._survey_control(link)
        ours = _named(rows, link.name)
        if ours is None:
            there = Difference("single sign-on", "none", f"{link.name}, switched off")
            return Survey(what=f'Halo single sign-on "{link.name}"', differences=(there,), duties=_by_hand(link))
        return Survey(
            what=f'Halo single sign-on "{link.name}"',
            key=ours.key,
            client_id=ours.client_id or "",
            differences=_differences(ours, link, rows),
            duties=_duties(ours, rows, link),
        )

    async def set_up(self, link: SignInLink) -> SetUp:
        """Make the record, switched off, or mend the one that is there; those of other providers go off after it is on.

        An instance that refuses to make it gets it from a person, who is told every value.
        """
        rows = await self._rows()
        if rows is None:
            survey = await self._survey_control(link)
            return SetUp(client_id=link.client_id, duties=survey.duties)
        ours = _named(rows, link.name)
        if ours is None:
            return await self._create(link, rows)
        differences = _differences(ours, link, rows)
        changed: dict[str, object] = {
            name: value for name, value in _values(link).items() if getattr(ours, name) != value
        }
        if (changed.get("client_id") or link.new_secret) and link.secret is not None:
            changed["new_client_secret"] = link.secret.reveal()
        records: list[dict[str, object]] = [{"id": ours.id, **changed}] if changed else []
        if ours.active:
            records.extend({"id": row.id, "active": False} for row in _others_on(rows, link))
        for record in records:
            await self._desk.save(APPLICATIONS, [record])
        return SetUp(client_id=link.client_id, written=len(differences), duties=_duties(ours, rows, link))

    async def _create(self, link: SignInLink, rows: list[ApplicationRow]) -> SetUp:
        record: dict[str, object] = {"name": link.name, **_values(link), "active": False}
        if link.secret is not None:
            record["new_client_secret"] = link.secret.reveal()
        pattern = next((row for row in rows if _is_ours(row, link)), None)
        if pattern is not None:
            record |= {name: value for name in _COPIED if (value := getattr(pattern, name)) is not None}
        try:
            await self._desk.save(APPLICATIONS, [record])
        except RejectedError as error:
            if error.status != 400:
                raise
            told = f"Halo makes no such record by API ({error.message}): make it by hand"
            return SetUp(client_id=link.client_id, duties=(told, *_by_hand(link)))
        return SetUp(client_id=link.client_id, written=1, duties=_by_hand(link))

    async def _rows(self) -> list[ApplicationRow] | None:
        """Every record; ``None`` where this version has no such list."""
        try:
            return await self._desk.all(APPLICATIONS)
        except RejectedError as error:
            if error.status == 404:
                return None
            raise

    async def _survey_control(self, link: SignInLink) -> Survey:
        body = await self._desk.get("/api/Control", right=APPLICATIONS.right)
        found = self._desk.decoded(_CONTROL.decode, body, "/api/Control")
        control = found if isinstance(found, _Control) else next(iter(found), None)
        if control is None:
            raise ContractError("GET /api/Control: there are no settings", code="halo-shape", where=self._desk.where)
        what = "Halo's settings for single sign-on"
        if link.provider != "okta":
            left = ("switch the Okta sign-in off once this one works",) if control.enableoktasinglesignon else ()
            return Survey(what=what, key="control", duties=(*_by_hand(link), *left))
        right = control.okta_url == link.issuer and control.okta_client_id == link.client_id != ""
        if right and control.enableoktasinglesignon:
            return Survey(what=what, key="control", client_id=link.client_id)
        duty = (
            f"in Halo (Configuration > Integrations > Identity Management > Okta): URL {link.issuer}, client ID "
            f"{link.client_id or 'of the new app'} with its secret; switch single sign-on on after a test"
        )
        return Survey(what=what, key="control", client_id=control.okta_client_id or "", duties=(duty,))


def _values(link: SignInLink) -> dict[str, str]:
    return {"oidc_url": link.issuer, "client_id": link.client_id, "scope": " ".join(link.scopes)}


def _differences(ours: ApplicationRow, link: SignInLink, rows: list[ApplicationRow]) -> tuple[Difference, ...]:
    found = [
        Difference(name, getattr(ours, name) or "none", value or "of the new app")
        for name, value in _values(link).items()
        if (getattr(ours, name) or "") != value
    ]
    if link.new_secret or (ours.client_id or "") != link.client_id:
        found.append(Difference("client secret", "an older one", "the one that is kept"))
    if ours.active:
        found += [Difference(f"{row.name}: active", "yes", "no") for row in _others_on(rows, link)]
    return tuple(found)


def _duties(ours: ApplicationRow, rows: list[ApplicationRow], link: SignInLink) -> tuple[str, ...]:
    if ours.active:
        return ()
    left = [str(row.name) for row in _others_on(rows, link)]
    stays = f"; {', '.join(left)} stays on until then" if left else ""
    return (f'switch "{link.name}" on in {_WHERE} after a test{stays}',)


def _by_hand(link: SignInLink) -> tuple[str, ...]:
    who = "agents" if link.door == "agents" else "users"
    choices = (
        f'in {_WHERE}, record "{link.name}": type OpenID Connect, URL {link.issuer}, client ID '
        f"{link.client_id or 'of the new app'}, scope {' '.join(link.scopes)}, allowed logins {who}"
    )
    return choices, f'switch "{link.name}" on there after a test'


def _named(rows: list[ApplicationRow], name: str) -> ApplicationRow | None:
    return next((row for row in rows if row.name == name), None)


def _is_ours(row: ApplicationRow, link: SignInLink) -> bool:
    """Whether crosskey made it for this door, for whatever provider: names are ``<door's name> (<provider>)``."""
    return str(row.name or "").startswith(f"{link.name.rpartition(' (')[0]} (")


def _others_on(rows: list[ApplicationRow], link: SignInLink) -> list[ApplicationRow]:
    return [row for row in rows if row.active and row.name != link.name and _is_ours(row, link)]
