"""Accounts that bear crosskey's marker and that nobody knows: a journal from a backup no longer has their links.

Whoever such an account was made for is gone or not wanted, so nothing else would ever come upon it; and it is on.
"""

from __future__ import annotations

from crosskey.engine.batching import batched
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.marker import PREFIX, marker
from crosskey.engine.planner import Planner
from crosskey.model import Account

__all__ = ("tell_forgotten",)

_BATCH = 500
_NAMED = 10


def tell_forgotten(planner: Planner) -> None:
    """Tell, after a full read, of accounts that are on, bear a marker of crosskey's, and are nobody's."""
    if planner.stage.people.partial:
        return
    for kind in planner.kinds:
        forgotten = _forgotten(planner, kind)
        if not forgotten:
            continue
        named = ", ".join(account.key for account in forgotten[:_NAMED])
        planner.findings.notice(
            "accounts-forgotten",
            f"{len(forgotten)} active {kind.name} accounts bear crosskey's marker, but the journal does not know them "
            f"and nobody who was read should have them: {named}{', …' if len(forgotten) > _NAMED else ''}",
            path=f"map.{kind.name}",
            fix="switch them off in the target, unless another crosskey keeps them",
        )


def _forgotten(planner: Planner, kind: KindPlan) -> list[Account]:
    found: list[Account] = []
    for accounts in batched(planner.stage.accounts.marked(kind.name, PREFIX), _BATCH):
        known = planner.journal.links_by_key(kind.name, [account.key for account in accounts])
        found += [one for one in accounts if one.active and not one.protected and one.key not in known]
    if not found:
        return []
    newcomers = {marker(subject) for subject, wanted, _ in planner.stage.proposals.newcomers(kind.name) if wanted}
    return [account for account in found if account.marker not in newcomers]
