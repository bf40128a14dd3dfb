"""Setting sign-in up: the application at the identity provider, and what the target must know of it.

A look (``survey_…``) reads and writes nothing; setting up looks first, and writes only what differs. So it may be
repeated after an answer that was lost. Nothing is ever deleted, and what somebody added by hand stays.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from crosskey.connector.sso import ClientAuth, Door
from crosskey.settings import Secret

__all__ = (
    "Difference",
    "LeadsSignIn",
    "SetUp",
    "SetsUpSignIn",
    "SignInAddresses",
    "SignInApp",
    "SignInGroup",
    "SignInLink",
    "Survey",
)


class SignInGroup(msgspec.Struct, frozen=True):
    """A group whose members may sign in: its name in the mapping, and its id where the source's section pins it."""

    name: str
    id: str = ""


class SignInApp(msgspec.Struct, frozen=True, kw_only=True):
    """The application as it should be. ``name`` is what it is found by where no ``client_id`` is configured.

    ``hybrid``: an ID token comes with the code. ``new_secret``: there is none that could be used, so make one.
    """

    door: Door
    name: str
    client_id: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...] = ()
    groups: tuple[SignInGroup, ...] = ()
    auth: ClientAuth = "client_secret_basic"
    hybrid: bool = False
    refresh: bool = False
    new_secret: bool = False


class Difference(msgspec.Struct, frozen=True):
    """One field that is not as it should be. Texts for people; never a secret."""

    field: str
    now: str
    then: str


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What is there: ``what`` for people, ``key`` its id; both are ``""`` where there is nothing.

    ``duties`` are what only a person can do.
    """

    what: str
    key: str = ""
    client_id: str = ""
    differences: tuple[Difference, ...] = ()
    duties: tuple[str, ...] = ()


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """What was set up. ``secret`` is a new client secret: shown this once, so the core stores it at once."""

    client_id: str = ""
    written: int = 0
    secret: Secret | None = None
    duties: tuple[str, ...] = ()


@runtime_checkable
class SetsUpSignIn(Protocol):
    """A source whose provider lets its applications be made by API, with the source's own credential."""

    async def survey_sign_in(self, app: SignInApp) -> Survey:
        """Compare the application with what it should be. Raises where it cannot be told which one it is."""
        ...

    async def set_up_sign_in(self, app: SignInApp) -> SetUp:
        """Look, then make or mend the application and let its groups in.

        Raises :class:`crosskey.errors.UncertainError` when something may have been written: look again before writing.
        """
        ...


class SignInAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the target's own sign-in takes browsers back; all are registered at the provider.

    ``hybrid``: it wants an ID token to come with the code.
    """

    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...] = ()
    hybrid: bool = False


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """What the target must know of a door's application. ``provider`` is the flow's name in ``use = "…"``.

    ``client_id`` is ``""`` while the application is yet to be made. ``secret`` is sent only where ``client_id`` or the
    secret itself is new: targets do not show which one they hold.
    """

    door: Door
    name: str
    provider: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ()
    secret: Secret | None = None
    new_secret: bool = False


@runtime_checkable
class LeadsSignIn(Protocol):
    """A target with a sign-in page of its own, which is told of the provider by API as far as it can be."""

    async def sign_in_addresses(self, door: Door, provider: str) -> SignInAddresses:
        """The addresses that this provider must know for this door."""
        ...

    async def survey_sign_in(self, link: SignInLink) -> Survey:
        """Compare what the target knows with what it should know."""
        ...

    async def set_up_sign_in(self, link: SignInLink) -> SetUp:
        """Look, then write what differs. What is made is switched off: a person switches it on after a test."""
        ...
