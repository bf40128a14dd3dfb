"""Making one door's sign-in what it should be: intent first, then the provider, the secret, the target, the outcome."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from crosskey.config import Config, DoorSection
from crosskey.connector.sign_in import LeadsSignIn, SetsUpSignIn, SetUp, SignInAddresses
from crosskey.connector.sso import Door, DoorApp
from crosskey.engine.blame import blaming
from crosskey.engine.connect import Connect
from crosskey.engine.guarding.switch import Switch
from crosskey.errors import CrosskeyError, RailError, UncertainError
from crosskey.journal import JournalWriter
from crosskey.model import Scalar
from crosskey.secrets import store_secret
from crosskey.settings import Secret
from crosskey.sso.set_up.looking import configured
from crosskey.sso.set_up.wanted import app_of, wanted_app, wanted_link

__all__ = ("Made", "make")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one door. ``stored`` says where a new client secret is kept."""

    door: Door
    provider: str
    client_id: str
    written: int
    stored: str = ""
    duties: tuple[str, ...] = ()


def see_that_writes_are_allowed(config: Config) -> None:
    """Raise :class:`RailError` while somebody stopped all writes, or where the rails allow none."""
    stopped = Switch(config.journal.path).look()
    if stopped is not None:
        raise RailError("all writes are stopped", code="stopped", where=str(config.journal.path), fix=stopped.fix)
    if config.rails.may == "observe":
        fix = "let `may` go further, or do by hand what `crosskey sso plan` shows"
        raise RailError("the rails let nothing be written", code="ceiling", where="rails.may", fix=fix)


async def make(
    config: Config, connect: Connect, journal: JournalWriter, section: DoorSection, *, send_secret: bool = False
) -> Made:
    """Set up both sides of a door. Each side looks before it writes, so that this may be repeated at any time.

    ``send_secret``: give the target the client secret again, which it does not show.
    Raises :class:`UncertainError`, with how to go on, when an answer was lost.
    """
    see_that_writes_are_allowed(config)
    told, provider = app_of(section), section.provided.value.name
    if told is None:
        return Made(door=section.door, provider=provider, client_id="", written=0)
    async with connect.target(config.target) as target, connect.source(config.sources[section.source]) as source:
        addresses = SignInAddresses(redirect_uris=())
        if isinstance(target, LeadsSignIn):
            with blaming(config.target):
                addresses = await target.sign_in_addresses(section.door, provider)
        wanted = wanted_app(config, section, told, addresses)
        app, stored = SetUp(client_id=told.client_id), ""
        if isinstance(source, SetsUpSignIn):
            with _journalled(journal, section, "provider"), blaming(config.sources[section.source]):
                app = await source.set_up_sign_in(wanted)
                stored = _stored(config, section, told, app.secret) if wanted.new_secret else ""
            _note(journal, section, "provider", app)
        desk = SetUp()
        if isinstance(target, LeadsSignIn) and app.client_id:
            link = wanted_link(config, section, told, app.client_id, new_secret=bool(stored) or send_secret)
            with _journalled(journal, section, "target"), blaming(config.target):
                desk = await target.set_up_sign_in(link)
            _note(journal, section, "target", desk)
    return Made(
        door=section.door,
        provider=provider,
        client_id=app.client_id,
        written=app.written + desk.written,
        stored=stored,
        duties=(*configured(section, told, wanted, app.client_id), *app.duties, *desk.duties),
    )


def _stored(config: Config, section: DoorSection, told: DoorApp, secret: Secret | None) -> str:
    if secret is None or told.secret is None or told.secret.reference is None:
        return ""
    reference = told.secret.reference
    root = config.path.absolute().parent
    store_secret(reference, secret.reveal(), where=f"{section.path}.client_secret", root=root)
    return str(reference)


@contextmanager
def _journalled(journal: JournalWriter, section: DoorSection, side: str) -> Generator[None]:
    """The intent before, and what went wrong after; the outcome is noted by whoever knows it."""
    facts: dict[str, Scalar] = {"door": section.door, "provider": section.provided.value.name, "side": side}
    journal.event("", "sign-in.intended", facts)
    try:
        yield
    except CrosskeyError as error:
        lost = isinstance(error, UncertainError)
        journal.event("", "sign-in.unclear" if lost else "sign-in.failed", {**facts, "code": error.code})
        if lost:
            error.fix = "run `crosskey sso apply` again: it looks at what is there before it writes"
        raise


def _note(journal: JournalWriter, section: DoorSection, side: str, done: SetUp) -> None:
    facts: dict[str, Scalar] = {"door": section.door, "provider": section.provided.value.name, "side": side}
    facts |= {"written": done.written, "client_id": done.client_id, "secret": done.secret is not None}
    journal.event("", "sign-in.set-up", facts)
