"""A whole run: who gets what, once, with reasons."""

from engine_bench import CONFIG, rails


async def test_a_first_sync_makes_everyone_in_scope_and_the_second_plans_nothing(bench):
    bench.directory.add("ada", groups=["Staff", "London"], title="Engineer")
    bench.directory.add("bob", groups=["Staff", "Desk"])
    bench.directory.add("eve")
    result = await bench.run()
    assert bench.did() == ["create agent Bob", "create user Ada", "create user Bob"]
    assert result.verdict == "clean"
    ada = bench.desk.of("user")["Ada"]
    assert ada.fields == {"name": "Ada", "mail": "ada@example.com", "title": "Engineer"}
    assert ada.references == {"site": ("site-london",), "roles": ("roles-viewer",)}
    assert bench.desk.of("agent")["Bob"].references == {"teams": ("teams-first",)}
    again = await bench.run()
    assert bench.did() == []
    assert again.verdict == "clean"
    assert len(bench.desk.writes) == 3


async def test_a_plan_writes_nothing(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run("plan")
    assert bench.did() == ["create user Ada"]
    assert bench.desk.writes == []


async def test_leaver_mover_and_starter_come_out_as_exactly_three_changes(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False, status="OFF")
    bench.directory.group("London").add("bob")
    bench.directory.add("dora", groups=["Staff"])
    await bench.run()
    assert bench.did() == ["disable user Ada", "create user Dora", "update user Bob"]
    leaver, starter, mover = bench.changes
    assert leaver.why == {"": 'left: status "OFF" in the source'}
    assert leaver.end_sessions
    assert 'in group "Staff"' in starter.why[""]
    assert 'in group "London"' in mover.why["site"]
    assert not bench.desk.of("user")["Ada"].active


async def test_leaving_the_group_is_leaving(bench):
    bench.directory.add("ada", groups=["Staff", "Desk"])
    bench.directory.add("bob", groups=["Staff", "Desk"])
    await bench.run()
    bench.directory.group("Desk").discard("ada")
    await bench.run()
    assert bench.did() == ["disable agent Ada"]
    assert "out of scope" in bench.changes[0].why[""]
    assert "Desk" in bench.changes[0].why[""]


async def test_only_what_crosskey_disabled_is_enabled_again(bench):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.run()
    key = bench.desk.of("user")["Bob"].key
    bench.desk.edit("user", key, active=False)
    bench.directory.change("ada", active=True)
    result = await bench.run()
    assert bench.did() == ["enable user Ada"]
    assert bench.desk.of("user")["Ada"].active
    assert not bench.desk.of("user")["Bob"].active
    assert [notice.code for notice in result.notices] == ["disabled-by-hand"]


async def test_a_role_given_by_hand_stays_and_only_ours_is_taken_away(bench):
    bench.directory.add("ada", groups=["Staff", "London"])
    await bench.run()
    account = bench.desk.of("user")["Ada"]
    bench.desk.edit("user", account.key, references={**account.references, "roles": ("roles-approver", "roles-viewer")})
    await bench.run()
    assert bench.did() == []
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.desk.of("user")["Ada"].references == {"roles": ("roles-approver",), "site": ("site-main",)}


async def test_ownership_of_fields(bench):
    bench.directory.add("ada", groups=["Staff"], title="Engineer", department="R&D")
    await bench.run()
    key = bench.desk.of("user")["Ada"].key
    bench.directory.change("ada", title="Boss", department="Sales", display_name="Ada L")
    await bench.run()
    assert bench.did() == ["update user Ada L"]
    assert bench.desk.accounts["user", key].fields == {
        "name": "Ada L",
        "mail": "ada@example.com",
        "title": "Engineer",
        "note": "R&D",
    }


async def test_a_value_somebody_else_wrote_is_never_cleared(bench):
    bench.configure(CONFIG.replace('note = { from = "department", write = "if_empty" }', 'note = "department"'))
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"], department="R&D")
    await bench.run()
    ada, bob = bench.desk.of("user")["Ada"], bench.desk.of("user")["Bob"]
    bench.desk.edit("user", ada.key, fields={**ada.fields, "note": "by hand"})
    bench.directory.change("bob", department="")
    await bench.run()
    assert bench.did() == ["update user Bob"]
    assert bench.desk.accounts["user", ada.key].fields["note"] == "by hand"
    assert bench.desk.accounts["user", bob.key].fields["note"] == ""


async def test_an_unknown_status_changes_nothing(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=None, display_name="Other")
    await bench.run()
    assert bench.did() == []


async def test_an_account_deleted_by_hand_is_made_anew_once_the_settle_time_has_passed(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.desk.accounts.clear()
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["not-yet-listed"]
    await bench.clock.sleep(600)
    await bench.run()
    assert bench.did() == ["create user Ada"]
    await bench.run()
    assert bench.did() == []


async def test_grace_keeps_a_leaver_until_it_is_over(bench):
    bench.configure(CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]'))
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["leaver-grace"]
    await bench.clock.sleep(86_400)
    bench.directory.change("ada", active=True)
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.clock.sleep(86_400 + 60)
    await bench.run()
    assert bench.did() == [], "coming back started the grace anew"
    await bench.clock.sleep(2 * 86_400)
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_leavers_are_kept_where_the_mapping_says_so(bench):
    bench.configure(CONFIG.replace("[map.user.fields]", 'leavers = { do = "keep" }\n[map.user.fields]'))
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    result = await bench.run()
    assert bench.did() == []
    assert rails(result) == []
