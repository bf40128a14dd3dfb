"""Answers that no switch of the local desk gives: each is synthetic, made from what clients report or from what is unknown."""

from __future__ import annotations

import json

import httpx
import pytest
from halo_bench import DeskTransport, a_change, a_create, a_desk, creates_of, opened, read_all, results

from crosskey.errors import AuthError, ContractError, RejectedError
from crosskey_sandbox.halo import Fault, RoleLink


class Altered(DeskTransport):
    """The desk, with ``alter(request, response)`` between: a new response, or nothing to leave it as it is."""

    def __init__(self, desk, alter):
        super().__init__(desk)
        self._alter = alter

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        await response.aread()
        return self._alter(request, response) or response


def is_list(request, path="/api/Users"):
    return request.method == "GET" and request.url.path == path


def is_post(request, path="/api/Users"):
    return request.method == "POST" and request.url.path == path


def answering(when, make):
    """Alter the answers to some requests: ``make`` gets the decoded body and gives what to answer instead."""

    def alter(request, response):
        if when(request) and response.is_success:
            return httpx.Response(response.status_code, json=make(json.loads(response.content)))
        return None

    return alter


async def read_users(desk, alter):
    async with opened(desk, transport=Altered(desk, alter)) as target:
        accounts, _ = await read_all(target, "user")
    return accounts


# -------------------------------------------------------------------------------------------------------------- lists


@pytest.mark.parametrize("count", [30, 50, 100, 130])
async def test_a_bare_array_of_everything_is_the_whole_list(count):
    rows = [{"id": number, "name": f"P {number}"} for number in range(1, count + 1)]
    accounts = await read_users(a_desk(), answering(is_list, lambda _: rows))
    assert len(accounts) == count


async def test_an_envelope_with_an_unknown_name_is_opened():
    desk = a_desk()
    accounts = await read_users(
        desk, answering(is_list, lambda body: {"record_count": body["record_count"], "contacts": body["users"]})
    )
    assert len(accounts) == sum(not user.general for user in desk.users.values())


async def test_a_desk_that_always_gives_the_first_page_is_incomplete():
    desk = a_desk()
    for number in range(150):
        desk.add_user(f"Extra {number}", 1)
    first = []

    def alter(body):
        first.append(body)
        return first[0]

    with pytest.raises(ContractError, match="gave only 100"):
        await read_users(desk, answering(is_list, alter))


async def test_ids_and_texts_come_in_any_number_form():
    row = {"id": 7.0, "name": "Ada", "phonenumber": 441234567, "fax": 12.0, "site_id": 2.0, "isserviceaccount": 1}
    accounts = await read_users(a_desk(), answering(is_list, lambda _: [row]))
    account = accounts["user", "7"]
    assert account.fields == {"name": "Ada", "phonenumber": "441234567", "fax": "12", "isserviceaccount": True}
    assert account.references == {"site": ("2",)}


@pytest.mark.parametrize("nothing", [0, -1, 0.0, None])
async def test_what_names_nothing_is_no_reference(nothing):
    row = {"id": 7, "name": "Ada", "site_id": nothing, "roles": [{"id": nothing}], "datecreated": "1900-01-01T00:00:00"}
    accounts = await read_users(a_desk(), answering(is_list, lambda _: [row]))
    assert accounts["user", "7"].references == {}
    assert accounts["user", "7"].created_at is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-01-05T09:00:00.1234567", "2026-01-05T09:00:00.123456+00:00"), ("1899-12-30T00:00:00Z", None), ("x", None)],
)
async def test_dates_are_utc_and_the_sentinels_are_none(text, expected):
    accounts = await read_users(a_desk(), answering(is_list, lambda _: [{"id": 7, "datecreated": text}]))
    moment = accounts["user", "7"].created_at
    assert (moment and moment.isoformat()) == expected


@pytest.mark.parametrize("body", [{"users": [{"id": [1]}], "record_count": 1}, 7, "text"])
async def test_a_list_of_another_shape_is_named_with_its_place(body):
    with pytest.raises(ContractError, match="shape") as caught:
        await read_users(a_desk(), answering(is_list, lambda _: body))
    assert caught.value.where == "target.desk"


# ------------------------------------------------------------------------------------------------------------- writes


