"""What must not stand in a cassette: secrets, and people who exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from crosskey.cassettes.pseudonyms import MAIL, is_reserved, personal_members
from crosskey.cassettes.tape import Exchange, load, parsed
from crosskey.http.redaction import REDACTED, scrub_body, scrub_headers, scrub_url

__all__ = ("Finding", "lint")

_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_FICTION: Final = re.compile(r"555|ext \d+$|^[+\d ]*0{3}")
_LABEL: Final = re.compile(r"^# (?:synthetic|recorded)\b")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must not be published. ``sort`` is ``secret``, ``person`` or ``label``; never shows the value."""

    sort: str
    place: str
    text: str


def lint(path: Path) -> list[Finding]:
    """Everything in a cassette that looks like a secret or like somebody who exists, and a missing label.

    Names are not judged alone, for nobody can tell an invented one from another; addresses and phone numbers are.
    """
    exchanges = load(path)
    findings = [finding for one in exchanges for finding in _exchange(one)]
    if not _LABEL.match(path.read_text(encoding="utf-8")):
        text = "its first line does not say whether it is synthetic or was recorded against a real service"
        findings.insert(0, Finding(sort="label", place=path.name, text=text))
    return list(dict.fromkeys(findings))


def _exchange(one: Exchange) -> Iterator[Finding]:
    for what, headers in (("request", one.sent_headers), ("answer", one.headers)):
        pairs = [(name.lower(), value) for name, values in headers.items() for value in values]
        for (name, before), (_, after) in zip(pairs, scrub_headers(pairs), strict=True):
            if before != after or (name in ("cookie", "set-cookie") and before != REDACTED):
                yield _secret(one, f"{what} header {name}")
    if scrub_url(one.uri) != one.uri:
        yield _secret(one, "address")
    for what, text, headers in (("request", one.sent, one.sent_headers), ("answer", one.body, one.headers)):
        yield from _body(one, what, text, _first(headers, "content-type"))
    yield from _people(one, "address", one.uri)


def _body(one: Exchange, what: str, text: str, kind: str) -> Iterator[Finding]:
    if not text:
        return
    clean = scrub_body(text.encode(), kind).decode(errors="replace")
    if _KEY.search(text) or (parsed(clean), clean.split()) != (parsed(text), text.split()):
        yield _secret(one, f"{what} body")
    yield from _people(one, f"{what} body", text)
    for sort, value in personal_members(parsed(text)):
        if sort == "phone" and not _FICTION.search(value):
            yield Finding(sort="person", place=one.place, text=f"{what} body: a phone number that may be somebody's")


def _people(one: Exchange, what: str, text: str) -> Iterator[Finding]:
    for mail in MAIL.findall(text):
        if not is_reserved(mail):
            domain = mail.replace("%40", "@").rpartition("@")[2]
            yield Finding(sort="person", place=one.place, text=f"{what}: an e-mail address at {domain}")


def _secret(one: Exchange, what: str) -> Finding:
    return Finding(sort="secret", place=one.place, text=f"{what}: holds what should read {REDACTED}")


def _first(headers: dict[str, list[str]], name: str) -> str:
    found = [value for key, values in headers.items() if key.lower() == name for value in values]
    return found[0] if found else ""
