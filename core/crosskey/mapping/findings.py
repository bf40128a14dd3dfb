"""Problems: those of the configuration, gathered while compiling, and those of one person, found while mapping."""

from __future__ import annotations

from crosskey.errors import ConfigError, Diagnostic

__all__ = ("Findings", "RuleError")


class RuleError(Exception):
    """A rule has no answer for one person. Becomes that person's problem, never more."""


class Findings:
    """Gathers what is wrong with one mapping, so that all of it is told at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._found: list[Diagnostic] = []

    def add(self, path: str, code: str, summary: str, *, detail: str = "", fix: str = "") -> None:
        """Note one problem at ``path``; ``detail`` usually names close matches, ``fix`` the key to write."""
        if detail and summary[-1] not in ".?":
            summary = f"{summary}."
        self._found.append(Diagnostic(severity="error", code=code, summary=summary, detail=detail, path=path, fix=fix))

    def take(self, error: ConfigError) -> None:
        """Note a problem that somebody else found."""
        self._found.append(error.diagnostic())

    def raise_any(self) -> None:
        """Raise one :class:`ConfigError` that holds everything found, if anything was."""
        if self._found:
            count = len(self._found)
            message = "the mapping has one problem" if count == 1 else f"the mapping has {count} problems"
            raise ConfigError(message, code="mapping", where=self.path, problems=self._found)
