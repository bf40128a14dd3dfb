"""Where exactly each rail begins to hold: one less goes, one more does not."""

import pytest
from engine_bench import CONFIG, rails

from crosskey.config import RailSettings
from crosskey.connector.target import Seats
from crosskey.engine.rails import Allowed, check_read
from crosskey.engine.read import PeopleRead, SourceRead
from crosskey.errors import ConfigError


class Last:
    """What the last complete read brought."""

    def __init__(self, people=0, members=0):
        self._people, self._members = people, members

    def people(self, source):
        return self._people

    def members(self, source, name):
        return self._members


def held(read_people, last, *, members=1, allow=(), **settings):
    source = SourceRead(path="source.corp", pages=1, people=read_people, logical={"Staff": members})
    read = PeopleRead(sources=(source,), people=read_people)
    return check_read(read, last, RailSettings(**settings), Allowed.parse(allow))


@pytest.mark.parametrize(
    ("before", "now", "codes"),
    [
        (10, 7, []),
        (10, 6, ["shrink"]),
        (5, 3, ["shrink"]),
        (4, 1, []),
        (100, 70, []),
        (100, 69, ["shrink"]),
        (1000, 700, []),
        (1000, 699, ["shrink"]),
        (0, 1, []),
        (10, 1, ["shrink"]),
        (4, 0, ["empty-source"]),
    ],
)
def test_shrinking(before, now, codes):
    assert [hold.rail for hold in held(now, Last(before))] == codes


def test_the_share_and_the_least_number_are_settings():
    assert held(9, Last(10), shrink_percent=90.0) == []
    assert [hold.rail for hold in held(8, Last(10), shrink_percent=90.0)] == ["shrink"]
    assert held(1, Last(10), min_people=11) == []
    assert held(1, Last(10), shrink_percent=0) == []


@pytest.mark.parametrize(("before", "now", "codes"), [(5, 0, ["empty-group"]), (4, 0, []), (5, 1, [])])
def test_emptying_of_a_group(before, now, codes):
    assert [hold.rail for hold in held(9, Last(10, members=before), members=now)] == codes


def test_what_is_allowed_is_exactly_that():
    assert held(6, Last(10), allow=["shrink=6"]) == []
    assert len(held(6, Last(10), allow=["shrink=5"])) == 1
    assert held(9, Last(10, members=9), members=0, allow=["empty-group=Staff"]) == []
    assert len(held(9, Last(10, members=9), members=0, allow=["empty-group=Desk"])) == 1


def test_an_empty_source_says_what_there_was_and_cannot_be_allowed():
    [first] = held(0, Last(), allow=["shrink=0"])
    assert first.summary == "source.corp returned nobody"
    assert (first.scope, first.rail) == ("run", "empty-source")
    [later] = held(0, Last(20))
    assert later.summary == "source.corp returned nobody (last complete read: 20)"
    assert "crosskey check" in later.fix


def test_the_summary_of_a_shrunk_read_names_both_numbers_and_the_way_through():
    [hold] = held(6, Last(10))
    assert hold.summary == "source.corp returned 6 people, the last complete read 10 (less than 70 %)"
    assert hold.fix == "if that is right: --allow shrink=6"
    assert hold.scope == "run"


@pytest.mark.parametrize(("people", "codes"), [(10, []), (11, ["mass-disable"])])
async def test_ten_disables_go_and_eleven_do_not(bench, people, codes):
    for number in range(20):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    for number in range(people):
        bench.directory.change(f"p{number:02}", active=False)
    assert rails(await bench.run()) == codes
    assert sum(not account.active for account in bench.desk.of("user").values()) == (0 if codes else people)


async def test_where_not_one_disable_may_go_none_is_no_disable(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 0, percent = 0 }")
    bench.directory.add("ada", groups=["Staff"])
    assert rails(await bench.run()) == []
    bench.directory.change("ada", active=False)
    assert rails(await bench.run()) == ["mass-disable"]


@pytest.mark.parametrize("word", ["empty-group", "empty-group=", "shrink=", "shrink=-1"])
def test_an_allowance_without_its_value_is_refused(word):
    with pytest.raises(ConfigError, match="cannot be allowed"):
        Allowed.parse([word])


async def test_a_target_that_does_not_count_seats_is_not_held(bench):
    bench.desk.seats = None
    bench.directory.add("ada", groups=["Desk"])
    assert rails(await bench.run()) == []
    assert bench.did() == ["create agent Ada"]


async def test_the_last_free_seat_is_given(bench):
    bench.desk.seats = Seats(5, 4)
    bench.directory.add("ada", groups=["Desk"])
    assert rails(await bench.run()) == []


async def test_ten_people_absent_are_looked_up_and_eleven_are_not(bench):
    for number in range(40):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    bench.directory.hidden = {f"p{number:02}" for number in range(10)}
    assert rails(await bench.run()) == []
    assert len(bench.directory.finds) == 10
    bench.directory.hidden.add("p10")
    result = await bench.run()
    assert rails(result) == ["absence-unconfirmed"]
    assert result.plan.held[0].summary.startswith("11 people with a user account were not in the read: more than 10")
    assert result.plan.held[0].examples[:2] == ("user 1 (p00)", "user 2 (p01)")
    assert len(result.plan.held[0].examples) == 10
    assert "--allow absence-unconfirmed=11" in result.plan.held[0].fix
