"""Any history, then an undo: everything is as it was before the run, whoever changed something meanwhile keeps it."""

import tempfile
from pathlib import Path

import anyio
from engine_bench import CONFIG, Bench, rails
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from test_engine_undo import hired, links, shown, states

NAMES = ["ada", "bob", "cleo", "dora"]
GROUPS = ["Staff", "London", "Desk"]
NO_LIMITS = (
    CONFIG
    + "\n[rails]\nmin_people = 99\nkeep_active = { agent = 0 }\n"
    + "".join(f"max_{name} = {{ count = 99 }}\n" for name in ("disable", "demote", "change", "remap", "create"))
)

person = st.fixed_dictionaries(
    {
        "active": st.sampled_from([True, True, False]),
        "title": st.sampled_from(["", "Boss"]),
        "department": st.sampled_from(["", "IT"]),
        "groups": st.sets(st.sampled_from(GROUPS)).map(lambda groups: groups | {"Staff"}) | st.just(set()),
    }
)
company = st.dictionaries(st.sampled_from(NAMES), person, min_size=2)
history = st.lists(company, min_size=2, max_size=4)
account = st.tuples(st.sampled_from(["user", "agent"]), st.sampled_from(NAMES), st.booleans())
role = st.sampled_from([(), ("roles-approver",), ("roles-viewer",)])
edit = st.tuples(st.integers(0, 7), st.sampled_from(["name", "mail", "active", "roles"]), role)


def staff(bench, people):
    """Let the directory be exactly so; who is not named stays, inactive."""
    for name, facts in people.items():
        attributes = {key: facts[key] for key in ("title", "department")}
        known = name in bench.directory.people
        if not known:
            bench.directory.add(name)
        shown_as = f"{name.title()} {facts['title']}".strip()
        active = facts["active"]
        bench.directory.change(
            name, active=active, status="ON" if active else "OFF", display_name=shown_as, **attributes
        )
        for group in GROUPS:
            members = bench.directory.group(group)
            members.add(name) if group in facts["groups"] else members.discard(name)


def by_hand(bench, edits):
    """Somebody edits the desk."""
    keys = sorted(bench.desk.accounts)
    for number, part, roles in edits:
        if number >= len(keys):
            continue
        key = keys[number]
        account = bench.desk.accounts[key]
        if part == "active":
            bench.desk.edit(*key, active=not account.active)
        elif part != "roles":
            bench.desk.edit(*key, fields={**account.fields, part: f"by hand {part} {key[1]}"})
        elif key[0] == "user":
            bench.desk.edit(*key, references={**account.references, "roles": roles})


def before_and_after(bench, history):
    """A run over each company; the desk and the links before the last run, and its id."""
    for company in history[:-1]:
        staff(bench, company)
        anyio.run(bench.run)
        anyio.run(bench.clock.sleep, 200)
    before = shown(bench), links(bench)
    staff(bench, history[-1])
    return before, anyio.run(bench.run).run


def without_new(image, known):
    """Accounts that were there before; those that the run made are only switched off."""
    made = {key: account for key, account in image.items() if key not in known}
    assert not any(account.active for account in made.values())
    return {key: account for key, account in image.items() if key in known}


MAX = 40

calm = settings(max_examples=MAX, deadline=None, suppress_health_check=list(HealthCheck))


@calm
@given(st.lists(account, max_size=4, unique=True), history, st.booleans())
def test_an_undo_restores_everything_and_undoing_it_restores_that(found, history, looks_up):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), NO_LIMITS)
        bench.desk.looks_up = looks_up
        for kind, name, active in dict.fromkeys(found):
            if name not in {account.fields["mail"].partition("@")[0] for account in bench.desk.of(kind).values()}:
                bench.desk.add(kind, active=active, name=name, mail=f"{name}@example.com")
        (desk, owned), run = before_and_after(bench, history)
        for text in bench.did():
            event(text.partition(" ")[0])
        done, owned_then = shown(bench), links(bench)
        undone = anyio.run(bench.undo, run) if wrote(bench, run) else None
        if undone is None:
            return
        assert [hold.rail for hold in undone.plan.held] == []
        assert without_new(shown(bench), desk) == desk
        there = {who: link for who, link in links(bench).items() if (link.kind, link.key) in desk}
        assert there == owned
        writes = len(bench.desk.writes)
        assert anyio.run(bench.undo, run).plan.size == 0
        held = anyio.run(bench.run)
        assert held.plan.size == 0, bench.did()
        assert len(bench.desk.writes) == writes
        if wrote(bench, undone.run):
            anyio.run(bench.undo, undone.run)
            assert shown(bench) == done
            assert links(bench) == owned_then
            assert anyio.run(bench.run).plan.size == 0


@calm
@given(history, st.lists(edit, min_size=1, max_size=5))
def test_what_somebody_changed_meanwhile_is_never_overwritten(history, edits):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), NO_LIMITS)
        _, run = before_and_after(bench, history)
        if not wrote(bench, run):
            return
        left = dict(bench.desk.accounts)
        by_hand(bench, edits)
        hands = dict(bench.desk.accounts)
        anyio.run(bench.undo, run)
        for key, now in bench.desk.accounts.items():
            then, hand = left[key], hands[key]
            if hand.active != then.active:
                assert now.active == hand.active
            for name, value in hand.fields.items():
                if value != then.fields.get(name):
                    assert now.fields[name] == value
            roles_then, roles_hand = (set(each.references.get("roles", ())) for each in (then, hand))
            roles = set(now.references.get("roles", ()))
            assert roles >= roles_hand - roles_then, "given by hand"
            assert not roles & (roles_then - roles_hand), "taken by hand"


def wrote(bench, run):
    with bench.journal() as journal:
        return next(journal.writes(run), None) is not None


async def test_undoing_again_what_an_undone_undo_brought_back_outlives_the_next_run_too(bench):
    run = await hired(bench, "ada")
    first = await bench.undo(run)
    back = await bench.undo(first.run)
    await bench.undo(back.run)
    assert bench.did() == ["disable user Ada"]
    assert (states(bench, run), states(bench, first.run), states(bench, back.run)) == (["undone"], ["done"], ["undone"])
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["undone"])
    assert not bench.desk.of("user")["Ada"].active
