"""A folder of cases: found, played one after the other, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Final, Literal

import msgspec

from crosskey.config.document import read_document
from crosskey.errors import ConfigError, CrosskeyError, Diagnostic, ExitCode
from crosskey.plugins import Plugins
from crosskey.rehearsal.case import read_case
from crosskey.rehearsal.checks import Miss, misses
from crosskey.rehearsal.rehearse import rehearse

__all__ = ("EXITS", "CaseResult", "exit_code", "find_cases", "play")

EXITS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "every plan is as expected",
    ExitCode.REJECTED: "a plan is not as expected; every case came to one",
    ExitCode.CONFIG: "a case did not come to a plan: it, its configuration or its cassette is wrong",
}
"""What the command returns, and when."""

_CONFIGURES: Final = frozenset({"source", "target", "map", "sync", "rails", "journal", "watch", "notify", "sso"})


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one case. ``counts`` are the changes of its plan; an ``error`` kept it from coming to a plan."""

    name: str
    file: str
    state: Literal["ok", "failed", "error"]
    counts: dict[str, int] = {}
    misses: tuple[Miss, ...] = ()
    error: Diagnostic | None = None
    problems: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0


def find_cases(place: Path) -> list[Path]:
    """The cases of a folder and those below it, or the one file that is named.

    Every TOML file is a case, except configurations. Raises :class:`ConfigError` where there is none: a suite that is
    not found must not look like one that passes.
    """
    if place.is_file():
        return [place]
    found = [path for path in sorted(place.rglob("*.toml")) if not _configures(path)]
    if not found:
        what = "holds no case" if place.is_dir() else "is not there"
        raise ConfigError(
            f"the folder {what}",
            code="case-none",
            where=str(place),
            fix="name the folder of your cases: crosskey test FOLDER",
        )
    return found


def play(cases: list[Path], plugins: Plugins, root: Path) -> Iterator[CaseResult]:
    """Play each case; its name is its path below ``root``. Whatever goes wrong in one does not end the others."""
    for path in cases:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        began = monotonic()
        try:
            case = read_case(path)
            plan = rehearse(case.scene, case.people, plugins)
            missed = tuple(misses(plan, case.expect))
        except CrosskeyError as error:
            problems = error.problems if isinstance(error, ConfigError) else ()
            yield CaseResult(
                name=name,
                file=str(path),
                state="error",
                error=error.diagnostic(),
                problems=problems,
                seconds=monotonic() - began,
            )
            continue
        yield CaseResult(
            name=name,
            file=str(path),
            state="failed" if missed else "ok",
            counts=dict(plan.counts),
            misses=missed,
            seconds=monotonic() - began,
        )


def exit_code(results: list[CaseResult]) -> ExitCode:
    """What these results come to, see :data:`EXITS`."""
    if any(result.state == "error" for result in results):
        return ExitCode.CONFIG
    return ExitCode.REJECTED if any(result.state == "failed" for result in results) else ExitCode.OK


def _configures(path: Path) -> bool:
    """Whether a file is a configuration. One that cannot be read is taken for a case, whose error then says so."""
    try:
        return bool(read_document(path).tables.keys() & _CONFIGURES)
    except ConfigError:
        return False
