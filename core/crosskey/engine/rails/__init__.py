"""Safety rails: checks that hold a plan, or one class of its changes, until a person has looked.

Each rail has a reason code, says what it saw, and names the override that lets exactly that through. Rails that hold
single people (ambiguous match, protected account) stand where the people are planned.
"""

from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.approvals import Approvals
from crosskey.engine.rails.classes import run_rails
from crosskey.engine.rails.codes import APPROVABLE, COUNTED, RAILS
from crosskey.engine.rails.disables import limit_of
from crosskey.engine.rails.first import is_first
from crosskey.engine.rails.headroom import headroom
from crosskey.engine.rails.last_active import Remaining, can_work, hold_last_active, kept_active, last_active
from crosskey.engine.rails.reads import LastReads, check_read
from crosskey.engine.rails.seats import TAKES_SEATS, hold_seats

__all__ = (
    "APPROVABLE",
    "COUNTED",
    "RAILS",
    "TAKES_SEATS",
    "Allowed",
    "Approvals",
    "LastReads",
    "Remaining",
    "can_work",
    "check_read",
    "headroom",
    "hold_last_active",
    "hold_seats",
    "is_first",
    "kept_active",
    "last_active",
    "limit_of",
    "run_rails",
)
