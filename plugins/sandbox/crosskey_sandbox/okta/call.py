"""One request and its answer, free of any web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from crosskey_sandbox.okta.access import Principal
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.paging import Window, page_links
from crosskey_sandbox.okta.records import Profile

__all__ = ("Answer", "Call", "Handler", "listing", "reply", "write_page")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. ``base`` is ``scheme://host`` as called; ``shown`` is the one that rows and links name."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    base: str
    shown: str
    principal: Principal

    def asked(self, name: str) -> str | None:
        """A query parameter; the last one wins."""
        return dict(self.query).get(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """A query parameter that is ``true`` or ``false``."""
        return (self.asked(name) or str(default)).lower() == "true"

    def document(self) -> dict[str, object]:
        """The body as a JSON object; 400 E0000003 when it is none."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=dict[str, object])
        except msgspec.DecodeError:
            raise ApiError("E0000003") from None

    def profile(self) -> Profile:
        """The ``profile`` member of the body."""
        try:
            return msgspec.convert(self.document().get("profile", {}), Profile)
        except msgspec.ValidationError:
            raise ApiError("E0000003") from None


class Answer(msgspec.Struct, kw_only=True):
    """One answer; ``headers`` may hold a name twice."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = msgspec.field(default_factory=list[tuple[str, str]])
    media_type: str = "application/json"


Handler = Callable[[OktaOrg, Call], Answer]


def reply(value: object, status: int = 200) -> Answer:
    """A JSON answer; bytes are JSON already."""
    return Answer(status=status, body=value if isinstance(value, bytes) else msgspec.json.encode(value))


def listing(rows: Sequence[bytes], links: Sequence[str] = ()) -> Answer:
    """A JSON array with its links, one header line for each."""
    return Answer(body=b"[%b]" % b",".join(rows), headers=[("link", link) for link in links])


def write_page(org: OktaOrg, call: Call, asked: Window, rows: Sequence[bytes], following: int | None) -> Answer:
    """One page with its links; the next one repeats or misses rows when the switches say so."""
    shift = org.quirks.page_gap - org.quirks.page_overlap
    return listing(rows, page_links(call.shown, asked, following, shift=shift))
