"""Two people whose keys look the same, and one person under two ids: never guessed, never linked silently (G15, G16)."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails
from hypothesis import given
from hypothesis import strategies as st

from crosskey.engine.stage.lookalikes import shape

ALIKE = {
    "an accent": "josé@example.com",
    "an accent in two characters": "jose\u0301@example.com",
    "full width": "\uff4aose@example.com",
    "a letter that is not seen": "jo\u200bse@example.com",
    "case": "JOSE@example.com",
}


@pytest.mark.parametrize("mail", ALIKE.values(), ids=ALIKE)
async def test_two_newcomers_who_look_alike_are_both_held(bench, mail):
    bench.directory.add("one", groups=["Staff"], email="jose@example.com")
    bench.directory.add("two", groups=["Staff"], email=mail)
    bench.directory.add("other", groups=["Staff"], email="joss@example.com")
    result = await bench.run()
    assert rails(result) == ["ambiguous-match", "ambiguous-match"]
    assert bench.did() == ["create user Other"]


@pytest.mark.parametrize("mail", [mail for name, mail in ALIKE.items() if name != "case"])
@pytest.mark.parametrize("turned", [False, True])
async def test_an_account_that_only_looks_like_somebodys_is_not_adopted_and_not_doubled(bench, mail, turned):
    theirs, ours = (mail, "jose@example.com") if turned else ("jose@example.com", mail)
    bench.desk.add("user", name="Somebody", mail=theirs)
    bench.directory.add("one", groups=["Staff"], email=ours)
    result = await bench.run()
    assert (rails(result), bench.did()) == (["ambiguous-match"], [])
    assert "looks like that of user 1" in result.plan.held[0].summary


async def test_who_is_said_to_be_somebody_else_gets_an_account(tmp_path):
    bench = Bench(tmp_path, CONFIG + '\n[sync]\napart = ["two"]\n')
    bench.directory.add("one", groups=["Staff"], email="jose@example.com")
    await bench.run()
    bench.directory.add("two", groups=["Staff"], email="josé@example.com")
    assert rails(await bench.run()) == []
    assert bench.did() == ["create user Two"]


async def test_a_newcomer_who_looks_like_somebody_linked_is_held_and_nobody_is_harmed(bench):
    bench.directory.add("one", groups=["Staff"], email="jose@example.com")
    await bench.run()
    bench.directory.add("two", groups=["Staff"], email="josé@example.com")
    bench.directory.change("one", title="Chief", department="X")
    assert rails(await bench.run()) == ["ambiguous-match"]
    assert [line for line in bench.did() if "Two" in line] == []


async def test_an_address_that_changes_under_the_same_id_is_an_update(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", email="ada.l@example.com")
    assert rails(await bench.run()) == []
    assert bench.did() == ["update user Ada"]


def successor(bench) -> None:
    bench.directory.add("ada2", groups=["Staff"], email="ada@example.com", display_name="Ada")


@pytest.mark.parametrize(
    ("former", "rail"), [("active", "identity-collision"), ("inactive", "new-identity"), ("absent", "new-identity")]
)
async def test_the_same_address_under_a_new_id_is_held_in_its_own_words(bench, former, rail):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    if former == "inactive":
        bench.directory.change("ada", active=False)
    if former == "absent":
        bench.directory.people.pop("ada")
    await bench.run()
    successor(bench)
    result = await bench.run()
    assert (rails(result), bench.did()) == ([rail], [])
    assert "ada" in result.plan.held[0].summary


async def test_a_person_says_that_a_new_id_is_the_same_person(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.run()
    successor(bench)
    result = await bench.run(allow=["new-identity=ada2"])
    assert (rails(result), bench.did()) == ([], ["relink user Ada"])
    await bench.run()
    assert bench.did() == ["enable user Ada"]
    assert len(bench.desk.of("user")) == 2
    assert (await bench.run()).plan.size == 0


async def test_saying_so_of_somebody_else_lets_nothing_through(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.run()
    successor(bench)
    assert rails(await bench.run(allow=["new-identity=ada3"])) == ["new-identity"]


@given(st.text(max_size=20))
def test_a_shape_is_its_own_shape_and_that_of_the_folded_text(text):
    assert shape(shape(text)) == shape(text)
    assert shape(text.casefold()) == shape(text)
