"""Okta for Entra ID and back: proved first, then every account follows its person and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from swap_bench import NO_ADDRESS, Program

from crosskey.engine.rails import Allowed
from crosskey.errors import ConfigError

KEYS = ("employee_number", "email")


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


async def test_the_same_company_swaps_without_a_single_change(program: Program) -> None:
    users, agents, markers = program.users(), program.agents(), sorted(program.markers())
    result = await program.swap("entra", matched_by_number, keys=KEYS)
    proof = result.proof
    assert (proof.plan.counts, proof.disturbed, proof.held) == ({}, 0, ())
    assert proof.plan.held_counts == (await program.run("plan")).plan.header.held_counts, "who waits, waits as before"
    assert (result.verdict, proof.nothing_changes) == ("clean", True)
    assert (proof.unclear_count, proof.unmatched_linked) == (0, 0)
    assert proof.difference_count == 0
    assert all(group.same for group in proof.groups)
    assert result.applied is not None
    assert result.applied.counts == {"applied": len(markers)}
    assert (program.users(), program.agents()) == (users, agents), "nobody in the desk sees a difference"
    assert not set(program.markers()) & set(markers), "the external ids are those of the new directory"
    after = await program.run("apply")
    assert after.plan.size == 0


async def test_swapping_back_works_the_same_way(program: Program) -> None:
    before = sorted(program.markers())
    await program.swap("entra", matched_by_number, keys=KEYS)
    await program.swap("okta", matched_by_number, keys=KEYS)
    assert sorted(program.markers()) == before
    assert (await program.run("apply")).plan.size == 0


async def test_a_proof_moves_nothing(program: Program) -> None:
    writes, markers = len(program.desk.writes), sorted(program.markers())
    result = await program.swap("entra", matched_by_number, keys=KEYS, confirm=None)
    assert (result.applied, result.verdict) == (None, "clean")
    assert (len(program.desk.writes), sorted(program.markers())) == (writes, markers)
    assert (await program.run("plan")).plan.size == 0


async def test_who_declines_moves_nothing(program: Program) -> None:
    writes = len(program.desk.writes)
    result = await program.swap("entra", matched_by_number, keys=KEYS, confirm=lambda _proof: False)
    assert (result.verdict, len(program.desk.writes)) == ("aborted", writes)


async def test_leavers_and_starters_after_the_swap_are_the_new_directorys(program: Program) -> None:
    await program.swap("entra", matched_by_number, keys=KEYS)
    leaver = program.colleague("Service Desk")
    program.leaves(leaver)
    program.starts()
    result = await program.run("apply")
    assert result.plan.header.counts == {"create": 1, "disable": 2}
    assert program.agent(leaver)["isdisabled"] is True


async def test_a_swap_that_is_cut_short_is_resumed(program: Program) -> None:
    markers = set(program.markers())
    stops = iter([False, True])
    result = await program.swap("entra", matched_by_number, keys=KEYS, stop=lambda: next(stops))
    assert result.verdict == "aborted"
    moved = len(markers - set(program.markers()))
    assert 0 < moved < len(markers)
    again = await program.swap("entra", matched_by_number, keys=KEYS)
    assert (again.verdict, again.proof.relinks) == ("clean", len(markers) - moved)
    assert not set(program.markers()) & markers
    assert (await program.run("apply")).plan.size == 0


async def test_directories_that_tell_different_companies_are_held_until_let_through(program: Program) -> None:
    for person in program.company.people[10:40]:
        if program.tenant.directory.id_of(person.login):
            program.tenant.directory.update(person.login, {"employeeId": "", "mail": "", "otherMails": []})
    result = await program.swap("entra", matched_by_number, keys=("employee_number",))
    [held] = result.proof.held
    assert (held.rail, result.applied, result.verdict) == ("swap-differs", None, "held")
    assert result.proof.unmatched_count >= 20
    number = held.fix.rpartition("=")[2]
    allowed = Allowed.parse((f"swap-differs={number}",))
    through = await program.swap("entra", matched_by_number, keys=("employee_number",), allowed=allowed)
    assert through.applied is not None
    assert through.applied.counts["applied"] == through.proof.relinks


async def test_somebody_by_mail_alone_is_named_when_nobody_finds_them(program: Program) -> None:
    result = await program.swap("entra", matched_by_number, keys=("email",), confirm=None)
    alone = program.company.people[NO_ADDRESS - 1]
    assert any(alone.display_name in name for name in result.proof.unmatched)
    assert not result.proof.nothing_changes


async def test_only_a_source_section_may_differ(program: Program) -> None:
    with pytest.raises(ConfigError, match=r"\[map\] differs"):
        await program.swap("entra", keys=KEYS)
    with pytest.raises(ConfigError, match="nothing to swap"):
        await program.swap("okta", matched_by_number, keys=KEYS)
