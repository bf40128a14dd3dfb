"""Durations as people write them: ``90s``, ``15m``, ``4h``, ``7d``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

__all__ = ("duration_text", "parse_duration")

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST: Final = 36_500 * _SECONDS["d"]
_WHOLE = re.compile(r"(?:\d{1,12}[wdhms])+", re.ASCII)
_PART = re.compile(r"(\d+)([wdhms])")


def parse_duration(text: str) -> timedelta:
    """The duration a text names. Raises :class:`ValueError` with a sentence for people."""
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError('expected a duration like "90s", "15m", "4h" or "7d"')
    seconds = sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))
    if seconds > _LONGEST:
        # a date this far from now could not be reckoned with
        raise ValueError("a duration may be 100 years at most")
    return timedelta(seconds=seconds)


def duration_text(duration: timedelta) -> str:
    """The shortest text in one unit that names a duration of whole seconds: ``2m``, ``90s``, ``0s``."""
    seconds = round(duration.total_seconds())
    for unit, size in _SECONDS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0s"
