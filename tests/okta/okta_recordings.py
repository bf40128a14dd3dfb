"""Replays real Okta traffic, recorded by public projects, as an httpx transport.

The recordings are kept outside the repository and read in place; tests skip, saying so, where they are absent.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import yaml  # comes with vcrpy

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "okta"

# Bodies are stored decoded; httpx would try to decode them again.
DROPPED = {"content-encoding", "transfer-encoding", "content-length", "set-cookie"}

Key = tuple[str, str, frozenset[tuple[str, str]]]


@dataclass
class Recorded:
    """One recorded answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def recording(name: str) -> Path:
    """The file of that name under the Okta recordings; skips the test when it is absent."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"no recording at {path}: put the real recordings beside the repository to run this test")
    return path


def key_of(method: str, path: str, query: str) -> Key:
    """Method, path and query. ``limit`` is left out: the lists were recorded whole, most of them without a limit."""
    return method, path, frozenset((name, value) for name, value in parse_qsl(query) if name != "limit")


DEPROVISIONED = '/api/v1/users?filter=status eq "DEPROVISIONED"'


class Replay(httpx.AsyncBaseTransport):
    """Answers each request with what was recorded for its method, path and query, repeats in recorded order.

    The last answer of a kind is given again when it is asked for more often (``again``), else that is an error.
    Hosts in ``Link`` headers are rewritten to the host that was asked, unless ``rewrite_links`` is off.
    """

    def __init__(self, *, again: bool = False, rewrite_links: bool = True) -> None:
        self._answers: dict[Key, list[Recorded]] = defaultdict(list)
        self._again = again
        self._rewrite_links = rewrite_links
        self.requests: list[httpx.Request] = []

    def add(self, name: str, *, only: str = "") -> Replay:
        """Add a HAR file or a vcrpy cassette; ``only`` is the method and path to take from it."""
        path = recording(name)
        exchanges = _har(path) if path.suffix == ".har" else _vcr(path)
        for method, url, answer in exchanges:
            if only in ("", f"{method} {url.path}"):
                self._answers[key_of(method, url.path, url.query.decode())].append(answer)
        return self

    def synthetic(self, method: str, target: str, value: object, status: int = 200) -> Replay:
        """Add an answer that nobody recorded."""
        url = httpx.URL(target)
        headers = [("content-type", "application/json")]
        answer = Recorded(status, headers, json.dumps(value).encode())
        self._answers[key_of(method, url.path, url.query.decode())].append(answer)
        return self

    def borrow(self, name: str, status: int, target: str, *, method: str = "GET", times: int = 1) -> Replay:
        """Give ``target`` the first ``times`` answers of that status from a recording of other requests."""
        url, path = httpx.URL(target), recording(name)
        exchanges = _har(path) if path.suffix == ".har" else _vcr(path)
        answers = [answer for _, _, answer in exchanges if answer.status == status][:times]
        assert len(answers) == times, f"{name} holds {len(answers)} answers of status {status}"
        self._answers[key_of(method, url.path, url.query.decode())] += answers
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self._answers.get(key_of(request.method, request.url.path, request.url.query.decode()))
        if not answers:
            raise AssertionError(f"nothing is recorded for {request.method} {request.url.raw_path.decode()}")
        answer = answers[0] if self._again and len(answers) == 1 else answers.pop(0)
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}/"
        headers = [
            (name, re.sub(r"https://[^/>]+/", origin, value) if name == "link" and self._rewrite_links else value)
            for name, value in answer.headers
        ]
        return httpx.Response(answer.status, headers=headers, content=answer.body)

    def asked(self) -> list[str]:
        """The requests so far as ``METHOD path?query``."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


def _har(path: Path) -> list[tuple[str, httpx.URL, Recorded]]:
    found: list[tuple[str, httpx.URL, Recorded]] = []
    for entry in json.loads(path.read_bytes())["log"]["entries"]:
        response = entry["response"]
        headers = [(header["name"].lower(), header["value"]) for header in response["headers"]]
        found.append(
            (
                entry["request"]["method"],
                httpx.URL(entry["request"]["url"]),
                Recorded(
                    response["status"],
                    [header for header in headers if header[0] not in DROPPED],
                    response["content"].get("text", "").encode(),
                ),
            )
        )
    return found


def _vcr(path: Path) -> list[tuple[str, httpx.URL, Recorded]]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[tuple[str, httpx.URL, Recorded]] = []
    for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["interactions"]:
        request, response = entry["request"], entry["response"]
        headers = [
            (name.lower(), value)
            for name, values in response["headers"].items()
            for value in (values if isinstance(values, list) else [values])
        ]
        found.append(
            (
                request["method"],
                httpx.URL(request["uri"]),
                Recorded(
                    response["status"]["code"],
                    [header for header in headers if header[0] not in DROPPED],
                    (response["body"].get("string") or "").encode(),
                ),
            )
        )
    return found


def small_org(**options: bool) -> Replay:
    """The small org's crawl: 6 people, 1 more deactivated, 2 groups with members, 3 apps with theirs."""
    return Replay(**options).add("directory_crawl_2021-2022.har")


def large_org(**options: bool) -> Replay:
    """161 people in six statuses and 154 groups. Nobody recorded its deactivated people: that answer is synthetic."""
    return (
        Replay(**options)
        .add("list-users.har", only="GET /api/v1/users")
        .add("list-groups.har", only="GET /api/v1/groups")
        .synthetic("GET", DEPROVISIONED, [])
    )
