"""What differs from the file of a cursor, round after round, is what a full read at the end would have said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from crosskey import CursorExpiredError, GonePage, PeoplePage, ReadComplete, ReadRequest
from hr_office import PEOPLE, STAFF, Office, Reader
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    office.files(PEOPLE)
    return office


async def test_a_file_that_says_the_same_changes_nothing_but_the_place(office):
    source = office.opened()
    reader = await Reader().takes(source.read(STAFF))
    first = reader.end.cursor
    office.files(reversed(PEOPLE), separator=";")
    await reader.takes(source.read_changes(first, STAFF))
    assert [type(page) for page in reader.pages] == [ReadComplete]
    assert reader.end.cursor != first


async def test_only_who_differs_comes_and_comes_whole(office):
    source = office.opened()
    reader = await Reader().takes(source.read(STAFF))
    office.files([PEOPLE[0], [*PEOPLE[1][:3], "j.koehler@acme.example", *PEOPLE[1][4:]], PEOPLE[2]])
    await reader.takes(source.read_changes(reader.end.cursor, STAFF))
    (person,) = next(page.people for page in reader.pages if isinstance(page, PeoplePage))
    assert (person.given_name, person.email, person.manager) == ("Jörg", "j.koehler@acme.example", "007")


async def test_a_last_day_passes_without_a_new_file(office):
    office.files([[*PEOPLE[0][:-1], "2026-03-02"], *PEOPLE[1:]])
    source = office.opened()
    reader = await Reader().takes(source.read(STAFF))
    office.clock.time += timedelta(days=1)
    await reader.takes(source.read_changes(reader.end.cursor, STAFF))
    assert reader.people["007"].active is False


async def test_absence_is_no_change_unless_the_file_always_lists_everybody(office):
    for complete in (False, True):
        office.files(PEOPLE)
        source = office.opened(complete=complete)
        reader = await Reader().takes(source.read(STAFF))
        office.files(PEOPLE[1:])
        if not complete:
            with pytest.raises(CursorExpiredError, match="1 people are not in the file any more, which says nothing"):
                await reader.takes(source.read_changes(reader.end.cursor, STAFF))
            continue
        await reader.takes(source.read_changes(reader.end.cursor, STAFF))
        assert [page.people for page in reader.pages if isinstance(page, GonePage)] == [("007",)]


@pytest.mark.parametrize("cursor", ["", "{}", "\udcff", '{"version": 2}', "null", "[]"])
async def test_a_place_that_cannot_be_read_leads_to_a_full_read(office, cursor):
    with pytest.raises(CursorExpiredError):
        await Reader().takes(office.opened().read_changes(cursor, STAFF))


async def test_a_place_belongs_to_its_settings_and_its_request(office):
    reader = await Reader().takes(office.opened().read(STAFF))
    for source, request in (
        (office.opened(inactive=("Terminated", "Left")), STAFF),
        (office.opened(), ReadRequest()),
        (office.opened(issuer="elsewhere"), STAFF),
    ):
        with pytest.raises(CursorExpiredError, match="other settings or mappings"):
            await Reader().takes(source.read_changes(reader.end.cursor, request))
    moved = office.path.rename(office.path.with_name("moved.csv"))  # how it is read changes nothing
    await reader.takes(office.opened(path=moved, separator=",").read_changes(reader.end.cursor, STAFF))


async def test_a_cursor_says_nothing_of_anybody(office):
    reader = await Reader().takes(office.opened().read(STAFF))
    assert not [word for person in PEOPLE for word in person[1:4] if word in reader.end.cursor]


CELL = st.sampled_from(["", "a", "b", "Zoë"])
DEPARTMENT = st.sampled_from(["", "Service Desk", "Sales", "Service Desk|Sales"])
STATE = st.sampled_from(["Active", "Terminated", "?"])
DAY = st.sampled_from(["", "2026-03-01", "2026-03-02", "2026-03-03", "never"])
ROW = st.tuples(CELL, CELL, CELL, DEPARTMENT, st.sampled_from(["", "1", "2", "9"]), STATE, DAY)
FILE = st.dictionaries(st.sampled_from("123456"), ROW, min_size=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FILE, st.integers(0, 2)), min_size=2, max_size=5), st.booleans())
def test_any_rounds_of_changes_end_where_a_full_read_ends(history, complete):
    async def story(office: Office) -> None:
        source = office.opened(complete=complete, group_separator="|")
        reader = Reader()
        for rows, days in history:
            office.files([[key, *row] for key, row in rows.items()])
            office.clock.time += timedelta(days=days)
            try:
                await reader.takes(source.read_changes(reader.end.cursor, STAFF))
            except CursorExpiredError:
                assert not reader.end.cursor or (not complete and not reader.people.keys() <= rows.keys())
                reader = await Reader().takes(source.read(STAFF))
        assert reader.facts() == (await Reader().takes(office.opened(**SAME[complete]).read(STAFF))).facts()

    with TemporaryDirectory() as folder:
        asyncio.run(story(Office(Path(folder))))


SAME = {complete: {"complete": complete, "group_separator": "|"} for complete in (False, True)}
