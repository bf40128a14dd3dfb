"""A local Okta org."""

from crosskey_sandbox.okta.access import NO_ROLE, READ_ONLY, SUPER_ADMIN, Rights, ServiceApp
from crosskey_sandbox.okta.app import okta_app
from crosskey_sandbox.okta.org import OktaOrg, Seen
from crosskey_sandbox.okta.quirks import Fault, OktaQuirks
from crosskey_sandbox.okta.staffing import join, leave, move, org_of

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
    "join",
    "leave",
    "move",
    "okta_app",
    "org_of",
)
