"""What past runs read is kept beside the journal: the right ones, privately, for a while, and never in a run's way."""

import gzip
from datetime import timedelta

import anyio
import msgspec
import pytest
from engine_bench import CONFIG
from past_asked import as_of, shelf

from crosskey.engine.past import Shelf
from crosskey.errors import ConfigError


def run(bench, kind="sync", **options):
    bench.clock.advance(3600)
    return anyio.run(lambda: bench.run(kind, **options))


def kept(bench):
    return [one.run for one in shelf(bench).all()]


def folder(bench):
    return bench.config.journal.path.with_name("snapshots")


@pytest.fixture
def staffed(bench):
    bench.directory.add("ada", groups=["Staff"], title="Engineer")
    bench.directory.add("bob", groups=["Staff"])
    return bench


def test_runs_that_planned_something_are_kept_and_so_is_the_first_of_each_day(staffed):
    first = run(staffed)
    idle = [run(staffed) for _ in range(3)]
    staffed.directory.change("ada", display_name="Ada Lovelace")
    changed = run(staffed)
    assert kept(staffed) == [first.run, changed.run]
    staffed.clock.advance(24 * 3600)
    morning, later = run(staffed), run(staffed)
    assert kept(staffed) == [first.run, changed.run, morning.run, later.run], "the last one is the live snapshot"
    run(staffed)
    assert later.run not in kept(staffed)
    assert not {one.run for one in idle} & set(kept(staffed))


def test_files_are_private_and_nothing_half_made_is_taken_for_one(staffed):
    run(staffed), run(staffed)
    assert folder(staffed).stat().st_mode & 0o777 == 0o700
    [file] = folder(staffed).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    half = folder(staffed) / f".{file.name}"
    half.write_bytes(b"half")
    before = kept(staffed)
    run(staffed)
    assert not half.exists()
    assert kept(staffed)[0] == before[0]


@pytest.mark.parametrize("settings", ["count = 1", "mib = 0", "count = 0", 'keep = "30m"'])
def test_age_number_and_size_are_kept_to(staffed, settings):
    for title in "abcd":
        staffed.directory.change("ada", display_name=title)
        run(staffed)
    assert len(list(folder(staffed).iterdir())) == 3
    staffed.configure(f"{CONFIG}\n[journal.snapshots]\n{settings}\n")
    run(staffed)
    assert len(list(folder(staffed).iterdir())) == (1 if settings == "count = 1" else 0)


def test_where_there_is_no_room_for_all_those_of_changes_go_first(staffed):
    staffed.directory.tells_changes = staffed.desk.looks_up = True
    full = run(staffed, changes=True)
    rounds = []
    for title in "abc":
        staffed.directory.change("ada", display_name=title)
        rounds.append(run(staffed, changes=True))
    assert [one.reach for one in rounds] == ["changes"] * 3
    settings = msgspec.structs.replace(staffed.config.journal.snapshots, count=2)
    Shelf(staffed.config.journal.path, settings).tidy(staffed.clock.now())
    assert [one.run for one in shelf(staffed).all()] == [full.run, rounds[1].run, rounds[2].run]


def test_that_the_past_cannot_be_kept_is_told_and_stops_nothing(staffed):
    run(staffed)
    folder(staffed).write_text("in the way")
    staffed.directory.change("ada", display_name="Ada Lovelace")
    result = run(staffed)
    assert result.applied.counts == {"applied": 1}
    assert [notice.code for notice in result.notices] == ["past-not-kept"]


# ---------------------------------------------------------------------------------------------------- asking about it


def story(explanations, name="name"):
    [one] = explanations
    [user] = [account for account in one.accounts if account.kind == "user"]
    return next(field for field in user.fields if field.name == name)


def test_a_person_is_explained_as_of_a_run(staffed):
    first = run(staffed)
    staffed.directory.change("ada", display_name="Ada Lovelace")
    second = run(staffed)
    run(staffed)
    then, now = (story(as_of(staffed, one.run, "ada@example.com")) for one in (first, second))
    assert (then.value, then.wanted) == ("Ada", "Ada")
    assert (now.value, now.last.before, now.last.run) == ("Ada Lovelace", "Ada", second.run)
    assert then.last.run == first.run
    assert [(said.attribute, said.value) for said in then.said] == [("display_name", "Ada")]
    assert then.rule == "map.user.fields.name"
    assert staffed.path.read_text().splitlines()[then.line - 1].startswith("name =")
    assert then.owner == "crosskey's"


