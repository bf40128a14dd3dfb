"""Another identity provider, the same person: only crosskey's own external id is written over, and nothing else."""

from __future__ import annotations

import json

import httpx
import pytest
from halo_bench import DeskTransport, a_desk, marker, opened, read_all, results

from crosskey.connector.target import Lookup
from crosskey.errors import ContractError
from crosskey.model import Subject
from crosskey.plan import Change, FieldChange
from crosskey_sandbox.halo import Fault

FORMER, NEW = marker(1), marker(2)


class Posts(DeskTransport):
    """Keeps what was posted."""

    def __init__(self, desk):
        super().__init__(desk)
        self.bodies = []

    async def handle_async_request(self, request):
        if request.method == "POST" and request.url.path.startswith("/api/"):
            self.bodies.append(json.loads(request.content))
        return await super().handle_async_request(request)


def a_relink(key, *, kind="user", number=2, **more) -> Change:
    return Change(
        id=f"{kind}:relink:{key}",
        action="relink",
        kind=kind,
        subject=Subject("https://acme.entra.example", f"oid-{number}"),
        former=Subject("https://acme.okta.example", f"00u{number}"),
        label="Ada Example",
        key=str(key),
        **{"marker": marker(number), **more},
    )


def a_user(desk, **members):
    return desk.add_user("Ada Example", 1, **{"emailaddress": "ada@acme.example", "title": "Engineer", **members})


def agent_called(desk, name):
    return next(agent for agent in desk.agents.values() if agent.name == name)


async def apply(desk, *changes, read=(), look_up=(), **keys):
    async with opened(desk, **keys) as target:
        if read:
            await read_all(target, *read)
        for kind, key in look_up:
            await target.look_up(Lookup(kind=kind, keys=(str(key),)))
        desk.requests.clear()
        return list(await target.apply(changes))


@pytest.mark.parametrize("before", [FORMER, "", NEW])
@pytest.mark.parametrize("known", ["read", "looked up", "no"])
async def test_only_the_external_id_is_written(before, known):
    desk = a_desk()
    user = a_user(desk, other5=before)
    wire = Posts(desk)
    read, look_up = ("user",) if known == "read" else (), [("user", user.id)] if known == "looked up" else []
    (outcome,) = await apply(desk, a_relink(user.id), transport=wire, read=read, look_up=look_up)
    assert (outcome.result, outcome.key) == ("applied", str(user.id))
    assert wire.bodies == [[{"id": user.id, "other5": NEW}]]
    assert desk.users[user.id].other5 == NEW
    assert desk.users[user.id].title == "Engineer"
    if known == "looked up":
        assert desk.counts() == {"POST /api/Users": 1}


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("read", [("user",), ()])
async def test_what_somebody_else_keeps_in_the_field_stays(listed, read):
    desk = a_desk(other5_listed=listed)
    user, other = a_user(desk, other5="Parking lot 7"), a_user(desk, other5=FORMER)
    refused, done = await apply(desk, a_relink(user.id), a_relink(other.id, number=3), read=read)
    assert (refused.result, refused.code, refused.key) == ("rejected", "halo-marker-taken", str(user.id))
    assert "other5" in refused.message
    assert done.result == "applied"
    assert (desk.users[user.id].other5, desk.users[other.id].other5) == ("Parking lot 7", marker(3))


async def test_many_go_out_in_one_array():
    desk = a_desk()
    users = [a_user(desk, other5=FORMER) for _ in range(40)]
    changes = [a_relink(user.id, number=number) for number, user in enumerate(users, 10)]
    assert results(await apply(desk, *changes, read=("user",))) == ["applied"] * 40
    assert desk.counts() == {"POST /api/Users": 1}
    assert [desk.users[user.id].other5 for user in users] == [marker(number) for number in range(10, 50)]


@pytest.mark.parametrize("accepts", ["both", "oktaid", "okta_id"])
async def test_the_okta_id_goes_under_both_names(accepts):
    desk = a_desk(okta_id_accepts=accepts)
    user = a_user(desk, oktaid=FORMER)
    assert results(await apply(desk, a_relink(user.id), user_marker="oktaid")) == ["applied"]
    assert desk.users[user.id].oktaid == NEW


