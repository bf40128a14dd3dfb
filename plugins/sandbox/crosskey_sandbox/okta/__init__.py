"""A local Okta org: ``okta_app(org)`` answers as the real one does, over HTTP, from plain objects in memory.

Follows what Okta documents and what recorded traffic shows: the shape of every body and error, which lists hold
DEPROVISIONED users, the caps on ``limit``, the ``Link`` header, which change moves which time, the two kinds of 429,
half of each rate bucket for one caller, the DPoP handshake with nonces and replays, scopes quietly left out of a
token, ``200 []`` for an app without a role, deactivate before delete.

Synthetic: all people, groups and credentials; the form of ids, cursors and nonces; the sentences in
``errorCauses`` and in most ``error_description``s; the tolerance of a proof's ``iat`` (300 s); how long each lag
lasts; the code for bad times in an expression; the order of lists (oldest first, which Okta does not promise); in the
System Log whatever is not target, type, time or outcome, and the code for a ``since`` that is too old; of event hooks
the refusals, and that another address is unverified (and that one on loopback may do without https). Sign-in and the
making of applications are not here.

Where sources disagree there is a switch in :class:`OktaQuirks`.
"""

from crosskey_sandbox.okta.access import NO_ROLE, READ_ONLY, SUPER_ADMIN, Rights, ServiceApp
from crosskey_sandbox.okta.app import okta_app
from crosskey_sandbox.okta.org import OktaOrg, Seen
from crosskey_sandbox.okta.quirks import Fault, OktaQuirks
from crosskey_sandbox.okta.staffing import join, leave, move, org_of
from crosskey_sandbox.okta.static import StaticPage, static_app, static_pages

__all__ = (
    "NO_ROLE",
    "READ_ONLY",
    "SUPER_ADMIN",
    "Fault",
    "OktaOrg",
    "OktaQuirks",
    "Rights",
    "Seen",
    "ServiceApp",
    "StaticPage",
    "join",
    "leave",
    "move",
    "okta_app",
    "org_of",
    "static_app",
    "static_pages",
)
