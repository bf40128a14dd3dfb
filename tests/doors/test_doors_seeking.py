"""Somebody who has no account yet is looked at while they wait: alone, once, and only where somebody looks."""

from __future__ import annotations

import html

import pytest
from doors_bench import house
from sso_bench import ADA, ISSUER

from crosskey.engine.guarding import Switch
from crosskey.journal import JournalWriter, Trouble
from crosskey.model import Subject
from crosskey.plan import Held

CARL = Subject(ISSUER, "carl")
WAITING = 'content="5;url=/agents/sign-in/waiting"'


@pytest.fixture
async def doors(tmp_path):
    """A door that has people looked at, and a watcher."""
    async with house(tmp_path, agents={"on_demand": True}) as opened:
        with opened.watchbook() as book:
            book.begin_watch()
        yield opened


def sought(doors):
    with doors.watchbook() as book:
        return list(book.sought())


def looked_at(doors, *people):
    """The watcher's round about these people is over."""
    with doors.watchbook() as book:
        book.found(people)


async def arrive(doors, sub="carl", **parts):
    browser = doors.browser()
    return browser, await browser.sign_in(sub=sub, **parts)


async def test_they_come_in_once_there_is_an_account(doors):
    carl = doors.browser()
    await carl.go(to="/tickets/980")
    page = await carl.back({"sub": "carl"})
    assert (page.status_code, WAITING in page.text, sought(doors), doors.pokes) == (403, True, [CARL], 1)
    assert "not-provisioned" in page.text
    assert "<script" not in page.text
    again = await carl.get("/agents/sign-in/waiting")
    assert (WAITING in again.text, doors.pokes) == (True, 1)
    doors.sync.link(CARL, "agent", "9")
    looked_at(doors, CARL)
    onward = await carl.get("/agents/sign-in/waiting")
    assert onward.headers["location"] == "/agents/sign-in/start?to=%2Ftickets%2F980"
    carl.sent(await carl.get(onward.headers["location"]))
    assert (await carl.back({"sub": "carl"})).headers["location"] == "/tickets/980"
    assert (doors.inside(), doors.attempts()) == (1, ["signed-in", "not-provisioned"])
    assert (await carl.get("/agents/sign-in/waiting")).headers["location"] == "/agents/sign-in"  # nobody waits any more


async def test_they_see_the_reason_where_there_will_be_none(doors):
    carl, page = await arrive(doors)
    reference = page.text.partition("Reference</dt><dd>")[2][:8]
    looked_at(doors, CARL)
    over = await carl.get("/agents/sign-in/waiting")
    assert (over.status_code, "refresh" in over.text) == (403, False)
    assert "nothing gives you an account here" in over.text
    assert reference in over.text  # an administrator finds the attempt by it
    assert doors.attempts() == ["not-provisioned"]


async def test_an_account_that_is_held_says_so(doors):
    """No rail makes an exception for whoever waits."""
    carl, _ = await arrive(doors)
    with JournalWriter.open(doors.config.journal.path, clock=doors.clock, connection="desk") as journal:
        run = journal.start_run("sync", trigger="watch:people", config_digest="d", config_text="", plugins={})
        held = Held(rail="create-flood", scope="person", summary="waits", kind="agent", subject=CARL)
        journal.keep_waiting(run, [(held, None)], whole=True)
        journal.end_run(run, "held", {})
    looked_at(doors, CARL)
    over = await carl.get("/agents/sign-in/waiting")
    assert ("account-held" in over.text, "refresh" in over.text, doors.inside()) == (True, False, 0)


async def test_a_page_does_not_wait_for_ever(doors):
    carl, _ = await arrive(doors)
    pages = [await carl.get("/agents/sign-in/waiting") for _ in range(24)]
    assert [WAITING in page.text for page in pages] == [True] * 23 + [False]
    assert "longer than usual" in pages[-1].text


async def test_one_look_at_a_time_and_not_again_for_a_while(doors):
    for _ in range(3):
        _, page = await arrive(doors)
        assert WAITING in page.text
    assert (sought(doors), doors.pokes) == ([CARL], 1)
    looked_at(doors, CARL)
    _, page = await arrive(doors)
    assert ("few minutes ago" in page.text, "refresh" in page.text, sought(doors)) == (True, False, [])
    doors.clock.advance(301)
    _, page = await arrive(doors)
    assert (WAITING in page.text, sought(doors)) == (True, [CARL])


async def test_a_bounded_number_a_minute(doors):
    pages = [(await arrive(doors, f"stranger-{number}"))[1] for number in range(12)]
    assert [WAITING in page.text for page in pages] == [True] * 10 + [False] * 2
    assert "Many people" in pages[-1].text
    assert len(sought(doors)) == 10
    doors.clock.advance(7)
    assert WAITING in (await arrive(doors, "stranger-20"))[1].text


@pytest.mark.parametrize("why", ["never", "ended", "stopped", "quarantined"])
async def test_where_nobody_looks_the_page_says_so(tmp_path, why):
    async with house(tmp_path, agents={"on_demand": True}) as doors:
        with doors.watchbook() as book:
            if why != "never":
                book.begin_watch()
            if why == "ended":
                book.end_watch()
            if why == "quarantined":
                now = doors.clock.now()
                book.note_trouble(
                    Trouble(
                        since=now, failures=5, step=0, next_try_at=now, code="x", place="", text="", fix="", exit_code=1
                    )
                )
        if why == "stopped":
            Switch(doors.config.journal.path).stop("moving", doors.clock.now())
        _, page = await arrive(doors)
        assert (page.status_code, "refresh" in page.text, sought(doors), doors.pokes) == (403, False, [], 0)
        assert "Nobody looks" in page.text


@pytest.mark.parametrize(
    ("claims", "code"),
    [({"sub": "bo"}, "account-elsewhere"), ({"sub": "carl", "aud": "another"}, "aud-mismatch")],
)
async def test_nobody_else_is_looked_at(doors, claims, code):
    browser = doors.browser()
    page = await browser.sign_in(**claims)
    assert (code in page.text, sought(doors)) == (True, [])
    assert not any("waiting" in name for name in browser.cookies)


async def test_what_waits_is_bound_to_its_browser(doors):
    carl, _ = await arrive(doors)
    other = doors.browser()
    assert (await other.get("/agents/sign-in/waiting")).headers["location"] == "/agents/sign-in"
    other.cookies = dict.fromkeys(carl.cookies, "x" * 43)
    assert (await other.get("/agents/sign-in/waiting")).headers["location"] == "/agents/sign-in"
    doors.sync.disable(ADA, "agent", "7")
    assert WAITING in (await carl.get("/agents/sign-in/waiting")).text


async def test_it_speaks_german_too(doors):
    carl, _ = await arrive(doors)
    page = await carl.get("/agents/sign-in/waiting", headers={"accept-language": "de"})
    assert "Wir sehen nach Ihrem Konto" in html.unescape(page.text)
