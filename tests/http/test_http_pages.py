"""Paging: links followed as they are, within their fence."""

from __future__ import annotations

import httpx
import pytest
from http_script import Script

from crosskey.errors import ContractError, RetryableError
from crosskey.http import Reply, RetryPolicy, link_next

BASE = "https://acme.example.test"


def page(value: int, *links: str) -> httpx.Response:
    return httpx.Response(200, json=[value], headers=[("Link", link) for link in links])


def self_link(path: str) -> str:
    return f'<{BASE}{path}>; rel="self"'


def next_link(path: str) -> str:
    return f'<{BASE}{path}>; rel="next"'


async def read(client, url="/users", **options) -> list[int]:
    return [row async for reply in client.pages(url, decode=list[int], **options) for row in reply.value]


async def test_links_in_one_line_and_in_several_are_followed_exactly_as_given(client_for):
    server = Script(
        page(1, self_link("/users?limit=2"), next_link("/users?limit=2&after=a%2Bb%3D")),
        page(2, f"{self_link('/users')}, {next_link('/users?limit=2&after=x%252F,y')}"),
        page(3, self_link("/users?limit=2")),
    )
    async with client_for(server) as client:
        assert await read(client, params={"limit": 2}) == [1, 2, 3]
    assert server.paths == ["/users?limit=2", "/users?limit=2&after=a%2Bb%3D", "/users?limit=2&after=x%252F,y"]


async def test_a_relative_link_and_the_callers_own_next_work(client_for):
    server = Script(page(1, "</users?page=2>; rel=next"), page(2))
    async with client_for(server) as client:
        assert await read(client) == [1, 2]
    assert server.paths[1] == "/users?page=2"

    server = Script(page(1), page(2), page(3))

    def by_number(reply: Reply[list[int]]) -> str | None:
        return f"/users?page={reply.value[0] + 1}" if reply.value[0] < 3 else None

    async with client_for(server) as client:
        assert await read(client, next_url=by_number) == [1, 2, 3]


@pytest.mark.parametrize("again", ["/users?limit=2", "/users?after=b"])
async def test_a_page_that_leads_back_ends_in_an_error_not_in_a_loop(client_for, again):
    server = Script(page(1, next_link("/users?after=b")), page(2, next_link(again)))
    async with client_for(server) as client:
        with pytest.raises(ContractError, match="read already") as caught:
            await read(client, params={"limit": 2})
    assert caught.value.code == "repeated-page"
    assert len(server.requests) == 2


async def test_a_page_that_leads_back_is_found_however_the_link_is_written(client_for):
    server = Script(page(1, "<https://ACME.example.test/users?after=a b>; rel=next"))
    async with client_for(server) as client:
        with pytest.raises(ContractError, match="read already"):
            await read(client)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/users?after=b",
        "https://acme.example.test.evil.test/users",
        "https://acme.example.test:8443/users",
        "https://acme.example.test@evil.test/users",
        "https://user@acme.example.test/users",
        "http://acme.example.test/users",
        "//evil.test/users",
    ],
)
async def test_a_link_to_a_foreign_host_is_refused_and_gets_no_token(client_for, target):
    server = Script(page(1, f"<{target}>; rel=next"))
    async with client_for(server, headers={"Authorization": "Bearer canary"}) as client:
        with pytest.raises(ContractError, match="not a host of this instance") as caught:
            await read(client)
    assert caught.value.code == "foreign-host"
    assert len(server.requests) == 1
    assert "after" not in str(caught.value)


@pytest.mark.parametrize("target", ["https://[::1/users", "//[::1/users"])
async def test_a_link_that_is_no_address_is_an_error_not_the_end(client_for, target):
    server = Script(page(1, f"<{target}>; rel=next"))
    async with client_for(server) as client:
        with pytest.raises(ContractError, match="not a URL"):
            await read(client)


async def test_a_host_that_the_plugin_named_may_be_followed(client_for):
    server = Script(page(1, "<https://acme-canonical.example.test/users?after=b>; rel=next"), page(2))
    async with client_for(server, hosts={"acme-canonical.example.test"}) as client:
        assert await read(client) == [1, 2]


async def test_a_page_that_fails_fails_the_list(client_for):
    server = Script(page(1, next_link("/users?after=b")), httpx.Response(500))
    async with client_for(server, retry=RetryPolicy(attempts=2)) as client:
        with pytest.raises(RetryableError):
            await read(client)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['<https://h.test/a?x=1,2>; rel="next"'], "https://h.test/a?x=1,2"),
        (['<https://h.test/a>; title="a, b; <c>"; rel="next last"'], "https://h.test/a"),
        (["<https://h.test/a>; REL=Next"], "https://h.test/a"),
        (['<https://h.test/a>; rel="prev"', '<https://h.test/b>;rel="next"'], "https://h.test/b"),
        (['<https://h.test/a>; rel="nextish"'], None),
        (["https://h.test/a; rel=next"], None),
        (["<>; rel=next"], "https://h.test/here"),
        ([], None),
    ],
)
def test_link_headers_as_the_standard_has_them(lines, expected):
    headers = httpx.Headers([("link", line) for line in lines])
    reply = Reply(value=None, status=200, headers=headers, url=httpx.URL("https://h.test/here"))
    assert link_next(reply) == expected
