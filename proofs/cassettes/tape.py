"""A cassette in memory, replayed below the HTTP client of a connector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from crosskey.http.cassette import RecordingError
from crosskey.http.redaction import scrub_body, scrub_url

__all__ = ("EndlessError", "Exchange", "Tape", "load")

_MOST: Final = 600
"""No case sends half as many requests: whoever sends more goes round in circles."""


class EndlessError(BaseException):
    """A connector asks without end."""


class Exchange(msgspec.Struct, frozen=True):
    """One request, and what was answered."""

    method: str
    uri: str
    sent: bytes
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def line(self) -> str:
        """The request's first line, short."""
        return f"{self.method} {urlsplit(self.uri).path}"


Key = tuple[str, str, tuple[tuple[str, str], ...], bytes]


@cache
def _key(method: str, uri: str, body: bytes) -> Key:
    parts = urlsplit(uri)
    with suppress(msgspec.DecodeError):
        body = msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return method, f"{parts.scheme}://{parts.netloc}{parts.path}", query, body


class Tape:
    """Answers as the exchanges say. Requests that are alike get their answers in order, and the last one ever again:
    a list whose next page is itself has no end.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._answers: dict[Key, list[Exchange]] = {}
        for each in exchanges:
            self._answers.setdefault(_key(each.method, each.uri, each.sent), []).append(each)
        self._asked: Counter[Key] = Counter()
        self.served: list[Exchange] = []

    def transport(self) -> httpx.MockTransport:
        """The tape as the wire."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        kind = request.headers.get("content-type", "")
        key = _key(request.method, scrub_url(str(request.url)), scrub_body(request.content, kind))
        alike = self._answers.get(key)
        if alike is None:
            raise RecordingError(f"not recorded: {request.method} {scrub_url(str(request.url))}")
        found = alike[min(self._asked[key], len(alike) - 1)]
        self._asked[key] += 1
        if self._asked.total() > _MOST:
            raise EndlessError(found.line)
        self.served.append(found)
        return httpx.Response(found.status, headers=list(found.headers), content=found.body)


def load(file: Path) -> tuple[Exchange, ...]:
    """The exchanges of a cassette, in its order."""
    yaml: Any = import_module("yaml")  # comes with vcrpy, and has no types
    found: Mapping[str, Any] = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(_exchange(each["request"], each["response"]) for each in found["interactions"])


def _exchange(request: Mapping[str, Any], response: Mapping[str, Any]) -> Exchange:
    return Exchange(
        request["method"],
        request["uri"],
        _bytes(request["body"]),
        response["status"]["code"],
        [(name, value) for name, values in response["headers"].items() for value in values],
        _bytes(response["body"]["string"]),
    )


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
