"""A recorded Okta org that lives on: its answers are the recorded bytes, until a test lets something happen in it.

What nobody recorded is answered synthetically, and only through the functions here that say so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
from okta_recordings import DEPROVISIONED, RECORDINGS, Replay, key_of, large_org, small_org

SMALL, LARGE = "directory_crawl_2021-2022.har", "list-users.har"
USERS = "/api/v1/users"
TOKEN = "/oauth2/v1/token"
EVERYONE = "00gs5to49AhMBaJNU4x6"
EMPTY_GROUP = "00g2ovdjf9Ahbffgj4x7"


def recorded_json(name: str, url_end: str) -> Any:
    """The body of the first recorded exchange whose address ends so, parsed by the test itself."""
    for entry in json.loads((RECORDINGS / name).read_bytes())["log"]["entries"]:
        if entry["request"]["method"] == "GET" and entry["request"]["url"].endswith(url_end):
            return json.loads(entry["response"]["content"]["text"])
    raise LookupError(f"{name} has no GET …{url_end}")


class RealOrg(httpx.AsyncBaseTransport):
    """Answers from a :class:`Replay` as often as asked, with the changes that tests make to rows."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self._statuses: dict[str, str] = {}
        self._moved: dict[str, dict[str, Any]] = {}
        self._instead: dict[str, list[dict[str, Any]]] = {}
        self.unrecorded: list[str] = []

    def flip(self, user: str, status: str) -> None:
        """One person's status changes in every list that names them; nothing else does."""
        self._statuses[user] = status

    def deactivate(self, user: str) -> None:
        """As Okta does it: out of the plain list, into the list of DEPROVISIONED ones, still a member of groups."""
        self.flip(user, "DEPROVISIONED")
        self._moved[user] = {}

    def answer_instead(self, path: str, rows: list[dict[str, Any]]) -> None:
        """From now on a list gives these rows."""
        self._instead[path] = rows

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self.replay.handle_async_request(request)
        except AssertionError as error:
            self.unrecorded.append(str(error))
            raise
        rows = self._rows(request, answer)
        if rows is None:
            return answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=json.dumps(rows))

    def _rows(self, request: httpx.Request, answer: httpx.Response) -> list[dict[str, Any]] | None:
        """The rows of a list that something happened to; ``None``: the recorded bytes are good."""
        path, plain = request.url.path, "filter" not in request.url.params
        if path in self._instead and plain:
            return self._instead[path]
        if answer.status_code != 200 or not (path == USERS or path.endswith("/users")) or not self._statuses:
            return None
        rows = [{**row, "status": self._statuses.get(row["id"], row["status"])} for row in json.loads(answer.content)]
        if path != USERS:
            return rows
        if plain:
            self._moved.update({row["id"]: row for row in rows if row["id"] in self._moved})
            return [row for row in rows if row["id"] not in self._moved]
        return [*rows, *(row or self._recorded(user) for user, row in self._moved.items())]

    def _recorded(self, user: str) -> dict[str, Any]:
        """The row as the plain list was recorded with it: the two lists are asked side by side."""
        answers = self.replay._answers[key_of("GET", USERS, "")]
        [row] = [row for row in json.loads(answers[0].body) if row["id"] == user]
        return {**row, "status": self._statuses[user]}


def small() -> RealOrg:
    """The small org's crawl: every exchange of a full read was recorded."""
    return RealOrg(small_org(again=True))


def large() -> RealOrg:
    """The 161-user org. SYNTHETIC: its DEPROVISIONED people, whom nobody listed; here there are none."""
    return RealOrg(large_org(again=True))


def synthetic_members(org: RealOrg, group: str, *users: str) -> None:
    """SYNTHETIC: nobody recorded the members of the 161-user org's groups."""
    rows = {row["id"]: row for row in recorded_json(LARGE, USERS)}
    org.replay.synthetic("GET", f"/api/v1/groups/{group}/users", [rows[user] for user in users])


def synthetic_groups_of(org: RealOrg, *users: str, groups: Sequence[str] = ()) -> None:
    """SYNTHETIC: nobody recorded what Okta says of one person's groups."""
    for user in users:
        org.replay.synthetic("GET", f"{USERS}/{user}/groups", [{"id": group} for group in groups])


def synthetic_host(org: RealOrg) -> None:
    """SYNTHETIC: nobody recorded the answer to "who are you", the filter for built-in groups and the plain log."""
    org.replay.synthetic("GET", "/.well-known/okta-organization", {"id": "00orecorded", "pipeline": "idx"})
    org.replay.synthetic(
        "GET", '/api/v1/groups?filter=type eq "BUILT_IN"', [{"id": EVERYONE, "profile": {"name": "Everyone"}}]
    )
    org.replay.synthetic("GET", "/api/v1/logs", [])
    org.replay.synthetic("GET", f"{USERS}/me", {"id": "00ume", "profile": {"login": "admin@orbit-corp.example"}})


def refusals(recording: str, *, app: bool = False) -> RealOrg:
    """Only what one recording holds. SYNTHETIC: the other lists of a read, which are empty."""
    replay = Replay(again=True).add(recording)
    replay.synthetic("GET", DEPROVISIONED, []).synthetic("GET", "/api/v1/groups", [])
    if app:
        replay.synthetic("GET", "/api/v1/apps", [])
    return RealOrg(replay)
