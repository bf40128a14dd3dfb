"""The stage of one run: a scratch database and what is kept of it for the next.

The stage of the last complete run stays beside the journal as a *snapshot*: ``crosskey explain`` reads it, and a run
that reads only changes starts from it. Cursors are kept in it too, so that the place from which changes are read and
what was known at that place can never drift apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from crosskey.engine.merging import Preference
from crosskey.engine.stage.accounts import ACCOUNTS_SCHEMA, StagedAccounts
from crosskey.engine.stage.groups import StagedGroups
from crosskey.engine.stage.people import PEOPLE_SCHEMA, StagedPeople
from crosskey.engine.stage.proposals import PROPOSALS_SCHEMA, SCRATCH_TABLES, StagedProposals
from crosskey.engine.stage.scratch import Scratch, decoder
from crosskey.engine.stage.state import STATE_SCHEMA, StagedState
from crosskey.errors import UNREADABLE, StorageError

__all__ = ("Stage",)

T = TypeVar("T")

_NOTES: Final = "CREATE TABLE IF NOT EXISTS note(name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
_SCHEMA: Final = _NOTES + PEOPLE_SCHEMA + ACCOUNTS_SCHEMA + PROPOSALS_SCHEMA + STATE_SCHEMA
_SCHEMA_AGAIN: Final = PEOPLE_SCHEMA + PROPOSALS_SCHEMA

_encode = msgspec.msgpack.Encoder().encode


class Stage:
    """People, groups, accounts and proposals of one run. A context manager; what is not kept does not lie around."""

    def __init__(self, scratch: Scratch, people: StagedPeople) -> None:
        self._scratch = scratch
        self.people = people
        self.groups = StagedGroups(scratch, people)
        self.accounts = StagedAccounts(scratch)
        self.proposals = StagedProposals(scratch, people)
        self.state = StagedState(scratch)

    @classmethod
    def fresh(
        cls,
        path: Path | None,
        issuers: Sequence[str],
        *,
        keys: Sequence[str] = (),
        apart: Collection[str] = (),
        preference: Preference | None = None,
    ) -> Stage:
        """An empty stage for a run that reads everything."""
        scratch = Scratch(path, schema=_SCHEMA)
        return cls(scratch, StagedPeople(scratch, issuers, keys=keys, apart=apart, preference=preference))

    @classmethod
    def seeded(
        cls,
        path: Path,
        snapshot: Path,
        *,
        keys: Sequence[str] = (),
        apart: Collection[str] = (),
        preference: Preference | None = None,
    ) -> Stage:
        """A copy of the last run's snapshot, for a run that looks only at who is touched."""
        scratch = Scratch(path, schema=_SCHEMA, seed=snapshot)
        people = StagedPeople(scratch, (), keys=keys, apart=apart, preference=preference, partial=True)
        stage = cls(scratch, people)
        try:
            scratch.execute("CREATE INDEX IF NOT EXISTS member_grp ON member(grp)")
            scratch.execute("CREATE INDEX IF NOT EXISTS recognised_id ON recognised(id)")
            people.issuers.extend(stage.read_note("issuers", list[str]))
        except StorageError:
            scratch.close()
            raise
        return stage

    @classmethod
    def kept(cls, path: Path, *, preference: Preference | None = None) -> Stage:
        """The snapshot that an earlier run kept, read-only. Raises :class:`StorageError` when there is none."""
        if not path.exists():
            raise StorageError(
                "nothing was read yet", code="no-snapshot", where=str(path), fix="run `crosskey plan` once"
            )
        return cls._opened(Scratch(path, kept=True), preference=preference, partial=False)

    @classmethod
    def past(cls, path: Path, image: bytes, *, preference: Preference | None = None, partial: bool = False) -> Stage:
        """A snapshot of the past in memory, given as the bytes of its file (once at ``path``), to read or plan over."""
        scratch = Scratch(path, image=image, schema=_SCHEMA_AGAIN)
        return cls._opened(scratch, preference=preference, partial=partial)

    @classmethod
    def _opened(cls, scratch: Scratch, *, preference: Preference | None, partial: bool) -> Stage:
        stage = cls(scratch, StagedPeople(scratch, (), preference=preference, partial=partial))
        try:
            stage.people.issuers.extend(stage.read_note("issuers", list[str]))
        except StorageError:
            scratch.close()
            raise
        return stage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()
        if self._scratch.is_kept and isinstance(error, UNREADABLE):  # each row is decoded only when it is asked for
            raise StorageError(
                "what an earlier run read is damaged",
                code="stage",
                where=str(self._scratch.path),
                fix="run `crosskey plan`: everything is read anew then; of a run that is past, ask about another",
            ) from error

    def keep(self, as_path: Path) -> None:
        """Keep what was staged as the snapshot at ``as_path``, without the scratch tables."""
        self.note("issuers", self.people.issuers)
        for table in (*SCRATCH_TABLES, "touched"):
            self._scratch.execute(f"DROP TABLE {table}")
        self._scratch.execute("CREATE INDEX IF NOT EXISTS held_id ON held(id)")
        self._scratch.keep(as_path)

    def note(self, name: str, value: object) -> None:
        """Keep a small value (schema, catalogue, cursors) with the snapshot."""
        self._scratch.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, _encode(value)))

    def read_note(self, name: str, type: type[T]) -> T:
        """A value kept with :meth:`note`. Raises :class:`StorageError` when it is absent or of another form."""
        row = self._scratch.one("SELECT body FROM note WHERE name = ?", (name,))
        try:
            if row is not None:
                return decoder(type)(row[0])
        except UNREADABLE:
            pass
        raise StorageError(
            f"the snapshot holds no {name}",
            code="no-snapshot",
            where=str(self._scratch.path),
            fix="run `crosskey plan` again",
        )
