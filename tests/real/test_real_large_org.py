"""The 161-user org: plan, apply, and a second plan that is empty; every count taken from the raw recording."""

from __future__ import annotations

from collections import defaultdict

import pytest
from real_bench import EVERYBODY, FIELDS, by_rail, driving
from real_org import LARGE, USERS, large, recorded_json, synthetic_members

from crosskey.errors import ConfigError

WORKING = {"ACTIVE", "PROVISIONED", "PASSWORD_EXPIRED", "LOCKED_OUT"}


def raw_people() -> list[dict]:
    people = recorded_json(LARGE, USERS)
    assert len(people) == 161
    return people


def working_by_mail() -> dict[str, list[dict]]:
    found = defaultdict(list)
    for person in raw_people():
        if person["status"] in WORKING:
            found[person["profile"]["email"].casefold()].append(person)
    return found


def name_of(person: dict) -> str:
    profile = person["profile"]
    return profile.get("displayName") or f"{profile['firstName']} {profile['lastName']}"


async def test_plan_apply_and_an_empty_second_plan(tmp_path) -> None:
    alone = [people[0] for people in working_by_mail().values() if len(people) == 1]
    sharing = [person for people in working_by_mail().values() if len(people) > 1 for person in people]
    assert (len(alone), len(sharing)) == (110, 2)
    with driving(tmp_path, large(), EVERYBODY) as real:
        before = len(real.people_of_desk())
        first = await real.run("plan")
        assert first.people == 161
        assert real.did() == {f"create user {name_of(person)}" for person in alone}
        assert {change.subject.id for change in real.changes} == {person["id"] for person in alone}
        assert by_rail(first) == {"ambiguous-match": sorted(name_of(person) for person in sharing)}
        for hold in first.plan.held:
            assert all(person["id"] in hold.summary for person in sharing), "both are named"
        assert not real.desk.writes, "a plan writes nothing"

        applied = await real.run("apply")
        assert dict(applied.applied.counts) == {"applied": 110}
        assert len(real.people_of_desk()) == before + 110
        assert sum(write.action == "create" for write in real.desk.writes) == 110

        second = await real.run("plan")
        assert (second.plan.size, real.changes) == (0, [])
        assert by_rail(second) == by_rail(first), "who was held is still told"
        assert len(real.desk.writes) == 110


async def test_nobody_is_made_who_does_not_work_there_yet_or_any_more(tmp_path) -> None:
    statuses = {person["profile"]["email"].casefold(): person["status"] for person in raw_people()}
    mails = working_by_mail()
    with driving(tmp_path, large(), EVERYBODY) as real:
        await real.run("apply")
        made = {mail.casefold() for mail in real.people_of_desk()}
    for status, count in {"STAGED": 48, "SUSPENDED": 1}.items():
        others = {person["profile"]["email"].casefold() for person in raw_people() if person["status"] == status}
        assert sum(person["status"] == status for person in raw_people()) == count
        assert not (others - set(mails)) & made, status
    for status in ("PROVISIONED", "PASSWORD_EXPIRED", "LOCKED_OUT"):
        assert {mail for mail, told in statuses.items() if told == status} <= made, "can sign in again any moment"


async def test_the_desk_holds_what_the_recording_says(tmp_path) -> None:
    with driving(tmp_path, large(), EVERYBODY) as real:
        await real.run("apply")
        desk = real.people_of_desk()
    for people in working_by_mail().values():
        if len(people) > 1:
            continue
        profile, user = people[0]["profile"], desk[people[0]["profile"]["email"]]
        assert (user.firstname, user.surname) == (profile["firstName"], profile["lastName"])
        assert user.name == name_of(people[0])
        assert (user.title, user.phonenumber) == (profile.get("title") or "", profile.get("primaryPhone") or "")
        assert not user.inactive


