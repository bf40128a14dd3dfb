"""What an account shows of a change that was sent, part by part; and what it lacks of one that is said to be done."""

from __future__ import annotations

import msgspec
import pytest

from crosskey.connector.target import FieldSpec, KindSpec
from crosskey.engine.marker import marker
from crosskey.engine.shown import holds, lacking, shown
from crosskey.model import Account, Subject
from crosskey.plan import Change, FieldChange, ReferenceChange

ADA, BOB = Subject("https://directory.example", "ada"), Subject("https://directory.example", "bob")
MARK = marker(ADA)
KIND = KindSpec(name="user", summary="", fields=(FieldSpec(name="name"), FieldSpec(name="secret", listed=False)))
ON, OFF = FieldChange(before=False, after=True), FieldChange(before=True, after=False)
ROLES = ReferenceChange(("old", "kept"), ("kept", "new"))


def change(action: str = "update", **parts) -> Change:
    return Change(id="c1", action=action, kind="user", subject=ADA, label="Ada", key="1", **parts)


def account(**parts) -> Account:
    return Account(kind="user", key="1", **parts)


def seen(of: Change, **parts) -> tuple[dict[str, object], bool]:
    """What is shown of a change, without what names it, and whether that is all."""
    found, whole = shown(account(**parts), of, KIND)
    if found is None:
        return {}, whole
    assert (
        msgspec.structs.replace(found, active=of.active, marker=of.marker, fields=of.fields, references=of.references)
        == of
    )
    told = {"active": found.active, "marker": found.marker, "fields": found.fields, "references": found.references}
    return {name: value for name, value in told.items() if value}, whole


# -- recovery ---------------------------------------------------------------------------------------------------------


def test_a_create_only_has_to_be_there():
    made = change("create", fields={"name": FieldChange(None, "Ada")})
    assert shown(account(active=False), made, KIND) == (made, True)


@pytest.mark.parametrize(("active", "told"), [(False, ({"active": OFF}, True)), (True, ({}, False))])
def test_a_switch_is_shown_where_it_is_as_it_was_put(active, told):
    assert seen(change("disable", active=OFF), active=active) == told


@pytest.mark.parametrize(
    ("action", "active", "there"), [("adopt", ON, False), ("release", OFF, True), ("update", ON, False)]
)
def test_who_is_taken_or_given_back_without_the_switch_shows_nothing(action, active, there):
    of = change(action, active=active, marker=MARK, fields={"name": FieldChange("A", "Ada")})
    shows = "" if action == "release" else MARK
    parts = {"marker": shows, "fields": {"name": "Ada"}}
    without = seen(of, active=there, **parts)
    rest = {"marker": MARK, "fields": of.fields}
    assert without == (({}, False) if action != "update" else (rest, False))
    assert seen(of, active=not there, **parts) == ({"active": active, **rest}, True)


@pytest.mark.parametrize(
    ("action", "bears", "told"),
    [
        ("adopt", MARK, ({"marker": MARK}, True)),
        ("adopt", "", ({}, False)),
        ("adopt", marker(BOB), ({}, False)),
        ("release", "", ({"marker": MARK}, True)),
        ("release", marker(BOB), ({"marker": MARK}, True)),
        ("release", MARK, ({}, False)),
    ],
)
def test_a_marker_is_shown_where_it_is_written_or_gone(action, bears, told):
    assert seen(change(action, marker=MARK), marker=bears) == told


def test_a_change_without_a_marker_shows_none():
    of = change(fields={"name": FieldChange("A", "Ada")})
    assert seen(of, fields={"name": "Ada"}) == ({"fields": of.fields}, True)
    assert seen(change(active=OFF), active=True, marker="") == ({}, False)


def test_fields_are_shown_one_by_one_and_what_lists_leave_out_is_not_missed():
    name, secret = FieldChange("A", "Ada"), FieldChange("old", "new")
    both = change(fields={"name": name, "secret": secret})
    assert seen(both, fields={"name": "Ada"}) == ({"fields": {"name": name}}, True)
    assert seen(both, fields={"name": "Ada", "secret": "new"}) == ({"fields": both.fields}, True)
    assert seen(both, fields={"name": "A", "secret": "new"}) == ({"fields": {"secret": secret}}, False)
    assert seen(both, fields={"name": "A", "secret": "old"}) == ({}, False)
    emptied = change(fields={"secret": FieldChange("old", "")})
    assert seen(emptied) == ({}, False), "of what is not listed, nothing is no proof"


