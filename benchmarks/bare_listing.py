"""The floor: list an Okta org with plain httpx and msgspec, page after page, keeping nothing."""

from __future__ import annotations

import sys

import httpx
import msgspec

_NAMES = (
    "login",
    "displayName",
    "firstName",
    "lastName",
    "email",
    "title",
    "department",
    "organization",
    "division",
    "costCenter",
    "employeeNumber",
    "userType",
    "manager",
    "primaryPhone",
    "mobilePhone",
    "streetAddress",
    "city",
    "state",
    "zipCode",
    "countryCode",
    "locale",
    "timezone",
)
_Profile = msgspec.defstruct("_Profile", [(name, str | None, None) for name in _NAMES], gc=False)
_Row = msgspec.defstruct("_Row", [("id", str), ("status", str), ("profile", _Profile)], gc=False)
_decode = msgspec.json.Decoder(list[_Row]).decode  # pyright: ignore[reportInvalidTypeForm]


def main(url: str) -> int:
    count = 0
    following: str | None = url + "/api/v1/users?limit=200"
    with httpx.Client() as client:
        while following:
            response = client.get(following).raise_for_status()
            for row in _decode(response.content):
                profile = row.profile
                _ = {
                    "id": row.id,
                    "active": row.status == "ACTIVE",
                    "user_name": profile.login or "",
                    "email": profile.email or "",
                    "display_name": profile.displayName or "",
                    "given_name": profile.firstName or "",
                    "family_name": profile.lastName or "",
                    "title": profile.title or "",
                    "department": profile.department or "",
                }
                count += 1
            following = response.links.get("next", {}).get("url")
    return count


if __name__ == "__main__":
    print(main(sys.argv[1]))
