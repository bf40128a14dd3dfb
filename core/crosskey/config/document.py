"""The configuration file as parsed TOML, with syntax errors that say where."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path

import msgspec

from crosskey.errors import ConfigError, Diagnostic

__all__ = ("Document", "kept_document", "key_path", "quoted", "read_document")

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|(end of document))\)$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed file. ``canonical`` is its JSON with sorted keys, ``digest`` the SHA-256 of that."""

    path: Path
    tables: dict[str, object]
    canonical: str
    digest: str


def key_path(path: str, key: str) -> str:
    """The path of a key below a path, quoted as TOML wants it: ``source.corp.groups."All Staff"``."""
    shown = key if _BARE.fullmatch(key) else quoted(key)
    return f"{path}.{shown}" if path else shown


def quoted(text: str) -> str:
    """Text as a basic string of TOML. JSON escapes all that TOML wants escaped, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_document(path: Path) -> Document:
    """Read and parse a file. Raises :class:`ConfigError` when it is absent, unreadable or not TOML."""
    tables = _parse(_read(path), path)
    canonical = json.dumps(tables, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Document(path=path, tables=tables, canonical=canonical, digest=digest)


def kept_document(canonical: str, path: Path) -> Document:
    """The document behind a canonical text that was kept. Raises :class:`ConfigError` when it is none."""
    try:
        tables = msgspec.json.decode(canonical, type=dict[str, object])
    except msgspec.MsgspecError:
        raise ConfigError(
            "the configuration of that run is not in the journal",
            code="config-missing",
            where=str(path),
            fix="ask about a later run",
        ) from None
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Document(path=path, tables=tables, canonical=canonical, digest=digest)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            "there is no configuration file",
            code="config-missing",
            where=str(path),
            fix="write one with `crosskey init`, or name yours with `--config FILE`",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the configuration is not UTF-8 text (byte {error.start})",
            code="config-encoding",
            where=str(path),
            fix="save it as UTF-8",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the configuration cannot be read: {error.strerror}",
            code="config-unreadable",
            where=str(path),
            fix="name a file that this user may read with `--config FILE`",
        ) from None


def _parse(text: str, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        problem = _syntax_error("values are nested too deeply", path)
    except ValueError as error:  # tomllib lets a ValueError of int() and of datetime() through besides its own
        problem = _syntax_error(str(error), path)
    # The parser's own exception may carry the whole text: leave it behind.
    raise problem


def _syntax_error(message: str, path: Path) -> ConfigError:
    place = _PLACE.search(message)
    sentence = _PLACE.sub("", message)
    where = str(path)
    if place:
        where = f"{path}, end of file" if place[3] else f"{path}, line {place[1]}, column {place[2]}"
    finding = Diagnostic(
        severity="error",
        code="config-syntax",
        summary=f"this is not TOML: {sentence}",
        path=where,
        fix='text needs quotes (key = "value"), sections brackets ([source.corp])',
    )
    return ConfigError("the configuration cannot be parsed", code="config-syntax", where=str(path), problems=(finding,))
