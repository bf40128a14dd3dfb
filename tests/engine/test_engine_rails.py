"""Every rail: what it holds, that everything else goes on, and that exactly what a person allows gets through.

Each of these fails when its rail is taken out of the engine.
"""

import pytest
from engine_bench import CONFIG, rails

from crosskey.connector.target import Seats
from crosskey.engine.rails import Allowed
from crosskey.errors import AuthError, ConfigError, ContractError


async def staffed(bench, count=20, prefix="p"):
    for number in range(count):
        bench.directory.add(f"{prefix}{number:02}", groups=["Staff"])
    await bench.run()


async def test_an_empty_source_holds_the_run(bench):
    await staffed(bench)
    bench.directory.people.clear()
    bench.directory.members.clear()
    result = await bench.run()
    assert rails(result) == ["empty-source"]
    assert bench.did() == []
    assert result.verdict == "held"
    assert all(account.active for account in bench.desk.of("user").values())


async def test_an_empty_source_is_held_even_on_the_first_run(bench):
    result = await bench.run()
    assert rails(result) == ["empty-source"]
    assert result.plan.held[0].summary == "source.corp returned nobody"


@pytest.mark.parametrize("fault", ["raises", "no end"])
async def test_an_incomplete_read_plans_nothing_and_is_not_what_the_next_is_measured_by(bench, fault):
    await staffed(bench)
    before = len(bench.desk.writes)
    bench.directory.people = dict(list(bench.directory.people.items())[:3])
    bench.directory.fail = AuthError("no longer allowed", where="source.corp") if fault == "raises" else None
    bench.directory.complete = fault == "raises"
    with pytest.raises((AuthError, ContractError)):
        await bench.run()
    assert len(bench.desk.writes) == before
    with bench.journal() as journal:
        last = journal.runs(limit=1)[0]
        assert last.verdict == "failed"
        assert journal.last_complete("source.corp", "people").records == 20


async def test_a_short_account_list_stops_the_run_before_anything_is_doubled(bench):
    await staffed(bench)
    before = len(bench.desk.writes)
    bench.desk.hidden = {"1", "2"}
    bench.desk.told = {"user": 20}
    with pytest.raises(ContractError, match="not complete"):
        await bench.run()
    assert len(bench.desk.writes) == before


async def test_a_shrunk_read_holds_the_run_until_exactly_that_is_allowed(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 50 }")
    await staffed(bench)
    for number in range(7):
        del bench.directory.people[f"p{number:02}"]
    for _ in range(2):
        result = await bench.run()
        assert rails(result) == ["shrink"], "a held read must not become what the next one is measured by"
        assert bench.did() == []
    assert "13 people" in result.plan.held[0].summary
    assert rails(await bench.run(allow=["shrink=12"])) == ["shrink"]
    assert rails(await bench.run(allow=["shrink=13"])) == []
    assert len(bench.did()) == 7


async def test_a_group_that_lost_all_its_members_holds_the_run(bench):
    await staffed(bench)
    bench.directory.group("Staff").clear()
    assert rails(await bench.run()) == ["empty-group"]
    assert bench.did() == []
    result = await bench.run(allow=["empty-group=Staff", "mass-disable=20"])
    assert rails(result) == []
    assert len(bench.did()) == 20


