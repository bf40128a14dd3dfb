"""Values that somebody else changed in the desk: noticed once, shown, and handled as the policy says."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, rails

from crosskey.engine.drift import report
from crosskey.engine.stage import Stage
from crosskey.plan import FieldChange, ReferenceChange

LATER = 200


def config(policy: str, fields: str = 'phone = "work_phone"') -> str:
    rules = CONFIG.replace("[map.user]", f'[map.user]\ndrift = "{policy}"')
    return rules.replace("[map.user.fields]", f"[map.user.fields]\n{fields}")


@pytest.fixture
def company(bench):
    bench.desk.add_field("phone", listed=True)
    bench.directory.add("ada", groups=["Staff", "London"], work_phone="1")
    return bench


async def synced(bench, policy, **options):
    bench.configure(config(policy, **options))
    await bench.run()
    bench.clock.advance(LATER)
    return bench.desk.of("user")["Ada"].key


def edit(bench, key, **fields):
    account = bench.desk.accounts["user", key]
    bench.desk.edit("user", key, fields={**account.fields, **fields})


def give(bench, key, **references):
    account = bench.desk.accounts["user", key]
    bench.desk.edit("user", key, references={**account.references, **references})


def field(bench, key, name="phone"):
    return bench.desk.accounts["user", key].fields[name]


def noticed(bench):
    with bench.journal() as journal:
        return [event.facts["part"] for event in journal.events() if event.kind == "drift.noticed"]


def standing(bench):
    with bench.journal() as journal:
        return {(drift.key, drift.part): drift for drift in journal.all_drifts()}


def shown(bench):
    with bench.journal() as journal, Stage.kept(bench.config.journal.path.with_name("snapshot.sqlite")) as stage:
        return report(bench.config, journal, stage).drifts


async def test_reassert_writes_again_and_says_why(company):
    key = await synced(company, "reassert")
    with company.journal() as journal:
        first = journal.runs()[0].id
    edit(company, key, phone="9")
    result = await company.run()
    [change] = company.changes
    assert change.fields == {"phone": FieldChange("9", "1")}
    assert change.drifted == ("phone",)
    assert change.why["phone"].startswith(f'drift: somebody set "9", last applied "1" in run {first}; ')
    assert (rails(result), field(company, key)) == ([], "1")
    assert (noticed(company), standing(company)) == (["phone"], {})
    company.clock.advance(LATER)
    await company.run()
    assert company.did() == []


async def test_yield_leaves_it_and_takes_it_back_once_both_say_the_same(company):
    key = await synced(company, "yield")
    edit(company, key, phone="9")
    result = await company.run()
    assert company.did() == []
    assert [notice.code for notice in result.notices] == ["drift-left"]
    company.directory.change("ada", work_phone="2", title="Boss")
    await company.run()
    assert (company.did(), field(company, key)) == ([], "9")
    assert (noticed(company), standing(company)[key, "phone"].ours) == (["phone"], "1")
    edit(company, key, phone="2")
    await company.run()
    assert (company.did(), standing(company)) == ([], {})
    company.directory.change("ada", work_phone="3")
    await company.run()
    assert (company.did(), field(company, key)) == (["update user Ada"], "3")


async def test_alert_holds_what_was_changed_and_nothing_else(company):
    key = await synced(company, "alert")
    edit(company, key, phone="9")
    company.directory.change("ada", display_name="Ada L", work_phone="2")
    result = await company.run()
    [change] = company.changes
    assert change.fields == {"name": FieldChange("Ada", "Ada L")}
    assert rails(result) == ["drift"]
    assert f"--allow drift=user:{key}" in result.plan.held[0].fix
    company.clock.advance(LATER)
    await company.run()
    assert company.did() == []
    other = await company.run(allow=("drift=user:999",))
    assert (rails(other), field(company, key)) == (["drift"], "9")
    result = await company.run(allow=(f"drift=user:{key}",))
    assert (rails(result), field(company, key)) == ([], "2")
    assert (noticed(company), standing(company)) == (["phone"], {})


async def test_a_field_has_a_policy_of_its_own(company):
    key = await synced(company, "alert", fields='phone = { from = "work_phone", drift = "yield" }')
    edit(company, key, phone="9", mail="other@example.com")
    result = await company.run()
    assert rails(result) == ["drift"]
    assert "mail: drift" in result.plan.held[0].summary
    assert "phone" not in result.plan.held[0].summary
    assert sorted((one.drift.part, one.policy) for one in shown(company)) == [("mail", "alert"), ("phone", "yield")]


@pytest.mark.parametrize("policy", ["reassert", "yield", "alert"])
async def test_a_changed_source_is_no_drift(company, policy):
    key = await synced(company, policy)
    for phone in ("2", "3", "1"):
        company.directory.change("ada", work_phone=phone)
        await company.run()
        assert field(company, key) == phone  # at once, and whatever lists show of the write before
    company.clock.advance(LATER)
    await company.run()
    assert (company.did(), noticed(company)) == ([], [])


@pytest.mark.parametrize("policy", ["yield", "alert"])
async def test_values_of_an_adopted_account_are_owned_once_they_were_as_the_rules_say(bench, policy):
    bench.desk.add_field("phone", listed=True)
    bench.desk.add("user", name="Ada", mail="ada@example.com", phone="1")
    bench.directory.add("ada", groups=["Staff"], work_phone="1")
    key = await synced(bench, policy)
    await bench.run()
    edit(bench, key, phone="9")
    bench.directory.change("ada", work_phone="2")
    await bench.run()
    assert (bench.did(), field(bench, key), noticed(bench)) == ([], "9", ["phone"])


@pytest.mark.parametrize("policy", ["yield", "alert"])
async def test_a_field_that_was_empty_and_that_somebody_filled_is_theirs(company, policy):
    company.directory.change("ada", work_phone="")
    key = await synced(company, policy)
    await company.run()
    edit(company, key, phone="9")
    await company.run()
    company.directory.change("ada", work_phone="2")
    await company.run()
    assert (company.did(), field(company, key)) == ([], "9")


async def test_a_rule_that_is_new_takes_the_field_over(company):
    company.configure(CONFIG.replace("[map.user]", '[map.user]\ndrift = "yield"'))
    await company.run()
    key = company.desk.of("user")["Ada"].key
    company.clock.advance(LATER)
    await company.run()
    edit(company, key, phone="by hand")
    company.configure(config("yield"))
    await company.run()
    assert (field(company, key), noticed(company)) == ("1", [])


@pytest.mark.parametrize("kept", ["ada byron", "Ada  Byron", "ADA BYRON"])
async def test_what_the_desk_keeps_in_its_own_way_is_no_drift_and_is_written_once(company, kept):
    company.directory.change("ada", work_phone="Ada Byron")
    key = await synced(company, "yield")
    edit(company, key, phone=kept)  # what the desk made of it, before anybody looked
    await company.run()
    assert (company.did(), noticed(company)) == ([], [])
    edit(company, key, phone="Ada BYRON")  # and this was somebody
    await company.run()
    assert (company.did(), noticed(company)) == ([], ["phone"])
    edit(company, key, phone=kept)
    company.directory.change("ada", work_phone="Augusta")
    await company.run()
    assert field(company, key) == "Augusta"


async def test_letters_that_somebody_changed_after_they_were_seen_right_are_drift(company):
    company.directory.change("ada", work_phone="Ada Byron")
    key = await synced(company, "reassert")
    await company.run()
    edit(company, key, phone="ada byron")
    await company.run()
    assert (field(company, key), noticed(company)) == ("Ada Byron", ["phone"])


async def test_a_list_that_lags_behind_is_no_drift(company):
    key = await synced(company, "alert")
    stale = company.desk.accounts["user", key]
    company.directory.change("ada", work_phone="2")
    await company.run()
    fresh = company.desk.accounts["user", key]
    company.desk.accounts["user", key] = stale
    result = await company.run()
    assert (rails(result), company.did(), noticed(company)) == ([], [], [])
    company.desk.accounts["user", key] = fresh
    company.clock.advance(LATER)
    await company.run()
    assert (company.did(), noticed(company)) == ([], [])


async def test_a_list_that_lags_while_the_source_goes_back_loses_no_write(company):
    key = await synced(company, "yield")
    stale = company.desk.accounts["user", key]
    company.directory.change("ada", work_phone="2")
    await company.run()
    fresh = company.desk.accounts["user", key]
    company.directory.change("ada", work_phone="1")
    company.desk.accounts["user", key] = stale
    await company.run()
    company.desk.accounts["user", key] = fresh
    company.clock.advance(LATER)
    await company.run()
    assert (field(company, key), noticed(company)) == ("1", [])


async def test_what_was_written_and_refused_is_nobodys_hand(company):
    key = await synced(company, "alert")
    company.directory.change("ada", work_phone="Two")
    company.desk.bad = {"Ada"}
    await company.run()
    edit(company, key, phone="two")  # the desk did it after all, in its own way
    company.desk.bad = set()
    company.clock.advance(LATER)
    result = await company.run()
    assert (rails(result), noticed(company)) == ([], [])


async def test_a_role_that_was_given_and_taken_away_is_drift_and_one_given_by_hand_is_not(company):
    key = await synced(company, "reassert")
    give(company, key, roles=("roles-approver",))
    await company.run()
    [change] = company.changes
    assert change.references == {"roles": ReferenceChange(("roles-approver",), ("roles-approver", "roles-viewer"))}
    assert change.drifted == ("roles",)
    assert change.why["roles"].startswith("drift: somebody took away what was given in run ")
    assert noticed(company) == ["roles"]


async def test_a_role_that_somebody_took_away_stays_away_under_yield(company):
    company.configure(config("yield") + '\n[[map.user.assign]]\ngroup = "Boss"\nroles = ["Approver"]\n')
    company.directory.group("Boss")
    await company.run()
    key = company.desk.of("user")["Ada"].key
    company.clock.advance(LATER)
    give(company, key, roles=())
    await company.run()
    company.directory.group("Boss").add("ada")
    await company.run()
    assert company.desk.accounts["user", key].references["roles"] == ("roles-approver",)
    company.clock.advance(LATER)
    await company.run()
    assert (company.did(), noticed(company)) == ([], ["roles"])
    for staff in (company.directory.group("London"),):
        staff.discard("ada")
    await company.run()
    company.clock.advance(LATER)
    company.directory.group("London").add("ada")
    await company.run()
    assert set(company.desk.accounts["user", key].references["roles"]) == {"roles-approver", "roles-viewer"}


@pytest.mark.parametrize(("policy", "site"), [("reassert", "site-london"), ("yield", "site-berlin")])
async def test_a_site_that_somebody_chose(company, policy, site):
    key = await synced(company, policy)
    give(company, key, site=("site-berlin",))
    await company.run()
    assert company.desk.accounts["user", key].references["site"] == (site,)
    assert noticed(company) == ["site"]
    company.clock.advance(LATER)
    await company.run()
    assert company.did() == []


async def test_what_somebody_took_away_and_no_rule_gives_any_more_is_theirs_when_it_comes_back(company):
    key = await synced(company, "reassert")
    company.directory.group("London").discard("ada")
    give(company, key, roles=())
    await company.run()
    give(company, key, roles=("roles-viewer",))
    company.clock.advance(LATER)
    await company.run()
    assert company.desk.accounts["user", key].references["roles"] == ("roles-viewer",)


async def test_switches_are_shown_and_stay_handled_as_ever(company):
    key = await synced(company, "reassert")
    company.desk.edit("user", key, active=False)
    result = await company.run()
    assert [notice.code for notice in result.notices] == ["disabled-by-hand"]
    [one] = shown(company)
    assert (one.drift.part, one.drift.ours, one.drift.now) == ("active", True, False)
    assert one.will == "left as it is: crosskey only enables what it disabled"
    company.desk.edit("user", key, active=True)
    await company.run()
    assert standing(company) == {}
    company.directory.change("ada", active=False)
    await company.run()
    company.clock.advance(LATER)
    company.desk.edit("user", key, active=True)
    await company.run("plan")
    assert [one.will for one in shown(company)] == ["switched off again"]
    await company.run()
    assert company.did() == ["disable user Ada"]
    assert (standing(company), noticed(company)) == ({}, ["active", "active"])


@pytest.mark.parametrize("policy", ["reassert", "yield", "alert"])
async def test_nothing_is_promised_for_an_account_that_somebody_switched_off(company, policy):
    key = await synced(company, policy)
    edit(company, key, phone="9")
    company.desk.edit("user", key, active=False)
    await company.run()
    assert {one.drift.part: one.will for one in shown(company)} == {
        "active": "left as it is: crosskey only enables what it disabled",
        "phone": "nothing while the account is switched off",
    }
    await company.run()
    assert company.did() == []


async def test_drift_is_noticed_once_however_often_it_is_seen(company):
    key = await synced(company, "yield")
    edit(company, key, phone="9")
    for _ in range(3):
        await company.run("plan")
        await company.run()
    edit(company, key, phone="10")
    await company.run()
    assert noticed(company) == ["phone"]
    assert standing(company)[key, "phone"].now == "10"


async def test_the_report_says_who_what_and_what_comes(company):
    key = await synced(company, "alert")
    with company.journal() as journal:
        first = journal.runs()[0].id
    edit(company, key, phone="9")
    company.directory.change("ada", work_phone="2")
    await company.run()
    [one] = shown(company)
    assert (one.label, one.drift.part, one.drift.ours, one.drift.now, one.wanted) == ("Ada", "phone", "1", "9", "2")
    assert (one.applied_in, one.policy) == (first, "alert")
    assert one.will == f"held; to have it written again: crosskey approve drift --only user:{key}"


async def test_a_field_that_fills_only_once_takes_no_policy(company):
    with pytest.raises(Exception, match="drift says nothing there"):
        company.configure(
            config("yield", fields='phone = { from = "work_phone", write = "on_create", drift = "yield" }')
        )
        await company.run()
