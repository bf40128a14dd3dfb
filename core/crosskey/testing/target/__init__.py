"""Tests of targets, one module a subject."""

from crosskey.testing.target.conformance import TargetConformance

__all__ = ("TargetConformance",)
