"""The faults of the wire as a table: what the server says, and what a read and a write must come to.

``docs/proof.md`` lists the same rows by name; a test compares the two.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
from wire_server import Talk, head, reset, saying, silent

from crosskey.errors import ContractError, CrosskeyError, RejectedError, RetryableError, UncertainError

CANARY = "canary-4711-never-shown"
TRIES = 3
GOOD = head("Content-Length: 9") + b'{"id": 1}'


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. ``read`` and ``write`` are the errors of GET and POST; ``None``: the answer is taken (``value``).

    ``reads`` is how often a GET is sent in all; ``slow``: it ends by the deadline and not before.
    """

    talk: Talk
    read: type[CrosskeyError] | None
    write: type[CrosskeyError] | None
    says: str = ""
    reads: int = 1
    slow: bool = False
    value: object = msgspec.field(default_factory=lambda: {"id": 1})


def body(text: bytes, *lines: str, status: str = "200 OK") -> Talk:
    return saying(head(*lines, f"Content-Length: {len(text)}", status=status) + text)


def cut(*parts: bytes) -> Row:
    """The answer broke off: read again, a write's outcome is not known."""
    return Row(talk=saying(*parts), read=RetryableError, write=UncertainError, says="was cut off", reads=TRIES)


def slow(talk: Talk) -> Row:
    return Row(talk=talk, read=RetryableError, write=UncertainError, says="no complete answer", reads=1, slow=True)


def garbage(talk: Talk, says: str) -> Row:
    """A whole answer that means nothing: reading again would not help."""
    return Row(talk=talk, read=ContractError, write=UncertainError, says=says)


def taken(talk: Talk, value: object = None) -> Row:
    return Row(talk=talk, read=None, write=None, value={"id": 1} if value is None else value)


def redirect(to: str, status: str) -> Row:
    answer = head(f"Location: {to}", "Content-Length: 0", status=status)
    return Row(talk=saying(answer), read=ContractError, write=ContractError, says="redirected")


