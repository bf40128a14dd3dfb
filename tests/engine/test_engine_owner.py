"""Whose a field is, as it is told: what crosskey wrote and is still there is never called somebody else's."""

import anyio
import pytest
from past_asked import as_of

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
