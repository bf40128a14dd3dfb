"""What an answer's headers say about rate limits: pure reading, every number clamped.

A server's word is a hint and an attack surface: unlimited server-given waits are a denial of service, and clock skew
makes negative ones. So differences are taken against the answer's own ``Date`` and clamped to a ceiling.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from crosskey.http.reply import answer_date

__all__ = ("LONGEST_RETRY_AFTER", "LONGEST_WINDOW", "Window", "read_retry_after", "read_window")

LONGEST_WINDOW = 65.0
"""Seconds: windows are a minute, so a reset further away is skew or a mere hint."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds: the longest budget window known of a vendor is five minutes."""
SHORTEST = 1.0

_FAMILIES = ("x-rate-limit-", "x-ratelimit-", "ratelimit-")
_EPOCH = 1_000_000_000
"""Resets above this are epoch seconds, below it seconds from now."""


class Window(msgspec.Struct, frozen=True):
    """The bucket a request fell into: its size, what is left, and the seconds until it is full again.

    ``limit`` 0 does not mean a bucket: the server is telling of too many requests at once.
    """

    limit: int
    remaining: int
    wait: float


def read_window(headers: httpx.Headers, now: datetime) -> Window | None:
    """The rate-limit window the answer tells of, or ``None`` without a complete and readable set of headers.

    ``now`` stands in where the answer has no ``Date``.
    """
    for family in _FAMILIES:
        limit = _whole(headers.get(family + "limit"))
        if limit is None:
            continue
        remaining = _whole(headers.get(family + "remaining"))
        reset = _whole(headers.get(family + "reset"))
        if remaining is None or reset is None:
            return None
        if reset > _EPOCH:
            reset -= math.floor((answer_date(headers) or now).timestamp())
        return Window(limit, remaining, _clamp(reset + 1.0, LONGEST_WINDOW))
    return None


def read_retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait by ``Retry-After`` (number or date, RFC 9110), clamped; ``None`` when absent or unreadable."""
    text = headers.get("retry-after")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (answer_date(headers) or now)).total_seconds()
    return None if math.isnan(seconds) else _clamp(seconds, LONGEST_RETRY_AFTER)


def _clamp(seconds: float, longest: float) -> float:
    return min(max(seconds, SHORTEST), longest)


def _whole(text: str | None) -> int | None:
    """A non-negative number of sane length; some servers write ``100, 100;w=60``: the first one counts."""
    digits = (text or "").partition(",")[0].partition(";")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
