"""Own only what you gave: against a model where every role remembers who put it there."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_samples import ISSUER, apply, start, writing

from crosskey.model import Subject
from crosskey.plan import Change, ReferenceChange
from fake_clock import FakeClock

ROLES = st.frozensets(st.sampled_from("abcde"), max_size=5)
STEPS = st.lists(
    st.one_of(st.tuples(st.just("crosskey"), ROLES), st.tuples(st.just("hand"), ROLES)), min_size=1, max_size=8
)
NUMBERS = count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with writing(tmp_path_factory.mktemp("journal") / "j.sqlite", FakeClock()) as journal:
        yield journal


@given(existing=st.none() | ROLES, wanted=ROLES, steps=STEPS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_given_is_what_crosskey_added_and_nobody_took_away(shared, existing, wanted, steps):
    """``existing`` is the account found there (``None``: created). A hand may add and remove roles at any time."""
    number = next(NUMBERS)
    subject, key, run = Subject(ISSUER, f"p{number}"), f"k{number}", start(shared)
    serial = count()

    def write(action: str, before: frozenset[str], after: frozenset[str]) -> None:
        roles = ReferenceChange(tuple(sorted(before)), tuple(sorted(after)))
        one = Change(
            id=f"{key}:{next(serial)}",
            action=action,
            kind="user",
            subject=subject,
            label="Ann",
            key=None if action == "create" else key,
            references={"roles": roles},
        )
        apply(shared, one, key, run=run)

    # The model: who put each role there that is there now.
    present = dict.fromkeys(existing or (), "hand")

    def crosskey_writes(action: str, after: frozenset[str]) -> None:
        write(action, frozenset(present), after)
        added = {role: present.get(role, "crosskey") for role in after}
        present.clear()
        present.update(added)

    crosskey_writes("create" if existing is None else "adopt", wanted)
    for who, roles in steps:
        if who == "crosskey":
            crosskey_writes("update", roles)
        else:
            # A hand removes roles; one that comes back by hand between two of our writes cannot be told from ours,
            # so the model has the hand only add roles that crosskey does not own at that time.
            owned = {role for role, owner in present.items() if owner == "crosskey"}
            kept = {role: owner for role, owner in present.items() if role in roles or role in owned}
            kept |= {role: "hand" for role in roles if role not in kept}
            present.clear()
            present.update(kept)
        # What crosskey owns is judged at its own writes; in between a hand's removal is not known yet.
        link = shared.links("user", [subject])[subject]
        assert set(link.given.get("roles", ())) == {role for role, owner in present.items() if owner == "crosskey"}
    shared.end_run(run, "clean", {})


@given(wanted=ROLES.filter(len), removed=ROLES, again=ROLES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_hand_took_away_is_ours_again_only_when_we_give_it_again(shared, wanted, removed, again):
    number = next(NUMBERS)
    subject, key, run = Subject(ISSUER, f"p{number}"), f"k{number}", start(shared)
    made = Change(
        id=f"{key}:0", action="create", kind="user", subject=subject, label="", references={"roles": _roles((), wanted)}
    )
    apply(shared, made, key, run=run)
    left = wanted - removed
    update = Change(
        id=f"{key}:1",
        action="update",
        kind="user",
        subject=subject,
        label="",
        key=key,
        references={"roles": _roles(left, left | again)},
    )
    apply(shared, update, key, run=run)
    owned = set(shared.links("user", [subject])[subject].given.get("roles", ()))
    assert owned == left | again


def _roles(before, after):
    return ReferenceChange(tuple(sorted(before)), tuple(sorted(after)))


def test_references_that_a_change_does_not_name_stay_ours(shared):
    subject, key, run = Subject(ISSUER, "quiet"), "quiet", start(shared)
    made = Change(
        id="quiet:0",
        action="create",
        kind="user",
        subject=subject,
        label="",
        references={"roles": _roles((), "ab"), "teams": _roles((), "x")},
    )
    apply(shared, made, key, run=run)
    emptied = Change(
        id="quiet:1",
        action="update",
        kind="user",
        subject=subject,
        label="",
        key=key,
        references={"roles": _roles("ab", ())},
    )
    apply(shared, emptied, key, run=run)
    assert shared.links("user", [subject])[subject].given == {"teams": ("x",)}