@pytest.mark.parametrize(("memberships", "result"), [("replace", "applied"), ("merge", "rejected")])
async def test_an_answer_that_hides_roles_is_checked_before_a_removal_is_believed(memberships, result):
    desk = a_desk(memberships=memberships)
    one, two = (str(role.id) for role in list(desk.user_roles.values())[:2])
    user = desk.add_user("Ada", 1, roles=(RoleLink(id=int(one)), RoleLink(id=int(two))))
    hidden = answering(is_post, lambda body: {"id": body["id"], "name": body["name"]})
    change = a_change("update", user.id, references={"roles": ((one, two), (one,))})
    async with opened(desk, transport=Altered(desk, hidden)) as target:
        assert results(await target.apply([change])) == [result]


async def test_a_role_that_halo_did_not_give_is_told():
    desk = a_desk()
    role = str(next(iter(desk.user_roles)))
    user = desk.add_user("Ada", 1)
    ignored = answering(
        lambda request: is_post(request) or request.url.path.endswith(f"/{user.id}"), lambda body: body | {"roles": []}
    )
    async with opened(desk, transport=Altered(desk, ignored)) as target:
        (outcome,) = await target.apply([a_change("update", user.id, references={"roles": ((), (role,))})])
    assert outcome.result == "rejected"
    assert f"did not get roles {role}" in outcome.message


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}"])
async def test_an_empty_answer_to_creates_is_looked_after(answer):
    desk = a_desk()
    empty = Altered(desk, lambda request, _: httpx.Response(201, text=answer) if is_post(request) else None)
    async with opened(desk, transport=empty) as target:
        outcomes = await target.apply([a_create(number) for number in range(5)])
    assert results(outcomes) == ["applied"] * 5
    assert [desk.users[int(outcome.key)].name for outcome in outcomes] == [f"Person {n}" for n in range(5)]


async def test_an_answer_that_names_another_record_is_not_taken_for_the_updated_one():
    desk = a_desk()
    user = desk.add_user("Ada", 1)
    other = Altered(
        desk, lambda request, _: httpx.Response(201, json={"id": 9999, "name": "Ada"}) if is_post(request) else None
    )
    async with opened(desk, transport=other) as target:
        (outcome,) = await target.apply([a_change("update", user.id, title="New")])
    assert (outcome.result, outcome.key) == ("already", str(user.id)), "the record itself was looked at"


async def test_when_nobody_can_look_a_lost_batch_is_unknown():
    desk = a_desk()
    desk.fail(Fault(effect="lost_after", resource="Users"))
    closed = Altered(desk, lambda request, _: httpx.Response(403) if is_list(request) else None)
    async with opened(desk, transport=closed) as target:
        assert results(await target.apply([a_create(number) for number in range(5)])) == ["unknown"] * 5


async def test_when_nobody_can_look_a_refused_array_is_not_taken_apart():
    desk = a_desk(bad_item="save_before")
    closed = Altered(desk, lambda request, _: httpx.Response(403) if is_list(request) else None)
    async with opened(desk, transport=closed) as target:
        outcomes = await target.apply([a_create(1), a_create(2, site="9999"), a_create(3)])
    assert results(outcomes) == ["unknown"] * 3
    assert creates_of(desk) == ["Person 1"]


async def test_after_two_arrays_without_an_answer_records_go_out_alone():
    desk = a_desk()
    desk.fail(Fault(effect="error_before", resource="Users", times=2))
    async with opened(desk, batch=3) as target:
        outcomes = await target.apply([a_create(number) for number in range(9)])
    assert results(outcomes) == ["unknown"] * 6 + ["applied"] * 3
    assert desk.counts()["POST /api/Users"] == 5


async def test_a_path_that_takes_no_writes_is_not_tried_record_by_record():
    desk = a_desk()
    gone = Altered(desk, lambda request, _: httpx.Response(405) if is_post(request) else None)
    async with opened(desk, transport=gone) as target:
        assert results(await target.apply([a_create(number) for number in range(20)])) == ["rejected"] * 20
    assert desk.counts()["POST /api/Users"] == 1


async def test_an_error_of_a_details_page_other_than_404_is_told():
    desk = a_desk()
    odd = Altered(desk, lambda request, _: httpx.Response(409) if request.url.path == "/api/Users/7" else None)
    async with opened(desk, transport=odd) as target:
        with pytest.raises(RejectedError):
            await target.find(a_change("update", 7))


async def test_the_agent_to_log_in_as_must_be_there():
    desk = a_desk()
    nobody = Altered(desk, lambda request, _: httpx.Response(403) if request.url.path == "/api/Agent/me" else None)
    async with opened(desk, transport=nobody) as target:
        with pytest.raises(AuthError) as caught:
            await read_all(target, "agent")
    assert "an active agent to log in as" in caught.value.fix
