"""Requests answered from cassettes, in the place of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from crosskey.cassettes import Exchange, load
from crosskey.clock import Clock
from crosskey.errors import ConfigError
from crosskey.http.redaction import scrub_body, scrub_text, scrub_url

__all__ = ("Answers",)

_NEAR: Final = 3
_DROPPED: Final = frozenset({"content-encoding", "content-length", "date", "transfer-encoding"})
"""What belonged to the connection; the body is unpacked, and the time is the clock's."""

Key = tuple[str, str, str | None, int | None, str, tuple[tuple[str, str], ...], str]


class Answers:
    """What vendors answered, by request: method, address and body. Those alike come in the order of the recording.

    ``clock`` tells the time that answers bear, so that an old recording is no wrong clock. ``missing`` is the first
    request that was not recorded.
    """

    def __init__(self, cassettes: Sequence[Path], clock: Clock | None = None) -> None:
        self._cassettes = tuple(cassettes)
        self._recorded: dict[Key, list[Exchange]] = {}
        for path in cassettes:
            for one in load(path):
                self._recorded.setdefault(_key(one.method, one.uri, one.sent), []).append(one)
        self._played: Counter[Key] = Counter()
        self.clock = clock
        self.missing: ConfigError | None = None

    def recorded_at(self) -> datetime | None:
        """The latest time that any answer tells."""
        every = (pair for found in self._recorded.values() for one in found for pair in _headers(one))
        dates = (value for name, value in every if name == "date")
        return max((at for date in dates if (at := _moment(date)) is not None), default=None)

    def rewind(self) -> None:
        """Answer from the beginning again."""
        self._played.clear()

    def transport(self, instance: str) -> httpx.AsyncBaseTransport:
        """The transport of one instance; there is no other."""
        return _Replay(self, instance)

    def answer(self, instance: str, method: str, url: str, body: bytes, sort: str) -> Exchange:
        """The recorded answer; asked more often than recorded, the last one again. Raises :class:`ConfigError`."""
        address = scrub_text(scrub_url(url))
        key = _key(method, address, scrub_body(body, sort).decode(errors="replace"))
        found = self._recorded.get(key)
        if found is None:
            error = self._unknown(instance, method, address)
            self.missing = self.missing or error
            raise error
        place = min(self._played[key], len(found) - 1)
        self._played[key] += 1
        return found[place]

    def _unknown(self, instance: str, method: str, address: str) -> ConfigError:
        if not self._cassettes:
            return ConfigError(
                f"nothing answers {method} {address}: the case names no cassette and does not describe this side",
                code="case-unanswered",
                where=instance,
                fix="describe people (for sources) or accounts (for the target), or name the cassette that answers",
            )
        path = urlsplit(address).path
        alike = [one for found in self._recorded.values() for one in found if one.method == method]
        same = [one for one in alike if urlsplit(one.uri).path == path]
        near = [f"{one.method} {one.uri}" for one in same[:_NEAR]]
        told = f"; it was asked for {' and '.join(near)}" if near else "; nothing of that address was recorded"
        return ConfigError(
            f"no cassette answers {method} {address}{told}",
            code="cassette-lacks",
            where=f"{instance} ({', '.join(path.name for path in self._cassettes)})",
            fix="the configuration asks for more than was recorded (a group, another tenant?): record it anew with "
            "`crosskey cassette record FILE --overwrite`",
        )


class _Replay(httpx.AsyncBaseTransport):
    def __init__(self, answers: Answers, instance: str) -> None:
        self._answers = answers
        self._instance = instance

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        found = self._answers.answer(
            self._instance, request.method, str(request.url), body, request.headers.get("content-type", "")
        )
        headers = [(name, value) for name, value in _headers(found) if name not in _DROPPED]
        if self._answers.clock is not None:
            headers.append(("date", format_datetime(self._answers.clock.now().astimezone(UTC), usegmt=True)))
        return httpx.Response(found.status, headers=headers, content=found.body.encode(), request=request)


def _headers(one: Exchange) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, values in one.headers.items() for value in values]


def _key(method: str, address: str, body: str) -> Key:
    parts = urlsplit(address)
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return method, parts.scheme, parts.hostname, parts.port, parts.path, query, _canonical(body)


def _canonical(body: str) -> str:
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted").decode()
    except (msgspec.DecodeError, UnicodeEncodeError):
        return body


def _moment(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
