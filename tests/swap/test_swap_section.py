"""A desk that Okta filled, and a configuration whose section then says Entra ID: nothing is done to anybody.

Links bear Okta's ids, and people of Entra have others. Until links can be moved, the run holds.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import pytest
from swap_bench import NO_ADDRESS, Program


def matched_by_number(text: str) -> str:
    """Users are recognised by their employee number too, so that everybody in the company can be."""
    return text.replace('match = ["email"]', 'match = ["email", "employee_number"]', 1)


@pytest.fixture
async def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Okta filled its desk, and is in step with it."""
    program = Program(tmp_path, monkeypatch, "okta")
    program.configure("okta", matched_by_number)
    await program.run("apply")
    return program


@pytest.mark.parametrize("kind", ["plan", "apply"])
async def test_nothing_is_written_and_every_account_is_held_by_name(
    program: Program, kind: Literal["plan", "apply"]
) -> None:
    users, agents, writes = program.users(), program.agents(), len(program.desk.writes)
    program.configure("entra", matched_by_number)
    result = await program.run(kind)
    assert (result.verdict, result.plan.size) == ("held", 0)
    assert len(program.desk.writes) == writes
    assert program.desk.session_ends == []
    assert (program.users(), program.agents()) == (users, agents)
    collided = {(held.kind, held.key) for held in result.plan.held if held.rail == "identity-collision"}
    marked = {("user", str(key)) for key, user in program.desk.users.items() if user.other5}
    marked |= {("agent", str(key)) for key, agent in program.desk.agents.items() if agent.federated_identity_id}
    assert collided == marked


async def test_it_says_that_leavers_are_not_followed_and_indeed_does_not(program: Program) -> None:
    program.configure("entra", matched_by_number)
    leaver = program.colleague("Service Desk")
    program.leaves(leaver)
    result = await program.run("apply")
    told = [notice.summary for notice in result.notices if notice.code == "links-of-another-source"]
    assert len(told) == 2, "users, and agents"
    assert all("nobody switches them off when those people leave" in summary for summary in told)
    assert program.agent(leaver)["isdisabled"] is False


async def test_changing_the_section_back_goes_on_where_it_was(program: Program) -> None:
    program.configure("entra", matched_by_number)
    leaver = program.colleague("Service Desk")
    program.leaves(leaver)
    await program.run("apply")
    program.configure("okta", matched_by_number)
    result = await program.run("apply")
    assert result.plan.header.counts == {"disable": 2}
    assert program.agent(leaver)["isdisabled"] is True


async def test_a_journal_that_is_lost_as_well_makes_no_difference(program: Program, tmp_path: Path) -> None:
    """The accounts' own markers say that they are somebody else's."""
    writes = len(program.desk.writes)
    shutil.rmtree(tmp_path / ".crosskey")
    program.configure("entra", matched_by_number)
    result = await program.run("apply")
    assert (result.verdict, result.plan.size, len(program.desk.writes)) == ("held", 0, writes)


async def test_whom_no_match_finds_would_get_a_second_account(program: Program) -> None:
    """The honest limit: by e-mail alone, somebody without an address looks like a starter. The plan shows it."""
    program.configure("entra")
    await program.run("plan")
    [change] = program.planned
    assert (change.action, change.label) == ("create", program.company.people[NO_ADDRESS - 1].display_name)
