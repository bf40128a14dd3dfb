"""The Entra source over real recorded traffic."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from entra_door import ISSUER, opened, read_all, wanting
from entra_fold import Known
from entra_recordings import TOKEN_PATH, Replay, recording, response_of
from msgspec.structs import replace

from crosskey.errors import AuthError, ConfigError, CrosskeyError, RejectedError
from crosskey.model import Subject

CRAWL = "directory_crawl.json"
THREE_PAGES = "users_three_pages_2021.json"
GROUPS = ("GroupTest2", "Test Group", "JupiterOne-SCIM-SubGroup", "JupiterOne-SCIM-Group", "Solutions Team")


async def test_the_crawled_tenant_is_read_whole() -> None:
    replay = Replay(CRAWL)
    async with opened(replay, members="direct") as source:
        everything = await read_all(source, wanting(*GROUPS))
    assert Counter((person.status, person.active) for person in everything.people.values()) == {
        ("enabled", True): 9,
        ("guest, enabled", None): 25,
    }
    assert {group.name for group in everything.groups.values()} == set(GROUPS)
    sizes = {everything.groups[key].name: len(members) for key, members in everything.members.items()}
    assert sizes == {
        "GroupTest2": 1,
        "Test Group": 2,
        "JupiterOne-SCIM-SubGroup": 1,
        "JupiterOne-SCIM-Group": 2,
        "Solutions Team": 9,
    }
    assert everything.complete is not None
    assert everything.complete.server_time is not None
    assert everything.complete.server_time.date() == datetime(2023, 11, 29, tzinfo=UTC).date()


async def test_the_crawl_costs_one_request_a_list_and_one_for_all_groups() -> None:
    replay = Replay(CRAWL)
    async with opened(replay, members="direct") as source:
        await read_all(source, wanting(*GROUPS))
    assert Counter(request.url.path.rpartition("/")[2] for request in replay.requests) == {
        "token": 1,
        "users": 1,
        "groups": 1,
        "$batch": 1,
    }


async def test_the_real_nested_group_is_no_member_and_is_said_to_be_left_out() -> None:
    async with opened(Replay(CRAWL), members="direct") as source:
        everything = await read_all(source, wanting("JupiterOne-SCIM-Group"))
    [members] = everything.members.values()
    assert members <= set(everything.people), "the group within the group is nobody"
    assert '"JupiterOne-SCIM-Group"' in everything.warnings["entra-group-nested"]
    assert 'members = "transitive"' in everything.warnings["entra-group-nested"]


async def test_real_members_who_look_like_guests_are_members() -> None:
    """A user principal name with #EXT# proves nothing; userType does."""
    async with opened(Replay(CRAWL)) as source:
        everything = await read_all(source, wanting(attributes=["userType"]))
    outside = [person for person in everything.people.values() if "#EXT#" in person.user_name]
    kinds = Counter(person.extra["userType"] for person in outside)
    assert kinds["Member"] >= 1
    assert all(person.active for person in outside if person.extra["userType"] == "Member")
    assert all(person.active is None for person in outside if person.extra["userType"] == "Guest")


@pytest.mark.parametrize(("guests", "active"), [("active", True), ("inactive", False), ("ignore", None)])
async def test_guests_are_what_the_configuration_says(guests: str, active: bool | None) -> None:
    async with opened(Replay(CRAWL), guests=guests) as source:
        everything = await read_all(source)
    people = everything.people.values()
    assert {person.active for person in people if person.status == "guest, enabled"} == {active}
    assert {person.active for person in people if person.status == "enabled"} == {True}
    assert "25 of 34 people are guests" in everything.warnings["entra-guests"]


async def test_271_people_over_three_pages_two_thirds_without_mail() -> None:
    replay = Replay(THREE_PAGES)
    replay.answers["/v1.0/groups", ""] = {"response": {"status": 200, "headers": {}, "body": {"value": []}}}
    rows = [row for part in recording(THREE_PAGES)["exchanges"] for row in part["response"]["body"].get("value", [])]
    async with opened(replay) as source:
        everything = await read_all(source)
    people = everything.people
    assert set(people) == {row["id"] for row in rows}
    assert len(people) == 271
    assert sum(not person.email for person in people.values()) == sum(not row["mail"] for row in rows) > 135
    assert {row["id"]: (row["displayName"], row["userPrincipalName"]) for row in rows} == {
        key: (person.display_name, person.user_name) for key, person in people.items()
    }
    # That program never asked for accountEnabled: who is not known to be enabled is not taken for a leaver.
    assert {person.active for person in people.values()} == {None}
    assert "271 people are enabled" in everything.warnings["entra-state-unknown"]


async def test_people_without_mail_get_another_address_only_where_the_team_says_so() -> None:
    async with opened(Replay(CRAWL)) as source:
        strict = await read_all(source)
    async with opened(Replay(CRAWL), attributes={"email": ["mail", "userPrincipalName"]}, guests="active") as source:
        loose = await read_all(source)
    members = [person for person in strict.people.values() if person.active]
    without = sum(not person.email for person in members)
    assert without > 0
    assert f"{without} active people have no e-mail address" in strict.warnings["entra-no-email"]
    assert 'email = ["mail", "userPrincipalName"]' in strict.warnings["entra-no-email"]
    changed = {key for key, person in loose.people.items() if person.email != strict.people[key].email}
    assert all(loose.people[key].email == loose.people[key].user_name for key in changed)
    assert f"{len(changed)} people have no mail" in loose.warnings["entra-email-elsewhere"]
    assert not any("#EXT#" in person.email for person in loose.people.values()), "no mail can reach such an address"


