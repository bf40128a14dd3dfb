"""What a run tells to whoever listens: one small record a happening."""

from __future__ import annotations

from datetime import datetime

import msgspec

from crosskey.model import Scalar

__all__ = ("Event", "RunFacts")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened in a run (``run.started``, ``plan.made``, ``rail.tripped``, ``batch.applied`` …).

    ``facts`` are counts, codes and ids; never a secret and never personal data.
    """

    kind: str
    at: datetime
    run: str
    facts: dict[str, Scalar] = {}


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which run a plan belongs to: its id, what it is for, and whether it will be applied."""

    id: str
    kind: str
    instance: str
    applies: bool
