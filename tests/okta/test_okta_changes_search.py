"""Rounds of changes over a search that flaps, lags, or is told less than everything."""

from __future__ import annotations

import pytest
from okta_door import group_of, local
from okta_rounds import (
    PERSON,
    STAFF,
    an_hour_old,
    asked,
    of,
    request,
    round_of,
    without_log,
)

from changes_fold import followed, read_whole
from crosskey.connector.source import PeoplePage
from crosskey.errors import AuthError, CursorExpiredError, RetryableError
from crosskey.model import Subject
from crosskey_sandbox.okta import NO_ROLE, OktaQuirks, Rights


async def test_a_search_that_leaves_somebody_out_is_asked_again() -> None:
    org, people, _ = an_hour_old(search_flap=2)
    async with local(org, **without_log(org)) as source:
        known = await read_whole(source, STAFF)
        for title in ("One", "Two", "Three"):
            org.cell.clock.advance(300.0)
            org.users.update_profile(people[1], {"title": title})
            known = await followed(source, known, STAFF)
            assert known.people[people[1]].title == title
        org.quirks = OktaQuirks(search_flap=1)
        with pytest.raises(RetryableError) as caught:
            await followed(source, known, STAFF)
    assert caught.value.code == "okta-search-unsteady"
    assert not isinstance(caught.value, CursorExpiredError)


async def test_a_search_that_is_behind_re_hires_nobody() -> None:
    """Edited, then deactivated; the log tells, then the search still shows the edit."""
    org, people, _ = an_hour_old()
    async with local(org) as source:
        org.users.update_profile(people[1], {"title": "Last day"})
        org.cell.clock.advance(5.0)
        known = await read_whole(source, STAFF)
        org.quirks = OktaQuirks(search_lag=30.0)
        org.users.deactivate(people[1])
        for _ in range(5):
            org.cell.clock.advance(10.0)
            known = await followed(source, known, STAFF)
            assert known.people[people[1]].active is False
        org.users.activate(people[1])
        org.cell.clock.advance(31.0)
        known = await followed(source, known, STAFF)
        assert known.people[people[1]].active is True


async def test_of_two_words_of_one_second_the_id_decides() -> None:
    org, people, _ = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.users.update_profile(people[1], {"title": "Last day"})
        org.cell.clock.advance(0.2)
        known = await followed(source, known, STAFF)
        org.quirks = OktaQuirks(search_lag=60.0)
        org.users.deactivate(people[1])
        for cost in (1, 1, 1):
            asked(org)
            known = await followed(source, known, STAFF)
            assert known.people[people[1]].active is False
            assert asked(org)[PERSON] == cost
            org.cell.clock.advance(10.0)


async def test_after_a_full_read_too_a_search_that_is_behind_is_not_believed() -> None:
    org, people, _ = an_hour_old()
    async with local(org, **without_log(org)) as source:
        org.users.update_profile(people[1], {"title": "Last day"})
        org.cell.clock.advance(5.0)
        org.quirks = OktaQuirks(search_lag=30.0)
        org.users.deactivate(people[1])
        known = await read_whole(source, STAFF)
        known = await followed(source, known, STAFF)
    assert known.people[people[1]].active is False


async def test_who_was_looked_up_is_not_undone_by_a_search_that_is_behind() -> None:
    """As after an event hook: read by id at once, then a round."""
    org, people, _ = an_hour_old()
    async with local(org, **without_log(org)) as source:
        known = await read_whole(source, STAFF)
        org.users.update_profile(people[1], {"title": "Last day"})
        org.cell.clock.advance(5.0)
        org.quirks = OktaQuirks(search_lag=30.0)
        org.users.deactivate(people[1])
        assert (await source.find(Subject(source.issuer, people[1]))).active is False
        pages, _ = await round_of(source, known)
        told = [person for page in of(pages, PeoplePage) for person in page.people if person.subject.id == people[1]]
        assert not told, "the search shows an active person, and is not believed"
        org.cell.clock.advance(31.0)
        known = await followed(source, known, STAFF)
        assert known.people[people[1]].active is False


async def test_a_search_that_is_behind_brings_nobody_back_who_was_deleted() -> None:
    org, people, _ = an_hour_old()
    async with local(org) as source:
        org.users.deactivate(people[1])
        org.cell.clock.advance(5.0)
        known = await read_whole(source, STAFF)
        org.quirks = OktaQuirks(search_lag=30.0)
        org.users.delete(people[1])
        for _ in range(5):
            known = await followed(source, known, STAFF)
            assert people[1] not in known.people
            org.cell.clock.advance(10.0)


async def test_a_role_that_was_taken_away_is_an_error_and_no_quiet_round() -> None:
    org, _, _ = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.access.set_rights(org.api_token, NO_ROLE)
        with pytest.raises(AuthError):
            await followed(source, known, STAFF)


async def test_a_role_that_shrank_to_a_few_groups_has_everything_read_again() -> None:
    """Okta says 404 of whom an admin of some groups may not see; how many these are, only a full read tells."""
    org, people, _ = an_hour_old(3, staff=0)
    team = group_of(org, "Team", people[2:])
    wanted = request("Team")
    async with local(org) as source:
        known = await read_whole(source, wanted)
        org.access.set_rights(org.api_token, Rights(groups=frozenset({team})))
        with pytest.raises(CursorExpiredError, match="no longer there"):
            await followed(source, known, wanted)


async def test_when_the_witness_is_deleted_everything_is_read_again() -> None:
    org, people, _ = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        while not org.users.delete(people[0]):
            pass
        with pytest.raises(CursorExpiredError, match="no longer there"):
            await followed(source, known, STAFF)
        known = await read_whole(source, STAFF)
        assert await followed(source, known, STAFF) == known
