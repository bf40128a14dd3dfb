"""Guards: asked before each batch is written and told what became of it; they may stop the run or take changes out."""

from crosskey.engine.guarding.clock import ClockGuard
from crosskey.engine.guarding.failures import FailureGuard
from crosskey.engine.guarding.guard import Guard, take_out
from crosskey.engine.guarding.switch import KillSwitch, Stopped, Switch
from crosskey.engine.guarding.usual import usual_guards
from crosskey.engine.guarding.write_time import WriteTimeGuard

__all__ = (
    "ClockGuard",
    "FailureGuard",
    "Guard",
    "KillSwitch",
    "Stopped",
    "Switch",
    "WriteTimeGuard",
    "take_out",
    "usual_guards",
)
