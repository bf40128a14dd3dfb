"""``/api/v1/logs``: polling and bounded queries of the System Log.

A poll (no ``until``, ascending) goes by the order of storing and always names a next page; on an empty one that is the
page itself. A bounded query goes by ``published``, ends, and misses what is stored late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from crosskey_sandbox.okta.attributes import log_filter
from crosskey_sandbox.okta.call import Answer, Call, listing
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.paging import cut, page_links, window
from crosskey_sandbox.okta.syslog import LogEvent, milliseconds

__all__ = ("list_logs",)

_DEFAULT, _MOST = 100, 1000
_WINDOW = timedelta(days=7)  # when no `since` is asked
_REFUSED = timedelta(days=180)
_FILTER = log_filter()
_encode = msgspec.json.Encoder().encode


def list_logs(org: OktaOrg, call: Call) -> Answer:
    """``GET /logs``: 100 events, 1,000 at most; ``since`` older than 180 days is 400, and nothing is kept over 90."""
    asked = window(call.path, call.query, default=_DEFAULT, most=_MOST, bad_cursor="E0000031")
    now = org.cell.clock.now()
    since = _time(call, "since") or now - _WINDOW
    if since < now - _REFUSED:
        raise ApiError.invalid("since", "The value cannot be more than 180 days in the past")
    until = _time(call, "until")
    descending = (call.asked("sortOrder") or "").upper() == "DESCENDING"
    keep = _kept(call, milliseconds(since), milliseconds(until) if until else None)
    events = org.log.visible()
    polling = until is None and not descending
    if not polling:
        known = [event for event in events if event is not None]
        events = [*sorted(known, key=lambda event: event.published, reverse=descending)]
    page = cut(events, asked, keep)
    following = page.next
    if polling and following is None:
        following = len(events) if page.rows else asked.start
    links = page_links(call.shown, asked, following, still=polling and not page.rows)
    return listing([_encode(event) for event in page.rows], links)


def _kept(call: Call, since: str, until: str | None) -> Callable[[LogEvent], bool]:
    chosen, words = call.asked("filter"), (call.asked("q") or "").casefold().split()
    test = _FILTER.compile(chosen) if chosen else None

    def keep(event: LogEvent) -> bool:
        if event.published < since or (until is not None and event.published >= until):
            return False
        if test is not None and not test(event):
            return False
        return not words or all(word in _encode(event).decode().casefold() for word in words)

    return keep


def _time(call: Call, name: str) -> datetime | None:
    text = call.asked(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError.invalid(name, "The value is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
