"""The cassettes' cases, played on a tape: what a connector told on the way, and how it ended.

The cases stand in ``tests/cassette_cases.py``, beside the tests that replay them.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import Any, Protocol, cast

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
    ReadRequest,
)
from crosskey.context import InstanceContext
from crosskey.settings import Settings
from proofs.cassettes.connection import Known
from proofs.cassettes.tape import EndlessError, Exchange, Tape

__all__ = ("Case", "Played", "cases", "play")

_TESTS = Path(__file__).parents[2] / "tests"


class _Clock(Protocol):
    def now(self) -> Any: ...  # noqa: ANN401 - a clock of the tests
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class _Spec(Protocol):
    @property
    def open(self) -> Callable[[Settings, Context], AbstractAsyncContextManager[object]]: ...


class Case(Protocol):
    """One cassette's case, as the tests describe it."""

    path: str
    play: Callable[[Any], Awaitable[object]]
    settings: Callable[[str], Settings]

    @property
    def file(self) -> Path:
        """The cassette."""
        ...

    @property
    def name(self) -> str:
        """The host it replays under."""
        ...


def _tests(module: str) -> Any:  # noqa: ANN401 - the tests' modules have no types
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    return import_module(module)


def cases() -> Mapping[str, Case]:
    """Path → case."""
    return cast("Mapping[str, Case]", _tests("cassette_cases").CASES)


def a_clock() -> _Clock:
    """A clock that nobody waits for."""
    return cast("_Clock", _tests("fake_clock").FakeClock())


class Played(msgspec.Struct):
    """What a case came to on one tape. ``reads``: what was known at the end of each complete read or round.

    ``given_up``: the case itself found nobody to go on with, where the cassette as it is has somebody.
    """

    result: object = None
    error: BaseException | None = None
    given_up: bool = False
    reads: Sequence[Known] = ()
    served: Sequence[Exchange] = ()


async def play(case: Case, exchanges: Sequence[Exchange]) -> Played:
    """Drive the case through its plugin, as the core opens it, against the tape."""
    tape, played = Tape(exchanges), Played()
    vendor = case.path.partition("/")[0]
    plugin = import_module(f"crosskey_{vendor}")
    specs: Sequence[_Spec] = plugin.crosskey_targets() if vendor == "halo" else plugin.crosskey_sources()
    instance = "target.desk" if vendor == "halo" else "source.corp"
    context = InstanceContext(instance, clock=a_clock(), transport=lambda _: tape.transport())
    listening: _Listening | None = None
    try:
        async with specs[0].open(case.settings(f"https://{case.name}"), context) as connector:
            listening = _Listening(connector)
            played.result = await case.play(connector if vendor == "halo" else listening)
    except BaseExceptionGroup as group:
        played.error = _first(group)
    except (Exception, EndlessError) as error:  # noqa: BLE001 - which error it was is the matter
        played.error = error
        played.given_up = _is_of_the_case(error)
    played.reads = listening.reads if listening else ()
    played.served = tape.served
    return played


def _first(error: BaseException) -> BaseException:
    """The first error of a task group, which is what the core tells."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _is_of_the_case(error: BaseException) -> bool:
    """Whether it was raised in the lines of a case, not in anything that they called."""
    frames = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    return Path(frames[-1]).stem in ("cassette_cases", "cassette_entra")


class _Listening:
    """The source, with what its reads told written down."""

    def __init__(self, source: Any) -> None:  # noqa: ANN401 - any connector
        self._source = source
        self.reads: list[Known] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the source can
        return getattr(self._source, name)

    def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        return self._heard(self._source.read(request), Known())

    def read_changes(self, cursor: str, request: ReadRequest) -> AsyncIterator[ReadPage]:
        before = msgspec.msgpack.encode(self.reads[-1])
        return self._heard(self._source.read_changes(cursor, request), msgspec.msgpack.decode(before, type=Known))

    async def _heard(self, pages: AsyncIterator[ReadPage], known: Known) -> AsyncIterator[ReadPage]:
        async for page in pages:
            _fold(known, page)
            if isinstance(page, ReadComplete):
                self.reads.append(known)
            yield page


def _fold(known: Known, page: ReadPage) -> None:
    match page:
        case PeoplePage(people):
            known.people.update((person.subject.id, person) for person in people)
        case GroupsPage(groups):
            known.groups.update((group.id, group) for group in groups)
        case MembersPage(group, members, whole):
            known.members[group] = {*(() if whole else known.members.get(group, ())), *members}
        case MembersLeftPage(group, members):
            known.members.setdefault(group, set()).difference_update(members)
        case GonePage():
            for who in page.people:
                known.people.pop(who, None)
            for group in page.groups:
                known.groups.pop(group, None)
                known.members.pop(group, None)
        case ReadComplete():
            pass
