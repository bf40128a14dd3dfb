"""What people do: the personnel office in the directory, and technicians by hand in the desk."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import msgspec

from proofs.simulation.desk import Desk, Key
from proofs.simulation.directory import Directory
from proofs.simulation.faults import Faults
from proofs.simulation.oracle import SCOPES, Oracle

__all__ = ("Churn",)

_NAMES: Final = ("Ada", "Bo", "Cleo Montgomery-Featherstonehaugh", "Dan", "Eve Wolkenstein-Rodenegg zu Trostburg")
_DEEDS: Final = ("hire", "leave", "leave", "delete", "return", "edit", "edit", "group", "group", "twin")
_FEWEST: Final = 5
"""So many stay in Staff: fewer, and nobody could tell a small company from an empty page."""


class Churn:
    """Changes both sides as life does. ``tell`` hears of everything."""

    def __init__(
        self, seed: int, directory: Directory, desk: Desk, oracle: Oracle, faults: Faults, tell: Callable[[str], None]
    ) -> None:
        self._random = random.Random(f"churn {seed}")
        self._directory = directory
        self._desk = desk
        self._oracle = oracle
        self._faults = faults
        self._tell = tell

    # -- the directory ------------------------------------------------------------------------------------------------

    def seed(self, *, protected: str, breakglass: str) -> None:
        """The company before crosskey came: some people, some accounts made by hand, some of nobody's."""
        directory, desk = self._directory, self._desk
        for number in range(self._random.randint(5, 8)):
            self._hire(first=number < _FEWEST)
        chief = directory.hire(groups=("g-Staff",), name="The Chief", mail=protected)
        glass = directory.hire(groups=("g-Staff", "g-Desk"), name="Break Glass", mail=breakglass)
        self._oracle.exempt |= {chief, glass}
        foreign = [
            desk.add("user", name="The Chief", mail=protected, protected="built in"),
            desk.add("user", name="Break Glass", mail=breakglass),
            desk.add("agent", name="Break Glass", mail=breakglass),
            desk.add("user", name="Printer", mail="printer@desk.example"),
            desk.add("agent", name="API", mail="api@desk.example", protected="API only"),
        ]
        desk.unmanaged = {(account.kind, account.key) for account in foreign}
        for who in self._random.sample(sorted(set(directory.people) - {chief, glass}), 2):
            desk.add("user", name="By Hand", mail=directory.people[who].email)
        directory.commit()

    def some(self, least: int, most: int) -> None:
        """Some changes in the directory."""
        for _ in range(self._random.randint(least, most)):
            self._one()
        self._directory.commit()

    def _one(self) -> None:
        people = sorted(set(self._directory.people) - self._oracle.exempt)
        staff = [who for who in people if self._oracle.is_wanted(self._directory, "user", who)]
        gone = [who for who in people if self._directory.people[who].active is False]
        deed = self._random.choice(_DEEDS)
        self._tell(f"directory: {deed}")
        if deed == "hire" or not people:
            self._hire()
        elif deed == "twin" and self._random.random() < 0.3:
            mail = self._directory.people[self._random.choice(people)].email
            self._directory.hire(groups=("g-Staff",), name=self._name(), mail=mail)
        elif deed in {"leave", "delete"} and len(staff) > _FEWEST:
            who = self._random.choice(staff)
            self._directory.switch(who, active=False) if deed == "leave" else self._directory.delete(who)
        elif deed == "return" and gone:
            self._directory.switch(self._random.choice(gone), active=True)
        elif deed == "edit":
            self._edit(self._random.choice(people))
        elif deed == "group":
            self._move(self._random.choice(people), staff)

    def _hire(self, *, first: bool = False) -> None:
        groups = ["g-Staff"]
        if self._random.random() < 0.4:
            groups.append("g-London")
        if self._random.random() < 0.3 or (first and not self._directory.members["g-Desk"]):
            groups.append("g-Desk")
        self._directory.hire(groups=tuple(groups), name=self._name(), title=self._word(), department=self._word())

    def _edit(self, who: str) -> None:
        what = self._random.choice(("display_name", "title", "department", "email"))
        value = {"display_name": self._name(), "email": f"{who}.{self._random.randrange(100)}@people.example"}
        self._directory.change(who, **{what: value.get(what, self._word())})

    def _move(self, who: str, staff: list[str]) -> None:
        group = self._random.choice(("g-Staff", "g-London", "g-London", "g-Desk"))
        members = self._directory.members[group]
        if who not in members:
            members.add(who)
        elif group != "g-Staff" or len(staff) > _FEWEST:
            members.discard(who)

    def _name(self) -> str:
        return f"{self._random.choice(_NAMES)} {self._random.randrange(1000)}"

    def _word(self) -> str:
        return f"{self._random.choice(('Clerk', 'Cook', 'Pilot', 'Nurse'))} {self._random.randrange(10)}"

    # -- the desk -----------------------------------------------------------------------------------------------------

    def by_hand(self) -> None:
        """Somebody edits the desk, where the world knows such faults."""
        faults, desk = self._faults, self._desk
        desk.tick()
        ours = sorted(key for key in desk.accounts if key in desk.owners)
        on = [key for key in ours if desk.accounts[key].active]
        off = [key for key in ours if not desk.accounts[key].active and key not in self._oracle.left_off]
        if on and faults.strikes("human.edits-field", 0.15):
            key = self._random.choice(on)
            self._change(key, fields={**desk.accounts[key].fields, "name": "Edited"})
        if on and faults.strikes("human.switches-off", 0.08):
            key = self._random.choice(on)
            self._oracle.left_off.add(key)
            self._change(key, active=False)
        if off and faults.strikes("human.switches-on", 0.3):
            self._change(self._random.choice(off), active=True)
        if ours and faults.strikes("human.deletes", 0.08):
            desk.drop(self._random.choice(ours))
        users = [key for key in on if key[0] == "user" and key in desk.accounts and key not in desk.hand_roles]
        if users and faults.strikes("human.gives-role", 0.1):
            key = self._random.choice(users)
            roles = desk.accounts[key].references.get("roles", ())
            desk.hand_roles[key] = "roles-approver"
            desk.given_at[key] = desk.now
            self._change(key, references={**desk.accounts[key].references, "roles": (*roles, "roles-approver")})
        self._make_account()

    def _make_account(self) -> None:
        newcomers = [
            who
            for who in sorted(set(self._directory.people) - self._oracle.exempt)
            if all((kind, who) not in self._known() for kind in SCOPES)
        ]
        if newcomers and self._faults.strikes("human.makes-account", 0.2):
            who = self._random.choice(newcomers)
            self._desk.add("user", name="By Hand", mail=self._directory.people[who].email)

    def _known(self) -> set[tuple[str, str]]:
        """People for whom there is an account, or may be one soon."""
        desk, known = self._desk, set[tuple[str, str]]()
        for (kind, _), subject in desk.owners.items():
            known.add((kind, subject.id))
        mails = {str(account.fields.get("mail", "")) for account in desk.accounts.values()}
        known |= {("user", who) for who, person in self._directory.people.items() if person.email in mails}
        return known

    def _change(self, key: Key, **changes: object) -> None:
        self._desk.put(msgspec.structs.replace(self._desk.accounts[key], **changes))
        self._tell(f"desk: {key[0]} {key[1]} by hand: {', '.join(sorted(changes))}")
