"""Rails on classes of changes, word for word: what each says, what it names, and what it leaves alone."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, rails
from engine_holds import approve, held, leave, staffed, waits

from crosskey.connector.target import Seats
from crosskey.errors import ConfigError
from crosskey.plan import Held

ROLES = CONFIG.replace(
    "[map.agent]\n", '[[map.user.assign]]\ngroup = "Approvers"\nroles = ["Approver"]\n[map.agent]\n', 1
).replace('title = { from = "title", write = "on_create" }', 'title = "title"')
OVER_LIMITS = """
[rails]
max_disable = { count = 1, percent = 0 }
disable_per_day = 2
disable_per_week = 3
max_demote = { count = 1, percent = 0 }
max_change = { count = 9, percent = 0 }
max_remap = { count = 9, percent = 0 }
max_create = { count = 1, percent = 0 }
"""
LEFT = 'left: status "ON" in the source'


def way(rail: str, count: int, setting: str, kind: str = "user") -> str:
    approve = f'crosskey approve {rail} --kind {kind} --because "…"'
    return f"if that is right: {approve}, or --allow {rail}={count} for one run; {setting}"


def hold(rail: str, action: str, count: int, summary: str, fix: str, examples: tuple[str, ...]) -> Held:
    return Held(
        rail=rail, scope="class", action=action, kind="user", summary=summary, fix=fix, examples=examples, count=count
    )


@pytest.fixture
def tight(bench):
    """Limits that three people exceed."""
    bench.configure(ROLES + OVER_LIMITS)
    bench.directory.group("Approvers")
    return bench


async def test_too_many_disables_at_once(tight):
    await staffed(tight, 4)
    leave(tight, 0, 1)
    result = await tight.run()
    assert result.plan.held == (
        hold(
            "mass-disable",
            "disable",
            2,
            "2 of 4 managed user accounts would be disabled; the limit is 1",
            way("mass-disable", 2, "[rails] max_disable raises the limit"),
            (f"P000 (user:1): {LEFT}", f"P001 (user:2): {LEFT}"),
        ),
    )


async def test_whoever_was_approved_goes_and_is_told_of(tight):
    await staffed(tight, 6)
    leave(tight, 1, 2)
    await tight.run()
    approve(tight, "mass-disable")
    leave(tight, 0, 3)
    [told] = (await tight.run()).plan.held
    assert tight.did() == ["disable user P001", "disable user P002"]
    assert told.summary == (
        "4 of 6 managed user accounts would be disabled; the limit is 1; 2 of them were approved and go on"
    )
    assert (told.count, told.examples) == (2, (f"P000 (user:1): {LEFT}", f"P003 (user:4): {LEFT}"))


async def test_the_share_of_a_day_is_of_all_who_were_there_when_it_began(bench):
    bench.configure(CONFIG + "[rails]\nmax_disable = { count = 0, percent = 50 }\n")
    await staffed(bench, 4)
    for number, codes in enumerate(([], [], ["rolling-disable"])):
        leave(bench, number)
        result = await bench.run()
        assert rails(result) == codes
    assert rails(await bench.run("plan", allow=("mass-disable=1",))) == []
    assert rails(await bench.run("plan", allow=("rolling-disable=1",))) == []


@pytest.mark.parametrize(
    ("gone", "span", "setting", "limit"), [(2, "a day", "disable_per_day", 2), (3, "a week", "disable_per_week", 3)]
)
async def test_too_many_disables_one_after_the_other(tight, gone, span, setting, limit):
    await staffed(tight, 6)
    began = tight.clock.elapsed
    for number in range(gone):
        leave(tight, number)
        assert rails(await tight.run()) == []
        tight.clock.advance(20 * 3600 if span == "a week" else 60)
    leave(tight, gone)
    result = await tight.run()
    assert result.plan.held == (
        hold(
            "rolling-disable",
            "disable",
            1,
            f"1 user accounts would be disabled and {gone} were within {span}; the limit for {span} is {limit}",
            way("rolling-disable", 1, f"[rails] {setting} raises the limit"),
            (f"P00{gone} (user:{gone + 1}): {LEFT}",),
        ),
    )
    tight.clock.advance(began + (7 if span == "a week" else 1) * 24 * 3600 + 1 - tight.clock.elapsed)
    assert rails(await tight.run()) == [], "the first was longer ago"


async def test_too_many_who_would_lose_something(tight):
    tight.directory.group("Approvers").update({"p000", "p001"})
    tight.directory.group("London").add("p000")
    await staffed(tight, 4)
    tight.directory.group("Approvers").clear()
    tight.directory.group("London").clear()
    tight.directory.change("p003", display_name="Aaa")
    result = await tight.run()
    assert result.plan.held == (
        hold(
            "mass-demote",
            "update",
            2,
            "2 of 4 managed user accounts would lose roles, teams or the like; the limit is 1",
            way("mass-demote", 2, "[rails] max_demote raises the limit"),
            (
                "P000 (user:1): site -site-london; roles -roles-approver, -roles-viewer",
                "P001 (user:2): roles -roles-approver",
            ),
        ),
    )
    assert tight.did() == ["update user Aaa"]


CHANGES = OVER_LIMITS.replace("max_change = { count = 9", "max_change = { count = 1")


async def test_too_many_who_would_change_the_same_way(tight):
    tight.configure(ROLES + CHANGES)
    await staffed(tight, 5)
    tight.directory.group("London").update({"p000", "p001"})
    tight.directory.change("p001", display_name="Other")
    for number in (0, 1, 2, 3):
        tight.directory.change(f"p00{number}", title="Engineer")
    result = await tight.run()
    roles, site = "roles (empty) → roles-viewer", "site site-main → site-london"
    assert result.plan.held == (
        hold(
            "mass-change",
            "update",
            4,
            "4 of 5 managed user accounts would change: title in 4, roles in 2, site in 2; the limit is 1",
            way("mass-change", 4, "[rails] max_change raises the limit"),
            (
                f"Other (user:2): title (empty) → Engineer; {site}; {roles}",
                f"P000 (user:1): title (empty) → Engineer; {site}; {roles}",
                "P002 (user:3): title (empty) → Engineer",
            ),
        ),
    )


async def test_several_references_of_one_account_are_told_in_a_row(tight):
    tight.configure(ROLES + CHANGES)
    for name in ("London", "Approvers"):
        tight.directory.group(name).add("p001")
    await staffed(tight, 3)
    for name in ("London", "Approvers"):
        tight.directory.group(name).symmetric_difference_update({"p000", "p001"})
    [told] = (await tight.run()).plan.held
    both = "roles-approver, roles-viewer"
    assert told.examples == (
        f"P000 (user:1): site site-main → site-london; roles (empty) → {both}",
        f"P001 (user:2): site site-london → site-main; roles {both} → (empty)",
    )


async def test_too_many_who_would_change_by_new_rules(tight):
    limits = OVER_LIMITS.replace("max_remap = { count = 9", "max_remap = { count = 2")
    tight.configure(ROLES + limits)
    await staffed(tight, 3)
    for number in range(3):
        tight.directory.change(f"p00{number}", title="Engineer")
    assert rails(await tight.run()) == [], "the rules are as they were"
    tight.configure(ROLES.replace("{{ display_name }}", "{{ display_name | lower }}", 1) + limits)
    result = await tight.run()
    assert result.plan.held == (
        hold(
            "mass-change",
            "update",
            3,
            "[map.user] is not as it was in the last run, and 3 of 3 managed user accounts would change: name in 3; "
            "the limit is 2",
            way("mass-change", 3, "[rails] max_remap raises the limit"),
            tuple(f"P00{number} (user:{number + 1}): name P00{number} → p00{number}" for number in range(3)),
        ),
    )


async def test_too_many_new_accounts(tight):
    await staffed(tight, 3)
    for name in ("new", "newer"):
        tight.directory.add(name, groups=["Staff"])
    result = await tight.run()
    [told] = result.plan.held
    assert told == hold(
        "create-flood",
        "create",
        2,
        "2 user accounts would be made, 3 are managed; the limit is 1",
        way("create-flood", 2, "[rails] max_create raises the limit"),
        told.examples,
    )
    assert [example.partition(":")[0] for example in told.examples] == ["New", "Newer"]


async def test_who_was_tried_before_is_no_new_account(tight):
    await staffed(tight, 3)
    tight.desk.bad = {"New", "Newer"}
    for name in ("new", "newer"):
        tight.directory.add(name, groups=["Staff"])
    await tight.run(allow=("create-flood=2",))
    tight.desk.bad = set()
    tight.clock.advance(24 * 3600)
    tight.directory.add("newest", groups=["Staff"])
    assert rails(await tight.run()) == []
    assert len(tight.did()) == 3


async def test_who_was_passed_over_when_others_were_approved(tight):
    await staffed(tight, 5)
    leave(tight, 0, 1, 2)
    await tight.run()
    approve(tight, "mass-disable", only=("P000",))
    await tight.run()
    tight.clock.advance(30 * 24 * 3600)
    tight.directory.change("p001", active=True)
    tight.directory.change("p002", display_name="Other")
    waiting = hold(
        "mass-disable",
        "disable",
        1,
        "some user accounts waited when others were approved, and were not among those",
        'approve them too (crosskey approve mass-disable --kind user --because "…"), or put right why they are in the '
        "plan",
        (f"Other (user:3): {LEFT}",),
    )
    assert (await tight.run()).plan.held == (waiting,)
    assert (await tight.run(allow=("mass-disable=1",))).plan.held == (waiting,), "no number chooses anybody"


# -- the first run ----------------------------------------------------------------------------------------------------


async def test_the_first_run_is_told_to_whoever_looks_and_held_from_whoever_does_not(bench):
    bench.configure(CONFIG, asks=True)
    bench.directory.add("ada", groups=["Staff", "Desk"])
    bench.directory.add("bob", groups=["Staff"])
    result = await bench.run("plan")
    told = "`crosskey sync` and `crosskey watch` hold all"
    assert [(notice.code, notice.summary, notice.fix) for notice in result.notices] == [
        (
            "first-run",
            f"nothing was applied for {kind} accounts yet: {told} {count} changes until somebody applied or approved them",
            "look at them, then `crosskey apply`",
        )
        for kind, count in (("user", 2), ("agent", 1))
    ]
    result = await bench.run()
    look = "look at them with `crosskey plan`, then `crosskey apply`, or crosskey approve first-run"
    assert {one.kind: (one.summary, one.fix, one.count) for one in result.plan.held} == {
        kind: (
            f"this is the first run for {kind} accounts, and nobody has looked at its {count} changes",
            f'{look} --kind {kind} --because "…"; [rails] first_run = "go" never asks',
            count,
        )
        for kind, count in (("user", 2), ("agent", 1))
    }
    assert {(one.rail, one.scope, one.action) for one in result.plan.held} == {("first-run", "class", "create")}


async def test_a_first_run_of_which_somebody_saw_the_beginning_goes_on_by_itself(bench):
    bench.configure(CONFIG, asks=True)
    for number in range(5):
        bench.directory.add(f"p{number}", groups=["Staff"])
    await bench.run("apply", stop=iter([False, True]).__next__)
    assert len(bench.desk.accounts) == 3
    assert rails(await bench.run()) == []
    assert len(bench.desk.accounts) == 5


# -- what an undo takes away ------------------------------------------------------------------------------------------


async def adopted(bench, config: str) -> str:
    """Ada's and Bob's accounts were there, switched off, and Cleo's, which was on; the run that adopted them."""
    bench.configure(config)
    for name in ("ada", "bob", "cleo"):
        bench.desk.add("user", name=name.title(), mail=f"{name}@example.com", active=name == "cleo")
        bench.directory.add(name, groups=["Staff"])
    run = (await bench.run()).run
    bench.configure(config + OVER_LIMITS)
    return run


