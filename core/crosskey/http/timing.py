"""What servers say about the time, taken from answers that came anyway."""

from __future__ import annotations

from datetime import timedelta

import httpx

from crosskey.clock import Clock, Skews
from crosskey.http.reply import answer_date

__all__ = ("Timing",)


class Timing:
    """Notes how far our clock is from a server's; does nothing where nobody wants to know."""

    def __init__(self, clock: Clock, skews: Skews | None) -> None:
        self._clock = clock
        self._skews = skews

    def heard(self, host: str, headers: httpx.Headers) -> None:
        """Note the ``Date`` of an answer; one from a cache is as old as it says (RFC 9111 §5.1)."""
        if self._skews is None or (date := answer_date(headers)) is None:
            return
        age = headers.get("age", "").strip()
        seconds = int(age) if age.isascii() and age.isdigit() and len(age) <= 9 else 0
        try:
            self._skews.note(host, theirs=date + timedelta(seconds=seconds), ours=self._clock.now())
        except OverflowError:
            return
