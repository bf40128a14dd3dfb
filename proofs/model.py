"""The engine against a dictionary: whatever is done in whatever order, the desk ends as a few lines say (T11).

``python -m proofs.model`` tries 2,000 histories of 50 steps; the tests try a few dozen. Both sides are those of the
simulation, without any fault but a process that dies.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crosskey.model import Person
from proofs.simulation.desk import Key
from proofs.simulation.oracle import MOST_DISABLES, SCOPES
from proofs.simulation.world import World

__all__ = ("Histories", "try_histories")

_MEMORY: Final = Path("/dev/shm")
_WAIT: Final = 700.0
"""Longer than anything needs to settle, and than the grace of any rule."""
_MOST_PENDING: Final = 2
"""So many leave between two runs at most: beyond that rails hold, which is the simulation's matter."""
_WEEK: Final = 8 * 24 * 3600.0
"""Longer than the rails remember who left: what many leave one after the other is the simulation's matter too."""
_WORDS: Final = st.sampled_from(("Ada", "Bo", "Cleo", "Dan", "Eve"))
_WHICH: Final = st.integers(min_value=0, max_value=30)


class Expected(msgspec.Struct):
    """One account as the dictionary knows it."""

    active: bool
    name: str
    mail: str
    title: str = ""
    note: str = ""
    site: str = ""
    viewer: bool = False
    by_hand: bool = False


