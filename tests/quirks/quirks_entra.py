"""Every switch of the local Entra ID with what it may do to a read and the rounds of changes after it, and why."""

from __future__ import annotations

from collections.abc import Mapping

from quirks_switches import Does, Structs, Switch, Switches, harmless, refused

from crosskey.errors import ContractError, CursorExpiredError
from crosskey_sandbox.entra import EntraQuirks

_LOST = refused(CursorExpiredError, "cursor-expired", "everything is read anew", beside={"delta_life": 5.0})
_SMALL = {"page_cap": 25}

ENTRA: Mapping[str, Switch] = {
    "throttling": harmless("pacing reads headers where there are any"),
    "units": harmless("few units are waited for", 60, more=40),
    "decimal_retry_after": harmless("waits are read as decimals", beside={"units": 60}, more=40),
    "rate_limit_headers": harmless("other services' headers are understood as well"),
    "latency_ms": harmless("slower, the same answers", 250.0),
    "faults": harmless("none: each kind has a test of its own", ()),
    "link_host": Switch(
        refused(ContractError, "foreign-host", "a link to a host nobody named gets no token"), ("graph.example.com",)
    ),
    "unordered_batch": harmless("items are found by their ids"),
    "page_size": harmless("a size is always asked for", 5),
    "page_cap": harmless("shorter pages, followed as they name each other", 25, more=20),
    "page_token_life": harmless("a list is read faster than its tokens end", 3600.0, beside=_SMALL, more=20),
    "delta_page": harmless("a round is read to its link, however many pages", 1, 20, more=60),
    "delta_members": harmless("members add up over pages", 1, 50, more=200),
    "first_round_empty_pages": harmless("an empty page is no end", 0, 10, more=40),
    "later_empty_pages": harmless("an empty page is no end", 10, more=200),
    "delta_overlap": harmless("a row that comes twice is one", 1, beside={"delta_page": 20}, more=30),
    "delta_replay": harmless("what came before changes nothing when it comes again", 20, more=10),
    "delta_life": Switch(refused(CursorExpiredError, "cursor-expired", "everything is read anew"), (5.0,)),
    "expired_delta": Switch(
        dict.fromkeys(("gone_sync_state", "bad_request", "bad_request_resync", "not_found", "not_found_resync"), _LOST)
    ),
    "removed_in_first_round": harmless("the first round is only read for its link, and for groups within groups"),
    "deleted_members_in_delta": harmless("who is gone is told by the list of users"),
    "replication_lag": Switch(Does(ends="settles", why="a round tells later what it did not see yet"), (20.0,)),
    "lagging_reads": Switch(
        Does(
            ends="settles", why="what a round tells counts above a late answer by id", beside={"replication_lag": 20.0}
        ),
        (2, 3),
    ),
    "notification_delay": harmless("a notification only says to look sooner", 120.0),
    "notification_batch": harmless("many notifications in one delivery are many", 1),
    "notification_repeats": harmless("a replay costs a look", 2),
    "fresh_misses": harmless("no app registration is made here", 2),
    "lost_notifications": harmless("rounds by the timer tell everything without them", 2),
    "token_life": harmless("a token that ends is replaced", 2, more=20),
}
STRUCTS: Structs = {"entra": EntraQuirks}
SWITCHES: Switches = {"entra": ENTRA}