async def test_accounts_that_an_undo_gives_back_switched_off_count_as_disabled(bench):
    result = await bench.undo(await adopted(bench, CONFIG))
    [told] = result.plan.held
    assert told == hold(
        "mass-disable",
        "release",
        2,
        "2 of 3 managed user accounts would be disabled; the limit is 1",
        way("mass-disable", 2, "[rails] max_disable raises the limit"),
        told.examples,
    )
    assert bench.did() == ["release user Cleo"]


async def test_an_undo_goes_no_further_than_the_ceiling(bench):
    run = await adopted(bench, CONFIG)
    bench.configure(CONFIG + '[rails]\nmay = "create"\n')
    result = await bench.undo(run)
    [told] = result.plan.held
    assert told == hold(
        "ceiling",
        "release",
        2,
        '[rails] may = "create" lets crosskey go no further',
        'if it should go further: [rails] may = "create", "disable" or "demote"',
        told.examples,
    )
    assert bench.did() == ["release user Cleo"]


# -- how far it may go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("may", "done"),
    [
        ("observe", set()),
        ("create", {"create user New", "update user Else"}),
        ("disable", {"create user New", "update user Else", "disable user P000"}),
        ("demote", {"create user New", "update user Else", "disable user P000", "update user P001"}),
    ],
)
async def test_crosskey_goes_no_further_than_it_may(bench, may, done):
    bench.configure(ROLES)
    bench.directory.group("Approvers").add("p001")
    await staffed(bench, 5)
    bench.configure(f'{ROLES}[rails]\nmay = "{may}"\n')
    leave(bench, 0)
    bench.directory.group("Approvers").discard("p001")
    bench.directory.change("p002", display_name="Else")
    bench.directory.add("new", groups=["Staff"])
    result = await bench.run()
    assert set(bench.did()) == done
    assert set(rails(result)) == ({"ceiling"} if may != "demote" else set())
    assert sum(one.count for one in held(bench)) == 4 - len(done)
    assert not any(one.approve for one in held(bench)), "only another setting lets it through"
    if may != "demote":
        with pytest.raises(ConfigError, match="no word of a person"):
            approve(bench, "ceiling")


# -- seats ------------------------------------------------------------------------------------------------------------


async def test_seats_that_are_kept_are_not_given(bench):
    bench.configure(CONFIG + "[rails]\nkeep_seats = 2\n")
    bench.desk.seats = Seats(5, 2)
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Desk"])
    result = await bench.run()
    assert rails(result) == ["seats-short"]
    assert result.plan.held[0].summary == "2 agent seats are needed, 1 of 5 are free (2 are kept)"
    assert waits(bench) == ["seats-short agent create 2"]
    assert held(bench)[0].approve == ""
    del bench.directory.people["bob"]
    bench.directory.group("Desk").discard("bob")
    assert rails(await bench.run()) == []


async def test_a_held_change_without_a_reason_of_its_own_is_told_by_whose_it_is(tight):
    await staffed(tight, 1)
    tight.directory.change("p000", title="Engineer")
    tight.configure(ROLES + OVER_LIMITS.replace("[rails]", '[rails]\nmay = "observe"', 1))
    result = await tight.run()
    assert [held.examples for held in result.plan.held if held.action == "update"] == [("P000 (user:1)",)]
