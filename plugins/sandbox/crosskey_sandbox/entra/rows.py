"""Writing objects: each as the JSON text that an answer holds.

The rows of the last few selections are kept, so that listing 50,000 users again costs a look-up each. A row belongs to
one record, and a change makes a new record: nothing can be stale.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.schema import EXTENSION, SCHEMAS, Sort

__all__ = ("Rows", "hidden", "properties", "typed", "with_member")

_encode = msgspec.json.Encoder().encode
_SELECTIONS = 6

Names = tuple[str, ...] | None


class Rows:
    """Writes rows of ``$select`` and keeps them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Sort, Names, bool], dict[str, tuple[Record, bytes]]] = OrderedDict()

    def writer(self, sort: Sort, select: Names, *, typed: bool = False) -> Callable[[Record], bytes]:
        """Writes objects of one type; ``typed`` puts ``@odata.type`` first. ``select`` None: the default properties."""
        kept = self._kept.setdefault((sort, select, typed), {})
        self._kept.move_to_end((sort, select, typed))
        if len(self._kept) > _SELECTIONS:
            self._kept.popitem(last=False)
        schema = SCHEMAS[sort]
        schema.check(select or ())
        columns = [(name, schema.unset(name)) for name in select or schema.default if name not in schema.relations]
        open_names = [name for name, _ in columns if EXTENSION.fullmatch(name)]

        def write(record: Record) -> bytes:
            known = kept.get(record.id)
            if known is not None and known[0] is record:
                return known[1]
            values = record.values
            row: dict[str, object] = {"@odata.type": f"#microsoft.graph.{sort}"} if typed else {}
            for name, unset in columns:
                row[name] = values.get(name, unset)
            for name in open_names:
                if row[name] is None:
                    del row[name]
            written = _encode(row)
            kept[record.id] = (record, written)
            return written

        return write


def properties(record: Record, names: tuple[str, ...]) -> dict[str, object]:
    """The properties that have a value: delta leaves out what was never set."""
    found = {name: record.values.get(name) for name in names}
    return {name: value for name, value in found.items() if value not in (None, [], ())}


def typed(record: Record) -> dict[str, object]:
    """Type and id, as relationships tell an object."""
    return {"@odata.type": f"#microsoft.graph.{record.sort}", "id": record.id}


def hidden(record: Record, select: Names) -> bytes:
    """An object whose type the caller may not read: type and id, every other property null."""
    names = select or SCHEMAS[record.sort].default
    nothing: dict[str, object] = {name: None for name in names if name in SCHEMAS[record.sort].default}
    return _encode({"@odata.type": f"#microsoft.graph.{record.sort}", **nothing, "id": record.id})


def with_member(row: bytes, name: str, value: object) -> bytes:
    """A row with one more member at its end."""
    written = value if isinstance(value, bytes) else _encode(value)
    return b"%b,%b:%b}" % (row[:-1], _encode(name), written)
