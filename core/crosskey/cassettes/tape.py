"""A cassette as a list of exchanges, read from its YAML file."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from crosskey.errors import ConfigError

__all__ = ("Exchange", "load", "parsed", "template")

_IDENTIFIER: Final = re.compile(r"(?=.*\d)[\w~.-]{6,}$|\d+$|[\w.+-]+@[\w.-]+$")
"""A path segment that names one record: a number, something long with digits in it, or an address."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer. Bodies are text; ``label`` is the cassette's first line when it is a comment."""

    method: str
    uri: str
    sent_headers: dict[str, list[str]]
    sent: str
    status: int
    headers: dict[str, list[str]]
    body: str

    @property
    def place(self) -> str:
        """Method and address with whatever names one record left out: what exchanges of one kind have in common."""
        return f"{self.method} {template(self.uri)}"


def template(uri: str) -> str:
    """Host and path of an address; segments that name one record read ``{id}``. The query is left out."""
    parts = urlsplit(uri)
    segments = ["{id}" if _IDENTIFIER.match(segment) else segment for segment in parts.path.split("/")]
    return f"{parts.hostname or ''}{'/'.join(segments)}"


def load(path: Path) -> list[Exchange]:
    """The exchanges of a cassette, in the order in which they stand in the file.

    Raises :class:`ConfigError` for a file that is missing or no cassette.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return [_exchange(item) for item in _yaml(text)["interactions"]]
    except OSError as error:
        raise ConfigError(
            f"the cassette cannot be read: {error.strerror}", code="cassette", where=str(path), fix="name another file"
        ) from error
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            "the file is not a cassette",
            code="cassette",
            where=str(path),
            fix="record one: crosskey cassette record FILE",
        ) from error


def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON value of a body, ``None`` for anything else."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _yaml(text: str) -> Any:  # noqa: ANN401 - what the file holds
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise ConfigError("cassettes need vcrpy", code="extra-missing", fix="pip install 'crosskey[record]'") from None
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _exchange(item: dict[str, Any]) -> Exchange:
    request, response = item["request"], item["response"]
    return Exchange(
        method=request["method"],
        uri=request["uri"],
        sent_headers=request["headers"],
        sent=_text(request["body"]),
        status=response["status"]["code"],
        headers=response["headers"],
        body=_text(response["body"]["string"]),
    )


def _text(body: object) -> str:
    if isinstance(body, bytes):
        return body.decode("utf-8", errors="replace")
    return "" if body is None else str(body)
