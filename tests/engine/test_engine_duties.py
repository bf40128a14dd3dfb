"""What leaving technicians leave behind: listed, held or handed over before they are switched off."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, rails

from crosskey.errors import AuthError, ConfigError
from crosskey.plan import Duty, HandOver

TICKETS = Duty(kind="open_tickets", count=3, examples=("#7 Printer", "#9 Scanner"))
LEADS = Duty(kind="leads", count=1, examples=("First",))


def config(duties: str) -> str:
    return CONFIG.replace("[map.agent]", f"[map.agent]\nleavers = {{ duties = {duties} }}")


@pytest.fixture
def company(bench):
    bench.desk.duties = {}
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Desk"])
    return bench


async def leaving(bench, duties, *who, told=(TICKETS, LEADS), **options):
    """Both at work; then some leave, with something that waits for ada."""
    bench.configure(config(duties))
    await bench.run()
    bench.desk.duties = {bench.desk.of("agent")["Ada"].key: list(told)}
    for name in who or ("ada",):
        bench.directory.change(name, active=False)
    return await bench.run(**options)


def on(bench, name="Ada"):
    return bench.desk.of("agent")[name].active


def words(result):
    return [notice.summary for notice in result.notices]


async def test_listed_means_told_and_out_at_once(company):
    result = await leaving(company, '"list"')
    [disable] = company.changes
    assert (disable.duties, disable.hand_over) == ((TICKETS, LEADS), None)
    assert not on(company)
    [told] = words(result)
    assert told == "Ada leaves behind 3 open tickets (#7 Printer, #9 Scanner, …); 1 team or department led (First)"


async def test_many_are_asked_for_together_and_who_stays_on_is_not(company):
    await leaving(company, '"list"', "ada", "bob")
    assert [len(keys) for keys in company.desk.asked] == [2]
    await company.run()
    assert len(company.desk.asked) == 1


async def test_hold_waits_until_nothing_waits(company):
    result = await leaving(company, '"hold"', "ada", "bob")
    assert rails(result) == ["duties-open"]
    assert (on(company), on(company, "Bob")) == (True, False)
    key = company.desk.of("agent")["Ada"].key
    assert f"--allow duties-open=agent:{key}" in result.plan.held[0].fix
    assert rails(await company.run(allow=("duties-open=agent:999",))) == ["duties-open"]
    company.desk.duties = {}
    assert rails(await company.run()) == []
    assert not on(company)


async def test_a_person_lets_one_go_all_the_same(company):
    await leaving(company, '"hold"')
    key = company.desk.of("agent")["Ada"].key
    result = await company.run(allow=(f"duties-open=agent:{key}",))
    assert (rails(result), on(company)) == ([], False)


@pytest.mark.parametrize("error", [AuthError("no right to list tickets"), ValueError("oops")])
@pytest.mark.parametrize("duties", ['"list"', '{ reassign = "agent:99" }', '"hold"'])
async def test_where_nobody_can_tell_it_is_said_and_only_hold_holds(company, error, duties):
    company.configure(config(duties))
    await company.run()
    company.desk.duties = error
    company.directory.change("ada", active=False)
    result = await company.run()
    assert any("is not known" in text for text in words(result))
    assert (rails(result), on(company)) == ((["duties-open"], True) if "hold" in duties else ([], False))
    if "reassign" in duties:
        assert company.changes[0].hand_over == HandOver(to="agent", key="99", label="agent 99")


async def test_a_target_that_tells_nothing_is_as_ever_unless_it_must(bench):
    bench.directory.add("ada", groups=["Desk"])
    bench.configure(config('"list"'))
    await bench.run()
    bench.directory.change("ada", active=False)
    assert words(await bench.run("plan")) == []
    bench.configure(config('"hold"'))
    result = await bench.run()
    assert (rails(result), on(bench)) == (["duties-open"], True)


async def test_tickets_are_handed_over_with_the_disable_and_the_rest_is_told(company):
    result = await leaving(company, '{ reassign = "teams:First" }', "ada", "bob")
    by_label = {change.label: change for change in company.changes}
    assert by_label["Ada"].hand_over == HandOver(to="teams", key="teams-first", label="teams First")
    assert by_label["Bob"].hand_over is None
    assert words(result) == ["Ada leaves behind 1 team or department led (First); give that to somebody"]


async def test_nobody_inherits_from_themselves(company):
    company.configure(config('"list"'))
    await company.run()
    key = company.desk.of("agent")["Ada"].key
    result = await leaving(company, f'{{ reassign = "agent:{key}" }}')
    assert company.changes[0].hand_over is None
    assert any("theirs stay" in text for text in words(result))


@pytest.mark.parametrize("heir", ["Ada", "agent:", "teams:Nowhere", "moon:First"])
async def test_an_heir_whom_nobody_knows_is_refused(company, heir):
    with pytest.raises(ConfigError) as refused:
        await leaving(company, f'{{ reassign = "{heir}" }}')
    assert "leavers.duties.reassign" in str(refused.value)


async def test_a_saved_plan_stands_although_a_ticket_came_meanwhile(company, tmp_path):
    from crosskey.engine.saved import load_plan

    await leaving(company, '"list"', kind="plan", keep=tmp_path / "plan.json")
    company.desk.duties = {key: [Duty(kind="open_tickets", count=4)] for key in company.desk.duties}
    await company.run("apply", expected=load_plan(tmp_path / "plan.json"))
    assert not on(company)


async def test_a_held_class_is_not_asked_for(company):
    company.configure(config('"list"') + "\n[rails]\nmax_disable = { count = 1, percent = 0 }\n")
    await company.run()
    for name in ("ada", "bob"):
        company.directory.change(name, active=False)
    assert rails(await company.run()) == ["mass-disable"]
    assert company.desk.asked == []
