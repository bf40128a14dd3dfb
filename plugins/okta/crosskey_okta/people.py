"""Okta users as neutral people."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, cast

import msgspec

from crosskey.errors import ConfigError, ContractError, Diagnostic
from crosskey.model import Person, Subject
from crosskey_okta.status import Statuses

__all__ = ("PROFILE_ATTRIBUTES", "People", "UserRow")

PROFILE_ATTRIBUTES: Mapping[str, str] = {
    "user_name": "login",
    "display_name": "displayName",
    "given_name": "firstName",
    "middle_name": "middleName",
    "family_name": "lastName",
    "nick_name": "nickName",
    "email": "email",
    "title": "title",
    "department": "department",
    "organization": "organization",
    "division": "division",
    "cost_center": "costCenter",
    "employee_number": "employeeNumber",
    "user_type": "userType",
    "manager": "managerId",
    "work_phone": "primaryPhone",
    "mobile_phone": "mobilePhone",
    "street_address": "streetAddress",
    "locality": "city",
    "region": "state",
    "postal_code": "zipCode",
    "country": "countryCode",
    "locale": "locale",
    "timezone": "timezone",
}
"""Neutral attribute → base attribute of the Okta profile. Where ``managerId`` is empty, ``manager`` is taken."""

_NAME = re.compile(r'[^\x00-\x1f"\\]+')  # what a member's name can hold without escapes
_EDITOR = "Directory > Profile Editor"


class UserRow(Protocol):
    """A decoded user; ``profile`` holds only the attributes this read wants."""

    @property
    def id(self) -> str:
        """The user's immutable id (``00u…``)."""
        ...

    @property
    def status(self) -> str:
        """Okta's status word."""
        ...

    @property
    def last_updated(self) -> str | None:
        """When data or status last changed, one second exact; texts sort as times do."""
        ...

    @property
    def profile(self) -> object:
        """The typed profile, or the raw bytes when every attribute is wanted."""
        ...


