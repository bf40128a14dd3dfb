"""Rehearsals: the plan of a configuration made with nothing live, and what it must be.

case         a case as a file       expectation  what its plan must be     checks    whether it is
people desk  what a case describes  answers      what cassettes answer     pretence  what would be written
staging      all of it as connectors              rehearse      scene → rehearsal: the plan and its reasons
suite junit  a folder of cases                    offline       nothing leaves the process
"""

from crosskey.rehearsal.case import Case, Scene, read_case, read_scene
from crosskey.rehearsal.checks import Miss
from crosskey.rehearsal.expectation import Expectation
from crosskey.rehearsal.junit import write_junit
from crosskey.rehearsal.offline import offline
from crosskey.rehearsal.rehearsal import Rehearsal
from crosskey.rehearsal.rehearse import rehearse
from crosskey.rehearsal.suite import CaseResult, exit_code, find_cases, play

__all__ = (
    "Case",
    "CaseResult",
    "Expectation",
    "Miss",
    "Rehearsal",
    "Scene",
    "exit_code",
    "find_cases",
    "offline",
    "play",
    "read_case",
    "read_scene",
    "rehearse",
    "write_junit",
)
