"""Pages of the doors: plain HTML that needs no script and nothing from anywhere else, with headers that keep it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import jinja2
import msgspec
from starlette.responses import HTMLResponse, RedirectResponse, Response

from crosskey.connector.sso import Door
from crosskey.web.doors.words import Words

__all__ = ("Action", "Page", "Row", "Rows", "redirect", "secured", "shown", "style")

_HERE: Final = Path(__file__).parent

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something to press: a link, or a form that is posted with ``fields``. ``about`` tells equal buttons apart."""

    label: str
    href: str
    fields: Mapping[str, str] | None = None
    primary: bool = True
    about: str = ""


class Row(msgspec.Struct, frozen=True):
    """A row of a table, and what can be done with it, if anything."""

    cells: tuple[str, ...]
    action: Action | None = None


class Rows(msgspec.Struct, frozen=True):
    """A table."""

    heads: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def acts(self) -> bool:
        """Whether anything can be done with a row."""
        return any(row.action is not None for row in self.rows)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says. ``code`` and ``reference`` are for the administrator.

    ``onward`` is gone to by itself, ``after`` so many seconds.
    """

    title: str
    text: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    status: int = 200
    code: str = ""
    reference: str = ""
    table: Rows | None = None
    onward: str = ""
    after: int = 1

    @property
    def has_form(self) -> bool:
        """Whether it posts anything. Without a referrer browsers do not say where a form is from (``Origin: null``)."""
        rows = self.table.rows if self.table is not None else ()
        return any(
            each is not None and each.fields is not None for each in (*(row.action for row in rows), *self.actions)
        )


def shown(page: Page, words: Words, door: Door | None, public_url: str) -> Response:
    """The page as a response."""
    style_at = f"/{door or 'agents'}/style.css"
    body = _template().render(page=page, words=words, door=door, style=style_at)
    response = secured(HTMLResponse(body, page.status, {"Content-Language": words.language}), public_url)
    if page.has_form:
        response.headers["Referrer-Policy"] = "same-origin"
    return response


def redirect(to: str, public_url: str) -> Response:
    """Another address, asked for by GET whatever this was (never 307: a form would be sent on, RFC 9700 §4.12)."""
    return secured(RedirectResponse(to, 303), public_url)


def secured(response: Response, public_url: str, frames: Sequence[str] = ()) -> Response:
    """The response with the headers that all have; only the origins of ``frames`` may show it in a frame."""
    response.headers["Content-Security-Policy"] = _POLICY.format(frames=" ".join(frames) or "'none'")
    if not frames:
        response.headers["X-Frame-Options"] = "DENY"
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if urlsplit(public_url).scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def style() -> Response:
    """The style sheet of all pages."""
    response = secured(Response(_style(), media_type="text/css"), "")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@cache
def _style() -> str:
    return (_HERE / "style.css").read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html")
