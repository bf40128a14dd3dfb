"""The target by the kit of crosskey, over a SCIM service in this process."""

from __future__ import annotations

from typing import Any, ClassVar

import httpx
from crosskey import KindSpec
from crosskey.testing import FakeTarget, TargetConformance
from scim_service import TOKEN, Service


class Fake(FakeTarget):
    """A service with two groups, and what somebody does there by hand."""

    secrets: ClassVar = {"SCIM_TOKEN": TOKEN}

    def __init__(self, **can: bool) -> None:
        self._service = Service(**can)
        for name in ("Agents", "Leads"):
            self._service.add_group(name)

    def answers(self) -> httpx.AsyncBaseTransport:
        return self._service

    def records(self, kind: str) -> int:  # noqa: ARG002 - there is one
        return len(self._service.users())

    def bearing(self, kind: str, marker: str) -> int:  # noqa: ARG002
        return sum(user.get("externalId") == marker for user in self._service.users().values())

    def add(self, kind: str, name: str) -> str:  # noqa: ARG002
        return self._service.add_user(name, displayName=name)

    def edit(self, kind: str, key: str, field: str, value: str) -> None:  # noqa: ARG002
        self._service.edit(key, **{"".join(_camel(field)): value})

    def grant(self, kind: str, key: str, reference: str, id: str) -> None:  # noqa: ARG002 - the kit's names
        members = self._service.members_of(id) | {key}
        self._service.edit(id, members=[{"value": member, "type": "User"} for member in sorted(members)])

    def remove(self, kind: str, key: str) -> None:  # noqa: ARG002
        self._service.drop(key)


def _camel(field: str) -> list[str]:
    first, *rest = field.split("_")
    return [first, *(word.title() for word in rest)]


class Scim(TargetConformance):
    plugin = "crosskey_scim"
    use = "scim"
    settings = """
url = "https://people.acme.example/v2"
token = { env = "SCIM_TOKEN" }
page_size = 5
batch = 3
"""

    def fields(self, kind: KindSpec, number: int) -> Any:
        made = dict(super().fields(kind, number))
        return {**made, "country": "GB", "preferred_language": "en", "locale": "en-GB", "timezone": "Europe/London"}


class TestScim(Scim):
    """A service that can all that SCIM knows."""

    def vendor(self, clock: object) -> Fake:  # noqa: ARG002 - it knows no time
        return Fake()


class TestPlainScim(Scim):
    """A service that takes only whole users and groups, has no ETags, and cannot filter."""

    def vendor(self, clock: object) -> Fake:  # noqa: ARG002 - it knows no time
        return Fake(patch=False, etag=False, filter=False)
