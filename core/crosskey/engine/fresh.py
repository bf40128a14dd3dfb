"""Accounts as they are right now: looked up one by one where the target can, else by a complete read of their kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from crosskey.connector.target import AccountsRequest, LooksUpAccounts, Lookup, Target
from crosskey.engine.read import stage_accounts
from crosskey.engine.stage import Stage

__all__ = ("bring_accounts",)


async def bring_accounts(
    target: Target,
    wanted: Sequence[Lookup],
    stage: Stage,
    *,
    where: str,
    advance: Callable[[int], None],
    whole: AbstractSet[str] = frozenset(),
) -> None:
    """Stage what is asked for (one look-up a kind), and whatever else came along. Raises rather than leave one out.

    All accounts are staged of the kinds that are to be known as a ``whole``.
    """
    wanted = [each for each in wanted if each.keys or each.markers]
    if isinstance(target, LooksUpAccounts):
        for lookup in [each for each in wanted if each.kind not in whole]:
            found = [account for account in await target.look_up(lookup) if account.kind == lookup.kind]
            stage.accounts.add(found, ())
            advance(len(found))
        wanted = [each for each in wanted if each.kind in whole]
    if wanted:
        request = AccountsRequest(
            kinds=frozenset(each.kind for each in wanted), references={each.kind: each.references for each in wanted}
        )
        await stage_accounts(target, request, {}, stage, where=where, advance=advance)
    stage.accounts.index()
