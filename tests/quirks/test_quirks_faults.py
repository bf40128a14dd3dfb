"""Every fault of both local vendors, once and without end: a read that is spoilt writes nothing, a write that is spoilt
is cleared up, and nobody is made twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import pytest
from quirks_bench import SETTLE, World

from crosskey.errors import ContractError, CrosskeyError, RetryableError
from crosskey_sandbox.halo import Fault as HaloFault
from crosskey_sandbox.halo.faults import Effect, Faults
from crosskey_sandbox.okta import Fault as OktaFault
from crosskey_sandbox.okta import OktaQuirks
from crosskey_sandbox.okta.quirks import FaultKind


class Spoils(msgspec.Struct, frozen=True):
    """What a fault of a read comes to: met ``once`` (``None``: nothing, it is tried again) and without ``end``."""

    why: str
    once: type[CrosskeyError] | None
    end: type[CrosskeyError]


OKTA: Mapping[str, Spoils] = {
    "html": Spoils("a gateway's page with 503 passes", None, RetryableError),
    "error": Spoils("500 passes", None, RetryableError),
    "truncated": Spoils("half an answer is no answer", ContractError, ContractError),
    "minute_429": Spoils("the reset that is named is waited for", None, RetryableError),
    "concurrency_429": Spoils("too many at once: fewer, and again", None, RetryableError),
}
HALO: Mapping[str, Spoils] = {
    "error_before": Spoils("500 passes", None, RetryableError),
    "error_after": Spoils("500 passes", None, RetryableError),
    "lost_before": Spoils("a list may be asked again", None, RetryableError),
    "lost_after": Spoils("a list may be asked again", None, RetryableError),
    "late": Spoils("a list may be asked again", None, RetryableError),
    "unavailable": Spoils("503 passes", None, RetryableError),
    "throttled": Spoils("429 is waited out", None, RetryableError),
    "html": Spoils("a page instead of JSON is another address", ContractError, ContractError),
    "truncated": Spoils("half an answer is no answer", ContractError, ContractError),
}

_UNDISTURBED: list[Any] = []


async def undisturbed(folder: Path) -> Any:
    """The desk after two syncs that nothing spoilt."""
    if not _UNDISTURBED:
        (folder / "undisturbed").mkdir()
        world = World(folder / "undisturbed")
        await world.sync()
        world.a_day_passes()
        await world.sync()
        _UNDISTURBED.append(world.state())
    return _UNDISTURBED[0]


def test_every_fault_is_classified() -> None:
    assert set(OKTA) == set(get_args(FaultKind))
    assert set(HALO) == set(get_args(Effect))


async def spoilt_read(world: World, folder: Path, expected: type[CrosskeyError] | None, mended) -> None:
    """A sync that meets the fault of a read, and those after it."""
    if expected is None:
        await world.sync()
    else:
        with pytest.raises(expected):
            await world.sync()
        assert not world.desk.writes
        mended()
        await world.sync()
    assert (await world.sync()).verdict == "held"
    assert not world.changes
    world.a_day_passes()
    await world.sync()
    assert world.state() == await undisturbed(folder)
    world.assert_nothing_doubled()
    world.assert_nobody_touched_who_is_not_ours()


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/groups/"])
@pytest.mark.parametrize("how", ["once", "end"])
@pytest.mark.parametrize("kind", sorted(OKTA))
async def test_okta(folder: Path, kind: str, how: Literal["once", "end"], path: str) -> None:
    fault = OktaFault(kind=kind, path=path, times=1 if how == "once" else None)
    world = World(folder, okta=OktaQuirks(faults=(fault,)))
    await spoilt_read(world, folder, getattr(OKTA[kind], how), lambda: setattr(world.org, "quirks", OktaQuirks()))


@pytest.mark.parametrize("resource", ["Users", "Agent"])
@pytest.mark.parametrize("how", ["once", "end"])
@pytest.mark.parametrize("effect", sorted(HALO))
async def test_halo_reads(folder: Path, effect: str, how: Literal["once", "end"], resource: str) -> None:
    world = World(folder)
    world.desk.fail(HaloFault(effect=effect, method="GET", resource=resource, times=1 if how == "once" else None))
    await spoilt_read(world, folder, getattr(HALO[effect], how), lambda: setattr(world.desk, "faults", Faults()))


@pytest.mark.parametrize("resource", ["Users", "Agent"])
@pytest.mark.parametrize(("times", "day"), [(1, 1), (None, 1), (1, 2)], ids=["once", "end", "next_day"])
@pytest.mark.parametrize("effect", sorted(HALO))
async def test_halo_writes(folder: Path, effect: str, times: int | None, resource: str, day: int) -> None:
    """Once is cleared up within the run or by the next; without end nothing is lost, and all is well afterwards."""
    world = World(folder)
    if day == 2:
        await world.sync()
        world.a_day_passes()
    world.desk.fail(HaloFault(effect=effect, resource=resource, times=times, delay=SETTLE / 2))
    await world.sync()
    world.assert_nothing_doubled()
    world.clock.advance(SETTLE)
    world.desk.faults.settle()
    world.desk.faults = Faults()
    if day == 1:
        await world.sync()
        world.clock.advance(SETTLE)
        await world.sync()
        world.a_day_passes()
    for _ in range(3):
        await world.sync()
        world.clock.advance(SETTLE)
        world.assert_nothing_doubled()
        world.assert_nobody_touched_who_is_not_ours()
    assert not world.changes
    assert world.state() == await undisturbed(folder)
