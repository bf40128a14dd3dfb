"""Whatever happens in directories, in the desk and to the program: following changes ends where a full sync does.

The real plugins between the local vendors, with their lags and flapping switched on. A run that follows changes never
looks at an account of whom nothing changed, so what somebody edits in the desk by hand is seen by the next run that
reads the whole desk, and only by it: such accounts may differ until then, and are judged after one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from following_directories import Entra, Okta
from following_history import Step, live
from following_strategies import ENTRA, HALO, OKTA, STEPS
from following_world import World
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crosskey_sandbox.entra import EntraQuirks
from crosskey_sandbox.halo import HaloQuirks
from crosskey_sandbox.okta import OktaQuirks
from fake_clock import FakeClock

EXAMPLES = 20
ACQUIRED_FROM = 7
"""The first person whom the acquired company has; six are in both directories."""

Switches = dict[str, Any]
Steps = list[tuple[Step, bool]]
FOLLOW: tuple[Step, bool] = (("run", "changes"), False)


def first(*steps: Step) -> Steps:
    """Steps that happen in the first directory."""
    return [(step, False) for step in steps]


@settings(max_examples=EXAMPLES)
@given(steps=STEPS, okta=OKTA, halo=HALO, log=st.booleans())
@example(steps=first(("rehire", 10), ("on", 10)), okta={}, halo={}, log=True)
@example(
    steps=first(("off", 3), ("run", "plan"), ("wait", 700.0), ("run", "plan")),
    okta={"search_flap": 2},
    halo={},
    log=True,
)
@example(steps=first(("kill", "before", 0)), okta={}, halo={}, log=True)
@example(steps=first(("fault", "lost_before", "POST", 0)), okta={}, halo={}, log=True)
@example(steps=first(("leave", 0, 2)), okta={}, halo={}, log=False)
def test_okta(steps: Steps, okta: Switches, halo: Switches, *, log: bool) -> None:
    def world(folder: Path, clock: FakeClock) -> World:
        return World(folder, clock, {"corp": _okta(clock, okta, log=log)}, _halo(halo))

    live(world, steps)


@settings(max_examples=EXAMPLES)
@given(steps=STEPS, entra=ENTRA, halo=HALO, transitive=st.booleans())
@example(steps=first(("swap_names", 1)), entra={}, halo={}, transitive=True)
@example(steps=first(("swap_names", 1), FOLLOW[0]), entra={}, halo={"list_lag": 20.0}, transitive=False)
@example(steps=first(("delete", 6), FOLLOW[0]), entra={}, halo={"list_lag": 20.0}, transitive=True)
@example(
    steps=first(("wait", 45.0), ("delete", 6), FOLLOW[0], FOLLOW[0]),
    entra={"lagging_reads": 2, "replication_lag": 30.0, "deleted_members_in_delta": False},
    halo={},
    transitive=True,
)
def test_entra(steps: Steps, entra: Switches, halo: Switches, *, transitive: bool) -> None:
    def world(folder: Path, clock: FakeClock) -> World:
        return World(folder, clock, {"corp": _entra(clock, entra, transitive=transitive)}, _halo(halo))

    live(world, steps)


@settings(max_examples=EXAMPLES)
@given(steps=STEPS, okta=OKTA, entra=ENTRA, halo=HALO)
@example(steps=[(("off", 7), False), (("swap_mail", 12), True)], okta={}, entra={}, halo={})
@example(steps=first(("rehire", 8), FOLLOW[0]), okta={}, entra={}, halo={"list_lag": 20.0})
def test_both_at_once(steps: Steps, okta: Switches, entra: Switches, halo: Switches) -> None:
    def world(folder: Path, clock: FakeClock) -> World:
        acquired = _entra(clock, entra, transitive=True, first=ACQUIRED_FROM)
        return World(folder, clock, {"corp": _okta(clock, okta), "acquired": acquired}, _halo(halo))

    live(world, steps)


def _okta(clock: FakeClock, switches: Switches, *, log: bool = True) -> Okta:
    return Okta(clock, OktaQuirks(rates=False, **switches), log=log)


def _entra(clock: FakeClock, switches: Switches, *, transitive: bool, first: int = 0) -> Entra:
    return Entra(clock, EntraQuirks(throttling=False, **switches), transitive=transitive, first=first)


def _halo(switches: Switches) -> HaloQuirks:
    return HaloQuirks(budget=0, **switches)
