"""A local Halo (HaloITSM, HaloPSA) over HTTP that obeys the vendor's rules, with a switch for each misbehaviour."""

from crosskey_sandbox.halo.app import halo_app
from crosskey_sandbox.halo.desk import Application, HaloDesk, RequestLog, SessionEnd, Write
from crosskey_sandbox.halo.faults import Fault
from crosskey_sandbox.halo.quirks import HaloQuirks
from crosskey_sandbox.halo.records import (
    Agent,
    Client,
    Department,
    DepartmentLink,
    Organisation,
    Role,
    RoleLink,
    SingleSignOnApplication,
    Site,
    Team,
    TeamLink,
    User,
    UserRole,
)
from crosskey_sandbox.halo.seeding import Contact

__all__ = (
    "Agent",
    "Application",
    "Client",
    "Contact",
    "Department",
    "DepartmentLink",
    "Fault",
    "HaloDesk",
    "HaloQuirks",
    "Organisation",
    "RequestLog",
    "Role",
    "RoleLink",
    "SessionEnd",
    "SingleSignOnApplication",
    "Site",
    "Team",
    "TeamLink",
    "User",
    "UserRole",
    "Write",
    "halo_app",
)
