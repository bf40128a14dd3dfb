"""The small org's crawl, every exchange of it recorded: members of groups and apps, a DEPROVISIONED one among them."""

from __future__ import annotations

from real_bench import AGENTS, MEMBERS, by_rail, driving
from real_org import EMPTY_GROUP, EVERYONE, SMALL, recorded_json, small, synthetic_groups_of

SLACK = '[[map.user.assign]]\napp = "Dev Integrations Slack"\nsite = "Acme / London"\n'
TESTERS = '[[map.user.assign]]\ngroup = "Test Group"\nsite = "Acme / Berlin"\n'
RULES = MEMBERS + SLACK + TESTERS + AGENTS


def name_of(person: dict) -> str:
    return f"{person['profile']['firstName']} {person['profile']['lastName']}"


def members() -> list[dict]:
    return recorded_json(SMALL, f"/groups/{EVERYONE}/users")


def admins() -> set[str]:
    names = {person["id"]: name_of(person) for person in members()}
    [app] = [app["id"] for app in recorded_json(SMALL, "/api/v1/apps") if app["label"] == "Okta Admin Console"]
    return {names[person["id"]] for person in recorded_json(SMALL, f"/apps/{app}/users")}


async def test_plan_apply_and_an_empty_second_plan(tmp_path) -> None:
    working = {name_of(person) for person in members() if person["status"] == "ACTIVE"}
    assert (len(working), len(admins())) == (6, 4)
    expected = {f"create user {name}" for name in working} | {f"create agent {name}" for name in admins()}
    with driving(tmp_path, small(), RULES) as real:
        first = await real.run("plan")
        assert first.people == len(members()) == 7
        assert real.did() == expected
        assert not first.plan.held
        applied = await real.run("apply")
        assert (applied.verdict, applied.applied.counts["applied"]) == ("clean", 10)
        second = await real.run("plan")
        assert (second.plan.size, second.plan.held) == (0, ())


async def test_sites_roles_and_teams_follow_groups_and_apps(tmp_path) -> None:
    [slack] = recorded_json(SMALL, "/apps/0oa2vpmqxp82pl9sk4x7/users")
    assert recorded_json(SMALL, f"/groups/{EMPTY_GROUP}/users") == []
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        sites = {site.id: site.name for site in real.desk.sites.values()}
        placed = {mail: sites[user.site_id] for mail, user in real.people_of_desk().items()}
        roles = {role.name: role.id for role in real.desk.roles.values()}
        teams = {team.name: team.id for team in real.desk.teams.values()}
        agents = {agent.name: agent for agent in real.desk.agents.values()}
    for person in members():
        if person["status"] == "ACTIVE":
            expected = "London" if person["id"] == slack["id"] else "Main"
            assert placed[person["profile"]["email"]] == expected
    for name in admins():
        assert [role.id for role in agents[name].roles] == [roles["Standard User"]]
        assert [team.team_id for team in agents[name].teams] == [teams["1st Line"]]


async def test_the_deactivated_member_of_everyone_is_never_made(tmp_path) -> None:
    [gone] = [person for person in members() if person["status"] == "DEPROVISIONED"]
    with driving(tmp_path, small(), RULES) as real:
        for kind in ("plan", "apply", "sync"):
            await real.run(kind)
            assert gone["id"] not in {change.subject.id for change in real.changes}
        assert gone["profile"]["email"] not in real.people_of_desk()


async def test_a_leaver_is_exactly_one_disable(tmp_path) -> None:
    """Deactivated as Okta does it: out of the plain list, still a member of Everyone."""
    leaver = next(p for p in members() if p["status"] == "ACTIVE" and name_of(p) not in admins())
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        real.org.deactivate(leaver["id"])
        result = await real.run("sync")
        assert (real.did(), by_rail(result)) == ({f"disable user {name_of(leaver)}"}, {})
        assert 'status "DEPROVISIONED"' in real.changes[0].why[""]
        assert len(real.desk.writes) == made + 1
        assert real.people_of_desk()[leaver["profile"]["email"]].inactive
        assert (await real.run("plan")).plan.size == 0


async def test_an_admin_who_leaves_loses_both_accounts_and_the_session(tmp_path) -> None:
    leaver = next(p for p in members() if name_of(p) in admins())
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        real.org.flip(leaver["id"], "SUSPENDED")
        await real.run("sync")
        assert real.did() == {f"disable {kind} {name_of(leaver)}" for kind in ("user", "agent")}
        [agent] = [agent for agent in real.desk.agents.values() if agent.name == name_of(leaver)]
        assert agent.isdisabled
        assert [(end.agent_id, end.kicked, end.revoked) for end in real.desk.session_ends] == [(agent.id, True, True)]


async def test_a_group_that_answers_200_and_nobody_holds_the_run(tmp_path) -> None:
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        real.org.answer_instead(f"/api/v1/groups/{EVERYONE}/users", [])
        result = await real.run("sync")
        assert by_rail(result).keys() == {"empty-group"}
        assert (result.plan.size, len(real.desk.writes)) == (0, made)
        synthetic_groups_of(real.org, *(person["id"] for person in members()))
        await real.run("plan", allow=("empty-group=Everyone",))
        assert {change.action for change in real.changes} == {"disable"}, "let through, they would be leavers"


async def test_an_empty_list_of_members_that_each_person_contradicts_disables_nobody(tmp_path) -> None:
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        real.org.answer_instead(f"/api/v1/groups/{EVERYONE}/users", [])
        synthetic_groups_of(real.org, *(person["id"] for person in members()), groups=[EVERYONE])
        result = await real.run("sync", allow=("empty-group=Everyone",))
        assert result.plan.size == 0
        assert {notice.code for notice in result.notices} >= {"listing-flapped"}


async def test_an_unknown_status_changes_nothing(tmp_path) -> None:
    person = next(p for p in members() if name_of(p) in admins())
    with driving(tmp_path, small(), RULES) as real:
        await real.run("apply")
        real.org.flip(person["id"], "HIBERNATING")
        result = await real.run("sync")
        assert result.plan.size == 0
        assert any("HIBERNATING" in notice.summary for notice in result.notices)
