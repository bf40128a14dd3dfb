"""Where somebody goes after signing in: back to where they wanted to, on this site and no other."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ("return_path",)

_LONGEST: Final = 2_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def return_path(wanted: str, *, otherwise: str = "/") -> str:
    """The path if it is one of this site's, else ``otherwise``.

    Whole addresses, ``//host``, backslashes, control characters (encoded ones too) and schemes lead elsewhere or into
    the headers of the answer (RFC 9700 §4.11).
    """
    if len(wanted) > _LONGEST or not wanted.startswith("/") or " " in wanted:
        return otherwise
    plain = wanted
    for _ in range(3):  # what is encoded twice is decoded twice somewhere
        if _CONTROL.search(plain) or plain.startswith("//"):
            return otherwise
        plain = unquote(plain)
    parts = urlsplit(wanted)
    return otherwise if parts.scheme or parts.netloc else wanted
