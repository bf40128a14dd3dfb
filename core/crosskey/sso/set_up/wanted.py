"""What sign-in should be at both vendors, from one door's section and the rules of the accounts behind it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from crosskey.config import Config, DoorSection
from crosskey.connector.sign_in import SignInAddresses, SignInApp, SignInGroup, SignInLink
from crosskey.connector.sso import Door, DoorApp
from crosskey.errors import ConfigError
from crosskey.mapping.settings import RulesSettings
from crosskey.secrets import STORES
from crosskey.settings import Secret
from crosskey.sso.addresses import door_addresses

__all__ = ("app_of", "kept_secret", "may_be_stored", "own_addresses", "wanted_app", "wanted_link")

_OPEN: Final = ("localhost", "127.0.0.1", "::1")


def app_of(section: DoorSection) -> DoorApp | None:
    """What the door's settings say of its application; ``None`` where its flow cannot tell."""
    tell = section.provided.value.app
    return None if tell is None else tell(section.settings)


def kept_secret(secret: Secret | None) -> Secret | None:
    """The secret, when it can be read where it is kept. Raises for a place that is there and cannot be read."""
    if secret is None:
        return None
    try:
        secret.reveal()
    except ConfigError as error:
        if error.code in ("secret-missing", "secret-empty"):
            return None
        raise
    return secret


def may_be_stored(secret: Secret | None) -> bool:
    """Whether a new secret could be kept at the place that the section names."""
    return secret is not None and secret.reference is not None and secret.reference.scheme in STORES


def own_addresses(section: DoorSection) -> SignInAddresses:
    """The addresses of our own door, where it has a public one."""
    if not section.rules.public_url:
        return SignInAddresses(redirect_uris=())
    at = door_addresses(section.rules.public_url, section.door, section.provided.value.name)
    return SignInAddresses(redirect_uris=(at.callback,), logout_uris=(at.signed_out,))


def wanted_app(config: Config, section: DoorSection, told: DoorApp, desk: SignInAddresses) -> SignInApp:
    """The application at the provider: one for each door, so that a portal's never lets an agent in.

    Raises :class:`ConfigError` for addresses that anybody on the way could read.
    """
    ours = own_addresses(section)
    redirects = tuple(dict.fromkeys((*desk.redirect_uris, *ours.redirect_uris)))
    for address in redirects:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in _OPEN:
            raise ConfigError(
                f"sign-in would come back over an open line: {address}",
                code="sign-in-address",
                where=section.path,
                fix="let the address begin with https://",
            )
    return SignInApp(
        door=section.door,
        name=_name(config.connection, section.door),
        client_id=told.client_id,
        redirect_uris=redirects,
        logout_uris=tuple(dict.fromkeys((*desk.logout_uris, *ours.logout_uris))),
        groups=_groups(config, section),
        auth=told.auth,
        hybrid=section.rules.response != "code" or desk.hybrid,
        refresh=told.refresh,
        new_secret=told.auth != "private_key_jwt" and may_be_stored(told.secret) and kept_secret(told.secret) is None,
    )


def wanted_link(config: Config, section: DoorSection, told: DoorApp, client_id: str, *, new_secret: bool) -> SignInLink:
    """What the target must know of the application."""
    provider = section.provided.value.name
    return SignInLink(
        door=section.door,
        name=f"{_name(config.connection, section.door)} ({provider})",
        provider=provider,
        issuer=told.issuer,
        client_id=client_id,
        scopes=told.scopes,
        secret=kept_secret(told.secret),
        new_secret=new_secret,
    )


def _name(connection: str, door: Door) -> str:
    return f"crosskey {connection} {door}"


def _groups(config: Config, section: DoorSection) -> tuple[SignInGroup, ...]:
    """The groups in the scope of the rules; none where the rules let everyone in, or are another mapper's."""
    rules = config.maps[section.kind].settings if section.kind in config.maps else None
    if not isinstance(rules, RulesSettings):
        return ()
    pins = config.sources[section.source].groups
    return tuple(SignInGroup(name, pins.get(name, "")) for name in rules.scope.groups or ())
