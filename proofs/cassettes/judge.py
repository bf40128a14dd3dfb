"""Whether a changed cassette was refused, or did no harm."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from crosskey.errors import CrosskeyError
from crosskey.http.cassette import RecordingError
from crosskey.model import Account, Person
from crosskey.plan import Outcome
from proofs.cassettes.cases import Case, Played, a_clock, cases, play
from proofs.cassettes.connection import Company, Known
from proofs.cassettes.mutants import BROKEN, Mutant, mutants_of, sample
from proofs.cassettes.tape import Exchange, load

__all__ = ("Judge", "Judged", "try_case")

_PATIENCE: Final = 30.0
"""Seconds of the real clock that a mutant may take: time on the tape costs nothing."""
_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Judged(msgspec.Struct, frozen=True):
    """What one mutant came to; ``why`` says what is wrong."""

    verdict: Literal["refused", "harmless", "wrong"]
    why: str = ""


class Judge:
    """Judges the mutants of one case. ``folder`` is an empty one of its own."""

    def __init__(self, case: Case, folder: Path) -> None:
        self._case, self._folder = case, folder
        self.exchanges = load(case.file)
        self._seen: dict[bytes, list[str]] = {}

    async def prepare(self) -> None:
        """Play the cassette as it is, and bring a desk in step with what it tells."""
        self._intact = await play(self._case, self.exchanges)
        if not isinstance(self._intact.error, CrosskeyError | None):
            raise self._intact.error
        self._company: Company | None = None
        if self._intact.reads:
            self._truth = self._intact.reads[-1]
            self._company = Company(self._folder, self._truth, a_clock())
            linked = await self._company.link()
            if not linked:
                raise AssertionError(f"{self._case.path}: nobody was linked, so nobody could be disabled")

    async def judge(self, mutant: Mutant) -> Judged:
        """Play the mutant, and go on with all that it told."""
        try:
            async with asyncio.timeout(_PATIENCE):
                played = await play(self._case, mutant.exchanges)
        except TimeoutError:
            return Judged("wrong", f"not done after {_PATIENCE:.0f} s")
        refused = played.given_up or isinstance(played.error, CrosskeyError | RecordingError)
        if played.error is not None and not refused:
            return Judged("wrong", f"{type(played.error).__name__}: {played.error}")
        wrongs = [
            *(await self._of_reads(mutant, played.reads)),
            *(_of_outcomes(played) if played.error is None else ()),
            *(self._of_accounts(mutant, played.result) if played.error is None else ()),
            *(self._of_look_ups(mutant, played.result) if played.error is None else ()),
        ]
        if wrongs:
            return Judged("wrong", "; ".join(wrongs))
        return Judged("refused" if refused else "harmless")

    async def _of_reads(self, mutant: Mutant, reads: Sequence[Known]) -> list[str]:
        wrongs: list[str] = []
        for known in reads if self._company is not None else ():
            if mutant.kind in BROKEN:
                wrongs += _shorter(self._truth, known)
            wrongs += [f"{who} was disabled" for who in await self._disabled_by(known)]
        return wrongs

    async def _disabled_by(self, known: Known) -> list[str]:
        """What the engine makes of it; asked once of each read that tells the same."""
        same = msgspec.json.encode(known, order="deterministic")
        if same not in self._seen and self._company is not None:
            self._seen[same] = await self._company.disabled_by(known)
        return self._seen[same]

    def _of_accounts(self, mutant: Mutant, result: object) -> list[str]:
        """A desk's list: nobody under another's key, and as long as ever unless the desk says so."""
        intact, told = _accounts(self._intact.result), _accounts(result)
        owners: dict[tuple[str, str], set[str]] = {}
        for each in intact.values():
            owners.setdefault((each.kind, _mail(each)), set()).add(each.key)
        wrongs = [
            f"{each.kind} {each.key} was taken for another"
            for each in told.values()
            if (each.kind, each.key) in intact and each.key not in owners.get((each.kind, _mail(each)), {each.key})
        ]
        if mutant.kind in BROKEN and intact.keys() - told.keys():
            wrongs.append(f"{len(intact.keys() - told.keys())} accounts were left out without a word")
        return wrongs

    def _of_look_ups(self, mutant: Mutant, result: object) -> list[str]:
        """Somebody asked for by id: never gone, and in fewer groups only where the answer says so."""
        wrongs: list[str] = []
        for was, now in zip(_parts(self._intact.result), _parts(result), strict=False):
            if isinstance(was, Person) and now is None:
                wrongs.append(f"{was.label} is called gone")
            if isinstance(was, frozenset) and mutant.kind in BROKEN and was != now:
                wrongs.append("somebody's groups were left out without a word")
        return wrongs


async def try_case(path: str, every: int = 1) -> list[tuple[Mutant, Judged]]:
    """What the mutants of one cassette came to."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        judge = Judge(cases()[path], Path(folder))
        await judge.prepare()
        return [(each, await judge.judge(each)) for each in sample(mutants_of(judge.exchanges), every, path)]


def _shorter(truth: Known, known: Known) -> list[str]:
    """What a broken answer made less of, without a word."""
    lost = len(truth.active() - known.active())
    members = sum(len(inside - known.members.get(group, set())) for group, inside in truth.members.items())
    return [f"ended early: {lost} people and {members} members left out"] if lost or members else []


def _accounts(result: object) -> dict[tuple[str, str], Account]:
    """What a read of a desk brought, if that is what was played."""
    for part in _parts(result):
        if isinstance(part, dict):
            return cast("dict[tuple[str, str], Account]", part)
    return {}


def _mail(account: Account) -> str:
    return str(account.fields.get("emailaddress") or account.fields.get("email") or "").casefold()


# ------------------------------------------------------------------------------------------------------------- writes


def _of_outcomes(played: Played) -> list[str]:
    """Whoever is called written was written by the desk's own word, under the key that it gave."""
    outcomes = _outcomes(played.result)
    return [
        f"{outcome.change} is called {outcome.result} as {outcome.key}, and the desk did not say so"
        for outcome in outcomes
        if outcome.result in ("applied", "already") and not _said(outcome, played.served)
    ]


def _outcomes(result: object) -> list[Outcome]:
    return [each for part in (result, *_parts(result)) for each in _parts(part) if isinstance(each, Outcome)]


def _parts(result: object) -> Sequence[object]:
    return cast("Sequence[object]", result) if isinstance(result, list | tuple) else ()


def _said(outcome: Outcome, served: Sequence[Exchange]) -> bool:
    """Whether an answer of the desk, to a write or to a look, shows this very change under this very key."""
    number = outcome.change.rpartition(":")[2]
    named = {f"new{number}@example.com", f"New{number} Example"}
    for each in served:
        if each.status not in (200, 201):
            continue
        for row in _rows(each.body):
            names = {str(row.get("emailaddress")), str(row.get("name"))}
            if str(row.get("id")) == outcome.key and (named & names or row.get("isdisabled")):
                return True
    return False


def _rows(body: bytes) -> list[dict[str, object]]:
    """Every object of an answer, however deep."""
    found: list[dict[str, object]] = []
    try:
        waiting: list[object] = [msgspec.json.decode(body.decode(errors="replace"))]
    except msgspec.DecodeError:
        return found
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            row = cast("dict[str, object]", value)
            found.append(row)
            waiting += row.values()
        elif isinstance(value, list):
            waiting += cast("list[object]", value)
    return found
