"""Every way in which the local Entra ID may differ from its default self, as one value.

Defaults are the plain documented behaviour. Where sources about Graph disagree, both behaviours exist here; the
field's comment names the case.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ("DeltaExpiry", "EntraQuirks", "Fault", "FaultKind")

FaultKind = Literal["html", "truncated", "error", "throttled", "expired_page"]
DeltaExpiry = Literal["gone", "gone_sync_state", "bad_request", "bad_request_resync", "not_found", "not_found_resync"]
"""How an expired delta token is refused: 410, 400 or 404, with ``resyncRequired`` or ``syncStateNotFound``.

``gone`` is 410 ``resyncRequired``, ``bad_request`` and ``not_found`` say ``syncStateNotFound``. Only 410 carries a
``Location``.
"""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Spoils some answers, counted over the requests (and batch items) whose path starts with ``path``.

    ``html`` answers a gateway's page (``status``, 503 by default), ``truncated`` cuts a good JSON body in half,
    ``error`` answers ``status`` (500 UnknownError, 502, 503, 504), ``throttled`` is a 429 with Retry-After ``wait``,
    ``expired_page`` refuses a next link with 400 Directory_ExpiredPageToken and lets first pages through.
    """

    kind: FaultKind
    path: str = "/v1.0/"
    skip: int = 0  # requests that pass untouched first
    every: int = 1  # then every n-th is hit
    times: int | None = None  # at most so many hits; None = no end
    status: int | None = None
    wait: float = 1.0  # seconds that Retry-After of a 429 names


class EntraQuirks(msgspec.Struct, frozen=True, kw_only=True):
    """The switches. ``tenant.quirks = EntraQuirks(...)`` changes them while the tenant runs."""

    # Throttling
    throttling: bool = True  # False: no 429 of its own (benchmarks)
    units: int = 0  # resource units in ten seconds for one application; 0 = by the size of the tenant
    decimal_retry_after: bool = False  # True: "2.128", as the documented example of a batch item has it
    rate_limit_headers: bool = False  # RateLimit-*: other Graph services send them, no recorded directory answer does
    # Transport
    latency_ms: float = 0.0  # waited before each answer; other requests go on meanwhile
    faults: tuple[Fault, ...] = ()
    link_host: str = ""  # "host[:port]" that next and delta links name, when not the host called
    unordered_batch: bool = True  # items of a batch come back in another order
    # Paging
    page_size: int = 100  # rows of a page when $top is not asked
    page_cap: int = 999  # rows of a page at most, whatever $top asks
    page_token_life: float = 0.0  # seconds that a next link is good for; 0 = for ever, as maintainers say
    # Delta
    delta_page: int = 200  # objects of a page; the service chooses (174 recorded)
    delta_members: int = 1000  # entries of members@delta in a page; a larger group continues on the next one
    first_round_empty_pages: int = 2  # one recorded round had 10
    later_empty_pages: int = 0
    delta_overlap: int = 0  # rows of the page before that come again
    delta_replay: int = 0  # so many of the changes that the round before told come again
    delta_life: float = 604_800.0  # seconds that a delta link is good for: 7 days for directory objects
    expired_delta: DeltaExpiry = "gone"
    removed_in_first_round: bool = True  # False: the first round tells only what is there
    deleted_members_in_delta: bool = True  # False: a group's delta is silent about members that were deleted
    # Consistency
    replication_lag: float = 0.0  # seconds before a read sees a change
    lagging_reads: int = 1  # only every n-th read is that late; the others are up to date
    fresh_misses: int = 0  # so many writes to what was just made come to servers that do not know it yet
    # Change notifications
    notification_delay: float = 0.0  # seconds before a change is told: two minutes on average, fifteen at most
    notification_batch: int = 100  # notifications in one delivery
    notification_repeats: int = 0  # so often is an accepted delivery made again
    lost_notifications: int = 0  # every n-th never arrives
    # Sign-in
    token_life: int = 3599
