"""The identity provider's side of the truth: people and groups, now and at every moment before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from crosskey.model import Group, Person, Subject
from proofs.simulation.clock import SimClock

__all__ = ("GROUPS", "ISSUER", "SOURCE_LAG", "Directory", "State")

ISSUER: Final = "https://directory.example"
GROUPS: Final[Mapping[str, Group]] = {
    f"g-{name}": Group(id=f"g-{name}", name=name) for name in ("Staff", "London", "Desk")
}
SOURCE_LAG: Final = 30.0
"""Seconds after which every list and look-up of the directory shows a change."""


class State(msgspec.Struct, frozen=True):
    """The whole directory from one moment on."""

    at: float
    people: dict[str, Person]
    members: dict[str, frozenset[str]]


class Directory:
    """People and groups; ``noted`` is called after every change of either."""

    def __init__(self, clock: SimClock, noted: Callable[[], None]) -> None:
        self._clock = clock
        self._noted = noted
        self.people: dict[str, Person] = {}
        self.members: dict[str, set[str]] = {group: set() for group in GROUPS}
        self.states: list[State] = []
        self._next = 0

    def hire(self, *, groups: tuple[str, ...], name: str, mail: str = "", title: str = "", department: str = "") -> str:
        """Somebody new; their id."""
        who = f"p{self._next}"
        self._next += 1
        self.people[who] = Person(
            subject=Subject(ISSUER, who),
            active=True,
            status="ON",
            display_name=name,
            email=mail or f"{who}@people.example",
            title=title,
            department=department,
        )
        for group in groups:
            self.members[group].add(who)
        return who

    def change(self, who: str, **attributes: object) -> None:
        """Other attributes for somebody."""
        self.people[who] = msgspec.structs.replace(self.people[who], **attributes)

    def switch(self, who: str, *, active: bool) -> None:
        """Switch somebody on or off."""
        self.change(who, active=active, status="ON" if active else "OFF")

    def delete(self, who: str) -> None:
        """Somebody is gone without a trace."""
        del self.people[who]
        for members in self.members.values():
            members.discard(who)

    def commit(self) -> None:
        """Make what changed the newest state."""
        members = {group: frozenset(ids) for group, ids in self.members.items()}
        self.states.append(State(self._clock.elapsed, dict(self.people), members))
        self._noted()

    @property
    def now(self) -> State:
        """The newest state."""
        return self.states[-1]

    def as_of(self, at: float) -> State:
        """The state that stood at a moment; the oldest for any moment before."""
        for state in reversed(self.states):
            if state.at <= at:
                return state
        return self.states[0]