ERRORS = (
    # Position in the file, error class, stable code, words of the message, words of the fix.
    (0, AuthError, "entra-licence", "premium licence", "Entra ID P1"),
    (1, AuthError, "entra-aadsts7000215", "the client secret is wrong", "its Value, not its Secret ID"),
    (2, AuthError, "entra-permission", "lacks a permission", "User.Read.All"),
    (3, AuthError, "entra-token", "does not accept the access token", "one cloud"),
    *((place, RejectedError, "http-404", "Approval with id", "") for place in range(4, 10)),
    (10, AuthError, "entra-permission", "AuditLog.Read.All is missing", "AuditLog.Read.All"),
    (11, AuthError, "entra-token", "JWT is not well formed", "one cloud"),
    (12, ConfigError, "entra-aadsts90002", "there is no such tenant", "Directory (tenant) ID"),
    (13, ConfigError, "entra-aadsts900023", "the tenant's name cannot be one", "Directory (tenant) ID"),
    (14, AuthError, "entra-consent", "the app is not known in the tenant", "admin consent"),
    (15, RejectedError, "http-400", "Request not applicable to target tenant", ""),
    (16, ConfigError, "entra-aadsts700016", "the tenant has no such app", "Application (client) ID"),
)


def test_every_real_refusal_is_looked_at() -> None:
    assert len(recording("real-error-responses.json")) == len(ERRORS) == 17


class Refusing(httpx.AsyncBaseTransport):
    """Answers the sign-in, or a look-up of one person, with a recorded refusal."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._at_sign_in = exchange["request"]["url"].endswith(TOKEN_PATH)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(TOKEN_PATH) and not self._at_sign_in:
            return httpx.Response(200, json={"access_token": "t", "expires_in": "3599"})
        return response_of(self._exchange)


@pytest.mark.parametrize(("place", "kind", "code", "said", "fix"), ERRORS, ids=[str(case[0]) for case in ERRORS])
async def test_real_refusals_have_their_class_and_fix(
    place: int, kind: type[CrosskeyError], code: str, said: str, fix: str
) -> None:
    exchange = recording("real-error-responses.json")[place]
    async with opened(Refusing(exchange)) as source:
        with pytest.raises(kind) as caught:
            await source.find(Subject(ISSUER, "23fc542b-e0e2-4086-b182-47a78d691f0b"))
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert said in caught.value.message
    assert fix in caught.value.fix
    assert caught.value.where.startswith("source.corp")
    told = json.dumps(exchange["response"]["body"])
    ids = [word for word in (*told.split('"'), *told.split()) if word.count("-") == 4 and len(word) == 36]
    assert any(one in caught.value.message for one in ids), "the id that Microsoft's support asks for"


@pytest.mark.parametrize("place", range(4, 10))
async def test_a_404_that_does_not_name_a_missing_object_proves_no_leaver(place: int) -> None:
    async with opened(Refusing(recording("real-error-responses.json")[place])) as source:
        with pytest.raises(RejectedError, match="404"):
            await source.find(Subject(ISSUER, "23fc542b-e0e2-4086-b182-47a78d691f0b"))


class Changing(Replay):
    """The crawled tenant, in which ``count`` people are told to have changed: as delta tells them, without nulls."""

    def __init__(self, count: int) -> None:
        super().__init__(CRAWL)
        body = self.answers["/v1.0/users", ""]["response"]["body"]
        self.rows = {row["id"]: row for row in body["value"]}
        self.told = [
            {name: value for name, value in row.items() if value not in (None, []) and "@" not in name}
            for row in list(self.rows.values())[:count]
        ]
        self.looked_up: list[str] = []

    def _one(self, url: httpx.URL) -> httpx.Response:
        if url.path == "/v1.0/users/delta":
            value = [] if url.params["$deltatoken"] == "latest" else self.told
            link = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x"
            return httpx.Response(200, json={"value": value, "@odata.deltaLink": link})
        if url.path.startswith("/v1.0/directory/deletedItems/") or url.path.endswith("/directReports"):
            return httpx.Response(200, json={"value": []})
        head, _, key = url.path.rpartition("/")
        if head == "/v1.0/users" and key in self.rows:
            self.looked_up.append(key)
            return httpx.Response(200, json=self.rows[key])
        return super()._one(url)


@pytest.mark.parametrize(("count", "looked_up"), [(8, 8), (34, 0)])
async def test_real_people_are_the_same_in_a_round_as_in_a_full_read(count: int, looked_up: int) -> None:
    replay = Changing(count)
    request = replace(wanting(attributes=["officeLocation", "preferredLanguage"]), changes=True)
    known = Known()
    async with opened(replay) as source:
        await known.read(source, request)
        whole, known.people = known.people, {}
        await known.follow(source, request)
    told = [row["id"] for row in replay.told]
    assert len(replay.looked_up) == looked_up, "a few by id, everybody by the list"
    assert {key: known.people[key] for key in told} == {key: whole[key] for key in told}
