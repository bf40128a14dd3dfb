"""What exactly a full read asks for, and what the place it ends in says of the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec
import pytest
from okta_door import URL, opened, read_all, wanting
from okta_rounds import request

from crosskey.errors import AuthError, RejectedError, RetryableError
from crosskey_okta.cursor import Recent

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEFT = 'status eq "DEPROVISIONED"'


def before(seconds: float) -> str:
    """So long before noon, as Okta writes times."""
    return (NOON - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def user(id: str, status: str = "ACTIVE", updated: str | None = None) -> dict[str, Any]:
    return {"id": id, "status": status, "profile": {}, "lastUpdated": updated}


def group(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "profile": {"name": name}}


def members(*ids: str) -> list[dict[str, Any]]:
    return [{"id": each} for each in ids]


Pages = Sequence[Sequence[dict[str, Any]]]


class Lists:
    """Okta's lists in pages, under their path or the filter they are asked by; the others are empty.

    ``times`` are the seconds before noon at which a list's pages are answered, ``None`` for an answer without a time.
    """

    def __init__(self, lists: Mapping[str, Pages], times: Mapping[str, Sequence[float | None]] | None = None) -> None:
        self.lists = {"users": [[user("00u1")]], **lists}
        self.times = times or {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, sent: httpx.Request) -> httpx.Response:
        path, params = sent.url.path.removeprefix("/api/v1/"), dict(sent.url.params)
        self.asked.append((path, params))
        name, number = params.get("filter", path), int(params.pop("after", 0))
        pages = self.lists.get(name, [[]])
        headers = {}
        if number + 1 < len(pages):
            following = httpx.URL(f"{URL}{sent.url.path}", params={**params, "after": number + 1})
            headers["Link"] = f'<{following}>; rel="next"'
        ago = self.times.get(name, [0] * len(pages))[number]
        if ago is not None:
            headers["Date"] = format_datetime(NOON - timedelta(seconds=ago), usegmt=True)
        return httpx.Response(200, json=pages[number], headers=headers)

    def place(self, **changes: Any) -> Any:
        """The open source over these lists."""
        return opened(httpx.MockTransport(self), **changes)


async def ended(lists: Lists, wanted: Any = None) -> dict[str, Any]:
    """The place in which a full read over these lists ends."""
    async with lists.place() as source:
        everything = await read_all(source, wanted or request())
    assert everything.complete is not None
    return json.loads(everything.complete.cursor)


# ------------------------------------------------------------------------------------------------------------- requests


async def test_every_list_is_asked_for_once_in_the_largest_pages_that_okta_recommends() -> None:
    lists = Lists(
        {
            "groups": [[group("00g1", "Staff"), group("00g2", "Nobody asked")]],
            "apps": [[{"id": "0oa1", "label": "Desk"}, {"id": "0oa2", "label": "Nobody asked"}]],
        }
    )
    async with lists.place(member_page=777) as source:
        await read_all(source, wanting("Staff", apps=["Desk"]))
    assert sorted(lists.asked, key=str) == [
        ("apps", {"limit": "200"}),
        ("apps/0oa1/users", {"limit": "500"}),
        ("groups", {"limit": "200"}),
        ("groups/00g1/users", {"limit": "777"}),
        ("users", {"limit": "200", "filter": LEFT}),
        ("users", {"limit": "200"}),
    ]


async def test_a_group_and_an_app_are_chosen_from_all_pages_of_their_list() -> None:
    lists = Lists(
        {
            "groups": [[group("00g1", "Staff")], [group("00g2", "London")], [group("00g3", "Berlin")]],
            "groups/00g1/users": [members("00u1"), members("00u2")],
            "groups/00g2/users": [members("00u2")],
            "apps": [[{"id": "0oa1", "label": "Desk"}], [{"id": "0oa2", "label": "Wiki"}]],
            "apps/0oa1/users": [members("00u3")],
        }
    )
    async with lists.place() as source:
        everything = await read_all(source, wanting("Staff", "London", apps=["Desk"]))
    assert everything.members == {"00g1": {"00u1", "00u2"}, "00g2": {"00u2"}, "0oa1": {"00u3"}}
    assert everything.groups.keys() == {"00g1", "00g2", "00g3", "0oa1", "0oa2"}


async def test_a_group_that_two_names_mean_is_listed_once() -> None:
    lists = Lists({"groups": [[group("00g1", "Staff")]], "groups/00g1/users": [members("00u1")]})
    place = await ended(lists, request("Staff", "Everybody here", pins={"Everybody here": "00g1"}))
    assert [path for path, _ in lists.asked].count("groups/00g1/users") == 1
    assert place["chosen"] == {"Staff": "00g1", "Everybody here": "00g1"}
    assert place["stands"] == {"00g1": [before(10), 1, False]}


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, 1), (2, 1), (4, 3)])
async def test_lists_of_members_leave_one_request_in_flight_to_the_list_of_people(
    concurrency: int, at_once: int
) -> None:
    lists = Lists({"groups": [[group(f"00g{number}", f"Group {number}") for number in range(9)]]})
    flying: list[str] = []
    most = 0

    async def handle(sent: httpx.Request) -> httpx.Response:
        nonlocal most
        if sent.url.path.startswith("/api/v1/groups/"):
            flying.append(sent.url.path)
            for _ in range(100):  # turns of the loop, in which whoever may fly takes off
                await asyncio.sleep(0)
            most = max(most, len(flying))
            flying.remove(sent.url.path)
        return lists(sent)

    async with opened(httpx.MockTransport(handle), concurrency=concurrency) as source:
        everything = await read_all(source, wanting(*(f"Group {number}" for number in range(9))))
    assert len(everything.members) == 9
    assert most == at_once


# ---------------------------------------------------------------------------------------------------- where it goes on


async def test_a_read_ends_in_a_place_that_says_all_that_rounds_of_changes_go_by() -> None:
    lists = Lists(
        {
            "users": [
                [user("00u1", "SUSPENDED", before(121)), user("00u2", updated=before(120))],
                [user("00u3", updated=before(5)), user("00u4")],
            ],
            LEFT: [[user("00u5", "DEPROVISIONED", before(60)), user("00u6", "DEPROVISIONED", before(9_000))]],
            "groups": [[group("00g1", "Staff"), group("00g2", "Empty"), group("00g3", "Nobody asked")]],
            "groups/00g1/users": [members("00u1", "00u2"), members("00u3")],
            "apps": [[{"id": "0oa1", "label": "Desk"}]],
            "apps/0oa1/users": [members("00u1")],
        }
    )
    place = await ended(lists, request("Staff", "Empty", apps=("Desk",)))
    assert len(place.pop("request")) == 20
    assert place == {
        "version": 1,
        "since": "2026-01-05T12:00:00Z",
        "witness": "00u2",
        "chosen": {"Staff": "00g1", "Empty": "00g2"},
        "stands": {"00g1": [before(10), 3, False], "00g2": [before(10), 0, False]},
        "apps_listed": "2026-01-05T12:00:00Z",
        "log": "",
        "log_refused": None,
        "recent": {
            "00u2": [before(120), True],
            "00u3": [before(5), True],
            "00u5": [before(60), False],
        },
        "gone": {},
    }
    assert msgspec.convert(place["recent"]["00u5"], Recent) == Recent(before(60), active=False)


@pytest.mark.parametrize("first", ["users", LEFT, "groups", "apps"])
async def test_changes_go_on_from_the_earliest_answer_whichever_list_it_is_of(first: str) -> None:
    names = ("users", LEFT, "groups", "apps")
    times = {name: [3, None, 4] for name in names} | {first: [30, None, 31]}
    lists = Lists({name: [[], [], []] for name in names}, times)
    lists.lists |= {"users": [[user("00u1")], [], []], "apps": [[{"id": "0oa1", "label": "Desk"}], [], []]}
    async with lists.place() as source:
        everything = await read_all(source, request(apps=("Desk",)))
    assert everything.complete is not None
    assert everything.complete.server_time == NOON - timedelta(seconds=31)
    place = json.loads(everything.complete.cursor)
    assert place["since"] == place["apps_listed"] == "2026-01-05T11:59:29Z"


async def test_without_a_time_of_okta_there_is_no_place_to_go_on_from() -> None:
    lists = Lists({"users": [[user("00u1", updated=before(5))]]}, {name: [None] for name in ("users", LEFT, "groups")})
    async with lists.place() as source:
        everything = await read_all(source, request())
    assert everything.complete is not None
    assert (everything.complete.cursor, everything.complete.server_time) == ("", None)
    assert everything.people.keys() == {"00u1"}


async def test_whoever_came_before_the_first_time_was_told_counts_as_changed_lately() -> None:
    lists = Lists({"users": [[user("00u1", updated=before(9_000))]]}, {"users": [None], LEFT: [None], "groups": [1]})
    place = await ended(lists)
    assert place["recent"] == {"00u1": [before(9_000), True]}


@pytest.mark.parametrize(
    ("pages", "witness"),
    [
        ([[user("00u1"), user("00u2")], [user("00u3")]], "00u1"),
        ([[user("00u1", "SUSPENDED"), user("00u2")], [user("00u3")]], "00u2"),
        ([[user("00u1", "SUSPENDED"), user("00u2", "SUSPENDED")], [user("00u3")]], "00u1"),
        ([[user("00u1", "SUSPENDED")]], "00u1"),
        ([[], [user("00u1")]], "00u1"),
    ],
)
async def test_the_witness_of_later_searches_is_somebody_of_the_first_people_active_where_there_is_one(
    pages: Pages, witness: str
) -> None:
    assert (await ended(Lists({"users": pages})))["witness"] == witness


async def test_people_who_left_are_no_proof_that_okta_shows_anybody() -> None:
    lists = Lists({"users": [[]], LEFT: [[user("00u1", "DEPROVISIONED")]]})
    async with lists.place() as source:
        with pytest.raises(AuthError, match="no people at all"):
            await read_all(source)


async def test_what_is_odd_in_the_org_is_told_at_the_end_of_a_read() -> None:
    lists = Lists({"users": [[user("00u1", "UNHEARD_OF")]]})
    async with lists.place() as source:
        everything = await read_all(source)
    assert everything.complete is not None
    assert [warning.code for warning in everything.complete.warnings] == ["okta-status-unknown"]


# -------------------------------------------------------------------------------------------------- groups that move


@pytest.mark.parametrize("path", ["groups/00g1/users", "apps/0oa1/users"])
@pytest.mark.parametrize(
    ("status", "code"), [(404, "E0000007"), (404, "E0000008"), (400, "E0000003")], ids=["gone", "other 404", "refused"]
)
async def test_only_what_okta_says_was_deleted_asks_for_another_run(path: str, status: int, code: str) -> None:
    lists = Lists({"groups": [[group("00g1", "Staff")]], "apps": [[{"id": "0oa1", "label": "Desk"}]]})

    def handle(sent: httpx.Request) -> httpx.Response:
        if sent.url.path == f"/api/v1/{path}":
            return httpx.Response(status, json={"errorCode": code, "errorSummary": "Not found"})
        return lists(sent)

    async with opened(httpx.MockTransport(handle)) as source:
        with pytest.raises((RetryableError, RejectedError)) as caught:
            await read_all(source, wanting("Staff", apps=["Desk"]))
    error = caught.value
    if code != "E0000007":
        assert isinstance(error, RejectedError)
        assert code in error.message
        return
    assert isinstance(error, RetryableError)
    assert error.message == f"the group or app {path.split('/')[1]} was deleted while the org was read"
    assert (error.code, error.where, error.fix) == ("okta-moved", "source.corp", "run again")
