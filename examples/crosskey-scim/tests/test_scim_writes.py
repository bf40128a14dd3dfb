"""Writing users and groups: what was meant and nothing else, and for each change what became of it."""

from __future__ import annotations

import httpx
import pytest
from crosskey import AuthError, RetryableError
from scim_service import Service, change

PERSON = {
    "user_name": (None, "ada"),
    "display_name": (None, "Ada King"),
    "given_name": (None, "Ada"),
    "email": (None, "ada@acme.example"),
    "work_phone": (None, "tel:+44-1"),
    "locality": (None, "London"),
    "department": (None, "Desk"),
}


@pytest.fixture(params=[True, False], ids=["patch", "put"])
def either(request) -> Service:
    """A service that can PATCH, and one that cannot."""
    return Service(patch=request.param)


async def applied(service, *batch, **settings):
    async with service.opened(**settings) as target:
        return await target.apply(batch)


async def results(service, *batch, **settings):
    return [outcome.result for outcome in await applied(service, *batch, **settings)]


# -------------------------------------------------------------------------------------------------------------- creates


async def test_a_new_user_bears_everything_from_the_first_moment(service):
    desk = service.add_group("Desk", other := service.add_user("other"))
    (outcome,) = await applied(service, change("create", 1, fields=PERSON, references={"member_of": ((), (desk,))}))
    ada = service.users()["ada"]
    assert (outcome.result, outcome.key, outcome.message) == ("applied", ada["id"], "")
    assert (ada["externalId"], ada["active"], ada["name"]["givenName"]) == ("ck-1", True, "Ada")
    assert ada["emails"] == [{"value": "ada@acme.example", "type": "work", "primary": True}]
    assert ada["addresses"] == [{"type": "work", "locality": "London"}]
    assert ada["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] == {"department": "Desk"}
    assert service.members("Desk") == {other, ada["id"]}


async def test_a_create_that_happened_already_is_found_by_its_marker(service):
    batch = [change("create", 1, fields=PERSON)]
    (first,) = await applied(service, *batch)
    (second,) = await applied(service, *batch)
    assert (second.result, second.key) == ("already", first.key)
    assert len(service.users()) == 1


async def test_a_name_that_somebody_else_has_is_refused_and_never_taken(service):
    other = service.add_user("ADA", externalId="theirs")
    (outcome,) = await applied(service, change("create", 1, fields=PERSON))
    assert (outcome.result, outcome.code) == ("rejected", "scim-duplicate")
    assert other in outcome.message
    assert service.users()["ADA"]["externalId"] == "theirs"


@pytest.mark.parametrize("visible", [True, False])
async def test_a_create_whose_answer_is_lost_is_looked_up_and_not_repeated(service, visible):
    def lost(request: httpx.Request, _: httpx.Response) -> httpx.Response | Exception | None:
        if request.method == "POST":
            return httpx.ReadError("lost", request=request)
        empty = {"totalResults": 0, "Resources": []}
        return httpx.Response(200, json=empty) if not visible and "filter" in request.url.params else None

    service.spoil = lost
    (outcome,) = await applied(service, change("create", 1, fields=PERSON))
    assert service.log.count("POST /Users") == 1
    ada = service.users()["ada"]["id"]
    assert (outcome.result, outcome.key) == (("applied", ada) if visible else ("unknown", None))


async def test_an_answer_that_names_nobody_is_not_believed(service):
    service.spoil = lambda request, _: httpx.Response(201) if request.method == "POST" else None
    (outcome,) = await applied(service, change("create", 1, fields=PERSON))
    assert (outcome.result, outcome.key) == ("applied", service.users()["ada"]["id"])


async def test_one_bad_user_takes_nobody_along(service):
    service.add_user("ada")
    batch = [change("create", n, fields={"user_name": (None, name)}) for n, name in enumerate(["ute", "ada", "joerg"])]
    assert await results(service, *batch) == ["applied", "rejected", "applied"]


# -------------------------------------------------------------------------------------------------------------- updates


async def test_only_what_is_meant_is_changed(either):
    key = either.add_user(
        "ada",
        externalId="ck-1",
        nickName="Countess",
        title="Analyst",
        name={"givenName": "Ada", "familyName": "Byron"},
        emails=[{"type": "home", "value": "ada@home.example"}, {"type": "work", "value": "old@acme.example"}],
        addresses=[{"type": "work", "locality": "London", "country": "GB"}],
    )
    fields = {
        "family_name": ("Byron", "King"),
        "email": ("old@acme.example", "ada@acme.example"),
        "mobile_phone": ("", "tel:+44-2"),
        "locality": ("London", ""),
        "title": ("Analyst", ""),
        "employee_number": ("", "007"),
    }
    assert await results(either, change("update", 1, key, fields=fields)) == ["applied"]
    ada = either.users()["ada"]
    assert ada["name"] == {"givenName": "Ada", "familyName": "King"}
    assert [(one["type"], one["value"]) for one in ada["emails"]] == [
        ("home", "ada@home.example"),
        ("work", "ada@acme.example"),
    ]
    assert ada["addresses"] == [{"type": "work", "country": "GB"}]
    assert "title" not in ada
    assert (ada["nickName"], ada["externalId"], ada.get("active", True)) == (
        "Countess",
        "ck-1",
        True,
    )
    assert ada["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] == {"employeeNumber": "007"}


async def test_a_plain_update_costs_one_request(service):
    key = service.add_user("ada")
    async with service.opened() as target:
        await target.catalogue()
        service.log.clear()
        await target.apply([change("update", 1, key, fields={"title": ("", "Analyst")})])
    assert service.log == [f"PATCH /Users/{key}"]


async def test_users_are_switched_off_and_on(either):
    key = either.add_user("ada", active=True)
    assert await results(either, change("disable", 1, key)) == ["applied"]
    assert either.users()["ada"]["active"] is False
    assert await results(either, change("enable", 1, key)) == ["applied"]
    assert either.users()["ada"]["active"] is True


async def test_the_same_again_changes_nothing(either):
    key = either.add_user("ada")
    desk = either.add_group("Desk")
    update = change(
        "update",
        1,
        key,
        fields={"title": ("", "Analyst"), "email": ("", "a@acme.example")},
        references={"member_of": ((), (desk,))},
    )
    assert await results(either, update) == ["applied"]
    before = either.users()["ada"]
    assert await results(either, update) == ["applied"]
    assert {**either.users()["ada"], "meta": None} == {**before, "meta": None}
    assert either.members("Desk") == {key}


async def test_a_user_who_is_gone_is_rejected(either):
    assert await results(either, change("update", 1, "gone", fields={"title": ("", "x")})) == ["rejected"]


async def test_whoever_was_quicker_is_not_overwritten(either):
    """Between the look and the write somebody adds an address; the ETag tells, and the write is made anew upon that."""
    key = either.add_user("ada", emails=[{"type": "work", "value": "old@acme.example"}])
    home = {"type": "home", "value": "ada@home.example"}
    raced: list[str] = []

    def race(request: httpx.Request) -> None:
        if request.method in ("PATCH", "PUT") and not raced:
            raced.append(request.headers["If-Match"])
            either.edit(key, emails=[{"type": "work", "value": "old@acme.example"}, home])

    either.before = race
    fields = {"email": ("old@acme.example", "ada@acme.example")}
    assert await results(either, change("update", 1, key, fields=fields)) == ["applied"]
    assert {one["value"] for one in either.users()["ada"]["emails"]} == {"ada@acme.example", "ada@home.example"}


@pytest.mark.parametrize("kept", [True, False])
async def test_an_update_whose_answers_are_lost_is_looked_at(either, kept):
    key = either.add_user("ada")

    def lost(request: httpx.Request, _: httpx.Response) -> Exception | None:
        if request.method in ("PATCH", "PUT"):
            if not kept:
                either.edit(key, title=None)
            return httpx.ReadError("lost", request=request)
        return None

    either.spoil = lost
    (outcome,) = await applied(either, change("update", 1, key, fields={"title": ("", "Analyst")}))
    assert outcome.result == ("already" if kept else "unknown")


async def test_a_success_that_changed_nothing_is_not_believed(service):
    key = service.add_user("ada")

    def lie(request: httpx.Request, _: httpx.Response) -> httpx.Response | None:
        if request.method != "PATCH":
            return None
        return httpx.Response(200, json={**service.users()["ada"], "title": "Clerk"})

    service.spoil = lie
    (outcome,) = await applied(service, change("update", 1, key, fields={"title": ("", "Analyst")}))
    assert (outcome.result, outcome.code) == ("rejected", "scim-not-done")
    async with service.opened() as target:
        assert outcome.code in (await target.schema()).final


async def test_a_service_may_answer_nothing(either):
    key = either.add_user("ada")
    either.spoil = lambda request, _: httpx.Response(204) if request.method in ("PATCH", "PUT") else None
    assert await results(either, change("update", 1, key, fields={"title": ("", "Analyst")})) == ["applied"]


# -------------------------------------------------------------------------------------------------------------- markers


async def test_an_adopted_user_is_marked_unless_another_program_keeps_its_id_there(either):
    free, theirs = either.add_user("ada"), either.add_user("ute", externalId="okta-7")
    batch = [change("adopt", 1, free), change("adopt", 2, theirs, bore="okta-7", fields={"title": ("", "x")})]
    assert await results(either, *batch) == ["applied", "applied"]
    users = either.users()
    assert (users["ada"]["externalId"], users["ute"]["externalId"], users["ute"]["title"]) == ("ck-1", "okta-7", "x")


async def test_a_marker_moves_with_the_person_and_is_given_back(either):
    key, theirs = either.add_user("ada", externalId="ck-1"), either.add_user("ute", externalId="okta-7")
    assert await results(either, change("relink", 2, key), change("relink", 3, theirs)) == ["applied", "rejected"]
    assert either.users()["ada"]["externalId"] == "ck-2"
    assert await results(either, change("release", 1, key, marker="ck-1")) == ["applied"]
    assert either.users()["ada"]["externalId"] == "ck-2"
    assert await results(either, change("release", 2, key, marker="ck-2")) == ["applied"]
    assert "externalId" not in either.users()["ada"]


# --------------------------------------------------------------------------------------------------------------- groups


async def test_only_own_members_come_and_go_and_each_group_is_written_once(either):
    keys = [either.add_user(f"user-{number}") for number in range(4)]
    desk, sales = either.add_group("Desk", keys[0], keys[3]), either.add_group("Sales", keys[1], keys[2])
    batch = [
        change("update", 0, keys[0], references={"member_of": ((desk,), (sales,))}),
        change("update", 1, keys[1], references={"member_of": ((sales,), (desk, sales))}),
        change("update", 2, keys[2], references={"member_of": ((sales,), (desk,))}),
    ]
    assert await results(either, *batch) == ["applied"] * 3
    assert either.members("Desk") == {keys[1], keys[2], keys[3]}
    assert either.members("Sales") == {keys[0], keys[1]}
    writes = [line for line in either.log if line.startswith(("PATCH", "PUT"))]
    assert sorted(writes) == sorted(f"{writes[0].split()[0]} /Groups/{key}" for key in (desk, sales))


async def test_whoever_was_taken_out_by_hand_meanwhile_is_out(either):
    keys = [either.add_user(f"user-{number}") for number in range(2)]
    desk = either.add_group("Desk", keys[1])
    batch = [change("update", n, key, references={"member_of": ((desk,), ())}) for n, key in enumerate(keys)]
    assert await results(either, *batch) == ["applied", "applied"]
    assert either.members("Desk") == set()


async def test_a_group_that_cannot_be_written_is_told_of_whom_it_concerns(either):
    keys = [either.add_user(f"user-{number}") for number in range(2)]
    desk, sales = either.add_group("Desk"), either.add_group("Sales")
    group = f"/v2/Groups/{desk}"

    def full(request: httpx.Request) -> httpx.Response | None:
        if request.method not in ("PATCH", "PUT") or request.url.path != group:
            return None
        return httpx.Response(400, json={"detail": "no more seats"})

    either.instead = full
    batch = [
        change("update", 0, keys[0], fields={"title": ("", "x")}, references={"member_of": ((), (desk,))}),
        change("update", 1, keys[1], references={"member_of": ((), (sales,))}),
    ]

    outcomes = await applied(
        either, *batch, change("create", 2, fields=PERSON, references={"member_of": ((), ("gone",))})
    )
    assert [outcome.result for outcome in outcomes] == ["rejected", "applied", "applied"]
    assert "no more seats" in outcomes[0].message
    assert "gone" in outcomes[2].message
    assert either.members("Sales") == {keys[1]}


# -------------------------------------------------------------------------------------------------- nothing was written


@pytest.mark.parametrize(("status", "error"), [(401, AuthError), (403, AuthError), (429, RetryableError)])
async def test_an_error_is_raised_only_when_nothing_was_written(either, status, error):
    keys = [either.add_user(f"user-{number}") for number in range(2)]
    batch = [change("disable", number, key) for number, key in enumerate(keys)]
    refused = set(keys)
    either.instead = lambda request: httpx.Response(status) if request.url.path.rpartition("/")[2] in refused else None
    with pytest.raises(error):
        await applied(either, *batch)
    refused.remove(keys[0])
    outcomes = await applied(either, *batch)
    assert [outcome.result for outcome in outcomes] == ["applied", "unknown"]
    assert outcomes[1].message.startswith("not sent: ")
