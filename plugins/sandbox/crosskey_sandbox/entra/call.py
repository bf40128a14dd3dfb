"""One request and its answer, free of any web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from crosskey_sandbox.entra.apps import Grant
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.odata import Options
from crosskey_sandbox.entra.permissions import READS
from crosskey_sandbox.entra.schema import Sort
from crosskey_sandbox.entra.tenant import EntraTenant
from crosskey_sandbox.entra.view import View

__all__ = ("JSON", "Answer", "Call", "Handler", "Request", "reply")

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came, over HTTP or as an item of a batch. Header names are in lower case."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    base: str  # scheme://host as called
    batched: bool = False


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request on its way to a handler: matched, read and allowed. ``shown`` is the ``scheme://host`` of links."""

    request: Request
    params: Mapping[str, str]
    options: Options
    grant: Grant
    view: View
    shown: str

    @property
    def path(self) -> str:
        """The path as called."""
        return self.request.path

    def may_read(self, sort: Sort) -> bool:
        """Whether the caller may read objects of this type."""
        return bool(self.grant.roles & READS[sort])

    def context(self, name: str) -> str:
        """``@odata.context``, with the selected properties."""
        selected = f"({','.join(self.options.select)})" if self.options.select else ""
        return f"{self.shown}/v1.0/$metadata#{name}{selected}"

    def document(self) -> dict[str, object]:
        """The body as a JSON object; 400 when it is none."""
        try:
            return msgspec.json.decode(self.request.body or b"{}", type=dict[str, object])
        except msgspec.DecodeError:
            raise GraphError.bad_request("Unable to read JSON request payload.", "BadRequest") from None


class Answer(msgspec.Struct, kw_only=True):
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    media_type: str = JSON


Handler = Callable[[EntraTenant, Call], Answer]


def reply(value: object, status: int = 200) -> Answer:
    """A JSON answer; bytes are JSON already."""
    return Answer(status=status, body=value if isinstance(value, bytes) else msgspec.json.encode(value))
