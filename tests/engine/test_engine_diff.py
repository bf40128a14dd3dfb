"""What exactly is written: nothing empty into a new account, nothing twice, nothing that is somebody else's."""

from engine_bench import CONFIG

from crosskey.plan import FieldChange, ReferenceChange


def with_pin(rule):
    return CONFIG.replace("[[map.user.assign]]", f"pin = {rule}\n[[map.user.assign]]", 1)


async def test_a_create_holds_what_has_a_value_and_nothing_else(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    [create] = bench.changes
    assert create.fields == {"name": FieldChange(None, "Ada"), "mail": FieldChange(None, "ada@example.com")}
    assert create.references == {"site": ReferenceChange((), ("site-main",))}
    assert create.active == FieldChange(before=False, after=True)
    assert (create.key, create.end_sessions) == (None, False)
    assert create.marker.startswith("ck-")
    assert create.id == f"user:{create.marker}"


async def test_a_disable_holds_the_switch_and_nothing_else(bench):
    bench.directory.add("ada", groups=["Staff", "London"])
    await bench.run()
    bench.directory.change("ada", active=False, display_name="Ada L")
    await bench.run()
    [disable] = bench.changes
    assert disable.active == FieldChange(before=True, after=False)
    assert (disable.fields, disable.references, disable.marker, disable.key) == ({}, {}, "", "1")


async def test_an_update_holds_what_differs_with_its_value_before(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", display_name="Ada L")
    bench.directory.group("London").add("ada")
    await bench.run()
    [update] = bench.changes
    assert update.fields == {"name": FieldChange("Ada", "Ada L")}
    assert update.references == {
        "site": ReferenceChange(("site-main",), ("site-london",)),
        "roles": ReferenceChange((), ("roles-viewer",)),
    }
    assert update.active is None
    assert "" not in update.why
    assert set(update.why) == {"name", "site", "roles"}


async def test_a_field_that_lists_do_not_show_is_compared_with_what_was_last_written(bench):
    bench.desk.add_field("pin", listed=False)
    bench.configure(with_pin('"employee_number"'))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    await bench.run()
    await bench.run()
    assert bench.did() == []
    bench.directory.change("ada", employee_number="2")
    await bench.run()
    assert bench.changes[0].fields == {"pin": FieldChange("1", "2")}
    await bench.run()
    assert bench.did() == []


async def test_a_field_that_a_list_shows_after_all_is_compared_with_what_it_shows(bench):
    bench.desk.add_field("pin", listed=False)
    bench.desk.shows_unlisted = True
    bench.configure(with_pin('"employee_number"'))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    await bench.run()
    account = bench.desk.of("user")["Ada"]
    bench.desk.edit("user", account.key, fields={**account.fields, "pin": "9"})
    await bench.clock.sleep(600)
    await bench.run()
    assert bench.changes[0].fields == {"pin": FieldChange("9", "1")}


async def test_whether_a_field_that_lists_do_not_show_is_empty_nobody_knows(bench):
    bench.desk.add_field("pin", listed=False)
    bench.configure(with_pin('{ from = "employee_number", write = "if_empty" }'))
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", employee_number="1")
    await bench.run()
    assert bench.did() == []


async def test_a_reference_of_which_one_can_be_had_is_replaced_and_never_taken_away(bench):
    bench.directory.add("ada", groups=["Staff", "London"])
    await bench.run()
    bench.configure(CONFIG.replace('default = { site = "Acme / Main" }\n', "").replace('site = "Acme / London"\n', ""))
    bench.desk.make_sites_optional()
    await bench.run()
    assert bench.did() == []
    assert bench.desk.of("user")["Ada"].references["site"] == ("site-london",)