class People:
    """Decodes pages of users and normalises them; made once a read.

    ``overrides`` moves neutral attributes to other profile attributes; ``extra`` names further profile attributes
    to bring (``None``: all). Null, ``""`` and absent all become ``""``; custom values keep their JSON type.
    Raises :class:`ConfigError` for a name that no attribute can have.
    """

    def __init__(
        self,
        *,
        issuer: str,
        instance: str,
        statuses: Statuses,
        overrides: Mapping[str, str],
        extra: Collection[str] | None,
    ) -> None:
        for name in (*overrides.values(), *(extra or ())):
            if not _NAME.fullmatch(name):
                raise ConfigError(
                    f"no Okta attribute can be called {name!r}",
                    code="okta-attribute",
                    where=instance,
                    fix=f"write the variable name that Okta shows under {_EDITOR}",
                )
        self._issuer = issuer
        self._instance = instance
        self._statuses = statuses
        sources = {**PROFILE_ATTRIBUTES, **overrides}
        fallback = sources["manager"] if "manager" in overrides else "manager"
        columns = [*(sources[name] for name in PROFILE_ATTRIBUTES), fallback]
        wanted = tuple(sorted(extra or ()))
        names = tuple(dict.fromkeys([*columns, *wanted]))
        # Attributes are addressed by position: a custom attribute may bear any name.
        fields = {name: f"a{index}" for index, name in enumerate(names)}
        # Base attributes are text (OpenAPI); custom ones may be text, number, flag or list.
        base = {name for name in names if name in PROFILE_ATTRIBUTES.values() or name == "manager"}
        profile = msgspec.defstruct(
            "Profile",
            [(fields[name], str | None if name in base else Any, None) for name in names],
            rename={field: name for name, field in fields.items()},
            gc=False,
        )
        self._columns = cast(
            "Callable[[object], tuple[str | None, ...]]", attrgetter(*(fields[name] for name in columns))
        )
        self._texts = any(name not in base for name in columns)
        self._extras = tuple((name, fields[name]) for name in wanted)
        self._unseen = set(wanted)
        self._mapped = frozenset(columns) - set(wanted)
        self._whole = msgspec.json.Decoder(dict[str, Any]) if extra is None else None
        self._profile = msgspec.json.Decoder(profile)
        row = msgspec.defstruct(
            "UserRow",
            [
                ("id", str),
                ("profile", profile if extra is not None else msgspec.Raw),
                ("status", str, ""),
                ("last_updated", str | None, None),
            ],
            rename={"last_updated": "lastUpdated"},
            gc=False,
        )
        self.page = cast("msgspec.json.Decoder[list[UserRow]]", msgspec.json.Decoder(list[row]))
        """Decodes a page of users."""
        self.one = cast("msgspec.json.Decoder[UserRow]", msgspec.json.Decoder(row))
        """Decodes a single user."""

    def people(self, rows: Sequence[UserRow]) -> list[Person]:
        """The rows of one page as people."""
        people = [self.person(row) for row in rows]
        if self._unseen:
            self._unseen -= {name for name in self._unseen if any(person.extra[name] != "" for person in people)}
        return people

    def _both(self, raw: msgspec.Raw, whole: msgspec.json.Decoder[dict[str, Any]]) -> tuple[object, dict[str, Any]]:
        """The profile typed, and whole."""
        try:
            return self._profile.decode(raw), whole.decode(raw)
        except msgspec.ValidationError:  # its words may quote values
            raise ContractError(
                "Okta told a user whose profile holds something of another type than documented",
                code="bad-body",
                where=self._instance,
                fix="check the attributes that `attributes` names; if they are right, report it to Okta",
            ) from None

    def person(self, row: UserRow) -> Person:
        """One row as a person."""
        if self._whole is None:
            profile = row.profile
            extra = {name: _given(getattr(profile, field)) for name, field in self._extras}
        else:
            profile, whole = self._both(cast("msgspec.Raw", row.profile), self._whole)
            extra = {name: _given(value) for name, value in whole.items() if name not in self._mapped}
        values = self._columns(profile)
        if self._texts:
            values = tuple(map(_text, values))
        given, family = values[2] or "", values[4] or ""
        return Person(
            subject=Subject(self._issuer, row.id),
            active=self._statuses.active(row.status),
            status=row.status,
            user_name=values[0] or "",
            # Most real profiles hold no displayName; Okta's own console then shows first and last name.
            display_name=values[1] or f"{given} {family}".strip(),
            given_name=given,
            middle_name=values[3] or "",
            family_name=family,
            nick_name=values[5] or "",
            email=values[6] or "",
            title=values[7] or "",
            department=values[8] or "",
            organization=values[9] or "",
            division=values[10] or "",
            cost_center=values[11] or "",
            employee_number=values[12] or "",
            user_type=values[13] or "",
            manager=values[14] or values[24] or "",
            work_phone=values[15] or "",
            mobile_phone=values[16] or "",
            street_address=values[17] or "",
            locality=values[18] or "",
            region=values[19] or "",
            postal_code=values[20] or "",
            country=values[21] or "",
            # Okta writes en_US; the neutral form is a language tag (RFC 7643 §4.1.1, RFC 5646): en-US.
            locale=(values[22] or "").replace("_", "-"),
            timezone=values[23] or "",
            extra=extra,
        )

    def warnings(self, *, everybody: bool = True) -> tuple[Diagnostic, ...]:
        """What was odd about the people of this read; only among ``everybody`` does it matter who lacks a value."""
        return (
            *self._statuses.warnings(),
            *(
                Diagnostic(
                    severity="warning",
                    code="okta-attribute-empty",
                    summary=f'nobody has a value for "{name}"',
                    path=self._instance,
                    fix=f'check the variable name of "{name}" in Okta under {_EDITOR}; upper and lower case count',
                )
                for name in sorted(self._unseen if everybody else ())
            ),
        )


def _given(value: object) -> object:
    return "" if value is None else value


def _text(value: object) -> str:
    """A custom value where text is wanted: flags and numbers as JSON writes them, lists joined by commas."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        return ", ".join(_text(item) for item in cast("list[object]", value))
    return msgspec.json.encode(value).decode()
