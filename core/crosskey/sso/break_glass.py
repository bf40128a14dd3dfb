"""The login that works while the provider is down: an account that no sync touches, tried at the desk itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from crosskey.config import Config, DoorSection
from crosskey.connector.target import AccountsPage, AccountsRequest, LooksUpAccounts, Lookup, Target, TellsSignIns
from crosskey.engine.blame import blaming
from crosskey.engine.connect import Connect
from crosskey.engine.protect import Protection
from crosskey.engine.stage import Stage
from crosskey.errors import UNREADABLE, ConfigError, Diagnostic, RetryableError, StorageError
from crosskey.journal import BreakGlass, Doorbook, Journal
from crosskey.model import Account

__all__ = ("FRESH", "look_at", "prove", "standing_problems")

FRESH: Final = timedelta(hours=24)
"""So long after it was proven a login counts for going to the last step."""

_EVERY: Final = 5.0
"""Seconds between two looks at when the desk last saw somebody sign in."""


async def prove(
    config: Config,
    connect: Connect,
    section: DoorSection,
    book: Doorbook,
    key: str,
    *,
    by: str,
    wait: float,
    challenge: Callable[[Account], None],
    word: str = "",
) -> BreakGlass:
    """Have somebody sign in to an account with the desk's own sign-in, and keep that the desk saw it.

    ``challenge`` is called when it is their turn. With ``word``, that of a person who saw it, the desk is not asked.
    Raises :class:`ConfigError` with everything that is wrong with the account, or where the desk cannot tell;
    :class:`RetryableError` when nobody signed in within ``wait`` seconds.
    """
    async with connect.target(config.target) as target:
        with blaming(config.target):
            account, pattern = await _fit(config, section, book, target, key)
            if not word:
                await _seen(config, connect, section, target, account, wait=wait, challenge=challenge)
    proven = BreakGlass(
        door=section.door, kind=section.kind, key=key, pattern=pattern, word=word, at=connect.clock.now(), by=by
    )
    book.prove(proven)
    return proven


async def look_at(
    config: Config, connect: Connect, section: DoorSection, journal: Journal, proven: BreakGlass
) -> list[Diagnostic]:
    """What is wrong with the account of a proof now, by a fresh look at the desk."""
    async with connect.target(config.target) as target:
        with blaming(config.target):
            try:
                await _fit(config, section, journal, target, proven.key)
            except ConfigError as error:
                return list(error.problems)
    return []


def standing_problems(config: Config, section: DoorSection, journal: Journal, proven: BreakGlass) -> list[Diagnostic]:
    """What is wrong with the account of a proof, as far as journal, configuration and the last read tell."""
    found: list[Diagnostic] = []
    who = f"{proven.kind} {proven.key}"
    if proven.kind != section.kind:
        found.append(_problem("kind", section, f"{who} is of another kind than the door leads to", proven.key))
    found += _linked(section, journal, proven.key)
    if proven.pattern and proven.pattern not in {each.casefold() for each in config.rails.protect}:
        found.append(_unprotected(section, proven.key))
    account = _read(config, proven)
    if account is not None and not account.active:
        found.append(_off(section, proven.key))
    return found


async def _fit(config: Config, section: DoorSection, journal: Journal, target: Target, key: str) -> tuple[Account, str]:
    """The account as it is now, and by which pattern it is protected. Raises :class:`ConfigError`."""
    account, problems, pattern = await _found(target, section.kind, key), list[Diagnostic](), None
    if account is None:
        problems.append(_problem("unknown", section, f"the desk has no account {section.kind} {key}", key))
    else:
        if not account.active:
            problems.append(_off(section, key))
        pattern = Protection(config.rails.protect).of(account)
        if pattern is None:
            problems.append(_unprotected(section, key))
    problems += _linked(section, journal, key)
    if problems or account is None or pattern is None:
        raise ConfigError(
            f"{section.kind} {key} is no account to get in with when nothing else works",
            code="break-glass-unfit",
            where=section.path,
            fix="mend what follows, or name another account",
            problems=problems,
        )
    return account, pattern


async def _found(target: Target, kind: str, key: str) -> Account | None:
    if isinstance(target, LooksUpAccounts):
        return next((each for each in await target.look_up(Lookup(kind=kind, keys=(key,))) if each.key == key), None)
    found: Account | None = None
    async for page in target.read(AccountsRequest(kinds=frozenset((kind,)))):
        if isinstance(page, AccountsPage):
            found = next((each for each in page.accounts if each.kind == kind and each.key == key), found)
    return found


async def _seen(
    config: Config,
    connect: Connect,
    section: DoorSection,
    target: Target,
    account: Account,
    *,
    wait: float,
    challenge: Callable[[Account], None],
) -> None:
    """Wait until the desk reports a sign-in later than the last one that it reports now: only its own clock counts."""
    if not isinstance(target, TellsSignIns):
        raise ConfigError(
            f"{config.target.path} does not say when somebody signed in",
            code="sign-ins-untold",
            where=config.target.path,
            fix=f"see it yourself, then crosskey sso break-glass {section.door} --account {account.key} "
            '--attest "who saw it and how"',
        )
    before, ends = await target.last_sign_in(account.kind, account.key), connect.clock.monotonic() + wait
    challenge(account)
    while (left := ends - connect.clock.monotonic()) > 0:
        await connect.clock.sleep(min(_EVERY, left))
        seen = await target.last_sign_in(account.kind, account.key)
        if seen is not None and (before is None or seen > before):
            return
    raise RetryableError(
        f"the desk saw nobody sign in as {account.kind} {account.key} within {wait:.0f} s",
        code="break-glass-unseen",
        where=section.path,
        fix="sign in with the desk's own page in a private window, and try again",
    )


def _read(config: Config, proven: BreakGlass) -> Account | None:
    """The account as the last read brought it; what the target protects is in none."""
    try:
        with Stage.kept(config.journal.path.with_name("snapshot.sqlite")) as stage:
            return stage.accounts.by_key(proven.kind, [proven.key]).get(proven.key)
    except (StorageError, *UNREADABLE):
        return None


def _linked(section: DoorSection, journal: Journal, key: str) -> list[Diagnostic]:
    if journal.links_by_key(section.kind, [key]).get(key) is None:
        return []
    summary = f"{section.kind} {key} is somebody's: the sync switches it off when they leave"
    return [_problem("linked", section, summary, key)]


def _off(section: DoorSection, key: str) -> Diagnostic:
    return _problem("off", section, f"{section.kind} {key} is switched off at the desk", key)


def _unprotected(section: DoorSection, key: str) -> Diagnostic:
    summary = f"{section.kind} {key} is not protected: a sync may adopt it or switch it off"
    fix = f'write it into [rails] protect, like "{section.kind}:{key}"'
    return msgspec.structs.replace(_problem("unprotected", section, summary, key), path="rails.protect", fix=fix)


def _problem(code: str, section: DoorSection, summary: str, key: str) -> Diagnostic:
    other = f"crosskey sso break-glass {section.door} --account <key of another account>"
    fix = {
        "off": f"switch it on there, then crosskey sso break-glass {section.door} --account {key}",
        "unknown": f"look its key up at the desk, then {other}",
    }.get(code, other)
    return Diagnostic(severity="error", code=f"break-glass-{code}", summary=summary, path=section.path, fix=fix)
