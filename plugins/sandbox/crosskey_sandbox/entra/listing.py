"""Lists: one page of a collection with its count and its next link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from crosskey_sandbox.entra.call import Answer, Call, reply
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.filters import filter_test, search_test
from crosskey_sandbox.entra.paging import Place, link
from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.rows import hidden, with_member
from crosskey_sandbox.entra.schema import SCHEMAS, Sort
from crosskey_sandbox.entra.tenant import EntraTenant
from crosskey_sandbox.entra.view import cut

__all__ = ("any_writer", "collection", "count", "listing", "one_of", "page", "relationship", "window", "writer")

_encode = msgspec.json.encode
_EXPANDED = 20  # of an expanded collection at most so many come, without a link to the rest

Write = Callable[[Record], bytes]
Keep = Callable[[Record], bool]


def collection(tenant: EntraTenant, call: Call, sort: Sort) -> Answer:
    """All objects of one type."""
    call.options.only("$filter", "$search", "$orderby", "$expand", "$top")
    return listing(
        tenant, call, call.view.order(sort), SCHEMAS[sort].collection, writer(tenant, call, sort), _tests(call, sort)
    )


def count(call: Call, sort: Sort) -> Answer:
    """``/$count``: a bare number, for advanced queries only."""
    if not call.options.eventual:
        raise GraphError.bad_request("$count is not currently supported.", "Request_BadRequest")
    keep, view = _tests(call, sort), call.view
    total = sum(_passes(view.live(key), keep) for key in view.order(sort))
    return Answer(body=str(total).encode(), media_type="text/plain")


def relationship(tenant: EntraTenant, call: Call, ids: Sequence[str | None], cast: Sort | None = None) -> Answer:
    """Objects of any type with ``@odata.type``, or those of one type after a cast (``/microsoft.graph.user``).

    A type that the caller may not read comes with its id alone (every other property null).
    """
    call.options.only("$filter", "$search", "$orderby", "$top")
    asked = call.options
    if cast is not None and (asked.filter or asked.search or asked.orderby) and not asked.advanced:
        raise GraphError.unsupported("Unsupported Query.")
    tests = _tests(call, cast or "user")
    if cast is not None:
        name, write = SCHEMAS[cast].collection, writer(tenant, call, cast)
        return listing(tenant, call, ids, name, write, lambda r: r.sort == cast and (tests is None or tests(r)))
    return listing(tenant, call, ids, "directoryObjects", any_writer(tenant, call), tests)


def listing(
    tenant: EntraTenant,
    call: Call,
    ids: Sequence[str | None],
    name: str,
    write: Write,
    keep: Keep | None,
    read: Callable[[str], Record | None] | None = None,
) -> Answer:
    """One page of the objects with these ids. ``read`` finds one; without it the live ones of the call's view."""
    read = read or call.view.live
    ids = _ordered(call, ids)
    start, size = window(tenant, call)
    rows, following = cut(ids, start, size, read, keep)
    total = None
    if call.options.counted and call.options.skiptoken is None:
        total = sum(key is not None and _passes(read(key), keep) for key in ids)
    return page(tenant, call, name, [write(row) for row in rows], following, total)


def window(tenant: EntraTenant, call: Call) -> tuple[int, int]:
    """Where the page starts, and how many rows it has at most."""
    asked = call.options
    start = 0 if asked.skiptoken is None else tenant.seals.page(asked.skiptoken, call.path, asked.kept).start
    return start, min(asked.top or tenant.quirks.page_size, tenant.quirks.page_cap)


def page(
    tenant: EntraTenant, call: Call, name: str, rows: Sequence[bytes], following: int | None, total: int | None = None
) -> Answer:
    """``@odata.context``, perhaps ``@odata.count`` (first page only) and ``@odata.nextLink``, ``value``."""
    head = b'{"@odata.context":%b' % _encode(call.context(name))
    if total is not None:
        head += b',"@odata.count":%d' % total
    if following is not None:
        kept = call.options.kept
        place = Place(path=call.path, kept=kept, issued=tenant.cell.epoch(), start=following)
        address = link(call.shown, call.path, kept, "$skiptoken", tenant.seals.seal(place))
        head += b',"@odata.nextLink":%b' % _encode(address)
    return reply(b'%b,"value":[%b]}' % (head, b",".join(rows)))


def writer(tenant: EntraTenant, call: Call, sort: Sort) -> Write:
    """Writes rows of one type as the options say, with what ``$expand`` brings along."""
    asked = call.options
    write = tenant.rows.writer(sort, asked.select)
    expand = asked.expand
    if expand is None:
        return write
    if (sort, expand.name) == ("user", "manager"):
        boss_row = tenant.rows.writer("user", expand.select, typed=True)

        def with_manager(record: Record) -> bytes:
            boss = call.view.live(record.manager) if record.manager else None
            return write(record) if boss is None else with_member(write(record), "manager", boss_row(boss))

        return with_manager
    if (sort, expand.name) == ("group", "members"):
        member_row = any_writer(tenant, call, expand.select)

        def with_members(record: Record) -> bytes:
            members = islice(call.view.members(record.id), _EXPANDED)
            return with_member(write(record), "members", b"[%b]" % b",".join(map(member_row, members)))

        return with_members
    raise GraphError.bad_request(
        f"Parsing OData Select and Expand failed: Could not find a property named '{expand.name}' on type "
        f"'microsoft.graph.{sort}'.",
        "BadRequest",
    )


def one_of(tenant: EntraTenant, call: Call, record: Record) -> Answer:
    """A single object."""
    schema = SCHEMAS[record.sort]
    context = f"{call.context(schema.collection)}/$entity"
    return reply(b'{"@odata.context":%b,%b' % (_encode(context), writer(tenant, call, record.sort)(record)[1:]))


def any_writer(tenant: EntraTenant, call: Call, select: tuple[str, ...] | None = None) -> Write:
    """Writes objects of any type, with ``@odata.type``; a property that a type lacks is left out."""
    chosen = select or call.options.select
    writers = {sort: _typed_writer(tenant, call, sort, chosen) for sort in SCHEMAS}
    return lambda record: writers[record.sort](record)


def _typed_writer(tenant: EntraTenant, call: Call, sort: Sort, chosen: tuple[str, ...] | None) -> Write:
    if not call.may_read(sort):
        return lambda record: hidden(record, chosen)
    names = None if chosen is None else tuple(name for name in chosen if SCHEMAS[sort].has(name)) or ("id",)
    return tenant.rows.writer(sort, names, typed=True)


def _tests(call: Call, sort: Sort) -> Keep | None:
    asked = call.options
    if asked.orderby is not None and asked.filter is not None and not asked.advanced:
        raise GraphError.unsupported(f"Sorting and filtering together is not supported for current query ({sort}).")
    tests = [test for test in (filter_test(asked), search_test(asked)) if test is not None]
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)


def _passes(record: Record | None, keep: Keep | None) -> bool:
    return record is not None and (keep is None or keep(record))


def _ordered(call: Call, ids: Sequence[str | None]) -> Sequence[str | None]:
    """Without ``$orderby`` the oldest come first, which Graph does not promise."""
    if call.options.orderby is None:
        return ids
    name, _, direction = call.options.orderby.strip().partition(" ")
    records = [record for key in ids if key is not None and (record := call.view.live(key)) is not None]
    records.sort(key=lambda r: str(r.values.get(name) or "").casefold(), reverse=direction.strip().lower() == "desc")
    return [record.id for record in records]
