"""Whose a field is, as it is told: what crosskey wrote and is still there is never called somebody else's."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import anyio
import pytest
from past_asked import as_of

from crosskey.engine.explanation import explain
from crosskey.engine.stage import Stage
from crosskey.journal import Journal

WAITING = "crosskey's: the next run writes the rule's value, unless something holds it"

TAKEN_BACK = "crosskey's: what it had written there was taken back, and waits for your word (crosskey held)"


def run(bench, kind="sync"):
    bench.clock.advance(3600)
    return anyio.run(lambda: bench.run(kind))


def owner(bench, name="name"):
    [told] = as_of(bench, "last", "ada")
    [user] = [account for account in told.accounts if account.kind == "user"]
    return next(field.owner for field in user.fields if field.name == name)


def edit(bench, **fields):
    [key] = [key for key, account in bench.desk.accounts.items() if "Ada" in account.label]
    bench.desk.edit(*key, fields={**bench.desk.accounts[key].fields, **fields})


@pytest.fixture
def renamed(bench):
    """Somebody has an account, and has been given another name since."""
    bench.directory.add("ada", groups=["Staff"], title="Engineer")
    run(bench)
    bench.directory.change("ada", display_name="Ada Lovelace")
    return bench


def test_what_is_planned_and_not_written_yet_is_still_crosskeys(renamed):
    run(renamed, "plan")
    assert owner(renamed) == WAITING


def test_what_the_desk_refused_left_crosskeys_value(renamed):
    renamed.desk.bad = {"Ada Lovelace"}
    run(renamed)
    assert owner(renamed) == WAITING
    renamed.desk.bad = set()
    run(renamed)
    assert owner(renamed) == "crosskey's"


def test_of_a_write_without_an_answer_nobody_knows(renamed):
    renamed.desk.fault = "lost-answer"
    run(renamed)
    assert owner(renamed) == "not known yet: crosskey's last write of it got no answer, and the next run looks"


def test_what_was_taken_back_is_crosskeys_and_stays_until_somebody_says_otherwise(renamed):
    done = run(renamed)
    renamed.clock.advance(3600)
    anyio.run(lambda: renamed.undo(done.run))
    assert owner(renamed) == TAKEN_BACK


def test_what_the_desk_shows_in_its_own_way_is_crosskeys(renamed):
    renamed.desk.cut = 25
    renamed.directory.change("ada", display_name="Augusta Ada Byron, Countess of Lovelace")
    run(renamed), run(renamed)
    assert owner(renamed) == "crosskey's: the target shows what was written in its own way"
    edit(renamed, name="By hand")
    run(renamed, "plan")
    assert owner(renamed).startswith("somebody else changed it")


def test_what_somebody_else_wrote_is_theirs_though_the_rules_changed_as_well(renamed):
    edit(renamed, name="By hand")
    run(renamed, "plan")
    assert owner(renamed).startswith("somebody else")


def test_nothing_is_promised_of_an_account_that_is_switched_off(renamed):
    renamed.directory.change("ada", active=False)
    run(renamed)
    off = "nothing is written while the account is switched off"
    assert owner(renamed) == f"crosskey's: {off}"
    edit(renamed, name="By hand")
    run(renamed, "plan")
    assert owner(renamed) == f"somebody else changed it in the target; {off}"


# -- what was written since the account was read ----------------------------------------------------------------------


def now(bench):
    """The user of ada, as it is told of the last round."""
    with (
        Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal,
        Stage.kept(bench.config.journal.path.with_name("snapshot.sqlite")) as stage,
    ):
        [told] = explain(bench.config, journal, stage, "ada")
    [user] = [account for account in told.accounts if account.kind == "user"]
    return user


def field(account, name="name"):
    [story] = [story for story in account.fields if story.name == name]
    return story.value, story.owner


@pytest.fixture
def followed(bench):
    """Somebody was made, and a round looked at somebody else since."""
    bench.directory.tells_changes = True
    bench.desk.looks_up = bench.desk.can_find = True
    for who in ("ada", "bob"):
        bench.directory.add(who, groups=["Staff", "London"], title="Engineer")
    round_of_changes(bench)
    bench.directory.change("bob", display_name="Robert")
    round_of_changes(bench)
    return bench


def round_of_changes(bench):
    bench.clock.advance(3600)
    return anyio.run(lambda: bench.run(changes=True))


def test_a_newcomer_is_told_as_made_though_later_rounds_looked_at_others(followed):
    assert field(now(followed)) == ("Ada", "crosskey's")
    assert field(now(followed), "site")[1] == "crosskey's"
    assert now(followed).active is True


def test_what_a_round_wrote_is_told_until_the_account_is_read_again(followed):
    followed.directory.change("ada", display_name="Ada Lovelace")
    round_of_changes(followed)
    followed.directory.change("bob", display_name="Bob")
    round_of_changes(followed)
    assert field(now(followed)) == ("Ada Lovelace", "crosskey's")
    edit(followed, name="By hand")
    followed.directory.change("ada", title="Countess")
    anyio.run(lambda: followed.run("plan", changes=True))
    assert field(now(followed))[0] == "By hand"
    assert field(now(followed))[1].startswith("somebody else")


def test_a_clock_that_was_ahead_makes_no_write_newer_than_a_read(renamed):
    renamed.set_wrong(timedelta(hours=30))
    run(renamed)
    renamed.set_wrong(timedelta(0))
    edit(renamed, name="By hand")
    run(renamed, "plan")
    assert field(now(renamed))[0] == "By hand"


def test_lists_that_are_late_make_nobody_somebody_else(renamed):
    before = renamed.desk.of("user")["Ada"]
    run(renamed)
    renamed.desk.accounts["user", before.key] = before
    anyio.run(renamed.run)
    assert field(now(renamed)) == (
        "Ada",
        "crosskey's, and does not show: lists are late, or somebody put it back; the next run looks",
    )


def test_of_an_account_that_a_read_did_not_show_nothing_is_claimed(renamed):
    run(renamed)
    renamed.desk.accounts.clear()
    run(renamed, "plan")
    assert {story.owner for story in now(renamed).fields} == {"not known: the last read did not show the account"}


def test_roles_that_were_there_before_are_not_crosskeys_and_stay(bench):
    account = bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.desk.edit("user", account.key, references={**account.references, "roles": ("roles-viewer",)})
    bench.directory.add("ada", groups=["Staff"])
    run(bench), run(bench)
    bench.directory.group("London").add("ada")
    run(bench), run(bench, "plan")
    assert field(now(bench), "roles") == (
        ("roles-viewer",),
        "not crosskey's: it was there before or was given by hand, and stays",
    )


def test_a_snapshot_of_a_version_that_did_not_note_when_accounts_were_read_is_told_as_well(renamed):
    run(renamed)
    path = renamed.config.journal.path.with_name("snapshot.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute("DROP TABLE looked_up")
        older.execute("DELETE FROM note WHERE name = 'read_mark'")
    assert field(now(renamed)) == ("Ada Lovelace", "crosskey's")
