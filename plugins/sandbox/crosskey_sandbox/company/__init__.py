"""The made-up company that the sandbox's directories tell."""

from crosskey_sandbox.company.company import Company
from crosskey_sandbox.company.people import Person, PersonStatus, Team
from crosskey_sandbox.company.places import DEPARTMENTS, OFFICES, Office

__all__ = ("DEPARTMENTS", "OFFICES", "Company", "Office", "Person", "PersonStatus", "Team")
