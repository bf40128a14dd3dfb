"""An adoption taken back: the external id that crosskey wrote is cleared, and nobody else's is."""

from __future__ import annotations

import msgspec
import pytest
from halo_bench import a_desk, marker, opened, read_all, results

from crosskey.model import Subject
from crosskey.plan import Change, FieldChange


def release(kind, key, **more) -> Change:
    return Change(
        id=f"{kind}:{key}",
        action="release",
        kind=kind,
        subject=Subject("https://acme.okta.example", "00u1"),
        label="Ada Example",
        key=str(key),
        marker=marker(1),
        **more,
    )


@pytest.mark.parametrize("read", [True, False])
async def test_a_user_is_given_back_with_its_values_and_without_the_external_id(read):
    desk = a_desk()
    user = desk.add_user("Ada Example", 1, emailaddress="ada@acme.example", title="Engineer", other5=marker(1))
    async with opened(desk) as target:
        if read:
            await read_all(target, "user")
        outcomes = await target.apply(
            [
                release(
                    "user", user.id, fields={"title": FieldChange("Engineer", "Boss")}, active=FieldChange(True, False)
                )
            ]
        )
    assert results(outcomes) == ["applied"]
    now = desk.users[user.id]
    assert (now.other5 or "", now.title, now.inactive, now.name) == ("", "Boss", True, "Ada Example")


async def test_what_somebody_else_keeps_in_the_markers_field_stays():
    desk = a_desk()
    user = desk.add_user("Ada Example", 1, emailaddress="ada@acme.example", other5="badge 7")
    async with opened(desk) as target:
        outcomes = await target.apply([release("user", user.id)])
    assert results(outcomes) == ["applied"]
    assert desk.users[user.id].other5 == "badge 7"


async def test_an_agent_is_given_back():
    desk = a_desk()
    agent = next(agent for agent in desk.agents.values() if agent.name == "Ines Falk")
    desk.agents[agent.id] = msgspec.structs.replace(agent, federated_identity_id=marker(1))
    async with opened(desk) as target:
        outcomes = await target.apply([release("agent", agent.id)])
    assert results(outcomes) == ["applied"]
    assert not desk.agents[agent.id].federated_identity_id
