"""A hostile plugin fails the kit: no test of it passes that matters, none hangs, and the session lives on."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest
from kit_judged import judged
from little_source import LittleDirectory
from little_target import LittleDesk

from crosskey.testing import MapperConformance, SourceConformance, TargetConformance, VirtualClock, play
from crosskey.testing.clock import StuckError
from crosskey.testing.conformance import stories_of

SETTINGS = 'token = {{ env = "LITTLE_TOKEN" }}\nhow = "{}"'
HARMLESS = {
    "test_nobody_is_found_where_there_is_nobody",
    "test_whoever_is_deleted_is_not_found_as_active",
    "test_everything_in_the_catalogue_can_be_referred_to",
    "test_people_are_recognised_by_what_exists",
}
"""Tests that even it passes: they say nothing about what it does."""


def musts(cls) -> set[str]:
    return {name for name, needs in stories_of(cls).items() if needs.tier == "must"}


@pytest.mark.parametrize(
    "how", ["lies", "raises", "ends the process", "never ends", "waits for nobody", "sleeps for ever"]
)
def test_a_hostile_source_fails(how: str, tmp_path: Path) -> None:
    class Hostile(SourceConformance):
        plugin = "hostile_plugin"
        use = "hostile"
        settings: ClassVar[str] = SETTINGS.format(how)

        def vendor(self, clock):
            return LittleDirectory(clock)

    failures, left_out = judged(Hostile, tmp_path)
    assert not left_out
    passed = musts(Hostile) - failures.keys()
    assert passed <= HARMLESS, passed


@pytest.mark.parametrize("how", ["lies", "raises"])
def test_a_hostile_target_fails(how: str, tmp_path: Path) -> None:
    class Hostile(TargetConformance):
        plugin = "hostile_plugin"
        use = "hostile"
        settings: ClassVar[str] = SETTINGS.format(how)

        def vendor(self, clock):
            return LittleDesk(clock)

    failures, left_out = judged(Hostile, tmp_path)
    passed = musts(Hostile) - failures.keys() - left_out.keys()
    assert passed <= HARMLESS, passed


def test_a_hostile_mapper_fails(tmp_path: Path) -> None:
    class Hostile(MapperConformance):
        plugin = "hostile_plugin"
        use = "hostile"
        settings: ClassVar[str] = SETTINGS.format("lies")
        secrets: ClassVar = {"LITTLE_TOKEN": "little-token-that-is-secret"}
        wrong: ClassVar = (SETTINGS.format("wrong"),)

    failures, left_out = judged(Hostile, tmp_path)
    assert not left_out
    assert musts(Hostile) - failures.keys() <= HARMLESS


def test_threads_of_others_are_not_waited_for(tmp_path: Path) -> None:
    """A test runner's own threads say nothing about whether the code under test would go on."""
    over, began = threading.Event(), time.monotonic()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with pytest.raises(StuckError):
            play(_for_ever, VirtualClock())
    finally:
        over.set()
        other.join()
    assert time.monotonic() - began < 25, "it waited for a thread that has nothing to do with it"


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()
