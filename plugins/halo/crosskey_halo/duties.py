"""What waits for agents: open tickets, pending approvals, teams and departments they lead. Lists, no request each.

``/Tickets`` filters by one agent (``agent_id``) or by several (``agent``), and by ``open_only``; every row tells its
agent, so a filter that an instance does not honour is noticed. How several ids are written is not documented: that they
were understood is known once rows of two of them came; until then each is asked for alone. Who is an agent's deputy, or
the default agent of a ticket type, no list tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from logging import Logger

from crosskey.errors import ContractError, CrosskeyError
from crosskey.plan import Duty
from crosskey_halo.desk import Desk
from crosskey_halo.lists import Lists
from crosskey_halo.resources import APPROVALS, TICKETS
from crosskey_halo.rows import TicketRow, as_id, as_moment, as_text

__all__ = ("OPEN", "Duties")

OPEN: Mapping[str, str] = {"open_only": "true"}
_TOGETHER = 50
"""So many agents are asked for in one list: the ids go into the address."""
_ALONE = 20
"""So many are asked for one by one where lists of several are not understood."""
_EXAMPLES = 3
_SHORT = 60


class Duties:
    """Asks one desk."""

    def __init__(self, desk: Desk, lists: Lists, logger: Logger) -> None:
        self._desk = desk
        self._lists = lists
        self._logger = logger

    async def of(self, keys: Sequence[str]) -> dict[str, list[Duty]]:
        """What waits for each of these agents. Raises where tickets cannot be listed."""
        tickets = await self._tickets(keys)
        approvals = await self._approvals(frozenset(keys))
        leads = await self._leads()
        found: dict[str, list[Duty]] = {}
        for key in keys:
            duties = [tickets[key]] if key in tickets else []
            if approvals[key]:
                duties.append(Duty(kind="approvals", count=approvals[key]))
            if led := leads.get(key):
                duties.append(Duty(kind="leads", count=len(led), examples=tuple(led[:_EXAMPLES])))
            if duties:
                found[key] = duties
        return found

    async def _tickets(self, keys: Sequence[str]) -> dict[str, Duty]:
        found: dict[str, Duty] = {}
        for start in range(0, len(keys), _TOGETHER):
            some = keys[start : start + _TOGETHER]
            found |= await self._together(some) if len(some) > 1 else await self._alone(some)
        return found

    async def _together(self, keys: Sequence[str]) -> dict[str, Duty]:
        of_agent: dict[str, list[TicketRow]] = {}
        async for rows in self._desk.pages(TICKETS, {**OPEN, "agent": ",".join(keys)}):
            for row in rows:
                of_agent.setdefault(as_id(row.agent_id), []).append(row)
        found = {key: _open(len(of_agent[key]), of_agent[key]) for key in keys if key in of_agent}
        idle = [key for key in keys if key not in found]
        if not idle or len(of_agent) > 1:
            return found
        if len(idle) > _ALONE:
            raise ContractError(
                f"GET {TICKETS.path} may not understand lists of agents, and {len(idle)} are too many to ask for alone",
                code="halo-tickets-filter",
                where=self._desk.where,
                fix="look in Halo who of the leaving agents has open tickets",
            )
        return found | await self._alone(idle)

    async def _alone(self, keys: Sequence[str]) -> dict[str, Duty]:
        """One request each, its count told by Halo."""
        found: dict[str, Duty] = {}
        for key in keys:
            count, rows = await self._desk.count_and_first(TICKETS, {**OPEN, "agent_id": key})
            if any(as_id(row.agent_id) != key for row in rows):
                raise ContractError(
                    f"GET {TICKETS.path} gave tickets of other agents than the one asked for",
                    code="halo-tickets-filter",
                    where=self._desk.where,
                    fix="look in Halo who of the leaving agents has open tickets",
                )
            if rows:
                found[key] = _open(count, rows)
        return found

    async def _approvals(self, keys: frozenset[str]) -> Counter[str]:
        """Approvals without a date, as far as the instance lists those of others; most people have none."""
        try:
            rows = await self._desk.all(APPROVALS, {"mine": "false"})
        except CrosskeyError as error:
            self._logger.info("approvals are not listed: %s", error.message)
            return Counter()
        pending = (as_id(row.agent_id) for row in rows if as_moment(row.dateapproved) is None)
        return Counter(agent for agent in pending if agent in keys)

    async def _leads(self) -> dict[str, list[str]]:
        """Names of teams and departments by the agents that manage them; the lists are those that reading uses."""
        led: dict[str, list[str]] = {}
        for row in (*await self._lists.teams(), *await self._lists.departments()):
            for link in row.agents or ():
                if link.is_manager:
                    led.setdefault(as_id(link.agent_id), []).append(as_text(row.name))
        return led


def _open(count: int, rows: Sequence[TicketRow]) -> Duty:
    examples = tuple(f"#{row.key} {as_text(row.summary)}".strip()[:_SHORT] for row in rows[:_EXAMPLES])
    return Duty(kind="open_tickets", count=count, examples=examples)
