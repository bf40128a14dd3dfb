"""Lists that lag behind answered writes, columns that are too short, refusals that last: nothing is written twice.

Nobody's hand is taken for any of them.
"""

from engine_bench import rails

SETTLE = 121


async def staff(bench, *names, groups=("Staff",)):
    for name in names:
        bench.directory.add(name, groups=groups)
    await bench.run()
    bench.clock.advance(SETTLE)


def shown(bench, account) -> None:
    """Lists show the account as it was; put it back in its new state with the answer."""
    bench.desk.accounts[account.kind, account.key] = account


async def test_what_was_just_written_and_is_not_shown_yet_is_not_planned_again(bench):
    await staff(bench, "ada")
    before = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", display_name="Ada L")
    bench.directory.group("London").add("ada")
    await bench.run()
    assert bench.did() == ["update user Ada L"]
    after = bench.desk.of("user")["Ada L"]
    shown(bench, before)
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["not-yet-listed"]
    shown(bench, after)
    result = await bench.run()
    assert (bench.did(), result.notices) == ([], ())


async def test_what_stays_unshown_after_the_settle_time_is_written_again(bench):
    await staff(bench, "ada")
    before = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", display_name="Ada L")
    await bench.run()
    shown(bench, before)
    bench.clock.advance(SETTLE)
    await bench.run()
    assert bench.did() == ["update user Ada L"]


async def test_a_hand_that_wrote_something_else_is_corrected_at_once(bench):
    await staff(bench, "ada")
    bench.directory.change("ada", display_name="Ada L")
    await bench.run()
    account = bench.desk.of("user")["Ada L"]
    bench.desk.edit("user", account.key, fields={**account.fields, "name": "By Hand"})
    await bench.run()
    assert bench.did() == ["update user Ada L"]
    assert bench.desk.accounts["user", account.key].fields["name"] == "Ada L"


async def test_what_is_new_is_planned_beside_what_is_not_shown_yet(bench):
    await staff(bench, "ada")
    before = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", display_name="Ada L")
    await bench.run()
    shown(bench, before)
    bench.directory.group("London").add("ada")
    await bench.run()
    [change] = bench.changes
    assert (set(change.fields), set(change.references)) == (set(), {"site", "roles"})


async def test_a_leaver_whom_the_list_shows_active_is_switched_off_again_at_once(bench):
    await staff(bench, "ada")
    before = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", active=False)
    await bench.run()
    shown(bench, before)
    await bench.run()
    assert bench.did() == ["disable user Ada"], "a lag or somebody's hand: rather twice than left in"


async def test_somebody_back_whose_list_lags_is_switched_on_once(bench):
    await staff(bench, "ada")
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.clock.advance(SETTLE)
    off = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", active=True, display_name="Ada L")
    await bench.run()
    assert bench.did() == ["enable user Ada L"]
    shown(bench, off)
    result = await bench.run()
    assert bench.did() == []
    assert {notice.code for notice in result.notices} <= {"not-yet-listed", "disabled-by-hand"}


async def test_a_write_that_was_refused_is_tried_again(bench):
    await staff(bench, "ada")
    bench.directory.change("ada", display_name="Ada L")
    bench.desk.bad = {"Ada L"}
    await bench.run()
    bench.desk.bad = set()
    bench.clock.advance(3601)
    await bench.run()
    assert bench.did() == ["update user Ada L"]


async def test_there_and_back_and_there_again_is_written_each_time(bench):
    await staff(bench, "ada")
    for name in ("Ada L", "Ada", "Ada L"):
        bench.directory.change("ada", display_name=name)
        await bench.run()
        assert bench.did() == [f"update user {name}"]


LONG = "Augusta Ada Byron, Countess of Lovelace"


def called(bench, name: str) -> None:
    account = next(account for account in bench.desk.of("user").values())
    bench.desk.edit("user", account.key, fields={**account.fields, "name": name})


