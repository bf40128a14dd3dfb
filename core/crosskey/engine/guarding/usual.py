"""The guards of every run that writes by rules."""

from __future__ import annotations

from collections.abc import Mapping

from crosskey.config import Config
from crosskey.connector.target import Target
from crosskey.engine.guarding.clock import ClockGuard
from crosskey.engine.guarding.failures import FailureGuard
from crosskey.engine.guarding.guard import Guard
from crosskey.engine.guarding.switch import KillSwitch, Switch
from crosskey.engine.guarding.write_time import WriteTimeGuard
from crosskey.engine.planner import Planner
from crosskey.engine.rails import Remaining
from crosskey.engine.timekeeper import Timekeeper

__all__ = ("usual_guards",)


def usual_guards(
    config: Config, timekeeper: Timekeeper, planner: Planner, target: Target, remaining: Mapping[str, Remaining]
) -> list[Guard]:
    """Those of one run, in the order in which they are asked. ``remaining`` is what its plan leaves active, by kind."""
    return [
        KillSwitch(Switch(config.journal.path)),
        ClockGuard(timekeeper, planner.waiting.rests_on_time),
        WriteTimeGuard(target, config.target, planner.protection, remaining),
        FailureGuard(),
    ]
