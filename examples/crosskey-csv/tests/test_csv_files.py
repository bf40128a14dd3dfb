"""A file is read whole or not at all: whatever may be cut, or says two things at once, is refused with its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from os import utime
from pathlib import Path

import pytest
from crosskey import ConfigError, ContractError, CrosskeyError, ReadComplete, ReadRequest, RetryableError
from hr_office import HEADER, PEOPLE, Office, Reader, as_csv

TEXT = as_csv([HEADER, *PEOPLE])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def refusal(office: Office, **settings: object) -> CrosskeyError:
    """The error of a read, which must also be what a check says, and leave no page that ends a read."""
    source = office.opened(**settings)
    pages = []
    with pytest.raises(CrosskeyError) as caught:
        pages.extend([page async for page in source.read(ReadRequest())])
    assert not any(isinstance(page, ReadComplete) for page in pages)
    assert [finding.code for finding in await source.check()] == [caught.value.code]
    return caught.value


async def names(office: Office, **settings: object) -> list[str]:
    reader = await Reader().takes(office.opened(**settings).read(ReadRequest()))
    return [f"{person.given_name} {person.family_name}" for person in reader.people.values()]


# ---------------------------------------------------------------------------------------------------- what is readable


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
async def test_an_encoding_is_told_by_its_mark_or_is_utf_8(office, encoding):
    office.writes(TEXT.encode(encoding))
    assert await names(office) == ["Ada King", "Jörg Köhler", "Ute Müller"]


async def test_another_encoding_is_never_guessed(office):
    office.writes(TEXT.encode("cp1252"))
    error = await refusal(office)
    assert isinstance(error, ConfigError)
    assert error.message == "line 3 of people.csv is not utf-8"
    assert 'encoding = "cp1252"' in error.fix
    assert await names(office, encoding="cp1252") == ["Ada King", "Jörg Köhler", "Ute Müller"]


async def test_an_encoding_that_does_not_exist_is_named(office):
    office.files(PEOPLE)
    assert (await refusal(office, encoding="utf-9")).where == "source.hr.encoding"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
async def test_the_separator_is_the_one_that_fits_the_header(office, separator):
    office.files(PEOPLE, separator=separator)
    assert await names(office) == ["Ada King", "Jörg Köhler", "Ute Müller"]


async def test_a_spreadsheet_may_say_its_separator(office):
    office.writes(b"sep=;\r\n" + as_csv([HEADER, *PEOPLE], ";").encode())
    assert len(await names(office)) == 3


async def test_cells_may_hold_separators_quotes_and_lines(office):
    office.files([["1", 'Ada "the first"', "King,\nCountess", *PEOPLE[0][3:]]])
    assert await names(office) == ['Ada "the first" King,\nCountess']


async def test_blanks_and_blank_rows_mean_nothing(office):
    rows = [[f" {name} " for name in HEADER], PEOPLE[0], [""] * 8, [" 010 ", *PEOPLE[1][1:]], []]
    office.writes(as_csv(rows).encode())
    reader = await Reader().takes(office.opened().read(ReadRequest()))
    assert list(reader.people) == ["007", "010"]


# ----------------------------------------------------------------------------------------------------- what may be cut


WHOLE = f"{TEXT}END,{len(PEOPLE)}\r\n".encode()
LINES = [end + 1 for end in range(len(TEXT)) if TEXT[end] == "\n"]


async def test_a_file_that_was_cut_within_a_line_is_refused(office):
    for length in set(range(len(TEXT.encode()))) - {len(TEXT[:end].encode()) for end in LINES[1:]}:
        office.writes(TEXT.encode()[:length])
        error = await refusal(office)
        assert isinstance(error, RetryableError)
        assert error.code in {"csv-empty", "csv-cut"}


async def test_a_file_that_counts_its_people_is_refused_wherever_it_was_cut(office):
    for length in range(len(WHOLE) - 2):
        office.writes(WHOLE[:length])
        assert (await refusal(office, trailer="END")).code in {"csv-empty", "csv-cut"}


async def test_a_last_line_may_lack_its_end_where_the_settings_say_so(office):
    office.writes(TEXT.rstrip().encode())
    assert (await refusal(office)).code == "csv-cut"
    assert len(await names(office, newline_at_end=False)) == 3


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\xef\xbb\xbf", as_csv([HEADER]).encode(), as_csv([HEADER, [""] * 8]).encode()]
)
async def test_an_emptied_file_is_nobody_s_leaving(office, data):
    office.writes(data)
    error = await refusal(office)
    assert isinstance(error, RetryableError)
    assert "nothing of it was used" in error.message


async def test_a_count_at_the_end_must_be_right(office):
    office.writes(f"{TEXT}END,3\r\n".encode())
    assert len(await names(office, trailer="END")) == 3
    office.writes(f"{TEXT}END,4\r\n".encode())
    assert (await refusal(office, trailer="END")).message.startswith(
        'people.csv has 3 people, and its last line says "4"'
    )


async def test_a_file_that_is_not_there_says_so(office):
    error = await refusal(office)
    assert isinstance(error, RetryableError)
    assert (error.code, error.where) == ("csv-unreadable", "source.hr.path")


async def test_nobody_reads_what_is_still_being_written(office):
    office.files(PEOPLE)
    just_now = (office.clock.now() - timedelta(seconds=2)).timestamp()
    utime(office.path, (just_now, just_now))
    assert len(await names(office, settle=timedelta(seconds=5))) == 3
    assert office.clock.slept == [pytest.approx(3)]

    utime(office.path, (office.clock.now().timestamp(), office.clock.now().timestamp()))
    office.clock.meanwhile = lambda: office.files(PEOPLE[:2])
    with pytest.raises(RetryableError, match="still being written"):
        await names(office, settle=timedelta(seconds=5))


async def test_a_file_from_a_clock_that_is_ahead_is_not_waited_for(office):
    office.files(PEOPLE)
    ahead = datetime(2031, 1, 1, tzinfo=UTC).timestamp()
    utime(office.path, (ahead, ahead))
    assert len(await names(office, settle=timedelta(hours=1))) == 3
    assert office.clock.slept == []


async def test_a_file_that_is_replaced_while_it_is_read_is_refused(office):
    office.files(PEOPLE)
    source = office.opened()
    seen = await source._file.at_rest()  # noqa: SLF001 - between the two steps of one read
    office.files(PEOPLE[:1])
    with pytest.raises(RetryableError, match="changed while it was read"):
        source._file.read(seen)  # noqa: SLF001


# --------------------------------------------------------------------------------------------- what is whole and wrong


async def test_an_id_that_is_there_twice_names_both_lines(office):
    office.files([["1", "Ada,\nthe first", *PEOPLE[0][2:]], PEOPLE[1], ["1", *PEOPLE[2][1:]]])
    error = await refusal(office)
    assert isinstance(error, ContractError)
    assert error.message == 'people.csv: lines 2 and 5 bear the same No "1"; nothing of it was used'
    assert error.where == "source.hr.id"


async def test_somebody_without_an_id_is_named_by_line(office):
    office.files([PEOPLE[0], [" ", *PEOPLE[1][1:]]])
    assert (await refusal(office)).message == "people.csv: line 3 has no No; nothing of it was used"


async def test_a_row_of_another_width_is_named_by_line(office):
    office.files([PEOPLE[0][:-1], PEOPLE[1]])
    assert "line 2 has 7 cells, the header 8" in (await refusal(office)).message


async def test_a_quote_within_a_row_is_named_by_line(office):
    office.writes(TEXT.encode().replace(b"Ada", b'"Ada"x'))
    assert "line 2 cannot be read" in (await refusal(office)).message


async def test_a_nul_is_no_text(office):
    office.writes(TEXT.encode().replace(b"Ada", b"A\0a"))
    assert (await refusal(office)).code == "csv-nul"


async def test_a_column_that_is_not_there_is_named_with_the_closest(office):
    office.files(PEOPLE)
    error = await refusal(office, first_day="Untill")
    assert isinstance(error, ConfigError)
    assert (error.where, error.message) == (
        "source.hr.first_day",
        'people.csv has no column "Untill". Did you mean "Until"?',
    )


async def test_two_columns_of_one_name_are_refused_only_where_they_are_read(office):
    office.files([[*person, "a", "b"] for person in PEOPLE], header=[*HEADER, "Note", "Note"])
    reader = await Reader().takes(office.opened().read(ReadRequest()))
    assert {name for person in reader.people.values() for name in person.extra} == {"Until"}
    assert (await refusal(office, last_day="Note")).code == "csv-header"
