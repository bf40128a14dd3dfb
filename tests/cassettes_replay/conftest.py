"""Replays one cassette through the plugin's real client: nothing is recorded, nothing is sent."""

from __future__ import annotations

import pytest

from cassette_cases import CASES
from crosskey.http import recording
from fake_clock import FakeClock


class Replayed:
    """What a case came to: its result, or the error it ended in, and the waits on the way."""

    def __init__(self) -> None:
        self.clock = FakeClock()

    async def __call__(self, path: str):
        case = CASES[path]
        with recording(case.file, "none"):
            async with case.open(f"https://{case.name}", self.clock) as connector:
                return await case.play(connector)


@pytest.fixture
def replay() -> Replayed:
    return Replayed()
