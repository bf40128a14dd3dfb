"""Whom a message is about (RFC 9493), in every shape that transmitters write it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from crosskey.connector.refusal import SsoRefused

__all__ = ("Named", "read_subject")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as a message names them; ``known`` is false for a way of naming that nobody here understands."""

    iss: str = ""
    sub: str = ""
    sid: str = ""
    email: str = ""
    opaque: str = ""
    known: bool = True


def read_subject(value: object) -> Named:
    """Read a subject identifier. Raises :class:`SsoRefused` for one that says nothing.

    Its format is called ``format`` now and was ``subject_type``; a complex subject has its parts by name.
    """
    if not isinstance(value, dict):
        raise SsoRefused("signal-subject", "it is no object")
    subject = cast("dict[str, Any]", value)
    format_ = subject.get("format", subject.get("subject_type"))
    if format_ in (None, "complex") and ("user" in subject or "session" in subject):
        return _complex(subject)
    if format_ in ("iss_sub", "iss-sub"):
        return Named(iss=_text(subject, "iss"), sub=_text(subject, "sub"))
    if format_ == "email":
        return Named(email=_text(subject, "email"))
    if format_ == "opaque":
        return Named(opaque=_text(subject, "id"))
    if not isinstance(format_, str):
        raise SsoRefused("signal-subject", "it says of no format")
    return Named(known=False)


def _complex(subject: Mapping[str, Any]) -> Named:
    user = read_subject(subject["user"]) if "user" in subject else Named()
    session = read_subject(subject["session"]) if "session" in subject else Named()
    if not (user.known and session.known):
        return Named(known=False)
    return msgspec.structs.replace(user, sid=session.opaque or session.sub)


def _text(subject: Mapping[str, Any], name: str) -> str:
    value = subject.get(name)
    if not isinstance(value, str) or not value or len(value) > 255:
        raise SsoRefused("signal-subject", f"its {name} is missing, or no name")
    return value
