"""The Okta source over real recorded traffic."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest
from okta_door import URL, opened, read_all, wanting
from okta_recordings import DEPROVISIONED, Replay, large_org, small_org

from changes_fold import Known, followed, read_whole
from crosskey.errors import AuthError, ConfigError


async def test_the_small_org_is_read_whole() -> None:
    replay = small_org()
    async with opened(replay) as source:
        everything = await read_all(source, wanting("Everyone", "Test Group", apps=["Okta Admin Console"]))
    assert Counter(person.status for person in everything.people.values()) == {"ACTIVE": 6, "DEPROVISIONED": 1}
    assert {group.name for group in everything.groups.values() if group.kind == "group"} == {"Everyone", "Test Group"}
    everyone = next(group for group in everything.groups.values() if group.name == "Everyone")
    assert everyone.origin == "built in"
    assert everything.members[everyone.id] == set(everything.people), "Everyone holds the deactivated person too"
    assert everything.members["00g2ovdjf9Ahbffgj4x7"] == set(), "an empty group was read, and is empty"
    assert len(everything.members["0oas5to408GEd54s04x6"]) == 4
    assert everything.complete is not None
    assert everything.complete.warnings == ()
    assert everything.complete.server_time == datetime(2021, 4, 14, 16, 34, 52, tzinfo=UTC)


async def test_the_small_org_costs_one_request_a_list() -> None:
    replay = small_org()
    async with opened(replay) as source:
        await read_all(source, wanting("Everyone", "Test Group"))
    assert sorted(replay.asked()) == [
        "GET /api/v1/groups/00g2ovdjf9Ahbffgj4x7/users?limit=200",
        "GET /api/v1/groups/00gs5to49AhMBaJNU4x6/users?limit=200",
        "GET /api/v1/groups?limit=200",
        "GET /api/v1/users?limit=200",
        "GET /api/v1/users?limit=200&filter=status+eq+%22DEPROVISIONED%22",
    ]
    assert all(request.headers["authorization"] == "SSWS 00secretToken" for request in replay.requests)


async def test_the_large_org_has_every_status_and_most_people_lack_a_display_name() -> None:
    async with opened(large_org()) as source:
        everything = await read_all(source, wanting(attributes=None))
    people = everything.people.values()
    assert Counter((person.status, person.active) for person in people) == {
        ("ACTIVE", True): 107,
        ("STAGED", False): 48,
        ("PROVISIONED", True): 2,
        ("PASSWORD_EXPIRED", True): 2,
        ("LOCKED_OUT", True): 1,
        ("SUSPENDED", False): 1,
    }
    assert all(person.display_name and person.user_name and person.email for person in people)
    assert sum("displayName" in person.extra for person in people) == 0, "mapped attributes are not extra"
    assert {name for person in people for name in person.extra} == {"secondEmail", "preferredLanguage", "postalAddress"}
    assert not any(None in person.extra.values() for person in people)
    assert max(Counter(person.email for person in people).values()) == 3, "an e-mail address is no identity"
    assert len(everything.groups) == 154
    assert everything.complete is not None


async def test_a_name_that_two_real_groups_share_is_refused_until_it_is_pinned() -> None:
    async with opened(large_org()) as source:
        with pytest.raises(ConfigError, match='2 groups are named "alba01"') as caught:
            await read_all(source, wanting("alba01"))
    assert caught.value.code == "group-ambiguous"
    first = min(re.findall(r"00g\w{17}", caught.value.message))
    assert f'"alba01" = "{first}"' in caught.value.fix

    replay = large_org().synthetic("GET", f"/api/v1/groups/{first}/users", [])
    async with opened(replay) as source:
        everything = await read_all(source, wanting("alba01", pins={"alba01": first}))
    assert everything.members == {first: set()}


async def test_a_group_name_with_a_typo_names_the_closest() -> None:
    async with opened(small_org()) as source:
        with pytest.raises(ConfigError, match=r'no group named "Test Grup"\. Did you mean "Test Group"'):
            await read_all(source, wanting("Test Grup"))


async def test_an_unrecorded_app_name_is_refused_with_the_known_ones() -> None:
    async with opened(small_org()) as source:
        with pytest.raises(ConfigError, match='no app named "Slack"'):
            await read_all(source, wanting(apps=["Slack"]))


async def test_a_wrong_token_is_said_in_plain_words() -> None:
    replay = Replay(again=True).add("sdk-python/errors/users_401_E0000011_bad_ssws.yaml")
    replay.synthetic("GET", DEPROVISIONED, []).synthetic("GET", "/api/v1/groups", [])
    async with opened(replay) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
    text = str(caught.value)
    assert "wrong or dead" in text
    assert "errorId oaeU24QIiyQS4iI_kfI1BJsvA" in text
    assert "request Xt6Rv@CoRZik39Yt69INoQAAABM" in text
    assert "make a new token" in caught.value.fix
    assert "secretToken" not in text


async def test_a_recorded_poll_of_the_log_ends_where_its_next_link_is_its_own() -> None:
    """The log of the small org: a page of events, then an empty one that names itself for ever."""
    new = 'eventType eq "application.lifecycle.update" and debugContext.debugData.requestUri ew "_new_"'
    start = f"/api/v1/logs?since=2022-05-29T00:00:00.000Z&filter={new}"
    wanted = msgspec.structs.replace(wanting("Test Group"), changes=True)
    replay = small_org()
    async with opened(replay) as source:
        whole = await read_whole(source, wanted)
        place = json.loads(whole.cursor) | {"since": "2022-07-27T15:35:30Z", "log": f"{URL}{start}"}
        since, witness = "2022-07-27T15:33:30.000Z", place["witness"]
        [row] = [row for row in whole.people.values() if row.subject.id == witness]
        people = f'lastUpdated ge "{since}" or statusChanged ge "{since}" or id eq "{witness}"'
        groups = f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"'
        replay.synthetic(
            "GET", f"/api/v1/users?search={people}", [{"id": witness, "status": row.status, "profile": {}}]
        )
        replay.synthetic("GET", f"/api/v1/groups?filter={groups}&expand=stats", [])
        told = await followed(source, Known(cursor=json.dumps(place)), wanted)
    assert [request.split("?")[0] for request in replay.asked()].count("GET /api/v1/logs") == 2
    assert json.loads(told.cursor)["log"].endswith("&after=1658862453660_1")
    assert json.loads(told.cursor)["since"] == "2022-07-27T15:35:30Z"
