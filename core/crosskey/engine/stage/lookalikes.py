"""What looks alike: two keys that a person takes for one although they are not the same characters (G15).

Compatibility forms, letter case, accents and invisible characters do not tell two people apart. Letters of other
scripts that look like Latin ones do: nobody keeps a table of them small enough to judge people by.
"""

from __future__ import annotations

import unicodedata

__all__ = ("alike", "shape", "shapes")

_UNSEEN = frozenset({"Mn", "Me", "Cf"})


def shape(value: str) -> str:
    """The same text for everything that looks the same."""
    if value.isascii():
        return value.casefold().strip()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value).casefold())
    return "".join(each for each in folded if unicodedata.category(each) not in _UNSEEN).strip()


def alike(name: str) -> str:
    """The name under which shapes of a field or attribute are kept, beside the values themselves."""
    return f"~{name}"


def shapes(name: str, value: str) -> list[tuple[str, str]]:
    """Under which names a value is kept: as it is compared, and by its shape where that is another one."""
    folded, seen = value.casefold(), shape(value)
    return [(name, folded)] if folded == seen else [(name, folded), (alike(name), seen)]
