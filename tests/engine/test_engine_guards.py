"""Whoever looks on while changes are applied: the kill switch, too many refusals, and a last look at accounts."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, rails, unasked

import bench_plugin
from crosskey.cli.running import exit_code
from crosskey.config import load_config
from crosskey.engine.guarding import Switch
from crosskey.errors import AuthError, ExitCode
from crosskey.journal import Watchbook


async def hired(bench, count: int, *groups: str) -> list[str]:
    names = [f"p{number:02}" for number in range(count)]
    for name in names:
        bench.directory.add(name, groups=["Staff", *groups])
    await bench.run()
    bench.desk.batches.clear()
    return names


def held_in_the_journal(bench, result) -> dict[str, int]:
    with bench.journal() as journal:
        return journal.plan(result.run).held_counts


# -- the kill switch (G22) --------------------------------------------------------------------------------------------


def switch(bench) -> Switch:
    return Switch(bench.config.journal.path)


async def test_a_thrown_switch_lets_nothing_be_written_and_planning_go_on(bench):
    await hired(bench, 2)
    bench.directory.add("new", groups=["Staff"])
    switch(bench).stop("the desk is being moved", bench.clock.now())
    assert (await bench.run("plan")).plan.size == 1
    result = await bench.run()
    assert (rails(result), result.verdict, exit_code(result)) == (["stopped"], "held", ExitCode.HELD)
    assert "the desk is being moved" in result.plan.held[0].summary
    assert bench.desk.batches == []
    assert held_in_the_journal(bench, result) == {"stopped": 1}
    assert switch(bench).go()
    assert not switch(bench).go()
    await bench.run()
    assert bench.did() == ["create user New"]


async def test_a_switch_thrown_while_a_run_is_at_work_ends_it_after_the_batch_under_way(bench):
    for number in range(9):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.desk.before_write = lambda: switch(bench).file.write_text("enough")
    result = await bench.run()
    assert bench.desk.batches == [3]
    assert (rails(result), result.applied.counts) == (["stopped"], {"applied": 3})
    assert "enough" in result.plan.held[0].summary
    bench.desk.before_write = None
    switch(bench).go()
    await bench.run()
    assert len(bench.did()) == 6


async def test_the_environment_stops_one_process(bench, monkeypatch):
    await hired(bench, 1)
    bench.directory.add("new", groups=["Staff"])
    with monkeypatch.context() as patch:
        patch.setenv("CROSSKEY_STOP", "1")
        result = await bench.run()
    assert (rails(result), bench.desk.batches) == (["stopped"], [])
    assert "CROSSKEY_STOP" in result.plan.held[0].fix


async def test_a_switch_that_cannot_be_read_is_thrown(bench):
    await hired(bench, 1)
    bench.directory.add("new", groups=["Staff"])
    switch(bench).file.mkdir()
    assert rails(await bench.run()) == ["stopped"]


# -- too many refusals (G18) ------------------------------------------------------------------------------------------


async def test_five_refusals_in_a_row_end_the_run(bench):
    names = [f"p{number:02}" for number in range(12)]
    for name in names:
        bench.directory.add(name, groups=["Staff"])
    bench.desk.bad = {name.title() for name in names}
    result = await bench.run()
    assert bench.desk.batches == [3, 3]
    assert (rails(result), exit_code(result)) == (["failing"], ExitCode.QUARANTINED)
    assert "5 in a row (create user)" in result.plan.held[0].summary
    bench.desk.bad = set()
    assert rails(await bench.run()) == ["refused-before"] * 6, "the others are not kept from their accounts"
    assert len(bench.did()) == 6


ROOMY = CONFIG + "\n[rails]\nmax_change = { count = 100 }"


async def test_refusals_between_successes_end_the_run_when_they_are_too_many(bench):
    bench.configure(ROOMY)
    names = await hired(bench, 40)
    for name in names:
        bench.directory.change(name, display_name=f"{name} new")
    bench.desk.bad = {f"{name} new" for name in names if int(name[1:]) % 2}
    result = await bench.run()
    assert rails(result) == ["failing"]
    assert result.applied.counts.total() == 21, "twenty writes are enough to tell"


async def test_fewer_refusals_end_nothing(bench):
    bench.configure(ROOMY)
    names = await hired(bench, 40)
    for name in names:
        bench.directory.change(name, display_name=f"{name} new")
    bench.desk.bad = {f"{name} new" for name in names if int(name[1:]) % 3 == 0}
    result = await bench.run()
    assert (rails(result), result.applied.counts.total()) == ([], 40)


async def test_one_record_over_which_the_desk_loses_its_head_is_one_failure(bench):
    bench.desk.batch = 30
    for number in range(25):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    bench.desk.poison = {"P07"}
    result = await bench.run()
    assert (rails(result), result.applied.counts) == ([], {"unknown": 25})


async def test_the_last_batch_counts_too(bench):
    bench.desk.batch = 50
    for number in range(25):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    bench.desk.bad = {f"P{number:02}" for number in range(25)}
    assert rails(await bench.run()) == ["failing"]


# -- a credential that is refused (G19) -------------------------------------------------------------------------------


async def test_a_refused_credential_ends_the_run_at_once_and_says_so_once(bench):
    for number in range(9):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.desk.fault = "auth"
    result = await bench.run()
    assert isinstance(result.applied.stopped, AuthError)
    assert (bench.desk.batches, result.applied.failures, rails(result)) == ([3], [], [])
    bench.desk.fault = ""
    assert rails(await bench.run()) == [], "nobody was refused: nobody waits"
    assert len(bench.desk.accounts) == 9


# -- a last look at accounts (G9) -------------------------------------------------------------------------------------


def protect(bench, label: str, *, kind: str = "user") -> None:
    bench.desk.edit(kind, bench.desk.of(kind)[label].key, protected="somebody said so")


async def going(bench, count: int, *, kind: str = "user") -> list[str]:
    bench.desk.looks_up = True
    names = await hired(bench, 12, *(["Desk"] if kind == "agent" else []))
    for name in names[:count]:
        bench.directory.change(name, active=False)
    return names


async def test_who_became_protected_after_the_plan_was_made_is_not_touched(bench):
    await going(bench, 6)
    bench.desk.before_write = lambda: protect(bench, "P05")
    result = await bench.run()
    assert rails(result) == ["protected"]
    assert bench.desk.of("user")["P05"].active
    assert result.applied.counts == {"applied": 5}
    assert held_in_the_journal(bench, result) == {"protected": 1}
    bench.desk.before_write = None
    bench.desk.edit("user", bench.desk.of("user")["P05"].key, protected="")
    await bench.run()
    assert bench.did() == ["disable user P05"], "what was taken out stays due"


async def test_a_pattern_is_judged_by_what_the_account_holds_now(bench):
    bench.configure(CONFIG + '\n[rails]\nprotect = ["chief"]')
    await going(bench, 6)
    key = bench.desk.of("user")["P05"].key
    fields = bench.desk.accounts["user", key].fields
    bench.desk.before_write = lambda: bench.desk.edit("user", key, fields={**fields, "title": "Chief"})
    assert rails(await bench.run()) == ["protected"]
    assert bench.desk.accounts["user", key].active


async def test_a_last_look_costs_one_look_up_a_batch(bench):
    await going(bench, 6)
    bench.desk.lookups.clear()
    await bench.run()
    assert [len(lookup.keys) for lookup in bench.desk.lookups] == [3, 3]


async def test_who_only_gains_is_not_looked_up_and_who_loses_a_reference_is(bench):
    bench.desk.looks_up = True
    await hired(bench, 2)
    bench.desk.lookups.clear()
    bench.directory.change("p00", display_name="P00 L")
    await bench.run()
    assert bench.did() == ["update user P00 L"]
    assert bench.desk.lookups == []
    bench.directory.group("London").add("p00")
    await bench.run()
    bench.desk.lookups.clear()
    bench.directory.group("London").discard("p00")
    await bench.run()
    assert bench.did() == ["update user P00 L"]
    assert [lookup.keys for lookup in bench.desk.lookups] == [(bench.desk.of("user")["P00 L"].key,)]


async def test_an_account_that_is_not_there_any_more_is_not_written_to(bench):
    await going(bench, 6)
    bench.desk.before_write = lambda: bench.desk.hidden.add(bench.desk.of("user")["P05"].key)
    assert rails(await bench.run()) == ["accounts-missing"]
    assert bench.desk.of("user")["P05"].active


async def test_a_desk_that_fails_at_the_last_look_ends_the_run_before_anything_is_written(bench, monkeypatch):
    await going(bench, 6)

    async def look_up(self, lookup):
        raise KeyError("oops")

    monkeypatch.setattr(bench_plugin.LooksUp, "look_up", look_up)
    result = await bench.run()
    assert result.applied.stopped.code == "plugin-raised"
    assert bench.desk.batches == []


# -- the last who can work (G9) ---------------------------------------------------------------------------------------

KEEPING = CONFIG + "\n[rails]\nkeep_active = { agent = 2 }\nmax_disable = { count = 50 }\n"


@pytest.mark.parametrize("explicit", [True, False])
async def test_the_last_two_technicians_stay(bench, explicit):
    if not explicit:
        bench.path.write_text(unasked(CONFIG))
        bench.config = load_config(bench.path, bench.plugins)
    else:
        bench.configure(KEEPING)
    names = await hired(bench, 4, "Desk")
    for name in names:
        bench.directory.group("Desk").discard(name)
    result = await bench.run()
    assert rails(result) == ["last-active", "last-active"]
    assert sum(account.active for account in bench.desk.of("agent").values()) == 2
    result = await bench.run(allow=["last-active=agent"])
    assert rails(result) == []
    assert len(bench.did()) == 2


async def test_an_account_that_only_a_program_uses_does_not_count(bench):
    bench.configure(KEEPING)
    bench.desk.add("agent", name="Robot", mail="robot@example.com", protected="this is us")
    names = await hired(bench, 2, "Desk")
    for name in names:
        bench.directory.group("Desk").discard(name)
    assert rails(await bench.run()) == ["last-active", "last-active"]


async def test_users_may_all_go(bench):
    bench.configure(KEEPING)
    names = await hired(bench, 3)
    for name in names:
        bench.directory.change(name, active=False)
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 3


async def test_who_was_switched_off_by_hand_meanwhile_is_counted_at_the_last_look(bench):
    bench.configure(KEEPING)
    names = await going(bench, 0, kind="agent")
    for name in names[:6]:
        bench.directory.group("Desk").discard(name)

    def by_hand() -> None:
        for name in names[7:]:
            bench.desk.edit("agent", bench.desk.of("agent")[name.title()].key, active=False)

    bench.desk.before_write = by_hand
    result = await bench.run()
    assert rails(result) == ["last-active"]
    assert bench.desk.batches == [3, 2]
    assert sum(account.active for account in bench.desk.of("agent").values()) == 2


def test_who_throws_the_switch_is_in_the_chain_of_events(bench):
    bench.journal().close()
    with Watchbook.noting(bench.config.journal.path, clock=bench.clock, connection="desk") as book:
        book.note_switch(stopped=True, because="moving")
        book.note_switch(stopped=False)
        assert [event.kind for event in book.events()][-2:] == ["writes.stopped", "writes.resumed"]
