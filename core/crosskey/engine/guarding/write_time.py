"""Look once more, right before writing, at accounts that would lose something (G9).

A plan may be minutes old, or hours where it was saved. Whoever became protected since, or is one of the last who can
work by now, is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crosskey.config import TargetSection
from crosskey.connector.target import LooksUpAccounts, Lookup, Target
from crosskey.engine.blame import blaming
from crosskey.engine.guarding.guard import Guard
from crosskey.engine.protect import Protection
from crosskey.engine.rails import Remaining, can_work, last_active
from crosskey.model import Account
from crosskey.plan import Change, Held

__all__ = ("WriteTimeGuard",)


class WriteTimeGuard(Guard):
    """Judges protection on what the target says now; one look-up for each batch. ``remaining`` is by kind.

    A target that cannot look single accounts up is trusted to be as it was read.
    """

    def __init__(
        self, target: Target, section: TargetSection, protection: Protection, remaining: Mapping[str, Remaining]
    ) -> None:
        self._target = target
        self._section = section
        self._protection = protection
        self._remaining = remaining

    async def before(self, batch: Sequence[Change]) -> Sequence[Held]:
        """Disables and removals of references whose account must not be touched as it is now."""
        losing = {change.key: change for change in batch if change.key is not None and _loses(change)}
        if not losing or not isinstance(self._target, LooksUpAccounts):
            return ()
        kind = batch[0].kind
        remaining = self._remaining.get(kind, Remaining())
        asked = (*losing, *(remaining.some if batch[0].action == "disable" else ()))
        with blaming(self._section):
            found = await self._target.look_up(Lookup(kind=kind, keys=asked))
        accounts = {account.key: account for account in found if account.kind == kind}
        held = [hold for key, change in losing.items() if (hold := self._judge(change, accounts.get(key))) is not None]
        if batch[0].action != "disable":
            return held
        out = {hold.subject for hold in held}
        going = [change for change in losing.values() if change.subject not in out]
        left = sum(1 for key in remaining.some if (account := accounts.get(key)) is not None and can_work(account))
        return [*held, *last_active(going, left, remaining.keep)]

    def _judge(self, change: Change, account: Account | None) -> Held | None:
        if account is not None:
            return self._protection.holds(change, None, account)
        return Held(
            rail="accounts-missing",
            scope="person",
            summary=f"{change.kind} {change.key} was not there when it was looked up right before the write",
            fix="run again: it is read anew",
            action=change.action,
            kind=change.kind,
            subject=change.subject,
            label=change.label,
            key=change.key,
        )


def _loses(change: Change) -> bool:
    off = change.action == "disable" or (change.action == "release" and change.active is not None)
    return off or any(set(part.before) - set(part.after) for part in change.references.values())
