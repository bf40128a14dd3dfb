"""Leavers under pressure: absent, flapping, switched by hand, kept, in grace, with a write under way."""

from engine_bench import CONFIG, rails

GRACE = CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]')
KEEP = CONFIG.replace("[map.user.fields]", 'leavers = { do = "keep" }\n[map.user.fields]')
DAY = 86_400


async def hired(bench, *names):
    for name in names:
        bench.directory.add(name, groups=["Staff"])
    await bench.run()


def fire(bench, name):
    bench.directory.people.pop(name)
    for members in bench.directory.members.values():
        members.discard(name)


async def test_an_absent_leaver_whose_last_write_is_not_settled_waits(bench):
    await hired(bench, "ada", "bob")
    fire(bench, "ada")
    bench.desk.fault = "lost-request"
    assert (await bench.run()).verdict == "failed"
    bench.desk.fault = ""
    bench.directory.change("bob", display_name="Bob B")
    result = await bench.run()
    assert rails(result) == ["unsettled"]
    assert bench.did() == ["update user Bob B"]
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_somebody_gone_whom_somebody_switched_on_again_is_switched_off_again(bench):
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.desk.edit("user", bench.desk.of("user")["Ada"].key, active=True)
    fire(bench, "ada")
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_who_is_gone_and_switched_off_costs_no_look_up(bench):
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False)
    await bench.run()
    fire(bench, "ada")
    await bench.run()
    await bench.run()
    assert bench.did() == []
    assert bench.directory.finds == []


async def test_where_leavers_are_kept_nobody_is_looked_up(bench):
    bench.configure(KEEP)
    await hired(bench, *(f"p{number:02}" for number in range(40)))
    for number in range(11):
        fire(bench, f"p{number:02}")
    result = await bench.run()
    assert rails(result) == []
    assert bench.directory.finds == []


async def test_a_source_that_cannot_look_people_up_leaves_the_absent_held(bench):
    await hired(bench, "ada", "bob")
    fire(bench, "ada")
    bench.directory.can_find = False
    result = await bench.run(allow=["absence-unconfirmed=1"])
    assert rails(result) == ["absence-unconfirmed"]
    assert "cannot look people up" in result.plan.held[0].summary
    assert result.plan.held[0].examples == ("user 1 (ada)",)
    assert bench.did() == []


async def test_what_somebody_switched_on_and_later_off_again_is_not_switched_on(bench):
    await hired(bench, "ada", "bob")
    key = bench.desk.of("user")["Ada"].key
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.desk.edit("user", key, active=True)  # by hand, before the source said so
    bench.directory.change("ada", active=True)
    await bench.clock.sleep(600)
    await bench.run()
    assert bench.did() == []
    bench.desk.edit("user", key, active=False)  # by hand: suspended
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["disabled-by-hand"]


async def test_a_list_that_lags_behind_our_own_write_is_not_taken_for_somebodys_hand(bench):
    await hired(bench, "ada", "bob")
    key = bench.desk.of("user")["Ada"].key
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.desk.edit("user", key, active=True)  # the list does not show it yet
    bench.directory.change("ada", active=True)
    await bench.clock.sleep(60)
    await bench.run()
    assert bench.did() == []
    bench.desk.edit("user", key, active=False)  # now it does
    await bench.run()
    assert bench.did() == ["enable user Ada"]


async def test_grace_begins_anew_after_the_listing_only_flapped(bench):
    bench.configure(GRACE)
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.directory.change("ada", active=True)
    bench.directory.hidden = {"ada"}
    await bench.clock.sleep(DAY)
    await bench.run()
    bench.directory.hidden = set()
    bench.directory.change("ada", active=False)
    await bench.clock.sleep(1.5 * DAY)
    await bench.run()
    assert bench.did() == []


async def test_grace_begins_anew_for_who_came_back_to_a_deleted_account(bench):
    bench.configure(GRACE)
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.desk.accounts.pop(("user", bench.desk.of("user")["Ada"].key))
    bench.directory.change("ada", active=True)
    await bench.clock.sleep(DAY)
    await bench.run()
    assert bench.did() == ["create user Ada"]
    bench.directory.change("ada", active=False)
    await bench.clock.sleep(1.5 * DAY)
    await bench.run()
    assert bench.did() == []


async def test_grace_holds_for_the_absent_too(bench):
    bench.configure(GRACE)
    await hired(bench, "ada", "bob")
    fire(bench, "ada")
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["leaver-grace"]
    await bench.clock.sleep(2 * DAY)
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_an_absent_protected_person_is_protected_by_id(bench):
    await hired(bench, "ada", "bob")
    bench.configure(CONFIG + '\n[rails]\nprotect = ["ada"]')
    fire(bench, "ada")
    result = await bench.run()
    assert rails(result) == ["protected"]
    assert result.plan.held[0].subject.id == "ada"
    assert bench.did() == []


async def test_roles_that_crosskey_gave_go_when_no_rule_gives_roles_any_more(bench):
    bench.directory.add("ada", groups=["Staff", "London"])
    await bench.run()
    account = bench.desk.of("user")["Ada"]
    roles = {**account.references, "roles": ("roles-approver", "roles-viewer")}
    bench.desk.edit("user", account.key, references=roles)
    bench.configure(CONFIG.replace('roles = ["Viewer"]\n', ""))
    await bench.run()
    assert bench.desk.of("user")["Ada"].references["roles"] == ("roles-approver",)
    await bench.run()
    assert bench.did() == []


async def test_a_kind_without_rules_is_told_while_its_accounts_are_still_linked(bench):
    bench.directory.add("ada", groups=["Staff", "Desk"])
    await bench.run()
    bench.configure(CONFIG[: CONFIG.index("[map.agent]")])
    bench.directory.change("ada", active=False)
    result = await bench.run()
    assert bench.did() == ["disable user Ada"]
    told = [notice for notice in result.notices if notice.code == "links-without-rules"]
    assert [notice.path for notice in told] == ["map.agent"]
    assert told[0].summary.startswith("1 agent account is linked")
    assert "[map.agent]" in told[0].fix


async def test_somebody_gone_whose_account_is_gone_too_needs_nothing(bench):
    await hired(bench, "ada", "bob")
    fire(bench, "ada")
    bench.desk.accounts.pop(("user", bench.desk.of("user")["Ada"].key))
    result = await bench.run()
    assert (bench.did(), rails(result), bench.directory.finds) == ([], [], [])


async def test_a_source_that_cannot_look_people_up_is_no_matter_while_nobody_active_is_absent(bench):
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False)
    await bench.run()
    fire(bench, "ada")
    bench.directory.can_find = False
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])