def test_by_a_time_the_last_run_that_had_begun_is_meant(staffed):
    first = run(staffed)
    staffed.directory.change("ada", display_name="Ada Lovelace")
    between = staffed.clock.now() + timedelta(minutes=1)
    run(staffed)
    assert story(as_of(staffed, f"{between:%Y-%m-%d %H:%M}", "ada")).last.run == first.run
    with pytest.raises(ConfigError, match="no run had begun"):
        as_of(staffed, "2020-01-01", "ada")
    with pytest.raises(ConfigError, match="is no time"):
        as_of(staffed, "2026-13-77", "ada")


def test_the_rules_are_those_of_that_run(staffed):
    first = run(staffed)
    staffed.configure(CONFIG.replace('name = "{{ display_name }}"', 'name = "{{ display_name }} (staff)"', 1))
    run(staffed)
    then = story(as_of(staffed, first.run, "ada"))
    assert (then.wanted, then.line) == ("Ada", None)
    assert then.text == "{{ display_name }}"


def test_without_what_was_read_the_journal_alone_tells_who_when_and_why(staffed):
    first = run(staffed)
    staffed.directory.change("ada", display_name="Ada Lovelace")
    run(staffed)
    for file in folder(staffed).iterdir():
        file.unlink()
    [told] = as_of(staffed, first.run, "ada@example.com")
    assert "cannot be told" in told.unknown
    assert told.person is None
    [account] = told.accounts
    assert [(one.change.action, one.run) for one in account.operations] == [("create", first.run)]
    assert account.link.fields["name"] == "Ada"
    with pytest.raises(ConfigError, match="nobody is known"):
        as_of(staffed, first.run, "nobody")


def test_a_damaged_file_is_told_and_the_journal_still_speaks(staffed):
    first = run(staffed)
    run(staffed)
    [file] = folder(staffed).iterdir()
    file.write_bytes(gzip.compress(b"no database at all"))
    [told] = as_of(staffed, first.run, "ada")
    assert told.unknown
    file.write_bytes(file.read_bytes()[:20])
    [told] = as_of(staffed, first.run, "ada")
    assert "cannot be read any more" in told.unknown


def test_what_came_after_a_run_is_not_known_as_of_it(staffed):
    first = run(staffed)
    staffed.directory.change("ada", active=False, status="OFF")
    run(staffed)
    [then] = as_of(staffed, first.run, "ada")
    assert then.accounts[0].link.active
    assert [one.change.action for one in then.accounts[0].operations] == ["create"]
    [now] = as_of(staffed, "last", "ada")
    assert not now.accounts[0].link.active


def test_what_is_told_of_a_run_that_took_back_does_not_depend_on_when_it_is_asked(staffed):
    def take_back(run):
        staffed.clock.advance(3600)
        return anyio.run(lambda: staffed.undo(run)).run

    run(staffed)
    staffed.directory.change("ada", display_name="Ada Lovelace")
    runs, told = [run(staffed).run], []
    for _ in range(3):
        runs.append(take_back(runs[-1]))
        told.append(as_of(staffed, runs[-1], "ada"))
    run(staffed, allow=(f"undone={runs[-1]}",))
    run(staffed)
    assert [as_of(staffed, one, "ada") for one in runs[1:]] == told
    assert [[one.state for one in then[0].accounts[0].operations] for then in told] == [
        ["done", "undone", "done"],
        ["done", "undone", "done", "done"],
        ["done", "undone", "done", "undone", "done"],
    ]
    assert ["taken back" in story(then).owner for then in told] == [True, False, True]


def test_an_owner_is_named(staffed):
    staffed.directory.change("ada", department="Research")
    run(staffed)
    [key] = [key for key, account in staffed.desk.accounts.items() if account.label == "Ada"]
    staffed.desk.edit(*key, fields={**staffed.desk.accounts[key].fields, "name": "By hand"})
    run(staffed, "plan")
    told = as_of(staffed, "last", "ada")
    assert "somebody else changed it" in story(told, "name").owner
    assert "written with the create only" in story(told, "title").owner
    assert story(told, "site").owner == "crosskey's"


def test_runs_of_one_second_and_of_a_clock_that_was_set_back_are_told_in_their_order(staffed):
    staffed.clock.advance(86400)
    first = anyio.run(staffed.run)
    staffed.directory.change("ada", display_name="Ada of the same second")
    second = anyio.run(staffed.run)
    staffed.clock.start -= timedelta(hours=6)
    staffed.directory.change("ada", display_name="Ada of the right time")
    third = anyio.run(staffed.run)
    names = ["Ada", "Ada of the same second", "Ada of the right time"]
    assert [story(as_of(staffed, one.run, "ada")).value for one in (first, second, third)] == names
    assert kept(staffed)[-1] == third.run, "what was read last stays the last"
    next(one.path for one in shelf(staffed).all() if one.run == second.run).unlink()
    [told] = as_of(staffed, second.run, "ada")
    assert f"shown is what run {first.run} did" in told.unknown