async def test_what_a_column_cuts_is_not_written_again(bench):
    bench.directory.add("ada", groups=["Staff"], display_name=LONG)
    await bench.run()
    called(bench, LONG[:25])
    await bench.run()
    assert bench.did() == []
    bench.directory.change("ada", display_name=LONG.replace("Countess", "Duchess"))
    await bench.run()
    assert [change.fields["name"].after for change in bench.changes] == [LONG.replace("Countess", "Duchess")]


async def test_what_is_shorter_by_hand_is_corrected(bench):
    bench.directory.add("ada", groups=["Staff"], display_name=LONG)
    await bench.run()
    for name in (LONG[:11], "Countess of Lovelace, at home"):
        called(bench, name)
        await bench.run()
        assert [change.fields["name"].after for change in bench.changes] == [LONG]


async def test_a_name_that_grew_is_written(bench):
    bench.directory.add("ada", groups=["Staff"], display_name=LONG[:25])
    await bench.run()
    bench.directory.change("ada", display_name=LONG)
    await bench.run()
    assert [change.fields["name"].after for change in bench.changes] == [LONG]


async def refused(bench, *, final: bool) -> None:
    """Ada's new name was refused once."""
    await staff(bench, "ada")
    bench.directory.change("ada", display_name="Ada L")
    bench.desk.bad = {"Ada L"}
    bench.desk.final = frozenset({"bad"} if final else ())
    assert (await bench.run()).verdict == "partial"


async def test_what_the_target_would_not_do_is_held_and_not_sent_with_every_run(bench):
    await refused(bench, final=True)
    result = await bench.run()
    assert (bench.did(), rails(result), result.verdict) == ([], ["refused-before"], "held")
    [hold] = result.plan.held
    assert (hold.summary, hold.label, hold.key) == ("the desk says no", "Ada L", bench.desk.of("user")["Ada"].key)
    assert "tried again after 2026-01-06" in hold.fix


async def test_what_the_target_would_not_do_is_tried_again_after_a_day(bench):
    await refused(bench, final=True)
    bench.clock.advance(86_401)
    bench.desk.bad = set()
    await bench.run()
    assert bench.did() == ["update user Ada L"]


async def test_what_was_refused_for_a_passing_reason_is_sent_again_after_longer_and_longer(bench):
    await refused(bench, final=False)
    for hours in (1, 6, 24, 24):
        bench.clock.advance(hours * 3600 - 60)
        assert rails(await bench.run()) == ["refused-before"]
        bench.clock.advance(120)
        result = await bench.run()
        assert (bench.did(), result.verdict) == (["update user Ada L"], "partial")


async def test_something_else_is_written_beside_what_the_target_would_not_do(bench):
    await refused(bench, final=True)
    bench.desk.bad = set()
    bench.directory.group("London").add("ada")
    await bench.run()
    [change] = bench.changes
    assert (set(change.fields), set(change.references)) == (set(), {"site", "roles"})


async def test_a_leaver_whom_the_target_would_not_switch_off_is_tried_with_every_run(bench):
    await staff(bench, "ada")
    bench.directory.change("ada", active=False)
    bench.desk.bad, bench.desk.final = {"Ada"}, frozenset({"bad"})
    for _ in range(2):
        await bench.run()
        assert bench.did() == ["disable user Ada"]


async def test_what_somebody_did_by_hand_is_held_no_more(bench):
    await refused(bench, final=True)
    called(bench, "Ada L")
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])


async def test_an_account_that_is_not_listed_yet_is_somebodys_all_the_same(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.desk.hidden = {bench.desk.of("user")["Ada"].key}
    bench.directory.add("namesake", groups=["Staff"], email="ada@example.com")
    bench.directory.add("left", groups=["Staff"], email="ada@example.com", active=False)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["identity-collision"])


async def test_an_address_that_is_not_shown_yet_is_somebodys_all_the_same(bench):
    await staff(bench, "ada")
    before = bench.desk.of("user")["Ada"]
    bench.directory.change("ada", email="ada@new.example")
    await bench.run()
    shown(bench, before)
    bench.directory.add("namesake", groups=["Staff"], email="ada@new.example")
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["identity-collision"])
