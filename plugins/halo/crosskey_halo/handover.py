"""Handing an agent's open tickets over, before the agent is switched off.

Idempotent: only what is still open and still theirs is moved, so that a hand-over that was cut off goes on where it
stopped. Nothing here ever keeps a leaver on: what could not be moved is counted and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crosskey.errors import CrosskeyError, RejectedError, UncertainError
from crosskey.plan import Change, HandOver
from crosskey_halo.desk import Desk
from crosskey_halo.duties import OPEN
from crosskey_halo.resources import AGENTS, TICKETS
from crosskey_halo.rows import as_id, as_text
from crosskey_halo.schema import AGENT

__all__ = ("HandingOver",)

_UNASSIGNED = "unassigned"


class HandingOver:
    """Moves tickets of one desk, up to ``batch`` in a request."""

    def __init__(self, desk: Desk, *, batch: int) -> None:
        self._desk = desk
        self._batch = batch

    async def before(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """Hand over what these disables say; by change, a word about it."""
        told: dict[str, str] = {}
        for change in changes:
            if change.hand_over is None or change.key is None or change.action != "disable":
                continue
            try:
                told[change.id] = await self._hand_over(change.key, change.hand_over)
            except CrosskeyError as error:
                told[change.id] = f"open tickets could not be handed over to {change.hand_over.label}: {error.message}"
        return told

    async def _hand_over(self, key: str, heir: HandOver) -> str:
        rows = await self._desk.all(TICKETS, {**OPEN, "agent_id": key})
        tickets = [row.key for row in rows if as_id(row.agent_id) == key and row.key]
        if not tickets:
            return ""
        wanted = await self._wanted(heir)
        left = 0
        for start in range(0, len(tickets), self._batch):
            left += await self._move(tickets[start : start + self._batch], wanted, key)
        moved = len(tickets) - left
        told = f"{moved} open tickets handed over to {heir.label}"
        return f"{told}; {left} could not be" if left else told

    async def _wanted(self, heir: HandOver) -> dict[str, object]:
        if heir.to == AGENT:
            return {"agent_id": int(heir.key)}
        params = {"includeunassigned": "true", "showall": "true"}
        nobody = [row for row in await self._desk.all(AGENTS, params) if as_text(row.name).casefold() == _UNASSIGNED]
        if not nobody:
            raise RejectedError(
                "Halo shows no agent named Unassigned, to whom tickets of a team belong",
                code="halo-unassigned",
                where=self._desk.where,
            )
        return {"team_id": int(heir.key), "agent_id": int(nobody[0].key)}

    async def _move(self, tickets: Sequence[str], wanted: Mapping[str, object], key: str, *, again: bool = True) -> int:
        """Move some tickets; how many stay with the agent. A refused list is halved until the bad one is alone."""
        try:
            saved = await self._desk.save(TICKETS, [{"id": int(ticket), **wanted} for ticket in tickets])
        except RejectedError:
            if len(tickets) == 1:
                return 1
            middle = len(tickets) // 2
            return await self._move(tickets[:middle], wanted, key) + await self._move(tickets[middle:], wanted, key)
        except UncertainError:
            if again:
                return await self._move(tickets, wanted, key, again=False)
            raise
        if len(saved) == len(tickets):
            return sum(as_id(row.agent_id) == key for row in saved)
        still = await self._desk.all(TICKETS, {**OPEN, "agent_id": key})  # the answer does not name each
        return sum(row.key in tickets and as_id(row.agent_id) == key for row in still)
