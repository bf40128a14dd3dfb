"""Rails on what was read: a suspicious read holds the whole run, because every decision rests on it."""

from __future__ import annotations

from typing import Protocol

from crosskey.config import RailSettings
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.read import PeopleRead, SourceRead
from crosskey.plan import Held

__all__ = ("LastReads", "check_read")


class LastReads(Protocol):
    """How much the last complete reads brought, by the path of the source's section."""

    def people(self, source: str) -> int:
        """People in the last complete read; 0 when there was none."""
        ...

    def members(self, source: str, name: str) -> int:
        """Members of a group or app in the last complete read; 0 when there was none."""
        ...


def check_read(read: PeopleRead, last: LastReads, settings: RailSettings, allowed: Allowed) -> list[Held]:
    """Rails on what the sources told: they hold the whole run, because every decision rests on it."""
    return [held for source in read.sources for held in _check_source(source, last, settings, allowed)]


def _check_source(read: SourceRead, last: LastReads, settings: RailSettings, allowed: Allowed) -> list[Held]:
    before = last.people(read.path)
    if read.people == 0:
        last_time = f" (last complete read: {before})" if before else ""
        fix = "an empty answer usually means a missing admin role: run `crosskey check`"
        return [_run("empty-source", f"{read.path} returned nobody{last_time}", fix)]
    held: list[Held] = []
    floor = before * settings.shrink_percent / 100
    if before >= settings.min_people and read.people < floor and not allowed.exactly("shrink", read.people):
        held.append(
            _run(
                "shrink",
                f"{read.path} returned {read.people} people, the last complete read {before} "
                f"(less than {settings.shrink_percent:g} %)",
                f"if that is right: --allow shrink={read.people}",
                f"shrink={read.people}",
            )
        )
    for name, members in sorted(read.logical.items()):
        lost = last.members(read.path, name)
        if members == 0 and lost >= settings.min_people and not allowed.named("empty-group", name):
            held.append(
                _run(
                    "empty-group",
                    f'"{name}" has no members in {read.path}, {lost} in the last complete read',
                    f'if that is right: --allow "empty-group={name}"',
                    f"empty-group={name}",
                )
            )
    return held


def _run(rail: str, summary: str, fix: str, word: str = "") -> Held:
    return Held(rail=rail, scope="run", summary=summary, fix=fix, word=word)
