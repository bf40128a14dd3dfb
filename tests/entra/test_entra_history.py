"""The law of changes: a full read and any rounds after it end in what a full read at the end tells."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from entra_door import wanting
from entra_fold import Known
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_entra_company import local

from crosskey_sandbox.entra import EntraQuirks, EntraTenant
from fake_clock import FakeClock

SELECTED = ("outer", "middle", "plain")
WHAT = (
    *("starter", "edit", "clear", "disable", "enable", "manager", "rename", "delete", "restore", "purge"),
    *("join", "leave", "nest", "unnest", "disband", "regroup", "assign", "unassign", "round", "round", "wait"),
)
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 5), st.integers(0, 5)), max_size=40)
ODD = st.fixed_dictionaries(
    {
        "replication_lag": st.sampled_from([0.0, 0.0, 30.0]),
        "removed_in_first_round": st.booleans(),
        "deleted_members_in_delta": st.booleans(),
        "delta_page": st.sampled_from([1, 2, 200]),
        "delta_members": st.sampled_from([1, 1000]),
        "delta_overlap": st.integers(0, 1),
        "delta_replay": st.sampled_from([0, 0, 2]),
        "first_round_empty_pages": st.integers(0, 3),
        "later_empty_pages": st.integers(0, 2),
        "page_cap": st.sampled_from([2, 999]),
    }
)


def add(tenant: EntraTenant, name: str) -> Any:
    upn = f"{name}@acme.example"
    values = {"userPrincipalName": upn, "displayName": name, "accountEnabled": True, "userType": "Member"}
    return tenant.directory.create("user", values)


def group(tenant: EntraTenant, name: str, *members: Any) -> Any:
    made = tenant.directory.create("group", {"displayName": name, "securityEnabled": True})
    for member in members:
        tenant.directory.add_member(made.id, member.id)
    return made


class History:
    """A small tenant in which anything may happen; a step that makes no sense at the moment does nothing."""

    def __init__(self, **quirks: Any) -> None:
        self.tenant = EntraTenant(clock=FakeClock(), quirks=EntraQuirks(**quirks))
        self.directory = self.tenant.directory
        self.people = [add(self.tenant, f"p{number}") for number in range(5)]
        inner = group(self.tenant, "inner", *self.people[:2])
        middle = group(self.tenant, "middle", inner, self.people[2])
        group(self.tenant, "outer", middle)
        group(self.tenant, "plain", *self.people[1:4])
        team = group(self.tenant, "team", self.people[4])
        self.app = self.directory.create("servicePrincipal", {"displayName": "Desk", "appId": self.tenant.cell.guid()})
        self.tenant.assignments.assign(self.app.id, team.id)
        self.tenant.assignments.assign(self.app.id, self.people[0].id)
        self.directory.set_manager(self.people[1].id, self.people[0].id)
        self.directory.settle()
        self.careful = True  # until the first read: without a selected group there is none
        self._fresh = count(1)
        self._assigned: list[Any] = []

    def act(self, what: str, one: int, other: int) -> None:
        directory = self.directory
        users, groups = list(directory.live("user")), list(directory.live("group"))
        who = users[one % len(users)].id if users else ""
        where = groups[other % len(groups)].id if groups else ""
        within = groups[one % len(groups)].id if groups else ""
        match what:
            case "starter":
                made = add(self.tenant, f"fresh{next(self._fresh)}")
                if who:
                    directory.set_manager(made.id, who)
            case "edit" | "clear" if who:
                directory.update(who, {"jobTitle": f"title {other}" if what == "edit" else None})
            case "disable" | "enable" if who:
                directory.update(who, {"accountEnabled": what == "enable"})
            case "manager" if who:
                directory.set_manager(who, users[other % len(users)].id if other else "")
            case "rename" if who:
                directory.update(who, {"userPrincipalName": f"renamed{next(self._fresh)}@acme.example"})
            case "delete" if len(users) > 1:
                directory.delete(who)
            case "restore" | "purge":
                binned = [*directory.deleted("user"), *directory.deleted("group")]
                chosen = binned[one % len(binned)] if binned else None
                if chosen is not None and what == "restore":
                    directory.restore(chosen.id)
                elif chosen is not None and chosen.name not in SELECTED:
                    directory.purge(chosen.id)
            case "join" | "leave" if who and where:
                (directory.add_member if what == "join" else directory.remove_member)(where, who)
            case "nest" | "unnest" if groups and within != where:
                (directory.add_member if what == "nest" else directory.remove_member)(where, within)
            case "disband" if where and not (self.careful and groups[other % len(groups)].name in SELECTED):
                directory.delete(where)
            case "regroup" if where:
                directory.update(where, {"description": f"text {one}"})
            case _:
                self._apps(what, who, within, other)

    def bring_back(self) -> None:
        """The selected groups: without one of them no read is whole."""
        for one in self.directory.deleted("group"):
            if one.name in SELECTED:
                self.directory.restore(one.id)

    def _apps(self, what: str, who: str, within: str, other: int) -> None:
        if what == "assign" and (who if other % 2 else within):
            self._assigned.append(self.tenant.assignments.assign(self.app.id, who if other % 2 else within))
        elif what == "unassign" and self._assigned:
            self.tenant.assignments.unassign(self._assigned.pop(other % len(self._assigned)))
        elif what == "wait":
            self.tenant.cell.clock.advance(20)


def named(known: Known, *, managers: bool) -> Any:
    people, members = known.told()
    return {key: one if managers else replace(one, manager="") for key, one in people.items()}, members


@pytest.mark.parametrize("members", ["transitive", "direct"])
@pytest.mark.parametrize("forgets", [True, False])
@settings(max_examples=25)
@given(before=STEPS, steps=STEPS, odd=ODD, late=st.integers(1, 3))
async def test_rounds_end_in_what_a_full_read_tells(
    members: str, forgets: bool, before: list[Any], steps: list[Any], odd: dict[str, Any], late: int
) -> None:
    history = History(**odd)
    request = replace(wanting(*SELECTED, apps=["Desk"]), changes=True)
    for step in before:
        # A group that was in the bin before anybody watched, and of which no list told, cannot be known.
        if step[0] != "disband" or odd["removed_in_first_round"]:
            history.act(*step)
    history.careful = False
    known = Known(forgets=forgets)
    async with local(history.tenant, members=members) as source:
        await known.read(source, request)
        # From here on some reads may be late while others are not; before, a late list would be older than its place.
        history.tenant.quirks = replace(history.tenant.quirks, lagging_reads=late)
        for step in steps:
            history.act(*step)
            if step[0] == "round":
                await known.follow(source, request)
        history.bring_back()
        history.tenant.cell.clock.advance(60)
        await known.follow(source, request)
        history.tenant.cell.clock.advance(301)
        await known.follow(source, request)
        whole = await Known().read(source, request)
    # A manager's new name is told of the manager only: where servers disagree a report's late answer may keep the old one.
    assert named(known, managers=late == 1) == named(whole, managers=late == 1)
    chosen = {key: one for key, one in whole.groups.items() if one.name in SELECTED or one.kind == "app"}
    assert {key: known.groups[key] for key in chosen} == chosen
