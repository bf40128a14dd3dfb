"""Drift: values that crosskey owns in the target and that somebody else changed."""

from crosskey.engine.drift.comparing import Comparison, Drifted, compare
from crosskey.engine.drift.drifting import Drifting
from crosskey.engine.drift.report import DriftReport, DriftShown, owner_of, report

__all__ = ("Comparison", "DriftReport", "DriftShown", "Drifted", "Drifting", "compare", "owner_of", "report")
