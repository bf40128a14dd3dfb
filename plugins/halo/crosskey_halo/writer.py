"""Writing arrays of changes and finding out, for each record, what became of it.

Requests are the scarce thing (300 in five minutes), so records go out by the hundred. What Halo does with a partly bad
array is not documented, so nothing is assumed: a refused array is looked after and bisected, an unclear answer is
looked up by marker, and what stays open is said to be ``unknown``. A create is never sent again unless it is known not
to have happened; updates name their record and may be repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from logging import Logger
from typing import Generic, TypeVar

from crosskey.clock import Clock
from crosskey.errors import CrosskeyError, RejectedError, UncertainError
from crosskey.model import Account
from crosskey.plan import Change, Outcome
from crosskey_halo.accounts import AccountKind
from crosskey_halo.bodies import Bodies, objection
from crosskey_halo.desk import Desk
from crosskey_halo.lookback import Lookback
from crosskey_halo.matching import created, is_refusal, refusal, updated
from crosskey_halo.notebook import Notebook
from crosskey_halo.rows import AgentRow, UserRow
from crosskey_halo.schema import MARKER_TAKEN, NOT_DONE
from crosskey_halo.turn import Turn
from crosskey_halo.verdict import altered, shortfalls

__all__ = ("Writer",)

A = TypeVar("A", UserRow, AgentRow)

_LAG_SECONDS = 20.0
"""How long lists may lag behind writes. Not documented; waited for until an instance is seen not to lag."""
_STRIKES = 2
"""After so many arrays in a row without a clear answer records go out one by one."""
_NOT_ALLOWED = 405
"""Said of the whole path, never of one record: no use in taking an array apart."""


class Writer(Generic[A]):
    """Writes one kind of record. Learns how the instance treats arrays, for as long as it is open."""

    def __init__(
        self,
        desk: Desk,
        kind: AccountKind[A],
        notebook: Notebook,
        *,
        as_account: Callable[[A], Awaitable[Account]],
        name: Callable[[str, str], str],
        batch: int,
        clock: Clock,
        logger: Logger,
    ) -> None:
        self._desk = desk
        self._kind = kind
        self._notebook = notebook
        self._as_account = as_account
        self._name = name
        self._lookback = Lookback(desk, kind, notebook)
        self._clock = clock
        self._logger = logger
        self._creates = batch
        self._updates = batch
        self._strikes = 0
        self._refusals = 0
        self._lag: float | None = None

    async def apply(self, batch: Sequence[Change], bodies: Bodies) -> list[Outcome]:
        """One outcome for each change. Raises only when nothing of the batch was written."""
        turn = Turn(batch)
        for change in batch:
            reason = objection(change, self._kind, self._notebook)
            if reason:
                turn.rejected(change, "halo-not-sent", reason)
            elif change.action == "relink":
                self._before_relink(turn, change)
        sendable = {change.id: bodies.make(change) for change in turn.open(batch)}
        sending = _Sending(turn, sendable)
        try:
            await self._in_pieces(sending, [c for c in turn.open(batch) if c.key is None], creates=True)
            await self._in_pieces(sending, [c for c in turn.open(batch) if c.key is not None], creates=False)
        except CrosskeyError as error:
            if not turn.written:
                raise
            turn.stopped(error)
        return turn.outcomes()

    def _before_relink(self, turn: Turn, change: Change) -> None:
        """What stands against writing a new external id, or makes it needless."""
        key = change.key or ""
        member = self._kind.marker[0]
        if key in self._notebook.foreign:
            holds = f"the record keeps something in {member} that is not crosskey's: clear it, or choose another field"
            turn.rejected(change, MARKER_TAKEN, holds)
        elif self._notebook.dropped and key:
            turn.applied(change, key, f"this instance keeps no external ids in {member}: there is nothing to write")

    async def _in_pieces(self, sending: _Sending, changes: Sequence[Change], *, creates: bool) -> None:
        start = 0
        while start < len(changes):
            size = self._creates if creates else self._updates
            piece = changes[start : start + size]
            await (self._create(sending, piece) if creates else self._update(sending, piece))
            start += len(piece)

    # -------------------------------------------------------------------------------------------------------- creates

    async def _create(self, sending: _Sending, piece: Sequence[Change]) -> None:
        turn = sending.turn
        try:
            rows = await self._desk.save(self._kind.resource, sending.records(piece))
        except RejectedError as error:
            await self._create_refused(sending, piece, error)
            return
        except UncertainError as error:
            turn.written = True
            await self._look(turn, piece)
            turn.unknown(piece, error.code, error.message)
            self._strike(piece)
            return
        turn.written = True
        self._strikes = 0
        matched = created(self._kind, piece, rows)
        for change in piece:
            row = matched.get(change.id)
            if row is not None:
                await self._made(turn, change, row)
        if self._refusals and self._lag is None:
            await self._measure_lag(turn, piece)
        if turn.open(piece):
            await self._look(turn, turn.open(piece))
        if turn.open(piece):
            # the answer names fewer records than were sent and no more are to be seen: it does not take arrays
            self._creates = 1
            turn.unknown(piece, "halo-answer", "Halo's answer does not say what became of this record")

    async def _create_refused(self, sending: _Sending, piece: Sequence[Change], error: RejectedError) -> None:
        """Tell the good from the bad. An instance may have saved the good ones before it refused the bad one."""
        turn = sending.turn
        if len(piece) == 1 or error.status == _NOT_ALLOWED:
            for change in piece:
                turn.rejected(change, "halo-refused", error.message)
            return
        self._refusals += 1
        self._logger.info("an array of %d was refused: looking whether parts of it were saved", len(piece))
        await self._clock.sleep(_LAG_SECONDS if self._lag is None else self._lag)
        if not await self._look(turn, piece):
            turn.written = True
            turn.unknown(piece, error.code, f"{error.message}; whether parts of it were saved could not be seen")
            return
        rest = turn.open(piece)
        if len(rest) < len(piece):
            self._creates = 1
            for change in rest:
                await self._create(sending, [change])
            return
        middle = len(piece) // 2
        await self._in_pieces(sending, piece[:middle], creates=True)  # what was learned meanwhile holds at once
        await self._in_pieces(sending, piece[middle:], creates=True)
        if turn.all_applied(piece):
            self._creates = min(self._creates, len(piece) - middle)  # it was the length that was refused

    async def _measure_lag(self, turn: Turn, piece: Sequence[Change]) -> None:
        """Learn whether lists show what was just created, and so whether the next look must wait."""
        made = next(((change, key) for change in piece if (key := turn.key_of(change))), None)
        if made is None:
            return
        try:
            self._lag = 0.0 if await self._lookback.visible(*made) else _LAG_SECONDS
        except CrosskeyError as error:
            self._logger.info("could not see whether lists lag: %s", error.message)

    async def _look(self, turn: Turn, piece: Sequence[Change]) -> bool:
        """Note those of the piece that exist. ``False``: nobody could look."""
        try:
            found = await self._lookback.made(piece)
            for change in piece:
                row = found.get(change.id)
                if row is not None:
                    await self._made(turn, change, row)
        except CrosskeyError as error:
            self._logger.warning("could not look what became of %d records: %s", len(piece), error.message)
            return False
        return True

    async def _made(self, turn: Turn, change: Change, row: A) -> None:
        if is_refusal(row):
            turn.rejected(change, "halo-refused", refusal(row))
            return
        account = await self._as_account(row)
        missing = shortfalls(change, row, account, self._name, detail=False)
        self._notebook.made.add(row.key)
        turn.applied(change, row.key, _message(change, row, missing))

    def _strike(self, piece: Sequence[Change]) -> None:
        self._strikes += len(piece) > 1
        if self._strikes >= _STRIKES:
            self._creates = 1

    # -------------------------------------------------------------------------------------------------------- updates

    async def _update(self, sending: _Sending, piece: Sequence[Change], *, again: bool = True) -> None:
        turn = sending.turn
        try:
            rows = await self._desk.save(self._kind.resource, sending.records(piece))
        except RejectedError as error:
            if len(piece) == 1:
                turn.rejected(piece[0], "halo-refused", error.message)
                return
            middle = len(piece) // 2
            await self._in_pieces(sending, piece[:middle], creates=False)
            await self._in_pieces(sending, piece[middle:], creates=False)
            if turn.all_applied(piece):
                self._updates = min(self._updates, len(piece) - middle)
            return
        except UncertainError as error:
            turn.written = True
            if again:
                await self._update(sending, piece, again=False)
            else:
                await self._verify(turn, piece, error)
            return
        turn.written = True
        matched = updated(piece, rows)
        for change in piece:
            row = matched.get(change.id)
            if row is not None:
                await self._changed(turn, change, row)
        await self._unanswered(sending, turn.open(piece), alone=len(piece) == 1)

    async def _unanswered(self, sending: _Sending, rest: Sequence[Change], *, alone: bool) -> None:
        """Updates that the answer does not mention: sent again one by one, or, sent alone, looked at."""
        if alone:
            no_answer = UncertainError("Halo's answer does not name the record that was changed", code="halo-answer")
            await self._verify(sending.turn, rest, no_answer)
            return
        if rest:
            self._updates = 1
        for change in rest:
            await self._update(sending, [change])

    async def _verify(self, turn: Turn, piece: Sequence[Change], error: CrosskeyError) -> None:
        """Look at each record; one that shows everything wanted is done."""
        try:
            for change in turn.open(piece):
                row = await self._desk.one(self._kind.resource, change.key or "")
                if row is None or (change.action == "relink" and self._kind.marker_of(row) != change.marker):
                    continue
                if not await self._lacks(change, row) and not altered(change, row, detail=True):
                    turn.already(change, row.key)
        except CrosskeyError as failed:
            self._logger.warning("could not look what became of %d records: %s", len(piece), failed.message)
        turn.unknown(piece, error.code, error.message)

    async def _changed(self, turn: Turn, change: Change, row: A) -> None:
        """Believe the answer where it shows what was wanted, else look at the record itself."""
        if is_refusal(row):
            turn.rejected(change, "halo-refused", refusal(row))
            return
        missing = shortfalls(change, row, await self._as_account(row), self._name, detail=False)
        if missing:
            try:
                detail = await self._desk.one(self._kind.resource, row.key)
            except CrosskeyError as error:
                turn.unknown([change], error.code, f"the record {', '.join(missing)}; {error.message}")
                return
            missing = await self._lacks(change, detail) if detail is not None else ["is gone"]
            if detail is not None and change.action == "relink" and not self._kind.marker_of(detail):
                missing = self._unmarked()
        if missing:
            said = f" Halo says: {row.warning}" if row.warning else ""
            turn.rejected(
                change,
                NOT_DONE,
                f"Halo took the change and did not do it: the record {', '.join(missing)}.{said}",
            )
        else:
            turn.applied(change, row.key, _message(change, row, ()))

    def _unmarked(self) -> list[str]:
        """What a record lacks that took an external id and shows none: nothing where none is ever kept."""
        self._notebook.dropped = not (self._notebook.marked or self._notebook.borne)
        return [] if self._notebook.dropped else ["does not keep its external id"]

    async def _lacks(self, change: Change, detail: A) -> list[str]:
        return shortfalls(change, detail, await self._as_account(detail), self._name, detail=True)


class _Sending:
    """One batch on its way: its outcomes so far and the record of each change."""

    def __init__(self, turn: Turn, bodies: dict[str, dict[str, object]]) -> None:
        self.turn = turn
        self._bodies = bodies

    def records(self, piece: Iterable[Change]) -> list[dict[str, object]]:
        """The array to post."""
        return [self._bodies[change.id] for change in piece]


def _message(change: Change, row: UserRow | AgentRow, missing: Sequence[str]) -> str:
    notes = [*(f"the record {what}" for what in missing)]
    cut = altered(change, row)
    if cut:
        notes.append(f"Halo keeps {', '.join(cut)} otherwise than written")
    if row.warning:
        notes.append(row.warning)
    return "; ".join(notes)