class Histories(RuleBasedStateMachine):
    """People come, change and leave, technicians meddle, crosskey runs and dies: then desk and dictionary agree."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="model-", dir=_MEMORY if _MEMORY.is_dir() else None)
        self._pending = 0
        self._deleted = 0
        self._number = 0

    @initialize(seed=st.integers(min_value=0, max_value=20))
    def begin(self, seed: int) -> None:
        """A company, with two accounts that were made by hand."""
        self._world = World(seed, Path(self._folder.name))
        self._world.faults.on = False
        self._accounts: dict[tuple[str, str], Expected] = {}
        desk = self._world.desk
        self._by_hand = {str(one.fields["mail"]) for key, one in desk.accounts.items() if key not in desk.unmanaged}

    def teardown(self) -> None:
        """Everything is closed and gone."""
        if hasattr(self, "_world"):
            self._world.finish()
        self._folder.cleanup()

    # -- people -------------------------------------------------------------------------------------------------------

    def _people(self) -> dict[str, Person]:
        directory, exempt = self._world.directory, self._world.oracle.exempt
        return {who: person for who, person in sorted(directory.people.items()) if who not in exempt}

    def _one(self, which: int) -> str:
        people = list(self._people())
        return people[which % len(people)]

    def _may_leave(self) -> bool:
        return self._pending < _MOST_PENDING and len(self._people()) > 5

    def _is_last(self, who: str) -> bool:
        """Whether a group would be empty without them: then a rail holds everything until a person says so."""
        return any(members <= {who} for members in self._world.directory.members.values() if who in members)

    @rule(name=_WORDS, london=st.booleans(), desk=st.booleans())
    def hire(self, name: str, *, london: bool, desk: bool) -> None:
        """Somebody starts."""
        self._number += 1
        groups = ("g-Staff", *(("g-London",) if london else ()), *(("g-Desk",) if desk else ()))
        self._world.directory.hire(groups=groups, name=f"{name} {self._number}", title="Clerk", department="Post")
        self._world.directory.commit()

    @rule(which=_WHICH, name=_WORDS)
    def rename(self, which: int, name: str) -> None:
        """Somebody bears another name and address."""
        self._number += 1
        who = self._one(which)
        mail = f"{who}.{self._number}@people.example"
        self._world.directory.change(who, display_name=f"{name} {self._number}", email=mail, title=f"No {self._number}")
        self._world.directory.commit()

    @rule(which=_WHICH, group=st.sampled_from(("g-London", "g-Desk")))
    def move(self, which: int, group: str) -> None:
        """Somebody joins a group, or leaves it."""
        who, members = self._one(which), self._world.directory.members[group]
        if members == {who}:
            return
        if who in members and group == "g-Desk":
            if not self._may_leave():
                return
            self._pending += 1
        members.symmetric_difference_update({who})
        self._world.directory.commit()

    @rule(which=_WHICH, how=st.sampled_from(("off", "delete", "scope")))
    def leave(self, which: int, how: str) -> None:
        """Somebody leaves, in one of three ways."""
        who, directory = self._one(which), self._world.directory
        if not self._may_leave() or self._is_last(who):
            return
        self._pending += 1
        if how == "delete":
            directory.delete(who)
        elif how == "off":
            directory.switch(who, active=False)
        else:
            directory.members["g-Staff"].discard(who)
        directory.commit()

    @rule(which=_WHICH)
    def come_back(self, which: int) -> None:
        """Somebody is here again."""
        who = self._one(which)
        self._world.directory.switch(who, active=True)
        self._world.directory.members["g-Staff"].add(who)
        self._world.directory.commit()

    # -- technicians --------------------------------------------------------------------------------------------------

    def _ours(self, which: int) -> tuple[Key, tuple[str, str]] | None:
        desk = self._world.desk
        keys = sorted(key for key in desk.accounts if key in desk.owners)
        if not keys:
            return None
        key = keys[which % len(keys)]
        return key, (key[0], desk.owners[key].id)

    @rule(which=_WHICH, deed=st.sampled_from(("edit", "off", "delete")))
    def meddle(self, which: int, deed: str) -> None:
        """Somebody edits, switches off or deletes an account by hand."""
        found, desk = self._ours(which), self._world.desk
        if found is None or found[1] not in self._accounts:
            return
        key, place = found
        account = desk.accounts[key]
        if deed == "edit" and account.active:
            desk.put(msgspec.structs.replace(account, fields={**account.fields, "name": "Edited"}))
            self._accounts[place].name = "Edited"
        elif deed == "off" and account.active:
            desk.put(msgspec.structs.replace(account, active=False))
            self._accounts[place].active, self._accounts[place].by_hand = False, True
        elif deed == "delete" and self._deleted < MOST_DISABLES:  # more that are missing at once are held
            self._deleted += 1
            desk.drop(key)
            del self._accounts[place]

    # -- crosskey -----------------------------------------------------------------------------------------------------

    @rule()
    def plan(self) -> None:
        """A plan writes nothing."""
        before = dict(self._world.desk.accounts)
        ended = self._world.run("plan")
        assert ended.error is None, ended.error
        assert self._world.desk.accounts == before

    @rule(fuse=st.integers(min_value=1, max_value=120), changes=st.booleans())
    def crash(self, fuse: int, *, changes: bool) -> None:
        """A run dies somewhere, or comes to its end before it would have."""
        self._world.clock.advance(_WAIT)
        self._world.run("sync", fuse=fuse, changes=changes)
        self._world.finish()
        self.settle()

    @rule()
    def settle(self) -> None:
        """Two runs, far enough apart for everything: now desk and dictionary agree, and nothing is left to do."""
        for _ in range(2):
            self._world.clock.advance(_WAIT)
            ended = self._world.run("sync")
            assert ended.error is None, ended.error
        self._expect()
        self._compare()
        assert self._world.run("plan").size == 0
        if self._pending:
            self._world.clock.advance(_WEEK)
        self._pending = self._deleted = 0

    @precondition(lambda self: self._pending == 0)
    @rule()
    def follow(self) -> None:
        """Changes alone must do where nobody meddled; whatever they miss a later settling shows."""
        self._world.clock.advance(_WAIT)
        ended = self._world.run("sync", changes=True)
        assert ended.error is None, ended.error
        self.settle()

    @invariant()
    def nothing_is_broken(self) -> None:
        """The simulation's laws hold at every write."""
        if hasattr(self, "_world"):
            assert self._world.oracle.broken == []

    # -- the dictionary -----------------------------------------------------------------------------------------------

    def _expect(self) -> None:
        """What two runs make of the accounts."""
        directory = self._world.directory
        everybody = {who for _, who in self._accounts} | set(self._people())
        for kind in SCOPES:
            for who in everybody:
                wanted = self._world.oracle.is_wanted(directory, kind, who)
                account = self._accounts.get((kind, who))
                if wanted:
                    account = account or self._found(kind, directory.people[who])
                    self._accounts[kind, who] = _kept(kind, directory.people[who], account, self._is_in_london(who))
                elif account is not None:
                    account.active = False

    def _found(self, kind: str, person: Person) -> Expected | None:
        """An account that somebody made by hand and that is this person's."""
        if kind != "user" or person.email not in self._by_hand:
            return None
        self._by_hand.discard(person.email)
        return Expected(active=True, name="By Hand", mail=person.email)

    def _is_in_london(self, who: str) -> bool:
        return who in self._world.directory.members["g-London"]

    def _compare(self) -> None:
        desk = self._world.desk
        found = {
            (kind, subject.id): desk.accounts[kind, key]
            for (kind, key), subject in desk.owners.items()
            if (kind, key) in desk.accounts
        }
        assert found.keys() == self._accounts.keys()
        for place, account in found.items():
            one, fields = self._accounts[place], account.fields
            shown = (account.active, fields.get("name"), fields.get("mail"))
            assert shown == (one.active, one.name, one.mail), place
            if place[0] == "user":
                assert (fields.get("title", ""), fields.get("note", "")) == (one.title, one.note), place
                assert account.references["site"] == (one.site,), place
                assert ("roles-viewer" in account.references.get("roles", ())) == one.viewer, place


def _kept(kind: str, person: Person, account: Expected | None, london: bool) -> Expected:
    """The account of somebody who should have one, after a run."""
    if account is not None and account.by_hand:
        return account  # switched off by hand, it is left as it is
    kept = account or Expected(active=True, name="", mail="", title=person.title if kind == "user" else "")
    kept.active, kept.name, kept.mail = True, person.display_name, person.email
    if kind == "user":
        kept.note = kept.note or person.department
        kept.site = "site-london" if london else "site-main"
        kept.viewer = london
    return kept


def try_histories(examples: int, steps: int, **further: Any) -> None:  # noqa: ANN401 - as hypothesis takes them
    """Try so many histories of so many steps. Raises what the first bad one raises, shortened."""
    logging.getLogger("crosskey").addHandler(logging.NullHandler())
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
        **further,
    )
    run_state_machine_as_test(Histories, settings=chosen)


def main() -> int:
    """The long tier."""
    parser = argparse.ArgumentParser(prog="python -m proofs.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)
    asked = parser.parse_args()
    try_histories(asked.examples, asked.steps, phases=(Phase.generate, Phase.shrink))
    print(f"{asked.examples} histories of up to {asked.steps} steps: desk and dictionary always agreed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
