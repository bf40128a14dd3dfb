"""Who is meant: people as they are shown, and a word that means several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crosskey.errors import ConfigError

__all__ = ("several", "shown_as")

_NAMED: Final = 5


def shown_as(label: str, kind: str, key: str | None) -> str:
    """A person's name, and their account as ``--only`` takes it: people share names."""
    return f"{label} ({kind}:{key})" if key else label


def several(word: str, handles: Sequence[str]) -> ConfigError:
    """The refusal of a word that means several people: whoever types a name thinks of one. ``handles`` name each."""
    more = f" and {len(handles) - _NAMED} more" if len(handles) > _NAMED else ""
    return ConfigError(
        f'"{word}" means {len(handles)} people: {", ".join(handles[:_NAMED])}{more}',
        code="who-ambiguous",
        where="--only",
        fix=f"name each that is meant, as in --only {handles[0]}",
    )
