"""The Entra source over its cassettes: a read and the round after it, look-ups, waits and refusals."""

from __future__ import annotations

import pytest

from cassette_entra import ENTRA_SECRET, GROUPS, a_tenant
from crosskey.errors import CursorExpiredError
from fake_clock import FakeClock


async def test_a_read_and_the_round_after_it(replay) -> None:
    followed = await replay("entra/read-and-changes")
    tenant = a_tenant(FakeClock(), changed=True)
    live = {user.id: user for user in tenant.directory.live("user")}
    assert {key: person.user_name for key, person in followed.people.items()} == {
        key: user.values["userPrincipalName"] for key, user in live.items()
    }
    for name in GROUPS:
        [group] = tenant.directory.named(name)
        inside = {key for key in tenant.view().within(group.id) if key in live}
        assert followed.members[group.id] == inside
    switched_off = [key for key, user in live.items() if not user.values["accountEnabled"]]
    assert {followed.people[key].active for key in switched_off} <= {False, None}
    assert followed.gone == {change.id for change in tenant.directory.log if change.sort == "user"} - live.keys()
    assert followed.told == set(live), "somebody left, so everybody's manager was looked at again"


async def test_a_place_that_graph_forgot(replay) -> None:
    with pytest.raises(CursorExpiredError, match="410"):
        await replay("entra/delta-expired")


async def test_a_wait_is_kept(replay) -> None:
    followed = await replay("entra/rate-limited")
    assert followed.people
    assert replay.clock.slept == [17.0]


async def test_who_is_in_the_bin_is_gone_and_groups_are_told_by_id(replay) -> None:
    gone, groups = await replay("entra/look-ups")
    tenant = a_tenant(FakeClock())
    assert gone is None
    assert groups
    assert all(tenant.directory.find(key).sort == "group" for key in groups)


async def test_check(replay) -> None:
    assert set((await replay("entra/check")).values()) == {"ok"}
    found = await replay("entra/without-consent")
    assert found["entra-permission"] in ("error", "warning")
    assert "ok" not in found.values()


async def test_credentials(replay) -> None:
    [credential] = await replay("entra/credentials")
    assert credential.name == "newest client secret"
    assert ENTRA_SECRET not in repr(credential)