@pytest.mark.parametrize("name", ["alba01", "Test Group"])
async def test_a_name_that_two_groups_share_is_refused_until_a_pin_says_which(tmp_path, name) -> None:
    groups = recorded_json("list-groups.har", "/api/v1/groups")
    twins = sorted(group["id"] for group in groups if group["profile"]["name"] == name)
    assert len(twins) == 2
    rules = f'[map.user]\nscope = {{ groups = ["{name}"] }}\n{FIELDS}'
    with driving(tmp_path, large(), rules) as real:
        with pytest.raises(ConfigError) as caught:
            await real.run("plan")
        assert all(twin in caught.value.message for twin in twins)
        assert f'[source.corp.groups] "{name}" = "{twins[0]}"' in caught.value.fix
        assert not real.desk.writes

    people = [people[0] for people in working_by_mail().values() if len(people) == 1][:3]
    org = large()
    synthetic_members(org, twins[1], *(person["id"] for person in people))
    (tmp_path / "pinned").mkdir()
    with driving(tmp_path / "pinned", org, rules, source=f'[source.corp.groups]\n"{name}" = "{twins[1]}"\n') as real:
        await real.run("plan")
        assert real.did() == {f"create user {name_of(person)}" for person in people}


async def test_groups_give_sites_and_the_first_rule_wins(tmp_path) -> None:
    """SYNTHETIC members of two real groups."""
    one, two, three = (people[0] for people in list(working_by_mail().values())[:3])
    org = large()
    synthetic_members(org, "00gaqt2v4iE7HHdNF0h7", one["id"], two["id"])  # Admin Users Group
    synthetic_members(org, "00ga78thz4jLNrCoF0h7", two["id"], three["id"])  # alba02
    rules = EVERYBODY + (
        '[[map.user.assign]]\ngroup = "Admin Users Group"\nsite = "Acme / London"\n'
        '[[map.user.assign]]\ngroup = "alba02"\nsite = "Acme / Berlin"\n'
    )
    with driving(tmp_path, org, rules) as real:
        result = await real.run("apply")
        assert result.applied.counts["applied"] == 110
        desk, sites = real.people_of_desk(), {site.id: site.name for site in real.desk.sites.values()}
        placed = {user.emailaddress: sites[user.site_id] for user in desk.values()}
        (empty,) = {(await real.run("plan")).plan.size}
    expected = {one["id"]: "London", two["id"]: "London", three["id"]: "Berlin"}
    for people in working_by_mail().values():
        if len(people) == 1:
            assert placed[people[0]["profile"]["email"]] == expected.get(people[0]["id"], "Main")
    assert empty == 0


async def test_a_leaver_is_one_disable_and_nothing_else(tmp_path) -> None:
    leaver = next(people[0] for people in working_by_mail().values() if people[0]["status"] == "ACTIVE")
    with driving(tmp_path, large(), EVERYBODY) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        real.org.flip(leaver["id"], "SUSPENDED")
        await real.run("apply")
        assert real.did() == {f"disable user {name_of(leaver)}"}
        assert len(real.desk.writes) == made + 1
        assert real.people_of_desk()[leaver["profile"]["email"]].inactive
        assert 'status "SUSPENDED"' in real.changes[0].why[""]
        assert (await real.run("plan")).plan.size == 0


async def test_one_of_two_with_one_address_leaving_frees_the_other(tmp_path) -> None:
    one, other = next(people for people in working_by_mail().values() if len(people) > 1)
    with driving(tmp_path, large(), EVERYBODY) as real:
        await real.run("apply")
        real.org.deactivate(one["id"])
        result = await real.run("apply")
        assert real.did() == {f"create user {name_of(other)}"}
        assert by_rail(result) == {}


async def test_half_an_org_is_held_not_disabled(tmp_path) -> None:
    with driving(tmp_path, large(), EVERYBODY) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        real.org.answer_instead(USERS, raw_people()[:80])
        result = await real.run("apply")
        assert list(by_rail(result)) == ["shrink"]
        assert (result.verdict, len(real.desk.writes)) == ("held", made)
