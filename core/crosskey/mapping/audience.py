"""Who a scope or an assign rule means: members of groups and apps, and a condition on attributes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crosskey.connector.mapper import Candidate
from crosskey.mapping.findings import Findings
from crosskey.mapping.templates import Template, TemplateCompiler

__all__ = ("Audience", "named")

_NAMES_SHOWN = 5


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """In any of the groups or apps (or none are named), in none of the excepted groups, and the condition holds."""

    groups: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    except_groups: tuple[str, ...] = ()
    where: Template | None = None

    @property
    def everybody(self) -> bool:
        """Whether membership is not asked for (a condition still may be)."""
        return not (self.groups or self.apps)

    def membership(self, candidate: Candidate) -> str | None:
        """Which group or app lets the candidate in, in words; ``""`` if none is asked for, ``None`` if none does."""
        for name in self.groups:
            if name in candidate.groups:
                return f'in group "{name}"'
        for name in self.apps:
            if name in candidate.apps:
                return f'in app "{name}"'
        return "" if self.everybody else None

    def excepted(self, candidate: Candidate) -> str:
        """The excepted group the candidate is in, or ``""``."""
        return next((name for name in self.except_groups if name in candidate.groups), "")

    def holds(self, candidate: Candidate) -> bool:
        """Whether the condition holds. Raises :class:`~crosskey.mapping.findings.RuleError` when it cannot tell."""
        return self.where is None or bool(self.where(candidate))

    def reason(self, membership: str, nobody_asked: str) -> str:
        """Why somebody belongs: the membership, the condition, or ``nobody_asked`` when there is neither."""
        where = f'where "{self.where.source}"' if self.where else ""
        return " and ".join(part for part in (membership, where) if part) or nobody_asked

    def refusal(self) -> str:
        """Why somebody without membership does not belong."""
        names = (*(f'"{name}"' for name in self.groups), *(f'app "{name}"' for name in self.apps))
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        return f"not in any of {', '.join(names[:_NAMES_SHOWN])}{more}"


def named(names: Sequence[str] | None, path: str, findings: Findings) -> tuple[str, ...]:
    """The names as given, without doubles. Notes an empty list (it would mean everybody) and empty names."""
    if names is None:
        return ()
    if not names:
        findings.add(
            path, "names-empty", "this list is empty", fix="name somebody, or remove the key to mean everybody"
        )
    if any(not name.strip() for name in names):
        findings.add(path, "names-empty", "a name here is empty", fix="remove it, or write the name")
    return tuple(dict.fromkeys(names))


def condition(source: str | None, path: str, templates: TemplateCompiler, findings: Findings) -> Template | None:
    """The condition of a rule, if it has one. Notes what is wrong with it."""
    if source is None:
        return None
    if not source.strip():
        findings.add(path, "condition-empty", "this condition is empty", fix="write one, or remove the key")
        return None
    return templates.condition(source, path)
