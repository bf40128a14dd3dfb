"""What the journal knew when a run planned, kept with what the run read: together they are all that a plan rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from crosskey.engine.stage.scratch import Scratch, decoder
from crosskey.journal import KeptRows

__all__ = ("STATE_SCHEMA", "StagedState")

STATE_SCHEMA: Final = """
DROP TABLE IF EXISTS journal_rows;
CREATE TABLE journal_rows(body BLOB NOT NULL);
"""

_encode = msgspec.msgpack.Encoder().encode
_decode: Final = decoder(KeptRows)


class StagedState:
    """Rows of the journal by table. They are of one run: a stage that goes on from another begins without."""

    def __init__(self, scratch: Scratch) -> None:
        self._db = scratch

    def add(self, kept: Iterable[KeptRows]) -> None:
        """Keep rows."""
        self.add_packed(self.pack(kept))

    @staticmethod
    def pack(kept: Iterable[KeptRows]) -> list[bytes]:
        """Rows as they are kept, to be kept later, or not at all."""
        return [_encode(rows) for rows in kept]

    def add_packed(self, packed: Iterable[bytes]) -> None:
        """Keep what was packed; of two versions of a row, the one that was kept last counts."""
        self._db.many("INSERT INTO journal_rows VALUES (?)", [(body,) for body in packed])

    def all(self) -> Iterator[KeptRows]:
        """What was kept, in the order in which it was."""
        for (body,) in self._db.execute("SELECT body FROM journal_rows ORDER BY rowid"):
            yield _decode(body)
