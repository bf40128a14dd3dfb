"""Opaque tokens: ``$skiptoken`` and ``$deltatoken``.

A token holds a place in one listing, sealed with a key of its tenant and tied to the listing's path and options:
altered or taken elsewhere it is refused. Its form is made up; clients must not read it. Delta tokens are padded to the
length of recorded links (over 2,000 characters).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import quote

import msgspec

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.quirks import DeltaExpiry

__all__ = ("Place", "Seals", "link")

Kept = tuple[tuple[str, str], ...]

_SEAL = 16
_LONG = 1500  # bytes before base64
_EXPIRED: dict[DeltaExpiry, tuple[int, str]] = {
    "gone": (410, "resyncRequired"),
    "gone_sync_state": (410, "syncStateNotFound"),
    "bad_request": (400, "syncStateNotFound"),
    "bad_request_resync": (400, "resyncRequired"),
    "not_found": (404, "syncStateNotFound"),
    "not_found_resync": (404, "resyncRequired"),
}


class Place(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A place in a listing. ``since``/``upto`` bound the changes of a delta round (None: it tells everything)."""

    path: str
    kept: Kept
    issued: float
    start: int = 0
    offset: int = 0  # within the members of the group at ``start``
    since: int | None = None
    upto: int = 0
    empties: int = 0  # empty pages given so far
    minimal: bool = False  # the round tells changed properties only
    era: int = 0


class Seals:
    """Writes and reads the tokens of one tenant."""

    def __init__(self, cell: Cell, tenant_id: str) -> None:
        self._cell = cell
        self._tenant = tenant_id.encode()[:8]
        self._key = hashlib.sha256(f"{tenant_id}/{cell.seed}".encode()).digest()
        self.era = 0  # raised when every delta token given out so far is to die

    def seal(self, place: Place, *, long: bool = False) -> str:
        """The token for a place."""
        content = msgspec.msgpack.encode(place)
        content = len(content).to_bytes(2) + content
        if long:
            content += hashlib.shake_128(content).digest(max(0, _LONG - len(content)))
        seal = hmac.digest(self._key, content, "sha256")[:_SEAL]
        return base64.urlsafe_b64encode(self._tenant + seal + content).rstrip(b"=").decode()

    def page(self, token: str, path: str, kept: Kept) -> Place:
        """The place of a next link. 400 for one that is altered, of another listing, or too old."""
        place = self._open(token)
        if place is None or (place.path, place.kept) != (path, kept):
            raise GraphError.bad_request("The page token is not valid for this request.")
        life = self._cell.quirks.page_token_life
        if life > 0 and self._cell.epoch() > place.issued + life:
            raise expired_page()
        return place

    def delta(self, token: str, path: str, start_over: str) -> Place:
        """The place of a delta link. Too old: refused as ``EntraQuirks.expired_delta`` says; altered: 400."""
        place = self._open(token)
        if place is None and self._of_another_tenant(token):
            raise self._expired(start_over)
        if place is None or place.path != path:
            raise GraphError.bad_request("The delta token is not valid for this request.")
        if place.era != self.era or self._cell.epoch() > place.issued + self._cell.quirks.delta_life:
            raise self._expired(start_over)
        return place

    def _expired(self, start_over: str) -> GraphError:
        status, code = _EXPIRED[self._cell.quirks.expired_delta]
        headers = {"location": start_over} if status == 410 else {}
        return GraphError(
            status, code, "The sync state is not found or has expired. Start a new synchronization.", headers
        )

    def _of_another_tenant(self, token: str) -> bool:
        content = _decoded(token)
        return content is not None and content[: len(self._tenant)] != self._tenant

    def _open(self, token: str) -> Place | None:
        content = _decoded(token)
        if content is None or content[:8] != self._tenant:
            return None
        seal, content = content[8 : 8 + _SEAL], content[8 + _SEAL :]
        if not hmac.compare_digest(seal, hmac.digest(self._key, content, "sha256")[:_SEAL]):
            return None
        length = int.from_bytes(content[:2])
        return msgspec.msgpack.decode(content[2 : 2 + length], type=Place)


def expired_page() -> GraphError:
    """400 for a next link that is no good any more: asking again never helps."""
    message = "The specified page token value has expired and can no longer be included in your request."
    return GraphError.bad_request(message, "Directory_ExpiredPageToken")


def link(base: str, path: str, kept: Kept, name: str, token: str) -> str:
    """A next or delta link, with the options that the first request had."""
    query = "".join(f"{key}={quote(value, safe='$(),=/:')}&" for key, value in kept)
    return f"{base}{path}?{query}{name}={token}"


def _decoded(token: str) -> bytes | None:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