def test_of_references_what_was_given_and_what_was_taken_is_shown():
    of = change(references={"roles": ROLES})

    def part(*now: str) -> ReferenceChange:
        return ReferenceChange(ROLES.before, now)

    for now, whole in ((("new", "kept"), True), (("kept",), False), (("old", "kept", "new"), False), (("old",), False)):
        assert seen(of, references={"roles": now}) == ({"references": {"roles": part(*now)}}, whole)
    assert seen(of, references={"roles": ("old", "kept")}) == ({}, False)
    with_theirs = seen(of, references={"roles": ("kept", "theirs", "new")})
    assert with_theirs == ({"references": {"roles": part("kept", "new")}}, True), "what others gave is not ours"
    assert seen(change(references={"roles": ReferenceChange((), ("new",))})) == ({}, False)


def test_all_of_it_is_the_whole():
    of = change("adopt", active=ON, marker=MARK, fields={"name": FieldChange("A", "Ada")}, references={"roles": ROLES})
    there = {"active": True, "marker": MARK, "fields": {"name": "Ada"}, "references": {"roles": ("kept", "new")}}
    all_of_it = {"active": ON, "marker": MARK, "fields": of.fields, "references": of.references}
    assert seen(of, **there) == (all_of_it, True)
    for name, value in {"marker": "", "fields": {}, "references": {"roles": ("kept", "old")}}.items():
        found, whole = seen(of, **{**there, name: value})
        assert found.keys() - {"references"} == all_of_it.keys() - {name, "references"}
        assert not whole


@pytest.mark.parametrize(
    ("now", "after", "listed", "expected"),
    [
        ("Ada", "Ada", False, True),
        ("ada", "Ada", True, False),
        (None, "", True, True),
        ("", None, True, True),
        (None, "", False, False),
        (None, "Ada", True, False),
        ("Ada", None, True, False),
        (False, None, True, False),
        (0, "", True, False),
    ],
)
def test_empty_is_empty_in_whatever_form_where_lists_show_it(now, after, listed, expected):
    assert holds(now, FieldChange("x", after), listed=listed) is expected


# -- verification -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "there", "lacks"),
    [
        (change(active=ON), {"active": False}, ["it is still switched off"]),
        (change(active=OFF), {"active": True}, ["it is still switched on"]),
        (change(active=OFF), {"active": False}, []),
        (change(), {"active": False}, []),
        (change("adopt", marker=MARK), {"marker": marker(BOB)}, ["it bears the marker of somebody else"]),
        (change("adopt", marker=MARK), {"marker": ""}, []),
        (change("release", marker=MARK), {"marker": marker(BOB)}, []),
        (change(fields={"name": FieldChange("A", "Ada")}), {"fields": {"name": "A"}}, ["name holds something else"]),
        (change(fields={"name": FieldChange("A", "Ada")}), {}, ["name holds something else"]),
        (change(fields={"name": FieldChange("A", "Ada")}), {"fields": {"name": "Ada"}}, []),
        (change(fields={"name": FieldChange("A", "")}), {}, []),
        (change(fields={"secret": FieldChange("A", "Ada")}), {}, []),
        (
            change(fields={"secret": FieldChange("A", "Ada")}),
            {"fields": {"secret": "B"}},
            ["secret holds something else"],
        ),
        (change(fields={"secret": FieldChange("A", "")}), {"fields": {"secret": None}}, []),
        (change(fields={"secret": FieldChange("A", None)}), {"fields": {"secret": ""}}, []),
        (
            change(fields={"name": FieldChange("A", "Ada Lovelace, Countess of Lovelace, of London")}),
            {"fields": {"name": "Ada Lovelace, Countess of Lovelace, of Lon"}},
            ["name was cut short"],
        ),
        (
            change(fields={"secret": FieldChange("A", "Ada"), "name": FieldChange("A", "Ada")}),
            {"fields": {"name": "A"}},
            ["name holds something else"],
        ),
        (change(references={"roles": ROLES}), {"references": {"roles": ("new",)}}, []),
        (
            change(references={"roles": ReferenceChange(("a", "b"), ("c", "d"))}),
            {"references": {"roles": ("b", "a")}},
            ["roles lacks c, d", "roles still has a, b"],
        ),
        (change(references={"roles": ROLES}), {}, ["roles lacks new"]),
        (change(references={"roles": ROLES}), {"references": {"roles": ("new", "old", "x")}}, ["roles still has old"]),
    ],
)
def test_what_an_account_lacks_is_told_in_words(of, there, lacks):
    assert lacking(account(**there), of, KIND) == lacks


def test_an_account_that_is_not_there_lacks_all():
    assert lacking(None, change(), KIND) == ["it is not there"]
