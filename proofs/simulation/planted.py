"""Bugs planted on purpose, as small patches of the engine's insides: a simulation that misses one proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from msgspec import DecodeError, structs

from crosskey.connector.mapper import Desired
from crosskey.connector.target import Target
from crosskey.engine import apply, explanation, gather, losing, newcomers, turn
from crosskey.engine.planner import Planner
from crosskey.engine.protect import Protection
from crosskey.engine.rails import classes
from crosskey.engine.read import SourceRead
from crosskey.engine.recover import Recovery
from crosskey.engine.stage.accounts import StagedAccounts
from crosskey.engine.stage.proposals import StagedProposals
from crosskey.engine.undecided import Losing
from crosskey.engine.vouching import Asked, Vouching
from crosskey.errors import CrosskeyError, UncertainError
from crosskey.http import decoding
from crosskey.journal import JournalWriter, pastjournal, settlement
from crosskey.journal.lease import Lease
from crosskey.plan import Change, Outcome
from proofs.simulation.history import live_through

__all__ = ("BUGS", "SOON", "first_catch", "planted")

Patch = tuple[Any, str, Any]


def _nothing(*_: object, **__: object) -> None:
    """In place of something that finds or forbids."""


def _newest(*_: object, **__: object) -> int:
    """In place of a number of some write."""
    return 2**62


def _nobody(*_: object, **__: object) -> list[object]:
    """In place of something that lists."""
    return []


def _no_links(*_: object, **__: object) -> dict[str, object]:
    """In place of something that knows."""
    return {}


def _zero(*_: object, **__: object) -> timedelta:
    """In place of a wait."""
    return timedelta(0)


def _create_retried() -> list[Patch]:
    """A write without an answer is sent again at once."""
    original = vars(apply)["_send"]

    class Again:
        def __init__(self, target: Target) -> None:
            self._target = target

        async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
            try:
                return await self._target.apply(batch)
            except UncertainError:
                return await self._target.apply(batch)

    async def send(target: Target, group: Sequence[Change]) -> Any:  # noqa: ANN401 - as the original
        again: Any = Again(target)
        return await original(again, group)

    return [(apply, "_send", send)]


def _no_intent() -> list[Patch]:
    """The intent is written only together with the outcome."""
    intend, record = JournalWriter.intend, JournalWriter.record
    owed: list[tuple[Any, ...]] = []

    def later(self: JournalWriter, run: str, changes: Sequence[Change], *, settle: timedelta) -> None:
        del self
        owed[:] = [(run, changes, settle)]

    def both(self: JournalWriter, run: str, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Outcome]:
        intend(self, run, changes, settle=owed[0][2])
        return record(self, run, changes, outcomes)

    return [(JournalWriter, "intend", later), (JournalWriter, "record", both)]


def _no_settling() -> list[Patch]:
    """What is not seen at once is taken for not done."""
    return [(turn, "settle_time", _zero)]


def _no_recovery() -> list[Patch]:
    """Writes without an outcome are forgotten instead of looked for."""

    async def forget(journal: JournalWriter, *_: object, run: str, **__: object) -> Recovery:
        for operation in journal.unresolved():
            journal.resolve(operation.id, "absent" if operation.change.action == "create" else "superseded", run=run)
        return Recovery({}, set())

    return [(turn, "settle_operations", forget)]


def _partial_read() -> list[Patch]:
    """A read that broke off counts as complete, and nobody is asked about by id."""
    original = gather.read_people

    async def accept(one: Any, *rest: Any, **named: Any) -> SourceRead:  # noqa: ANN401 - as the original
        try:
            return await original(one, *rest, **named)
        except CrosskeyError:
            return SourceRead(path=one.section.path, pages=1)

    return [(gather, "read_people", accept), *_scope_unconfirmed()]


def _scope_unconfirmed() -> list[Patch]:
    """Whoever is missing from a list of members is out of scope."""

    async def as_read(_: object, one: Losing) -> Desired:
        return one.desired

    return [(vars(losing)["_Asking"], "desired", as_read)]


def _demotion_unconfirmed() -> list[Patch]:
    """Whoever is missing from a list of members loses what the group gave."""

    def never(*_: object) -> bool:
        return False

    return [(Planner, "_asks_for", never)]


def _absence_is_leaver() -> list[Patch]:
    """Whoever is missing from a list of people has left."""

    async def gone(*_: object) -> Asked:
        return Asked("gone")

    return [(Vouching, "ask", gone)]


def _marker_ignored() -> list[Patch]:
    """The external id is written and never looked at."""
    return [(StagedAccounts, "by_marker", _nothing), (newcomers, "_marked", _nothing)]


def _epoch_unchecked() -> list[Patch]:
    """Whoever was taken over goes on writing."""
    return [(Lease, "check", _nothing)]


def _cursor_early() -> list[Patch]:
    """The place in the source is kept although what was read there is not carried out."""
    return [(StagedProposals, "due", _nobody)]


def _protected_ignored() -> list[Patch]:
    """Protected accounts are written like any other."""
    return [(Protection, "holds", _nothing)]


def _no_mass_rail() -> list[Patch]:
    """Any number of accounts is switched off at once."""
    return [(classes, "check_disables", _nothing)]


def _empty_believed() -> list[Patch]:
    """What a read brought is never compared with the one before."""
    return [(turn, "check_read", _nobody)]


def _unknown_is_applied() -> list[Patch]:
    """No answer is taken for a good one."""
    return [(settlement, "_STATE", {**vars(settlement)["_STATE"], "unknown": "done"})]


def _second_link() -> list[Patch]:
    """An account that is somebody's is adopted for somebody else."""
    return [(JournalWriter, "links_by_key", _no_links)]


