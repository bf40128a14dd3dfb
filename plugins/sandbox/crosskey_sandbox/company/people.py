"""The people and groups of a company, in nobody's vocabulary but the company's own."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ("Person", "PersonStatus", "Team")

PersonStatus = Literal[
    "active", "staged", "invited", "suspended", "deactivated", "locked_out", "password_expired", "recovering"
]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works here. ``number`` never changes; text that is unknown is ``""``.

    ``kind`` is ``employee``, ``contractor`` or ``service`` (an account no human uses). ``manager`` is a login.
    ``email`` may be empty, and a few people share one.
    """

    number: int
    login: str
    email: str
    given_name: str
    family_name: str
    display_name: str
    language: str
    kind: Literal["employee", "contractor", "service"] = "employee"
    title: str = ""
    department: str = ""
    division: str = ""
    cost_center: str = ""
    organization: str = ""
    office: str = ""
    street: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    locale: str = ""
    timezone: str = ""
    manager: str = ""
    employee_number: str = ""
    work_phone: str = ""
    mobile_phone: str = ""
    remote: bool = False
    floor: int = 0
    skills: tuple[str, ...] = ()
    status: PersonStatus = "active"


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A group: its name (two may share one), what it is for, and the numbers of its people."""

    name: str
    description: str
    members: tuple[int, ...]
