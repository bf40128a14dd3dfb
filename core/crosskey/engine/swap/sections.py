"""What a swap swaps: two configurations that differ in one source section and in nothing else."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec

from crosskey.config import Config, SourceSection
from crosskey.errors import ConfigError, Diagnostic

__all__ = ("SwapSections", "swapped_section")

_SWAPPABLE = "source"


class SwapSections(msgspec.Struct, frozen=True):
    """The section as it is today and as it will be; both bear the same name."""

    old: SourceSection
    new: SourceSection


def swapped_section(old: Config, new: Config) -> SwapSections:
    """The one source section that differs. Raises :class:`ConfigError` for any other difference, or for none."""
    before, after = _tables(old), _tables(new)
    sources_before, sources_after = before.pop(_SWAPPABLE, {}), after.pop(_SWAPPABLE, {})
    problems = [
        _problem(f"[{table}] differs between the two configurations")
        for table in sorted(before.keys() | after.keys())
        if before.get(table) != after.get(table)
    ]
    if old.journal.path != new.journal.path:
        problems.append(_problem("the two configurations keep different journals"))
    changed = [name for name in old.sync.sources if sources_before.get(name) != sources_after.get(name)]
    if old.sync.sources != new.sync.sources:
        problems.append(_problem("[sync] from differs between the two configurations"))
    elif not changed:
        problems.append(_problem("the two configurations read the same sources: there is nothing to swap"))
    elif len(changed) > 1:
        problems.append(_problem(f"several sources differ: {', '.join(changed)}. Swap one at a time"))
    if problems:
        raise ConfigError(
            "these two configurations are no swap",
            code="swap-sections",
            where=str(new.path),
            fix=f"copy {old.path.name} and change nothing but one [source.<name>] section",
            problems=problems,
        )
    return SwapSections(old.sources[changed[0]], new.sources[changed[0]])


def _tables(config: Config) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(config.canonical))


def _problem(summary: str) -> Diagnostic:
    return Diagnostic(severity="error", code="swap-sections", summary=summary)
