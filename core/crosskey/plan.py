"""What would be done and why: changes, what is held back, and what became of each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

import msgspec

from crosskey.model import Scalar, Subject

__all__ = (
    "Action",
    "Change",
    "Duty",
    "DutyKind",
    "FieldChange",
    "HandOver",
    "Held",
    "HeldScope",
    "Outcome",
    "Plan",
    "PlanHeader",
    "ReferenceChange",
    "Result",
)

Action = Literal["create", "adopt", "enable", "update", "disable", "relink", "release"]
"""``adopt`` links an account that was already there; ``enable`` and ``adopt`` may carry field changes too. ``relink``
gives a linked account a new subject for the same person (another identity provider) and writes nothing but the marker.
``release`` takes an adoption back: the account is nobody's again, its marker cleared.
"""

Result = Literal["applied", "already", "rejected", "unknown"]
"""``unknown``: it may have happened; the engine looks before it writes again."""

HeldScope = Literal["run", "class", "person"]


class FieldChange(msgspec.Struct, frozen=True, array_like=True):
    """One field's value before (``None``: not there) and after."""

    before: Scalar
    after: Scalar


class ReferenceChange(msgspec.Struct, frozen=True, array_like=True):
    """One reference's ids before and after; ``after`` is the complete set that should hold."""

    before: tuple[str, ...]
    after: tuple[str, ...]


DutyKind = Literal["open_tickets", "approvals", "leads"]


class Duty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that waits for the owner of an account: tickets, approvals, or teams and departments that it leads.

    ``examples`` name a few for a reader.
    """

    kind: DutyKind
    count: int
    examples: tuple[str, ...] = ()


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes the open tickets over: ``to`` says what ``key`` is (a kind of account, or a reference's listing)."""

    to: str
    key: str
    label: str


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One write to one account, with its reasons.

    ``id`` is unique within the plan. ``key`` is the target's own id (``None`` only for ``create``).
    ``marker`` is the external id to write with a create, adopt or relink, by which the record is found again, or the
    one that a ``release`` clears; ``bore`` is the one that an adopted account bore before.
    ``why`` explains: under ``""`` the change as a whole, under a field's or reference's name that part.
    ``active`` is set when the account's own on/off state changes. ``end_sessions`` asks to end sessions and tokens.
    ``former`` is the subject that a ``relink`` takes the account over from. ``drifted`` names the fields and references
    that this writes again because somebody else changed them. Of a ``disable``, ``duties`` are what the account leaves
    behind, for a reader, and ``hand_over`` says who gets its open tickets before it is switched off. ``undoes`` is the
    earlier write (an operation of the journal) that this one takes back.
    """

    id: str
    action: Action
    kind: str
    subject: Subject
    label: str
    key: str | None = None
    marker: str = ""
    active: FieldChange | None = None
    fields: dict[str, FieldChange] = {}
    references: dict[str, ReferenceChange] = {}
    why: dict[str, str] = {}
    end_sessions: bool = False
    former: Subject | None = None
    drifted: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    hand_over: HandOver | None = None
    bore: str = ""
    undoes: str = ""

    @property
    def writes(self) -> bool:
        """Whether anything at the target changes with it, and not only what crosskey knows."""
        return bool(self.marker or self.fields or self.references) or self.active is not None or self.action == "create"


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was not planned or will not be applied, and why.

    ``rail`` is the reason code, ``scope`` what it holds: the whole ``run``, one ``class`` of changes
    (``action``), or one ``person``. ``fix`` says what lets it through, ``word`` is what ``--allow`` takes where a
    number or a name does that. ``count`` is how many changes or people it concerns.
    """

    rail: str
    scope: HeldScope
    summary: str
    fix: str = ""
    action: Action | None = None
    kind: str = ""
    subject: Subject | None = None
    label: str = ""
    key: str | None = None
    examples: tuple[str, ...] = ()
    word: str = ""
    count: int = 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one change (named by its id). ``key`` is the account's id where it is known."""

    change: str
    result: Result
    key: str | None = None
    code: str = ""
    message: str = ""


class PlanHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies a plan and decides whether it may still be applied.

    ``lineage`` names the journal's history and ``serial`` its state when the plan was made: both must still
    hold, as must ``config_digest``. ``counts`` is the number of changes by action, ``digest`` the SHA-256 over all of
    them in order. ``held`` lists at most a hundred of each rail, ``held_counts`` says how many there are. ``allowed``
    is what a person let through for this plan, in the words of ``--allow``.
    """

    id: str
    run: str
    lineage: str
    serial: int
    config_digest: str
    created_at: datetime
    expires_at: datetime
    counts: dict[str, int] = {}
    digest: str = ""
    held: tuple[Held, ...] = ()
    held_counts: dict[str, int] = {}
    allowed: tuple[str, ...] = ()


class Plan:
    """What would be done and why. Changes stay in the journal and are read as they are asked for."""

    def __init__(self, header: PlanHeader, read: Callable[[], Iterator[Change]]) -> None:
        self.header = header
        self._read = read

    @property
    def held(self) -> tuple[Held, ...]:
        """What was held back, and why."""
        return self.header.held

    @property
    def size(self) -> int:
        """How many changes the plan holds."""
        return sum(self.header.counts.values())

    def changes(self) -> Iterator[Change]:
        """Every change, in the order in which it would be applied."""
        return self._read()
