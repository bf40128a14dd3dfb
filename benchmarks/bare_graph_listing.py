"""The floor: list a Graph tenant with plain httpx and msgspec, page after page, keeping nothing. Usage: FIRST-PAGE."""

from __future__ import annotations

import sys

import httpx
import msgspec

_NAMES = (
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "jobTitle",
    "department",
    "companyName",
    "employeeId",
    "employeeType",
    "mobilePhone",
    "streetAddress",
    "city",
    "state",
    "postalCode",
    "country",
    "preferredLanguage",
)
_Row = msgspec.defstruct(
    "_Row",
    [
        ("id", str),
        ("accountEnabled", bool | None, None),
        *((name, str | None, None) for name in _NAMES),
        ("businessPhones", list[str] | None, None),
        ("employeeOrgData", dict[str, str | None] | None, None),
        ("manager", dict[str, str | None] | None, None),
    ],
    gc=False,
)
_Page = msgspec.defstruct(
    "_Page",
    [("value", list[_Row]), ("following", str | None, None)],  # pyright: ignore[reportInvalidTypeForm]
    rename={"following": "@odata.nextLink"},
)
_decode = msgspec.json.Decoder(_Page).decode


def main(url: str) -> int:
    count = 0
    following: str | None = url
    with httpx.Client() as client:
        while following:
            page = _decode(client.get(following).raise_for_status().content)
            for row in page.value:
                _ = {
                    "id": row.id,
                    "active": row.accountEnabled,
                    "user_name": row.userPrincipalName or "",
                    "email": row.mail or "",
                    "display_name": row.displayName or "",
                    "given_name": row.givenName or "",
                    "family_name": row.surname or "",
                    "title": row.jobTitle or "",
                    "department": row.department or "",
                }
                count += 1
            following = page.following
    return count


if __name__ == "__main__":
    print(main(sys.argv[1]))
