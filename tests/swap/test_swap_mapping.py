"""Okta or Entra ID, the same mapping: two desks end up the same, and stay the same while people come, move and go."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from swap_bench import BERLIN_NUMBER, NO_ADDRESS, Program

from crosskey.engine.run import RunResult


class Pair(NamedTuple):
    """The same company and mapping twice, each with a fresh desk: people come from Okta, and from Entra ID."""

    okta: Program
    entra: Program

    async def apply(self) -> tuple[RunResult, RunResult]:
        """Apply in both, and expect nothing to be left to do."""
        done = await self.okta.run("apply"), await self.entra.run("apply")
        for program in self:
            again = await program.run("plan")
            assert (program.use, again.plan.size) == (program.use, 0)
        return done

    def assert_same_desks(self) -> None:
        assert self.entra.users() == self.okta.users()
        assert self.entra.agents() == self.okta.agents()


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(Program(tmp_path / "okta", monkeypatch, "okta"), Program(tmp_path / "entra", monkeypatch, "entra"))


async def test_both_fill_a_desk_with_the_same_users_and_agents(pair: Pair) -> None:
    okta, entra = await pair.apply()
    pair.assert_same_desks()
    assert entra.plan.header.counts == okta.plan.header.counts
    assert okta.plan.header.counts["create"] > 50
    assert okta.plan.header.counts["adopt"] > 5
    assert [held.summary for held in entra.plan.held] == [held.summary for held in okta.plan.held]
    for program in pair:  # not the same because nothing was written
        colleague = program.colleague("Service Desk L1")
        agent, user = program.agent(colleague), program.user(colleague)
        assert (agent["roles"], agent["teams"], agent["departments"]) == (["Standard User"], ["1st Line"], ["IT"])
        assert (user["site"], user["phonenumber"]) == (colleague.office, colleague.work_phone)


async def test_only_crosskey_s_own_marker_tells_the_desks_apart(pair: Pair) -> None:
    applied, _ = await pair.apply()
    okta, entra = (list(program.markers()) for program in pair)
    assert len(okta) == len(entra) == applied.plan.size
    assert not set(okta) & set(entra), "it stands for the identity, which is the directory's own"


async def test_a_leaver_loses_the_same_accounts(pair: Pair) -> None:
    await pair.apply()
    leaver = pair.okta.colleague("Service Desk")
    for program in pair:
        program.leaves(leaver)
    okta, entra = await pair.apply()
    pair.assert_same_desks()
    assert entra.plan.header.counts == okta.plan.header.counts == {"disable": 2}
    for program in pair:
        assert program.user(leaver)["inactive"] is True
        assert program.agent(leaver)["isdisabled"] is True
        assert [(end.kicked, end.revoked) for end in program.desk.session_ends] == [(True, True)]


async def test_a_mover_changes_the_same_site_and_fields(pair: Pair) -> None:
    await pair.apply()
    mover = pair.okta.colleague("London Office")
    for program in pair:
        program.moves(mover, "Berlin")
        assert program.user(mover)["site"] == "London"
    okta, entra = await pair.apply()
    pair.assert_same_desks()
    assert entra.plan.header.counts == okta.plan.header.counts == {"update": 1}
    for program in pair:
        moved = program.user(mover)
        assert (moved["site"], moved["phonenumber"]) == ("Berlin", BERLIN_NUMBER)


async def test_a_starter_gets_the_same_account(pair: Pair) -> None:
    await pair.apply()
    starters = [program.starts() for program in pair]
    okta, entra = await pair.apply()
    pair.assert_same_desks()
    assert entra.plan.header.counts == okta.plan.header.counts == {"create": 1}
    for program, starter in zip(pair, starters, strict=True):
        user = program.user(starter)
        assert (user["emailaddress"], user["site"]) == (starter.email, "Madrid")


async def test_somebody_without_an_address_is_the_same_in_both_and_entra_says_so(pair: Pair) -> None:
    okta, entra = await pair.apply()
    for program in pair:
        assert program.user(program.company.people[NO_ADDRESS - 1])["emailaddress"] == ""
    # Real tenants have many such people, Okta hardly any: only there it is worth a word.
    assert "entra-no-email" in {notice.code for notice in entra.notices}
    assert okta.notices == ()