async def test_an_agent_is_relinked_and_stays_signed_in():
    desk = a_desk()
    agent = desk.edit(agent_called(desk, "Ines Falk"), federated_identity_id=FORMER)
    wire = Posts(desk)
    assert results(await apply(desk, a_relink(agent.id, kind="agent"), transport=wire)) == ["applied"]
    assert wire.bodies == [[{"id": agent.id, "federated_identity_id": NEW}]]
    assert desk.agents[agent.id].federated_identity_id == NEW
    assert desk.session_ends == []


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_version_that_does_not_know_the_field_has_nothing_to_write(batch):
    desk = a_desk(federated_identity_id="unknown")
    agents = [agent for agent in desk.agents.values() if agent.email and not agent.isapiagent]
    changes = [a_relink(agent.id, kind="agent", number=n) for n, agent in enumerate(agents, 10)]
    async with opened(desk, batch=batch) as target:
        await read_all(target, "agent")
        desk.requests.clear()
        outcomes = [outcome for change in changes for outcome in await target.apply([change])]
    assert results(outcomes) == ["applied"] * len(agents)
    assert desk.counts() == {"GET /api/Agent/{id}": 2, "POST /api/Agent": 1}, "learned from the first"


async def test_a_record_that_alone_keeps_no_external_id_is_told():
    """Synthetic: a desk that keeps them, and one record that takes the write and shows nothing."""
    desk = a_desk()
    kept, lost = a_user(desk, other5=FORMER), a_user(desk)

    class Drops(DeskTransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            if request.method == "POST" and request.url.path == "/api/Users":
                desk.edit(desk.users[lost.id], other5="")
                rows = httpx.Response(200, content=await response.aread()).json()
                rows = [row | {"other5": "" if row["id"] == lost.id else row["other5"]} for row in rows]
                return httpx.Response(201, json=rows)
            return response

    outcomes = await apply(desk, a_relink(kept.id, number=3), a_relink(lost.id), transport=Drops(desk), read=("user",))
    assert [(outcome.result, outcome.code) for outcome in outcomes] == [("applied", ""), ("rejected", "halo-not-done")]


async def test_an_answer_that_says_yes_and_does_nothing_is_not_believed():
    desk = a_desk()
    user = a_user(desk, other5=FORMER)

    class SaysYes(DeskTransport):
        async def handle_async_request(self, request):
            if request.method == "POST" and request.url.path == "/api/Users":
                return httpx.Response(201, json={"id": user.id, "name": user.name})
            return await super().handle_async_request(request)

    (outcome,) = await apply(desk, a_relink(user.id), transport=SaysYes(desk))
    assert (outcome.result, outcome.code) == ("rejected", "halo-not-done")
    assert "still bears another external id" in outcome.message


@pytest.mark.parametrize("effect", ["lost_after", "error_after", "lost_before", "html"])
async def test_a_lost_answer_is_settled_by_looking(effect):
    desk = a_desk()
    user = a_user(desk, other5=FORMER)
    desk.fail(Fault(effect=effect, method="POST", resource="Users", times=2))
    change = a_relink(user.id)
    async with opened(desk) as target:
        (outcome,) = await target.apply([change])
        found = await target.find(change)
    written = desk.users[user.id].other5 == NEW
    assert outcome.result == ("already" if written else "unknown")
    assert (found.key, found.marker) == (str(user.id), NEW if written else FORMER)


async def test_an_empty_field_after_a_lost_answer_is_not_taken_for_done():
    desk = a_desk()
    user = a_user(desk)
    desk.fail(Fault(effect="lost_before", method="POST", resource="Users", times=2))
    assert results(await apply(desk, a_relink(user.id))) == ["unknown"]


async def test_who_must_never_be_touched_is_not_relinked_either():
    desk = a_desk()
    (outcome,) = await apply(desk, a_relink(desk.application.agent_id, kind="agent"))
    assert (outcome.result, outcome.code) == ("rejected", "halo-not-sent")
    assert desk.writes == []


async def test_a_relink_without_an_external_id_is_not_sent():
    desk = a_desk()
    user = a_user(desk, other5=FORMER)
    assert results(await apply(desk, a_relink(user.id, marker=""))) == ["rejected"]
    assert desk.users[user.id].other5 == FORMER


async def test_a_relink_that_changes_more_is_a_broken_contract():
    desk = a_desk()
    user = a_user(desk, other5=FORMER)
    with pytest.raises(ContractError, match="more than the external id"):
        await apply(desk, a_relink(user.id, fields={"title": FieldChange("Engineer", "Chief")}))
    assert desk.writes == []


async def test_somebody_who_is_gone_takes_nobody_along():
    desk = a_desk()
    user, gone = a_user(desk, other5=FORMER), a_user(desk, other5=FORMER)
    desk.drop("Users", gone.id)
    assert results(await apply(desk, a_relink(user.id), a_relink(gone.id))) == ["applied", "rejected"]
    assert desk.users[user.id].other5 == NEW
