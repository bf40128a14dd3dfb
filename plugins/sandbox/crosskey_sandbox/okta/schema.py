"""The user profile schema: Okta's 31 base attributes and the custom ones of the made-up company."""

from __future__ import annotations

__all__ = ("ATTRIBUTES", "BASE", "CUSTOM", "user_schema")

# name -> title, in the order of the schema document
BASE: dict[str, str] = {
    "login": "Username",
    "firstName": "First name",
    "lastName": "Last name",
    "middleName": "Middle name",
    "honorificPrefix": "Honorific prefix",
    "honorificSuffix": "Honorific suffix",
    "email": "Primary email",
    "title": "Title",
    "displayName": "Display name",
    "nickName": "Nickname",
    "profileUrl": "Profile Url",
    "secondEmail": "Secondary email",
    "mobilePhone": "Mobile phone",
    "primaryPhone": "Primary phone",
    "streetAddress": "Street address",
    "city": "City",
    "state": "State",
    "zipCode": "Zip code",
    "countryCode": "Country code",
    "postalAddress": "Postal Address",
    "preferredLanguage": "Preferred language",
    "locale": "Locale",
    "timezone": "Time zone",
    "userType": "User type",
    "employeeNumber": "Employee number",
    "costCenter": "Cost center",
    "organization": "Organization",
    "division": "Division",
    "department": "Department",
    "managerId": "ManagerId",
    "manager": "Manager",
}
# name -> (title, JSON type): one of each kind a profile can hold
CUSTOM: dict[str, tuple[str, str]] = {
    "building": ("Building", "string"),
    "floor": ("Floor", "integer"),
    "remote": ("Works remotely", "boolean"),
    "skills": ("Skills", "array"),
}
ATTRIBUTES = frozenset(BASE) | frozenset(CUSTOM)

_REQUIRED = ("login", "firstName", "lastName")  # this organisation has made the e-mail optional


def user_schema(href: str, created: str) -> dict[str, object]:
    """The document of ``/api/v1/meta/schemas/user/default``."""
    base = {name: _property(title, "string", required=name in _REQUIRED) for name, title in BASE.items()}
    base["login"] |= {"minLength": 5, "maxLength": 100}
    custom = {name: _property(title, kind) for name, (title, kind) in CUSTOM.items()}
    custom["skills"]["items"] = {"type": "string"}
    return {
        "id": href,
        "$schema": "http://json-schema.org/draft-04/schema#",
        "name": "user",
        "title": "User",
        "description": "Okta user profile template with default permission settings",
        "created": created,
        "lastUpdated": created,
        "definitions": {
            "custom": {"id": "#custom", "type": "object", "properties": custom, "required": []},
            "base": {"id": "#base", "type": "object", "properties": base, "required": list(_REQUIRED)},
        },
        "type": "object",
        "properties": {
            "profile": {"allOf": [{"$ref": "#/definitions/custom"}, {"$ref": "#/definitions/base"}]},
        },
    }


def _property(title: str, kind: str, *, required: bool = False) -> dict[str, object]:
    described: dict[str, object] = {"title": title, "type": kind}
    if required:
        described["required"] = True
    return described | {
        "mutability": "READ_WRITE",
        "scope": "NONE",
        "permissions": [{"principal": "SELF", "action": "READ_ONLY"}],
        "master": {"type": "PROFILE_MASTER"},
    }
