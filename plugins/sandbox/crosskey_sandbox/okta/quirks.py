"""Every way in which the local Okta may differ from its default self, as one value.

Defaults are the plain documented behaviour. Where sources about Okta disagree, both behaviours exist here; the
field's comment names the case.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ("Fault", "FaultKind", "OktaQuirks", "Plan")

FaultKind = Literal["html", "truncated", "error", "minute_429", "concurrency_429"]
Plan = Literal["integrator", "one_app", "enterprise", "workforce"]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Spoils some answers, counted over the requests whose path starts with ``path``.

    ``html`` answers a gateway's page (``status``, 503 by default), ``truncated`` cuts a good JSON body in half,
    ``error`` answers ``status`` (500 E0000009; 503 is the read-only E0000010), ``minute_429`` and
    ``concurrency_429`` are the two kinds of E0000047.
    """

    kind: FaultKind
    path: str = "/api/v1/"
    skip: int = 0  # requests that pass untouched first
    every: int = 1  # then every n-th is hit
    times: int | None = None  # at most so many hits; None = no end
    status: int | None = None
    wait: int = 1  # seconds from now that X-Rate-Limit-Reset of a 429 names


class OktaQuirks(msgspec.Struct, frozen=True, kw_only=True):
    """The switches. ``org.quirks = OktaQuirks(...)`` changes them while the org runs."""

    # Rates
    rates: bool = True  # False: no 429 of its own and no rate headers (benchmarks)
    plan: Plan = "workforce"  # which column of the last published table
    share: float = 0.5  # of each bucket for one token or app; an administrator may turn it down to 0.01
    limits: dict[str, int] = msgspec.field(default_factory=dict[str, int])  # bucket name -> limit as shown
    concurrency: int = 75  # requests at once; 35 on the integrator plan
    # Transport
    latency_ms: float = 0.0  # waited before each answer; other requests go on meanwhile
    faults: tuple[Fault, ...] = ()
    joined_links: bool = False  # True: one comma-joined Link line, False: one line for each link
    canonical_host: str | None = None  # "host[:port]" that links and rows name, when not the host called
    # Paging
    groups_default_limit: int = 200  # old organisations answer with 10,000 when no limit is asked
    members_limit: int = 1000  # maximum of groups/{id}/users; 200 is what Okta recommends asking
    page_overlap: int = 0  # rows of the page before that come again
    page_gap: int = 0  # rows missed between two pages
    # Consistency
    search_lag: float = 0.0  # seconds before `search` sees a change to a user, or a deletion
    search_flap: int = 0  # every n-th search answers an empty list
    membership_lag: float = 0.0  # lastMembershipUpdated is late by 0 to so many seconds (6 measured)
    late_status_changed: bool = False  # statusChanged of a deactivation one second after lastUpdated
    delete_moves_membership: bool = False  # a deleted user's groups get a new lastMembershipUpdated
    # System Log and event hooks
    log_late: float = 0.0  # an event is stored 0 to so many seconds after it was published
    hook_timeout: float = 3.0  # seconds that the receiver of a hook has
    hook_duplicates: bool = False  # every delivery comes twice
    hook_shuffled: bool = False  # events come one by one, in any order
    # Authorization
    dpop_ecdsa: bool = False  # discovery lists ES*, a peer found that only RSA proofs work
    resource_nonce: bool = False  # API calls too demand a DPoP nonce
    empty_scope_error: bool = False  # 403 for a missing scope without a body, as older organisations answer
    identity_engine: bool = True  # False: a Classic organisation (pipeline "v1")