async def test_a_mass_disable_is_held_and_everything_else_goes_on(bench):
    await staffed(bench)
    for number in range(11):
        bench.directory.change(f"p{number:02}", active=False)
    bench.directory.add("new", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ["mass-disable"]
    assert bench.did() == ["create user New"]
    hold = result.plan.held[0]
    assert hold.summary == "11 of 20 managed user accounts would be disabled; the limit is 10"
    assert "--allow mass-disable=11" in hold.fix
    assert len(hold.examples) == 10
    assert rails(await bench.run(allow=["mass-disable=10"])) == ["mass-disable"]
    assert rails(await bench.run(allow=["mass-disable=11"])) == []
    assert len(bench.did()) == 11


async def test_the_percentage_counts_where_it_is_the_larger_limit(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 1, percent = 20 }")
    await staffed(bench)
    for number in range(4):
        bench.directory.change(f"p{number:02}", active=False)
    assert rails(await bench.run("plan")) == []
    bench.directory.change("p04", active=False)
    assert rails(await bench.run("plan")) == ["mass-disable"]


async def test_the_percentage_is_of_accounts_that_are_still_active(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 0, percent = 20 }")
    await staffed(bench)
    for number in range(4):
        bench.directory.change(f"p{number:02}", active=False)
    await bench.run()
    for number in range(4, 8):
        bench.directory.change(f"p{number:02}", active=False)
    result = await bench.run()
    assert rails(result) == ["mass-disable"]
    assert "4 of 16 managed user accounts would be disabled; the limit is 3" in result.plan.held[0].summary


@pytest.mark.parametrize("pattern", ["p03@example.com", "*@example.com", "user:4", "P03"])
async def test_a_protected_account_is_never_touched(bench, pattern):
    await staffed(bench, 5)
    bench.configure(CONFIG + f'\n[rails]\nprotect = ["{pattern}"]')
    bench.directory.change("p03", active=False)
    result = await bench.run()
    assert rails(result) == ["protected"]
    assert bench.did() == []
    assert bench.desk.of("user")["P03"].active


async def test_who_is_not_named_is_not_protected(bench):
    bench.configure(CONFIG + '\n[rails]\nprotect = ["breakglass@example.com", "*@admin.example.com"]')
    await staffed(bench, 5)
    bench.directory.change("p03", active=False)
    assert rails(await bench.run()) == []
    assert bench.did() == ["disable user P03"]


async def test_a_user_name_protects_although_the_account_does_not_hold_it(bench):
    await staffed(bench, 5)
    bench.configure(CONFIG + '\n[rails]\nprotect = ["svc.three"]')
    bench.directory.change("p03", active=False, user_name="SVC.three")
    assert rails(await bench.run()) == ["protected"]


async def test_an_address_that_only_the_account_holds_protects_it(bench):
    bench.configure(CONFIG + '\n[rails]\nprotect = ["breakglass@example.com"]')
    bench.desk.add("user", name="Break Glass", mail="ada@example.com", mail2="breakglass@example.com")
    bench.directory.add("ada", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ["protected"]
    assert result.plan.held[0].summary == 'not to be touched (adopt): "breakglass@example.com" in [rails] protect'
    assert 'remove "breakglass@example.com" from [rails] protect' in result.plan.held[0].fix
    assert bench.did() == []


async def test_what_the_target_itself_protects_is_not_adopted(bench):
    bench.desk.add("user", name="Robot", mail="ada@example.com", protected="the integrator's own account")
    bench.directory.add("ada", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ["protected"]
    assert bench.did() == []


async def test_too_few_seats_hold_creates_of_that_kind_only(bench):
    bench.desk.seats = Seats(5, 4)
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff", "Desk"])
    result = await bench.run()
    assert rails(result) == ["seats-short"]
    assert bench.did() == ["create user Ada", "create user Bob"]
    assert "2 agent seats are needed, 1 of 5 are free" in result.plan.held[0].summary
    bench.desk.seats = Seats(6, 4)
    assert rails(await bench.run()) == []
    assert bench.did() == ["create agent Ada", "create agent Bob"]


async def test_absence_is_confirmed_by_id_before_anybody_leaves(bench):
    await staffed(bench)
    bench.directory.hidden = {"p01"}  # the listing flaps: still there, still active
    del bench.directory.people["p02"]  # deleted
    bench.directory.hidden.add("p03")
    bench.directory.change("p03", active=False)  # missing from the list, inactive by id
    result = await bench.run()
    assert bench.did() == ["disable user P02", "disable user p03".replace("p03", "P03")]
    assert all("confirmed by id" in change.why[""] for change in bench.changes)
    assert sorted(bench.directory.finds) == ["p01", "p02", "p03"]
    assert [notice.code for notice in result.notices] == ["listing-flapped"]


async def test_too_many_absent_are_not_looked_up_but_held(bench):
    await staffed(bench, 40)
    bench.directory.hidden = {f"p{number:02}" for number in range(11)}
    result = await bench.run()
    assert rails(result) == ["absence-unconfirmed"]
    assert bench.did() == []
    assert bench.directory.finds == []
    result = await bench.run(allow=["absence-unconfirmed=11"])
    assert len(bench.directory.finds) == 11
    assert rails(result) == []
    assert bench.did() == []


async def test_two_accounts_that_fit_one_person_are_not_guessed_between(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.desk.add("user", name="Ada too", mail2="ADA@example.com")
    bench.directory.add("ada", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ["ambiguous-match"]
    assert bench.did() == []


async def test_two_people_who_share_an_address_are_both_held(bench):
    bench.directory.add("ada", groups=["Staff"], email="shared@example.com")
    bench.directory.add("bob", groups=["Staff"], email="Shared@example.com")
    result = await bench.run()
    assert rails(result) == ["ambiguous-match", "ambiguous-match"]
    assert bench.did() == []


async def test_a_newcomer_never_gets_somebody_elses_account(bench):
    bench.directory.add("ada", groups=["Staff"], email="first@example.com")
    await bench.run()
    bench.directory.add("bob", groups=["Staff"], email="first@example.com")
    result = await bench.run()
    assert rails(result) == ["identity-collision"]
    assert bench.did() == []


async def test_an_account_that_was_there_is_adopted_by_one_clear_match(bench):
    account = bench.desk.add("user", name="A. Lovelace", mail2="Ada@Example.com", active=False)
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    assert bench.did() == ["adopt user Ada"]
    adopted = bench.desk.accounts["user", account.key]
    assert adopted.active
    assert adopted.marker
    assert adopted.fields["name"] == "Ada"
    await bench.run()
    assert bench.did() == []


async def test_a_match_key_is_tried_after_the_one_before_found_nothing(bench):
    bench.configure(CONFIG.replace('match = ["email"]\ndefault', 'match = ["email", "display_name"]\ndefault'))
    bench.desk.add("user", name="ada", mail="old@example.com")
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    assert bench.did() == ["adopt user Ada"]
    assert 'display_name "Ada"' in bench.changes[0].why[""]


async def test_an_inactive_persons_unmanaged_account_is_reported(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"], active=False)
    result = await bench.run()
    assert rails(result) == ["unmanaged-leaver"]
    assert bench.did() == []


async def test_people_the_rules_cannot_serve_are_held_with_the_reason(bench):
    bench.directory.add("ada", groups=["Staff", "Desk"], email="")
    bench.directory.add("bob", groups=["Staff"], display_name="")
    bench.directory.change("bob", display_name="", given_name="", family_name="")
    result = await bench.run()
    assert "mapping-problem" in rails(result)
    assert bench.did() == ["create user Ada"]


@pytest.mark.parametrize("word", ["mass-disable", "mass-disable=x", "empty-source=1", "protected=1", "nonsense=1"])
def test_only_what_can_be_allowed_is_taken(word):
    with pytest.raises(ConfigError, match="cannot be allowed"):
        Allowed.parse([word])


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "mass-disabel=3",
            '"mass-disabel=3" cannot be allowed. Did you mean "mass-disable" or "mass-demote" or "mass-change"?',
        ),
        ("empty-groups=A", '"empty-groups=A" cannot be allowed. Did you mean "empty-group"?'),
        ("mass-disable=x", '"mass-disable=x" cannot be allowed.'),
        ("empty-group=", '"empty-group=" cannot be allowed.'),
    ],
)
def test_a_misspelt_allowance_is_told_the_close_word(word, sentence):
    with pytest.raises(ConfigError) as caught:
        Allowed.parse([word])
    assert caught.value.message == sentence
