"""A look at one door's application and at what the target knows of it. Writes nothing."""

from __future__ import annotations

import msgspec

from crosskey.config import Config, DoorSection
from crosskey.connector.sign_in import Difference, LeadsSignIn, SetsUpSignIn, SignInAddresses, SignInApp, Survey
from crosskey.connector.sso import Door, DoorApp
from crosskey.engine.blame import blaming
from crosskey.engine.connect import Connect
from crosskey.sso.set_up.wanted import app_of, kept_secret, may_be_stored, own_addresses, wanted_app, wanted_link

__all__ = ("Entrance", "look", "looked")


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """One door: its application at the provider, what the target knows of it, and what only a person can do."""

    door: Door
    provider: str
    app: Survey
    desk: Survey
    duties: tuple[str, ...] = ()

    @property
    def differences(self) -> int:
        """How many fields `crosskey sso apply` would write."""
        return len(self.app.differences) + len(self.desk.differences)


async def look(config: Config, connect: Connect, section: DoorSection) -> Entrance:
    """Open both sides, compare, close them."""
    async with connect.target(config.target) as target, connect.source(config.sources[section.source]) as source:
        return await looked(config, section, source, target)


async def looked(config: Config, section: DoorSection, source: object, target: object) -> Entrance:
    """Compare what is at both sides with what the door's section asks for."""
    told, provider = app_of(section), section.provided.value.name
    desk_side = config.target
    addresses = SignInAddresses(redirect_uris=())
    if isinstance(target, LeadsSignIn):
        with blaming(desk_side):
            addresses = await target.sign_in_addresses(section.door, provider)
    if told is None:
        nothing = (f"register an application at the provider with the redirect URIs {_listed(section, addresses)}",)
        return Entrance(door=section.door, provider=provider, app=_by_hand(nothing), desk=_by_hand())
    wanted = wanted_app(config, section, told, addresses)
    if isinstance(source, SetsUpSignIn):
        with blaming(config.sources[section.source]):
            app = await source.survey_sign_in(wanted)
    else:
        app = _by_hand((f"register {wanted.name} at the provider with {', '.join(wanted.redirect_uris)}",))
    desk = _by_hand()
    if isinstance(target, LeadsSignIn):
        link = wanted_link(config, section, told, app.client_id, new_secret=wanted.new_secret)
        with blaming(desk_side):
            desk = await target.survey_sign_in(link)
    if wanted.new_secret:
        stored = Difference(
            "client secret", "none", f"a new one, stored at {told.secret.reference if told.secret else ''}"
        )
        app = msgspec.structs.replace(app, differences=(*app.differences, stored))
    return Entrance(
        door=section.door,
        provider=provider,
        app=app,
        desk=desk,
        duties=configured(section, told, wanted, app.client_id),
    )


def configured(section: DoorSection, told: DoorApp, wanted: SignInApp, client_id: str) -> tuple[str, ...]:
    """What the door's section still lacks."""
    duties: list[str] = []
    if client_id and client_id != told.client_id:
        duties.append(f'write client_id = "{client_id}" in [{section.path}]')
    if told.auth != "private_key_jwt" and not may_be_stored(told.secret) and kept_secret(told.secret) is None:
        duties.append(
            f'write client_secret = {{ file = "{section.door}.secret" }} in [{section.path}]: '
            "a new secret is stored there, and shown nowhere"
        )
    if not wanted.groups:
        duties.append(f"let the people of [map.{section.kind}] into the application: its scope names no groups")
    return tuple(duties)


def _listed(section: DoorSection, addresses: SignInAddresses) -> str:
    return ", ".join((*addresses.redirect_uris, *own_addresses(section).redirect_uris)) or "of this door"


def _by_hand(duties: tuple[str, ...] = ()) -> Survey:
    return Survey(what="", duties=duties)
