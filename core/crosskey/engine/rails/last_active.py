"""The last accounts that can work are never switched off, whatever the source says (G9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from crosskey.config import RailSettings
from crosskey.connector.target import KindSpec
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.stage import Stage
from crosskey.model import Account
from crosskey.plan import Change, Held

__all__ = ("Remaining", "can_work", "hold_last_active", "kept_active", "last_active")

_USUAL: Final = 2
_SPARE: Final = 2


class Remaining(msgspec.Struct, frozen=True):
    """How many accounts of a kind must stay active, and the keys of some that the plan leaves so."""

    keep: int = 0
    some: tuple[str, ...] = ()


def can_work(account: Account) -> bool:
    """Whether somebody can work with an account: on, and not one that only a program uses."""
    return account.active and not account.protected


def kept_active(kind: KindSpec, settings: RailSettings, allowed: Allowed) -> int:
    """How many accounts of a kind must stay active: two where they cost seats, unless somebody says otherwise."""
    keep = settings.keep_active.get(kind.name, _USUAL if kind.seats else 0)
    return 0 if ("last-active", kind.name) in allowed.names else keep


def hold_last_active(
    kinds: Iterable[KindSpec], stage: Stage, settings: RailSettings, allowed: Allowed
) -> tuple[list[Held], Mapping[str, Remaining]]:
    """Take out disables that would leave too few, and say by kind what the others leave."""
    found: list[Held] = []
    remaining: dict[str, Remaining] = {}
    for kind in kinds:
        keep = kept_active(kind, settings, allowed)
        disables = list(stage.proposals.changes(kind.name, "disable")) if keep else []
        if not disables:
            continue
        going = {change.key for change in disables}
        left = [account.key for account in stage.accounts.all(kind.name) if can_work(account)]
        left = [key for key in left if key not in going]
        held = last_active(disables, len(left), keep)
        names = {hold.subject for hold in held}
        stage.proposals.drop_changes(
            kind.name, "disable", ids=[change.id for change in disables if change.subject in names]
        )
        found += held
        left += [change.key for change in disables if change.subject in names and change.key is not None]
        remaining[kind.name] = Remaining(keep, tuple(left[: keep + _SPARE]))
    return found, remaining


def last_active(disables: Sequence[Change], left: int, keep: int) -> list[Held]:
    """Who of these must stay so that ``keep`` are active, where ``left`` others are."""
    short = keep - left
    return [] if short <= 0 else [_held(change, keep) for change in disables[-short:]]


def _held(change: Change, keep: int) -> Held:
    return Held(
        rail="last-active",
        scope="person",
        summary=f"fewer than {keep} {change.kind} accounts would be left that can work",
        fix=f'make another one first, or: --allow "last-active={change.kind}"; '
        f"[rails] keep_active = {{ {change.kind} = 0 }} for good",
        action=change.action,
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )
