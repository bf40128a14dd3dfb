"""Replays real Entra traffic, recorded by public projects, as an httpx transport.

The recordings are kept outside the repository and read in place; tests skip, saying so, where they are absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "entra"
DROPPED = {"content-encoding", "transfer-encoding", "content-length"}
TOKEN_PATH = "/oauth2/v2.0/token"


def recording(name: str) -> Any:
    """The recording of that name; skips the test when it is absent."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"no recording at {path}: put the real recordings beside the repository to run this test")
    return json.loads(path.read_bytes())


def _headers(told: Any) -> Iterator[tuple[str, str]]:
    pairs = told.items() if isinstance(told, dict) else [(header["name"], header["value"]) for header in told]
    return ((name, value) for name, value in pairs if name.lower() not in DROPPED)


def response_of(exchange: Any) -> httpx.Response:
    """A recorded answer."""
    told = exchange["response"]
    body = told["body"]
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return httpx.Response(told["status"], headers=list(_headers(told["headers"])), content=content)


class Replay(httpx.AsyncBaseTransport):
    """Answers each path with what was recorded for it, first pages and later ones apart.

    ``$select`` and ``$top`` are not compared: other programs made the recordings. A batch is answered from what was
    recorded for its items, and transitive members with direct ones where ``transitive`` does not say otherwise.
    """

    def __init__(self, *names: str) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.requests: list[httpx.Request] = []
        for name in names:
            for exchange in recording(name)["exchanges"]:
                url = httpx.URL(exchange["request"]["url"])
                self.answers[url.path, url.params.get("$skiptoken", "")] = exchange

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if request.url.path == "/v1.0/$batch":
            return self._batch(json.loads(request.content)["requests"])
        return self._one(request.url)

    def _one(self, url: httpx.URL) -> httpx.Response:
        if url.path.endswith(TOKEN_PATH):
            answer = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "[REDACTED]"}
            return httpx.Response(200, json=answer)
        exchange = self.answers.get((url.path, url.params.get("$skiptoken", "")))
        if exchange is None:
            raise AssertionError(f"nothing is recorded for {url}")
        return response_of(exchange)

    def _batch(self, items: list[dict[str, str]]) -> httpx.Response:
        responses = []
        for item in items:
            answer = self._one(httpx.URL("https://graph.microsoft.com/v1.0" + item["url"]))
            responses.append(
                {
                    "id": item["id"],
                    "status": answer.status_code,
                    "headers": dict(answer.headers),
                    "body": json.loads(answer.content),
                }
            )
        return httpx.Response(200, json={"responses": responses})
