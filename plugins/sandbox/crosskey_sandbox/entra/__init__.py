"""A local Entra ID tenant: ``entra_app(tenant)`` answers as the real one does, over HTTP, from plain objects in memory.

Follows what Microsoft documents and what recorded traffic shows: sign-in errors with their AADSTS numbers, default
properties, 100 rows a page and 999 at most, advanced queries that need a header, 20 of an expanded collection, members
of every type, delta rounds with empty pages, removals in the first one, tokens that end after seven days, soft deletion
and restoring, resource units, batches whose items are refused one by one, and nulls in place of what a permission
does not cover; subscriptions that validate their address, notify it over HTTP, and end.

Synthetic: all people, groups and credentials; the form of page and access tokens; the order of lists (oldest first);
how a batch is shuffled; the sentences of most errors; AADSTS 50059, 70021, 700023 and 700024 (known by number, their
answers are not recorded); the refusal of options that delta does not take, of an altered token
(``Request_BadRequest``) and of another tenant's delta token (as an expired one); the ``id`` before a deleted user's
principal name; a cleared manager in delta; ``memberOf`` is never behind; the sentences about subscriptions, when the
end of one is told, and that notifications go to this machine only, without TLS. ``RateLimit-*`` headers are behind a
switch, since no recorded directory answer has them. Sign-in of people, writes other than deleting, restoring and
subscribing, audit logs and the limit on writes are not here.

Where sources disagree there is a switch in :class:`EntraQuirks`.
"""

from crosskey_sandbox.entra.app import entra_app
from crosskey_sandbox.entra.apps import READ_EVERYTHING, Application, Federation
from crosskey_sandbox.entra.quirks import EntraQuirks, Fault
from crosskey_sandbox.entra.staffing import join, leave, move, tenant_of
from crosskey_sandbox.entra.tenant import EntraTenant, Seen

__all__ = (
    "READ_EVERYTHING",
    "Application",
    "EntraQuirks",
    "EntraTenant",
    "Fault",
    "Federation",
    "Seen",
    "entra_app",
    "join",
    "leave",
    "move",
    "tenant_of",
)
