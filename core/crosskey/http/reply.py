"""A decoded answer, and the links it carries."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

import httpx
import msgspec

__all__ = ("Reply", "answer_date", "link_next")

T = TypeVar("T")

# RFC 8288: <target>; name="value"; name=value , <target> …   A comma may stand inside <…> and inside quotes.
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s;,="]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


class Reply(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One answer: the decoded ``value`` and what came around it. The body's bytes are not kept."""

    value: T
    status: int
    headers: httpx.Headers
    url: httpx.URL

    @property
    def date(self) -> datetime | None:
        """When the server says that it answered (its ``Date`` header), in UTC."""
        return answer_date(self.headers)

    @property
    def links(self) -> dict[str, str]:
        """Targets of the ``Link`` headers by relation, absolute; the first of a relation counts.

        Reads both forms that occur: several header lines, or one joined by commas.
        """
        found: dict[str, str] = {}
        for line in self.headers.get_list("link"):
            for target, parameters in _LINK.findall(line):
                rel = _REL.search(parameters)
                for name in (rel[1] or rel[2]).lower().split() if rel else ():
                    found.setdefault(name, self.resolve(target))
        return found

    def resolve(self, target: str) -> str:
        """A link of this page as a whole URL; one that is whole already stays as it was written."""
        return target if target.startswith(("https://", "http://")) else str(self.url.join(target))


def link_next(reply: Reply[object]) -> str | None:
    """The ``rel=next`` link of a page (RFC 8288), or ``None`` on the last one."""
    return reply.links.get("next") if "link" in reply.headers else None


def answer_date(headers: httpx.Headers) -> datetime | None:
    """The ``Date`` header in UTC; ``None`` when it is missing or cannot be read."""
    text = headers.get("date")
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
