"""What tests of changes share: an org that was left alone for an hour, and rounds over it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from okta_door import an_org, app_of, group_of, people_of, wanting

from changes_fold import Known, fold
from crosskey.connector.source import ReadRequest
from crosskey_sandbox.okta import OktaOrg

USERS, GROUPS, LOGS = "/api/v1/users", "/api/v1/groups", "/api/v1/logs"
MEMBERS, PERSON, GROUPS_OF = f"{GROUPS}/{{id}}/users", f"{USERS}/{{id}}", f"{USERS}/{{id}}/groups"
APPS, APP_USERS = "/api/v1/apps", "/api/v1/apps/{id}/users"


def request(*groups: str, apps: tuple[str, ...] = (), pins: dict[str, str] | None = None) -> ReadRequest:
    return msgspec.structs.replace(wanting(*groups, apps=apps, pins=pins), changes=True)


STAFF = request("Staff")


def an_hour_old(people: int = 3, *, staff: int | None = None, **quirks: Any) -> tuple[OktaOrg, list[str], str]:
    """An org that was left alone for an hour, its people, and the group Staff that holds the first of them."""
    org = an_org(**quirks)
    found = people_of(org, people)
    group = group_of(org, "Staff", found[: staff if staff is not None else people])
    org.cell.clock.advance(3600.0)
    return org, found, group


def without_log(org: OktaOrg) -> dict[str, Any]:
    return app_of(org, dpop=False)


async def round_of(source: Any, known: Known, wanted: ReadRequest = STAFF) -> tuple[list[Any], Known]:
    """One round's pages, and what is known then."""
    pages = [page async for page in source.read_changes(known.cursor, wanted)]
    return pages, fold(known, pages)


def asked(org: OktaOrg) -> Counter[str]:
    """What was asked since the last call, but for sign-in."""
    counts = Counter(seen.path for seen in org.requests if seen.path != "/oauth2/v1/token")
    org.requests.clear()
    return counts


def of(pages: list[Any], kind: type) -> list[Any]:
    return [page for page in pages if isinstance(page, kind)]
