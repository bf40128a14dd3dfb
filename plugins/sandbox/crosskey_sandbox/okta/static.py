"""Pages written once and served as they are, for measuring a client and not this sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from crosskey_sandbox.okta.access import SUPER_ADMIN, Principal
from crosskey_sandbox.okta.call import Call
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.routes import OPERATIONS, Operation

__all__ = ("StaticPage", "static_app", "static_pages")

_ROOT = Principal(key="static", rights=SUPER_ADMIN)


class StaticPage(msgspec.Struct, frozen=True):
    """One answer: the path and query it belongs to, its JSON body, and its Link headers."""

    target: str
    body: bytes
    links: tuple[str, ...]


def static_pages(org: OktaOrg, base: str, target: str = "/api/v1/users?limit=200") -> Iterator[StaticPage]:
    """Every page of a list, following its next links. ``base`` (``http://host:port``) stands in links and rows."""
    following: str | None = target
    while following is not None:
        here = urlsplit(following)
        operation, params = _operation(here.path)
        call = Call(
            method="GET",
            path=here.path,
            params=params,
            query=parse_qsl(here.query, keep_blank_values=True),
            headers={},
            body=b"",
            base=base,
            shown=base,
            principal=_ROOT,
        )
        given = operation.handler(org, call)
        links = tuple(value for name, value in given.headers if name == "link")
        yield StaticPage(following, given.body, links)
        found = next((link for link in links if link.endswith('rel="next"')), None)
        following = found and found[1 : found.index(">")].removeprefix(base)


def static_app(pages: Iterable[StaticPage]) -> ASGIApp:
    """An ASGI application that serves these pages and nothing else, without checks, rates or a framework."""
    answers = {
        page.target: (page.body, [(b"content-type", b"application/json"), *((b"link", v.encode()) for v in page.links)])
        for page in pages
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        query: bytes = scope["query_string"]
        target = f"{scope['path']}?{query.decode()}" if query else str(scope["path"])
        known = answers.get(target)
        body, headers = known or (b"", [])
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200 if known else 404, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    return app


def _operation(path: str) -> tuple[Operation, dict[str, str]]:
    for operation in OPERATIONS:
        pattern = re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", re.escape(operation.template))
        match = re.fullmatch(pattern, path)
        if match is not None and operation.method == "GET":
            return operation, match.groupdict()
    raise LookupError(f"{path} is no list of this sandbox")