def throttled(retry_after: str) -> Row:
    """Refused once with a word about when to come back, then answered."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not told:
            told.append(True)
            writer.write(head(f"Retry-After: {retry_after}", "Content-Length: 0", status="429 Too Many Requests"))
        else:
            told.clear()
            writer.write(GOOD)

    told: list[bool] = []
    return Row(talk=talk, read=None, write=None, reads=2)


def flood(part: bytes, first: bytes = b"") -> Talk:
    """The same bytes for ever, as fast as they are taken."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(part)
            await writer.drain()

    return talk


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A good answer that promises to go on, and then the connection is gone."""
    writer.write(GOOD)
    await writer.drain()
    writer.close()


def _rows() -> Iterator[tuple[str, Row]]:
    # -- time
    yield "silent", slow(silent)
    yield "dripped-head", slow(saying(*[bytes([one]) for one in head("X: " + "y" * 5000)], pause=0.02))
    yield "dripped-body", slow(saying(head("Content-Length: 5000"), *[b"1"] * 5000, pause=0.02))
    yield "dripped-chunks", slow(saying(head("Transfer-Encoding: chunked"), *[b"1\r\n1\r\n"] * 2500, pause=0.02))
    yield "1xx-flood", slow(flood(b"HTTP/1.1 102 Processing\r\n\r\n"))
    # -- connection
    yield "reset", Row(talk=reset, read=RetryableError, write=UncertainError, says="was cut off", reads=TRIES)
    yield "closed", cut(b"")
    yield "keep-alive-then-closed", taken(closing)
    yield "short-content-length", cut(head("Content-Length: 500"), b'{"id"')
    yield "cut-chunk", cut(head("Transfer-Encoding: chunked"), b'5\r\n{"id"\r\n')
    yield "chunk-garbage", cut(head("Transfer-Encoding: chunked"), b"zz\r\n{}\r\n")
    yield "close-delimited-whole", taken(saying(head("Connection: close"), b'{"id": 1}'))
    yield "close-delimited-cut", garbage(saying(head("Connection: close"), b'{"id": '), "not whole JSON")
    # -- head
    yield "not-http", cut(b"SSH-2.0-OpenSSH_9.2\r\n")
    yield "http-1.0", taken(saying(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n" + b'{"id": 1}'))
    yield "giant-header", cut(head("X: " + "y" * 300_000, "Content-Length: 1"), b"1")
    yield "header-flood", cut(head(*[f"X-{n}: y" for n in range(40_000)], "Content-Length: 1"), b"1")
    yield "header-with-null", cut(head("X: a\0b", "Content-Length: 9") + b'{"id": 1}')
    yield "two-content-lengths", cut(head("Content-Length: 9", "Content-Length: 8") + b'{"id": 1}')
    yield "negative-content-length", cut(head("Content-Length: -9") + b'{"id": 1}')
    yield (
        "upgrade-nobody-asked-for",
        cut(head("Upgrade: websocket", "Connection: Upgrade", status="101 Switching Protocols")),
    )
    yield (
        "status-999",
        Row(
            talk=body(b"", status="999 Odd"),
            read=RetryableError,
            write=UncertainError,
            says="answered 999",
            reads=TRIES,
        ),
    )
    yield (
        "status-without-reason",
        Row(
            talk=saying(b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"),
            read=RejectedError,
            write=RejectedError,
            says="answered 404",
        ),
    )
    # -- redirects
    yield "redirect-to-another-host", redirect("http://127.0.0.2:9/login", "302 Found")
    yield "redirect-loop", redirect("/api/Users", "307 Temporary Redirect")
    yield "redirect-to-nonsense", redirect("http://[::bad", "308 Permanent Redirect")
    # -- waiting
    yield "huge-retry-after", throttled("99999999")
    yield "endless-retry-after", throttled("1e999")
    yield "negative-retry-after", throttled("-5")
    yield "retry-after-date", throttled(format_datetime(LATER, usegmt=True))
    yield "unreadable-retry-after", throttled("soon")
    # -- body
    yield "gzip-bomb", garbage(body(BOMB, "Content-Encoding: gzip"), "too large a body")
    yield "gzip-in-gzip", garbage(body(gzip.compress(BOMB), "Content-Encoding: gzip, gzip"), "nobody asked for")
    yield "broken-gzip", garbage(body(b"oops", "Content-Encoding: gzip"), "compression is broken")
    yield "compression-nobody-asked-for", garbage(body(b"\x0b\x02\x80ok", "Content-Encoding: br"), "nobody asked for")
    yield (
        "endless-body",
        garbage(
            flood(b"100000\r\n" + b" " * 0x100000 + b"\r\n", head("Transfer-Encoding: chunked")), "too large a body"
        ),
    )
    yield (
        "log-in-page",
        garbage(
            saying(
                b"HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n<html><head><title>Sign in</title></head></html>"[:-2]
            ),
            "Sign in",
        ),
    )
    yield (
        "page-that-repeats-the-credential",
        garbage(body(f"<html><title>Bearer {CANARY}</title></html>".encode()), "a page instead of JSON"),
    )
    yield "no-content", garbage(saying(b"HTTP/1.1 204 No Content\r\n\r\n"), "without a body")
    yield "byte-order-mark", taken(body(b'\xef\xbb\xbf{"id": 1}'))
    yield (
        "utf-16",
        garbage(body('{"id": 1}'.encode("utf-16"), "Content-Type: application/json; charset=utf-16"), "not UTF-8"),
    )
    yield "latin-1", garbage(body('{"name": "Zoë"}'.encode("latin-1")), "not UTF-8")
    yield "latin-1-unread", garbage(body('{"id": 1, "name": "Zoë"}'.encode("latin-1")), "not UTF-8")
    yield "duplicate-keys", taken(body(b'{"id": 2, "id": 1}'))
    yield "json-and-more", garbage(body(b'{"id": 1}{"id": 2}'), "not whole JSON")
    yield "nested-a-million-deep", garbage(body(b'{"id": ' + b"[" * 1_000_000), "nested too deeply")
    yield "not-a-number", garbage(body(b'{"id": NaN}'), "not whole JSON")
    yield "number-of-9000-digits", garbage(body(b'{"id": ' + b"9" * 9000 + b"}"), "JSON")
    yield "number-beyond-float", garbage(body(b'{"id": 1e999}'), "JSON")
    yield "lone-surrogate", garbage(body(rb'{"id": "\ud800"}'), "JSON")


LATER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC) + timedelta(days=30)
BOMB = gzip.compress(b" " * 200 * 2**20, compresslevel=6)
ROWS: dict[str, Row] = dict(_rows())