def _broken_text() -> list[Patch]:
    """Whole JSON with a byte in it that no text has is thought to be as impossible as it looks."""
    return [(decoding, "UNREADABLE", (DecodeError,))]


def _told_as_read() -> list[Patch]:
    """What is told of an account is what the last read showed, whatever was written since."""
    return [(explanation, "_read_after", _newest)]


def _past_knows_later() -> list[Patch]:
    """What became known of a write after a run had ended is told as if it had been known by then."""
    original = pastjournal.end_of

    def knowing(*facts: Any) -> Any:  # noqa: ANN401 - as the original
        return structs.replace(original(*facts), unknown=())

    return [(pastjournal, "end_of", knowing)]


BUGS: Final[Mapping[str, Callable[[], list[Patch]]]] = MappingProxyType(
    {
        "create-retried": _create_retried,
        "no-intent": _no_intent,
        "no-settling": _no_settling,
        "no-recovery": _no_recovery,
        "partial-read": _partial_read,
        "scope-unconfirmed": _scope_unconfirmed,
        "demotion-unconfirmed": _demotion_unconfirmed,
        "absence-is-leaver": _absence_is_leaver,
        "marker-ignored": _marker_ignored,
        "epoch-unchecked": _epoch_unchecked,
        "cursor-early": _cursor_early,
        "protected-ignored": _protected_ignored,
        "no-mass-rail": _no_mass_rail,
        "empty-believed": _empty_believed,
        "unknown-is-applied": _unknown_is_applied,
        "second-link": _second_link,
        "broken-text": _broken_text,
        "told-as-read": _told_as_read,
        "past-knows-later": _past_knows_later,
    }
)
"""Every planted bug by name; its sentence is the docstring."""

SOON: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(BUGS, ()),
        "create-retried": (4,),
        "no-settling": (110,),
        "no-recovery": (5,),
        "partial-read": (27,),
        "scope-unconfirmed": (32,),
        "demotion-unconfirmed": (200,),
        "marker-ignored": (80,),
        "epoch-unchecked": (43,),
        "cursor-early": (21,),
        "no-mass-rail": (40,),
        "empty-believed": (6,),
        "unknown-is-applied": (1,),
        "broken-text": (17,),
        "told-as-read": (9,),
        "past-knows-later": (91,),
    }
)
"""Seeds that caught a bug when all were tried last: tried first they spare minutes, and prove the same."""


@contextmanager
def planted(bug: str) -> Generator[None]:
    """The engine with a bug in it."""
    patches = BUGS[bug]()
    before = [(where, name, getattr(where, name)) for where, name, _ in patches]
    try:
        for where, name, new in patches:
            setattr(where, name, new)
        yield
    finally:
        for where, name, old in before:
            setattr(where, name, old)


def first_catch(bug: str, seeds: Sequence[int]) -> tuple[int, str] | None:
    """The first seed that breaks a law with a bug and none without it, and the law."""
    for seed in seeds:
        with planted(bug):
            broken = live_through(seed).broken
        if broken and not live_through(seed).broken:
            return seed, broken[0]
    return None
