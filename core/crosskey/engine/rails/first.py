"""A kind of account for which nothing was ever applied: somebody looks before the first change (G20)."""

from __future__ import annotations

from crosskey.config import Config
from crosskey.journal import Journal

__all__ = ("has_begun", "is_first")


def has_begun(journal: Journal, kind: str) -> bool:
    """Whether a run applied rules for this kind and came to its end. Until then the first run goes on."""
    return journal.applied_configuration(kind) is not None


def is_first(journal: Journal, kind: str, config: Config) -> bool:
    """Whether an unattended run has to leave this kind alone until somebody has looked.

    Another journal knows no links and no runs either: what was done before is not known any more.
    """
    return config.rails.first_run == "ask" and not journal.link_count(kind) and not has_begun(journal, kind)
