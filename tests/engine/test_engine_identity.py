"""Whose account is it? Nobody gets somebody else's, by whatever road two people come to one account."""

import msgspec
import pytest
from engine_bench import CONFIG, rails

from crosskey.engine.marker import marker
from crosskey.errors import ContractError
from crosskey.model import Subject

BY_NUMBER = CONFIG.replace('match = ["email"]\ndefault', 'match = ["email", "employee_number"]\ndefault').replace(
    "[[map.user.assign]]", 'mail2 = "employee_number"\n[[map.user.assign]]', 1
)


def test_a_marker_never_changes():
    assert marker(Subject("https://acme.okta.example", "00u1")) == "ck-oxofroe3zaw5by3tl7ylnx7e"


async def journal_lost(bench):
    for file in bench.config.journal.path.parent.iterdir():
        file.unlink()


async def test_two_people_who_reach_one_account_by_different_keys_are_both_held(bench):
    bench.configure(BY_NUMBER)
    account = bench.desk.add("user", name="Somebody", mail="ada@example.com", mail2="42")
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"], employee_number="42")
    bench.directory.add("cleo", groups=["Staff"])
    result = await bench.run()
    assert bench.did() == ["create user Cleo"]
    held = {hold.label: hold for hold in result.plan.held}
    assert rails(result) == ["ambiguous-match", "ambiguous-match"]
    assert "bob" in held["Ada"].summary
    assert "ada" in held["Bob"].summary
    assert held["Bob"].key == held["Ada"].key == account.key
    assert bench.desk.accounts["user", account.key].fields["name"] == "Somebody"


async def test_an_account_with_another_persons_marker_is_not_adopted(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    await journal_lost(bench)
    del bench.directory.people["ada"]
    bench.directory.add("ada2", groups=["Staff"], email="ada@example.com")  # somebody new under the old address
    result = await bench.run()
    assert rails(result) == ["identity-collision"]
    assert "marker" in result.plan.held[0].summary
    assert bench.did() == []


async def test_a_marked_account_that_is_linked_to_somebody_else_is_not_doubled(bench):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    ada, bob = bench.desk.of("user")["Ada"], bench.desk.of("user")["Bob"]
    await journal_lost(bench)
    away = bench.directory.people.pop("ada")
    await bench.run()
    bench.desk.accounts.pop(("user", ada.key))
    bench.desk.edit("user", bob.key, marker=ada.marker)  # copied by hand
    bench.directory.people["ada"] = away
    result = await bench.run()
    assert rails(result) == ["identity-collision"]
    assert bench.did() == []


@pytest.mark.parametrize("active", [True, False])
async def test_a_linked_account_that_became_somebody_elses_is_left_alone(bench, active):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    ada, bob = bench.desk.of("user")["Ada"], bench.desk.of("user")["Bob"]
    bench.desk.accounts.pop(("user", bob.key))
    bench.desk.edit("user", ada.key, marker=bob.marker)  # a restored desk gave the key away again
    bench.directory.change("ada", active=active, display_name="Ada L")
    result = await bench.run()
    assert "identity-collision" in rails(result)
    assert [line for line in bench.did() if "Ada" in line] == []


async def test_somebody_absent_does_not_take_an_account_along_that_became_anothers(bench):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    ada, bob = bench.desk.of("user")["Ada"], bench.desk.of("user")["Bob"]
    bench.desk.accounts.pop(("user", bob.key))
    bench.desk.edit("user", ada.key, marker=bob.marker)
    del bench.directory.people["ada"]
    result = await bench.run()
    assert "identity-collision" in rails(result)
    assert [line for line in bench.did() if "Ada" in line] == []


async def test_the_same_people_under_a_new_issuer_are_held_and_the_old_links_are_told(bench):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    bench.directory.move("https://other.example")
    result = await bench.run()
    assert rails(result) == ["identity-collision", "identity-collision"]
    assert bench.did() == []
    told = [notice.summary for notice in result.notices if notice.code == "links-of-another-source"]
    assert len(told) == 1
    assert told[0].startswith("2 user accounts are linked to people of another source")


async def test_a_person_of_a_foreign_issuer_breaks_the_sources_contract(bench):
    bench.directory.add("ada", groups=["Staff"])
    stranger = msgspec.structs.replace(bench.directory.people["ada"].subject, issuer="https://elsewhere.example")
    bench.directory.change("ada", subject=stranger)
    with pytest.raises(ContractError, match="another issuer"):
        await bench.run()


@pytest.mark.parametrize(("id_", "fault"), [("", "without an id"), ("a\0b", "holds a NUL")])
async def test_an_id_that_could_not_be_found_again_breaks_the_sources_contract(bench, id_, fault):
    bench.directory.add("ada", groups=["Staff"])
    subject = bench.directory.people["ada"].subject
    bench.directory.change("ada", subject=msgspec.structs.replace(subject, id=id_))
    with pytest.raises(ContractError, match=fault):
        await bench.run()


async def test_an_inactive_namesake_is_not_reported_when_the_account_finds_its_owner(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("former", groups=["Staff"], email="ada@example.com", active=False)
    result = await bench.run()
    assert rails(result) == []
    assert bench.did() == ["adopt user Ada"]


async def test_agent_and_user_of_one_person_go_their_own_ways(bench):
    bench.directory.add("ada", groups=["Staff", "Desk"])
    await bench.run()
    bench.directory.group("Desk").clear()
    bench.directory.change("ada", display_name="Ada L")
    await bench.run()
    assert bench.did() == ["disable agent Ada L", "update user Ada L"]


async def test_odd_text_goes_through_unharmed(bench):
    name = "Zoë \u0000 \u202e O'Brien; DROP TABLE \U0001f600"
    long_id = "x" * 100_000
    bench.directory.add(long_id, groups=["Staff"], display_name=name, email="odd@example.com")
    await bench.run()
    assert bench.did() == [f"create user {name}"]
    await bench.run()
    assert bench.did() == []
